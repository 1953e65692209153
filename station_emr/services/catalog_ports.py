"""What the province's lists need of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.catalog_pack import CatalogPack, KnownPack, PackState


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
