"""Code lists: search while typing, import with a preview."""

from __future__ import annotations

from datetime import date

from station_emr.domain.catalog import (
    CatalogHit,
    CatalogKind,
    CatalogPreview,
    CatalogRow,
    Drug,
    IcdCode,
    drug_of,
    icd_of,
)
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .guards import allow
from .ports import CatalogImporter, CatalogSearch, Clock, Store
from .views import CatalogSummary


class Catalogs:
    """What the station's lists say today, and how a new official file is taken in."""

    def __init__(
        self, store: Store, clock: Clock, search: CatalogSearch, importer: CatalogImporter
    ) -> None:
        self._store = store
        self._clock = clock
        self._search = search
        self._importer = importer

    def today(self) -> date:
        return self._clock.now().date()

    def search(self, kind: CatalogKind, text: str, limit: int = 12) -> tuple[CatalogHit, ...]:
        """By code or Vietnamese words in any order, with or without marks."""
        return self._search.search(kind, text, limit, self.today())

    def find(self, kind: CatalogKind, code: str) -> CatalogRow | None:
        return self._search.find(kind, code, self.today())

    def rows(self, kind: CatalogKind) -> tuple[CatalogRow, ...]:
        """The whole list as it is in force today, in its own order."""
        return self._search.rows(kind, self.today())

    def summaries(self, actor: Actor) -> tuple[CatalogSummary, ...]:
        """Every list with its size, version and source."""
        allow(actor, Action.CATALOG_VIEW)
        with self._store.read() as work:
            return work.catalogs.summaries(self.today())

    def icd(self, code: str) -> IcdCode | None:
        row = self.find(CatalogKind.ICD10, code)
        return icd_of(row) if row is not None else None

    def drug(self, code: str) -> Drug | None:
        row = self.find(CatalogKind.DRUG, code)
        return drug_of(row) if row is not None else None

    def preview_import(
        self, actor: Actor, kind: CatalogKind, path: str, effective_from: date | None = None
    ) -> CatalogPreview:
        """Read a file and say what it would change; nothing is written."""
        allow(actor, Action.CATALOG_IMPORT)
        with self._store.read() as work:
            current = work.catalogs.rows(kind)
        return self._importer.preview(kind, path, current, effective_from or self.today())

    def apply_import(self, actor: Actor, preview: CatalogPreview) -> None:
        """Write what the preview showed, in one transaction, and log it."""
        allow(actor, Action.CATALOG_IMPORT)
        now = self._clock.now()
        with self._store.read() as work:
            ready = work.catalogs.prepare(preview)
        with self._store.write() as work:
            work.catalogs.apply(ready, now)
            work.audit.append(
                actor,
                "catalog.import",
                now,
                kind=preview.kind,
                detail={
                    "source": preview.source,
                    "added": str(len(preview.added)),
                    "changed": str(len(preview.changed)),
                    "closed": str(len(preview.closed)),
                    "refused": str(len(preview.refused)),
                },
            )
        self._search.reload(preview.kind)
