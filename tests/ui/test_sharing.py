"""Who of other stations looked, and consents taken back, by keys, with and without a line."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.permissions import Role
from station_emr.interop.fhir.shared_history import SharedHistory
from station_emr.services.elsewhere import Agreement, Elsewhere
from station_emr.services.sharing import CONSENT_VALID, UNREACHED
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from station_emr.ui.screens.patients import PatientsScreen
from station_emr.ui.screens.sharing import SharingScreen
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]

NUMBER = "064090000001"


def look(number: int, patient: str, basis: str = "consent") -> dict:
    return {
        "sequence": number,
        "at": f"2026-11-1{number}T02:00:00Z",
        "patient": patient,
        "facility": {"code": "MAU2", "name": "Trạm Y tế xã Mẫu Hai"},
        "user": "YS. Người Xem Mẫu",
        "basis": basis,
        "reason": "Khám và điều trị mẫu",
        "resources": 4,
    }


class Line:
    """The province's end, as a test wants it."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self.withdrawn: list[str] = []
        self.cut = False
        self.open = threading.Event()
        self.open.set()

    def _answer(self):
        assert self.open.wait(30)
        if self.cut:
            raise NetworkFailure("cut")

    def ask(self, question):
        self._answer()
        return {"resourceType": "Bundle", "entry": []}

    def withdraw(self, consent_id):
        self._answer()
        self.withdrawn.append(consent_id)

    def looks(self, after):
        self._answer()
        return {"entries": [e for e in self.entries if e["sequence"] > after], "more": False}


class Desk(ScreenDriver):
    def __init__(self, qtbot, station, session) -> None:
        self.line = Line()
        self.station, self.session = station, session
        session.services = replace(
            session.services,
            elsewhere=Elsewhere(
                station.store, station.clock, lambda _w: self.line, SharedHistory()
            ),
        )
        self.person = station.register(national_id=NUMBER)
        super().__init__(qtbot, SharingScreen(session))

    def agree(self) -> None:
        agreement = Agreement(number=NUMBER)
        self.session.services.elsewhere.look(self.session.actor, self.person.id, agreement)

    def enter(self, context: object = None) -> None:
        self.screen.on_enter(context)
        self.rest()

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    @property
    def words(self) -> str:
        shown = self.screen.findChildren(QLabel)
        return "\n".join(one.text() for one in shown if one.isVisibleTo(self.screen))


@pytest.fixture
def desk(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.NURSE))


def test_who_looked_is_listed_with_place_time_and_purpose(desk) -> None:
    desk.line.entries = [look(1, desk.person.id), look(2, "khong-co-o-day", "emergency")]
    desk.enter()
    [emergency, agreed] = [
        line.split("\t") for line in desk.screen.looks.as_text(only_chosen=False).splitlines()[1:]
    ]
    assert agreed == [
        "09:00 11/11/2026",
        desk.person.full_name,
        "Trạm Y tế xã Mẫu Hai",
        "YS. Người Xem Mẫu",
        "Đồng ý",
        "Khám và điều trị mẫu",
    ]
    assert emergency[1] == "(chưa có trên máy này)"
    assert emergency[4] == "Khẩn cấp"
    assert "Tỉnh trả lời lúc 08:00 20/11/2026" in desk.words
    assert "Trạm Y tế xã Mẫu Hai, YS. Người Xem Mẫu. Khám và điều trị mẫu. 4 mục" in desk.words
    desk.sweep()


def test_without_a_line_the_last_answer_stands_with_its_date(desk) -> None:
    desk.line.entries = [look(1, desk.person.id)]
    desk.enter()
    desk.station.clock.forward(days=1)
    desk.line.cut = True
    desk.enter()
    assert len(desk.screen.looks.rows) == 1
    assert UNREACHED in desk.words
    assert "Tỉnh trả lời lúc 08:00 20/11/2026" in desk.words
    desk.line.cut = False
    desk.press_button("sharing.ask")
    desk.rest()
    assert UNREACHED not in desk.words
    assert "Tỉnh trả lời lúc 08:00 21/11/2026" in desk.words


def test_the_list_is_there_before_the_province_answers(desk) -> None:
    desk.line.entries = [look(1, desk.person.id)]
    desk.enter()
    desk.line.open.clear()
    desk.screen.on_enter()
    desk.until(lambda: len(desk.screen.looks.rows) == 1)
    assert not desk.screen.ask_again.isEnabled()
    desk.line.open.set()
    desk.rest()
    assert desk.screen.ask_again.isEnabled()


def test_a_consent_is_taken_back_after_a_yes(desk, answers) -> None:
    desk.agree()
    desk.enter(routes.SharingRoute(desk.person.id))
    [given] = desk.screen.consents.rows
    assert desk.person.full_name in desk.words
    answers.next = [False]
    desk.press_button("sharing.withdraw")
    desk.rest()
    assert desk.line.withdrawn == []
    answers.next = [True]
    desk.press_button("sharing.withdraw")
    desk.until_said("Tỉnh đã nhận")
    desk.rest()
    assert desk.line.withdrawn == [given.id]
    assert "Đã rút lại" in desk.screen.consents.as_text(only_chosen=False)
    assert not desk.screen.withdraw.isEnabled()
    desk.sweep()


def test_without_a_line_it_is_taken_back_here_and_told_the_next_time(desk, answers) -> None:
    desk.agree()
    desk.line.cut = True
    desk.enter(routes.SharingRoute(desk.person.id))
    answers.next = [True]
    desk.press_button("sharing.withdraw")
    desk.until_said("Chưa báo được cho tỉnh")
    assert [message.severity for message in desk.messages] == [Severity.WARNING]
    desk.rest()
    assert "chờ báo tỉnh" in desk.screen.consents.as_text(only_chosen=False)
    desk.line.cut = False
    desk.enter()
    assert len(desk.line.withdrawn) == 1
    assert "chờ báo tỉnh" not in desk.screen.consents.as_text(only_chosen=False)


def test_what_has_run_out_cannot_be_taken_back(desk) -> None:
    desk.agree()
    desk.station.clock.forward(hours=CONSENT_VALID.days * 24, minutes=1)
    desk.enter(routes.SharingRoute(desk.person.id))
    assert "Hết hạn" in desk.screen.consents.as_text(only_chosen=False)
    assert not desk.screen.withdraw.isEnabled()


def test_one_person_and_then_everybody(desk) -> None:
    other = desk.station.register()
    desk.line.entries = [look(1, desk.person.id), look(2, other.id)]
    desk.enter(routes.SharingRoute(desk.person.id))
    assert len(desk.screen.looks.rows) == 1
    desk.press_button("sharing.everybody")
    desk.rest()
    assert len(desk.screen.looks.rows) == 2
    assert not desk.screen.everybody.isVisibleTo(desk.screen)


def test_the_page_of_a_person_leads_here(qtbot, desk) -> None:
    patients = PatientsScreen(desk.session)
    driver = ScreenDriver(qtbot, patients)
    patients.on_enter(routes.PatientRoute(desk.person.id))
    desk.rest()
    driver.press_button("patients.elsewhere")
    driver.press_button("elsewhere.given")
    assert driver.went == [(routes.SHARING, routes.SharingRoute(desk.person.id))]
