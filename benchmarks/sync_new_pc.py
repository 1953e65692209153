"""A new PC fetches the whole station: tens of thousands of visits, from the province and from a file.

The province holds the visits because its own exchange took them, page by page, in this process and not
over the wire; its index is set as done, as it would be the next day. The new PC is an empty encrypted
database in a process of its own, and begins with the first request: ``seconds`` run until everything is
applied, durable and verified by count and sum. ``bytes_per_encounter`` is all bodies of both directions
over the number of visits (their patients come with them). Then once more, killed without warning when
half of the bytes have come: ``killed_extra_bytes`` is what both attempts moved beyond the whole one.
``file_seconds`` is the same station from a snapshot file of the province.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage

from benchmarks.counted_line import CountedLine
from benchmarks.machine import report
from benchmarks.population import DOCTOR, STATION
from benchmarks.sync_content import DAY, people, visit
from benchmarks.sync_stage import TOKEN, WRITTEN, database_url, enrol, machine_at, province
from provincial_server import auth
from provincial_server.courier.snapshot import write_snapshot
from provincial_server.database import Database
from provincial_server.exchange.service import Exchange
from provincial_server.settings import Settings
from provincial_server.store import Facility
from station_emr.domain.operation import Envelope
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.services.rebuild import RebuildProgress
from station_emr.sync.courier_file import open_file
from station_emr.sync.exchange_peer import ExchangeRequest
from station_emr.sync.exchange_wire import encode_request
from station_emr.sync.operation_line import seal
from station_emr.sync.snapshot import SnapshotReader

ENCOUNTERS = 50_000
QUICK = 2_000
VISITS_A_PERSON = 10
_AT_ONCE = 200
INCARNATION = "0123456789abcdef"


def lines(encounters: int) -> Iterator[bytes]:
    """People, then their visits, as another PC of the station once sealed them."""
    patients = people(max(1, encounters // VISITS_A_PERSON))
    chance = random.Random(encounters)
    records: Iterator[tuple[RecordKind, Any]] = itertools.chain(
        ((RecordKind.PATIENT, patient) for patient in patients),
        (
            (
                RecordKind.ENCOUNTER,
                visit(
                    chance.choice(patients),
                    index,
                    chance,
                    DAY - timedelta(days=(encounters - index) // 40),
                )[0],
            )
            for index in range(encounters)
        ),
    )
    for number, (kind, record) in enumerate(records, 1):
        signature = getattr(record, "signature", None)
        envelope = Envelope(
            kind=kind,
            record_id=record.id,
            status=RecordStatus.SIGNED,
            base=(),
            at=signature.at if signature else WRITTEN,
            author_id=DOCTOR.user_id,
            author_name=DOCTOR.printed_name,
            incarnation=INCARNATION,
            number=number,
            device="Máy 2",
            skew=0,
        )
        yield seal(envelope, build_unit(kind, record, RecordStatus.SIGNED))


def fill(folder: Path, encounters: int) -> int:
    """How many operations the province took."""
    folder.mkdir(parents=True)
    enrol(folder)
    database = Database(database_url(folder))
    try:
        with database.write() as session:
            device = auth.enrol_device(session, STATION.code, "Máy 2", 0, token=f"{TOKEN}-2")
        caller = auth.Caller(device.device_id, STATION.code, STATION.name)
        exchange = Exchange(Settings(database_url(folder)), database)
        taken = 0
        sealed = lines(encounters)
        while page := tuple(itertools.islice(sealed, _AT_ONCE)):
            taken += len(page)
            request = ExchangeRequest(
                incarnation=INCARNATION, number=taken, epoch="", cursor=0, room=0, lines=page
            )
            answer = exchange.answer(caller, encode_request(request, "0" * 16))
            verdict = json.loads(answer.partition(b"\n")[0])
            if verdict.get("taken") != [[0, len(page) - 1]]:
                raise RuntimeError(f"not all were taken: {verdict.get('refused', [])[:1]}")
        with database.write() as session:
            facility = session.get_one(Facility, STATION.code)
            facility.indexed_sequence = facility.operation_sequence
        return taken
    finally:
        database.close()


# --- the new PC, in a process of its own ---------------------------------------------------------


def fetch(database: Path, url: str) -> dict[str, Any]:
    with machine_at(database, url) as machine:
        started = time.perf_counter()
        run = machine.sync()
        return {"seconds": time.perf_counter() - started, "received": run.received}


def from_file(database: Path, file: str, secret: str) -> dict[str, Any]:
    with machine_at(database, "http://127.0.0.1:9") as machine:
        machine.open_station()
        courier = open_file(Path(file))
        started = time.perf_counter()
        done = SnapshotReader(machine.store, machine.applier, secret).apply(
            file, courier.signer, _untold, lambda: False
        )
        seconds = time.perf_counter() - started
        if not (done.finished and done.verified):
            raise RuntimeError("the file did not fill the station")
        return {"seconds": seconds}


def _untold(_progress: RebuildProgress) -> None:
    """Nobody watches."""


def child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.sync_new_pc", "--child", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=3600)
    if process.returncode:
        raise RuntimeError("the new PC failed")
    found: dict[str, Any] = json.loads(out)
    return found


# --- measuring -----------------------------------------------------------------------------------


def over_the_line(folder: Path, encounters: int) -> dict[str, Any]:
    with province(folder / "province") as port, CountedLine(port) as line:
        whole = answer_of(child("fetch", str(folder / "whole.db"), line.url))
        count = line.count()
        found = {
            "seconds": round(whole["seconds"], 1),
            "encounters_per_second": round(encounters / whole["seconds"]),
            "requests": count.requests,
            "bytes": count.body,
            "header_bytes": count.header,
            "bytes_per_encounter": round(count.body / encounters, 1),
        }
        line.start_count()
        killed = child("fetch", str(folder / "killed.db"), line.url)
        while line.count().body < found["bytes"] / 2:
            if killed.poll() is not None:
                raise RuntimeError("it ended before it could be killed")
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        found["killed_at_bytes"] = line.count().body
        rest = answer_of(child("fetch", str(folder / "killed.db"), line.url))
        found["resumed_with_records"] = whole["received"] - rest["received"]
        found["killed_extra_bytes"] = line.count().body - found["bytes"]
        return found


def from_the_file(folder: Path) -> dict[str, Any]:
    pair = pyrage.x25519.Identity.generate()
    file = folder / "station.snapshot"
    database = Database(database_url(folder / "province"))
    try:
        _, size = write_snapshot(
            Settings(database_url(folder / "province")),
            database,
            STATION.code,
            str(pair.to_public()),
            file,
        )
    finally:
        database.close()
    done = answer_of(child("file", str(folder / "filled.db"), str(file), str(pair)))
    return {"file_seconds": round(done["seconds"], 1), "file_bytes": size}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    default = QUICK if os.environ.get("QUICK") else ENCOUNTERS
    asked.add_argument("--encounters", type=int, default=default)
    asked.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    if chosen.child:
        what, path, *rest = chosen.child
        done = fetch(Path(path), rest[0]) if what == "fetch" else from_file(Path(path), *rest)
        print(json.dumps(done))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        taken = fill(folder / "province", chosen.encounters)
        filled = time.perf_counter() - started
        found = over_the_line(folder, chosen.encounters)
        found |= from_the_file(folder)
    report(
        "sync_new_pc",
        encounters=chosen.encounters,
        operations=taken,
        fill_s=round(filled, 1),
        **found,
    )


if __name__ == "__main__":
    main()
