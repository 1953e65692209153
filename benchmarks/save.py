"""Signing a visit in a station of 100,000 visits, from the click to the disk.

One signature is one transaction: checks, the number, the version, the head, the person's last
visit, the audit line, the event for the province and the line that will go there, flushed to the disk
before it returns (``synchronous = FULL``). Every other signature is written without its line, as before
the first contact (``unsealed_…``). ``fsync_p95_ms`` is what the same disk takes for one flushed page alone.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import median, milliseconds, percentile, report
from benchmarks.population import SEED, STATION, Size, cached, fill, people, visit
from station_emr.catalogs.starter import starter_rows
from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.db import connection as connections
from station_emr.db import schema
from station_emr.db.store import EncryptedStore
from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Role
from station_emr.domain.user import Actor, User
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.units import build_unit
from station_emr.services.clock import SystemClock
from station_emr.services.encounters import Encounters
from station_emr.services.guards import confirmation_key
from station_emr.services.ports import Work
from station_emr.sync.queueing import Sending
from station_emr.sync.sealing import Sealer, StoredIncarnation

KEY = bytes(range(32))  # the data is made up
FULL = Size(20_000, 100_000)
QUICK = Size(1_000, 5_000)
PAGE = 4096


def prepare(path: Path, size: Size) -> None:
    if path.exists():
        return
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    raw = connections.connect(fresh, KEY, create=True)
    schema.build(raw)
    fill(raw, size)
    raw.close()
    fresh.replace(path)


def draft(patient: Patient, clock: SystemClock, chance: random.Random) -> Encounter:
    """A visit as it stands when the doctor presses "sign"."""
    now = clock.now()
    return replace(
        visit(patient, 0, 1, chance),
        id=clock.new_id(),
        number="",
        arrived_at=now,
        started_at=now,
        ended_at=None,
        stage=Stage.IN_PROGRESS,
        station=None,
        patient=None,
        signature=None,
    )


def nothing(_work: Work, _after: int) -> None:
    pass


def fsync_seconds(folder: Path, count: int) -> list[float]:
    spent = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(count):
            start = time.perf_counter()
            file.write(bytes(PAGE))
            file.flush()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - start)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small station, for a smoke run")
    parser.add_argument("--count", type=int, default=400, help="signatures")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "station-bench")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    options.cache.mkdir(parents=True, exist_ok=True)
    filled = cached(options.cache, size, "save")
    prepare(filled, size)

    with tempfile.TemporaryDirectory(dir=options.cache) as folder:
        store = EncryptedStore.open(shutil.copy(filled, Path(folder) / "station.db"), KEY)
        clock = SystemClock()
        user = User(
            id=clock.new_id(),
            username="bs.mau",
            full_name="Người Mẫu",
            role=Role.DOCTOR,
            title="BS.",
            licence_no="MAU-0001",
        )
        with store.write() as work:
            work.settings.save_station(STATION, clock.now())
            work.users.save(user, author=None, at=clock.now())
            work.catalogs.load_starter(starter_rows(), clock.now())
        actor = Actor(user=user, device="Máy 1")
        service = Encounters(store, clock, StationCatalogs(store))
        chance = random.Random(SEED)
        crowd = people(size)
        sealer = Sealer(build_unit, carry_over, StoredIncarnation(clock.random))
        with store.write() as work:
            sealer.incarnation.renew(work)
        seal = Sending(store, clock, sealer).seal_fresh
        spent: list[float] = []
        for number in range(2 * options.count + 20):
            store.do_before_commit(nothing if number % 2 else seal)
            patient = chance.choice(crowd)
            encounter = draft(patient, clock, chance)
            service.save_draft(actor, encounter)
            answered = {confirmation_key(found) for found in service.check(encounter, patient)}
            start = time.perf_counter()
            service.sign(actor, encounter, answered)
            spent.append(time.perf_counter() - start)
        sealed, unsealed = spent[20::2], spent[21::2]
        with store.read() as work:
            lines = len(work.operations.since(0, 10 * options.count))
        if lines != options.count + 10:
            raise RuntimeError(f"{lines} lines were made")
        flushed = fsync_seconds(Path(folder), options.count)
        held = store.counts.encounters
        store.close()

    report(
        "save",
        p95_ms=milliseconds(percentile(sealed, 95)),
        median_ms=milliseconds(median(sealed)),
        max_ms=milliseconds(max(sealed)),
        unsealed_p95_ms=milliseconds(percentile(unsealed, 95)),
        unsealed_median_ms=milliseconds(median(unsealed)),
        fsync_p95_ms=milliseconds(percentile(flushed, 95)),
        fsync_median_ms=milliseconds(median(flushed)),
        signatures=len(sealed),
        encounters=held,
    )


if __name__ == "__main__":
    main()
