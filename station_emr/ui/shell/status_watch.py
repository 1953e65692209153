"""What the frame says by itself while somebody works: the status line, the notice, the badges."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from station_emr.domain.permissions import Action
from station_emr.domain.sync import SyncStatus
from station_emr.services.backups import LAST_BACKUP
from station_emr.ui.kit import Message, Severity
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.shell.line import status_model
from station_emr.ui.shell.status import Saving
from station_emr.ui.shell.window import MainWindow

_REFRESH_MS = 30_000


class StatusWatch(QObject):
    """``tick`` runs between :meth:`begin` and :meth:`end`; others may look at their own with it."""

    def __init__(self, window: MainWindow, parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._session: Session | None = None
        self._status: SyncStatus | None = None
        self._backup = ""
        self._backup_trouble = ""
        self._unsaved = ""
        self._clock_told = False
        self.tick = QTimer(self)
        self.tick.setInterval(_REFRESH_MS)
        self.tick.timeout.connect(self.refresh)
        window.status_asked.connect(self._explain)

    def begin(self, session: Session) -> None:
        self._session = session
        session.unsaved.connect(self._not_saved)
        self.refresh()
        self.count_answers()
        self.tick.start()

    def end(self) -> None:
        self.tick.stop()
        self._session, self._status, self._unsaved = None, None, ""

    def is_sending(self) -> bool:
        """Whether records are on their way to the province at this moment."""
        return self._status is not None and self._status.running

    # -- reading -------------------------------------------------------------------------------

    def refresh(self) -> None:
        session = self._session
        if session is not None:
            session.ask(
                session.services.sync.status,
                self.show_status,
                owner=session,
                latest="frame.status",
            )
            self._read_backup()
            session.ask(
                lambda: _notice(session),
                self._show_clock,
                owner=session,
                latest="frame.clock",
            )

    def count_answers(self) -> None:
        """Answers of hospitals that nobody here has opened, beside the entry of the letters."""
        session = self._session
        entry = self._window.navigation.items.get(routes.REFERRALS)
        if session is not None and entry is not None and session.may(Action.ENCOUNTER_VIEW):
            session.ask(
                lambda: session.services.referrals.unread_feedback(session.actor),
                entry.set_badge,
                owner=session,
                latest="frame.answers",
            )

    def _read_backup(self) -> None:
        session = self._session
        if session is not None:
            session.ask(
                lambda: session.services.accounts.setting(LAST_BACKUP),
                self._take_backup,
                owner=session,
            )

    # -- what is heard -------------------------------------------------------------------------

    def show_status(self, status: SyncStatus) -> None:
        self._status = status
        self._repaint()

    def take_backup_trouble(self, words: str) -> None:
        self._backup_trouble = words
        self._read_backup()

    def saved(self) -> None:
        """Something was written: what could not be saved before is past, and what waited for a
        person may just have been settled.
        """
        if self._unsaved:
            self._unsaved = ""
            self._repaint()
        status = self._status
        open_here = status is not None and (status.conflicts or status.doubles)
        if self._clock_told or open_here:
            self.refresh()

    def _not_saved(self, sentence: str) -> None:
        self._unsaved = sentence
        self._repaint()

    def _take_backup(self, text: str) -> None:
        self._backup = text
        self._repaint()

    def _show_clock(self, problem: str) -> None:
        """A clock that is set wrong is told at once, not when somebody tries to sign."""
        self._clock_told = bool(problem)
        message = Message(text=problem, severity=Severity.WARNING) if problem else None
        self._window.set_notice(message)

    # -- showing -------------------------------------------------------------------------------

    def _repaint(self) -> None:
        session = self._session
        if session is None or self._status is None:
            return
        model = status_model(
            self._status,
            session.services.clock.now(),
            self._backup,
            Saving.FAILED if self._unsaved else Saving.SAVED,
            may_decide=session.may(Action.PATIENT_VIEW),
            backup_trouble=self._backup_trouble,
        )
        self._window.set_status(model)
        entry = self._window.navigation.items.get(routes.SYNC)
        if entry is not None:
            entry.set_badge(model.attention + model.conflicts + model.doubles)

    def _explain(self, topic: str) -> None:
        session = self._session
        if session is None:
            return
        if topic == "saving" and self._unsaved:
            self._window.show_message(Message(text=self._unsaved, severity=Severity.DANGER))
        elif topic == "conflicts" and session.may(Action.PATIENT_VIEW):
            only_twice = self._status is not None and not self._status.conflicts
            self._window.go(routes.CONFLICTS, routes.PAIRS if only_twice else None)
        elif topic == "backup" and session.may(Action.BACKUP):
            self._window.go(routes.SETTINGS, routes.SettingsRoute("backup"))
        elif session.may(Action.SYNC_VIEW):
            self._window.go(routes.SYNC)


def _notice(session: Session) -> str:
    """The first of what stays above every screen until it is put right."""
    services, actor = session.services, session.actor
    own = services.people.access.warning(actor)  # always: it notes that time has passed
    return (
        services.accounts.clock_warning(actor)
        or services.trail.alarm(actor)
        or services.people.emergency.alarm(actor)
        or own
    )
