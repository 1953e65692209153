"""Which resources of a record are to be shown while its operations come in.

Nearly always a version builds on the newest one and becomes the newest: that needs a look at one row.
Where versions stand beside one another, all of the record's lines are read and the rule of
`newest.py` decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from provincial_server import ready, wire
from provincial_server.exchange.newest import Version, longest, newest
from provincial_server.exchange.tables import (
    MERGE,
    Among,
    Operation,
    OperationRecord,
    table_of,
    unpack_line,
)

Record = tuple[str, str]
"""Kind and id."""
_NEVER_MERGED = frozenset({"practitioner", "facility"})
_TABLE = table_of(OperationRecord)
_FIND = select(_TABLE.c.kind, _TABLE.c.record_id, _TABLE.c.shown_op_id, _TABLE.c.is_newest).where(
    _TABLE.c.facility_code == bindparam("code")
)
_FIND_ONE = _FIND.where(_TABLE.c.record_id == bindparam("record"))
_FIND_MANY = Among(
    "SELECT kind, record_id, shown_op_id, is_newest FROM operation_record "
    "WHERE facility_code = :code AND record_id {among}"
)
_ADD = insert(_TABLE)
_CHANGE = (
    update(_TABLE)
    .where(
        _TABLE.c.facility_code == bindparam("of_facility"),
        _TABLE.c.kind == bindparam("of_kind"),
        _TABLE.c.record_id == bindparam("of_record"),
    )
    .values(shown_op_id=bindparam("shown"), is_newest=bindparam("newest"))
)


@dataclass
class _State:
    """`is_newest` is False while versions beside the shown one wait for their merge."""

    shown_op_id: str
    is_newest: bool
    is_stored: bool = True
    is_changed: bool = False


class CurrentVersions:
    """The records that one transaction writes to, under the facility's lock."""

    def __init__(self, session: Session, facility_code: str, record_ids: Collection[str]) -> None:
        """`record_ids` are looked up; what is certainly new need not be."""
        self._session = session
        self._code = facility_code
        self._states: dict[Record, _State] = {}
        self._added: dict[Record, list[tuple[str, int, bytes]]] = {}
        known = {"code": facility_code}
        rows: Iterable[Any]
        if len(record_ids) == 1:  # one visit by itself: the statement stands ready
            known["record"] = next(iter(record_ids))
            rows = ready.ask(session, _FIND_ONE, known)
        else:
            rows = _FIND_MANY.ask(session, record_ids, **known)
        for kind, record_id, *state in rows:
            self._states[kind, record_id] = _State(*state)

    def shown(self) -> dict[str, tuple[str, str]]:
        """Record → its kind, and the operation that is shown of it."""
        found: dict[str, tuple[str, str]] = {}
        for (kind, record_id), state in sorted(self._states.items(), key=lambda item: item[0]):
            found.setdefault(record_id, (kind, state.shown_op_id))
        return found

    def add(
        self,
        record: Record,
        op_id: str,
        sequence: int,
        line: bytes,
        *,
        base: tuple[str, ...],
        by_rule: bool,
        is_shown: bool,
    ) -> int | None:
        """The number of the operation whose resources are to be shown from now on; None when what
        was shown stays. `is_shown`: the resources were written first, through plain FHIR."""
        self._added.setdefault(record, []).append((op_id, sequence, line))
        state = self._states.get(record)
        if state is None:
            self._states[record] = _State(op_id, is_newest=True, is_stored=False)
            return sequence
        if state.is_newest and state.shown_op_id in base and not by_rule:
            state.shown_op_id, state.is_changed = op_id, True
            return sequence
        sequences, found = self._decide(record)
        state.is_changed = True
        state.is_newest = found is not None
        if is_shown:
            state.is_newest, found = found == op_id, op_id
        if found is None or found == state.shown_op_id:
            return None
        state.shown_op_id = found
        return sequences[found]

    def _decide(self, record: Record) -> tuple[dict[str, int], str | None]:
        rows = self._session.execute(
            select(Operation.op_id, Operation.sequence, Operation.line)
            .where(
                Operation.facility_code == self._code,
                Operation.record_id == record[1],
                Operation.kind == record[0],
            )
            .order_by(Operation.sequence)
        )
        lines = {op_id: (sequence, unpack_line(packed)) for op_id, sequence, packed in rows}
        lines |= {op_id: (sequence, line) for op_id, sequence, line in self._added[record]}
        versions = {op_id: _version(line) for op_id, (_, line) in lines.items()}
        rule = longest if record[0] in _NEVER_MERGED else newest
        return {op_id: sequence for op_id, (sequence, _) in lines.items()}, rule(versions)

    def write(self) -> None:
        """Remembers what has changed."""
        new = [
            {
                "facility_code": self._code,
                "kind": kind,
                "record_id": record_id,
                "shown_op_id": state.shown_op_id,
                "is_newest": state.is_newest,
            }
            for (kind, record_id), state in self._states.items()
            if not state.is_stored
        ]
        changed = [
            {
                "of_facility": self._code,
                "of_kind": kind,
                "of_record": record_id,
                "shown": state.shown_op_id,
                "newest": state.is_newest,
            }
            for (kind, record_id), state in self._states.items()
            if state.is_stored and state.is_changed
        ]
        if new:
            ready.change_each(self._session, _ADD, new)
        if changed:
            ready.change_each(self._session, _CHANGE, changed)


def _version(line: bytes) -> Version:
    content = wire.reread(line)
    said = wire.canonical(
        [content["status"], sorted(content.get("open") or ()), content["resources"]]
    )
    by_rule = content["inc"] == MERGE
    return Version(frozenset(content.get("base") or ()), by_rule=by_rule, content=said)
