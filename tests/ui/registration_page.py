"""The registration in a window over a real station, as a nurse meets it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from station_emr.domain.permissions import Role
from station_emr.domain.record import Sex
from station_emr.ui.screens.registration import RegistrationScreen
from tests.ui.keys import press, type_text

PATIENCE = 30_000  # milliseconds; a busy machine is slow, not wrong


class Page:
    """The screen as a nurse meets it."""

    def __init__(self, qtbot, session, context: object = None) -> None:
        self.qtbot = qtbot
        self.session = session
        self.screen = RegistrationScreen(session)
        qtbot.addWidget(self.screen)
        self.gone: list[tuple[str, object]] = []
        self.said: list[str] = []
        self.screen.navigate.connect(lambda key, route: self.gone.append((key, route)))
        self.screen.message.connect(lambda message: self.said.append(message.text))
        self.screen.resize(1178, 682)  # what the frame leaves of 1366 × 768
        self.screen.show()
        qtbot.waitUntil(self.screen.isVisible)
        self.enter(context)

    def enter(self, context: object = None) -> None:
        self.screen.on_enter(context)
        self.rest()

    def rest(self) -> None:
        """Until the database has answered everything that was asked."""
        self.qtbot.waitUntil(
            lambda: self.screen._looked and self.session.runner.busy == 0, timeout=PATIENCE
        )

    @property
    def state(self):
        return self.screen.form.state

    @property
    def people(self) -> list[str]:
        return [like.row.full_name for like in self.screen.panel.people]

    def editor(self, name: str) -> QWidget:
        found = self.screen.findChild(QWidget, name)
        assert found is not None, name
        return found

    def type(self, name: str, text: str) -> None:
        editor = self.editor(name)
        editor.setFocus()
        clear = getattr(editor, "clear", None)
        if clear is not None:
            clear()
        type_text(editor, text)

    def enter_key(self, name: str) -> None:
        press(self.editor(name), "", Qt.Key.Key_Return)

    def choose(self, name: str, text: str) -> None:
        """Type, wait for the answers, take the first."""
        self.type(name, text)
        editor = self.editor(name)
        self.qtbot.waitUntil(lambda: list_of(editor).isVisible())
        press(editor, "", Qt.Key.Key_Down)
        press(editor, "", Qt.Key.Key_Return)

    def sex(self, sex: Sex) -> None:
        buttons = self.screen.form.identity.sex.buttons
        buttons[[Sex.MALE, Sex.FEMALE, Sex.UNKNOWN].index(sex)].click()

    def scan(self, text: str) -> bool:
        taken = self.screen.on_scan(text)
        self.rest()
        return taken

    def tick(self, name: str) -> None:
        press(self.editor(name), " ", Qt.Key.Key_Space)

    def save(self, button: str = "queue") -> None:
        self.qtbot.mouseClick(getattr(self.screen, button), Qt.MouseButton.LeftButton)
        self.rest()

    @property
    def banner(self) -> str:
        message = self.screen.banner.message
        return message.text if message else ""

    def act(self) -> None:
        """The button of the banner."""
        self.qtbot.mouseClick(self.editor("registration.banner.action"), Qt.MouseButton.LeftButton)
        self.rest()


def list_of(editor: QWidget) -> QWidget:
    field = editor.parentWidget()
    while field is not None and not hasattr(field, "typeahead"):
        field = field.parentWidget()
    assert field is not None
    return field.typeahead.list


@pytest.fixture
def page(qtbot, session_of):
    return Page(qtbot, session_of(Role.NURSE))


def find(station, text: str):
    return station.services.patients.search(station.nurse, text)
