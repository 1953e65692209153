"""A program killed at any moment loses nothing it had confirmed and keeps nothing half done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from station_emr.db.store import EncryptedStore
from tests.children.child import Nursery

from .records import KEY

ROUNDS = 4
WRITER = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("records", {records!r})
records = importlib.util.module_from_spec(spec)
sys.modules["records"] = records
spec.loader.exec_module(records)
from station_emr.db.store import EncryptedStore

store = EncryptedStore.open(Path({path!r}), records.KEY)
number = {first}
while True:
    with store.write() as work:
        given = work.counters.next("chart", "A", 2026)
        records.sign(work.patients, records.patient(number))
        records.sign(work.encounters, records.encounter(100_000 + number, number))
        work.audit.append(records.ACTOR, "patient.register", records.NOW)
        print("begun", number, given, flush=True)
    print("done", number, given, flush=True)
    number += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_kill_at_any_moment(store: EncryptedStore, children: Nursery, tmp_path: Path) -> None:
    store.close()
    confirmed: list[int] = []
    begun: list[int] = []
    first = 1
    for turn in range(ROUNDS):
        script = WRITER.format(
            folder=str(Path(__file__).parents[2]),
            records=str(Path(__file__).with_name("records.py")),
            path=str(store.path),
            first=first,
        )
        with children.start(tmp_path, script) as writer:
            lines: list[str] = []
            # An even turn ends between two commands, an odd one inside a transaction.
            wanted = "done" if turn % 2 == 0 else "begun"
            for line in writer.stdout:
                lines.append(line)
                if line.startswith(wanted) and len(lines) > 3 + 2 * turn:
                    break
            writer.kill()
            lines.extend(writer.stdout)
        # The last one may have been cut by the kill.
        whole = (line.split() for line in lines if line.endswith("\n"))
        for word, number, given in whole:
            assert number == given, "a number was lost or given twice"
            (confirmed if word == "done" else begun).append(int(number))

        again = EncryptedStore.open(store.path, KEY)
        again.check()
        with again.read() as work:
            counts = work.counts()
            held = counts.patients
            assert work.audit.verify() is None
            assert len(work.audit.rows(10_000)) == held
            assert (counts.encounters, counts.outbox) == (held, 2 * held)
            assert work.counters.peek("chart", "A", 2026) == held + 1
            found = {row.id for row in work.patients.search("ro cham", 10_000)}
        again.close()
        # Confirmed is there; at most the one command that was being confirmed is there as well.
        assert max(confirmed, default=0) <= held <= max(begun, default=0)
        assert len(found) == min(held, 200)
        first = held + 1
    assert len(set(confirmed)) == len(confirmed)
    assert len(confirmed) >= ROUNDS
