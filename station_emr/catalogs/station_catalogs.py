"""The station's lists in memory, loaded from the store one kind at a time when first asked for."""

from __future__ import annotations

import threading
from datetime import date

from station_emr.catalogs.search import CatalogIndex
from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogRow
from station_emr.services.ports import Store


class StationCatalogs:
    """Implements the CatalogSearch port. Safe to call from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._indexes: dict[CatalogKind, CatalogIndex] = {}

    def search(self, kind: CatalogKind, text: str, limit: int, day: date) -> tuple[CatalogHit, ...]:
        return self._index(kind).search(text, limit=limit, day=day)

    def find(self, kind: CatalogKind, code: str, day: date) -> CatalogRow | None:
        return self._index(kind).find(code, day)

    def rows(self, kind: CatalogKind, day: date) -> tuple[CatalogRow, ...]:
        return self._index(kind).rows(day)

    def reload(self, kind: CatalogKind | None = None) -> None:
        """Forget what is in memory; the next question loads it again."""
        with self._lock:
            if kind is None:
                self._indexes.clear()
            else:
                self._indexes.pop(kind, None)

    def _index(self, kind: CatalogKind) -> CatalogIndex:
        with self._lock:
            index = self._indexes.get(kind)
            if index is None:
                with self._store.read() as work:
                    index = CatalogIndex(work.catalogs.rows(kind))
                self._indexes[kind] = index
            return index
