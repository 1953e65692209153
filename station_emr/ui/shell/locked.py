"""A program that stays locked gives its key back: after a while behind the lock the station is closed.

Behind the lock the record goes on leaving for the province, so while items wait and a run is under way
it may finish; it never keeps the key for longer than half a day.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

MINUTES: Final = 30
MOST_MINUTES: Final = 12 * 60
_MINUTE_MS: Final = 60_000


class LockedWatch(QObject):
    """``over`` once the lock has stood long enough. ``busy`` tells whether records are leaving."""

    over = Signal()

    def __init__(self, busy: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._busy = busy
        self._passed = 0
        self.timer = QTimer(self)
        self.timer.setInterval(_MINUTE_MS)
        self.timer.timeout.connect(self._minute)

    def begin(self) -> None:
        """The lock has come down."""
        self._passed = 0
        self.timer.start()

    def end(self) -> None:
        """Somebody is back, or the station is closed already."""
        self.timer.stop()

    def _minute(self) -> None:
        self._passed += 1
        if self._passed < MINUTES or (self._passed < MOST_MINUTES and self._busy()):
            return
        self.end()
        self.over.emit()
