"""From the names on the log-in page to an open desk and back: log in, lock, switch, log out.

Threading: everything here runs on the GUI thread. Keys are derived and databases opened in the
runner; a lock covers the frame, and the store stays open behind it for a while (:mod:`.locked`).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import DatabaseDamaged, StationError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.i18n import _
from station_emr.ui.kit import Message, Option, Severity
from station_emr.ui.kit.memory import memory
from station_emr.ui.models import routes
from station_emr.ui.models.gate import JOINING, Gate, GateFace, OpenDesk
from station_emr.ui.models.session import Session
from station_emr.ui.screens.login import CodesPage, LoginPage, RecoveryPage, TroublePage
from station_emr.ui.shell.backup_watch import BackupWatch
from station_emr.ui.shell.line import ArrivalFeed, StatusFeed
from station_emr.ui.shell.locked import LockedWatch
from station_emr.ui.shell.lookup import Lookup
from station_emr.ui.shell.program_news import ProgramNews
from station_emr.ui.shell.quick_card import show_quick_card
from station_emr.ui.shell.status_watch import StatusWatch
from station_emr.ui.shell.way_back import WayBack
from station_emr.ui.shell.window import Identity, MainWindow
from station_emr.ui.tasks import Lane, TaskRunner


class Desk(QObject):
    """Owns what lies between the window and one station.

    ``ready`` follows the first screen after log-in, ``log_in_shown`` the page of names,
    ``setup_wanted`` an empty folder, ``leave_wanted`` the wish to end the program.
    """

    ready = Signal()
    log_in_shown = Signal()
    setup_wanted = Signal()
    leave_wanted = Signal()

    def __init__(
        self, window: MainWindow, gate: Gate, runner: TaskRunner, folder: str, *, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._gate = gate
        self._runner = runner
        self._folder = folder
        self._face: GateFace | None = None
        self._page: LoginPage | None = None
        self._open: OpenDesk | None = None
        self._waiting: OpenDesk | None = None  # while recovery codes are copied down
        self.session: Session | None = None
        self._stop_listening: Callable[[], None] = _nothing
        self._feed = StatusFeed(self)
        self.status = StatusWatch(window, self)
        self._feed.arrived.connect(self.status.show_status)
        self._way_back = WayBack(window, runner, self)
        self._way_back.left.connect(self.start)
        self._arrivals = ArrivalFeed(self)
        self._arrivals.arrived.connect(self._heard)
        self._hearing = False
        self.locked = LockedWatch(self.status.is_sending, self)
        self.locked.over.connect(self.log_out)
        runner.default_failed = self._failed
        runner.problems.shown.connect(self._bug)
        window.lock_wanted.connect(self._lock)
        window.switch_wanted.connect(self.log_out)
        window.user_picked.connect(self._user_picked)
        window.help_wanted.connect(lambda: show_quick_card(window))

    def use_gate(self, gate: Gate, folder: str) -> None:
        """Another data folder, as when the set-up is left for a look at the demo."""
        self._gate = gate
        self._folder = folder

    @property
    def log_in_page(self) -> LoginPage | None:
        """The page of names or the lock, while it is shown."""
        return self._page

    # -- before log-in -------------------------------------------------------------------------

    def start(self) -> None:
        """Show what the folder allows: the names, the set-up, or why nothing can be opened."""
        if not self._gate.has_station():
            self.setup_wanted.emit()
            return
        try:
            # A file of a few kilobytes: reading it here saves a flash of an empty window.
            self._face = self._gate.look()
        except StationError as trouble:
            self._show_trouble(str(trouble))
            return
        self._show_names()

    def _show_names(self, problem: str = "") -> None:
        if self._face is None:
            return
        page = LoginPage(self._face)
        page.submitted.connect(self._log_in)
        page.recovery_wanted.connect(self._show_recovery)
        page.restore_wanted.connect(self.show_restore)
        self._page = page
        self._cover(page)
        if problem:
            page.show_problem(problem)
        self.log_in_shown.emit()

    def _show_trouble(self, sentence: str) -> None:
        page = TroublePage(sentence, self._folder)
        page.again.connect(self.start)
        page.leave.connect(self.leave_wanted)
        page.restore_wanted.connect(self.show_restore)
        self._page = None
        self._cover(page)
        self._way_back.name_copy(self._gate.restorer(), page)

    def show_restore(self) -> None:
        """The wizard of a restore, while nobody is logged in."""
        self._page = None
        self._way_back.show(self._gate.restorer())

    def _show_recovery(self, username: str) -> None:
        if self._face is None:
            return
        page = RecoveryPage(self._face, username, self._gate.password_problems)
        page.back.connect(self._show_names)
        page.submitted.connect(lambda *given: self._recover(page, *given))
        self._page = None
        self._cover(page)

    def _cover(self, page: QWidget) -> None:
        self._window.cover(page)

    # -- log in --------------------------------------------------------------------------------

    def _log_in(self, username: str, password: str) -> None:
        page = self._page
        if page is None:
            return
        page.set_busy(_("Đang mở hồ sơ…"))
        code, new = page.asked.code.value(), page.asked.new.value()
        self._runner.run(
            lambda: self._gate.open(username, password, code, new),
            done=self._came_in,
            failed=self._not_opened,
            owner=page,
        )

    def _came_in(self, opened: OpenDesk) -> None:
        """Codes that are shown once come before the work."""
        if not opened.fresh_codes:
            self._opened(opened)
            return
        page = CodesPage(opened.profile.name, opened.fresh_codes)
        page.done.connect(lambda: self._opened(opened))
        self._waiting, self._page = opened, None
        self._cover(page)

    def _recover(self, page: RecoveryPage, username: str, code: str, password: str) -> None:
        page.set_busy(working=True)
        self._runner.run(
            lambda: self._gate.recover(username, code, password),
            done=self._opened,
            failed=lambda error: page.show_problem(str(error)),
            owner=page,
        )

    def _not_opened(self, error: StationError) -> None:
        if isinstance(error, DatabaseDamaged) and self.session is None:
            self._show_trouble(str(error))
            return
        self._look_again()
        if self._page is not None:
            self._page.answer(error)

    def _look_again(self) -> None:
        """The tries left may have changed; a file that vanished meanwhile is told at the next try."""
        try:
            self._face = self._gate.look()
        except StationError:
            return
        if self._page is not None:
            self._page.set_face(self._face)

    def _opened(self, opened: OpenDesk) -> None:
        window, profile, actor = self._window, opened.profile, opened.actor
        session = Session(opened.services, actor, self._runner, self)
        self._open, self.session, self._page = opened, session, None
        self._waiting = None
        Lookup(window, session, opened)
        session.changed.connect(self._committed)
        # The pages' code is loaded while the password is typed, not before the names are shown.
        from station_emr.ui.shell.registry import screens_for  # noqa: PLC0415

        specs = screens_for(session, opened.first_queue)
        window.open(
            Identity(
                station=profile.name,
                place=f"{profile.site} · {profile.device_name}",
                user=actor.user.snapshot.printed_name,
                administrator=actor.role is Role.ADMINISTRATOR,
            ),
            specs,
            user_options=(
                Option("switch", _("Đổi người dùng (Ctrl+Shift+L)")),
                Option("out", _("Đăng xuất")),
            ),
        )
        self._runner.settle(lambda: session.services.sync.status().running)
        self._stop_listening = opened.listen(self._feed.post)
        opened.hear(self._arrivals.post)
        opened.start()
        self.status.begin(session)
        ProgramNews(window, session, self.status.tick)
        BackupWatch(session, self.status.tick).told.connect(self.status.take_backup_trouble)
        if memory().get(JOINING) and session.may(Action.SETTINGS_EDIT):
            memory().put(JOINING, "")
            window.go(routes.SETTINGS, routes.SettingsRoute("files"))
        self.ready.emit()

    # -- lock ----------------------------------------------------------------------------------

    def _lock(self) -> None:
        session = self.session
        if session is None or self._face is None:
            return
        self._look_again()
        username = session.actor.user.username
        page = LoginPage(self._face, only=username)
        page.submitted.connect(self._unlock)
        page.other_wanted.connect(self.log_out)
        self._page = page
        self._cover(page)
        self.locked.begin()

    def _unlock(self, username: str, password: str) -> None:
        page = self._page
        if page is None:
            return
        page.set_busy(_("Đang kiểm tra mật khẩu…"))
        self._runner.run(
            lambda: self._gate.check(username, password),
            done=lambda _none: self._unlocked(),
            failed=self._not_opened,
            owner=page,
            lane=Lane.POOL,
        )

    def _unlocked(self) -> None:
        self.locked.end()
        self._page = None
        self._window.uncover()
        self.status.refresh()

    # -- leaving -------------------------------------------------------------------------------

    def _user_picked(self, key: object) -> None:
        if key in ("out", "switch"):
            screen = self._window.screen_now
            if screen is None or screen.on_leave():
                self.log_out()

    def log_out(self) -> None:
        """Close the station and show the names; drafts were kept by the screen or the lock."""
        opened = self._forget()
        if opened is not None:
            # Behind everything the database still has to write.
            self._runner.run(opened.close, done=lambda _none: opened.forget())
        self._window.close_frame()
        self.start()

    def _forget(self) -> OpenDesk | None:
        opened, self._open = self._open or self._waiting, None
        self._waiting = None
        self.status.end()
        self.locked.end()
        self._stop_listening()
        self._stop_listening = _nothing
        if self.session is not None:
            self.session.deleteLater()
        self.session = None
        return opened

    def close(self) -> None:
        """End of the program: what was begun is written, then the station is closed."""
        opened = self._forget()
        self._runner.close()
        if opened is not None:
            opened.close()

    # -- what was written ----------------------------------------------------------------------

    def _heard(self, changes: Changes) -> None:
        """Other machines wrote: the screens read again, but nothing was saved or has to be sent."""
        if self.session is None:
            return
        self._hearing = True
        try:
            self.session.changed.emit(changes)
        finally:
            self._hearing = False

    def _committed(self, changes: Changes) -> None:
        if changes.touches(RecordKind.FEEDBACK):
            self.status.count_answers()
        if self._hearing:
            return
        if self._open is not None:
            self._open.notify()
        self.status.saved()

    # -- messages ------------------------------------------------------------------------------

    def _failed(self, error: StationError) -> None:
        self._window.show_message(Message(text=str(error), severity=Severity.DANGER))

    def _bug(self, sentence: str, _number: str) -> None:
        if self._page is not None:
            self._page.show_problem(sentence)
        self._window.show_message(Message(text=sentence, severity=Severity.DANGER))


def _nothing() -> None:
    """What stops listening before anybody listens."""
