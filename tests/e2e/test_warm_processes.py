"""Two that wait for one process are both told how it ended."""

import os

import pytest

from tests.warm import Forked, Warm


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes start the long way there")
def test_whoever_waits_learns_how_a_process_ended(tmp_path):
    warm = Warm("provincial_server")
    try:
        process = warm.start(["--help"], os.environ, tmp_path / "out", tmp_path / "err")
        assert isinstance(process, Forked)
        other = Forked(process._ask, process.pid)
        assert (process.wait(), other.wait()) == (0, 0)
        again = warm.start(["--no-such-thing"], os.environ, tmp_path / "out", tmp_path / "err")
        assert again.wait() == 2
    finally:
        warm.close()
