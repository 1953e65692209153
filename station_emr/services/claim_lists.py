"""The station's lists for the named rules, as they stand while a few claims are looked through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.domain.price_list import ApprovedItem, approved_of

from .catalog_ports import CatalogSearch
from .ports import Store


class StationLists:
    """Made anew for each run (``ClaimLists``): what was asked once is kept for its length."""

    def __init__(self, store: Store, search: CatalogSearch, today: date) -> None:
        self._store = store
        self._search = search
        self._today = today
        self._sizes: dict[CatalogKind, int] = {}
        self._approved: dict[tuple[CatalogKind, date], dict[str, list[ApprovedItem]]] = {}
        self._staff: frozenset[str] | None = None

    def find(self, kind: CatalogKind, code: str, day: date) -> CatalogRow | None:
        return self._search.find(kind, code, day)

    def size(self, kind: CatalogKind) -> int:
        if kind not in self._sizes:
            self._sizes[kind] = len(self._search.rows(kind, self._today))
        return self._sizes[kind]

    def approved(self, kind: CatalogKind, code: str, day: date) -> Sequence[ApprovedItem]:
        key = (kind, day)
        if key not in self._approved:
            by_code: dict[str, list[ApprovedItem]] = {}
            for row in self._search.rows(kind, day):
                item = approved_of(row)
                by_code.setdefault(item.code, []).append(item)
            self._approved[key] = by_code
        return self._approved[key].get(code, ())

    def staff(self) -> frozenset[str]:
        if self._staff is None:
            with self._store.read() as work:
                licences = (user.licence_no.strip() for user in work.users.all())
                self._staff = frozenset(one for one in licences if one)
        return self._staff
