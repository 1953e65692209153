"""Collects cyclic garbage on the GUI thread only.

Python frees cycles in whichever thread happens to allocate. A dropped widget is often part of a
cycle (its slots refer to it), and destroying a widget outside the GUI thread ends the program. So
while a runner lives the automatic collector is off and a timer on the GUI thread does its work.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, QTimer

_EVERY_MS: Final = 50  # the less has come since the last time, the sooner it is looked through
_LONGEST_MS: Final = 10 * 60 * 1000  # a run that never ends must not let garbage pile up
_REST_MS: Final = 5_000  # after a run its last pages are still being drawn
_OLDEST: Final = 2
_living: set[int] = set()


class GuiCollector(QObject):
    """Lives as long as there may be other threads; :meth:`close` gives Python its way back."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        _living.add(id(self))
        gc.disable()
        self._is_working: Callable[[], bool] = lambda: False
        self._since_oldest = QElapsedTimer()
        self._since_oldest.start()
        self._since_work = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def put_off_while(self, is_working: Callable[[], bool]) -> None:
        """While that holds, thousands of objects come that are no garbage, and looking at all of them
        would hold the window for 25 ms and more: the oldest generation waits, ten minutes at most.
        """
        self._is_working = is_working

    def collect(self) -> None:
        """What the automatic collector would do now: the oldest generation that is due."""
        due = [
            generation
            for generation, (count, most) in enumerate(
                zip(gc.get_count(), gc.get_threshold(), strict=True)
            )
            if count > most
        ]
        if not due:
            return
        generation = due[-1]
        if generation == _OLDEST:
            if self._has_to_wait() and self._since_oldest.elapsed() < _LONGEST_MS:
                generation -= 1
            else:
                self._since_oldest.restart()
        gc.collect(generation)

    def _has_to_wait(self) -> bool:
        if self._is_working():
            self._since_work.start()
            return True
        return self._since_work.isValid() and self._since_work.elapsed() < _REST_MS

    @staticmethod
    def settle() -> None:
        """Leave what is loaded now out of every later collection: looking at the program's own
        140,000 objects again and again would hold the window for 80 ms. Only once, because what
        is set aside is never freed.
        """
        if not gc.get_freeze_count():
            gc.freeze()

    def close(self) -> None:
        """The other threads have ended."""
        self._timer.stop()
        _living.discard(id(self))
        if not _living:
            gc.enable()
