"""Joins consents, requests and leaks with their papers."""

from __future__ import annotations

from station_emr.domain.catalog import CatalogKind
from station_emr.printing.privacy_papers import PdfPrivacyPapers
from station_emr.services.catalog_ports import CatalogSearch
from station_emr.services.ports import Clock, Store
from station_emr.services.privacy_requests import Privacy


def build_privacy(store: Store, clock: Clock, catalogs: CatalogSearch) -> Privacy:
    def name_of(code: str) -> str:
        row = catalogs.find(CatalogKind.ICD10, code, clock.now().date())
        return row.name if row is not None else ""

    return Privacy(store, clock, PdfPrivacyPapers(), name_of)
