"""Pages to a printer, at the size they have on paper.

Threading: the dialog and the painting belong to the GUI thread, one page at a time; drawing a page
for the printer's resolution is done in the pool.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from PySide6.QtCore import QMarginsF, QObject, QRect, QSizeF
from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPainter
from PySide6.QtPrintSupport import QPrintDialog, QPrinter, QPrinterInfo
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.ui.kit import dialogs
from station_emr.ui.kit.paper import page_sizes, render_page
from station_emr.ui.tasks import Lane, TaskRunner

LEAST_DPI: Final = 300  # below this the small print of the form and its QR code suffer


class Printing(Protocol):
    """The machine's printers, as the screen needs them."""

    def ready(self) -> bool:
        """Whether there is any printer at all."""

    def ask(self, parent: QWidget, title: str) -> QPrinter | None:
        """The system's dialog; None when the person went back."""


class SystemPrinting(Printing):
    @override
    def ready(self) -> bool:
        return bool(QPrinterInfo.availablePrinterNames())

    @override
    def ask(self, parent: QWidget, title: str) -> QPrinter | None:
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setDocName(title)
        dialog = QPrintDialog(printer, parent)
        dialog.setWindowTitle(title)
        dialog.setOption(QPrintDialog.PrintDialogOption.PrintSelection, on=False)
        return printer if dialogs.run_dialog(dialog) else None


class PrintJob(QObject):
    """Sends one PDF to one printer; ``done`` or ``failed`` is called once at the end."""

    def __init__(
        self,
        runner: TaskRunner,
        printer: QPrinter,
        pdf: bytes,
        *,
        done: Callable[[], None],
        failed: Callable[[], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._printer = printer
        self._pdf = pdf
        self._done = done
        self._failed = failed
        self._painter = QPainter()
        self._sizes = page_sizes(pdf)
        self._numbers = self._wanted()

    def _wanted(self) -> list[int]:
        """The pages chosen in the dialog, counted from 0."""
        first, last = self._printer.fromPage(), self._printer.toPage()
        every = range(len(self._sizes))
        return [n for n in every if first - 1 <= n < last] if first else list(every)

    def start(self) -> None:
        self._set_page(self._numbers[0])
        if not self._painter.begin(self._printer):
            self._failed()
            return
        self._next(first=True)

    def _set_page(self, number: int) -> None:
        width, height = self._sizes[number]
        size = QPageSize(QSizeF(width, height), QPageSize.Unit.Millimeter)
        self._printer.setPageSize(size)
        self._printer.setPageOrientation(QPageLayout.Orientation.Portrait)
        self._printer.setFullPage(True)
        self._printer.setPageMargins(QMarginsF(0, 0, 0, 0))

    def _next(self, *, first: bool = False) -> None:
        if not self._numbers:
            ended = self._painter.end()
            (self._done if ended else self._failed)()
            return
        number = self._numbers.pop(0)
        if not first:
            self._set_page(number)
            self._printer.newPage()
        pdf, dots = self._pdf, max(LEAST_DPI, min(600, self._printer.resolution()))
        self._runner.run(
            lambda: render_page(pdf, number, dots),
            done=lambda picture: self._paint(number, picture),
            owner=self,
            lane=Lane.POOL,
        )

    def _paint(self, number: int, picture: QImage) -> None:
        width, height = self._sizes[number]
        dots = self._printer.resolution() / 25.4
        self._painter.drawImage(QRect(0, 0, round(width * dots), round(height * dots)), picture)
        self._next()
