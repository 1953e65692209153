"""What is taken out of the log is either all of it or says plainly which part it is."""

from __future__ import annotations

import pytest

from station_emr.domain.audit import AuditFilter
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.services import audit_trail
from tests.printing.pdf import text


def text_of(pdf: bytes) -> str:
    return " ".join(text(pdf).split())


def fill(station, lines: int, patient: str = "p") -> None:
    with station.store.write() as work:
        for _line in range(lines):
            work.audit.append(
                station.nurse, "patient.view", station.clock.now(), patient_id=patient
            )


def test_a_page_that_holds_a_part_names_its_first_line(station, monkeypatch) -> None:
    monkeypatch.setattr(audit_trail, "MOST_ON_PAPER", 4)
    fill(station, 10)
    wanted = AuditFilter(patient_id="p")
    with station.store.read() as work:
        rows = work.audit.rows(10, None, wanted)
    said = text_of(station.services.trail.export(station.director, wanted, as_pdf=True))
    assert "In 4 dòng mới nhất trong 10 dòng" in said
    assert f"bắt đầu từ dòng số {rows[3].seq}," in said
    assert "tệp Excel" in said


def test_a_page_that_holds_all_speaks_of_no_part(station) -> None:
    fill(station, 10)
    wanted = AuditFilter(patient_id="p")
    assert station.services.trail.count(station.director, wanted) == 10
    said = text_of(station.services.trail.export(station.director, wanted, as_pdf=True))
    assert "In 10 dòng." in said
    assert "bắt đầu từ dòng số" not in said


def test_the_report_of_one_person_leaves_nobody_out(station) -> None:
    person = station.register()
    fill(station, 5_050, person.id)
    report = station.services.trail.access_report(station.director, person.id)
    assert len(report.rows) > 5_050
    assert [row.seq for row in report.rows] == sorted(row.seq for row in report.rows)
    assert report.rows[0].action == "patient.register"


def test_the_number_of_lines_is_told_to_who_reads_the_log(station) -> None:
    for role in (Role.NURSE, Role.DOCTOR):
        with pytest.raises(PermissionDenied):
            station.services.trail.count(station.actor(role), AuditFilter())
