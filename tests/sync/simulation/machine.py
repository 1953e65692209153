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
from provincial_server.faults import FhirFault
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import NetworkFailure
from station_emr.domain.ids import uuid7
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import SyncRun, UnitState
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.security.witness import WitnessFile
from station_emr.services.conflict_views import OpenRecord
from station_emr.services.conflicts import Conflicts
from station_emr.services.incarnation import Lives
from station_emr.services.record_stores import MERGED_KINDS, record_store
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import Applier
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import CURSOR, EPOCH, Exchange
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest
from station_emr.sync.exchange_wire import Garbled, decode_reply, encode_request
from station_emr.sync.operation_line import open_line
from station_emr.sync.peer import Busy, Traffic
from station_emr.sync.portions import Portions
from station_emr.sync.sealing import Sealer, is_dead
from tests.interop import fhir_records as sample

from .compiled import share_statements
from .province import Province, ServerDied

KEY = bytes(range(32))
_HERE = {kind: f'SELECT id FROM "{kind.value}" WHERE version > 0' for kind in MERGED_KINDS}
_SHOWN = {kind: f'SELECT id, version FROM "{kind.value}"' for kind in MERGED_KINDS}
_HEADS = {
    kind: (
        "SELECT h.id, v.content, h.status = 'voided', v.open_fields "
        f'FROM "{kind.value}" AS h JOIN record_version AS v '
        f"ON v.kind = '{kind.value}' AND v.record_id = h.id AND v.version = h.version"
    )
    for kind in MERGED_KINDS
}
FILE = "station.db"


class Killed(BaseException):
    """The power went, or the process was killed."""


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


class Line:
    """The peer as the engine sees it, with the faults of a bad line before and behind the server."""

    level = 1
    offered = True
    name = "simulated province"
    facts = ""
    stays: frozenset[RecordKind] = frozenset()
    clock_skew: timedelta | None = None

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.traffic = Traffic()

    @property
    def software(self) -> str:
        return str(self._machine.world.province.software)

    def is_fresh(self, now: datetime) -> bool:
        del now
        return True

    def recall(self, facts: str) -> None: ...
    def get_ready(self, request: ExchangeRequest) -> None: ...
    def greet(self) -> None: ...

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        world = self._machine.world
        rid = world.chance.randbytes(8).hex()
        plain = encode_request(request, rid)
        self.traffic.requests += 1
        self.traffic.up += len(plain)
        self.clock_skew = world.now() - self._machine.clock.now()
        content = self._carried(world.draw_fault(), plain)
        world.old_answers.append(content)
        self.traffic.down += len(content)
        try:
            return decode_reply(content, rid, len(request.lines))
        except Garbled as error:
            raise NetworkFailure("garbled") from error

    def _carried(self, fault: str, plain: bytes) -> bytes:
        world, caller = self._machine.world, self._machine.caller
        province: Province = world.province
        self._machine.last_sent = plain
        if fault in {"lost", "late"}:
            if fault == "late":
                world.late.append((caller, plain))
            raise NetworkFailure("lost")
        if fault == "busy":
            raise Busy("busy", 1.0)
        if fault == "killed before":
            raise Killed
        try:
            died = {"server before": "before", "server after": "after"}.get(fault, "")
            content = province.answer(caller, plain, dies=died)
            if fault == "twice":
                content = province.answer(caller, plain)
        except (ServerDied, FhirFault) as error:
            raise NetworkFailure("the server failed") from error
        if fault == "killed after":
            raise Killed
        if fault == "answer lost":
            raise NetworkFailure("lost")
        if fault == "old answer" and world.old_answers:
            return world.chance.choice(world.old_answers)
        if fault == "cut":
            return content[: world.chance.randrange(len(content))]
        return content


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
            work.users.save(sample.USER, author=None, at=sample.AT)
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
        self.store.do_before_commit(exchange.at_save)
        self.engine = SyncEngine(
            self.store, self.clock, build_unit, exchange.peer, exchange=exchange
        )

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
        with self.store.read() as work:
            records = record_store(work, kind)
            found = records.find(record_id)
            if found is None:
                return None
            node = work.operations.node(kind, record_id, found.version)
            voided = found.status.value == "voided"
            return records.at_version(record_id, found.version), voided, node.open_fields

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
