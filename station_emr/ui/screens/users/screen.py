"""The staff: a table at the left, the chosen person's fields at the right."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import InvalidRecord, Problem, StationError
from station_emr.domain.permissions import Action, may_sign
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.text import fold
from station_emr.domain.user import User
from station_emr.services.access import AccountRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Card,
    ChipSpec,
    Column,
    Screen,
    ScreenHeader,
    Severity,
    Shortcut,
    Table,
    hbox,
    icon_button,
    label,
    plain_table,
    primary,
    scrolled,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.screens.users.account_card import AccountCard
from station_emr.ui.screens.users.user_form import UserForm
from station_emr.ui.tasks import Lane


@dataclass(frozen=True, slots=True)
class StaffRow:
    user: User
    locked: bool
    account: AccountRow | None = None


def state_chip(row: StaffRow) -> ChipSpec:
    if not row.user.active:
        return ChipSpec(_("Đã nghỉ"))
    account = row.account
    if account is not None and account.refusal:
        words = _("Bị ngừng") if account.closed else _("Hết hạn")
        return ChipSpec(words, Severity.WARNING)
    if row.locked or (account is not None and account.code_locked):
        return ChipSpec(_("Bị khóa"), Severity.DANGER, icon="lock")
    return ChipSpec(_("Đang dùng"), Severity.SUCCESS)


def signs_text(row: StaffRow) -> str:
    return _("Được ký") if may_sign(row.user.role, row.user.licence_no) else ""


class UsersScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("users")
        self._session = session
        self._accounts = session.services.accounts
        self._access = session.services.people.access
        self._actor = session.actor
        self._chosen: StaffRow | None = None
        self._follow = ""
        self._wished = routes.UserRoute("")
        back = icon_button("arrow-left", "users.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.unlock = secondary(_("Mở khóa"), "users.unlock", icon="lock-open")
        self.add = secondary(_("Thêm người"), "users.add", Shortcut.NEW, "user-plus")
        self.save = primary(_("Lưu"), "users.save", Shortcut.SAVE)
        row = hbox(back, ScreenHeader(_("Người dùng"), "", (self.unlock, self.add, self.save)))
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.table = self._make_table()
        left = Card(margin=1)
        left.add(plain_table(self.table), 1)
        self.form = UserForm()
        right = Card()
        self._who = label("", "heading", wrap=True)
        right.add(self._who)
        self.account = AccountCard(session)
        self.account.said.connect(self.say)
        self.account.changed.connect(self._load)
        both = QWidget()
        vbox(self.form, self.account, None, parent=both)
        right.add(scrolled(both), 1)
        row = hbox(left, right, gap=GAP_M)
        row.setStretch(0, 3)
        row.setStretch(1, 2)
        self.page.addLayout(row, 1)
        self.table.picked.connect(self._picked)
        self.add.clicked.connect(self._begin_new)
        self.save.clicked.connect(self.save_action)
        self.unlock.clicked.connect(self._unlock)
        self.unlock.setVisible(session.may(Action.ACCOUNT_UNLOCK))
        self.form.password.changed.connect(self._judge_password)
        session.changed.connect(self._heard)

    def _make_table(self) -> Table[StaffRow]:
        return Table(
            "users.table",
            _("Danh sách người dùng"),
            [
                Column(
                    title=_("Họ và tên"),
                    text=lambda r: r.user.snapshot.printed_name,
                    tip=lambda r: r.user.snapshot.printed_name,
                    sort=lambda r: fold(
                        r.user.full_name.split()[-1:][0] if r.user.full_name else ""
                    ),
                    stretch=True,
                    strong=True,
                ),
                Column(
                    title=_("Tên đăng nhập"), text=lambda r: r.user.username, width=112, spare=1
                ),
                Column(
                    title=_("Vai trò"),
                    text=lambda r: _(r.user.role.label),
                    tip=lambda r: _(r.user.role.label),
                    width=144,
                ),
                Column(
                    title=_("Giấy phép"),
                    text=lambda r: r.user.licence_no,
                    tip=lambda r: r.user.licence_no,
                    width=152,
                    muted=True,
                    spare=2,
                ),
                Column(
                    title=_("Tình trạng"),
                    text=lambda r: state_chip(r).text,
                    chip=state_chip,
                    width=112,
                ),
            ],
        )

    # -- showing ---------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._wished = context if isinstance(context, routes.UserRoute) else routes.UserRoute("")
        self._load()
        self.table.setFocus()

    def _heard(self, changes: object) -> None:
        if isinstance(changes, Changes) and changes.touches(RecordKind.PRACTITIONER):
            self._load()

    def _load(self) -> None:
        def read() -> tuple[StaffRow, ...]:
            rows = {row.user.id: row for row in self._access.rows(self._actor)}
            return tuple(
                StaffRow(user, self._accounts.locked(self._actor, user.username), rows.get(user.id))
                for user in self._accounts.users(self._actor)
            )

        self._session.ask(read, self._show, owner=self, failed=self._failed, latest="users.list")

    def _show(self, rows: tuple[StaffRow, ...]) -> None:
        ordered = sorted(rows, key=lambda r: (not r.user.active, fold(r.user.full_name)))
        self.table.set_rows(ordered)
        wanted = self._follow or (self._chosen.user.username if self._chosen else "")
        self._follow = ""
        wished, self._wished = self._wished, routes.UserRoute("")
        named = next((row for row in ordered if row.user.id == wished.user_id), None)
        found = named or next((row for row in ordered if row.user.username == wanted), None)
        if found is not None:
            self.table.choose(found)
            self._picked(found)
            if named is not None:
                self.form.form.go_to(wished.field)
        elif self._chosen is None and not self.is_new:
            self.table.choose_first()

    _new = False

    @property
    def is_new(self) -> bool:
        """Whether the form is for somebody who is not in the list yet."""
        return self._new

    def _picked(self, row: object) -> None:
        if not isinstance(row, StaffRow):
            return
        self._chosen, self._new = row, False
        self._who.setText(row.user.snapshot.printed_name)
        self.form.show_user(row.user)
        self.account.show_row(row.account)
        code_locked = row.account is not None and row.account.code_locked
        self.unlock.setEnabled(row.locked or code_locked)

    def _begin_new(self) -> None:
        self._chosen, self._new = None, True
        self.table.clearSelection()
        self._who.setText(_("Người dùng mới"))
        self.form.show_user(None)
        self.account.show_row(None)
        self.unlock.setEnabled(False)
        self.form.full_name.editor.setFocus()

    def _judge_password(self) -> None:
        found = self._password_problems() if self.form.password.value() else ()
        self.form.password.set_problem(found[0].message if found else None, Severity.WARNING)

    def _password_problems(self) -> tuple[Problem, ...]:
        user = self.form.user(self._chosen.user if self._chosen else None)
        return self._accounts.password_problems(
            self.form.password.value(), user.username, user.full_name
        )

    # -- doing -----------------------------------------------------------------------------------

    @override
    def save_action(self) -> bool:
        if self._chosen is None and not self.is_new:
            return True
        before = self._chosen.user if self._chosen else None
        user, password = self.form.user(before), self.form.password.value()
        problems: tuple[Problem, ...] = ()
        if before is not None and user.active and not before.active and not password:
            problems = (
                Problem(
                    field="password",
                    code="password-required",
                    message=_("Người này đã nghỉ nên cần mật khẩu mới để đăng nhập lại."),
                ),
            )
        elif before is not None and password:
            problems = self._password_problems()
        self.form.form.set_problems(problems)
        if problems:
            return True

        def command() -> Changes:
            if before is None:
                return self._accounts.add_user(self._actor, user, password)
            changes = self._accounts.update_user(self._actor, user)
            if password:
                self._accounts.reset_password(self._actor, user.username, password)
            return changes

        self._busy(True)
        self._follow = user.username.strip().lower()
        self._session.runner.run(
            command, done=self._saved, failed=self._refused, owner=self, lane=Lane.POOL
        )
        return True

    def _saved(self, changes: Changes) -> None:
        self._busy(False)
        self._new = False
        self.say(_("Đã lưu người dùng."), Severity.SUCCESS)
        self._session.changed.emit(changes)

    def _refused(self, error: StationError) -> None:
        self._busy(False)
        self._follow = ""
        if isinstance(error, InvalidRecord):
            for left in self.form.form.set_problems(error.problems):
                self.say(left.message, Severity.DANGER)
        else:
            self._failed(error)

    def _busy(self, busy: bool) -> None:
        self.save.setEnabled(not busy)

    def _unlock(self) -> None:
        chosen = self._chosen
        if chosen is None:
            return

        def done(_nothing: None) -> None:
            self.say(_("Đã mở khóa. Người này đăng nhập lại được ngay."), Severity.SUCCESS)
            self._load()

        self._session.ask(
            lambda: self._accounts.unlock(self._actor, chosen.user.username),
            done,
            owner=self,
            failed=self._failed,
        )

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)
