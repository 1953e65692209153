"""What the command line of the window may say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    folder: Path
    data_dir: Path | None
    demo: bool
    screenshots: Path | None
    size: tuple[int, int]


def read_options(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="station-emr", add_help=False)
    parser.add_argument("mode", nargs="?", choices=["demo"])
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--screenshots", type=Path, default=None)
    parser.add_argument("--size", type=_size, default=(1366, 768))
    given = parser.parse_args(list(arguments))
    demo = given.mode == "demo"
    usual = Path(platformdirs.user_data_dir("StationEMR", appauthor=False))
    folder = given.data_dir or (Path("demo-station") if demo else usual)
    return Options(
        folder=folder,
        data_dir=given.data_dir,
        demo=demo,
        screenshots=given.screenshots,
        size=given.size,
    )


def _size(text: str) -> tuple[int, int]:
    """``900x440``: of the window in pictures."""
    width, height = text.split("x")
    return int(width), int(height)
