"""A big push that is cut at a quarter, a half and three quarters of its bytes: what goes twice.

The line closes both ends once after so many bytes of the client, whatever they are part of. The same
push without a cut, of the same records by the same kind of fresh machine, is what had to go:
``cut_NN_extra_bytes`` is all that went beyond it, up to the end of the next run, bodies up. It holds the
bytes sent twice and what smaller pages cost in packing. The goal is one page of 64 kB.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import pouch_peer
from benchmarks.counted_line import CountedLine
from benchmarks.machine import report
from benchmarks.sync_content import day_of, people
from benchmarks.sync_stage import flat, machine_at, province
from benchmarks.sync_wire import Documents, lines_of

VISITS = 600
PATIENTS = 100
CUTS = (25, 50, 75)
PAGE = 64 * 1024


def push(folder: Path, visits: int, cut_at: int | None) -> tuple[int, Documents]:
    """Bytes of bodies that went up until everything was there."""
    patients = people(PATIENTS)
    with (
        province(folder / "province") as port,
        CountedLine(port) as line,
        machine_at(folder / "station" / "station.db", line.url) as machine,
    ):
        machine.open_station()
        machine.write(patients)
        machine.sync()
        records = flat(day_of(patients, visits))
        machine.write(records)
        line.start_count()
        if cut_at is not None:
            line.cut_after(cut_at)
            run = machine.engine.run_once()
            if run.outcome == "complete" or not line.was_cut:
                raise RuntimeError("the line was not cut")
        machine.sync()
        return line.count().up_body, lines_of(machine, records)


def pouch_push(folder: Path, documents: Documents, cut_at: int | None) -> int:
    folder.mkdir(parents=True)
    file = folder / "documents"
    pouch_peer.write_documents(file, documents)
    with (
        pouch_peer.server(folder / "server") as port,
        CountedLine(port) as line,
        pouch_peer.client(folder / "client") as client,
    ):
        client.ask(put=str(file))
        line.start_count()
        if cut_at is not None:
            line.cut_after(cut_at)
            client.ask(push=f"{line.url}/day", may_fail=True)
            if not line.was_cut:
                raise RuntimeError("the line was not cut")
        client.ask(push=f"{line.url}/day")
        return line.count().up_body


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="a third of the visits")
    visits = VISITS // 3 if asked.parse_args().quick else VISITS
    found: dict[str, Any] = {"visits": visits}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, documents = push(folder / "whole", visits, None)
        found["push_bytes"] = whole
        for percent in CUTS:
            sent, _ = push(folder / f"cut-{percent}", visits, whole * percent // 100)
            found[f"cut_{percent}_extra_bytes"] = sent - whole
        found["worst_extra_bytes"] = max(found[f"cut_{one}_extra_bytes"] for one in CUTS)
        found["page_bytes"] = PAGE
        reason = pouch_peer.available()
        found["pouch"] = f"skipped: {reason}" if reason else pouch_peer.version()
        if not reason:
            whole = pouch_push(folder / "pouch", documents, None)
            found["pouch_fhir_push_bytes"] = whole
            for percent in CUTS:
                cut_at = whole * percent // 100
                sent = pouch_push(folder / f"pouch-{percent}", documents, cut_at)
                found[f"pouch_fhir_cut_{percent}_extra_bytes"] = sent - whole
    report("sync_cut", **found)


if __name__ == "__main__":
    main()
