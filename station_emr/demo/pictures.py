"""Ask the window part of the program, in a process of its own, for pictures of a station."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

TIMEOUT_SECONDS = 120


def take_pictures(station: Path, target: Path, say: Callable[[str], None]) -> list[str]:
    """Paths of the PNGs made; empty, with the reason said, on a machine without Qt."""
    target.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        finished = subprocess.run(
            [
                sys.executable,
                "-m",
                "station_emr",
                "--screenshots",
                str(target),
                "--data-dir",
                str(station),
            ],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        say("Chụp màn hình quá lâu nên đã dừng; các phần khác không bị ảnh hưởng.")
        return sorted(str(path) for path in target.glob("*.png"))
    if finished.returncode != 0:
        say(f"Không chụp được màn hình: {finished.stderr.strip()[-400:]}")
    return sorted(str(path) for path in target.glob("*.png"))
