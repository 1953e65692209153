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
