"""Widgets that nobody holds any more are freed on the GUI thread, never in a worker."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from station_emr.ui.tasks import TaskRunner
from station_emr.ui.tasks.collector import GuiCollector


class Cycle:
    """Stands for a dropped screen whose slots refer to it."""

    freed_in: list[str] = []  # noqa: RUF012 - written by __del__

    def __init__(self) -> None:
        self.myself = self

    def __del__(self) -> None:
        Cycle.freed_in.append(threading.current_thread().name)


@pytest.fixture(autouse=True)
def _as_python_has_it() -> Iterator[None]:
    """The suite lets the automatic collector run more rarely than a program does."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.fixture
def runner(qapp):
    Cycle.freed_in = []
    made = TaskRunner()
    yield made
    made.close()


def allocate() -> int:
    """Enough for the automatic collector to run many times."""
    return len([[place] for place in range(60_000)])


def test_a_worker_that_allocates_frees_no_widget(qtbot, runner) -> None:
    for _ in range(50):
        Cycle()
    counted: list[int] = []
    runner.run(allocate, done=counted.append)
    qtbot.waitUntil(lambda: counted == [60_000])
    assert [name for name in Cycle.freed_in if name != threading.main_thread().name] == []

    runner._collector.collect()
    gc.collect()
    assert Cycle.freed_in == [threading.main_thread().name] * 50


def test_the_timer_collects_what_is_due(qtbot, runner) -> None:
    gc.collect()
    Cycle()
    kept = [[place] for place in range(2_000)]
    qtbot.waitUntil(lambda: Cycle.freed_in == [threading.main_thread().name])
    assert len(kept) == 2_000


def test_the_last_runner_gives_the_automatic_collector_back(qapp) -> None:
    first, second = TaskRunner(), TaskRunner()
    assert not gc.isenabled()
    first.close()
    assert not gc.isenabled()
    second.close()
    assert gc.isenabled()


def test_what_is_loaded_is_set_aside_only_once(monkeypatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(gc, "get_freeze_count", lambda: len(frozen))
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))

    GuiCollector.settle()
    GuiCollector.settle()

    assert frozen == [1]


def test_the_oldest_generation_waits_while_much_comes_in(runner) -> None:
    working = True
    runner.settle(lambda: working)
    runner._collector._timer.stop()
    gc.collect()
    held = Cycle()
    gc.collect(0)
    gc.collect(1)  # it is old from now on
    del held
    gc.set_threshold(1, 0, 0)
    kept = [[place] for place in range(100)]
    for _ in range(3):
        gc.collect(1)
    assert gc.get_count()[2] > 0
    runner._collector.collect()
    assert Cycle.freed_in == []

    working = False
    runner._collector.collect()  # a run has only just ended
    assert Cycle.freed_in == []
    runner._collector._since_work.invalidate()
    for _ in range(3):
        kept += [[place] for place in range(100)]
        gc.collect(0)
        gc.collect(1)
    kept += [[place] for place in range(100)]
    runner._collector.collect()
    assert Cycle.freed_in == [threading.main_thread().name]


def test_it_does_not_wait_for_ever(runner, monkeypatch) -> None:
    runner.settle(lambda: True)
    runner._collector._timer.stop()
    collected: list[int] = []
    monkeypatch.setattr(gc, "get_count", lambda: (1000, 100, 100))
    monkeypatch.setattr(gc, "collect", collected.append)
    runner._collector.collect()
    monkeypatch.setattr("station_emr.ui.tasks.collector._LONGEST_MS", 0)
    runner._collector.collect()
    assert collected == [1, 2]
