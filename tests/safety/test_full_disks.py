"""A disk that is full at any point: a clear sentence, nothing lost or by halves, and on it goes.

Some points here; ``make full-disks`` does a hundred and prints the counts.
"""

from __future__ import annotations

import json
import os
import sys

import pytest

from tests.safety import full_disks

POINTS = 4


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a small file system")
def test_full_at_random_points() -> None:
    done = full_disks.apart(POINTS, seed=3)
    if done is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no name space of its own, and this run may not skip")
        pytest.skip("this system gives no name space of its own")

    assert done.stdout, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    assert counts["faults"] == []
    assert counts["full_disks"] == POINTS
    assert counts["acknowledged"] > POINTS
    assert done.returncode == 0
