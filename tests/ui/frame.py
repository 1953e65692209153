"""The frame with pages that write down what it asks of them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from station_emr.ui.kit import ChoiceField, LineField, Option, Screen, Shortcut, primary
from station_emr.ui.shell import Identity, MainWindow, ScreenSpec


class Page(Screen):
    """A page that writes down what the frame asks of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.log: list[object] = []
        self.stays = False
        self.takes_scan = False
        self.field = LineField()
        self.field.set_spoken("Lý do")
        self.field.editor.setObjectName(f"{name}.reason")
        self.choice = ChoiceField([("g", "Gia Lai"), ("d", "Đắk Lắk")])
        self.choice.set_spoken("Tỉnh")
        self.call = primary("Gọi", f"{name}.next", Shortcut.NEXT)
        self.call.clicked.connect(lambda: self.log.append("call"))
        for widget in (self.field, self.choice, self.call):
            self.page.addWidget(widget)

    def on_enter(self, context: object = None) -> None:
        self.log.append(("enter", context))

    def on_leave(self) -> bool:
        self.log.append("leave")
        return not self.stays

    def on_scan(self, text: str) -> bool:
        self.log.append(("scan", text))
        return self.takes_scan

    def print_action(self) -> bool:
        self.log.append("print")
        return True

    def save_action(self) -> bool:
        self.log.append("save")
        return True


class Frame(MainWindow):
    def page(self, key: str) -> Page:
        found = self.screen_of(key)
        assert isinstance(found, Page)
        return found


def specs() -> list[ScreenSpec]:
    def spec(key: str, shortcut: Shortcut, *, foot: bool = False) -> ScreenSpec:
        return ScreenSpec(
            key=key,
            title=shortcut.label,
            icon="house",
            shortcut=shortcut,
            build=lambda: Page(key),
            at_foot=foot,
        )

    return [
        spec("today", Shortcut.TODAY),
        spec("patients", Shortcut.PATIENTS),
        spec("sync", Shortcut.SYNC),
        ScreenSpec(key="registration", build=lambda: Page("registration"), under="today"),
        ScreenSpec(key="paper", build=lambda: Page("paper")),
        spec("admin", Shortcut.ADMIN, foot=True),
    ]


IDENTITY = Identity(
    station="Trạm y tế xã Mẫu", place="Điểm chính · Máy 1", user="BS. Nguyễn Thị Mẫu"
)


@pytest.fixture
def window(qtbot: QtBot) -> Frame:
    made = Frame()
    qtbot.addWidget(made)
    made.open(IDENTITY, specs(), user_options=[Option("out", "Đăng xuất")])
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def key(window: Frame, qtbot: QtBot, code: Qt.Key, ctrl: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(QApplication.focusWidget() or window, code, modifier)
