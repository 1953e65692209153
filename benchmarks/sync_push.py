"""Pushing thousands of signed visits over loopback, durable on both ends.

Both sides begin with the visits written locally, in a program that has met the server, and end when the
other side has said that it has them and this side has written that down. Ours is the encrypted store
(``synchronous = FULL``) and the server process (``synchronous = FULL``), no line between them.

``per_second`` begins with visits that were signed one by one, as people sign: each has its line since the
transaction that wrote it, and ``write_s`` is what writing them took. ``masses_per_second`` begins with
visits written five hundred in a transaction, as an import does: none has its line, and making them is part
of the push.

PouchDB pushes the same operations' lines as documents (``pouch_fhir_…``) and the compact
records (``pouch_compact_…``) to express-pouchdb, LevelDB on both ends, which does not flush at each
write. Rates are medians of the rounds, each on fresh databases, one after another in turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import pouch_peer
from benchmarks.machine import median, report
from benchmarks.sync_content import day_of, people
from benchmarks.sync_stage import machine_at, province
from benchmarks.sync_wire import Documents, compact_documents, lines_of

ENCOUNTERS = 5_000
PATIENTS = 1_000
ROUNDS = 3
MASSES = 500


def push(
    folder: Path, patients: Sequence[Any], visits: Sequence[Any], *, at_once: int
) -> tuple[float, float, Documents]:
    """Seconds of writing and of the push, and the lines as they went."""
    with (
        province(folder / "province") as port,
        machine_at(folder / "station" / "station.db", f"http://127.0.0.1:{port}") as machine,
    ):
        machine.open_station()
        machine.write(patients)
        machine.sync()
        before = time.perf_counter()
        machine.write(visits, at_once)
        started = time.perf_counter()
        run = machine.sync()
        seconds = time.perf_counter() - started
        if run.sent != len(visits):
            raise RuntimeError(f"{run.sent} were sent")
        return started - before, seconds, lines_of(machine, visits)


def pouch_push(folder: Path, documents: Documents) -> float:
    folder.mkdir(parents=True)
    file = folder / "documents"
    pouch_peer.write_documents(file, documents)
    with (
        pouch_peer.server(folder / "server") as port,
        pouch_peer.client(folder / "client") as client,
    ):
        client.ask(put=str(file))
        answer = client.ask(push=f"http://127.0.0.1:{port}/day")
        if answer["written"] != len(documents):
            raise RuntimeError(f"{answer['written']} were written")
        return float(answer["seconds"])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--encounters", type=int, default=ENCOUNTERS)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--alone", action="store_true", help="without PouchDB")
    chosen = asked.parse_args()
    patients = people(PATIENTS)
    visits = [visit for visit, _ in day_of(patients, chosen.encounters)]
    reason = "not asked for" if chosen.alone else pouch_peer.available()
    seconds: dict[str, list[float]] = {}
    written: list[float] = []
    for number in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            writing, spent, lines = push(folder / "ours", patients, visits, at_once=1)
            seconds.setdefault("", []).append(spent)
            written.append(writing)
            _, spent, lines = push(folder / "masses", patients, visits, at_once=MASSES)
            seconds.setdefault("masses_", []).append(spent)
            if reason:
                continue
            forms = {"pouch_fhir_": lines, "pouch_compact_": compact_documents(visits)}
            for form, documents in forms.items():
                spent = pouch_push(folder / f"{form}{number}", documents)
                seconds.setdefault(form, []).append(spent)
    found: dict[str, Any] = {
        f"{form}per_second": round(chosen.encounters / median(values))
        for form, values in seconds.items()
    }
    found["seconds"] = round(median(seconds[""]), 2)
    found["write_s"] = round(median(written), 2)
    found["pouch"] = f"skipped: {reason}" if reason else pouch_peer.version()
    for form in ("pouch_fhir_", "pouch_compact_"):
        if form in seconds:
            for own in ("", "masses_"):
                ratio = median(seconds[form]) / median(seconds[own])
                found[f"{own}{form}ratio"] = round(ratio, 2)
    report("sync_push", encounters=chosen.encounters, rounds=chosen.rounds, **found)


if __name__ == "__main__":
    main()
