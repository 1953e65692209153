"""What stays locked for half an hour is closed, and the key with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from station_emr.demo.station import DEMO_PASSWORD
from station_emr.ui.shell.locked import MINUTES, MOST_MINUTES, LockedWatch
from tests.ui.keys import press, type_text
from tests.ui.program_driver import _cheap, own_address, start

__all__ = ["_cheap", "start"]
pytestmark = own_address


def minutes(watch: LockedWatch, count: int) -> None:
    """The minutes pass as the timer tells them."""
    for _ in range(count):
        if watch.timer.isActive():
            watch.timer.timeout.emit()


@pytest.fixture
def heard(qtbot):
    said: list[str] = []

    def make(busy):
        watch = LockedWatch(busy)
        watch.over.connect(lambda: said.append("over"))
        return watch, said

    return make


def test_it_is_over_after_half_an_hour_and_said_once(heard):
    watch, said = heard(lambda: False)
    watch.begin()
    minutes(watch, MINUTES - 1)
    assert said == []
    minutes(watch, 5)
    assert said == ["over"]


def test_whoever_comes_back_begins_anew(heard):
    watch, said = heard(lambda: False)
    watch.begin()
    minutes(watch, MINUTES - 1)
    watch.end()
    minutes(watch, 5)
    watch.begin()
    minutes(watch, MINUTES - 1)
    assert said == []


def test_records_on_their_way_may_finish_but_not_for_ever(heard):
    sending = [True]
    watch, said = heard(lambda: sending[0])
    watch.begin()
    minutes(watch, MINUTES + 10)
    assert said == []
    sending[0] = False
    minutes(watch, 1)
    assert said == ["over"]
    sending[0] = True
    watch.begin()
    minutes(watch, MOST_MINUTES)
    assert said == ["over", "over"]


def test_the_locked_program_closes_the_station(start, qtbot):
    driver = start()
    driver.log_in()
    desk = driver.program.desk
    driver.window.lock()
    assert desk.locked.timer.isActive()
    minutes(desk.locked, MINUTES)
    assert desk.session is None
    qtbot.waitUntil(lambda: driver.program.runner.busy == 0)
    assert not (driver.program.gate._folder / "station.db-wal").exists()  # nothing is open any more
    assert len(driver.page.tiles) > 1  # the names, for whoever comes next


def test_a_run_under_way_holds_it_open(start):
    driver = start()
    driver.log_in()
    desk = driver.program.desk
    desk.status.show_status(replace(desk.session.services.sync.status(), running=True))
    driver.window.lock()
    desk.status.tick.stop()
    minutes(desk.locked, MINUTES)
    assert desk.session is not None


def test_the_password_stops_the_count(start, qtbot):
    driver = start()
    driver.log_in()
    driver.window.lock()
    type_text(driver.page.password.editor, DEMO_PASSWORD)
    press(driver.page.password.editor, key=Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not driver.window.covered)
    assert not driver.program.desk.locked.timer.isActive()
