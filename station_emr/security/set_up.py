"""A station is set up beside its place and moved there as a whole: no half of one after a power cut.

The keys go first and the database last; its rename is the moment from which the station exists.
Before it nobody could log in, so what was begun is taken away and set-up starts afresh.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Final

from . import durable_file
from .keyslots import FILE_NAME

UNFINISHED: Final = "setup.unfinished"


def begin(folder: Path) -> Path:
    """An empty place to build in; the caller holds the lock of the key slots."""
    staging = folder / UNFINISHED
    staging.mkdir(mode=0o700)
    return staging


def publish(folder: Path, database: str) -> None:
    """Move the finished station to its place."""
    staging = folder / UNFINISHED
    durable_file.write_twice(folder / FILE_NAME, (staging / FILE_NAME).read_bytes())
    (staging / database).replace(folder / database)
    durable_file.sync_folder(folder)
    shutil.rmtree(staging, ignore_errors=True)


def clear_unfinished(folder: Path, database: str) -> None:
    """Take away what was cut short. Call before asking whether ``folder`` holds a station."""
    if (folder / UNFINISHED).exists():
        with durable_file.locked(folder / FILE_NAME):  # a set-up under way is waited for
            roll_back(folder, database)


def roll_back(folder: Path, database: str) -> None:
    """Undo a set-up that did not come to its end; key slots of any other origin stay."""
    staging = folder / UNFINISHED
    made = _content(staging / FILE_NAME)
    if made is not None and not (folder / database).exists():
        for path in durable_file.traces_of(folder / FILE_NAME):
            if _content(path) == made:
                with contextlib.suppress(OSError):
                    path.unlink()
    shutil.rmtree(staging, ignore_errors=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
