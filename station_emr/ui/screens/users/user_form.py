"""The fields of one person of the staff."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtWidgets import QWidget

from station_emr.domain.permissions import PRESCRIBERS, Role
from station_emr.domain.user import User
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    CheckField,
    ChoiceField,
    Form,
    LineField,
    PhoneField,
    vbox,
)
from station_emr.ui.kit.secret import SecretField

TITLES: Final = ("", "BS.", "BSCKI.", "YS.", "ĐD.", "HS.", "DS.", "KTV.")


def _roles(*, director: bool = False) -> list[tuple[object, str]]:
    """A director is appointed, with a reason and a password: nobody becomes one by a choice in a list."""
    return [(role, role.label) for role in Role if director or role is not Role.DIRECTOR]


class UserForm(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.form = Form("user")
        self.full_name = LineField(max_length=120)
        self.title = ChoiceField([(title, title or _("Không ghi")) for title in TITLES])
        self.form.add_row(
            ("title", _("&Xưng danh"), self.title),
            ("full_name", _("&Họ và tên"), self.full_name),
            stretch=(1, 3),
            required=("full_name",),
        )
        self.role = self.form.add("role", _("&Vai trò"), ChoiceField(_roles()), required=True)
        self.licence = self.form.add("licence_no", _("Số &giấy phép hành nghề"), LineField())
        self.form.add("phone", _("Điện &thoại"), PhoneField())
        self.username = self.form.add(
            "username", _("Tên đăng &nhập"), LineField(max_length=40), required=True
        )
        self.password = self.form.add("password", _("&Mật khẩu"), SecretField("user.password"))
        self.active = self.form.add("active", "", CheckField(_("Đang &làm việc tại trạm")))
        self.role.changed.connect(self._hint_licence)
        vbox(self.form, None, parent=self)

    def show_user(self, user: User | None) -> None:
        """``None`` empties the form for somebody new."""
        self.form.clear()
        values: dict[str, object] = {"role": Role.NURSE, "active": True, "title": ""}
        if user is not None:
            names = ("full_name", "role", "licence_no", "phone", "username", "active")
            values = {name: getattr(user, name) for name in names}
            if user.title not in TITLES:
                self.title.set_options(
                    [*((t, t or _("Không ghi")) for t in TITLES), (user.title, user.title)]
                )
            values["title"] = user.title
        self.role.set_options(_roles(director=user is not None and user.role is Role.DIRECTOR))
        self.form.set_values(values)
        self.password.reset()
        self.username.set_read_only(user is not None)
        self.active.setVisible(user is not None)
        self.username.set_hint("" if user else _("Chữ không dấu, số, dấu chấm; không đổi được sau"))
        self.password.say_rule(
            _("Để trống nếu không đổi.")
            if user
            else _("Ít nhất 14 ký tự, có chữ hoa, chữ thường, số và ký hiệu")
        )
        self._hint_licence()

    def _hint_licence(self) -> None:
        signs = self.role.value() in PRESCRIBERS
        self.licence.set_hint(
            _("Không có số này thì không ký được bệnh án, đơn thuốc, phiếu chuyển") if signs else ""
        )

    def user(self, base: User | None) -> User:
        values = self.form.values()
        role = values["role"]
        user = base or User(id="", username="", full_name="", role=Role.NURSE)
        return replace(
            user,
            username=user.username or self.username.value(),
            full_name=str(values["full_name"]),
            title=str(values["title"] or ""),
            role=role if isinstance(role, Role) else user.role,
            licence_no=str(values["licence_no"]),
            phone=str(values["phone"]),
            active=base is None or bool(values["active"]),
        )
