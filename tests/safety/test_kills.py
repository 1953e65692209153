"""Ended at any moment, a station has everything it acknowledged, and nothing by halves.

Some kills here; ``make kills`` does five hundred and prints the counts.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.safety import killing, planted

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the station's process")

KILLS = 24
CATCHING = 12


def test_killed_at_random_moments(tmp_path: Path) -> None:
    counts = killing.run(tmp_path, KILLS, seed=20261123, every=6)

    assert counts.faults == []
    assert counts.kills == KILLS
    assert counts.acknowledged > KILLS
    assert counts.in_flight > KILLS // 4, "the kills are to meet what is being done"


@pytest.mark.parametrize("mistake", planted.MISTAKES)
def test_a_mistake_is_found_out(tmp_path: Path, mistake: str) -> None:
    """Otherwise the test above would prove nothing."""
    counts = killing.run(tmp_path, CATCHING, seed=7, mistake=mistake, every=0, enough=1)

    assert counts.faults
    assert not any("Traceback" in one for one in counts.faults), counts.faults
