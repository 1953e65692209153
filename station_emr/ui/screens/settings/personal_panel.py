"""What everybody may change: how the window looks, and their own password."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QApplication, QWidget
from typing_extensions import override

from station_emr.domain.errors import Problem, StationError, WrongPassword
from station_emr.services.i18n import _
from station_emr.services.second_factor import FactorStanding
from station_emr.ui.kit import (
    GAP_S,
    Form,
    SegmentedField,
    Severity,
    apply_theme,
    fixed_width,
    hbox,
    named,
    primary,
    theme,
)
from station_emr.ui.kit.memory import memory
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane

THEME: Final = "ui.theme"


class PersonalPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(session, "settings.personal_panel", _("Giao diện và mật khẩu của tôi"))
        self._shorter = False
        look = Form("look")
        self.theme = look.add(
            "theme", _("&Giao diện"), SegmentedField([("light", _("Sáng")), ("dark", _("Tối"))])
        )
        for place, button in enumerate(self.theme.buttons):
            named(button, f"look.theme.{place}")
        self.theme.changed.connect(self._dress)
        self.add(fixed_width(look, 70))
        self.form = Form("own")
        self.form.add_heading(_("Đổi mật khẩu"))
        self.old = self.form.add("old", _("Mật khẩu đang &dùng"), SecretField("own.old"))
        self.new = self.form.add("password", _("Mật khẩu &mới"), SecretField("own.password"))
        self.again = self.form.add("again", _("Gõ &lại mật khẩu mới"), SecretField("own.again"))
        self.new.changed.connect(self._judge)
        self.add(fixed_width(self.form, 70))
        self.change = primary(_("Đổi mật khẩu"), "settings.own.change", icon="key")
        self.change.clicked.connect(self.save)
        self.form.submitted.connect(self.save)
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self.change, None))
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        self.theme.set_value(theme.tokens().name)
        self._session.ask(
            lambda: self._services.people.second_factor.standing(self._actor),
            self._show_rule,
            owner=self,
            failed=lambda _error: None,
            latest="own.standing",
        )

    def _show_rule(self, standing: FactorStanding) -> None:
        """How long the password must be here: beside a second factor eight characters are enough."""
        self._shorter = standing.joined
        words = _("Ít nhất {count} ký tự, có chữ hoa, chữ thường, số và ký hiệu")
        self.new.say_rule(words.format(count=8 if self._shorter else 14))
        self._judge()

    @override
    def focus(self) -> QWidget:
        return self.theme.editor

    def _dress(self) -> None:
        name: theme.ThemeName = "dark" if self.theme.value() == "dark" else "light"
        memory().put(THEME, name)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, name)

    def _problems(self) -> list[Problem]:
        user = self._actor.user
        return list(
            self._services.accounts.password_problems(
                self.new.value(),
                user.username,
                user.full_name,
                second_factor=self._shorter,
            )
        )

    def _judge(self) -> None:
        """Follow the typing, so that the person sees the rule met."""
        found = self._problems() if self.new.value() else []
        self.new.set_problem(found[0].message if found else None, Severity.WARNING)

    @override
    def save(self) -> None:
        self.form.clear_problems()
        problems = self._problems()
        if not self.old.value():
            problems.insert(0, _problem("old", "old-required", _("Hãy gõ mật khẩu đang dùng.")))
        if self.new.value() != self.again.value():
            problems.append(_problem("again", "again-differs", _("Hai lần gõ chưa giống nhau.")))
        self.form.set_problems(problems)
        if problems:
            return
        old, new = self.old.value(), self.new.value()
        self.change.setEnabled(False)
        self._session.runner.run(
            lambda: self._services.accounts.change_password(self._actor, old, new),
            done=self._changed,
            failed=self._not_changed,
            finally_=lambda: self.change.setEnabled(True),
            owner=self,
            lane=Lane.POOL,
        )

    def _changed(self, _nothing: None) -> None:
        for field in (self.old, self.new, self.again):
            field.reset()
        self.form.clear_problems()
        self._say(_("Đã đổi mật khẩu. Lần đăng nhập sau dùng mật khẩu mới."))

    def _not_changed(self, error: StationError) -> None:
        if isinstance(error, WrongPassword):
            self.form.set_problems([_problem("old", "wrong", str(error))])
        else:
            self._refused(error, self.form)


def _problem(field: str, code: str, message: str) -> Problem:
    return Problem(field=field, code=code, message=message)
