"""The runner with real threads: results arrive on the GUI thread or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from station_emr.domain.errors import DiskFull, StationError
from station_emr.ui.tasks import Lane, ProblemSink, Progress, TaskRunner
from station_emr.ui.tasks.problems import report_text


@pytest.fixture
def runner(qtbot: QtBot) -> Iterator[TaskRunner]:
    made = TaskRunner()
    yield made
    made.close()


def test_result_arrives_on_the_gui_thread(qtbot: QtBot, runner: TaskRunner) -> None:
    seen: list[tuple[int, str, bool]] = []
    runner.run(
        lambda: threading.current_thread().name,
        done=lambda name: seen.append(
            (1, name, threading.current_thread() is threading.main_thread())
        ),
    )
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][1].startswith("database")
    assert seen[0][2]


def test_database_work_is_done_one_at_a_time_in_order(qtbot: QtBot, runner: TaskRunner) -> None:
    inside, most, order = [0], [0], []

    def work(number: int) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        order.append(number)
        inside[0] -= 1

    for number in range(20):
        runner.run(lambda n=number: work(n))
    qtbot.waitUntil(lambda: runner.busy == 0)
    assert order == list(range(20))
    assert most == [1]


def test_newer_search_drops_the_older(qtbot: QtBot, runner: TaskRunner) -> None:
    gate, seen = threading.Event(), []
    started = threading.Event()

    def slow() -> str:
        started.set()
        gate.wait(60)
        return "old"

    runner.run(slow, done=seen.append, latest="search")
    started.wait(60)
    runner.run(lambda: "middle", done=seen.append, latest="search")
    runner.run(lambda: "new", done=seen.append, latest="search")
    gate.set()
    qtbot.waitUntil(lambda: runner.busy == 0)
    assert seen == ["new"]


def test_callback_of_a_destroyed_owner_is_dropped(qtbot: QtBot, runner: TaskRunner) -> None:
    gate, seen = threading.Event(), []
    owner = QObject()
    runner.run(lambda: gate.wait(60), done=seen.append, owner=owner)
    with qtbot.waitSignal(owner.destroyed):
        owner.deleteLater()
    gate.set()
    qtbot.waitUntil(lambda: runner.busy == 0)
    assert seen == []


def test_expected_error_reaches_failed_else_the_default(qtbot: QtBot, runner: TaskRunner) -> None:
    def full() -> None:
        raise DiskFull("Ổ đĩa đầy")

    own: list[StationError] = []
    default: list[StationError] = []
    runner.default_failed = default.append
    runner.run(full, failed=own.append)
    runner.run(full)
    qtbot.waitUntil(lambda: bool(own) and bool(default))
    assert str(own[0]) == "Ổ đĩa đầy"
    assert len(default) == 1


def test_finally_follows_success_and_failure(qtbot: QtBot, runner: TaskRunner) -> None:
    ends: list[str] = []

    def full() -> None:
        raise DiskFull("Ổ đĩa đầy")

    runner.run(lambda: 1, done=lambda _v: ends.append("done"), finally_=lambda: ends.append("end"))
    runner.run(full, failed=lambda _e: ends.append("failed"), finally_=lambda: ends.append("end"))
    qtbot.waitUntil(lambda: len(ends) == 4)
    assert ends == ["done", "end", "failed", "end"]


def test_bug_writes_a_report_without_patient_data(qtbot: QtBot, tmp_path: Path) -> None:
    sink = ProblemSink(tmp_path)
    runner = TaskRunner(problems=sink)

    def broken() -> None:
        name = "Rơ Châm Mẫu"
        raise KeyError(name)

    with qtbot.waitSignal(sink.shown) as shown:
        runner.run(broken)
    sentence, number = shown.args
    assert number in sentence
    (report,) = tmp_path.glob("*.txt")
    text = report.read_text(encoding="utf-8")
    assert "KeyError" in text
    assert "in broken" in text
    assert "Mẫu" not in text
    assert "Châm" not in text
    runner.close()


def test_bug_arrives_even_when_the_owner_is_gone(qtbot: QtBot, runner: TaskRunner) -> None:
    gate = threading.Event()
    owner = QObject()

    def broken() -> None:
        gate.wait(60)
        raise ValueError

    runner.run(broken, owner=owner)
    with qtbot.waitSignal(owner.destroyed):
        owner.deleteLater()
    with qtbot.waitSignal(runner.problems.shown):
        gate.set()


def test_report_names_the_cause_but_not_its_words() -> None:
    def broken() -> None:
        try:
            int("CCCD 064099100001")
        except ValueError as inner:
            raise RuntimeError("Siu Mẫu") from inner

    with pytest.raises(RuntimeError) as caught:
        broken()
    text = report_text(caught.value, "L-000001")
    assert "ValueError" in text
    assert "RuntimeError" in text
    assert "0640991" not in text
    assert "Siu" not in text


def test_long_work_reports_and_stops_at_cancel(qtbot: QtBot, runner: TaskRunner) -> None:
    steps: list[tuple[int, int, str]] = []
    done: list[object] = []
    reached = threading.Event()
    go = threading.Event()
    beyond: list[int] = []

    def work(progress: Progress) -> str:
        progress.report(1, 3, "một")
        reached.set()
        go.wait(60)
        progress.report(2, 3, "hai")
        beyond.append(2)
        return "xong"

    task = runner.run_long(work, done=done.append, progress=lambda *s: steps.append(s))
    qtbot.waitUntil(lambda: bool(steps))
    assert steps == [(1, 3, "một")]
    reached.wait(60)
    task.cancel()
    go.set()
    qtbot.waitUntil(lambda: runner.busy == 0)
    assert done == []
    assert beyond == []


def test_close_finishes_queued_writes(qtbot: QtBot) -> None:
    runner = TaskRunner()
    gate, written = threading.Event(), []
    runner.run(lambda: gate.wait(60))
    for number in range(5):
        runner.run(lambda n=number: written.append(n))
    gate.set()
    runner.close()
    assert written == list(range(5))
    late = runner.run(lambda: written.append(99))
    assert late.cancelled
    assert written == list(range(5))


def test_pool_work_does_not_wait_for_the_database(qtbot: QtBot, runner: TaskRunner) -> None:
    gate, seen = threading.Event(), []
    runner.run(lambda: gate.wait(60))
    runner.run(lambda: "pdf", done=seen.append, lane=Lane.POOL)
    qtbot.waitUntil(lambda: seen == ["pdf"])
    gate.set()
