"""What was copied in this program leaves the clipboard when the screen is locked or left."""

from __future__ import annotations

import hashlib

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication


class OwnClipboard(QObject):
    """Remembers by its hash what was copied while this program was in front, nothing else: what
    another program put there stays.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._mark = b""
        self._clipboard = QGuiApplication.clipboard()
        self._clipboard.dataChanged.connect(self._note)

    def clear_own(self) -> None:
        """Empty it if it still holds what came from here."""
        if self._mark and (self._clipboard.ownsClipboard() or self._now() == self._mark):
            self._clipboard.clear()
        self._mark = b""

    def _note(self) -> None:
        in_front = QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
        ours = in_front or self._clipboard.ownsClipboard()
        self._mark = self._now() if ours else b""

    def _now(self) -> bytes:
        text = self._clipboard.text()
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() if text else b""
