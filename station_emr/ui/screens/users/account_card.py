"""What surrounds the chosen person's account: open or closed, until when, telephone, leaving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.access import Grant
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.domain.permissions import Action, Role, never
from station_emr.domain.record import Changes
from station_emr.services.access import AccountRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    DateField,
    FlowLayout,
    Form,
    Option,
    Severity,
    dialogs,
    label,
    rule,
    secondary,
    vbox,
)
from station_emr.ui.models.moments import parse_day, show_day
from station_emr.ui.models.session import Session


class AccountCard(QWidget):
    """``said(text, severity)`` asks for a passing message; ``changed`` follows every act here."""

    said = Signal(str, object)
    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._access = session.services.people.access
        self._directors = session.services.people.directors
        self._factor = session.services.people.second_factor
        self._actor = session.actor
        self._row: AccountRow | None = None
        self.state = label("", "muted", wrap=True)
        self.form = Form("account")
        self.since, self.until = self._day(), self._day()
        self.form.add_row(
            ("valid_from", _("&Dùng được từ ngày"), self.since),
            ("valid_until", _("Đến hết ng&ày"), self.until),
        )
        self.limit = secondary(_("Đặt thời hạn"), "account.limit")
        self.give = secondary(_("Cấp quyền có thời hạn"), "account.give")
        self.end = secondary(_("Thu lại quyền có thời hạn"), "account.end")
        self.director = secondary(_("Cử làm giám đốc"), "account.director")
        self.suspend = secondary(_("Tạm ngừng"), "account.suspend")
        self.reopen = secondary(_("Mở lại"), "account.reopen", icon="lock-open")
        self.telephone = secondary(_("Gỡ điện thoại"), "account.telephone")
        self.leave = secondary(_("Người này đã nghỉ việc"), "account.leave")
        host = QWidget()
        flow = FlowLayout(host)
        for button, act in (
            (self.limit, self._limit),
            (self.give, self._give),
            (self.end, self._end),
            (self.director, self._director),
            (self.suspend, self._suspend),
            (self.reopen, self._reopen),
            (self.telephone, self._take_telephone),
            (self.leave, self._leave),
        ):
            flow.addWidget(button)
            button.clicked.connect(act)
        vbox(rule(), label(_("Tài khoản"), "strong"), self.state, self.form, host, parent=self)
        self.hide()

    def _day(self) -> DateField[date]:
        return DateField(
            lambda text: parse_day(text, self._session.services.clock.now().date()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 31/12/2026"),
        )

    def show_row(self, row: AccountRow | None) -> None:
        """``None`` for somebody who has no account yet."""
        self._row = row
        self.setVisible(row is not None and row.user.active)
        if row is None:
            return
        other = row.user.id != self._actor.user.id
        self.state.setText(" ".join(_sentences(row)))
        self.since.set_value(row.valid_from)
        self.until.set_value(row.valid_until)
        self.end.setVisible(other and bool(row.grants))
        self.suspend.setVisible(other and row.closed is None)
        self.reopen.setVisible(other and row.closed is not None)
        self.telephone.setVisible(other and row.second_factor)
        appoints = self._actor.role is Role.DIRECTOR and row.user.role is not Role.DIRECTOR
        self.director.setVisible(other and appoints)
        for widget in (self.leave, self.limit, self.give, self.form):
            widget.setVisible(other)

    # -- doing -----------------------------------------------------------------------------------

    def _username(self) -> str:
        return self._row.user.username if self._row else ""

    def _name(self) -> str:
        return self._row.user.snapshot.printed_name if self._row else ""

    def _limit(self) -> None:
        if self.since.check() and self.until.check():
            since, until = self.since.value(), self.until.value()
            self._do(
                partial(self._access.limit, self._actor, self._username(), since, until),
                _("Đã đặt thời hạn dùng tài khoản."),
            )

    def _give(self) -> None:
        """One right, until the end of a day, with a reason; the walls are not offered."""
        row = self._row
        if row is None:
            return
        title = _("Cấp quyền cho {name}").format(name=self._name())
        offered = [
            Option(one, one.label[0].upper() + one.label[1:])
            for one in Action
            if one not in never(row.user.role)
        ]
        action = dialogs.choose(self, title, _("Quyền nào?"), offered)
        if not isinstance(action, Action):
            return
        now = self._session.services.clock.now()
        typed = dialogs.ask_text(
            self, title, _("Quyền hết khi hết ngày này."), label=_("Đến hết ngày")
        )
        day = parse_day(typed, now.date()) if typed else None
        if day is None:
            if typed:
                self.said.emit(
                    _("Không hiểu ngày này. Ghi ngày, ví dụ 31/12/2026."), Severity.DANGER
                )
            return
        reason = dialogs.ask_text(self, title, _("Lý do được ghi vào nhật ký."), label=_("Lý do"))
        if reason is None:
            return
        until = datetime.combine(day + timedelta(days=1), time(), now.tzinfo)
        self._do(
            partial(
                self._access.give,
                self._actor,
                self._username(),
                [action],
                since=now,
                until=until,
                reason=reason,
            ),
            _("Đã cấp quyền có thời hạn cho {name}.").format(name=self._name()),
        )

    def _end(self) -> None:
        """Take one right back before its end; which one is asked where there are several."""
        grants = self._row.grants if self._row else ()
        title = _("Thu lại quyền của {name}").format(name=self._name())
        grant: object = grants[0] if len(grants) == 1 else None
        if len(grants) > 1:
            offered = [Option(one, _grant_words(one)) for one in grants]
            grant = dialogs.choose(self, title, _("Quyền nào?"), offered)
        if not isinstance(grant, Grant):
            return
        told = _("{right}. Quyền hết ngay bây giờ; việc đã làm vẫn giữ nguyên.").format(
            right=_grant_words(grant)
        )
        if dialogs.confirm(self, title, told, yes=_("Thu lại")):
            self._do(
                partial(self._access.end, self._actor, grant.id),
                _("Đã thu lại quyền có thời hạn của {name}.").format(name=self._name()),
            )

    def _director(self) -> None:
        """One more director, or the actor's own office; confirmed with the own password."""
        name, username = self._name(), self._username()
        title = _("Cử {name} làm giám đốc trạm").format(name=name)
        offered = [
            Option(Role.DIRECTOR, _("Tôi vẫn là giám đốc")),
            *(
                Option(one, _("Bàn giao, tôi thành {role}").format(role=_(one.label).lower()))
                for one in Role
                if one is not Role.DIRECTOR
            ),
        ]
        own = dialogs.choose(self, title, _("Sau đó vai trò của bạn là gì?"), offered)
        if not isinstance(own, Role):
            return
        reason = dialogs.ask_text(self, title, _("Lý do được ghi vào nhật ký."), label=_("Lý do"))
        if not reason:
            return
        password = dialogs.ask_password(
            self,
            title,
            _(
                "Giám đốc quản lý người dùng, khóa sổ và mã khôi phục của trạm. "
                "Hãy nhập mật khẩu của bạn để xác nhận."
            ),
            label=_("Mật khẩu của tôi"),
        )
        if not password:
            return
        given = (self._actor, username, password, reason)
        act = partial(self._directors.appoint, *given)
        words = _("{name} đã là giám đốc trạm.").format(name=name)
        if own is not Role.DIRECTOR:
            act = partial(self._directors.hand_over, *given, own)
            words = _(
                "Đã bàn giao cho {name}. Hãy đăng xuất; lần đăng nhập sau bạn có vai trò mới."
            ).format(name=name)
        self._session.command(
            act, done=lambda _changes: self._appointed(words), failed=self._refused, owner=self
        )

    def _appointed(self, words: str) -> None:
        self.said.emit(words, Severity.SUCCESS)
        self.changed.emit()

    def _suspend(self) -> None:
        self._do(
            partial(self._access.suspend, self._actor, self._username()),
            _("Đã tạm ngừng tài khoản của {name}.").format(name=self._name()),
        )

    def _reopen(self) -> None:
        self._do(
            partial(self._access.reopen, self._actor, self._username()),
            _("Đã mở lại tài khoản của {name}.").format(name=self._name()),
        )

    def _take_telephone(self) -> None:
        told = _(
            "Dùng khi người này mất hoặc đổi điện thoại. Lần đăng nhập sau, người này đặt mật khẩu mới và "
            "nối điện thoại mới nếu vai trò cần."
        )
        title = _("Gỡ điện thoại xác thực của {name}?").format(name=self._name())
        if dialogs.confirm(self, title, told, yes=_("Gỡ điện thoại")):
            self._do(
                partial(self._factor.reset, self._actor, self._username()),
                _("Đã gỡ điện thoại xác thực."),
            )

    def _leave(self) -> None:
        told = _(
            "Người này không đăng nhập được nữa, quyền có thời hạn hết ngay. Hồ sơ người này đã ký vẫn giữ "
            "nguyên tên. Nên đổi khóa dữ liệu của trạm sau đó."
        )
        title = _("{name} đã nghỉ việc?").format(name=self._name())
        if dialogs.confirm(self, title, told, yes=_("Đã nghỉ việc"), danger=True):
            self._session.command(
                partial(self._access.leave, self._actor, self._username()),
                done=lambda changes: self._left(changes, self._name()),
                failed=self._refused,
                owner=self,
            )

    def _left(self, _changes: Changes, name: str) -> None:
        self.said.emit(_("Đã ghi nhận {name} nghỉ việc.").format(name=name), Severity.SUCCESS)
        self.changed.emit()

    def _do(self, act: Callable[[], object], words: str) -> None:
        def done(_nothing: object) -> None:
            self.said.emit(words, Severity.SUCCESS)
            self.changed.emit()

        self._session.ask(act, done, owner=self, failed=self._refused)

    def _refused(self, error: StationError) -> None:
        if isinstance(error, InvalidRecord):
            for left in self.form.set_problems(error.problems):
                self.said.emit(left.message, Severity.DANGER)
        else:
            self.said.emit(str(error), Severity.DANGER)


def _sentences(row: AccountRow) -> list[str]:
    found = [row.refusal] if row.refusal else []
    if row.code_locked:
        found.append(_("Bị khóa vì sai mã xác thực; bấm Mở khóa."))
    if row.second_factor:
        found.append(_("Đã bật xác thực hai lớp."))
    elif row.second_factor_asked:
        found.append(_("Sẽ phải nối điện thoại ở lần đăng nhập sau."))
    if row.must_change:
        found.append(_("Phải tự đổi mật khẩu ở lần đăng nhập sau."))
    if row.idle_days and not row.refusal:
        found.append(_("{days} ngày chưa dùng.").format(days=row.idle_days))
    found += [f"{_grant_words(grant)}." for grant in row.grants]
    return found or [_("Đang dùng bình thường.")]


def _grant_words(grant: Grant) -> str:
    names = ", ".join(sorted(one.label for one in grant.actions))
    return _("Có quyền đến {moment}: {names}").format(
        moment=f"{grant.until:%H:%M %d/%m/%Y}", names=names
    )
