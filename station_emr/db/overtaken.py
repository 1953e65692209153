"""Refused lines that their own author has corrected since: they need not go any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem

from .lines import unpack
from .outbox_events import ITEM, item

# The id of a sealed version; that of a kept line without one stands in the event itself.
_REFUSED: Final = text(
    f"SELECT {ITEM}, w.op_id AS name, w.line FROM outbox AS o "  # noqa: S608  # fixed texts only
    "JOIN operation AS w ON (o.version > 0 AND w.kind = o.kind AND w.record_id = o.record_id "
    "AND w.version = o.version) OR (o.version = 0 AND w.op_id = o.op_id) "
    "WHERE o.state = 'quarantined' AND w.held = 0"
)
_KEPT: Final = text(
    "SELECT op_id, held, line FROM operation WHERE kind = :kind AND record_id = :id"
)
_DROP: Final = text("DELETE FROM outbox WHERE seq = :seq")
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
        of the same database that is not built on them: who wrote that one had them before him.
        """
        return tuple(
            item(row)
            for row in self._connection.execute(_REFUSED)
            if (refused := _written(row.line)) and self._is_corrected(row, refused)
        )

    def _is_corrected(self, row: Any, refused: _Written) -> bool:
        rows = self._connection.execute(_KEPT, {"kind": row.kind, "id": row.record_id}).all()
        known = {one.op_id: found for one in rows if (found := _written(one.line))}
        return any(
            one.held
            and (found := known.get(one.op_id))
            and found.inc == refused.inc
            and found.n > refused.n
            and row.name not in _below(one.op_id, known)
            for one in rows
        )

    def drop(self, items: Iterable[OutboxItem]) -> None:
        """Only from the queue: versions and lines stay."""
        values = [{"seq": one.seq} for one in items]
        if values:
            self._connection.execute(_DROP, values)

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
