"""Back in with the recovery code from the sealed envelope, and a new password at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar

from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    ChoiceField,
    Form,
    LineField,
    Option,
    Shortcut,
    hbox,
    label,
    primary,
    secondary,
)
from station_emr.ui.kit.cover import CoverPage
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.gate import GateFace

PasswordRule = Callable[[str, str, str], tuple[Problem, ...]]


class RecoveryPage(CoverPage):
    """``submitted(username, code, new password)``; ``back`` returns to the names."""

    submitted = Signal(str, str, str)
    back = Signal()

    def __init__(self, face: GateFace, username: str, rule: PasswordRule) -> None:
        super().__init__("recovery", face.station, _("Mở lại bằng mã khôi phục"))
        self._rule = rule
        self._names = {person.username: person.name for person in face.people}
        self.card.add(
            label(
                _(
                    "Mã khôi phục nằm trong phong bì niêm phong của trạm. Sau khi mở được, người được "
                    "chọn dùng mật khẩu mới; hồ sơ không thay đổi."
                ),
                "muted",
                wrap=True,
            )
        )
        self.form = Form("recovery")
        self.person = self.form.add(
            "username",
            _("&Người dùng"),
            ChoiceField([Option(person.username, person.name) for person in face.people]),
        )
        self.person.set_value(username)
        self.code = self.form.add(
            "code", _("&Mã khôi phục"), LineField(placeholder="XXXX-XXXX-XXXX-XXXX-XXXX-XXXX")
        )
        self.new = self.form.add("password", _("Mật khẩu mớ&i"), SecretField("recovery.password"))
        self.again = self.form.add(
            "again", _("Gõ &lại mật khẩu mới"), SecretField("recovery.again")
        )
        self.card.add(self.form)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.hide()
        self.card.add(self.busy)
        self.cancel = secondary(_("Quay lại"), "recovery.back", Shortcut.BACK)
        self.go = primary(_("Mở hồ sơ"), "recovery.go", Shortcut.SIGN)
        self.card.body.addLayout(hbox(None, self.cancel, self.go))
        self.cancel.clicked.connect(self.back)
        self.go.clicked.connect(self._submit)
        self.form.submitted.connect(self._submit)
        self.form.changed.connect(self._check_while_typing)
        self.setFocusProxy(self.code.editor)

    def _check_while_typing(self, key: str) -> None:
        if key == "password":
            self.new.set_problem(self._first_problem())
        elif key == "again":
            self.again.set_problem(None)

    def _first_problem(self) -> str | None:
        username = str(self.person.value() or "")
        found = self._rule(self.new.value(), username, self._names.get(username, ""))
        return found[0].message if found else None

    def _submit(self) -> None:
        username = str(self.person.value() or "")
        wrong = self._first_problem()
        differs = self.new.value() != self.again.value()
        self.code.set_problem(None if self.code.value() else _("Chưa gõ mã khôi phục."))
        self.new.set_problem(wrong)
        self.again.set_problem(_("Hai lần gõ không giống nhau.") if differs else None)
        if self.code.value() and wrong is None and not differs:
            self.submitted.emit(username, self.code.value(), self.new.value())

    def show_problem(self, sentence: str) -> None:
        self.set_busy(working=False)
        self.code.set_problem(sentence)
        self.code.editor.setFocus()

    def set_busy(self, *, working: bool) -> None:
        self.busy.setVisible(working)
        self.form.setEnabled(not working)
        self.go.setEnabled(not working)
