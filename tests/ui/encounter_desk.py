"""The visit screen in a window over a real station, driven by keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import Allergy
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from station_emr.ui.screens.encounter import EncounterScreen
from tests.ui.keys import press, type_text

ENTER = Qt.Key.Key_Return


class Desk:
    """The page as hands meet it: focus, keys, and what can be read."""

    def __init__(self, qtbot: QtBot, session, screen: EncounterScreen) -> None:
        self.qtbot, self.session, self.screen = qtbot, session, screen
        self.gone: list[tuple[str, object]] = []
        self.said: list[tuple[str, Severity]] = []
        screen.navigate.connect(lambda key, context: self.gone.append((key, context)))
        screen.message.connect(lambda m: self.said.append((m.text, m.severity)))

    @property
    def form(self):
        return self.screen.form

    def idle(self) -> None:
        """Until nothing is on its way and no timer of the page is about to start something."""
        judging = self.screen._judging
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0 and not judging.isActive())

    def open(self, encounter_id: str) -> None:
        self.screen.on_enter(routes.EncounterRoute(encounter_id))
        self.idle()

    def at(self) -> str:
        focused = QApplication.focusWidget()
        return focused.objectName() if focused is not None else ""

    def go(self, name: str) -> QWidget:
        """Focus the widget of this name; a row just added is shown by the next turn of the loop."""

        def shown() -> list[QWidget]:
            return [w for w in self.screen.findChildren(QWidget, name) if w.isVisible()]

        self.qtbot.waitUntil(lambda: len(shown()) == 1)
        shown()[0].setFocus()
        return shown()[0]

    def type(self, text: str) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QLineEdit):
            focused.selectAll()
        type_text(focused, text)

    def enter(self) -> None:
        press(QApplication.focusWidget(), key=ENTER)

    def choose(self, text: str) -> None:
        """Type into a line with answers and take the first of them."""
        line = QApplication.focusWidget()
        assert isinstance(line, QLineEdit)
        self.type(text)
        self.enter()
        self.idle()
        if line.text():
            self.enter()
            self.idle()

    def text(self, name: str) -> str:
        found = self.screen.findChild(QWidget, name)
        if isinstance(found, QPlainTextEdit):
            return found.toPlainText()
        assert isinstance(found, QLineEdit), name
        return found.text()

    def sign(self) -> None:
        press(QApplication.focusWidget(), key=ENTER, modifiers=Qt.KeyboardModifier.ControlModifier)
        self.idle()


@pytest.fixture
def patient(station):
    return station.register(
        full_name="Kpă Y Mẫu",
        birth=BirthDate(1965, 3, 12),
        conditions=(),
        allergies=(Allergy(substance="Penicillin", group="penicillin"),),
    )


@pytest.fixture
def visit_id(station, patient) -> str:
    made = station.services.encounters.check_in(station.nurse, patient.id)
    return made.id_of(RecordKind.ENCOUNTER)


@pytest.fixture
def desk_of(qtbot: QtBot, session_of) -> Callable[..., Desk]:
    def make(role: Role = Role.DOCTOR) -> Desk:
        session = session_of(role)
        screen = EncounterScreen(session)
        qtbot.addWidget(screen)
        screen.resize(1178, 682)
        screen.show()
        screen.activateWindow()
        qtbot.waitUntil(screen.isActiveWindow)
        return Desk(qtbot, session, screen)

    return make


@pytest.fixture
def desk(desk_of, visit_id) -> Desk:
    made = desk_of()
    made.open(visit_id)
    return made


def drug(desk: Desk, name: str, dose: str, times: str, days: str) -> None:
    desk.go("prescription.drug")
    desk.choose(name)
    for cell in (dose, times, days):
        desk.type(cell)
        desk.enter()
    desk.idle()


def ready(desk: Desk) -> None:
    """What a signature asks for, by the fields themselves."""
    desk.go("encounter.reason")
    desk.type("Đau đầu")
    desk.go("encounter.diagnosis")
    desk.choose("I10")
    desk.go("closing.result")
    desk.type("do")
    desk.idle()


# -- the whole visit ---------------------------------------------------------------------------
