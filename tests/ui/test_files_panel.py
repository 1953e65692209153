"""Fetching the whole record onto a new machine, by keys: compare, run, stop, go on, finish."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.permissions import Role
from station_emr.services.courier import CourierKey, CourierRefused, CourierReport
from station_emr.services.rebuild import RebuildProgress, RebuildReport, SnapshotFacts
from station_emr.ui.kit.memory import memory
from station_emr.ui.models import routes
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.screens.settings.rebuild_box import (
    BEGUN,
    PROVINCE,
    created_words,
    report_words,
)
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]

FACTS = SnapshotFacts(
    facility="DEMO1",
    created="2026-11-20T07:30:00+07:00",
    size=1000,
    by_province=False,
    trusted=False,
    fingerprint="AB12 CD34",
)
DONE = RebuildReport(finished=True, verified=True, operations=50_000, total=50_000)


class Rebuild:
    """Tells half of the way, then waits for the test to let it go on or stop it."""

    def __init__(self) -> None:
        self.facts = FACTS
        self.go_on = threading.Event()
        self.begun: list[tuple[str, str]] = []
        self.failure: Exception | None = None

    def inspect(self, actor, path):
        if self.failure is not None:
            raise self.failure
        return self.facts

    def from_file(self, actor, path, signer="", progress=None, cancelled=None):
        return self._run((path, signer), progress, cancelled, 50_000)

    def from_province(self, actor, progress=None, cancelled=None):
        if self.failure is not None:
            raise self.failure
        return self._run((PROVINCE, ""), progress, cancelled, 0)

    def _run(self, begun, progress, cancelled, total):
        self.begun.append(begun)
        progress(RebuildProgress(25_000, total))
        while not self.go_on.wait(0.005):
            if cancelled():
                return RebuildReport(finished=False, verified=False, operations=25_000, total=0)
        return DONE


class Courier:
    def __init__(self) -> None:
        self.fingerprint = ""
        self.calls: list[tuple] = []

    def own_key(self, actor):
        return CourierKey(encrypt="age1maumaumau", fingerprint="EF56 AB78")

    def province_fingerprint(self):
        return self.fingerprint

    def read_province_key(self, path):
        if "hong" in path:
            raise CourierRefused("unreadable", "Tệp này không phải khóa của tỉnh.")
        return "1234 5678"

    def trust(self, actor, path, *, compared):
        assert compared == "1234 5678"
        self.fingerprint = "1234 5678"
        return self.fingerprint

    def export_snapshot(self, actor, path, recipient):
        self.calls.append((path, recipient))
        return CourierReport(path=path, number=1, created=MORNING, size=48_000, operations=812)


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter(routes.SettingsRoute("files"))
        self.panel = self.screen.panel
        self.box = self.panel.rebuild
        self.until(lambda: self.panel.key.value() != "")

    @property
    def note(self) -> str:
        message = self.box.note.message
        return message.text if message is not None else ""


@pytest.fixture
def page(qtbot, session_of, station):
    station.services = replace(station.services, rebuild=Rebuild(), courier=Courier())
    made = Page(qtbot, session_of(Role.DIRECTOR))
    yield made
    station.services.rebuild.go_on.set()


def test_a_strangers_file_is_compared_before_a_byte_is_taken(
    page, station, answers, tmp_path
) -> None:
    rebuild = station.services.rebuild
    path = tmp_path / "ban-sao.semr"
    answers.next = [path, False]
    page.press_button("rebuild.file")
    page.until(lambda: answers.asked[-1] == "Dấu vân tay có giống không?")
    page.until(page.box.from_file.isEnabled)
    assert rebuild.begun == []

    answers.next = [path, True]
    page.press_button("rebuild.file")
    page.until(lambda: page.box.words.text() == "25.000 trên 50.000 mục")
    assert (page.box.bar.value(), page.box.bar.maximum()) == (25_000, 50_000)
    assert not page.box.from_province.isEnabled()
    page.sweep()
    rebuild.go_on.set()

    page.until(lambda: page.note.startswith("Đã lấy đủ 50.000 mục, đã đối chiếu."))
    assert rebuild.begun == [(str(path), "AB12 CD34")]
    assert memory().get(BEGUN) == ""
    assert page.box.from_file.isEnabled()


def test_the_province_own_file_needs_no_comparing(page, station, answers, tmp_path) -> None:
    station.services.rebuild.facts = replace(FACTS, trusted=True, by_province=True)
    station.services.rebuild.go_on.set()
    answers.next = [tmp_path / "x.semr", True]
    page.press_button("rebuild.file")
    page.until(lambda: "Đã lấy đủ" in page.note)
    assert answers.asked[-1] == "Lấy hồ sơ từ tệp này?"
    assert answers.offered == ["Lấy hồ sơ"]  # nothing was compared, so nobody says "the same"
    assert station.services.rebuild.begun == [(str(tmp_path / "x.semr"), "")]


def test_a_stopped_rebuild_is_offered_again_after_a_restart(
    qtbot, page, session_of, station
) -> None:
    page.press_button("rebuild.province")
    page.until(lambda: page.box.words.text() == "Đã lấy 25.000 mục")
    assert page.box.bar.maximum() == 0  # nobody knows how much there is
    page.press_button("rebuild.stop")
    page.until(lambda: "Đã có 25.000 mục; lần sau làm tiếp" in page.note)
    assert memory().get(BEGUN) == PROVINCE

    later = Page(qtbot, session_of(Role.DIRECTOR))
    later.until(lambda: "Việc lấy hồ sơ từ máy chủ của tỉnh còn dở." in later.note)
    station.services.rebuild.go_on.set()
    later.press_button("rebuild.note.action")
    later.until(lambda: "Đã lấy đủ" in later.note)
    assert station.services.rebuild.begun == [(PROVINCE, ""), (PROVINCE, "")]


def test_a_file_begun_is_looked_at_again_before_going_on(
    qtbot, page, session_of, station, answers
) -> None:
    memory().put(BEGUN, "/usb/ban-sao.semr")
    page.panel.load()
    page.until(lambda: "tệp ban-sao.semr còn dở" in page.note)
    station.services.rebuild.go_on.set()
    answers.next = [True]
    page.press_button("rebuild.note.action")
    page.until(lambda: "Đã lấy đủ" in page.note)
    assert station.services.rebuild.begun == [("/usb/ban-sao.semr", "AB12 CD34")]


def test_a_failure_says_why_and_keeps_the_place(page, station, answers, tmp_path) -> None:
    station.services.rebuild.failure = EnvironmentFailure("USB bị rút ra giữa chừng.")
    answers.next = [tmp_path / "x.semr", None]
    page.press_button("rebuild.file")
    page.until(lambda: page.note == "USB bị rút ra giữa chừng.")
    page.until(page.box.from_file.isEnabled)
    page.press_button("rebuild.file")  # a person who changes their mind
    page.press_button("rebuild.province")
    page.until(page.box.from_file.isEnabled)
    assert memory().get(BEGUN) == PROVINCE


def test_when_a_file_was_written_is_told_in_this_places_time() -> None:
    assert created_words("2026-11-20T07:30:00+07:00", MORNING) == "07:30 20/11/2026"
    assert created_words("2026-11-19T18:30:00.000Z", MORNING) == "01:30 20/11/2026"
    for strange in ("", "hôm qua", "0001-01-01T00:00:00+14:00"):
        assert created_words(strange, MORNING) == strange


def test_what_a_rebuild_brought_is_told_whole() -> None:
    words = report_words(replace(DONE, verified=False, conflicts=2, unreadable=1))
    assert words.startswith("Đã lấy đủ 50.000 mục. 2 hồ sơ cần người quyết định.")
    assert "Đã nghỉ" in words  # the word on the page of users
    cut = replace(DONE, finished=False, detail="Mất mạng.")
    assert report_words(cut) == "Mất mạng. Đã có 50.000 mục; lần sau làm tiếp từ chỗ này."


def test_another_machine_is_given_a_copy(page, station, answers, tmp_path) -> None:
    assert page.panel.fingerprint.text() == "Dấu vân tay của máy này: EF56 AB78"
    page.press_button("files.copy")
    assert QApplication.clipboard().text() == "age1maumaumau"
    answers.next = [None, "age1maymoi", None, "age1maymoi", tmp_path / "ban-sao.semr"]
    page.press_button("files.give")
    page.press_button("files.give")

    page.focus("files.give")
    page.press_button("files.give")

    page.until(lambda: page.panel.note.message is not None)
    page.until(
        lambda: "Đã chép 812 mục vào ban-sao.semr (46,9 kB)." in page.panel.note.message.text
    )
    assert station.services.courier.calls == [(str(tmp_path / "ban-sao.semr"), "age1maymoi")]
    page.until(
        lambda: QApplication.focusWidget().objectName() == "files.give"
    )  # not on the next one
    assert duplicate_mnemonics(page.screen) == []


def test_the_province_key_is_trusted_after_comparing(page, answers, tmp_path) -> None:
    assert "Chưa biết khóa của tỉnh" in page.panel.province.text()
    answers.next = [tmp_path / "hong", tmp_path / "khoa", False, tmp_path / "khoa", True]
    page.press_button("files.trust")
    page.until(lambda: page.panel.note.message is not None)
    assert "không phải khóa của tỉnh" in page.panel.note.message.text
    page.press_button("files.trust")
    page.until(lambda: len(answers.next) == 2)
    page.press_button("files.trust")
    page.until(lambda: page.panel.province.text().endswith("1234 5678"))
    page.sweep()


def test_keys_walk_the_panel(page) -> None:
    page.focus("rebuild.file")
    for name in ("rebuild.province", "files.copy", "files.give", "files.trust"):
        page.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget().objectName() == name
