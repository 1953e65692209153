"""Joins consents, requests and leaks with their papers."""

from __future__ import annotations

from station_emr.printing.privacy_papers import PdfPrivacyPapers
from station_emr.services.ports import Clock, Store
from station_emr.services.privacy_requests import Privacy


def build_privacy(store: Store, clock: Clock) -> Privacy:
    return Privacy(store, clock, PdfPrivacyPapers())
