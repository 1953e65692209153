"""Other stations' records in a person's chart: the form, the answer, and nothing that stays."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from station_emr.domain.errors import NetworkFailure, UserError
from station_emr.domain.patient import Coverage
from station_emr.domain.permissions import Role
from station_emr.interop.fhir.shared_history import SharedHistory
from station_emr.services.elsewhere import OFFLINE, Basis, Elsewhere
from station_emr.ui.models import routes
from station_emr.ui.screens.patients import PatientsScreen
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

PATIENCE = 30_000
SOURCE = {"system": "https://mau.example/source-facility", "code": "MAU2", "display": "Trạm mẫu 2"}
META = {"tag": [SOURCE], "lastUpdated": "2026-11-20T01:00:00Z"}
ANSWER = {
    "resourceType": "Bundle",
    "entry": [
        {
            "resource": {
                "resourceType": "Encounter",
                "id": "e1",
                "meta": META,
                "period": {"start": "2026-11-02T08:00:00+07:00"},
                "reasonCode": [{"text": "Ho mẫu"}],
            }
        },
        {
            "resource": {
                "resourceType": "AllergyIntolerance",
                "id": "a1",
                "meta": META,
                "code": {"text": "Thuốc mẫu"},
                "criticality": "high",
            }
        },
    ],
}


class Line:
    """The network's end, as a test wants it."""

    def __init__(self) -> None:
        self.questions: list[dict] = []
        self.fault: Exception | None = None
        self.open = threading.Event()
        self.open.set()

    def ask(self, question):
        self.questions.append(question)
        assert self.open.wait(PATIENCE / 1000)
        if self.fault is not None:
            raise self.fault
        return ANSWER


class Desk:
    def __init__(self, qtbot, station, session) -> None:
        self.qtbot = qtbot
        self.line = Line()
        session.services = replace(
            session.services,
            elsewhere=Elsewhere(
                station.store, station.clock, lambda _w: self.line, SharedHistory()
            ),
        )
        self.session = session
        self.person = station.register(
            national_id="064090000001", coverages=(Coverage(number="GD4640000000001"),)
        )
        self.screen = PatientsScreen(session)
        qtbot.addWidget(self.screen)
        self.screen.resize(1178, 682)
        self.screen.show()
        self.screen.on_enter(routes.PatientRoute(self.person.id))
        self.rest()
        self.page = self.screen.elsewhere_page

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0, timeout=PATIENCE)

    def click(self, button) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        self.rest()

    def begin(self) -> None:
        self.click(self.screen.elsewhere)

    def sees(self, text: str) -> None:
        self.qtbot.waitUntil(lambda: text in self.words, timeout=PATIENCE)

    @property
    def words(self) -> str:
        shown = self.page.findChildren(QLabel)
        return "\n".join(one.text() for one in shown if one.isVisibleTo(self.page))


@pytest.fixture
def desk(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.DOCTOR))


def test_the_answer_stands_beside_the_form_with_its_source(desk) -> None:
    desk.begin()
    desk.click(desk.page.look)
    desk.sees("Lượt khám, 02/11/2026")
    desk.sees("Trạm mẫu 2")
    desk.sees("Thuốc mẫu (nặng)")
    [question] = desk.line.questions
    named = {part["name"]: part for part in question["parameter"]}
    assert named["number"]["valueString"] == "064090000001"
    assert named["consent"]["resource"]["patient"] == {"reference": f"Patient/{desk.person.id}"}


def test_numbers_are_masked_on_the_screen(desk) -> None:
    desk.begin()
    shown = [desk.page.number.combo.itemText(n) for n in range(desk.page.number.combo.count())]
    assert shown == ["Căn cước (CCCD) ••• 0001", "Thẻ BHYT ••• 0001", "Không có, tỉnh đã xác nhận"]


def test_a_missing_witness_is_told_beside_its_field(desk) -> None:
    desk.begin()
    desk.page.basis.set_value(Basis.VERBAL)
    desk.page.basis.changed.emit()
    desk.click(desk.page.look)
    assert desk.page.witness.problem is not None
    assert desk.line.questions == []


@pytest.mark.parametrize("fault", [NetworkFailure("cut"), UserError("Tỉnh không cho xem mẫu.")])
def test_offline_and_refusals_are_said_plainly(desk, fault) -> None:
    desk.line.fault = fault
    desk.begin()
    desk.click(desk.page.look)
    told = OFFLINE if isinstance(fault, NetworkFailure) else str(fault)
    desk.sees(told)
    assert desk.page.look.isEnabled()


def test_nothing_of_another_station_stays(desk) -> None:
    for leave in (
        lambda: desk.click(desk.page.back),
        desk.screen.on_back,
        desk.screen.on_lock,
        desk.screen.on_leave,
    ):
        desk.screen.on_enter(routes.PatientRoute(desk.person.id))
        desk.rest()
        desk.begin()
        desk.click(desk.page.look)
        desk.sees("Thuốc mẫu")
        leave()
        desk.rest()
        assert desk.screen._stack.currentWidget() is desk.screen.page_of_person
        assert "Thuốc mẫu" not in desk.words


def test_an_answer_that_comes_late_is_not_shown(desk) -> None:
    desk.line.open.clear()
    desk.begin()
    desk.qtbot.mouseClick(desk.page.look, Qt.MouseButton.LeftButton)
    assert desk.screen.on_back()
    desk.line.open.set()
    desk.rest()
    assert "Thuốc mẫu" not in desk.words


def test_a_change_of_the_record_does_not_close_the_page(desk) -> None:
    desk.begin()
    desk.click(desk.page.look)
    desk.screen._read()
    desk.rest()
    assert desk.screen._stack.currentWidget() is desk.page
    desk.sees("Thuốc mẫu")


def test_who_may_not_see_visits_has_no_button(qtbot, station, session_of) -> None:
    desk = Desk(qtbot, station, session_of(Role.ADMINISTRATOR))
    assert not desk.screen.elsewhere.isVisibleTo(desk.screen)


def test_every_part_has_a_name_and_room(desk) -> None:
    desk.begin()
    desk.click(desk.page.look)
    assert unnamed(desk.screen) == []
    assert without_object_name(desk.screen) == []
    assert duplicate_mnemonics(desk.screen) == []
    assert clipped(desk.screen) == []
