"""Keeps an amendment while it is typed, and forgets it when it is signed or given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer

from station_emr.domain.record import RecordKind
from station_emr.services.version_ports import TypedAmendment
from station_emr.ui.models.session import Session

AUTOSAVE_MS: Final = 1500


class AmendmentKeeper(QObject):
    """``collect`` gives what stands in the form, None while nothing is being amended."""

    def __init__(
        self,
        session: Session,
        kind: RecordKind,
        collect: Callable[[], tuple[str, TypedAmendment] | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._kind = kind
        self._collect = collect
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(AUTOSAVE_MS)
        self.timer.timeout.connect(self.keep)

    def touch(self) -> None:
        """Something was typed; steady typing is kept too."""
        if not self.timer.isActive():
            self.timer.start()

    def flush(self) -> None:
        """Keep at once what was typed since the last time."""
        if self.timer.isActive():
            self.keep()

    def keep(self) -> None:
        self.timer.stop()
        found = self._collect()
        if found is None:
            return
        record_id, typed = found
        drafts, actor, kind = self._session.services.drafts, self._session.actor, self._kind
        self._session.ask(
            lambda: drafts.keep_amendment(actor, kind, record_id, typed),
            lambda _done: None,
            owner=self,
        )

    def drop(self, record_id: str) -> None:
        self.timer.stop()
        drafts, actor, kind = self._session.services.drafts, self._session.actor, self._kind
        self._session.ask(
            lambda: drafts.drop_amendment(actor, kind, record_id),
            lambda _done: None,
            owner=self,
        )
