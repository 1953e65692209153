"""Applies the province's lists on their day, and says what is in force and what comes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow
from station_emr.domain.catalog_pack import (
    CatalogPack,
    KnownPack,
    PackStanding,
    PackState,
    ProgramNotice,
    due,
    standing,
)
from station_emr.domain.errors import UserError

from .ports import CatalogSearch, Clock, Store, Work
from .timekeeping import is_trusted

NOTICE: Final = "program.notice"
PACK_PROBLEM: Final = "catalogs.problem"


class TableImporter(Protocol):
    def preview_table(
        self,
        kind: CatalogKind,
        name: str,
        rows: Sequence[Sequence[str]],
        current: Sequence[CatalogRow],
        effective_from: date,
    ) -> CatalogPreview:
        """As for a file that a person brings. Raises UserError for a list that cannot be used."""


class Unpack(Protocol):
    def __call__(self, packed: bytes) -> list[list[str]]:
        """The rows of a content. Raises ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceNews:
    """Lists that the province hands out, why they could not be taken, and word of a new program."""

    standings: Mapping[CatalogKind, PackStanding]
    problem: str = ""
    notice: ProgramNotice | None = None


class CatalogPacks:
    """``apply_due`` is for one thread; what is said of the lists, for any."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        search: CatalogSearch,
        importer: TableImporter,
        unpack: Unpack,
    ) -> None:
        self._store = store
        self._clock = clock
        self._search = search
        self._importer = importer
        self._unpack = unpack
        self._tried: dict[tuple[CatalogKind, int], date] = {}
        """Versions that could not be applied: tried again another day, or after a start."""

    def apply_due(self) -> tuple[CatalogKind, ...]:
        """Apply what is in force by now; the lists that changed. Nothing happens while the clock
        cannot be believed. Raises EnvironmentFailure; what was applied by then stays.
        """
        now = self._clock.now()
        with self._store.read() as work:
            known = work.packs.all()
            if not known or not is_trusted(work, now):
                return ()
        changed = [
            pack.kind
            for pack in due(known, now.date())
            if self._tried.get((pack.kind, pack.number)) != now.date() and self._apply(pack, now)
        ]
        return tuple(dict.fromkeys(changed))

    def _apply(self, pack: CatalogPack, now: datetime) -> bool:
        try:
            # The list is put in order while others may write; then everything is written at once.
            with self._store.read() as work:
                preview = self._preview(work, pack, now.date())
                ready = work.catalogs.prepare(preview)
            with self._store.write() as work:
                if pack not in due(work.packs.all(), now.date()):
                    return False
                if work.catalogs.version(pack.kind) != ready.version:
                    return False  # somebody brought a list meanwhile; the next look takes this one
                work.catalogs.apply(ready, now)
                work.packs.mark(pack.kind, pack.number, PackState.APPLIED)
                work.audit.append(
                    None,
                    "catalog.pack",
                    now,
                    kind=pack.kind,
                    detail={
                        "version": pack.version,
                        "number": str(pack.number),
                        "effective": pack.effective.isoformat(),
                        "added": str(len(preview.added)),
                        "changed": str(len(preview.changed)),
                        "closed": str(len(preview.closed)),
                        "refused": str(len(preview.refused)),
                    },
                )
        except (UserError, ValueError) as reason:
            self._tried[pack.kind, pack.number] = now.date()
            told = str(reason) if isinstance(reason, UserError) else _UNREADABLE
            with self._store.write() as work:
                work.packs.mark(pack.kind, pack.number, PackState.HELD, told)
            return False
        self._search.reload(pack.kind)
        return True

    def _preview(self, work: Work, pack: CatalogPack, today: date) -> CatalogPreview:
        content = work.packs.content(pack.kind, pack.number)
        if content is None:
            raise ValueError("the content is not here")
        current = work.catalogs.rows(pack.kind)
        # A version that comes late begins where the list has got to: the past stays as it was shown.
        begun = [row.valid_from for row in current if row.valid_from <= today]
        effective = max([pack.effective, *begun])
        name = f"Danh mục của tỉnh, bản {pack.version}"
        rows = self._unpack(content)
        return self._importer.preview_table(pack.kind, name, rows, current, effective)

    def standings(self) -> dict[CatalogKind, PackStanding]:
        """Of every list that the province hands out."""
        today = self._clock.now().date()
        with self._store.read() as work:
            known = work.packs.all()
        by_kind: dict[CatalogKind, list[KnownPack]] = {}
        for one in known:
            by_kind.setdefault(one.pack.kind, []).append(one)
        return {kind: standing(packs, today) for kind, packs in by_kind.items()}

    def news(self, running: str) -> ProvinceNews:
        """What the catalogue screen says of the province; ``running`` is this program's version."""
        return ProvinceNews(
            standings=self.standings(), problem=self.problem(), notice=self.notice(running)
        )

    def problem(self) -> str:
        """Why the province's lists could not be taken at the last look; empty when they could."""
        with self._store.read() as work:
            return work.settings.get(PACK_PROBLEM) or ""

    def notice(self, running: str) -> ProgramNotice | None:
        """Word of a program that is newer than the one that is ``running``."""
        with self._store.read() as work:
            found = read_notice(work.settings.get(NOTICE) or "")
        if found is None or _order(found.version) <= _order(running):
            return None
        return found


_UNREADABLE: Final = (
    "Danh mục của tỉnh tải về không đọc được. Danh mục đang dùng vẫn nguyên. "
    "Hãy báo người phụ trách công nghệ thông tin của tỉnh."
)


def read_notice(text: str) -> ProgramNotice | None:
    """From the words that the province signed, as they are kept in the settings."""
    try:
        said = json.loads(text)
        return ProgramNotice(
            number=int(said["number"]),
            version=str(said["version"])[:40],
            available=date.fromisoformat(said["available"]),
            note=str(said.get("note") or "")[:500],
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _order(version: str) -> tuple[int, ...]:
    numbers = (part for part in version.split(".") if part.isascii() and part.isdigit())
    return tuple(int(part[:9]) for part in numbers)
