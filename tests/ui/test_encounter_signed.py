"""Signing rights, amendments and cancellations of a visit, by keys over a real station."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from station_emr.domain.encounter import Stage
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordStatus
from station_emr.ui.kit import dialogs
from tests.ui.encounter_desk import Desk, drug, ready

ENTER = Qt.Key.Key_Return


def test_a_nurse_prepares_but_cannot_sign(desk_of, station, visit_id: str) -> None:
    desk = desk_of(Role.NURSE)
    desk.open(visit_id)
    ready(desk)
    assert not desk.screen.outcome.sign.isEnabled()
    assert "mới ký được" in desk.screen.outcome.note.text()
    desk.sign()
    desk.screen._sign()
    desk.idle()
    assert desk.said == []
    desk.screen.on_leave()
    desk.idle()
    kept = station.services.encounters.get(station.nurse, visit_id)
    assert (kept.status, kept.record.reason) == (RecordStatus.DRAFT, "Đau đầu")
    assert kept.record.stage is Stage.WAITING


def test_an_inspector_only_reads(desk_of, station, visit_id: str) -> None:
    desk = desk_of(Role.INSPECTOR)
    desk.open(visit_id)
    reason = desk.screen.findChild(QLineEdit, "encounter.reason")
    assert reason is not None
    assert reason.isReadOnly()
    assert not desk.screen.outcome.sign.isVisible()
    assert not desk.form.prescription.entry.isVisible()


# -- after the signature -----------------------------------------------------------------------


class Says(dialogs.QtDialogs):
    """Gives the same text to every question."""

    def __init__(self, text: str | None) -> None:
        self.given = text

    def ask_text(self, *_args: object, **_named: object) -> str | None:
        return self.given


@pytest.fixture
def says(request):
    before = dialogs.use_dialogs(Says("Bổ sung lời dặn"))
    yield
    dialogs.use_dialogs(before)


def test_a_signed_visit_is_read_only_until_amended_with_a_reason(
    desk: Desk, station, visit_id: str, says
) -> None:
    ready(desk)
    desk.sign()
    reason = desk.screen.findChild(QLineEdit, "encounter.reason")
    assert reason is not None
    assert reason.isReadOnly()
    assert desk.form.state.spec.lead == "Đã ký"
    assert not desk.form.diagnoses.entry.isVisible()
    desk.screen.outcome.amend.click()
    assert not reason.isReadOnly()
    desk.go("closing.advice")
    desk.type("Ăn nhạt")
    desk.screen.outcome.keep_amendment.click()
    desk.idle()
    stored = station.services.encounters.get(station.doctor, visit_id)
    assert (stored.status, stored.version, stored.record.advice) == (
        RecordStatus.AMENDED,
        2,
        "Ăn nhạt",
    )
    with station.store.read() as work:
        assert work.encounters.at_version(visit_id, 1).advice == ""
    assert desk.form.state.spec.lead == "Đã sửa đổi"


def test_a_signed_visit_is_voided_with_a_reason(desk: Desk, station, visit_id: str, says) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "7")
    desk.sign()
    desk.screen.outcome.void.click()
    desk.idle()
    paper = station.services.prescriptions.of_encounter(station.doctor, visit_id)
    assert paper is not None
    assert paper.status is RecordStatus.VOIDED
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.VOIDED
    assert desk.form.state.spec.lead == "Đã hủy"
    assert not desk.screen.outcome.amend.isVisible()


def test_an_amendment_carries_the_papers_with_it(desk: Desk, station, visit_id: str, says) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "7")
    desk.sign()
    desk.screen.outcome.amend.click()
    desk.go("prescription.lines.0.days")
    desk.type("14")
    desk.go("closing.follow_up")
    desk.type("14")
    desk.screen.outcome.keep_amendment.click()
    desk.idle()
    paper = station.services.prescriptions.of_encounter(station.doctor, visit_id)
    assert paper is not None
    assert (paper.status, paper.record.lines[0].days) == (RecordStatus.AMENDED, 14)
    slip = station.services.appointments.of_encounter(station.doctor, visit_id)
    assert slip is not None
    assert slip.status is RecordStatus.SIGNED
    visit = station.services.encounters.get(station.doctor, visit_id)
    assert visit.status is RecordStatus.SIGNED


def test_an_amendment_without_a_change_is_refused(desk: Desk, station, visit_id: str, says) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "7")
    desk.sign()
    desk.screen.outcome.amend.click()
    desk.screen.outcome.keep_amendment.click()
    desk.idle()
    assert "Chưa có gì thay đổi" in desk.said[-1][0]
    paper = station.services.prescriptions.of_encounter(station.doctor, visit_id)
    assert paper is not None
    assert paper.version == 1


def test_an_amendment_that_was_left_is_found_again(
    desk: Desk, station, visit_id: str, says
) -> None:
    ready(desk)
    desk.sign()
    desk.screen.outcome.amend.click()
    desk.idle()
    reason = desk.screen.findChild(QLineEdit, "encounter.reason")
    reason.setText("Lý do gõ dở")
    desk.screen._changed()
    desk.screen.on_leave()
    desk.idle()
    desk.open(visit_id)
    assert reason.text() != "Lý do gõ dở"  # the signed visit is what is shown
    dialogs.use_dialogs(Says(None))  # the reason is kept too: nobody is asked again
    desk.screen.outcome.amend.click()
    desk.idle()
    assert reason.text() == "Lý do gõ dở"
    desk.screen.outcome.keep_amendment.click()
    desk.idle()
    kept = station.services.encounters.get(station.doctor, visit_id)
    assert (kept.version, kept.record.reason) == (2, "Lý do gõ dở")
    assert desk.screen._file.typed is None


def test_an_amendment_that_was_given_up_is_gone(desk: Desk, visit_id: str, says) -> None:
    ready(desk)
    desk.sign()
    desk.screen.outcome.amend.click()
    desk.idle()
    desk.screen.findChild(QLineEdit, "encounter.reason").setText("Lý do gõ dở")
    desk.screen._changed()
    desk.screen.signing.typed.flush()
    desk.idle()
    desk.screen.outcome.drop_amendment.click()
    desk.idle()
    desk.open(visit_id)
    assert desk.screen._file.typed is None
