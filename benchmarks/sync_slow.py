"""Seconds on a link of 30 kbit/s with 300 ms each way: one visit with its prescription, a day of forty.

From the moment the records are signed until the province's answer is on the disk here and both ends
agree. ``warm`` is a program whose last contact left its connection open (the server keeps it 75 s);
``cold`` is one that was started again and has to open a connection first, one round trip more. Plain
HTTP on both sides: TLS would cost a cold connection one round trip more.

``link`` says what makes it slow: netem in a network namespace of this run where root and the kernel
allow it, else the benchmarks' own line, which sends in packets at that rate, delays each, and makes a
new connection wait for a round trip.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import pouch_peer
from benchmarks.counted_line import CountedLine
from benchmarks.machine import median, report
from benchmarks.network_namespace import Namespace, slow_namespace
from benchmarks.sync_content import DAY, day_of, people
from benchmarks.sync_stage import flat, machine_at, province
from benchmarks.sync_wire import Documents, compact_documents, lines_of

KBIT = 30
DELAY = 0.3
PATIENTS = 200
STEPS = {"one": 1, "forty": 40}
ROUNDS = 3


@contextmanager
def line_to(port: int, behind: Namespace | None) -> Iterator[tuple[str, Callable[[], None]]]:
    """An address of this machine that leads to ``port``, and what makes the way slow."""
    if behind is None:
        with CountedLine(port) as line:
            yield line.url, lambda: line.shape(KBIT, DELAY)
    else:
        with CountedLine(port, host=behind.host) as line:
            yield line.url, behind.shape


def place(behind: Namespace | None) -> dict[str, Any]:
    return {} if behind is None else {"prefix": behind.prefix, "host": behind.host}


def ours(folder: Path, rounds: int) -> tuple[dict[str, Any], dict[str, Documents]]:
    """Seconds, and the lines of one day for the peer."""
    patients = people(PATIENTS)
    database = folder / "station" / "station.db"
    seconds: dict[str, list[float]] = {}
    documents: dict[str, Documents] = {}
    with (
        slow_namespace(KBIT, DELAY) as behind,
        province(folder / "province", **place(behind)) as port,
        line_to(port, behind) as (url, slow),
    ):
        with machine_at(database, url) as machine:
            machine.open_station()
            machine.write(patients)
            machine.sync()
            documents["history"] = lines_of(machine, patients)
        slow()
        for name, count in STEPS.items():
            for number in range(rounds):
                for warm in (True, False):
                    with machine_at(database, url) as machine:
                        seed = 10 * number + warm
                        records = flat(day_of(patients, count, seed=seed, day=DAY))
                        if warm:
                            machine.sync()
                        machine.write(records)
                        started = time.monotonic()
                        machine.sync()
                        key = f"{name}_{'warm' if warm else 'cold'}_s"
                        seconds.setdefault(key, []).append(time.monotonic() - started)
                        documents[name] = lines_of(machine, records)
    link = "throttling line" if behind is None else "netem"
    found = {key: round(median(values), 2) for key, values in seconds.items()}
    return {"link": link, **found}, documents


def pouch(folder: Path, documents: dict[str, Documents]) -> dict[str, float]:
    found = {}
    folder.mkdir(parents=True)
    file = folder / "documents"
    with (
        slow_namespace(KBIT, DELAY) as behind,
        pouch_peer.server(folder / "server", **place(behind)) as port,
        line_to(port, behind) as (url, slow),
        pouch_peer.client(folder / "client") as client,
    ):
        for name in ("history", *STEPS):
            pouch_peer.write_documents(file, documents[name])
            client.ask(put=str(file))
            if name in STEPS:
                answer = client.ask(sync=f"{url}/day")
                found[f"{name}_s"] = round(answer["seconds"], 2)
            else:
                client.ask(sync=f"{url}/day")
                slow()
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="one round; PouchDB compact only")
    quick = asked.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found, documents = ours(folder / "ours", 1 if quick else ROUNDS)
        reason = pouch_peer.available()
        found["pouch"] = f"skipped: {reason}" if reason else pouch_peer.version()
        forms: Sequence[tuple[str, dict[str, Documents]]] = ()
        if not reason:
            patients = people(PATIENTS)
            days = {step: flat(day_of(patients, count)) for step, count in STEPS.items()}
            records = {"history": patients, **days}
            compacted = {step: compact_documents(some) for step, some in records.items()}
            forms = (
                [("compact", compacted)] if quick else [("compact", compacted), ("fhir", documents)]
            )
        for form, some in forms:
            measured = pouch(folder / f"pouch-{form}", some)
            found |= {f"pouch_{form}_{key}": value for key, value in measured.items()}
    report("sync_slow", kbit=KBIT, delay_ms=DELAY * 1000, rounds=1 if quick else ROUNDS, **found)


if __name__ == "__main__":
    main()
