"""Bytes and requests of a contact with the province: nothing new, one visit, a day of forty.

The station and the province already share a thousand people and some history; each step begins as a
program that was started before and has met this server. Bodies of both directions are counted after
compression; the bytes of the HTTP headers stand beside them.

``forty_ratio_compact`` is the body of the request that carries the day (``forty_up_bytes``; FHIR R4,
packed with the protocol's dictionary) over ``forty_compact_bytes``: the same eighty records as JSON
lines that hold every field that does not stand at its default and nothing else, packed by zstd level 19
without a dictionary. ``forty_ratio_whole`` is the same with the facts of the envelope (author, moment,
machine, number, status) in both. PouchDB carries, in the same run over the same kind of line, the
operations' own FHIR lines as documents (``pouch_fhir_…``) and the compact records
(``pouch_compact_…``).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from benchmarks import pouch_peer
from benchmarks.counted_line import Count, CountedLine
from benchmarks.machine import report
from benchmarks.population import DOCTOR
from benchmarks.sync_content import DAY, compact, compact_size, day_of, people
from benchmarks.sync_stage import HISTORY, Machine, flat, machine_at, province
from station_emr.domain.record import RecordKind

Documents = list[tuple[str, bytes]]
STEPS = {"noop": 0, "one": 1, "forty": 40}


def lines_of(machine: Machine, records: Iterable[Any]) -> Documents:
    """The operations of signed records as they went, by record id."""
    with machine.store.read() as work:
        found = []
        for record in records:
            kind = RecordKind(type(record).__name__.lower())
            line = work.operations.line(work.operations.op_id_of(kind, record.id, 1))
            assert line is not None
            found.append((record.id, line))
    return found


def compact_documents(records: Iterable[Any]) -> Documents:
    encoder = msgspec.json.Encoder(decimal_format="number")
    return [(record.id, encoder.encode(compact(record))) for record in records]


def whole_size(records: Sequence[Any]) -> int:
    """Compact records with what the envelope of an operation says, as zstd level 19 packs them."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    facts = {"by": DOCTOR.user_id, "name": DOCTOR.full_name, "device": "Máy 1", "inc": "0" * 16}
    lines = [
        encoder.encode(
            {
                **facts,
                "n": number,
                "at": getattr(record, "signature").at,  # noqa: B009
                "kind": type(record).__name__.lower(),
                "status": "signed",
                "record": compact(record),
            }
        )
        for number, record in enumerate(records, 2001)
    ]
    return len(zstandard.ZstdCompressor(level=19).compress(b"\n".join(lines)))


def named(name: str, count: Count) -> dict[str, int]:
    return {
        f"{name}_requests": count.requests,
        f"{name}_bytes": count.body,
        f"{name}_header_bytes": count.header,
    }


def step(
    machine: Machine, line: CountedLine, records: Sequence[Any], *, gzip: bool = False
) -> Count:
    if gzip:  # as for a server that does not know the dictionary
        machine.sync()
        machine.client.facts = replace(machine.client.facts, zstd=False)
    machine.write(records)
    line.start_count()
    machine.sync()
    return line.count()


def days(patients: Sequence[Any]) -> dict[str, list[Any]]:
    """Each step has words of its own; ``again`` is another day of forty for gzip."""
    made = {name: flat(day_of(patients, count)) for name, count in STEPS.items()}
    return {**made, "again": flat(day_of(patients, 40, seed=7))}


def ours(folder: Path, history: Sequence[Any], steps: dict[str, list[Any]]) -> dict[str, Any]:
    """The measures, and under ``documents`` what went."""
    database = folder / "station" / "station.db"
    found: dict[str, Any] = {}
    with province(folder / "province") as port, CountedLine(port) as line:
        with machine_at(database, line.url) as machine:
            machine.open_station()
            machine.write(history)
            machine.sync()
        for name in STEPS:
            with machine_at(database, line.url) as machine:
                count = step(machine, line, steps[name])
            found |= named(name, count)
            if name == "forty":
                found["forty_up_bytes"] = count.up_body
        with machine_at(database, line.url) as machine:
            count = step(machine, line, steps["again"], gzip=True)
            found |= named("forty_gzip", count)
            found["documents"] = {
                name: lines_of(machine, records)
                for name, records in {"history": history, **steps}.items()
            }
    return found


def pouch(folder: Path, documents: dict[str, Documents]) -> dict[str, int]:
    found: dict[str, int] = {}
    file = folder / "documents"
    folder.mkdir(parents=True)
    with pouch_peer.server(folder / "server") as port, CountedLine(port) as line:
        for name in ("history", *STEPS):
            # Each step is a start of the program, as for ours.
            with pouch_peer.client(folder / "client") as client:
                pouch_peer.write_documents(file, documents[name])
                client.ask(put=str(file))
                line.start_count()
                client.ask(sync=f"{line.url}/day")
                if name in STEPS:
                    found |= named(name, line.count())
                else:  # it looks once more at what it has just pushed; that is not counted
                    client.ask(sync=f"{line.url}/day")
    return found


def measure(folder: Path, size: tuple[int, int]) -> dict[str, Any]:
    patients = people(size[0])
    before = day_of(patients, size[1], seed=5, day=DAY - timedelta(days=30))
    steps = days(patients)
    history = [*patients, *flat(before)]
    found = ours(folder / "ours", history, steps)
    lines = found.pop("documents")
    day = steps["forty"]
    found["forty_resources"] = sum(
        len(msgspec.json.decode(line)["resources"]) for _, line in lines["forty"]
    )
    found["forty_plain_bytes"] = sum(len(line) for _, line in lines["forty"])
    found["forty_compact_bytes"] = compact_size(day)
    found["forty_ratio_compact"] = round(found["forty_up_bytes"] / compact_size(day), 3)
    found["forty_ratio_whole"] = round(found["forty_up_bytes"] / whole_size(day), 3)
    reason = pouch_peer.available()
    if reason:
        return {**found, "pouch": f"skipped: {reason}"}
    found["pouch"] = pouch_peer.version()
    everything = {"history": history, **steps}
    compacted = {name: compact_documents(records) for name, records in everything.items()}
    for form, documents in (("fhir", lines), ("compact", compacted)):
        measured = pouch(folder / f"pouch-{form}", documents)
        found |= {f"pouch_{form}_{name}": value for name, value in measured.items()}
    found["forty_share_of_pouch"] = round(found["forty_bytes"] / found["pouch_fhir_forty_bytes"], 3)
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="a fifth of the history")
    size = tuple(part // 5 for part in HISTORY) if asked.parse_args().quick else HISTORY
    with tempfile.TemporaryDirectory() as folder:
        measures = measure(Path(folder), (size[0], size[1]))
    report("sync_wire", patients=size[0], history_visits=size[1], **measures)


if __name__ == "__main__":
    main()
