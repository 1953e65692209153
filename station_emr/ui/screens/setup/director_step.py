"""Step 2: the first account, with the password rules shown while typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.errors import Problem
from station_emr.domain.permissions import Role
from station_emr.domain.text import clean, fold
from station_emr.domain.user import User
from station_emr.services.i18n import _
from station_emr.ui.kit import ChoiceField, Form, LineField, Option, label
from station_emr.ui.kit.secret import SecretField

PasswordRule = Callable[[str, str, str], tuple[Problem, ...]]
TITLES = ("BS.", "BSCKI.", "YS.", "CN.")


class DirectorStep(QWidget):
    """``submitted`` follows Enter in the last field."""

    submitted = Signal()

    def __init__(self, rule: PasswordRule) -> None:
        super().__init__()
        self._rule = rule
        self._own_username = False
        self.form = Form("director")
        self.title = ChoiceField([Option(title, title) for title in TITLES])
        self.title.set_value(TITLES[0])
        self.name = LineField()
        self.form.add_row(
            ("title", _("&Chức danh"), self.title),
            ("full_name", _("&Họ và tên"), self.name),
            stretch=(1, 4),
            required=("full_name",),
        )
        self.licence = LineField()
        self.licence.set_hint(_("Cần có để ký chẩn đoán, đơn thuốc và phiếu chuyển"))
        self.username = LineField(max_length=32)
        self.username.set_hint(_("Chữ thường không dấu, chữ số, dấu chấm"))
        self.form.add_row(
            ("licence_no", _("Số &giấy phép hành nghề"), self.licence),
            ("username", _("&Tên đăng nhập"), self.username),
            required=("username",),
        )
        self.password = SecretField("director.password")
        self.again = SecretField("director.again")
        self.form.add_row(
            ("password", _("&Mật khẩu"), self.password),
            ("again", _("Gõ &lại mật khẩu"), self.again),
            required=("password", "again"),
        )
        self.form.add_widget(
            label(
                _(
                    "Mật khẩu có ít nhất 14 ký tự, gồm chữ thường, chữ hoa, chữ số và ký hiệu, không "
                    "chứa tên. Một câu dễ nhớ với người gõ là tốt nhất."
                ),
                "muted",
                wrap=True,
            )
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addStretch(1)
        self.form.submitted.connect(self.submitted)
        self.form.changed.connect(self._changed)
        self.setFocusProxy(self.name)

    def director(self) -> User:
        return User(
            id="",
            username=self.username.value().lower(),
            full_name=clean(self.name.value()),
            role=Role.DIRECTOR,
            title=str(self.title.value() or ""),
            licence_no=clean(self.licence.value()),
        )

    def check(self) -> bool:
        """Show what is missing; True when nothing is."""
        problems: list[Problem] = []
        if not self.director().full_name:
            problems.append(_problem("full_name", _("Chưa có họ tên giám đốc.")))
        if not self.username.value():
            problems.append(_problem("username", _("Chưa có tên đăng nhập.")))
        problems += self._password_problems()
        if self.password.value() != self.again.value():
            problems.append(_problem("again", _("Hai lần gõ mật khẩu không giống nhau.")))
        self.show_problems(problems)
        return not problems

    def show_problems(self, problems: Iterable[Problem]) -> None:
        self.form.set_problems(problems)

    def _password_problems(self) -> tuple[Problem, ...]:
        return self._rule(self.password.value(), self.username.value(), self.name.value())

    def _changed(self, key: str) -> None:
        if key == "full_name" and not self._own_username:
            self.username.set_value(proposed_username(self.name.value()))
        if key == "username":
            self._own_username = bool(self.username.value())
        if key == "password" or (key in ("full_name", "username") and self.password.value()):
            wrong = self._password_problems()
            self.password.set_problem(wrong[0].message if wrong else None)
            if not wrong:
                self.password.set_hint(_("Mật khẩu đạt yêu cầu."))
        if key == "again" or (key == "password" and self.again.problem):
            same = self.password.value().startswith(self.again.value())
            self.again.set_problem(None if same else _("Khác với mật khẩu đã gõ."))
        field = self.form.field(key)
        if key not in ("password", "again") and field.problem:
            field.set_problem(None)


def proposed_username(full_name: str) -> str:
    """``Nguyễn Thị Hoa`` → ``hoa.nt``: the given name, then the first letters of the rest."""
    words = fold(full_name).split()
    if not words:
        return ""
    initials = "".join(word[0] for word in words[:-1])
    return f"{words[-1]}.{initials}" if initials else words[-1]


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code=f"{field}-setup", message=message)
