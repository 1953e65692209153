"""Nothing of a patient is left outside the encrypted record: every file of a day is read through."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from .leaking_day import GIVEN
from .planted import NAME, PLANTED, leaks

REPOSITORY = Path(__file__).parents[2]


def run_day(root: Path, *more: str) -> str:
    """The whole day with every folder of the system below ``root``; gives what it said."""
    places = {
        "HOME": "home",
        "TMPDIR": "tmp",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "share",
        "XDG_STATE_HOME": "state",
        "XDG_RUNTIME_DIR": "run",
    }
    for name in places.values():
        (root / name).mkdir(mode=0o700)
    finished = subprocess.run(
        [sys.executable, "-m", "tests.e2e.leaking_day", str(root), *more],
        cwd=REPOSITORY,
        env={
            **os.environ,
            **{name: str(root / place) for name, place in places.items()},
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    (root / "said.txt").write_text(finished.stderr, encoding="utf-8")
    return finished.stdout


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("leaks")
    return root, run_day(root)


def test_no_file_of_a_day_says_anything_of_a_patient(day) -> None:
    root, _said = day
    written = [path for path in root.rglob("*") if path.is_file()]
    names = {path.name for path in written}
    assert {"station.db", "window.json", "said.txt"} <= names | {"window.json"}
    assert any(path.parent.name == "problems" for path in written)
    assert any(path.suffix == ".pdf" for path in (root / GIVEN).iterdir())
    assert leaks(root, besides=GIVEN) == []


def test_the_clipboard_is_empty_after_the_lock_and_no_window_is_called_after_a_patient(day) -> None:
    _root, said = day
    lines = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    assert lines["clipboard"] == "''"
    assert "Trạm Y tế" in lines["titles"]
    assert not any(secret in lines["titles"] for secret in PLANTED)


def test_a_weak_build_is_caught(tmp_path) -> None:
    run_day(tmp_path, "weak")
    found = leaks(tmp_path, besides=GIVEN)
    assert any("problems/" in one and NAME in one for one in found)
    assert any(".spl: PDF" in one for one in found)
    assert any("app.log" in one and "utf-16-le" in one for one in found)


@pytest.mark.parametrize(
    "hide",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: b"stream\n" + zlib.compress(f"({text})".encode()) + b"\nendstream",
        lambda text: text.upper().encode(),
    ],
)
def test_the_search_finds_what_is_hidden(tmp_path, hide) -> None:
    (tmp_path / "x.bin").write_bytes(b"\x00\x01" + hide(NAME) + b"\x02")
    assert leaks(tmp_path, besides=GIVEN)
