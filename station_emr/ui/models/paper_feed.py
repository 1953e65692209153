"""Keeps a view of pages true to a paper: asks for its PDF, has the pages drawn, shows them.

Threading: lives on the GUI thread; the PDF is made in the database's lane, the pictures in the pool.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from station_emr.domain.errors import StationError
from station_emr.ui.kit.paper import PaperView, render_pages
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

_REDRAW_MS: Final = 80


class PaperFeed(QObject):
    """``shown`` follows each new set of pages; the bytes behind them are in ``pdf``."""

    shown = Signal()

    def __init__(self, session: Session, view: PaperView) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self._key = view.objectName()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REDRAW_MS)
        self._timer.timeout.connect(self._draw)
        self.pdf = b""
        view.width_changed.connect(self._timer.start)

    def show(self, question: Callable[[], bytes]) -> None:
        """Ask for the PDF; while a newer question is on its way an older answer is dropped."""
        self._session.ask(
            question, self._got, owner=self, failed=self._refused, latest=f"{self._key}.pdf"
        )

    def clear(self, note: str = "") -> None:
        self.pdf = b""
        self._view.set_note(note)

    def _got(self, pdf: bytes) -> None:
        self.pdf = pdf
        self._draw()

    def _draw(self) -> None:
        if not self.pdf:
            return
        pdf, width, ratio = self.pdf, self._view.page_width(), self._view.devicePixelRatioF()
        self._session.runner.run(
            lambda: render_pages(pdf, width, ratio),
            done=self._drawn,
            failed=self._refused,
            owner=self,
            lane=Lane.POOL,
            latest=f"{self._key}.pages",
        )

    def _drawn(self, pages: tuple[QImage, ...]) -> None:
        self._view.set_pages(pages)
        self.shown.emit()

    def _refused(self, error: StationError) -> None:
        self.clear(str(error))
