"""Registers and reports behind the ``RegisterPapers`` port: PDF and Excel as bytes."""

from __future__ import annotations

import threading

from station_emr.services.register_ports import RegisterView, ReportView

from .register_pages import register_pages
from .register_workbook import register_workbook, report_workbook
from .render import About, to_pdf
from .report_pages import report_pages
from .sheet import Sheet
from .wording import value


class PdfRegisterPapers:
    """Implements :class:`station_emr.services.register_ports.RegisterPapers`. Safe to call from
    several threads: fonts collect the letters of one document at a time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def register_pdf(self, view: RegisterView) -> bytes:
        with self._one_at_a_time:
            return _pdf(register_pages(view), view.definition.label, view)

    def report_pdf(self, view: ReportView) -> bytes:
        with self._one_at_a_time:
            return _pdf(report_pages(view), view.template.label, view)

    def register_workbook(self, view: RegisterView) -> bytes:
        return register_workbook(view)

    def report_workbook(self, view: ReportView) -> bytes:
        return report_workbook(view)


def _pdf(sheet: Sheet, title: str, view: RegisterView | ReportView) -> bytes:
    about = About(title=title, author=value(view.station.name), creator="Station EMR", at=view.at)
    return to_pdf(sheet.pages, about)
