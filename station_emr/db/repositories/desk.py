"""Number counters, unfinished forms and the print log."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.orm import aliased

from station_emr.db.codec import decode, encode, moment, offset_of, stamp, utc_text
from station_emr.db.models import FormDraft, PrintEntry
from station_emr.db.statements import text
from station_emr.domain.record import RecordKind
from station_emr.domain.user import User
from station_emr.services.version_ports import TypedAmendment
from station_emr.services.views import DisplacedForm, DraftForm, PrintRow

from .operations import RECORDS

_SERIES: Final = "name = :name AND series = :series AND year = :year"
_TAKEN: Final = text(f"SELECT value FROM counter WHERE {_SERIES}")  # noqa: S608  # fixed texts
_NEXT: Final = text(f"UPDATE counter SET value = value + 1 WHERE {_SERIES}")  # noqa: S608  # fixed
_FIRST: Final = text(
    "INSERT INTO counter (name, series, year, value) VALUES (:name, :series, :year, 1)"
)
# A range, so that the index of the key serves it.
_IS_DISPLACED: Final = "FROM form_draft WHERE key >= 'displaced/' AND key < 'displaced0'"
_DISPLACED: Final = text(
    f"SELECT key, content, saved_utc, saved_offset {_IS_DISPLACED} ORDER BY saved_utc"  # fixed texts
)
_COUNT_DISPLACED: Final = text(f"SELECT count(*) {_IS_DISPLACED}")  # fixed texts


class CounterRepository:
    """Numbers without gaps: taken inside the transaction that uses them, lost with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next(self, name: str, series: str, year: int) -> int:
        value = self.peek(name, series, year)
        if value == 1:
            self._connection.execute(_FIRST, {"name": name, "series": series, "year": year})
        else:
            self._connection.execute(_NEXT, {"name": name, "series": series, "year": year})
        return value

    def peek(self, name: str, series: str, year: int) -> int:
        value: int | None = self._connection.execute(
            _TAKEN, {"name": name, "series": series, "year": year}
        ).scalar_one_or_none()
        return (value or 0) + 1


class DraftRepository:
    """Forms as they stood when last saved by themselves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, form: DraftForm) -> None:
        self._connection.execute(
            text(
                "INSERT INTO form_draft (key, user_id, content, saved_utc, saved_offset) "
                "VALUES (:key, :user, :content, :utc, :offset) ON CONFLICT (key) DO UPDATE SET "
                "user_id = excluded.user_id, content = excluded.content, "
                "saved_utc = excluded.saved_utc, saved_offset = excluded.saved_offset"
            ),
            {
                "key": form.key,
                "user": form.user_id,
                "content": form.content,
                "utc": utc_text(form.saved_at),
                "offset": offset_of(form.saved_at),
            },
        )

    def get(self, key: str) -> DraftForm | None:
        row = self._connection.execute(
            select(FormDraft.__table__).where(FormDraft.key == key)
        ).one_or_none()
        return None if row is None else _form(row)

    def all(self) -> tuple[DraftForm, ...]:
        rows = self._connection.execute(
            select(FormDraft.__table__).order_by(FormDraft.saved_utc.desc())
        )
        return tuple(_form(row) for row in rows)

    def displaced(self) -> tuple[DisplacedForm, ...]:
        rows = self._connection.execute(_DISPLACED).all()
        return tuple(_displaced(row) for row in rows)

    def put_amendment(self, key: str, user_id: str, typed: TypedAmendment, at: datetime) -> None:
        self.put(DraftForm(key=key, user_id=user_id, content=encode(typed), saved_at=at))

    def amendment(self, key: str) -> TypedAmendment | None:
        form = self.get(key)
        if form is None:
            return None
        with suppress(msgspec.DecodeError):
            return decode(form.content, TypedAmendment)
        return None

    def count_displaced(self) -> int:
        found: int = self._connection.execute(_COUNT_DISPLACED).scalar_one()
        return found

    def drop(self, key: str) -> None:
        self._connection.execute(delete(FormDraft).where(FormDraft.key == key))


def _form(row: Any) -> DraftForm:
    return DraftForm(
        key=row.key,
        user_id=row.user_id,
        content=row.content,
        saved_at=moment(row.saved_utc, row.saved_offset),
    )


def _displaced(row: Any) -> DisplacedForm:
    _prefix, name, record_id = row.key.split("/", 2)
    kind = RecordKind(name)
    record = None
    with suppress(msgspec.DecodeError, KeyError):  # its words are shown as they stand
        record = decode(row.content, RECORDS[kind])
    return DisplacedForm(
        key=row.key,
        kind=kind,
        record_id=record_id,
        record=record,
        content=row.content,
        saved_at=moment(row.saved_utc, row.saved_offset),
    )


class PrintRepository:
    """Every print of a document, counted from 1 for each version; above 1 it is a reprint.

    The column ``copy`` runs on over all versions of a document, which the trigger of the table
    holds to; readers are given the number within the version.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, kind: str, record_id: str, version: int, at: datetime, user: User, sha256: str
    ) -> int:
        every: int = self._connection.execute(
            select(func.count())
            .select_from(PrintEntry)
            .where(PrintEntry.kind == str(kind), PrintEntry.record_id == record_id)
        ).scalar_one()
        self._connection.execute(
            insert(PrintEntry).values(
                kind=str(kind),
                record_id=record_id,
                version=version,
                copy=every + 1,
                user_id=user.id,
                user_name=user.full_name,
                sha256=sha256,
                **stamp("at", at),
            )
        )
        return self.copies(kind, record_id, version)

    def copies(self, kind: str, record_id: str, version: int) -> int:
        found: int = self._connection.execute(
            select(func.count())
            .select_from(PrintEntry)
            .where(
                PrintEntry.kind == str(kind),
                PrintEntry.record_id == record_id,
                PrintEntry.version == version,
            )
        ).scalar_one()
        return found

    def rows(self, limit: int) -> tuple[PrintRow, ...]:
        before = aliased(PrintEntry)
        within = (
            select(func.count())
            .select_from(before)
            .where(
                before.kind == PrintEntry.kind,
                before.record_id == PrintEntry.record_id,
                before.version == PrintEntry.version,
                before.seq <= PrintEntry.seq,
            )
            .scalar_subquery()
        )
        rows = self._connection.execute(
            select(PrintEntry.__table__, within.label("within"))
            .order_by(PrintEntry.seq.desc())
            .limit(limit)
        )
        return tuple(
            PrintRow(
                kind=row.kind,
                record_id=row.record_id,
                version=row.version,
                copy=row.within,
                printed_at=moment(row.at_utc, row.at_offset),
                user_name=row.user_name,
                sha256=row.sha256,
            )
            for row in rows
        )
