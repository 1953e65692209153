"""Every benchmark of the link, one after another: their JSON lines, then one table of goal, measured and
peer. ``make bench-sync`` runs it; ``QUICK=1`` takes small data and few rounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.machine import machine

Measures = Mapping[str, Any]
FULL: Mapping[str, tuple[str, ...]] = {
    "sync_wire": (),
    "sync_slow": (),
    "sync_cut": (),
    "sync_push": (),
    "sync_new_pc": (),
    "sync_ui": (),
}
QUICK: Mapping[str, tuple[str, ...]] = {
    "sync_wire": ("--quick",),
    "sync_slow": ("--quick",),
    "sync_cut": ("--quick",),
    "sync_push": ("--encounters", "1000", "--rounds", "1"),
    "sync_new_pc": ("--encounters", "2000"),
    "sync_ui": ("--quick",),
}
Row = tuple[str, str, str, Callable[[Measures], Any], Callable[[Measures], Any]]


def run(name: str, options: tuple[str, ...]) -> dict[str, Any]:
    """The measures of one benchmark, which has printed its line; empty when it failed."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(lines[-1]) if lines and not done.returncode else {}
    return found


def _kilo(count: Any) -> str:
    return f"{count} B" if count < 10_000 else f"{count / 1000:.1f} kB"


def _went(name: str, prefix: str = "") -> Callable[[Measures], str]:
    return lambda m: f"{m[f'{prefix}{name}_requests']} / {_kilo(m[f'{prefix}{name}_bytes'])}"


def _one(name: str, unit: str = "") -> Callable[[Measures], str]:
    return lambda m: f"{m[name]}{unit}"


def _none(_measures: Measures) -> str:
    return "–"


_POUCH = "pouch_fhir_"
ROWS: tuple[Row, ...] = (
    ("sync_wire", "nothing to do", "1 / 500 B", _went("noop"), _went("noop", _POUCH)),
    ("sync_wire", "one visit", "1 / 1500 B", _went("one"), _went("one", _POUCH)),
    ("sync_wire", "a day of forty", "2 / 32 kB", _went("forty"), _went("forty", _POUCH)),
    ("sync_wire", "… with gzip", "48 kB", _went("forty_gzip"), _none),
    (
        "sync_wire",
        "… PouchDB with compact documents",
        "half of it",
        _went("forty"),
        _went("forty", "pouch_compact_"),
    ),
    ("sync_wire", "… over compact JSON, zstd 19", "1.45", _one("forty_ratio_compact"), _none),
    (
        "sync_slow",
        "30 kbit/s, 300 ms: one, warm / cold",
        "2 s",
        lambda m: f"{m['one_warm_s']} / {m['one_cold_s']} s",
        _one("pouch_compact_one_s", " s"),
    ),
    (
        "sync_slow",
        "30 kbit/s, 300 ms: forty, warm / cold",
        "12 s",
        lambda m: f"{m['forty_warm_s']} / {m['forty_cold_s']} s",
        _one("pouch_compact_forty_s", " s"),
    ),
    (
        "sync_cut",
        "cut at 25, 50, 75 %: sent beyond (worst)",
        "65.5 kB",
        lambda m: _kilo(m["worst_extra_bytes"]),
        lambda m: _kilo(max(m[f"{_POUCH}cut_{one}_extra_bytes"] for one in (25, 50, 75))),
    ),
    (
        "sync_push",
        "push, visits a second (ratio)",
        "ratio 3",
        lambda m: f"{m['per_second']} ({m.get(f'{_POUCH}ratio', '–')})",
        _one(f"{_POUCH}per_second"),
    ),
    (
        "sync_push",
        "… sealed while the line was away (ratio)",
        "ratio 3",
        lambda m: f"{m['sealed_per_second']} ({m.get(f'sealed_{_POUCH}ratio', '–')})",
        _one(f"{_POUCH}per_second"),
    ),
    ("sync_new_pc", "new PC", "300 s for 50,000", _one("seconds", " s"), _none),
    ("sync_new_pc", "… bytes a visit", "1000 B", _one("bytes_per_encounter", " B"), _none),
    (
        "sync_new_pc",
        "… killed half-way, moved beyond",
        "a page",
        lambda m: _kilo(m["killed_extra_bytes"]),
        _none,
    ),
    ("sync_new_pc", "… from a file", "–", _one("file_seconds", " s"), _none),
    ("sync_ui", "window stands still, at most", "16 ms", _one("max_block_ms", " ms"), _none),
)


def cell(read: Callable[[Measures], Any], measures: Measures) -> str:
    try:
        return str(read(measures))
    except (KeyError, TypeError):
        return "not measured"


def main() -> None:
    chosen = QUICK if os.environ.get("QUICK") else FULL
    measures = {name: run(name, options) for name, options in chosen.items()}
    rows = [
        (title, goal, cell(ours, measures[name]), cell(peer, measures[name]))
        for name, title, goal, ours, peer in ROWS
    ]
    head = ("measure", "goal", "measured", "PouchDB, same run")
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(4)]
    print(f"\n{machine()}\n")
    for row in (head, tuple("-" * width for width in widths), *rows):
        print(
            "| "
            + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
            + " |"
        )
    if not all(measures.values()):
        raise SystemExit("not every benchmark ran")


if __name__ == "__main__":
    main()
