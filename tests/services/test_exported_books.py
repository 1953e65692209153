"""What a whole export takes along beside the records: closed months, files sent, visits elsewhere."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest

from station_emr.domain.foreign_visit import ForeignVisit
from station_emr.domain.gateway import GatewayMessage, MessageKind, MessageState
from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.permissions import Action, Role
from station_emr.services.report_templates import OWN

from .register_samples import at, write

SENT = b"\xef\xbb\xbf<?xml version='1.0'?><GIAMDINHHS/>"
ELSEWHERE = b"<GIAMDINHHS>noi khac</GIAMDINHHS>"


@pytest.fixture
def visits(station):
    """An open visit and a restricted one, in a month that was closed; each sent to the portal."""
    patient = station.register()
    made = (
        write(station, patient, at(5, month=10)),
        write(station, patient, at(6, month=10), code="B20"),
    )
    station.services.registers.close(
        station.director, Period(PeriodKind.MONTH, 2026, 10), "mat khau"
    )
    with station.store.write() as work:
        for number, one in enumerate(made):
            work.gateways.add(
                GatewayMessage(
                    id=f"tin-{number}",
                    kind=MessageKind.RECORD,
                    encounter_id=one.id,
                    patient_id=patient.id,
                    record_id=one.id,
                    version=1,
                    name="ho-so.xml",
                    standard="3176",
                    state=MessageState.SIGNED,
                    sha256=hashlib.sha256(SENT).hexdigest(),
                    size=len(SENT),
                    created_at=at(7, month=10),
                    signed_at=at(7, month=10),
                ),
                SENT,
            )
            work.foreign_visits.add(
                ForeignVisit(
                    id=f"noi-khac-{number}",
                    patient_id=patient.id,
                    facility_code="99999",
                    link_code=f"MAU{number}",
                    version="3176",
                    arrived_at=at(1, month=9),
                    diagnosis=f"Bệnh ghi bằng chữ {number}",
                    icd_codes=(("I10", "B24")[number],),
                ),
                ELSEWHERE,
            )
        work.settings.put(OWN, '{"bct-09": {}}')
        work.settings.put("server.token", "bi-mat-cua-may")
    return made


def exported(station, tmp_path):
    report = station.services.exports.station(station.director, tmp_path / "x.zip", "Bàn giao")
    with zipfile.ZipFile(tmp_path / "x.zip") as made:
        return report, {name: made.read(name) for name in made.namelist()}


def lines(parts, name):
    return [json.loads(line) for line in parts[f"books/{name}.ndjson"].splitlines()]


def test_the_books_of_the_station_go_along(station, visits, tmp_path):
    report, parts = exported(station, tmp_path)
    (closing,) = lines(parts, "closings")
    assert [one["encounter_id"] for one in closing["content"]] == [one.id for one in visits]
    again = json.dumps(closing["content"], ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(again.encode()).hexdigest() == closing["content_sha256"]
    assert closing["closed_at"].startswith("2026-11-20T08:00:00")
    assert not {"row_id", "closed_utc", "closed_offset"} & set(closing)
    for message in lines(parts, "sent"):
        assert parts[message["file"]] == SENT
        assert message["file"] == f"sent/{message['id']}.xml"
        assert message["sha256"] == hashlib.sha256(SENT).hexdigest()
        assert message["sent_at"] is None
    assert [one["file"] for one in lines(parts, "foreign_visits")] == [
        "foreign/noi-khac-0.xml",
        "foreign/noi-khac-1.xml",
    ]
    assert parts["foreign/noi-khac-1.xml"] == ELSEWHERE
    assert {"key": OWN, "value": '{"bct-09": {}}'} in lines(parts, "settings")
    assert report.left_out == 0


def test_no_token_or_key_of_the_station_is_among_them(station, visits, tmp_path):
    _report, parts = exported(station, tmp_path)
    assert b"bi-mat-cua-may" not in b"".join(parts.values())


def test_every_book_is_described(station, visits, tmp_path):
    _report, parts = exported(station, tmp_path)
    described = parts["DOC-TRUOC.md"].decode()
    books = {n.removeprefix("books/").removesuffix(".ndjson") for n in parts if "books/" in n}
    assert len(books) > 3
    for book in books:
        assert f"`{book}`" in described, book


def test_restricted_lines_of_the_books_stay_with_who_may_not_read_them(station, visits, tmp_path):
    station.services.people.roles.change(
        station.director, [(Role.DIRECTOR, Action.SENSITIVE_VIEW, False)]
    )
    open_one, restricted = visits
    report, parts = exported(station, tmp_path)
    (closing,) = lines(parts, "closings")
    assert [one["encounter_id"] for one in closing["content"]] == [open_one.id]
    assert [one["id"] for one in lines(parts, "sent")] == ["tin-0"]
    assert [one["id"] for one in lines(parts, "foreign_visits")] == ["noi-khac-0"]
    books = b"".join(v for n, v in parts.items() if n.startswith(("books/", "sent/", "foreign/")))
    assert restricted.id.encode() not in books
    assert "Bệnh ghi bằng chữ 1".encode() not in books
    assert "sent/tin-1.xml" not in parts
    # the visit, its line, its file, and the visit elsewhere
    assert report.left_out == 4
