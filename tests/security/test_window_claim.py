"""Two windows over one folder: the second is told, and a killed one leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from station_emr.domain.errors import StateError
from station_emr.security.window_claim import FILE_NAME, WindowClaim

HOLD = """
import sys
from pathlib import Path
from station_emr.security.window_claim import WindowClaim
claim = WindowClaim(Path(sys.argv[1]))
claim.take()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_window_is_told_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = WindowClaim(tmp_path), WindowClaim(tmp_path)
    assert first.take()
    assert not first.take()  # its own: a log-in after a log-out
    with pytest.raises(StateError, match="đang mở ở một cửa sổ khác trên máy này"):
        second.take()
    second.release()  # of what it never had
    with pytest.raises(StateError):
        second.take()
    first.release()
    assert second.take()
    second.release()


def test_other_folders_are_not_held(tmp_path: Path) -> None:
    one, other = WindowClaim(tmp_path / "one"), WindowClaim(tmp_path / "other")
    assert one.take()
    assert other.take()
    one.release()
    other.release()


def test_a_killed_window_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == "held\n"
        claim = WindowClaim(tmp_path)
        with pytest.raises(StateError):
            claim.take()
        window.kill()
        window.wait(30)
        assert (tmp_path / FILE_NAME).exists()
        assert claim.take()
        claim.release()


def test_a_disk_that_takes_no_file_keeps_nobody_from_the_record(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()  # cannot be opened for writing, whoever asks
    claim = WindowClaim(tmp_path)
    assert not claim.take()
    claim.release()
