"""A log of a million lines: checking all of it, finding some of it, and what one more line costs.

The lines are made up and written past the program, with the hashes that the program would give them.
``view_ms`` is what a look at a record waits for: the line is durable on the disk before the screen shows
anything. ``fsync_p95_ms`` is one flushed page on the same disk.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.machine import median, milliseconds, percentile, report
from benchmarks.population import STATION
from benchmarks.save import KEY, fsync_seconds
from station_emr.db import connection as connections
from station_emr.db import schema
from station_emr.db.audit import FORM, chain_hash
from station_emr.db.codec import utc_text
from station_emr.db.store import EncryptedStore
from station_emr.domain.audit import AuditFilter, Result
from station_emr.domain.permissions import Role
from station_emr.domain.user import Actor, User
from station_emr.services.clock import VIETNAM, SystemClock
from station_emr.services.readings import Readings

PEOPLE, PATIENTS = 24, 20_000
DOCTOR = Actor(
    user=User(id="u-3", username="bs3", full_name="Bác Sĩ Mẫu", role=Role.DOCTOR), device="Máy 1"
)
_ACTIONS = (
    *("patient.view",) * 9,
    *("encounter.view",) * 7,
    *("prescription.view", "encounter.draft", "encounter.sign", "referral.print"),
    *("account.log_in", "account.log_out"),
)
_NAMES = (
    *("seq", "at_utc", "at_offset", "user_id", "user_name", "role", "device", "action", "kind"),
    *("record_id", "patient_id", "detail", "prev_hash", "hash", "form", "source", "account"),
    *("purpose", "result", "skew"),
)


def line(number: int, start: Any) -> dict[str, Any]:
    """One made-up line; the same number is always the same line."""
    action = _ACTIONS[number % len(_ACTIONS)]
    person, patient = number * 7919 % PEOPLE, number * 104_729 % PATIENTS
    clinical = not action.startswith("account.")
    identity = f"00000000-0000-7000-8000-{patient:012x}" if clinical else ""
    return {
        "at_utc": utc_text(start + timedelta(seconds=40 * number)),
        "at_offset": 420,
        "user_id": f"u-{person}",
        "user_name": f"Người Dùng Mẫu {person}",
        "role": "doctor",
        "device": f"Máy {person % 4 + 1}",
        "action": action,
        "kind": action.partition(".")[0] if clinical else "",
        "record_id": identity,
        "patient_id": identity,
        "detail": "{}",
        "form": FORM,
        "source": "window",
        "account": f"bs{person}",
        "purpose": "care" if clinical else "operation",
        "result": "refused" if number % 5_000 == 0 else "ok",
        "skew": -2,
    }


def prepare(path: Path, count: int) -> None:
    if path.exists():
        return
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    raw = connections.connect(fresh, KEY, create=True)
    schema.build(raw)
    # Checked one by one a million lines take minutes; they are right by the way they are made.
    (trigger,) = raw.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'audit_entry_insert'"
    ).fetchone()
    raw.execute("DROP TRIGGER audit_entry_insert")
    start = SystemClock().now().astimezone(VIETNAM) - timedelta(seconds=40 * count)
    put = f"INSERT INTO audit_entry ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"
    before = ""
    for begin in range(1, count + 1, 20_000):
        rows = []
        for number in range(begin, min(begin + 20_000, count + 1)):
            made = {"seq": number, "prev_hash": before, **line(number, start)}
            before = made["hash"] = chain_hash(before, number, made)
            rows.append(tuple(made[name] for name in _NAMES))
        raw.execute("BEGIN")
        raw.executemany(put, rows)
        raw.execute("COMMIT")
    raw.execute(trigger)
    raw.close()
    fresh.replace(path)


def spent(work: Any) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pages(store: EncryptedStore, count: int) -> dict[str, float]:
    """The slowest of five first pages, and of a page deep in the log, per kind of question."""
    with store.read() as work:
        last = work.audit.rows(1)[0]
    day = last.at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=40)
    questions = {
        "newest": AuditFilter(),
        "person": AuditFilter(user_id="u-3"),
        "patient": AuditFilter(patient_id=last.patient_id or line(5, last.at)["patient_id"]),
        "action": AuditFilter(actions=("referral.print",)),
        "day": AuditFilter(since=day, until=day + timedelta(days=1)),
        "refused": AuditFilter(result=Result.REFUSED),
        "person_action_month": AuditFilter(
            user_id="u-3",
            actions=("referral.print",),
            since=day - timedelta(days=30),
            until=day,
        ),
    }
    found = {}
    for name, wanted in questions.items():

        def ask(wanted: AuditFilter = wanted) -> None:
            with store.read() as work:
                work.audit.rows(300, None, wanted)
                work.audit.rows(300, count // 2, wanted)

        found[f"page_{name}_ms"] = milliseconds(max(spent(ask) for _ in range(5)) / 2)
    return found


def run(folder: Path, count: int) -> dict[str, Any]:
    path = folder / "station.db"
    prepare(path, count)
    size = path.stat().st_size
    store = EncryptedStore.open(path, KEY)
    with store.write() as work:
        work.settings.save_station(STATION, SystemClock().now())
    before = memory_mb()
    with store.read() as work:
        seconds = spent(work.audit.check)
        assert work.audit.verify() is None
    grown = memory_mb() - before
    with store.read() as work:
        told = work.audit.size()
    readings = Readings(store, SystemClock())
    looks = [
        spent(lambda number=number: readings.note(DOCTOR, "patient", f"p{number}", f"p{number}"))
        for number in range(300)
    ]
    flushed = fsync_seconds(folder, 100)
    found = {
        "lines": count,
        "verify_seconds": round(seconds, 2),
        "verify_lines_per_second": round(count / seconds),
        "verify_memory_mb": round(grown, 1),
        "file_mb": round(size / 1e6, 1),
        "told_mb": round(told.size / 1e6, 1),
        "bytes_per_line": round(size / count),
        **pages(store, count),
        "view_ms": milliseconds(median(looks)),
        "view_p95_ms": milliseconds(percentile(looks, 95)),
        "fsync_p95_ms": milliseconds(percentile(flushed, 95)),
    }
    store.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fifty thousand lines")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "station-bench")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.cache) as folder:
        found = run(Path(folder), 50_000 if options.quick else 1_000_000)
    report("audit_chain", **found)


if __name__ == "__main__":
    main()
