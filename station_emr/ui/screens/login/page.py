"""The page of names and one password. It also stands over the work while it is locked."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QProgressBar, QWidget
from typing_extensions import override

from station_emr.domain.door import (
    JoiningNeeded,
    NewPasswordNeeded,
    SecondFactorNeeded,
    WrongCode,
)
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Banner,
    Chip,
    ChipSpec,
    ChoiceCard,
    Message,
    Severity,
    hbox,
    label,
    named,
    primary,
    quiet,
    scrolled,
    theme,
)
from station_emr.ui.kit.cover import CoverPage
from station_emr.ui.kit.memory import memory
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.gate import GateFace, StaffTile
from station_emr.ui.screens.login.asked import Asked

_LAST: Final = "login.last"
_COLUMNS: Final = 2
_FEW: Final = 6
_LOCKED: Final = (
    "Tài khoản này đã bị khóa vì sai mật khẩu 5 lần. "
    "Nhờ giám đốc hoặc người quản trị mở khóa trong mục Người dùng, hoặc dùng mã khôi phục của trạm."
)


class LoginPage(CoverPage):
    """``submitted(username, password)``; ``recovery_wanted(username)``; ``other_wanted``.

    With ``only`` it is the lock: one person, whose work waits behind the page.
    """

    submitted = Signal(str, str)
    recovery_wanted = Signal(str)
    other_wanted = Signal()
    restore_wanted = Signal()

    def __init__(self, face: GateFace, *, only: str = "") -> None:
        detail = _("Đã khóa. Công việc đang làm được giữ nguyên.") if only else _("Đăng nhập")
        super().__init__("login", face.station, detail)
        self._only = only
        self._demo = face.demo_password
        self._people: dict[str, StaffTile] = {}
        self.tiles: dict[str, ChoiceCard] = {}
        self._heads: dict[str, QHBoxLayout] = {}
        self._chosen = ""
        self.banner = Banner("login.message", closable=False)
        self.card.add(self.banner)
        self._choose_label = label(_("Người đăng nhập"), "label")
        self.card.add(self._choose_label)
        self._choose_label.setVisible(not only)
        self._grid_host = QWidget()
        self._grid = QGridLayout(self._grid_host)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.GAP_S)
        self._lay_tiles(face)
        self._add_password()
        self._add_demo(face)
        self.set_face(face)

    # -- building ------------------------------------------------------------------------------

    def _lay_tiles(self, face: GateFace) -> None:
        people = [person for person in face.people if self._only in ("", person.username)]
        for place, person in enumerate(people):
            tile = ChoiceCard(f"login.tile.{person.username}", "")
            tile.body.setSpacing(0)
            self._heads[person.username] = hbox(label(person.name, "strong"), None)
            tile.body.addLayout(self._heads[person.username])
            tile.add(label(person.role, "muted"))
            tile.selected.connect(lambda name=person.username: self.choose(name))
            tile.opened.connect(self._to_password)
            tile.installEventFilter(self)
            self.tiles[person.username] = tile
            span = _COLUMNS if len(people) == 1 else 1
            self._grid.addWidget(tile, place // _COLUMNS, place % _COLUMNS, 1, span)
        if len(people) > _FEW:
            area = scrolled(self._grid_host)
            area.setFixedHeight(3 * 66)
            self.card.add(area)
        else:
            self.card.add(self._grid_host)

    def _add_password(self) -> None:
        self.password = SecretField("login.password")
        named(self.password.editor, "login.password")
        self.password.moves_on = False
        self.password.entered.connect(self._submit)
        self.password.changed.connect(self._typed)
        self.password.editor.installEventFilter(self)
        self._caption = label("", "label")
        self._caption.setBuddy(self.password.editor)
        self.enter = primary(_("Mở khóa") if self._only else _("Đăng nhập"), "login.enter")
        self.enter.clicked.connect(self._submit)
        self.card.add(self._caption)
        row = hbox(self.password, self.enter)
        row.setStretch(0, 1)
        row.setAlignment(self.enter, Qt.AlignmentFlag.AlignTop)
        self.card.body.addLayout(row)
        self.asked = Asked()
        self.asked.submitted.connect(self._submit)
        self.card.add(self.asked)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        policy = self.busy.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing on the page moves when it appears
        self.busy.setSizePolicy(policy)
        self.busy.hide()
        self.card.add(self.busy)
        self.forgot = quiet(_("Quên mật khẩu: dùng mã khôi phục"), "login.forgot", icon="key")
        self.forgot.clicked.connect(lambda: self.recovery_wanted.emit(self._chosen))
        self.other = quiet(_("Người khác đăng nhập"), "login.other", icon="user-switch")
        self.other.clicked.connect(self.other_wanted)
        self.restore = quiet(
            _("Khôi phục từ bản sao lưu"), "login.restore", icon="clock-counter-clockwise"
        )
        self.restore.clicked.connect(self.restore_wanted)
        self.card.body.addLayout(hbox(self.forgot, self.other, None, self.restore))
        if self._only:
            self.restore.hide()
        self.other.setVisible(bool(self._only))
        self.forgot.setVisible(not self._only)
        self.setFocusProxy(self.password.editor)

    def _add_demo(self, face: GateFace) -> None:
        if not face.demo_password:
            return
        words = _("Trạm dùng thử, mọi dữ liệu đều là giả. Mật khẩu của mọi người: {password}")
        self.banner.show_message(
            Message(
                text=words.format(password=face.demo_password),
                severity=Severity.INFO,
                action_text=_("Điền giúp"),
                action=self._fill_demo,
            )
        )

    def _fill_demo(self) -> None:
        self.password.set_value(self._demo)
        self.password.editor.setFocus()

    # -- state ---------------------------------------------------------------------------------

    def set_face(self, face: GateFace) -> None:
        """Newest tries and locks of the same people; the choice stays."""
        self._people = {person.username: person for person in face.people}
        for username, tile in self.tiles.items():
            person = self._people.get(username)
            if person is None:
                continue
            state = _state_of(person)
            old = tile.findChild(Chip)
            if old is not None:
                old.hide()
                old.deleteLater()
            if state is not None:
                self._heads[username].addWidget(Chip(state.text, state.severity))
            spoken = (person.name, person.role, state.text if state else "")
            tile.setAccessibleName(", ".join(part for part in spoken if part))
        if not self._chosen and self.tiles:
            last = self._only or memory().get(_LAST) or ""
            self.choose(last if last in self.tiles else next(iter(self.tiles)))
        elif self._chosen:
            self.choose(self._chosen)

    @property
    def chosen(self) -> str:
        return self._chosen

    def choose(self, username: str) -> None:
        """Make this the person who logs in."""
        moved = username != self._chosen
        self._chosen = username
        for name, tile in self.tiles.items():
            tile.set_selected(name == username)
        person = self._people[username]
        self._caption.setText(_("Mật khẩu của {name}").format(name=person.name))
        self.password.set_spoken(self._caption.text())
        if moved:
            self.password.reset()
            self.password.set_problem(None)
            self.asked.forget()
        if person.locked:
            self.show_problem(_(_LOCKED))
        self.enter.setEnabled(not person.locked)

    def show_problem(self, sentence: str) -> None:
        """Why the last try did not open; the typed password is selected to be typed over."""
        self.set_busy("")
        self.password.set_problem(sentence)
        self.password.editor.setFocus()
        self.password.line.selectAll()

    def answer(self, error: StationError) -> None:
        """Ask for what the door still wants, or say why the last try did not open."""
        self.set_busy("")
        if isinstance(error, SecondFactorNeeded):
            self.asked.ask_code(str(error))
        elif isinstance(error, JoiningNeeded):
            self.asked.ask_joining(error)
        elif isinstance(error, NewPasswordNeeded):
            self.asked.ask_password(error)
        elif isinstance(error, WrongCode):
            self.asked.show_problem(str(error))
        elif isinstance(error, InvalidRecord) and self.asked.is_asking:
            self.asked.show_problems(error.problems)
        else:
            self.asked.forget()
            self.show_problem(str(error))

    def set_busy(self, words: str) -> None:
        """Calm while the key is derived; an empty text ends it."""
        working = bool(words)
        self.busy.setVisible(working)
        if working:
            self.password.set_problem(None)
            self.password.set_hint(words)
        for widget in (self.password, self._grid_host, self.forgot, self.other, self.asked):
            widget.setEnabled(not working)
        person = self._people.get(self._chosen)
        self.enter.setEnabled(not working and not (person is not None and person.locked))

    # -- keys ----------------------------------------------------------------------------------

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonRelease and watched is not self.password.editor:
            self._to_password()  # whoever clicks on a name types the password next
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if watched is not self.password.editor:
                steps |= {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
            step = steps.get(Qt.Key(event.key()))
            if step is not None and not self._only:
                self._move(step, keep_password=watched is self.password.editor)
                return True
            if watched is not self.password.editor and event.text().isprintable() and event.text():
                self._to_password()
                QApplication.sendEvent(self.password.editor, event)
                return True
        return False

    def _move(self, step: int, *, keep_password: bool) -> None:
        names = list(self.tiles)
        name = names[(names.index(self._chosen) + step) % len(names)]
        if keep_password:
            self.choose(name)
        else:
            self.tiles[name].setFocus()

    def _to_password(self) -> None:
        self.password.editor.setFocus()

    def _typed(self) -> None:
        self.password.set_problem(None)

    def _submit(self) -> None:
        if not self.enter.isEnabled() or not self._chosen:
            return
        password = self.password.value()
        if not password:
            self.show_problem(_("Chưa gõ mật khẩu."))
            return
        if self.asked.is_asking and not self.asked.is_complete():
            return
        memory().put(_LAST, self._chosen)
        self.submitted.emit(self._chosen, password)


def _state_of(person: StaffTile) -> ChipSpec | None:
    """What a tile must say of the account; nothing while all is well."""
    if person.locked:
        return ChipSpec(_("Đã khóa"), Severity.DANGER)
    if person.attempts_left < 5:
        return ChipSpec(
            _("Còn {count} lần thử").format(count=person.attempts_left), Severity.WARNING
        )
    return None
