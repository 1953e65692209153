"""The chain of who did what: each line carries the hash of everything before it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, func, insert, select

from station_emr.domain.audit import (
    AuditFilter,
    Break,
    BreakKind,
    ChainCheck,
    ChainHead,
    ChainSize,
    Evidence,
    EvidenceKind,
    Result,
    Source,
    TimeStep,
    purpose_of,
)
from station_emr.domain.user import Actor
from station_emr.services.views import AuditRow

from .codec import decode, encode, moment, offset_of, utc_text
from .models import AuditAnchor, AuditEntry, table_of
from .repositories.replicas import written_here
from .statements import text

FORM: Final = 2  # which columns the hash of a new line covers
_LAST: Final = select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)
_APPEND: Final = insert(table_of(AuditEntry))
_FIRST_FORM: Final = (
    "at_utc",
    "at_offset",
    "user_id",
    "user_name",
    "role",
    "device",
    "action",
    "kind",
    "record_id",
    "patient_id",
    "detail",
)
_CHAINED: Final = (*_FIRST_FORM, "source", "account", "purpose", "result", "skew")
# In this order a row is what its hash is made of, but for `form` before the columns.
_WHOLE: Final = f"SELECT prev_hash, hash, form, seq, {', '.join(_CHAINED)} FROM audit_entry"  # noqa: S608  # names of this module
_PREV_HASH, _HASH, _FORM, _SEQ, _FIRST_COLUMN = range(5)
_AFTER_FIRST_FORM: Final = _FIRST_COLUMN + len(_FIRST_FORM)
# A partial index is taken only where its own condition stands in the question, letter by letter.
_HAS_PATIENT: Final = text("audit_entry.patient_id <> ''")
_NOT_OK: Final = text("audit_entry.result <> 'ok'")
_AT_ONCE: Final = 2000
_STEPS_SHOWN: Final = 50
# Two windows write what they saw at nearly the same moment in either order.
_SAME_MOMENT: Final = timedelta(seconds=5)
_SEEN_SIZE: Final = 1000  # lines whose length is measured
_BESIDES: Final = 1.6  # what numbers, hashes' indexes and half-empty pages add, measured

Progress = Callable[[int, int], bool]
"""Lines read and lines in all; False stops the reading."""


def chain_hash(prev_hash: str, seq: int, line: Mapping[str, Any]) -> str:
    """sha256 over the previous hash and the canonical JSON of this line."""
    form = line.get("form", 1)
    covered: list[Any] = [seq] if form == 1 else [seq, form]
    names = _FIRST_FORM if form == 1 else _CHAINED
    covered += [line[name] for name in names]
    return hashlib.sha256((prev_hash + encode(covered)).encode()).hexdigest()


class AuditRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(
        self,
        actor: Actor | None,
        action: str,
        at: datetime,
        *,
        kind: str = "",
        record_id: str = "",
        patient_id: str = "",
        detail: Mapping[str, str] | None = None,
        purpose: str = "",
        result: str = Result.DONE,
        source: str = "",
        account: str = "",
    ) -> None:
        last = self._connection.execute(_LAST).one_or_none()
        seq, prev_hash = (1, "") if last is None else (last.seq + 1, last.hash)
        device, skew = written_here(self._connection)
        role = actor.role.value if actor else ""
        line: dict[str, Any] = {
            "at_utc": utc_text(at),
            "at_offset": offset_of(at),
            "user_id": actor.user.id if actor else "",
            "user_name": actor.user.full_name if actor else "",
            "role": role,
            "device": actor.device if actor else device,
            "action": action,
            "kind": str(kind),
            "record_id": record_id,
            "patient_id": patient_id,
            "detail": encode(dict(detail or {})),
            "form": FORM,
            "source": str(source or (actor.source if actor else Source.SYNC)),
            "account": account or (actor.user.username if actor else ""),
            "purpose": str(purpose or (actor.purpose if actor else "") or purpose_of(role, action)),
            "result": str(result),
            "skew": skew,
        }
        self._connection.execute(
            _APPEND,
            {
                "seq": seq,
                "prev_hash": prev_hash,
                "hash": chain_hash(prev_hash, seq, line),
                **line,
            },
        )

    # -- reading ---------------------------------------------------------------------------------

    def rows(
        self, limit: int, before: int | None = None, wanted: AuditFilter | None = None
    ) -> tuple[AuditRow, ...]:
        """Newest first."""
        query = self._filtered(select(AuditEntry.__table__), wanted or AuditFilter())
        if before is not None:
            query = query.where(AuditEntry.seq < before)
        query = query.order_by(AuditEntry.seq.desc()).limit(limit)
        return tuple(_audit_row(row) for row in self._connection.execute(query))

    def walk(self, wanted: AuditFilter, limit: int) -> Iterator[AuditRow]:
        """Newest first, a portion at a time: for exports of any length."""
        before: int | None = None
        while limit > 0:
            rows = self.rows(min(limit, _AT_ONCE), before, wanted)
            yield from rows
            if len(rows) < min(limit, _AT_ONCE):
                return
            before, limit = rows[-1].seq, limit - len(rows)

    def count(self, wanted: AuditFilter) -> int:
        query = self._filtered(select(func.count()).select_from(AuditEntry), wanted)
        found: int = self._connection.execute(query).scalar_one()
        return found

    def people(self) -> tuple[tuple[str, str], ...]:
        """Id and newest name of everybody who is in the log."""
        found: dict[str, str] = {}
        last = ""
        # One step of the index per person, however many lines there are.
        step = select(AuditEntry.user_id).where(AuditEntry.user_id > last)
        while True:
            step = (
                select(AuditEntry.user_id)
                .where(AuditEntry.user_id > last)
                .order_by(AuditEntry.user_id)
                .limit(1)
            )
            person = self._connection.execute(step).scalar_one_or_none()
            if person is None:
                return tuple(sorted(found.items(), key=lambda one: one[1]))
            newest = (
                select(AuditEntry.user_name)
                .where(AuditEntry.user_id == person)
                .order_by(AuditEntry.seq.desc())
                .limit(1)
            )
            found[person] = self._connection.execute(newest).scalar_one()
            last = person

    def actions(self) -> tuple[tuple[str, int], ...]:
        """Every action with how often it was done."""
        query = select(AuditEntry.action, func.count()).group_by(AuditEntry.action)
        return tuple((row[0], row[1]) for row in self._connection.execute(query))

    def _filtered(self, query: Select[Any], wanted: AuditFilter) -> Select[Any]:
        if wanted.user_id:
            query = query.where(AuditEntry.user_id == wanted.user_id)
        if wanted.patient_id:
            query = query.where(_HAS_PATIENT, AuditEntry.patient_id == wanted.patient_id)
        if wanted.actions:
            query = query.where(AuditEntry.action.in_(wanted.actions))
        if wanted.result is Result.DONE:
            query = query.where(AuditEntry.result == wanted.result.value)
        elif wanted.result is not None:
            query = query.where(_NOT_OK, AuditEntry.result == wanted.result.value)
        if wanted.since is None and wanted.until is None:
            return query
        first, last = self._lines_between(wanted)
        # The plus keeps the planner from walking the times, which would then have to be sorted.
        at = text("+audit_entry.at_utc >= :since AND +audit_entry.at_utc < :until").bindparams(
            since=utc_text(wanted.since) if wanted.since else "",
            until=utc_text(wanted.until) if wanted.until else "~",
        )
        return query.where(AuditEntry.seq.between(first, last), at)

    def _lines_between(self, wanted: AuditFilter) -> tuple[int, int]:
        """The lowest and highest line of these days, by the index of times alone."""
        query = select(func.min(AuditEntry.seq), func.max(AuditEntry.seq))
        if wanted.since is not None:
            query = query.where(AuditEntry.at_utc >= utc_text(wanted.since))
        if wanted.until is not None:
            query = query.where(AuditEntry.at_utc < utc_text(wanted.until))
        first, last = self._connection.execute(query).one()
        return (first or 0, last or 0)

    # -- the chain -------------------------------------------------------------------------------

    def head(self) -> ChainHead | None:
        last = self._connection.execute(_LAST).one_or_none()
        return ChainHead(seq=last.seq, hash=last.hash) if last is not None else None

    def hash_at(self, seq: int) -> str | None:
        query = select(AuditEntry.hash).where(AuditEntry.seq == seq)
        return self._connection.execute(query).scalar_one_or_none()

    def verify(self) -> int | None:
        broken = self.check().broken
        return broken.seq if broken is not None else None

    def check(self, progress: Progress | None = None) -> ChainCheck:
        """Read every line from the first. Holds a portion at a time, however long the chain is."""
        total = self._connection.execute(select(func.max(AuditEntry.seq))).scalar_one() or 0
        reading = _Reading()
        # A cursor of the driver itself: rows as plain tuples, at half the cost.
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(f"{_WHOLE} ORDER BY seq")
            while rows := cursor.fetchmany(_AT_ONCE):
                if not reading.take(rows):
                    return reading.told(finished=True)
                if progress is not None and not progress(reading.lines, total):
                    return reading.told(finished=False)
        finally:
            cursor.close()
        # A chain cut at its end is whole in itself; SQLite's own counter remembers how long it was.
        if _counted(self._connection) > reading.lines:
            reading.broken = Break(seq=reading.lines + 1, kind=BreakKind.CUT)
        return reading.told(finished=True)

    def size(self) -> ChainSize:
        """Roughly, without reading it all."""
        lines, first, last = self._connection.execute(
            select(func.count(), func.min(AuditEntry.seq), func.max(AuditEntry.seq))
        ).one()
        anchors, newest_anchor = self._connection.execute(
            select(func.count(), func.max(AuditAnchor.row_id))
        ).one()
        return ChainSize(
            lines=lines,
            size=round(lines * self._usual_length() * _BESIDES),
            oldest=self._moment_of(first),
            newest=self._moment_of(last),
            anchors=anchors,
            last_anchor=self._moment_of_anchor(newest_anchor),
            by_action=tuple(sorted(self.actions(), key=lambda one: -one[1])),
        )

    def _usual_length(self) -> float:
        columns = " + ".join(f"length({name})" for name in (*_CHAINED, "prev_hash", "hash"))
        newest = f"SELECT {columns} AS size FROM audit_entry ORDER BY seq DESC LIMIT {_SEEN_SIZE}"  # noqa: S608  # names of this module
        newest = newest.replace("length(skew)", "4")
        found = self._connection.execute(text(f"SELECT avg(size) FROM ({newest})")).scalar_one()  # noqa: S608  # the same
        return float(found or 0)

    def _moment_of(self, seq: int | None) -> datetime | None:
        row = self._connection.execute(
            select(AuditEntry.at_utc, AuditEntry.at_offset).where(AuditEntry.seq == seq)
        ).one_or_none()
        return moment(row.at_utc, row.at_offset) if row is not None else None

    def _moment_of_anchor(self, row_id: int | None) -> datetime | None:
        row = self._connection.execute(
            select(AuditAnchor.at_utc, AuditAnchor.at_offset).where(AuditAnchor.row_id == row_id)
        ).one_or_none()
        return moment(row.at_utc, row.at_offset) if row is not None else None

    # -- anchors ---------------------------------------------------------------------------------

    def add_anchor(self, kind: EvidenceKind, head: ChainHead, at: datetime) -> None:
        """Keep that the end of the chain was shown to somebody outside."""
        self._connection.execute(
            insert(table_of(AuditAnchor)),
            {
                "kind": kind.value,
                "seq": head.seq,
                "hash": head.hash,
                "incarnation": head.incarnation,
                "at_utc": utc_text(at),
                "at_offset": offset_of(at),
            },
        )

    def anchors(self, limit: int = 400) -> tuple[Evidence, ...]:
        """Newest first; ``kind`` says to whom the end was shown."""
        query = select(AuditAnchor.__table__).order_by(AuditAnchor.row_id.desc()).limit(limit)
        return tuple(
            Evidence(
                kind=EvidenceKind(row.kind),
                head=ChainHead(
                    seq=row.seq,
                    hash=row.hash,
                    incarnation=row.incarnation,
                    at=moment(row.at_utc, row.at_offset),
                ),
            )
            for row in self._connection.execute(query)
        )


def _is_missing(row: tuple[Any, ...], lines: int, _hash: str) -> BreakKind | None:
    return None if row[_SEQ] == lines + 1 else BreakKind.MISSING


def _is_unlinked(row: tuple[Any, ...], _lines: int, last_hash: str) -> BreakKind | None:
    return None if row[_PREV_HASH] == last_hash else BreakKind.UNLINKED


def _is_changed(row: tuple[Any, ...], _lines: int, _hash: str) -> BreakKind | None:
    """The same bytes as chain_hash, without a dictionary per line."""
    if row[_FORM] == 1:
        covered = row[_SEQ:_AFTER_FIRST_FORM]
    else:
        covered = (row[_SEQ], row[_FORM], *row[_FIRST_COLUMN:])
    made = hashlib.sha256((row[_PREV_HASH] + encode(covered)).encode()).hexdigest()
    return None if made == row[_HASH] else BreakKind.CHANGED


def _counted(connection: Connection) -> int:
    """How many lines SQLite itself remembers to have numbered."""
    found = connection.execute(
        text("SELECT seq FROM sqlite_sequence WHERE name = 'audit_entry'")
    ).scalar_one_or_none()
    return int(found or 0)


_LINKS: tuple[Callable[[tuple[Any, ...], int, str], BreakKind | None], ...] = (
    _is_missing,
    _is_unlinked,
    _is_changed,
)
"""What must not be said of any line, given the number and the hash of the one before it."""


class _Reading:
    """What is known after the lines that were read so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.broken: Break | None = None
        self._hash = ""
        self._at: datetime | None = None
        self._at_text = ""
        self._steps: list[TimeStep] = []
        self._step_count = 0

    def take(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """False at the first link that does not hold."""
        for row in rows:
            for wrong in _LINKS:
                kind = wrong(row, self.lines, self._hash)
                if kind is not None:
                    seq = self.lines + 1 if kind is BreakKind.MISSING else row[_SEQ]
                    self.broken = Break(seq=seq, kind=kind)
                    return False
            if row[_FIRST_COLUMN] < self._at_text:
                self._note_step(row[_SEQ], row[_FIRST_COLUMN], row[_FIRST_COLUMN + 1])
            self._at_text, self._offset = row[_FIRST_COLUMN], row[_FIRST_COLUMN + 1]
            self.lines, self._hash = row[_SEQ], row[_HASH]
        return True

    def _note_step(self, seq: int, at_text: str, offset: int) -> None:
        at, before = moment(at_text, offset), moment(self._at_text, self._offset)
        if before - at > _SAME_MOMENT:
            self._step_count += 1
            if len(self._steps) < _STEPS_SHOWN:
                self._steps.append(TimeStep(seq=seq, at=at, before=before))

    def told(self, *, finished: bool) -> ChainCheck:
        return ChainCheck(
            lines=self.lines,
            head=ChainHead(seq=self.lines, hash=self._hash) if self.lines else None,
            broken=self.broken,
            steps=tuple(self._steps),
            step_count=self._step_count,
            finished=finished,
        )


def _audit_row(row: Any) -> AuditRow:
    detail = decode(row.detail, dict[str, str])
    return AuditRow(
        seq=row.seq,
        at=moment(row.at_utc, row.at_offset),
        user_name=row.user_name,
        role=row.role,
        action=row.action,
        kind=row.kind,
        record_id=row.record_id,
        patient_id=row.patient_id,
        detail=", ".join(f"{key}: {value}" for key, value in detail.items()),
        hash=row.hash,
        user_id=row.user_id,
        account=row.account,
        device=row.device,
        source=row.source,
        purpose=row.purpose,
        result=row.result,
        skew=row.skew,
    )
