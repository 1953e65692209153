"""Autosave: what was typed is kept a moment after the last key, on leaving and on lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from station_emr.domain.errors import StationError
from station_emr.domain.record import Changes
from station_emr.services.i18n import _
from station_emr.services.visits import VisitPapers
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.visit_file import keep

AUTOSAVE_MS: Final = 1500


class DraftKeeper(QObject):
    """``told(text)`` is the line under the page; ``refused(sentence)`` when a draft was not kept."""

    told = Signal(str)
    refused = Signal(str)

    def __init__(
        self, session: Session, collect: Callable[[], VisitPapers], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._collect = collect
        self._open = False
        self.dirty = False
        self.last: Changes | None = None
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(AUTOSAVE_MS)
        self.timer.timeout.connect(self.keep)

    def begin(self, *, is_open: bool) -> None:
        """Another visit is on the page; ``is_open`` while its draft may be written."""
        self.timer.stop()
        self.dirty = False
        self._open = is_open
        self.told.emit("")

    def touch(self) -> None:
        """Something was typed."""
        self.dirty = True
        if self._open:
            self.timer.start()

    def pause(self) -> None:
        """While signing: the papers on their way are the newest."""
        self.timer.stop()
        self._open = False

    def resume(self) -> None:
        """The signature was refused: go on keeping, and keep what stands there now."""
        self._open = True
        self.dirty = True
        self.keep()

    def keep(self) -> None:
        """Keep the draft now, if anything was typed since it was last kept."""
        self.timer.stop()
        if not self.dirty or not self._open:
            return
        self.dirty = False
        papers = self._collect()
        services, actor = self._session.services, self._session.actor
        self._session.command(
            lambda: keep(services, actor, papers),
            done=self._kept,
            failed=self._not_kept,
            owner=self,
        )

    def _kept(self, changes: Changes) -> None:
        self.last = changes
        at = f"{self._session.services.clock.now():%H:%M:%S}"
        self.told.emit(_("Nháp tự lưu {time} · Ctrl+S").format(time=at))
        self._session.saved.emit(at)

    def _not_kept(self, error: StationError) -> None:
        self.dirty = True
        self.told.emit(_("Chưa lưu được nháp"))
        self.refused.emit(str(error))
