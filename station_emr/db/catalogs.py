"""Code lists with effective dates: an import closes rows, it never forgets them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow
from station_emr.domain.text import fold
from station_emr.services.catalog_ports import PreparedImport
from station_emr.services.views import CatalogSummary

from .codec import decode, encode, moment, offset_of, utc_text
from .models import CatalogEntry, CatalogList
from .statements import text

Attributes = dict[str, str | int | float | bool | None]

_WRITE: Final = (
    "INSERT INTO catalog_row (kind, code, valid_from, valid_to, name, folded, attributes, source, "
    "list_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (kind, code, valid_from) DO UPDATE SET valid_to = excluded.valid_to, "
    "name = excluded.name, folded = excluded.folded, attributes = excluded.attributes, "
    "source = excluded.source, list_version = excluded.list_version"
)


class CatalogRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, kind: CatalogKind, day: date | None = None) -> tuple[CatalogRow, ...]:
        query = (
            select(
                CatalogEntry.code,
                CatalogEntry.valid_from,
                CatalogEntry.valid_to,
                CatalogEntry.name,
                CatalogEntry.attributes,
                CatalogEntry.source,
            )
            .where(CatalogEntry.kind == kind.value)
            .order_by(CatalogEntry.code, CatalogEntry.valid_from)
        )
        if day is not None:
            query = query.where(
                CatalogEntry.valid_from <= day.isoformat(),
                or_(CatalogEntry.valid_to.is_(None), CatalogEntry.valid_to >= day.isoformat()),
            )
        return tuple(
            CatalogRow(
                kind=kind,
                code=code,
                name=name,
                valid_from=date.fromisoformat(valid_from),
                valid_to=date.fromisoformat(valid_to) if valid_to else None,
                source=source,
                attributes=decode(attributes, Attributes),
            )
            for code, valid_from, valid_to, name, attributes, source in self._connection.execute(
                query
            )
        )

    def summaries(self, day: date) -> tuple[CatalogSummary, ...]:
        rows = self._connection.execute(
            text(
                "SELECT l.kind, l.version, l.source, l.loaded_utc, l.loaded_offset, "
                "count(r.code) AS held FROM catalog_list AS l "
                "LEFT JOIN catalog_row AS r ON r.kind = l.kind AND r.valid_from <= :day "
                "AND (r.valid_to IS NULL OR r.valid_to >= :day) GROUP BY l.kind"
            ),
            {"day": day.isoformat()},
        )
        return tuple(
            CatalogSummary(
                kind=CatalogKind(row.kind),
                count=row.held,
                version=row.version,
                source=row.source,
                loaded_at=moment(row.loaded_utc, row.loaded_offset),
            )
            for row in rows
        )

    def version(self, kind: CatalogKind) -> int:
        found: int | None = self._connection.execute(
            select(CatalogList.version).where(CatalogList.kind == kind.value)
        ).scalar_one_or_none()
        return found or 0

    def prepare(self, preview: CatalogPreview) -> PreparedImport:
        coming = [*preview.added, *(new for _, new in preview.changed)]
        return PreparedImport(preview, self.version(preview.kind), _as_written(coming))

    def apply(self, ready: PreparedImport, at: datetime) -> None:
        preview, version = ready.preview, self.version(ready.preview.kind) + 1
        last_day = preview.effective_from - timedelta(days=1)
        self._close([*(old for old, _ in preview.changed), *preview.closed], last_day)
        self._write(ready.rows, version)
        self._count(preview.kind, version, preview.source, at)

    def load_starter(self, rows: Iterable[CatalogRow], at: datetime) -> None:
        by_kind: dict[CatalogKind, list[CatalogRow]] = {}
        for row in rows:
            by_kind.setdefault(row.kind, []).append(row)
        for kind, group in by_kind.items():
            version = self.version(kind) + 1
            self._write(_as_written(group), version)
            self._count(kind, version, group[0].source, at)

    def _close(self, rows: Iterable[CatalogRow], last_day: date) -> None:
        """End rows the day before; a row that began no earlier was never in force and goes."""
        end = last_day.isoformat()
        begun: list[tuple[Any, ...]] = []
        never: list[tuple[Any, ...]] = []
        for row in rows:
            key = (row.kind.value, row.code, row.valid_from.isoformat())
            if row.valid_from > last_day:
                never.append(key)
            else:
                begun.append((end, *key))
        where = "WHERE kind = ? AND code = ? AND valid_from = ?"
        if never:
            self._connection.exec_driver_sql(
                f"DELETE FROM catalog_row {where}",  # noqa: S608  # fixed texts only
                never,
            )
        if begun:
            self._connection.exec_driver_sql(
                f"UPDATE catalog_row SET valid_to = ? {where}",  # noqa: S608  # fixed texts only
                begun,
            )

    def _write(self, rows: Sequence[tuple[Any, ...]], version: int) -> None:
        if rows:
            self._connection.exec_driver_sql(_WRITE, [(*row, version) for row in rows])

    def _count(self, kind: CatalogKind, version: int, source: str, at: datetime) -> None:
        self._connection.execute(
            text(
                "INSERT INTO catalog_list (kind, version, source, loaded_utc, loaded_offset) "
                "VALUES (:kind, :version, :source, :utc, :offset) ON CONFLICT (kind) DO UPDATE SET "
                "version = excluded.version, source = excluded.source, "
                "loaded_utc = excluded.loaded_utc, loaded_offset = excluded.loaded_offset"
            ),
            {
                "kind": kind.value,
                "version": version,
                "source": source,
                "utc": utc_text(at),
                "offset": offset_of(at),
            },
        )


def _as_written(rows: Iterable[CatalogRow]) -> list[tuple[Any, ...]]:
    """Everything but the list's version, which is known when it is written."""
    return [
        (
            row.kind.value,
            row.code,
            row.valid_from.isoformat(),
            row.valid_to.isoformat() if row.valid_to else None,
            row.name,
            fold(row.name),
            encode(row.attributes),
            row.source,
        )
        for row in rows
    ]
