"""Turns what sync and saving report into the words of the status line."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from station_emr.domain.record import Changed, Changes
from station_emr.domain.sync import LinkState, LinkTrouble, SyncStatus
from station_emr.services.i18n import _
from station_emr.ui.shell.status import Link, Saving, StatusModel

_GATHER_MS = 700
_ANSWERED = {
    LinkTrouble.PORTAL: Link.PORTAL,
    LinkTrouble.UNTRUSTED: Link.UNTRUSTED,
    LinkTrouble.BUSY: Link.BUSY,
    LinkTrouble.STRANGE: Link.STRANGE,
    LinkTrouble.REFUSED: Link.REFUSED,
    LinkTrouble.REVOKED: Link.REVOKED,
    LinkTrouble.KEY_LOST: Link.KEY_LOST,
}


class StatusFeed(QObject):
    """Carries a status from the sync thread to the GUI thread: ``arrived(SyncStatus)``."""

    arrived = Signal(object)
    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def post(self, status: SyncStatus) -> None:
        """Callable from any thread."""
        self._posted.emit(status)

    @Slot(object)
    def _deliver(self, status: SyncStatus) -> None:
        self.arrived.emit(status)


class ArrivalFeed(QObject):
    """Carries what other machines wrote to the GUI thread: ``arrived(Changes)``, at most once in a
    while, so that a long catching up does not keep every screen reading.
    """

    arrived = Signal(object)
    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Changed] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_GATHER_MS)
        self._timer.timeout.connect(self._deliver)
        self._posted.connect(self._gather, Qt.ConnectionType.QueuedConnection)

    def post(self, changes: Changes) -> None:
        """Callable from any thread."""
        self._posted.emit(changes)

    @Slot(object)
    def _gather(self, changes: Changes) -> None:
        self._waiting.extend(changes.items)
        if not self._timer.isActive():
            self._timer.start()

    def _deliver(self) -> None:
        gathered, self._waiting = tuple(self._waiting), []
        self.arrived.emit(Changes(gathered))


def when_words(moment: datetime, now: datetime) -> str:
    """``08:40`` today, ``hôm qua 17:02``, else ``17:02 ngày 20/11``."""
    moment = moment.astimezone(now.tzinfo)
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    if (now.date() - moment.date()).days == 1:
        return _("hôm qua {time:%H:%M}").format(time=moment)
    return _("{time:%H:%M} ngày {time:%d/%m}").format(time=moment)


def status_model(
    status: SyncStatus,
    now: datetime,
    backup: str,
    saving: Saving,
    *,
    may_decide: bool = True,
    backup_trouble: str = "",
) -> StatusModel:
    """The line for a status; ``backup`` is the ISO time of the last one, empty when none.
    ``may_decide`` is False for those who see no patients, and so no conflicts.
    """
    last = when_words(status.last_complete_at, now) if status.last_complete_at else ""
    since = when_words(status.offline_since, now) if status.offline_since else ""
    words, late = _backup(backup, now)
    return StatusModel(
        saving=saving,
        link=_link(status),
        since=since,
        waiting=status.waiting,
        attention=status.quarantined,
        conflicts=status.conflicts if may_decide else 0,
        doubles=status.doubles if may_decide else 0,
        last_sync=last,
        backup=words,
        backup_late=late,
        backup_trouble=backup_trouble,
    )


def _link(status: SyncStatus) -> Link:
    if status.link is LinkState.UNCONFIGURED:
        return Link.NONE
    if status.link is LinkState.REFUSED:
        return _ANSWERED.get(status.trouble, Link.REFUSED)
    if status.link is LinkState.OFFLINE:
        return _ANSWERED.get(status.trouble, Link.OFFLINE)
    if status.running and status.waiting:
        return Link.SENDING
    if status.link is LinkState.UNKNOWN and status.offline_since:
        return Link.OFFLINE
    return Link.ONLINE


def _backup(text: str, now: datetime) -> tuple[str, bool]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "", False
    return when_words(moment, now), (now - moment).days >= 2
