"""A busy session on a disk that is full at random points: ``python -m tests.safety.full_disks``.

The disk is a small file system in memory, mounted where only this process and its children see it (Linux, by root
or in a name space of its own). Prints what it counted as one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.errors import EnvironmentFailure
from station_emr.station import OpenStation, open_station
from tests.safety import ledger, soundness
from tests.safety.killing import DIRECTOR, ROOT, make_station
from tests.safety.scripted import BusyDay

SIZE_MIB = 96
MOST_ROOM = 500_000  # bytes: after this many, at the latest, the disk is full
_APART = (("unshare", "--mount"), ("unshare", "--mount", "--user", "--map-root-user"))
_SAID = ("chỗ", "đầy", "trống")


@dataclass
class Counts:
    """What came of it. ``during`` tells what met the full disk."""

    full: int = 0
    acknowledged: int = 0
    refused_openings: int = 0
    faults: list[str] = field(default_factory=list)
    during: Counter[str] = field(default_factory=Counter)

    @property
    def line(self) -> str:
        return json.dumps(
            {
                "full_disks": self.full,
                "acknowledged": self.acknowledged,
                "refused_openings": self.refused_openings,
                "lost_half_or_unclear": len(self.faults),
                "faults": self.faults[:20],
                "during": dict(self.during.most_common()),
            },
            ensure_ascii=False,
        )


class SmallDisk:
    """The file system under ``folder``; a file of ballast takes its room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def fill(self, room: int) -> None:
        """Leave about so many bytes."""
        self.empty()
        free = os.statvfs(self._folder)
        taken = max(0, free.f_bavail * free.f_frsize - room)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, taken)

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)


class FullDisks:
    """One station that is driven against the wall again and again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder / "station"
        self._copies = folder / "copies"
        self._disk = SmallDisk(folder)
        self._draw = random.Random(seed)
        self._lines: list[dict[str, Any]] = []
        self._turn = 0
        self.counts = Counts()
        make_station(self._folder)
        self._station = self._open()

    def _open(self) -> OpenStation:
        return open_station(self._folder, DIRECTOR.username, DEMO_PASSWORD)

    def meet(self) -> None:
        """Fill the disk, work until it is full, look, make room, and go on."""
        self._disk.fill(self._draw.randrange(MOST_ROOM))
        refused = self._work_until_full()
        self.counts.full += 1
        self._judge(refused, "full")
        self._find("while full")
        if self._draw.random() < 0.3:
            self._reopen_while_full()
        self._disk.empty()
        shutil.rmtree(self._copies, ignore_errors=True)
        self._day().go_on(4)
        self._find("with room again")

    def _day(self) -> BusyDay:
        self._turn += 1
        return BusyDay(self._station, self._turn, self._turn, self._copies, tell=self._lines.append)

    def _work_until_full(self) -> BaseException:
        while True:
            try:
                self._day().go_on(40)
            except (EnvironmentFailure, OSError) as refused:
                last = self._lines[-1] if self._lines else {}
                self.counts.during[last.get("begin", "between")] += 1
                return refused

    def _judge(self, refused: BaseException, when: str) -> None:
        if not isinstance(refused, EnvironmentFailure):
            self.counts.faults.append(f"turn {self._turn}, {when}: {refused!r}")
        elif not any(word in str(refused) for word in _SAID):
            self.counts.faults.append(f"turn {self._turn}, {when}: {refused}")

    def _find(self, when: str) -> None:
        done = [line for line in self._lines if "copy" not in line]
        for fault in (
            *soundness.faults_of(self._station.store),
            *ledger.lost(self._station, done),
        ):
            self.counts.faults.append(f"turn {self._turn}, {when}: {fault}")
        begun = [Path(line["copy"]) for line in self._lines if "copy" in line]
        whole = {Path(line["copy"]) for line in self._lines if "copy" in line and "done" in line}
        for place in begun:
            if place not in whole and place.exists() and any(place.iterdir()):
                self.counts.faults.append(f"turn {self._turn}, {when}: half a copy was left")
        self.counts.acknowledged = sum("done" in line for line in self._lines)

    def _reopen_while_full(self) -> None:
        """As a person does whom the sentence did not help."""
        self._station.close()
        try:
            self._station = self._open()
        except EnvironmentFailure as refused:
            self.counts.refused_openings += 1
            self._judge(refused, "opening")
            self._disk.empty()
            self._station = self._open()
        self._find("opened while full")

    def close(self) -> None:
        self._station.close()


def here(points: int, seed: int) -> Counts:
    """In a process that sees the small disk alone."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ("mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", folder)
        subprocess.run(mount, check=True)
        try:
            disks = FullDisks(Path(folder), seed)
            for _ in range(points):
                disks.meet()
            disks.close()
        finally:
            with suppress(OSError):
                subprocess.run(("umount", "--lazy", folder), check=False)
    return disks.counts


def apart(points: int, seed: int) -> subprocess.CompletedProcess[str] | None:
    """In a name space of its own; None where the system does not allow one."""
    for way in _APART:
        if shutil.which(way[0]) is None:
            return None
        if subprocess.run((*way, "true"), check=False, capture_output=True).returncode == 0:
            asked = ("--points", str(points), "--seed", str(seed), "--here")
            return subprocess.run(
                (*way, sys.executable, "-m", "tests.safety.full_disks", *asked),
                cwd=ROOT,
                check=False,
                capture_output=True,
                text=True,
            )
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--here", action="store_true", help="the name space is made already")
    given = parser.parse_args()
    if given.here:
        counts = here(given.points, given.seed)
        print(counts.line)
        sys.exit(bool(counts.faults))
    done = apart(given.points, given.seed)
    if done is None:
        sys.exit("this system gives no name space of its own")
    print(done.stdout, end="")
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
