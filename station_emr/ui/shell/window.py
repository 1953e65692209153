"""The frame: navigation, search, one screen at a time, the status line, the lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import (
    QCloseEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QStackedWidget, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Banner,
    Message,
    Option,
    Screen,
    Shortcut,
    Suggestion,
    Toast,
    dress,
    hbox,
    named,
    vbox,
)
from station_emr.ui.shell.clipboard import OwnClipboard
from station_emr.ui.shell.navigation import Navigation, ScreenSpec
from station_emr.ui.shell.news_line import NewsLine
from station_emr.ui.shell.room import Room
from station_emr.ui.shell.status import StatusBar, StatusModel
from station_emr.ui.shell.top_bar import TopBar
from station_emr.ui.shell.watch import InputWatch

IDLE_MINUTES = 15
IDLE_MINUTES_ADMIN = 5
_NARROW = 1000  # below it the column at the left shows pictures only


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the frame says of the station, this machine and the person; nothing of patients."""

    station: str
    place: str
    user: str
    administrator: bool = False

    @property
    def idle_minutes(self) -> int:
        return IDLE_MINUTES_ADMIN if self.administrator else IDLE_MINUTES


class MainWindow(QMainWindow):
    """The window. Before log-in it shows only a cover (:meth:`cover`); :meth:`open` lays the frame.

    Signals: ``search_wanted(text)`` (answer with :meth:`set_search_results`),
    ``person_chosen(payload)`` when the present screen did not take it, ``scan_received(text)``
    likewise, ``lock_wanted``, ``switch_wanted``, ``status_asked(topic)``, ``help_wanted``, ``user_picked(key)``,
    ``screen_changed(key)``, ``closing``.
    """

    search_wanted = Signal(str)
    person_chosen = Signal(object)
    scan_received = Signal(str)
    lock_wanted = Signal()
    switch_wanted = Signal()
    status_asked = Signal(str)
    help_wanted = Signal()
    user_picked = Signal(object)
    screen_changed = Signal(str)
    closing = Signal()

    def __init__(self) -> None:
        super().__init__()
        dress(self)
        named(self, "main", _("Hồ sơ sức khỏe trạm y tế"))
        self.setWindowTitle(_("Trạm y tế"))
        self.resize(1366, 768)
        # A panel of 1366 by 768 at 150 % leaves 911 by 512, less the desktop's own bar.
        self.setMinimumSize(900, 440)
        self._clipboard = OwnClipboard(self)
        self._root = QStackedWidget()
        self.setCentralWidget(self._root)
        self._frame: QWidget | None = None
        self._cover: QWidget | None = None
        self._specs: dict[str, ScreenSpec] = {}
        self._screens: dict[str, Screen] = {}
        self._history: list[str] = []
        self._key = ""
        self._lit = ""  # the entry of the navigation
        self._idle_minutes: float = IDLE_MINUTES
        self._watch = InputWatch(self)
        self._watch.scanned.connect(self.take_scan)
        self._watch.idle.connect(self.lock)

    # -- the frame -----------------------------------------------------------------------------

    def open(
        self,
        identity: Identity,
        specs: Sequence[ScreenSpec],
        *,
        start: str = "",
        user_options: Sequence[Option] = (),
    ) -> None:
        """Lay the frame for a person who has signed in; an earlier frame is thrown away."""
        self.close_frame()
        self._specs = {spec.key: spec for spec in specs}
        self._idle_minutes = identity.idle_minutes
        self.setWindowTitle(identity.station)
        self._frame = QWidget()
        self.navigation = Navigation(identity.station, identity.place, tuple(specs))
        self.navigation.wanted.connect(self.go)
        self.top = TopBar()
        self.top.user.set_user(identity.user, user_options)
        self.top.user.picked.connect(self.user_picked)
        self.top.lock.clicked.connect(self.lock)
        self.search = self.top.search
        self.search.wanted.connect(self.search_wanted)
        self.search.chosen.connect(self._take_person)
        self.search.scanned.connect(self.take_scan)
        self._room = Room()
        self.status = StatusBar()
        self.status.explain.connect(self._explain)
        self.toast = Toast(self._room)
        self.notice = Banner("frame.notice", closable=False)
        self.news = NewsLine()
        self.news.wanted.connect(lambda text: self.show_message(Message(text=text)))
        column = vbox(self.top, self.notice, self._room, self.news, self.status, gap=0)
        column.setStretch(2, 1)
        row = hbox(self.navigation, column, gap=0, parent=self._frame)
        row.setStretch(1, 1)
        self._root.addWidget(self._frame)
        self._bind_keys(self._frame)
        self._fit()
        self.uncover()
        self.go(start or next(iter(self._specs)))

    def close_frame(self) -> None:
        """Throw the frame and its screens away, as at log-out."""
        self._watch.stop()
        self._screens.clear()
        self._history.clear()
        self._key = self._lit = ""
        if self._frame is not None:
            self._root.removeWidget(self._frame)
            self._frame.deleteLater()
            self._frame = None

    def _bind_keys(self, frame: QWidget) -> None:
        for spec in self._specs.values():
            if spec.shortcut is not None and spec.has_entry:
                self._bind(frame, spec.shortcut.key).activated.connect(
                    lambda key=spec.key: self.go(key)
                )
        self._bind(frame, Shortcut.SEARCH.key).activated.connect(self.search.activate)
        self._bind(frame, Shortcut.SWITCH.key).activated.connect(self.switch)
        self._bind(frame, Shortcut.HELP.key).activated.connect(self.help_wanted)

    @staticmethod
    def _bind(frame: QWidget, key: QKeySequence) -> QShortcut:
        return QShortcut(key, frame)  # inactive while the frame is covered

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window leaves the pages their width and the column its pictures and keys."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._frame is not None:
            self.navigation.set_narrow(narrow=self.width() < _NARROW)

    # -- covering, for log-in and lock ---------------------------------------------------------

    def cover(self, widget: QWidget) -> None:
        """Show ``widget`` over everything; nothing of the frame can be seen or reached."""
        self._watch.stop()
        self._clipboard.clear_own()
        self._drop_cover()
        self._cover = widget
        self._root.addWidget(widget)
        self._root.setCurrentWidget(widget)
        widget.setFocus()

    def uncover(self) -> None:
        """Back to the frame as it was left."""
        if self._frame is None:
            return
        self._root.setCurrentWidget(self._frame)
        self._drop_cover()
        self._watch.start(self._idle_minutes)
        focused = self._frame.focusWidget()
        if focused is not None:
            focused.setFocus()

    def _drop_cover(self) -> None:
        if self._cover is not None:
            self._root.removeWidget(self._cover)
            self._cover.deleteLater()
            self._cover = None

    @property
    def covered(self) -> bool:
        return self._cover is not None

    def lock(self) -> None:
        """Ctrl+L or idle: drafts are kept, then ``lock_wanted`` asks for the cover."""
        if self.covered or self._frame is None:
            return
        self._put_away()
        self.lock_wanted.emit()

    def switch(self) -> None:
        """Ctrl+Shift+L: another person wants this machine. As for the lock nothing is asked and
        drafts are kept; then ``switch_wanted`` closes the record.
        """
        if self._frame is None:
            return
        if not self.covered:
            self._put_away()
        self.switch_wanted.emit()

    def _put_away(self) -> None:
        screen = self.screen_now
        if screen is not None:
            screen.on_lock()
        self.search.clear()
        _close_what_is_above()
        _clear_clipboard()

    # -- screens -------------------------------------------------------------------------------

    @property
    def screen_now(self) -> Screen | None:
        return self._screens.get(self._key)

    @property
    def screen_key(self) -> str:
        return self._key

    def screen_of(self, key: str) -> Screen:
        """The screen of this key, built now if need be."""
        made = self._screens.get(key)
        if made is None:
            made = self._specs[key].build()
            made.navigate.connect(self.go)
            made.message.connect(self.show_message)
            self._screens[key] = made
            self._room.add(made)
        return made

    def go(self, key: str, context: object = None) -> bool:
        """Show a screen; False when the present one has a reason to stay."""
        present = self.screen_now
        if key != self._key and present is not None and not present.on_leave():
            self._light()
            return False
        screen = self.screen_of(key)
        if key != self._key:
            if self._key:
                self._history = [*self._history[-19:], self._key]
            self._key = key
            self._room.show_screen(screen)
            self.toast.raise_()  # the stack raises its page above a message still showing
            screen.setFocus()
        self._light()
        screen.on_enter(context)
        self.screen_changed.emit(key)
        return True

    def back(self) -> bool:
        """Esc: the screen may use it, else the screen before comes back."""
        screen = self.screen_now
        if screen is None or screen.on_back():
            return True
        while self._history:
            key = self._history.pop()
            if key != self._key:
                kept = list(self._history)
                went = self.go(key)
                self._history = kept
                return went
        return False

    def _light(self) -> None:
        spec = self._specs.get(self._key)
        if spec is not None:
            self._lit = spec.key if spec.has_entry else spec.under or self._lit
            self.navigation.select(self._lit)

    # -- search and scans ----------------------------------------------------------------------

    def set_search_results(self, results: Sequence[Suggestion], for_text: str) -> None:
        if self._frame is not None:
            self.search.set_results(results, for_text)

    def _take_person(self, payload: object) -> None:
        screen = self.screen_now
        if screen is None or not screen.on_search_result(payload):
            self.person_chosen.emit(payload)

    def take_scan(self, text: str) -> None:
        """A scan from anywhere: the present screen first, then whoever composes the program."""
        screen = self.screen_now
        if screen is None or not screen.on_scan(text):
            self.scan_received.emit(text)

    # -- messages and status -------------------------------------------------------------------

    def show_message(self, message: Message) -> None:
        if self._frame is not None:
            self.toast.show_message(message)

    def set_notice(self, message: Message | None) -> None:
        """What stays above every screen until it is put right; None when all is well."""
        if self._frame is None or message == self.notice.message:
            return
        if message is None:
            self.notice.dismiss()
        else:
            self.notice.show_message(message)

    def set_news(self, text: str) -> None:
        """One quiet line at the foot; empty to take it away."""
        if self._frame is not None:
            self.news.tell(text)

    def set_status(self, status: StatusModel) -> None:
        if self._frame is not None:
            self.status.show_status(status)

    def _explain(self, topic: str) -> None:
        if topic == "help":
            self.help_wanted.emit()
        else:
            self.status_asked.emit(topic)

    # -- keys and closing ----------------------------------------------------------------------

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that neither the focused widget nor a visible button wanted."""
        screen = self.screen_now
        if screen is None or self.covered:
            super().keyPressEvent(event)
            return
        pressed = QKeySequence(event.keyCombination())
        actions = {
            Shortcut.BACK: self.back,
            Shortcut.SAVE: screen.save_action,
            Shortcut.PRINT: screen.print_action,
        }
        for shortcut, action in actions.items():
            if pressed == shortcut.key:
                action()
                return
        super().keyPressEvent(event)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        screen = self.screen_now
        if screen is not None and not self.covered and not screen.on_leave():
            event.ignore()
            return
        self._watch.stop()
        self._clipboard.clear_own()
        self.closing.emit()
        event.accept()


def _clear_clipboard() -> None:
    """What was copied here stays with who copied it; what another program put there is not ours."""
    clipboard = QGuiApplication.clipboard()
    if clipboard.ownsClipboard():
        clipboard.clear()


def _close_what_is_above() -> None:
    """Menus and dialogs would stay readable over the cover; each is answered with Back."""
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()
    dialog = QApplication.activeModalWidget()
    if isinstance(dialog, QDialog):
        dialog.reject()
