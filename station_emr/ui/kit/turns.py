"""Parts of one piece of work, each in a turn of its own of the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer

Step = Callable[[], None]
_FRAME_MS: Final = 20  # Qt gathers what is to be drawn for 5 ms, then draws it


class Turns(QObject):
    """Does the first step at once and each other one later, so that between two of them the window
    draws what has changed and hears what is typed. New steps take the place of those still to come.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: list[Step] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._next)

    def begin(self, *steps: Step) -> None:
        self._left = list(steps)
        self._next()

    def _next(self) -> None:
        step = self._left.pop(0)
        if self._left:
            self._timer.start()
        else:
            self._timer.stop()
        step()
