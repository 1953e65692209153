"""The sick-leave certificate by keys: typed, kept, signed, issued again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import Coverage
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, Sex
from station_emr.ui.models import routes
from station_emr.ui.screens.certificates import CertificateScreen
from tests.services.visit_samples import sign, visit
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]
CARD = Coverage(number="DN4640000000001", valid_to=date(2026, 12, 31))


class Desk(ScreenDriver):
    def __init__(self, qtbot, station, session, *, signed: bool = True) -> None:
        self.station, self.session = station, session
        person = station.register(
            birth=BirthDate(1990, 2, 3), sex=Sex.FEMALE, coverages=(CARD,), workplace="Công ty Mẫu"
        )
        self.visit = visit(station, person)
        if signed:
            sign(station, self.visit)
        super().__init__(qtbot, CertificateScreen(session))
        self.open()

    def open(self) -> None:
        self.screen.on_enter(routes.CertificateRoute(self.visit.id))
        self.rest()

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    @property
    def kept(self):
        return self.station.services.certificates.of_encounter(self.station.doctor, self.visit.id)


@pytest.fixture
def desk(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.DOCTOR))


def test_it_is_filled_typed_and_signed(desk) -> None:
    assert desk.find("certificate.social_insurance_no").text() == "0000000001"
    assert desk.find("certificate.workplace").text() == "Công ty Mẫu"
    desk.sweep()
    assert duplicate_mnemonics(desk.screen) == []
    desk.type("certificate.days", "3")
    assert desk.find("certificate.last_day").text() == "22/11/2026"
    desk.press_button("certificate.sign")
    desk.rest()
    assert desk.kept.record.days == 3
    assert desk.kept.record.number
    desk.screen.print_action()
    route = routes.PreviewRoute(RecordKind.CERTIFICATE, desk.kept.record.id)
    assert desk.went[-1] == (routes.PREVIEW, route)


def test_what_is_missing_stands_at_its_field(desk) -> None:
    desk.screen.form.form.field("workplace").set_value("")
    desk.type("certificate.days", "31")
    desk.press_button("certificate.sign")
    desk.rest()
    assert desk.kept is None or not desk.kept.record.number
    assert "đơn vị làm việc" in desk.screen.form.form.field("workplace").problem
    assert "Nhiều nhất 30 ngày" in desk.screen.form.form.field("days").problem


def test_the_limit_follows_what_is_typed(desk) -> None:
    form = desk.screen.form
    assert "30 ngày" in form.days.note
    form.ended.set_value(True)
    form.form.changed.emit("pregnancy_ended")
    desk.type("certificate.gestation_weeks", "14")
    assert "50 ngày" in form.days.note


def test_a_draft_is_kept_when_the_page_is_left(desk) -> None:
    desk.type("certificate.days", "4")
    assert desk.screen.on_leave()
    desk.rest()
    assert desk.kept.record.days == 4
    desk.type("certificate.days", "5")
    desk.open()
    assert desk.find("certificate.days").text() == "4"


def test_before_the_visit_is_signed_it_is_only_a_draft(qtbot, station, session_of) -> None:
    desk = Desk(qtbot, station, session_of(Role.DOCTOR), signed=False)
    assert not desk.find("certificate.sign").isEnabled()
    assert "Lượt khám chưa ký" in desk.screen.banner.message.text
    sign(station, desk.visit)
    desk.open()
    assert desk.find("certificate.sign").isEnabled()


def test_a_nurse_prepares_and_does_not_sign(qtbot, station, session_of) -> None:
    desk = Desk(qtbot, station, session_of(Role.NURSE))
    assert not desk.find("certificate.sign").isVisible()
    desk.type("certificate.days", "2")
    desk.screen.on_leave()
    desk.rest()
    assert desk.kept.record.days == 2


def test_it_is_issued_again_amended_and_voided(desk, answers, monkeypatch) -> None:
    from station_emr.ui.kit import dialogs

    before = dialogs.use_dialogs(answers)
    monkeypatch.setattr(dialogs, "_restore", before, raising=False)
    desk.type("certificate.days", "3")
    desk.press_button("certificate.sign")
    desk.rest()
    first = desk.kept.record.number
    answers.next = ["Người bệnh làm mất"]
    desk.press_button("certificate.reissue")
    desk.rest()
    assert desk.kept.record.reissue_of == first
    assert desk.screen.chip.text == "Cấp lại"
    answers.next = ["Nghỉ thêm"]
    desk.press_button("certificate.amend")
    desk.type("certificate.days", "5")
    desk.press_button("certificate.sign")
    desk.rest()
    assert desk.kept.record.days == 5
    answers.next = ["Cấp nhầm"]
    desk.press_button("certificate.void")
    desk.rest()
    assert desk.screen._opened.voided_number == desk.kept.record.number
    dialogs.use_dialogs(before)


def test_back_is_the_visit(desk) -> None:
    assert desk.screen.on_back()
    assert desk.went[-1] == (routes.ENCOUNTER, routes.EncounterRoute(desk.visit.id))


def test_a_child_is_asked_for_its_parents(qtbot, station, session_of) -> None:
    desk = Desk(qtbot, station, session_of(Role.DOCTOR))
    assert not desk.find("certificate.father_name").isEnabled()
    opened = desk.screen._opened
    child = replace(opened.patient, birth=BirthDate(2022, 1, 1))
    desk.screen._show(replace(opened, patient=child))
    assert desk.find("certificate.father_name").isEnabled()
    assert not desk.screen.form.ended.isVisible()
