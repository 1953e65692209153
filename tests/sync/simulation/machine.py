"""One PC of a simulated station: the real store, engine and services, on a clock that may be wrong."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from provincial_server.auth import Caller
from station_emr.db.store import EncryptedStore
from station_emr.domain.ids import uuid7
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import SyncRun, UnitState
from station_emr.domain.user import User
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.security.witness import WitnessFile
from station_emr.services.conflict_views import OpenRecord
from station_emr.services.conflicts import Conflicts
from station_emr.services.incarnation import Lives
from station_emr.services.record_stores import MERGED_KINDS, record_store
from station_emr.services.replication import apply_operation
from station_emr.services.rights_effect import held_back
from station_emr.services.rights_steps import steps_to
from station_emr.sync.applying import Applier
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import CURSOR, EPOCH, Exchange
from station_emr.sync.operation_line import open_line
from station_emr.sync.portions import Portions
from station_emr.sync.sealing import Sealer, is_dead
from tests.interop import fhir_records as sample

from .compiled import share_statements
from .line import Killed, Line

KEY = bytes(range(32))
STAFF = tuple(
    User(id=sample.made_id(700 + place), username=f"mau{place}", full_name=name, role=role)
    for place, (name, role) in enumerate(
        (
            ("Giám Đốc Mẫu", Role.DIRECTOR),
            ("Giám Đốc Mẫu Hai", Role.DIRECTOR),
            ("Điều Dưỡng Mẫu", Role.NURSE),
        )
    )
)
"""Who works at the station beside the doctor, on every PC from the first day."""
SIGNATURE, PRACTITIONER = RecordKind.SIGNATURE, RecordKind.PRACTITIONER
_KINDS = MERGED_KINDS | {SIGNATURE}
_HERE = {kind: f'SELECT id FROM "{kind.value}" WHERE version > 0' for kind in _KINDS}
_SHOWN = {kind: f'SELECT id, version FROM "{kind.value}"' for kind in _KINDS}
_SHOWN[PRACTITIONER] = "SELECT id, version FROM user"
_HEADS = {
    kind: (
        "SELECT h.id, v.content, h.status = 'voided', v.open_fields "
        f'FROM "{kind.value}" AS h JOIN record_version AS v '
        f"ON v.kind = '{kind.value}' AND v.record_id = h.id AND v.version = h.version"
    )
    for kind in _KINDS
}
# What travels of a colleague; of two versions at once one stands, so nothing is ever open.
_HEADS[PRACTITIONER] = (
    "SELECT h.id, v.content ->> '$.full_name', v.content ->> '$.role', v.content ->> '$.title', "
    "v.content ->> '$.licence_no', v.content ->> '$.phone' FROM user AS h JOIN record_version AS v "
    "ON v.kind = 'practitioner' AND v.record_id = h.id AND v.version = h.version"
)
FILE = "station.db"


class Clock:
    """What this machine believes the time is."""

    def __init__(self, true_time: Any, chance: random.Random) -> None:
        self._true_time = true_time
        self._chance = chance
        self.error = timedelta()

    def now(self) -> datetime:
        return self._true_time() + self.error

    def random(self, count: int) -> bytes:
        return self._chance.randbytes(count)

    def new_id(self) -> str:
        return uuid7(max(0, int(self.now().timestamp() * 1000)), self._chance.randbytes(10))


class _MortalStore(EncryptedStore):
    """Dies at a commit when it is told to: before it (nothing stays) or after it (all stays)."""

    dies_in: int | None = None
    dies_after: bool = False

    @contextmanager
    def write(self) -> Iterator:
        if self.dies_in is not None:
            self.dies_in -= 1
        fatal = self.dies_in == 0
        with super().write() as work:
            yield work
            if fatal and not self.dies_after:
                raise Killed
        if fatal:
            raise Killed


class _Portions(Portions):
    """Not by the clock: the same seed is the same story. Some machines write line by line."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._size = (1, 9_000, 60_000)[seed % 3]

    def took(self, lines: Any, seconds: float) -> None:
        del lines, seconds


class _NeverStops(threading.Event):
    """Nobody else waits for the lock in a story, so nobody is left time to take it."""

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return False


class _NoRules:
    """The values of a story are no real ones, so no form would let them pass."""

    def judge(self, *_: Any) -> None: ...


class _Code:
    def sign(self, referral: Any) -> str:
        return f"EMR1:{referral.id}"


class Machine:
    """``folder`` holds the database and its witness; a copy of the folder is another machine."""

    def __init__(self, world: Any, folder: Path, name: str, caller: Caller) -> None:
        self.world = world
        self.folder = folder
        self.name = name
        self.caller = caller
        self.clock = Clock(world.now, world.chance)
        self.program = "station-emr 0.1.0"
        self.seen_cursor = ("", 0)
        self.sure_epoch = ""
        self.last_sent = b""
        self.open()

    @staticmethod
    def template(path: Path) -> None:
        store = EncryptedStore.create(path, KEY)
        with store.write() as work:
            work.settings.save_station(sample.STATION, sample.AT)
            for user in (sample.USER, *STAFF):
                work.users.save(user, author=None, at=sample.AT)
        store.close()

    def open(self) -> None:
        """The program starts."""
        self.store = _MortalStore.open(self.folder / FILE, KEY)
        share_statements(self.store._readers)
        share_statements(self.store._writer)
        self._eye = self.store._readers.raw_connection()  # for the checks alone
        self.lives = Lives(self.clock, WitnessFile(self.folder), self.name)
        self.lives.opened(self.store)
        self.sealer = Sealer(build_unit, carry_over, self.lives)
        self.applier = Applier(read_unit, apply_operation, self.sealer, self.clock.now)
        exchange = Exchange(
            self.store,
            self.clock,
            Line(self),
            self.sealer,
            self.applier,
            program=self.program,
        )
        self.make_repeatable(exchange)
        self.engine = SyncEngine(
            self.store, self.clock, build_unit, exchange.peer, exchange=exchange
        )
        self.store.do_before_commit(self.engine.at_save)

    def make_repeatable(self, exchange: Exchange) -> None:
        """The same seed is the same story, however quick the machine that tells it."""
        exchange._intake._portions = _Portions(self.world.seed)
        exchange._intake._stopping = _NeverStops()

    def kill(self) -> None:
        """Everything in memory is gone; the file stays."""
        self.store.dies_in = None
        self.close()
        self.open()

    def close(self) -> None:
        self._eye.close()
        self.store.close()

    def sync(self) -> SyncRun | None:
        """None when the power went meanwhile."""
        met = self.cursor()[0]  # the epoch it knows
        run = None
        try:
            run = self.engine.run_once()
            self.lives.note(self.store)
        except Killed:
            self.kill()
        epoch = self.cursor()[0]
        if not met or (run and run.verified):
            self.sure_epoch = epoch
        return run

    def backup(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        self.store.backup(str(target))
        self.lives.copied(self.store)

    def restore(self, backup: Path) -> None:
        """Somebody copies an old file over the database; the witness stays."""
        self.close()
        for suffix in ("-wal", "-shm"):
            (self.folder / f"{FILE}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(backup, self.folder / FILE)
        self.seen_cursor = ("", 0)
        self.sure_epoch = ""
        self.open()

    # --- reading ---------------------------------------------------------------------------------

    def look(self, query: str, *values: Any) -> list[Any]:
        """What is committed, read beside the program: the checks must not cost more than the work."""
        return self._eye.driver_connection.execute(query, values).fetchall()

    def cursor(self) -> tuple[str, int]:
        found = dict(self.look("SELECT key, value FROM setting WHERE key IN (?, ?)", EPOCH, CURSOR))
        return found.get(EPOCH, ""), int(found.get(CURSOR) or 0)

    def knows(self, op_ids: set[str]) -> set[str]:
        """Those of them that are here or asked for."""
        here = self.look("SELECT op_id FROM operation UNION ALL SELECT op_id FROM wanted_operation")
        return op_ids & {row[0] for row in here}

    def op_ids(self) -> set[str]:
        found, after = set(), ""
        with self.store.read() as work:
            while page := work.operations.all_lines(after, 500):
                found.update(op_id for op_id, _ in page)
                after = page[-1][0]
        return found

    def sound(self, op_ids: set[str]) -> set[str]:
        """Those that were not refused for their content, nor built on such, nor made by the rule and
        overtaken: nobody misses what the rule made of less than is known by now.
        """
        with self.store.read() as work:
            return {
                one
                for one in work.operations.knows(op_ids)
                if not is_dead(work, one) and not self._is_overtaken(work, one)
            }

    def _is_overtaken(self, work: Any, op_id: str) -> bool:
        envelope, _ = open_line(work.operations.line(op_id))
        version = work.operations.version_of(op_id)
        shown = dict(self.look(_SHOWN[envelope.kind])) if envelope.by_rule else {}
        return envelope.by_rule and shown[envelope.record_id] != version

    def waiting(self) -> int:
        with self.store.read() as work:
            return work.outbox.count(UnitState.WAITING) + work.outbox.count(UnitState.QUARANTINED)

    def graph(self, kind: RecordKind, record_id: str) -> list[tuple[Any, Any]]:
        """Every version with its content."""
        with self.store.read() as work:
            records = record_store(work, kind)
            return [
                (node, records.at_version(record_id, node.version))
                for node in records.lineage(record_id)
            ]

    def here(self, kind: RecordKind) -> set[str]:
        """The records of a kind that this machine can show."""
        return {row[0] for row in self.look(_HERE[kind])}

    def heads(self, kind: RecordKind) -> dict[str, tuple[Any, ...]]:
        """Content as it is kept, status and open fields of the newest version of every record."""
        return {row[0]: tuple(row[1:]) for row in self.look(_HEADS[kind])}

    def newest(self, kind: RecordKind, record_id: str) -> tuple[Any, ...] | None:
        if kind is PRACTITIONER:
            return self.heads(kind).get(record_id)
        with self.store.read() as work:
            records = record_store(work, kind)
            found = records.find(record_id)
            if found is None:
                return None
            node = work.operations.node(kind, record_id, found.version)
            voided = found.status.value == "voided"
            return records.at_version(record_id, found.version), voided, node.open_fields

    def shown_line(self, kind: RecordKind, record_id: str) -> bytes:
        """The line of the version that lists show."""
        shown = dict(self.look(_SHOWN[kind]))
        with self.store.read() as work:
            node = work.operations.node(kind, record_id, shown[record_id])
            return work.operations.line(node.op_id)

    def text_of(self, kind: RecordKind) -> bytes:
        """Every line of a kind, also of what is kept and shown to nobody."""
        with self.store.read() as work:
            found = self.look("SELECT op_id FROM operation WHERE kind = ?", kind.value)
            return b"\n".join(work.operations.lines([row[0] for row in found]).values())

    def signed_versions(self, signature_id: str) -> tuple[str, ...]:
        """The operations whose content is what was signed; empty where it is not here."""
        with self.store.read() as work:
            one = work.signatures.get(signature_id).record
            about = (one.target_kind, one.target_id)
            versions = work.signatures.versions_with(*about, one.content_sha256)
            nodes = {node.version: node for node in record_store(work, about[0]).lineage(about[1])}
            return tuple(nodes[version].op_id for version in versions)

    def not_in_force(self, kind: RecordKind, record_id: str) -> list[str]:
        """What would have to change here for it to be as the record says, and what was held back."""
        with self.store.read() as work:
            found = record_store(work, kind).find(record_id)
            if found is None:
                return []
            steps = steps_to(work, kind, found.record, self.clock.now())
            return [step.words for step in steps] + list(held_back(work, record_id))

    def unanswerable(self) -> list[tuple[RecordKind, str]]:
        """Records with open fields of which the desk would show none."""
        with self.store.read() as work:
            return [
                (kind, record_id)
                for kind, record_id in work.operations.conflicts()
                if not OpenRecord(work, kind, record_id).view().differences
            ]

    def conflict_desk(self) -> Conflicts:
        return Conflicts(self.store, self.clock, _Code(), _NoRules())

    # --- writing as a person ---------------------------------------------------------------------

    def series_number(self, work: Any, of: str = "chart") -> str:
        series = work.settings.station().series
        return f"{of} {series}-{work.counters.next(of, series, 2026)}"

    def write(self, kind: RecordKind, record_id: str, change: Any, status: Any) -> Any:
        """``change`` makes the new content from the old one (None for a first version)."""
        with self.store.write() as work:
            records = record_store(work, kind)
            found = records.find(record_id)
            before = None
            version, still_open = 0, ()
            if found is not None:
                before, version = records.at_version(record_id, found.version), found.version
                still_open = work.operations.node(kind, record_id, version).open_fields
                if found.status.value == "voided" and "status" not in still_open:
                    return None
            after, closed = change(work, before)
            records.add_version(
                after,
                status,
                author=sample.DOCTOR,
                at=self.clock.now(),
                reason="Sửa theo người bệnh" if version else "",
                expected_version=version,
                open_fields=tuple(path for path in still_open if path not in closed),
            )
        return after
