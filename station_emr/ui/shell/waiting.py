"""A page over the window while something long is made ready: a bar, a number and Cancel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar

from station_emr.services.i18n import _
from station_emr.ui.kit import Shortcut, hbox, label, secondary
from station_emr.ui.kit.cover import CoverPage


class WaitingPage(CoverPage):
    """``cancelled`` follows Esc or the button."""

    cancelled = Signal()

    def __init__(self, title: str, detail: str) -> None:
        super().__init__("waiting", title, detail)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.words = label(_("Đang chuẩn bị…"), "muted")
        self.stop = secondary(_("Hủy"), "waiting.cancel", Shortcut.BACK)
        self.stop.clicked.connect(self._cancel)
        self.card.add(self.bar)
        row = hbox(self.words, None, self.stop)
        self.card.body.addLayout(row)
        self.setFocusProxy(self.stop)

    def show_progress(self, done: int, total: int, text: str) -> None:
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(min(done, total))
        self.words.setText(text)

    def _cancel(self) -> None:
        self.stop.setEnabled(False)
        self.words.setText(_("Đang dừng…"))
        self.cancelled.emit()
