"""Work that nobody waits for: done again and again, whatever becomes of one piece of it."""

from __future__ import annotations

import queue
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from provincial_server import app as application
from provincial_server.stations.chores import Chores
from provincial_server.stations.tables import DailyCount
from provincial_server.store import EVERY_FACILITY
from tests.server.direct import running

PATIENT = 60
"""Seconds: the longest that a test waits for something that must come."""


def test_each_has_its_turn_again_and_again_and_a_fault_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: queue.Queue[str] = queue.Queue()

    def broken() -> None:
        done.put("broken")
        raise OSError("Nguyễn Thị Mẫu")

    chores = Chores([broken, lambda: done.put("other")], every=0.01, first=0.0)
    chores.start()
    turns = [done.get(timeout=PATIENT) for _ in range(4)]
    chores.stop()
    assert turns == ["broken", "other"] * 2
    assert not chores._thread.is_alive()
    assert "a chore waits: OSError" in caplog.text
    assert "Mẫu" not in caplog.text


def test_whoever_stops_them_waits_for_no_turn() -> None:
    chores = Chores([lambda: None], every=3600.0, first=3600.0)
    chores.start()
    chores.stop()
    assert not chores._thread.is_alive()


def test_a_server_counts_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: queue.Queue[None] = queue.Queue()

    def hasty(chores: list[object]) -> Chores:
        return Chores([*chores, partial(turns.put, None)], every=0.01, first=0.0)  # type: ignore[list-item]

    monkeypatch.setattr(application, "Chores", hasty)
    with running(tmp_path) as direct:
        assert direct.call("GET", "/fhir/Patient", token=direct.device("A")).status == 200
        while not turns.empty():
            turns.get()
        for _ in range(2):  # one turn may have begun before
            turns.get(timeout=PATIENT)
        with direct.database.read(EVERY_FACILITY) as session:
            [contact] = session.scalars(select(DailyCount).where(DailyCount.kind == "contact"))
    assert (contact.facility_code, contact.count) == ("A", 1)
