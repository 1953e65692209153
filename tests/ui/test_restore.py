"""The way back from a copy, by keys: from a spoilt database to a station that opens again."""

from __future__ import annotations

import sys
import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton

from station_emr.app import Program
from station_emr.ui.kit import Severity
from station_emr.ui.screens.login import LoginPage, TroublePage
from station_emr.ui.screens.restore import RestorePage
from station_emr.ui.screens.setup import SetupPage
from tests.security.test_restoring import PASSWORD, kept_folders, made, people, place
from tests.ui.driver import answers
from tests.ui.keys import press, type_text
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers", "made", "place"]


class Window:
    def __init__(self, qtbot, program) -> None:
        self.qtbot = qtbot
        self.program = program

    @property
    def cover(self):
        return self.program.window._cover

    def meets(self, kind):
        self.qtbot.waitUntil(lambda: isinstance(self.cover, kind))
        return self.cover

    def press(self, name: str) -> None:
        self.cover.findChild(QPushButton, name).click()

    def found(self) -> RestorePage:
        page = self.meets(RestorePage)
        self.qtbot.waitUntil(lambda: page.look.isEnabled() and bool(page.table.rows))
        return page

    def says(self, words: str) -> None:
        page = self.cover
        self.qtbot.waitUntil(
            lambda: page.banner.message is not None and words in page.banner.message.text,
        )


@pytest.fixture
def window(qtbot, place):
    programs = []

    def start(folder=None) -> Window:
        folder = folder or place.folder
        folder.mkdir(exist_ok=True)
        program = Program(QApplication.instance(), folder, place.clock(5), demo=False)
        programs.append(program)
        program.window.show()
        qtbot.waitActive(program.window)
        program.desk.start()
        return Window(qtbot, program)

    hooks = sys.excepthook, threading.excepthook
    yield start
    for program in programs:
        program.window.close()
        program.end()
        program.window.deleteLater()
        program.deleteLater()
    sys.excepthook, threading.excepthook = hooks


def test_from_a_spoilt_database_to_a_station_that_opens(window, place, answers, qtbot) -> None:
    path = place.folder / "station.db"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    driver = window()
    login = driver.meets(LoginPage)
    login.choose("giamdoc")
    login.password.set_value(PASSWORD)
    press(login.password.editor, key=Qt.Key.Key_Return)

    trouble = driver.meets(TroublePage)
    qtbot.waitUntil(lambda: str(place.copy) in trouble.copy.text())
    driver.press("trouble.restore")
    page = driver.found()
    assert page.table.current().place == str(place.copy)
    assert duplicate_mnemonics(page) == []

    page.look.click()
    driver.says("Hãy nhập tên đăng nhập")
    page.username.set_value("giamdoc")
    page.password.set_value("sai mật khẩu")
    page.look.click()
    driver.says("Sai mật khẩu")
    page.password.set_value(PASSWORD)
    page.look.click()
    driver.says("Không đọc được hồ sơ đang có")
    qtbot.waitUntil(lambda: page.go.isVisible() and page.go.isEnabled())
    answers.next = [True]
    page.go.click()

    driver.meets(LoginPage)
    (kept,) = kept_folders(place.folder)
    assert (kept / "station.db").read_bytes() == bytes(content)
    station = place.open(6)
    assert people(station) == ["Người Mẫu Cũ"]
    station.close()


def test_the_preview_says_what_would_be_lost_and_back_changes_nothing(window, place, qtbot) -> None:
    before = (place.folder / "station.db").read_bytes()
    driver = window()
    driver.meets(LoginPage)
    driver.press("login.restore")
    page = driver.found()
    page.code.set_value(place.code)
    page.look.click()
    driver.says("1 hồ sơ của máy này")
    assert page.banner.message.severity is Severity.WARNING
    assert "Người Mẫu Mới" in page.told.text()
    qtbot.waitUntil(lambda: page.go.isVisible() and page.go.isEnabled())

    type_text(page.code.editor, "X")  # another secret: the preview does not count any more
    assert not page.go.isVisible()
    page.cancel.click()

    driver.meets(LoginPage)
    assert (place.folder / "station.db").read_bytes() == before
    assert kept_folders(place.folder) == []


def test_a_new_machine_finds_the_copy_where_it_is_told(window, place, answers, qtbot) -> None:
    driver = window(place.root / "new-pc")
    driver.meets(SetupPage)
    driver.press("setup.restore")
    page = driver.meets(RestorePage)
    driver.says("Chưa thấy bản sao nào")
    qtbot.waitUntil(page.other.isEnabled)
    answers.next = [place.usb, True]
    page.other.click()
    driver.found()
    page.code.set_value(place.code)
    page.look.click()
    qtbot.waitUntil(lambda: page.go.isVisible() and page.go.isEnabled())
    page.go.click()

    driver.meets(LoginPage)
    station = place.open(6, folder=place.root / "new-pc")
    assert people(station) == ["Người Mẫu Cũ"]
    station.close()
