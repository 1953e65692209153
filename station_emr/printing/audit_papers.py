"""The log behind the ``AuditPapers`` port: PDF and Excel as bytes."""

from __future__ import annotations

import threading
from datetime import datetime

from station_emr.domain.record import StationProfile
from station_emr.services.audit_trail import AccessReport, HeadSheet, LogPages

from . import audit_pages
from .audit_workbook import workbook
from .render import About, to_pdf
from .sheet import Sheet
from .wording import value


class PdfAuditPapers:
    """Implements :class:`station_emr.services.audit_trail.AuditPapers`. Safe to call from several
    threads: fonts collect the letters of one document at a time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def head_sheet(self, sheet: HeadSheet) -> bytes:
        with self._one_at_a_time:
            made = audit_pages.head_sheet(sheet)
            return _pdf(made, "Mốc nhật ký truy cập", sheet.station, sheet.at)

    def log(self, pages: LogPages) -> bytes:
        with self._one_at_a_time:
            made = audit_pages.log_pages(pages)
            return _pdf(made, "Nhật ký truy cập", pages.station, pages.at)

    def workbook(self, pages: LogPages) -> bytes:
        return workbook(pages)

    def access_report(self, report: AccessReport) -> bytes:
        """The person is named on the page, never in the properties of the document."""
        with self._one_at_a_time:
            made = audit_pages.access_report(report)
            return _pdf(made, "Danh sách người đã xem hồ sơ", report.station, report.at)


def _pdf(sheet: Sheet, title: str, station: StationProfile, at: datetime) -> bytes:
    about = About(title=title, author=value(station.name), creator="Station EMR", at=at)
    return to_pdf(sheet.pages, about)
