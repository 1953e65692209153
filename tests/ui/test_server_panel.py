"""The page of the province's server: its address, this machine's enrolment, what the link may cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Role
from station_emr.domain.sync import DAILY_BYTES, NOT_ON_METERED
from station_emr.services.enrolment import Enrolment
from station_emr.ui.screens.settings.server_panel import url_problem
from tests.ui.driver import answers
from tests.ui.settings_page import Page
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("", True),
        ("https://tinh.example/fhir", True),
        ("http://127.0.0.1:8080/fhir", True),
        ("http://localhost:8080", True),
        ("http://tinh.example/fhir", False),
        ("tinh.example", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_the_record_leaves_only_encrypted(url, allowed) -> None:
    assert (url_problem(url) is None) is allowed


def test_the_server_and_token_are_kept_and_the_token_is_never_shown(
    qtbot, session_of, station
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: "Xin mã này" in panel.token.note)

    page.type("server.url", "http://tinh.example/fhir")
    page.type("server.token", "ma-mau")
    page.shortcut(Qt.Key.Key_S)
    assert "https://" in panel.url.problem
    assert station.services.accounts.setting("sync.token") == ""

    page.type("server.url", "https://tinh.example/fhir")
    page.shortcut(Qt.Key.Key_S)
    page.until(panel.note.isVisible)
    assert station.services.accounts.setting("sync.server_url") == "https://tinh.example/fhir"
    assert station.services.accounts.setting("sync.token") == "ma-mau"
    page.until(lambda: "Đã có mã truy cập" in panel.token.note)
    assert panel.token.value() == ""

    page.shortcut(Qt.Key.Key_S)  # an empty token changes nothing
    page.until(lambda: "Đã có mã truy cập" in panel.token.note)
    assert station.services.accounts.setting("sync.token") == "ma-mau"


class Enrolments:
    """The province's desk of this test; the real one is tried against the real server elsewhere."""

    def __init__(self) -> None:
        self.found = Enrolment(
            server_url="", device_id="", own_key=False, key_here=False, own_authority=False
        )
        self.asked: list[tuple] = []
        self.refusal: Exception | None = None

    def state(self):
        return self.found

    def _answer(self, *asked, **changes):
        self.asked.append(asked)
        if self.refusal is not None:
            raise self.refusal
        self.found = replace(self.found, **changes)
        return self.found

    def enrol(self, actor, server, code):
        return self._answer(
            server, code, server_url=server, device_id="may-2", own_key=True, key_here=True
        )

    def add_key(self, actor):
        return self._answer("key", device_id="may-2", own_key=True, key_here=True)

    def trust_authority(self, actor, path):
        self._answer(path, own_authority=bool(path))


@pytest.fixture
def enrolments(station):
    made = Enrolments()
    station.services = replace(station.services, enrolments=made)
    return made


def test_a_machine_is_enrolled_with_a_code_by_keys(qtbot, session_of, enrolments) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    assert "chưa ghi danh với tỉnh" in panel.state.message.text
    page.press_button("settings.server.enrol")
    assert panel.url.problem == "Chưa có địa chỉ máy chủ của tỉnh."
    assert panel.code.problem == "Chưa có mã ghi danh."

    page.type("server.url", "http://tinh.example/fhir")
    page.type("server.code", "MAU-7F3K")
    page.key(Qt.Key.Key_Return)
    assert "https://" in panel.url.problem
    assert enrolments.asked == []

    page.type("server.url", "https://tinh.example/fhir")
    page.focus("server.code")
    page.key(Qt.Key.Key_Return)

    page.until(lambda: "Đã ghi danh: tỉnh biết máy này là may-2." in _note(panel))
    assert enrolments.asked == [("https://tinh.example/fhir", "MAU-7F3K")]
    assert panel.code.value() == ""
    page.until(lambda: "bằng khóa riêng của máy (mã thiết bị may-2)" in panel.state.message.text)
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []


def test_a_refused_code_says_why_and_can_be_typed_again(qtbot, session_of, enrolments) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    enrolments.refusal = UserError("Mã ghi danh sai, đã dùng hoặc đã hết hạn.")
    page.type("server.url", "https://tinh.example/fhir")
    page.type("server.code", "SAI")

    page.press_button("settings.server.enrol")

    page.until(lambda: "Mã ghi danh sai" in _note(panel))
    page.until(panel.enrol.isEnabled)
    assert panel.code.value() == "SAI"
    assert panel.code.editor.hasFocus()


def test_a_fixed_token_is_changed_for_a_key(qtbot, session_of, station, enrolments) -> None:
    station.services.accounts.save_setting(station.director, "sync.token", "ma-mau")
    enrolments.found = replace(enrolments.found, server_url="https://tinh.example/fhir")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(panel.own_key.isVisible)
    assert "mã truy cập cố định" in panel.state.message.text

    page.press_button("settings.server.own_key")

    page.until(lambda: not panel.own_key.isVisible())
    assert enrolments.asked == [("key",)]


def test_a_key_left_on_another_machine_is_told(qtbot, session_of, enrolments) -> None:
    enrolments.found = replace(enrolments.found, server_url="https://x", own_key=True)
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    assert "nằm ở máy khác" in panel.state.message.text


def test_the_province_own_authority_is_trusted_and_left(
    qtbot, session_of, enrolments, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)
    answers.next = [None, tmp_path / "tinh.pem"]
    page.press_button("settings.server.trust")  # a person who changes their mind
    page.press_button("settings.server.trust")
    page.until(panel.distrust.isVisible)
    assert "chứng chỉ riêng của tỉnh" in panel.authority.text()
    page.sweep()
    page.press_button("settings.server.distrust")
    page.until(lambda: not panel.distrust.isVisible())
    assert enrolments.asked == [(str(tmp_path / "tinh.pem"),), ("",)]


def test_the_day_budget_and_paid_links_are_kept(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("server")
    page.until(lambda: panel.state.message is not None)

    page.type("server.budget", "20")
    page.tick(panel.metered.box)
    page.shortcut(Qt.Key.Key_S)

    page.until(panel.note.isVisible)
    setting = station.services.accounts.setting
    assert setting(DAILY_BYTES) == str(20 * 1024 * 1024)
    assert setting(NOT_ON_METERED) == "1"
    page.until(lambda: panel.budget.value() == 20)
    page.type("server.budget", "")
    page.focus("server.budget").clear()
    page.tick(panel.metered.box)
    page.shortcut(Qt.Key.Key_S)
    page.until(lambda: setting(DAILY_BYTES) == setting(NOT_ON_METERED) == "")


def _note(panel) -> str:
    return panel.note.message.text if panel.note.message is not None else ""
