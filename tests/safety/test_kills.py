"""Ended at any moment, a station has everything it acknowledged, and nothing by halves.

Some kills here; ``make kills`` does five hundred and prints the counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.safety import killing, planted

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the station's process")

KILLS = 12
CATCHING = 80  # ends with the first fault; on a busy machine that takes many


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return killing.make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def sessions() -> Iterator[killing.Sessions]:
    with killing.Sessions() as started:
        yield started


def test_killed_at_random_moments(sessions: killing.Sessions, made: Path, tmp_path: Path) -> None:
    counts = killing.run(sessions, made, tmp_path, KILLS, seed=20261123, every=6)

    assert counts.faults == []
    assert counts.kills == KILLS
    assert counts.acknowledged >= KILLS
    assert counts.in_flight >= KILLS // 4, "the kills are to meet what is being done"


@pytest.mark.parametrize("mistake", planted.MISTAKES)
def test_a_mistake_is_found_out(
    sessions: killing.Sessions, made: Path, tmp_path: Path, mistake: str
) -> None:
    """Otherwise the test above would prove nothing."""
    counts = killing.run(
        sessions, made, tmp_path, CATCHING, seed=7, mistake=mistake, every=0, enough=1
    )

    assert counts.faults
    assert not any("Traceback" in one for one in counts.faults), counts.faults
