"""Work in parts: the first at once, the others each in a turn of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from station_emr.domain.sync import LinkState, SyncStatus
from station_emr.ui.kit.turns import Turns
from station_emr.ui.screens.sync import SyncScreen
from tests.ui.driver import ScreenDriver


def test_others_come_between_the_parts(qtbot) -> None:
    owner = QObject()
    done: list[str] = []
    turns = Turns(owner)
    between = QTimer(owner)
    between.timeout.connect(lambda: done.append("other"))
    between.start(0)
    turns.begin(*(lambda step=step: done.append(step) for step in "abc"))
    assert done == ["a"]
    qtbot.waitUntil(lambda: "c" in done)
    between.stop()
    assert [step for step in done if step != "other"] == ["a", "b", "c"]
    assert done[1:-1].count("other") >= 1


def test_newer_work_takes_the_place_of_what_is_left(qtbot) -> None:
    owner = QObject()
    done: list[str] = []
    turns = Turns(owner)
    turns.begin(lambda: done.append("a"), lambda: done.append("old"))
    turns.begin(lambda: done.append("b"), lambda: done.append("c"))
    qtbot.waitUntil(lambda: done == ["a", "b", "c"])


def test_a_part_may_begin_anew(qtbot) -> None:
    owner = QObject()
    done: list[str] = []
    turns = Turns(owner)
    turns.begin(
        lambda: done.append("a"),
        lambda: turns.begin(lambda: done.append("b"), lambda: done.append("c")),
        lambda: done.append("old"),
    )
    qtbot.waitUntil(lambda: done == ["a", "b", "c"])


def test_what_is_left_goes_with_its_owner(qtbot) -> None:
    owner = QObject()
    done: list[str] = []
    Turns(owner).begin(lambda: done.append("a"), lambda: done.append("late"))
    owner.deleteLater()
    last: list[bool] = []
    QTimer.singleShot(20, lambda: last.append(True))
    qtbot.waitUntil(lambda: bool(last))
    assert done == ["a"]


def test_the_lists_of_the_sync_page_stay_when_the_first_reading_comes(
    qtbot, session_of, station
) -> None:
    station.register(full_name="Người Mẫu Một")
    station.sync.status = lambda: SyncStatus(
        link=LinkState.ONLINE, server="https://tinh.example/fhir", waiting=1
    )
    page = ScreenDriver(qtbot, SyncScreen(session_of()))
    screen = page.screen
    before = screen.tabs.mapTo(screen, screen.tabs.rect().topLeft())
    assert screen.status.sentence.text() == ""

    screen.on_enter()

    page.until(lambda: screen.status.sentence.text() != "")
    assert screen.waiting.rows  # they were there before the sentence
    assert screen.tabs.buttons[0].text() == "Chờ gửi (1)"
    screen.grab()
    assert screen.tabs.mapTo(screen, screen.tabs.rect().topLeft()) == before
