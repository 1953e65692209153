"""Makes the day's copies while people work, and tells the status line what keeps one from being made.

The copy is made in the pool, never in the lane of the database: writing goes on meanwhile. It begins
some minutes after log-in, when the first person of the day is not waiting for the window.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from station_emr.domain.errors import StationError
from station_emr.services.backup_ports import BackupPlace, Trouble
from station_emr.services.backup_words import brief
from station_emr.services.backups import Backups, BackupState
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

_FIRST: Final = 4  # ticks of half a minute
_AGAIN: Final = 30
_LOOK: Final = 4
_SHOWN: Final = (
    Trouble.DAMAGED,
    Trouble.DRILL_FAILED,
    Trouble.ABSENT,
    Trouble.NO_ROOM,
    Trouble.NOT_WRITABLE,
    Trouble.FAILED,
    Trouble.SAME_DISK,
)


class BackupWatch(QObject):
    """``told(words)`` for the status line, empty when all is well; ``made`` after new copies. Lives
    as long as the session.
    """

    told = Signal(str)
    made = Signal()

    def __init__(self, session: Session, tick: QTimer) -> None:
        super().__init__(session)
        self._session = session
        self._ticks = 0
        self._wait = _FIRST
        self._running = False
        tick.timeout.connect(self.tick)
        self.look()

    @property
    def _backups(self) -> Backups:
        return self._session.services.backups

    def tick(self) -> None:
        self._ticks += 1
        if self._running:
            return
        if self._ticks >= self._wait:
            self._run()
        elif self._ticks % _LOOK == 0:
            self.look()

    def look(self) -> None:
        """A network folder may answer late: never on the GUI thread."""
        self._session.runner.run(
            self._backups.state,
            done=self._tell,
            failed=lambda _error: None,
            owner=self,
            lane=Lane.POOL,
            latest="frame.backup",
        )

    def _run(self) -> None:
        self._running = True
        self._wait = self._ticks + _LOOK
        self._session.runner.run(
            self._backups.run_due,
            done=self._served,
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
        )

    def _served(self, places: tuple[BackupPlace, ...]) -> None:
        self._running = False
        if any(one.trouble for one in places):
            self._wait = self._ticks + _AGAIN
        if places:
            self.made.emit()
        self.look()

    def _failed(self, _error: StationError) -> None:
        self._running = False
        self._wait = self._ticks + _AGAIN
        self.look()

    def _tell(self, state: BackupState) -> None:
        shown = next((one for one in state.troubles if one in _SHOWN), None)
        self.told.emit(brief(shown) if shown is not None else "")
