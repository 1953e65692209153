"""Refused lines that their own author has corrected since: they need not go any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from station_emr.domain.operation import MERGE_INCARNATION
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem
from station_emr.services.sync_ports import NO_LONGER_REFUSED, REFUSED_OPERATION

from .lines import unpack
from .outbox_events import ITEM, item

# The id of a sealed version; that of a kept line without one stands in the event itself. Such a line
# may have been passed on here without what it is based on, which its author never sends any more.
_REFUSED: Final = text(
    f"SELECT {ITEM}, w.op_id AS name, w.line FROM outbox AS o "  # noqa: S608  # fixed texts only
    "JOIN operation AS w ON (o.version > 0 AND w.kind = o.kind AND w.record_id = o.record_id "
    "AND w.version = o.version) OR (o.version = 0 AND w.op_id = o.op_id) "
    "WHERE (o.state = 'quarantined' OR (o.version = 0 AND o.attempts > 0)) AND w.held = 0"
)
_KEPT: Final = text(
    "SELECT op_id, held, line FROM operation WHERE kind = :kind AND record_id = :id"
)
_QUARANTINED: Final = text("SELECT seq, kind, record_id FROM outbox WHERE state = 'quarantined'")
_RELEASE: Final = text(
    "UPDATE outbox SET state = 'waiting', reason = '', attempts = 0 WHERE seq = :seq"
)
_OFFERED: Final = text("UPDATE setting SET value = :value WHERE key = :key")
_DROP: Final = text("DELETE FROM outbox WHERE seq = :seq")
_PARKED_NO_LONGER: Final = text("DELETE FROM parked_operation WHERE op_id = :op_id")
_DROP_VERSION: Final = text(
    "DELETE FROM outbox WHERE kind = :kind AND record_id = :id AND version = :version"
)


class _Written(msgspec.Struct):
    """Where a line was written, and on what."""

    inc: str
    n: int
    base: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(_Written)


class OvertakenEvents:
    """A part of the outbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def overtaken(self) -> tuple[OutboxItem, ...]:
        """Refused events of a record of which the province holds a later version of the same life
        of the same database that is not built on them: who wrote that one had them before him. And
        refused merges that are not shown here any more.
        """
        return tuple(item(row) for row in self._refused() if self._is_corrected(row, held=True))

    def release_record(self, kind: RecordKind, record_id: str) -> None:
        """The same for one record."""
        self._release((kind.value, record_id))

    def release_quarantined(self) -> int:
        """Offer what was refused once more, but for what its author has corrected since: that would
        only come to stand beside the correction, which is on its way. Gives how many records.
        """
        return self._release()

    def _release(self, only: tuple[str, str] | None = None) -> int:
        refused = list(self._refused())
        corrected = {row.seq for row in refused if self._is_corrected(row, held=False)}
        names = [
            {"key": REFUSED_OPERATION + row.name, "value": NO_LONGER_REFUSED}
            for row in refused
            if row.seq not in corrected and only in {None, (row.kind, row.record_id)}
        ]
        if names:
            self._connection.execute(_OFFERED, names)
        released = [
            row
            for row in self._connection.execute(_QUARANTINED)
            if row.seq not in corrected and only in {None, (row.kind, row.record_id)}
        ]
        if released:
            self._connection.execute(_RELEASE, [{"seq": row.seq} for row in released])
        return len({(row.kind, row.record_id) for row in released})

    def _refused(self) -> Sequence[Any]:
        return self._connection.execute(_REFUSED).all()

    def _is_corrected(self, row: Any, *, held: bool) -> bool:
        """Whether there is a later version of the same life that passes over it, at the province
        (``held``) or on the way there.
        """
        refused = _written(row.line)
        if refused is None:
            return False
        if refused.inc == MERGE_INCARNATION:  # the rule writes another one over what is known since
            shown = text(f'SELECT version FROM "{RecordKind(row.kind).value}" WHERE id = :id')  # noqa: S608  # a fixed name
            of = {"id": row.record_id}
            return bool(self._connection.execute(shown, of).scalar_one_or_none() != row.version)
        rows = self._connection.execute(_KEPT, {"kind": row.kind, "id": row.record_id}).all()
        known = {one.op_id: found for one in rows if (found := _written(one.line))}
        return any(
            (one.held or not held)
            and (found := known.get(one.op_id))
            and found.inc == refused.inc
            and found.n > refused.n
            and row.name not in _below(one.op_id, known)
            for one in rows
        )

    def drop(self, items: Iterable[OutboxItem]) -> None:
        """Only from the queue: versions and lines stay. A line that wrote no version waits for its
        base no longer either; should the province take both after all, its page brings it again.
        """
        values = [{"seq": one.seq, "op_id": one.op_id} for one in items]
        if values:
            self._connection.execute(_DROP, values)
            self._connection.execute(_PARKED_NO_LONGER, values)

    def drop_versions(self, kind: RecordKind, record_id: str, versions: Sequence[int]) -> None:
        """The same for versions of one record."""
        if versions:
            self._connection.execute(
                _DROP_VERSION,
                [{"kind": kind.value, "id": record_id, "version": one} for one in versions],
            )


def _below(name: str, known: dict[str, _Written]) -> set[str]:
    """Everything that an operation is built on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        written = known.get(waiting.pop())
        if written is not None:
            waiting += set(written.base) - found
            found.update(written.base)
    return found


def _written(packed: bytes) -> _Written | None:
    """A line that says nothing readable of this was corrected by nobody."""
    try:
        return _decoder.decode(unpack(packed))
    except (msgspec.MsgspecError, ValueError):
        return None
