"""What every screen is given: the open station's use cases, who is logged in, and news of changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from station_emr.domain.access import EMERGENCY_ACTIONS
from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.permissions import Action, PermissionTable, may, never
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.sign_fault import ConfirmationNeeded
from station_emr.domain.user import Actor
from station_emr.services.i18n import _
from station_emr.services.station_services import StationServices
from station_emr.ui.kit import dialogs
from station_emr.ui.tasks import Lane, Task, TaskRunner

T = TypeVar("T")


class Session(QObject):
    """Lives on the GUI thread from log-in to log-out.

    ``changed(Changes)`` follows every command that changed the record, on the GUI thread, after
    its own ``done``; screens refresh only what they show. ``saved(str)`` carries the time of the
    last autosave for the status line. ``unsaved(sentence)`` follows a command that the machine
    could not write (a full disk); the status line says so until something is saved again.
    """

    changed = Signal(object)
    saved = Signal(str)
    unsaved = Signal(str)

    def __init__(
        self,
        services: StationServices,
        actor: Actor,
        runner: TaskRunner,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.services = services
        self.actor = actor
        self.runner = runner
        self._rights: PermissionTable | None = None
        self.changed.connect(self._heard)

    def may(self, action: Action) -> bool:
        """Whether the person may do this at this station; screens hide or disable by it."""
        if self._rights is None:
            try:
                self._rights = self.services.people.roles.table(self.actor)
            except StationError:
                return False  # closed meanwhile: every use case says so
        return may(self.actor.role, action, self._rights)

    @property
    def needs_emergency_door(self) -> bool:
        """Who reads no records here, and is not barred from them for ever."""
        barred = never(self.actor.role) & EMERGENCY_ACTIONS
        return not barred and not all(self.may(action) for action in EMERGENCY_ACTIONS)

    def _heard(self, changes: object) -> None:
        """Another PC of the station may have changed what this person is allowed."""
        if isinstance(changes, Changes) and changes.touches(RecordKind.RIGHTS, RecordKind.STANDING):
            self.rights_changed()

    def rights_changed(self) -> None:
        """Read them anew; pages that are built from now on follow."""
        self._rights = None

    def ask(
        self,
        question: Callable[[], T],
        done: Callable[[T], None],
        *,
        owner: QObject,
        failed: Callable[[StationError], None] | None = None,
        latest: str | None = None,
    ) -> Task:
        """Read something off the GUI thread. With ``latest`` an older question is dropped."""
        return self.runner.run(question, done=done, failed=failed, owner=owner, latest=latest)

    def command(
        self,
        command: Callable[[], Changes],
        *,
        done: Callable[[Changes], None] | None = None,
        failed: Callable[[StationError], None] | None = None,
        owner: QObject | None = None,
    ) -> Task:
        """Run a command; listeners of ``changed`` hear of it even when ``owner`` is gone."""

        def finished(changes: Changes) -> None:
            if done is not None:
                done(changes)
            if changes.items:
                self.changed.emit(changes)

        def answered(error: StationError) -> None:
            handler = failed or self.runner.default_failed
            if handler is None:
                self.runner.problems.report(error)
            else:
                handler(error)

        def again() -> None:
            self.command(command, done=done, failed=failed, owner=owner)

        def refused(error: StationError) -> None:
            if isinstance(error, ConfirmationNeeded):
                self._confirm(owner, again, error, answered)
                return
            if isinstance(error, EnvironmentFailure):
                self.unsaved.emit(str(error))
            answered(error)

        return self.runner.run(command, done=finished, failed=refused, owner=owner or self)

    def _confirm(
        self,
        owner: QObject | None,
        again: Callable[[], None],
        asked: StationError,
        refused: Callable[[StationError], None],
    ) -> None:
        """The rules of signing want the person's password once more; then the command again."""
        window = owner if isinstance(owner, QWidget) else QApplication.activeWindow()
        typed = window and dialogs.ask_password(
            window,
            _("Xác nhận chữ ký"),
            _("Hãy nhập mật khẩu của bạn để ký. Chưa có gì được ký cho tới khi mật khẩu đúng."),
            label=_("Mật khẩu của tôi"),
        )
        if not typed:
            refused(asked)
            return
        password = str(typed)
        self.runner.run(
            lambda: self.services.signing.confirm(self.actor, password),
            done=lambda _nothing: again(),
            failed=refused,
            owner=self,
            lane=Lane.POOL,
        )
