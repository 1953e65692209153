"""Versions of lists that the province handed out."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from station_emr.db.statements import text
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.catalog_pack import CatalogPack, KnownPack, PackState
from station_emr.services.catalog_ports import PackPart


class PackRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> tuple[KnownPack, ...]:
        rows = self._connection.execute(
            text(
                "SELECT kind, number, version, effective, sha256, size, row_count, source, state, "
                "reason FROM catalog_pack ORDER BY kind, number"
            )
        )
        return tuple(
            KnownPack(
                pack=CatalogPack(
                    kind=CatalogKind(row.kind),
                    number=row.number,
                    version=row.version,
                    effective=date.fromisoformat(row.effective),
                    sha256=row.sha256,
                    size=row.size,
                    rows=row.row_count,
                    source=row.source,
                ),
                state=PackState(row.state),
                reason=row.reason,
            )
            for row in rows
        )

    def offer(self, pack: CatalogPack) -> None:
        self._connection.execute(
            text(
                "INSERT INTO catalog_pack (kind, number, version, effective, sha256, size, "
                "row_count, source, state) VALUES (:kind, :number, :version, :effective, :sha256, "
                ":size, :rows, :source, 'fetching') ON CONFLICT (kind, number) DO NOTHING"
            ),
            {
                "kind": pack.kind.value,
                "number": pack.number,
                "version": pack.version,
                "effective": pack.effective.isoformat(),
                "sha256": pack.sha256,
                "size": pack.size,
                "rows": pack.rows,
                "source": pack.source,
            },
        )

    def part(self, kind: CatalogKind, number: int) -> PackPart:
        row = self._connection.execute(
            text(
                "SELECT base, tag, received FROM catalog_pack WHERE kind = :kind AND number = :number"
            ),
            {"kind": kind.value, "number": number},
        ).one()
        return PackPart(base=row.base, tag=row.tag, received=row.received or b"")

    def keep_part(self, kind: CatalogKind, number: int, part: PackPart) -> None:
        self._connection.execute(
            text(
                "UPDATE catalog_pack SET base = :base, tag = :tag, received = :received WHERE kind = :kind AND number = :number"
            ),
            {
                "kind": kind.value,
                "number": number,
                "base": part.base,
                "tag": part.tag,
                "received": part.received or None,
            },
        )

    def newest_content(self, kind: CatalogKind, before: int) -> tuple[int, bytes] | None:
        row = self._connection.execute(
            text(
                "SELECT number, content FROM catalog_pack WHERE kind = :kind AND number < :number "
                "AND content IS NOT NULL ORDER BY number DESC LIMIT 1"
            ),
            {"kind": kind.value, "number": before},
        ).one_or_none()
        return (row.number, row.content) if row is not None else None

    def content(self, kind: CatalogKind, number: int) -> bytes | None:
        found: bytes | None = self._connection.execute(
            text("SELECT content FROM catalog_pack WHERE kind = :kind AND number = :number"),
            {"kind": kind.value, "number": number},
        ).scalar_one_or_none()
        return found

    def complete(self, kind: CatalogKind, number: int, content: bytes) -> None:
        self._connection.execute(
            text(
                "UPDATE catalog_pack SET state = 'held', content = :content, received = NULL, "
                "reason = '' WHERE kind = :kind AND number = :number"
            ),
            {"kind": kind.value, "number": number, "content": content},
        )
        self._forget_contents(kind)

    def mark(self, kind: CatalogKind, number: int, state: PackState, reason: str = "") -> None:
        self._connection.execute(
            text(
                "UPDATE catalog_pack SET state = :state, reason = :reason WHERE kind = :kind AND number = :number"
            ),
            {"kind": kind.value, "number": number, "state": state.value, "reason": reason},
        )
        if state is PackState.REFUSED:
            self.keep_part(kind, number, PackPart())
        self._forget_contents(kind)

    def _forget_contents(self, kind: CatalogKind) -> None:
        """What is applied is in the list itself; the newest alone may be built upon."""
        self._connection.execute(
            text(
                "UPDATE catalog_pack SET content = NULL WHERE kind = :kind AND content IS NOT NULL "
                "AND state = 'applied' AND number < (SELECT max(number) FROM catalog_pack "
                "WHERE kind = :kind AND content IS NOT NULL)"
            ),
            {"kind": kind.value},
        )
