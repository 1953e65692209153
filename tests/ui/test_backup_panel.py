"""The page of copies: places, warnings, the rehearsal, and the day's copy nobody asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PySide6.QtCore import QTimer

from station_emr.db.store import EncryptedStore
from station_emr.domain.permissions import Role
from station_emr.security import backup_places
from station_emr.services.backup_ports import Trouble
from station_emr.services.backup_words import brief, sentence
from station_emr.ui.kit import Severity
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.shell.backup_watch import BackupWatch
from station_emr.ui.shell.status import StatusModel, backup_words
from tests.services.conftest import KEY
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


class Page(ScreenDriver):
    def __init__(self, qtbot, session, panel="backup") -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter()
        self.press_button(f"settings.{panel}")

    @property
    def panel(self):
        return self.screen.panel

    def says(self, words: str) -> None:
        self.until(
            lambda: self.panel.note.message is not None and words in self.panel.note.message.text
        )


@pytest.fixture
def usb(tmp_path, monkeypatch):
    (tmp_path / "keyslots.json").write_text("{}")
    monkeypatch.setattr(backup_places, "is_same_disk", lambda one, other: False)
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


def copies(folder):
    return [one for one in folder.iterdir() if one.is_dir()]


def test_a_place_is_added_copied_to_rehearsed_and_dropped(
    qtbot, session_of, station, answers, usb
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.until(lambda: page.panel.warning.message is not None)
    assert page.panel.warning.message.text == sentence(Trouble.NEVER)

    answers.next = [usb]
    page.press_button("settings.backup.add")
    page.says("mỗi ngày có một bản sao")
    page.until(lambda: page.panel.make.isEnabled() and page.panel._places != ())
    page.press_button("settings.backup.make")
    page.says("mở thử được ở 1 nơi")
    assert len(copies(usb)) == 1

    page.until(page.panel.rehearse.isEnabled)
    page.press_button("settings.backup.drill")
    page.says("Diễn tập đạt")
    page.until(lambda: "đạt," in page.panel._drilled.text())
    page.until(lambda: page.panel.warning.message is None)
    assert duplicate_mnemonics(page.screen) == []

    answers.next = [True]
    page.press_button(f"settings.backup.remove.{page.panel._places[0].mark}")
    page.says("Đã bỏ nơi sao lưu")
    assert station.services.backups.places() == ()
    assert len(copies(usb)) == 1


def test_a_stick_that_is_away_is_told_on_the_page_and_the_line(
    qtbot, session_of, station, usb
) -> None:
    station.services.backups.add_place(station.director, str(usb))
    station.services.backups.run_due()
    usb.rename(usb.with_name("away"))
    station.clock._now += timedelta(days=3)
    session = session_of(Role.DOCTOR)

    page = Page(qtbot, session)
    page.until(lambda: page.panel.warning.message is not None)
    assert page.panel.warning.message.text == sentence(Trouble.ABSENT)
    assert page.panel.warning.message.severity is Severity.WARNING
    assert not page.panel.add_place.isVisible()

    told: list[str] = []
    watch = BackupWatch(session, QTimer(session))
    watch.told.connect(told.append)
    page.until(lambda: told == [brief(Trouble.ABSENT)])
    usb.with_name("away").rename(usb)
    for _tick in range(3):
        watch._wait = 99  # only looking
        watch.tick()
    assert told == [brief(Trouble.ABSENT)]
    watch.tick()
    page.until(lambda: told[1:] == [""])
    severity, parts = backup_words(StatusModel(backup="17:02", backup_trouble=told[0]))
    assert (severity, parts) == (Severity.WARNING, [("Không thấy ổ sao lưu", True)])


def test_the_days_copy_is_made_while_people_work(qtbot, session_of, station, usb) -> None:
    station.services.backups.add_place(station.director, str(usb))
    session = session_of(Role.NURSE)  # whoever is logged in
    watch = BackupWatch(session, QTimer(session))
    made: list[bool] = []
    watch.made.connect(lambda: made.append(True))

    for _tick in range(3):
        watch.tick()
    qtbot.waitUntil(lambda: not session.runner.busy)
    assert copies(usb) == []  # the first minutes belong to the first person of the day
    watch.tick()

    qtbot.waitUntil(lambda: made == [True])
    assert len(copies(usb)) == 1
    for _tick in range(5):
        watch.tick()
    qtbot.waitUntil(lambda: not session.runner.busy)
    assert len(copies(usb)) == 1


def test_closing_makes_up_for_the_day_when_it_is_quick(station, usb, monkeypatch) -> None:
    backups = station.services.backups
    backups.add_place(station.director, str(usb))
    monkeypatch.setattr(backups._shelf, "size", lambda: 10**12)
    backups.run_before_closing()
    assert copies(usb) == []
    monkeypatch.undo()
    backups.run_before_closing()
    assert len(copies(usb)) == 1
    backups.run_before_closing()
    assert len(copies(usb)) == 1


def test_the_times_of_keeping_are_shown(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.INSPECTOR), "retention")

    page.until(lambda: "Chưa có hồ sơ nào đủ" in page.panel.sum.text())
    assert "tử vong: 30 năm" in page.panel.rules.text()


def test_a_backup_opens_like_the_station(qtbot, session_of, station, answers, tmp_path) -> None:
    (tmp_path / "keyslots.json").write_text("{}")
    station.register(full_name="Người Mẫu Một")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.panel
    page.until(lambda: panel._last.text() == "Chưa sao lưu lần nào.")
    answers.next = [tmp_path / "usb"]

    page.press_button("settings.backup.make")

    page.says("mở thử được")
    (copy,) = (tmp_path / "usb").iterdir()
    assert (copy / "keyslots.json").read_text() == "{}"
    opened = EncryptedStore.open(copy / "station.db", KEY)
    assert opened.counts.patients == 1
    opened.close()
    assert station.services.backups.last()[1] == str(copy)
    page.until(lambda: "Sao lưu gần nhất" in panel._last.text())


def test_a_full_or_missing_disk_leaves_nothing_and_says_so(
    qtbot, session_of, station, answers, tmp_path
) -> None:
    (tmp_path / "keyslots.json").write_text("{}")
    (tmp_path / "usb").write_text("a file where the folder should be")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.panel
    answers.next = [tmp_path / "usb"]

    page.press_button("settings.backup.make")

    page.says("Chưa sao lưu được")
    assert station.services.backups.last() is None
    assert panel.make.isEnabled()
