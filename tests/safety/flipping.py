"""Flips one bit of a station's files at random places: ``python -m tests.safety.flipping``.

Whatever is read afterwards is right, or the damage is told. Prints what it counted as one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged, EnvironmentFailure
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.station import DATABASE, KEY_SLOTS
from tests.db import records
from tests.security.stations import CHEAP, PASSWORD

BEFORE, AFTER = 6, 14  # people whose records lie in the file, and in the write-ahead log
LOG = f"{DATABASE}-wal"
FILES = (DATABASE, LOG, KEY_SLOTS)
_KEPT = "sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"

Content = dict[str, list[tuple[Any, ...]]]


@dataclass
class Counts:
    """``told``: as damage. ``unharmed``: all that is read is right. ``torn``: the last save alone is
    gone, as if a power cut had torn it. ``wrong`` names what went by unnoticed.
    """

    flips: int = 0
    told: Counter[str] = field(default_factory=Counter)
    unharmed: Counter[str] = field(default_factory=Counter)
    torn: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        return json.dumps(
            {
                "flips": self.flips,
                "told": dict(self.told),
                "unharmed": dict(self.unharmed),
                "last_save_torn": self.torn,
                "wrong_unnoticed": len(self.wrong),
                "wrong": self.wrong[:20],
            },
            ensure_ascii=False,
        )


def make(folder: Path) -> None:
    """A station that ended uncleanly: part of its records are in the write-ahead log only."""
    live = folder.with_name(f"{folder.name}-live")
    live.mkdir()
    keys = iter([records.KEY])
    KeySlots.create(
        live / KEY_SLOTS,
        station_name=records.STATION.name,
        database_id=records.STATION.facility_id,
        username=records.DOCTOR.username,
        display_name=records.DOCTOR.full_name,
        password=PASSWORD,
        clock=SystemClock().now,
        rng=lambda count: next(keys, None) or bytes(range(count)),
        cost=CHEAP,
    )
    store = EncryptedStore.create(live / DATABASE, records.KEY)
    with store.write() as work:
        work.settings.save_station(records.STATION, records.NOW)
        work.users.save(records.DOCTOR, author=None, at=records.NOW)
    for number in range(1, BEFORE + 1):
        _add(store, number)
    store.close()
    store = EncryptedStore.open(live / DATABASE, records.KEY)
    for number in range(BEFORE + 1, BEFORE + AFTER):
        _add(store, number)
    shutil.copytree(live, folder.with_name(f"{folder.name}-before-the-last"))
    _add(store, BEFORE + AFTER)
    shutil.copytree(live, folder)
    store.close()
    shutil.rmtree(live)


def _add(store: EncryptedStore, number: int) -> None:
    with store.write() as work:
        records.sign(work.patients, records.patient(number))
        records.sign(work.encounters, records.encounter(1000 + number, number))
        work.audit.append(records.ACTOR, "patient.register", records.NOW)


def read(folder: Path) -> Content:
    """Everything, as a log-in finds it. Raises EnvironmentFailure."""
    slots = KeySlots.load(folder / KEY_SLOTS, clock=SystemClock().now)
    data_key = slots.unlock(records.DOCTOR.username, PASSWORD)
    store = EncryptedStore.open(folder / DATABASE, data_key)
    try:
        with store.read() as work:
            ask = work._connection.exec_driver_sql
            tables = [row[0] for row in ask(f"SELECT name FROM {_KEPT}")]
            return {
                table: [tuple(row) for row in ask(f'SELECT * FROM "{table}"')] for table in tables
            }
    finally:
        store.close()


def _copied(folder: Path, scratch: Path) -> Path:
    if scratch.exists():
        shutil.rmtree(scratch)
    shutil.copytree(folder, scratch)
    return scratch


def flip(path: Path, draw: random.Random) -> int:
    """Turn one bit of the file over; gives the byte's place."""
    place = draw.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes((byte ^ 1 << draw.randrange(8),)))
    return place


def run(folder: Path, samples: int, seed: int) -> Counts:
    """So many flips, over the three files in turn."""
    draw = random.Random(seed)
    make(folder / "sound")
    truth = read(_copied(folder / "sound", folder / "scratch"))
    earlier = read(_copied(folder / "sound-before-the-last", folder / "scratch"))
    counts = Counts()
    for number in range(samples):
        name = FILES[number % len(FILES)]
        scratch = _copied(folder / "sound", folder / "scratch")
        place = flip(scratch / name, draw)
        counts.flips += 1
        try:
            found = read(scratch)
        except DatabaseDamaged as told:
            counts.told[name] += 1
            if "khôi phục" not in str(told):
                counts.wrong.append(f"{name} at {place}: no way out is told: {told}")
        except EnvironmentFailure as told:
            counts.wrong.append(f"{name} at {place}: told as another failure: {told}")
        else:
            if found == truth:
                counts.unharmed[name] += 1
            elif name == LOG and found == earlier:
                counts.torn += 1
            else:
                counts.wrong.append(f"{name} at {place}: read as if nothing had happened")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = run(Path(folder), given.samples, given.seed)
    print(counts.line)
    sys.exit(bool(counts.wrong))


if __name__ == "__main__":
    main()
