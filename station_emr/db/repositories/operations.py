"""The lines as they travel, what the province holds of them, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, bindparam

from station_emr.db.chunks import chunks
from station_emr.db.codec import decode
from station_emr.db.lines import pack, unpack
from station_emr.db.statements import text
from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Encounter
from station_emr.domain.operation import Origin, Tally, VersionNode
from station_emr.domain.patient import Patient
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordKind
from station_emr.domain.referral import Referral
from station_emr.services.sync_ports import REFUSED, REFUSED_OPERATION, TAKEN_LATE, KeptOperation

from . import replicas
from .records import not_found

BUCKETS: Final = 256
RECORDS: Final[dict[RecordKind, type[Any]]] = {
    RecordKind.PATIENT: Patient,
    RecordKind.ENCOUNTER: Encounter,
    RecordKind.PRESCRIPTION: Prescription,
    RecordKind.REFERRAL: Referral,
    RecordKind.APPOINTMENT: Appointment,
}
_MODULUS: Final = 1 << 64

# A line that was parked gets its version when it is applied; nothing else of it ever changes.
_KEEP: Final = text("""
INSERT INTO operation (op_id, kind, record_id, version, size, held, line)
VALUES (:op_id, :kind, :record_id, :version, :size, :held, :line)
ON CONFLICT (op_id) DO UPDATE SET
  held = max(held, excluded.held),
  version = CASE version WHEN 0 THEN excluded.version ELSE version END,
  note = CASE WHEN version = 0 AND excluded.version > 0 THEN '' ELSE note END
""")
_NAME_EVENT: Final = text(
    "UPDATE outbox SET op_id = :op_id "
    "WHERE kind = :kind AND record_id = :record_id AND version = :version"
)
_KNOWN: Final = text("SELECT op_id FROM operation WHERE op_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
_VERSIONS: Final = text("SELECT op_id, version FROM operation WHERE op_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
_NEEDED: Final = text("SELECT DISTINCT needs FROM parked_operation WHERE needs IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
_RELEASE: Final = text(
    "DELETE FROM parked_operation WHERE needs IN :needs RETURNING op_id"
).bindparams(bindparam("needs", expanding=True))
_RELEASED: Final = text(
    "SELECT o.line FROM operation AS o WHERE o.op_id IN :ids AND NOT EXISTS "
    "(SELECT 1 FROM parked_operation AS p WHERE p.op_id = o.op_id) ORDER BY o.row_id"
).bindparams(bindparam("ids", expanding=True))
_LINES: Final = text("SELECT op_id, line FROM operation WHERE op_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
_SET_HELD: Final = text("UPDATE operation SET held = :held WHERE op_id = :op_id AND held <> :held")
# A server that lost the line has not the version either.
_FORGET_SYNCED: Final = text(
    "DELETE FROM synced_record WHERE (kind, record_id, version) IN "
    "(SELECT kind, record_id, version FROM operation WHERE op_id = :op_id)"
)
_ACCEPTED_LATE: Final = text(
    "SELECT o.op_id, o.kind, o.record_id, o.version FROM setting AS s CROSS JOIN operation AS o "  # noqa: S608  # fixed names
    f"ON o.op_id = substr(s.key, {len(REFUSED_OPERATION) + 1}) "
    f"WHERE s.key > '{REFUSED_OPERATION}' AND s.key < '{REFUSED_OPERATION}g' "
    f"AND s.value <> '{TAKEN_LATE}' AND o.held = 1 AND o.kind <> ''"
)
_UNSENT: Final = text(
    "SELECT o.op_id FROM operation AS o WHERE o.held = 0 AND NOT EXISTS ("  # noqa: S608  # fixed names
    "SELECT 1 FROM outbox AS q WHERE q.kind = o.kind AND q.record_id = o.record_id "
    "AND q.version = o.version AND (q.version > 0 OR q.op_id = o.op_id)) "
    "AND NOT EXISTS (SELECT 1 FROM parked_operation AS p WHERE p.op_id = o.op_id) "
    "AND NOT EXISTS (SELECT 1 FROM setting AS s "
    f"WHERE s.key = '{REFUSED_OPERATION}' || o.op_id AND s.value = '{REFUSED}') ORDER BY o.row_id"
)
_WANT: Final = text(
    "INSERT INTO wanted_operation (op_id) SELECT :op_id WHERE NOT EXISTS "
    "(SELECT 1 FROM operation WHERE op_id = :op_id) ON CONFLICT DO NOTHING"
)
_UNWANT: Final = text("DELETE FROM wanted_operation WHERE op_id = :op_id")
# Versions are appended after everything they are based on, here and on every other machine.
_WRITTEN: Final = text("""
SELECT o.op_id, o.line FROM record_version AS v
CROSS JOIN operation AS o ON o.kind = v.kind AND o.record_id = v.record_id
  AND o.version = v.version AND o.version > 0
WHERE v.seq > :after ORDER BY v.seq LIMIT :limit
""")
_KEPT: Final = text(
    "SELECT op_id, line FROM operation WHERE version = 0 AND row_id > :after "
    "ORDER BY row_id LIMIT :limit"
)
_KNOWN_RECORD: Final = text(
    "SELECT EXISTS (SELECT 1 FROM record_version WHERE kind = :kind AND record_id = :id) "
    "OR EXISTS (SELECT 1 FROM operation WHERE kind = :kind AND record_id = :id AND version = 0)"
)
_HEAD_VERSION: Final = " ".join(
    f"WHEN '{kind.value}' THEN (SELECT h.version FROM "  # noqa: S608  # fixed names
    f'"{"user" if kind is RecordKind.PRACTITIONER else kind.value}" AS h WHERE h.id = v.record_id)'
    for kind in RecordKind
)
_CONFLICTS: Final = text(
    "SELECT v.kind, v.record_id FROM record_version AS v INDEXED BY version_open "  # noqa: S608  # fixed texts only
    f"WHERE v.open_fields <> '[]' AND v.version = CASE v.kind {_HEAD_VERSION} END ORDER BY v.seq"
)


class OperationRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def op_id_of(self, kind: RecordKind, record_id: str, version: int) -> str:
        found: str | None = self._connection.execute(
            text(
                "SELECT op_id FROM operation WHERE kind = :kind AND record_id = :id "
                "AND version = :version AND version > 0"
            ),
            {"kind": kind.value, "id": record_id, "version": version},
        ).scalar_one_or_none()
        return found or ""

    def node(self, kind: RecordKind, record_id: str, version: int) -> VersionNode:
        found = replicas.node(self._connection, kind, record_id, version)
        if found is None:
            raise not_found(kind)
        return found

    def unsealed_firsts(
        self, kind: RecordKind, record_ids: Sequence[str]
    ) -> dict[str, tuple[VersionNode, Any]]:
        shape = RECORDS.get(kind)
        if shape is None:
            return {}
        found: dict[str, tuple[VersionNode, Any]] = {}
        for chunk in chunks(record_ids):
            rows = replicas.first_versions(self._connection, kind, chunk)
            for record_id, node, content in rows:
                if node.op_id or node.parents or node.origin is not Origin.HERE:
                    continue
                with suppress(ValueError):  # one that cannot be read must not stop the others
                    found[record_id] = (node, decode(content, shape))
        return found

    # the lines

    def line(self, op_id: str) -> bytes | None:
        packed: bytes | None = self._connection.execute(
            text("SELECT line FROM operation WHERE op_id = :op_id"), {"op_id": op_id}
        ).scalar_one_or_none()
        return None if packed is None else unpack(packed)

    def lines(self, op_ids: Iterable[str]) -> dict[str, bytes]:
        return {
            row.op_id: unpack(row.line)
            for chunk in chunks(op_ids)
            for row in self._connection.execute(_LINES, {"ids": chunk})
        }

    def version_of(self, op_id: str) -> int | None:
        found: int | None = self._connection.execute(
            text("SELECT version FROM operation WHERE op_id = :op_id"), {"op_id": op_id}
        ).scalar_one_or_none()
        return found

    def versions_of(self, op_ids: Sequence[str]) -> dict[str, int]:
        return {
            row.op_id: row.version
            for chunk in chunks(op_ids)
            for row in self._connection.execute(_VERSIONS, {"ids": chunk})
        }

    def keep(self, kept: KeptOperation) -> None:
        """Also gives a line that was kept without a version the one it wrote when it was applied,
        and takes it off the list of what is wanted (a trigger does).
        """
        self.keep_all([kept])

    def keep_all(self, kept: Sequence[KeptOperation]) -> None:
        rows = [
            {
                "op_id": one.op_id,
                "kind": one.kind,
                "record_id": one.record_id,
                "version": one.version,
                "size": len(one.line),
                "held": int(one.held),
                "line": pack(one.line),
            }
            for one in kept
        ]
        named = [row for row in rows if row["version"] and not row["held"]]
        if rows:
            self._connection.execute(_KEEP, rows)
        if named:
            self._connection.execute(_NAME_EVENT, named)

    def knows(self, op_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(
            op_id
            for chunk in chunks(op_ids)
            for op_id in self._connection.execute(_KNOWN, {"ids": chunk}).scalars()
        )

    def unreadable(self, op_id: str, reason: str) -> None:
        self._connection.execute(
            text("UPDATE operation SET note = :reason WHERE op_id = :op_id"),
            {"op_id": op_id, "reason": reason},
        )

    def unreadables(self, limit: int) -> tuple[tuple[str, str, str], ...]:
        """Id, kind and reason of kept lines that cannot be shown, the newest first."""
        rows = self._connection.execute(
            text(
                "SELECT op_id, kind, note FROM operation WHERE version = 0 AND note <> '' "
                "ORDER BY row_id DESC LIMIT :limit"
            ),
            {"limit": limit},
        )
        return tuple((row.op_id, row.kind, row.note) for row in rows)

    def all_lines(self, after: str, limit: int) -> tuple[tuple[str, bytes], ...]:
        phase, place = self._place(after)
        found: list[Any] = []
        if phase == 0:
            found += self._connection.execute(_WRITTEN, {"after": place, "limit": limit}).all()
            place = 0
        if len(found) < limit:
            rest = {"after": place, "limit": limit - len(found)}
            found += self._connection.execute(_KEPT, rest).all()
        return tuple((row.op_id, unpack(row.line)) for row in found)

    def since(self, after: int, limit: int) -> tuple[tuple[int, str, bytes], ...]:
        rows = self._connection.execute(
            text(
                "SELECT row_id, op_id, line FROM operation WHERE row_id > :after "
                "ORDER BY row_id LIMIT :limit"
            ),
            {"after": after, "limit": limit},
        )
        return tuple((row.row_id, row.op_id, unpack(row.line)) for row in rows)

    def _place(self, op_id: str) -> tuple[int, int]:
        """0 and the number of the version a line wrote, or 1 and the row of one that wrote none."""
        if not op_id:
            return 0, 0
        row = self._connection.execute(
            text(
                "SELECT o.row_id, v.seq FROM operation AS o LEFT JOIN record_version AS v "
                "ON v.kind = o.kind AND v.record_id = o.record_id AND v.version = o.version "
                "WHERE o.op_id = :op_id"
            ),
            {"op_id": op_id},
        ).one_or_none()
        if row is None:
            raise LookupError("the cursor names no kept line")
        return (1, row.row_id) if row.seq is None else (0, row.seq)

    # what the province holds

    def set_held(self, op_ids: Iterable[str], *, held: bool = True) -> None:
        for chunk in chunks(op_ids):
            values = [{"op_id": op_id, "held": int(held)} for op_id in chunk]
            self._connection.execute(_SET_HELD, values)
            if not held:
                self._connection.execute(_FORGET_SYNCED, values)

    def accepted_late(self) -> tuple[tuple[str, RecordKind, str, int], ...]:
        rows = self._connection.execute(_ACCEPTED_LATE)
        return tuple((row.op_id, RecordKind(row.kind), row.record_id, row.version) for row in rows)

    def is_held(self, op_id: str) -> bool:
        found: int | None = self._connection.execute(
            text("SELECT held FROM operation WHERE op_id = :op_id"), {"op_id": op_id}
        ).scalar_one_or_none()
        return bool(found)

    def unsent(self) -> tuple[str, ...]:
        return tuple(self._connection.execute(_UNSENT).scalars())

    def holds_record(self, kind: RecordKind, record_id: str) -> bool:
        """By a line, or by what a server confirmed through plain FHIR."""
        found: int = self._connection.execute(
            text(
                "SELECT EXISTS (SELECT 1 FROM operation WHERE kind = :kind AND record_id = :id "
                "AND version > 0 AND held = 1) OR EXISTS (SELECT 1 FROM operation "
                "WHERE kind = :kind AND record_id = :id AND version = 0 AND held = 1) "
                "OR EXISTS (SELECT 1 FROM synced_record WHERE kind = :kind AND record_id = :id)"
            ),
            {"kind": kind.value, "id": record_id},
        ).scalar_one()
        return bool(found)

    def knows_record(self, kind: RecordKind, record_id: str) -> bool:
        of = {"kind": kind.value, "id": record_id}
        return bool(self._connection.execute(_KNOWN_RECORD, of).scalar_one())

    def tally(self) -> Tally:
        buckets = self.buckets()
        return Tally(
            sum(one.count for one in buckets), sum(one.total for one in buckets) % _MODULUS
        )

    def buckets(self) -> tuple[Tally, ...]:
        found = [Tally()] * BUCKETS
        for row in self._connection.execute(
            text("SELECT bucket, count AS number, high, low FROM held_bucket")
        ):
            found[row.bucket] = Tally(row.number, (row.high << 32) + row.low)
        return tuple(found)

    def listed(self, bucket: int) -> tuple[str, ...]:
        rows = self._connection.execute(
            text(
                "SELECT op_id FROM operation WHERE substr(op_id, 1, 2) = :bucket AND held = 1 "
                "ORDER BY op_id"
            ),
            {"bucket": f"{bucket:02x}"},
        )
        return tuple(rows.scalars())

    # what is missing

    def want(self, op_ids: Iterable[str]) -> None:
        """Remember what to ask for; a line that is here is not wanted."""
        for chunk in chunks(op_ids):
            self._connection.execute(_WANT, [{"op_id": op_id} for op_id in chunk])

    def wanted(self, limit: int) -> tuple[str, ...]:
        rows = self._connection.execute(
            text("SELECT op_id FROM wanted_operation ORDER BY op_id LIMIT :limit"), {"limit": limit}
        )
        return tuple(rows.scalars())

    def unwant(self, op_ids: Iterable[str]) -> None:
        for chunk in chunks(op_ids):
            self._connection.execute(_UNWANT, [{"op_id": op_id} for op_id in chunk])

    def park(self, op_id: str, needs: Iterable[str]) -> None:
        waits = [{"op_id": op_id, "needs": need} for need in needs]
        if waits:
            self._connection.execute(
                text(
                    "INSERT INTO parked_operation (op_id, needs) VALUES (:op_id, :needs) "
                    "ON CONFLICT DO NOTHING"
                ),
                waits,
            )

    def needed(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(
            name
            for chunk in chunks(names)
            for name in self._connection.execute(_NEEDED, {"ids": chunk}).scalars()
        )

    def released_by(self, *arrived: str) -> tuple[bytes, ...]:
        waiting = set(self._connection.execute(_RELEASE, {"needs": arrived}).scalars())
        if not waiting:
            return ()
        rows = self._connection.execute(_RELEASED, {"ids": sorted(waiting)})
        return tuple(unpack(packed) for packed in rows.scalars())

    def parked(self, *, held: bool = False) -> int:
        of_those = " WHERE op_id IN (SELECT op_id FROM operation WHERE held = 1)" if held else ""
        found: int = self._connection.execute(
            text(f"SELECT count(DISTINCT op_id) FROM parked_operation{of_those}")  # noqa: S608  # fixed texts only
        ).scalar_one()
        return found

    def conflicts(self) -> tuple[tuple[RecordKind, str], ...]:
        rows = self._connection.execute(_CONFLICTS)
        return tuple((RecordKind(row.kind), row.record_id) for row in rows)
