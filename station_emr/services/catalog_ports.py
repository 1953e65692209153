"""What the lists need: those of the station, their search and import, and those of the province."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogPreview, CatalogRow
from station_emr.domain.catalog_pack import CatalogPack, KnownPack, PackState

from .views import CatalogSummary


@dataclass(frozen=True, slots=True)
class PreparedImport:
    """``rows`` are as the store writes them; ``version`` is that of the list they were made for."""

    preview: CatalogPreview
    version: int
    rows: Sequence[tuple[Any, ...]]


class CatalogStore(Protocol):
    def rows(self, kind: CatalogKind, day: date | None = None) -> tuple[CatalogRow, ...]:
        """All rows of a list, or only those in force on ``day``."""

    def prepare(self, preview: CatalogPreview) -> PreparedImport:
        """All of an import that needs no write: thousands of rows take longer to put in order than
        to write, and nobody should wait for that.
        """

    def apply(self, ready: PreparedImport, at: datetime) -> None:
        """Write an import: close changed and vanished rows, add new ones, count a list version."""

    def load_starter(self, rows: Iterable[CatalogRow], at: datetime) -> None: ...

    def summaries(self, day: date) -> tuple[CatalogSummary, ...]:
        """Every list that was ever loaded, with its rows in force on ``day``."""

    def version(self, kind: CatalogKind) -> int:
        """0 when the list was never loaded; grows with every import."""


class CatalogSearch(Protocol):
    """Searchable lists held in memory."""

    def search(
        self, kind: CatalogKind, text: str, limit: int, day: date
    ) -> tuple[CatalogHit, ...]: ...
    def find(self, kind: CatalogKind, code: str, day: date) -> CatalogRow | None: ...
    def rows(self, kind: CatalogKind, day: date) -> tuple[CatalogRow, ...]: ...
    def reload(self, kind: CatalogKind | None = None) -> None: ...


class CatalogImporter(Protocol):
    def preview(
        self, kind: CatalogKind, path: str, current: Sequence[CatalogRow], effective_from: date
    ) -> CatalogPreview:
        """Read a file and say what would change. Raises UserError for a file it cannot read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPart:
    """What has come of a version so far: the difference to ``base``, or all of it when that is 0.
    ``tag`` tells the server's bytes from others of the same name.
    """

    base: int = 0
    tag: str = ""
    received: bytes = b""


class PackStore(Protocol):
    """Versions of lists. Contents are packed; who reads them unpacks them."""

    def all(self) -> tuple[KnownPack, ...]: ...
    def offer(self, pack: CatalogPack) -> None:
        """Remember a version whose signature fits; known ones stay as they are."""

    def part(self, kind: CatalogKind, number: int) -> PackPart: ...
    def keep_part(self, kind: CatalogKind, number: int, part: PackPart) -> None: ...
    def newest_content(self, kind: CatalogKind, before: int) -> tuple[int, bytes] | None:
        """The newest version below ``before`` whose content is here."""

    def content(self, kind: CatalogKind, number: int) -> bytes | None: ...
    def complete(self, kind: CatalogKind, number: int, content: bytes) -> None:
        """The content is here and fits; older contents that are applied go."""

    def mark(self, kind: CatalogKind, number: int, state: PackState, reason: str = "") -> None: ...
