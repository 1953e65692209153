"""What the log-in page asks beside the password: the telephone's code, joining it, a new password."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.door import JoiningNeeded, NewPasswordNeeded
from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_M, Form, LineField, hbox, label, theme, vbox
from station_emr.ui.kit.qr_picture import QrPicture
from station_emr.ui.kit.secret import SecretField


class Asked(QWidget):
    """Hidden until the door asks for more. ``submitted`` follows Enter in the last field."""

    submitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.sentence = label("", "label", wrap=True)
        self.picture = QrPicture("login.qr", _("Hình để quét bằng ứng dụng xác thực"))
        self.secret = label("", "strong", wrap=True)
        hint = label(
            _(
                "Mở ứng dụng xác thực trên điện thoại (ứng dụng nào cũng được), chọn thêm tài khoản, quét hình "
                "này. Không quét được thì gõ chuỗi dưới đây vào ứng dụng."
            ),
            "muted",
            wrap=True,
        )
        words = vbox(hint, self.secret, None, gap=theme.GAP_S)
        self._joining = QWidget()
        row = hbox(self.picture, gap=GAP_M, parent=self._joining)
        row.addLayout(words, 1)
        self.form = Form("login.more")
        self.code = self.form.add("code", _("Mã &xác thực"), LineField(max_length=32))
        self.words = Form("login.own")
        self.new = self.words.add("password", _("Mật khẩu mớ&i"), SecretField("login.new"))
        self.again = self.words.add("again", _("Gõ &lại mật khẩu mới"), SecretField("login.again"))
        for form in (self.form, self.words):
            form.submitted.connect(self.submitted)
        vbox(self.sentence, self._joining, self.form, self.words, gap=theme.GAP_S, parent=self)
        self.forget()

    @property
    def is_asking(self) -> bool:
        return not self.isHidden()

    def forget(self) -> None:
        """Nothing is asked; nothing of what was typed stays."""
        self.code.set_value("")
        self.new.reset()
        self.again.reset()
        self._clear_problems()
        for part in (self._joining, self.form, self.words):
            part.setVisible(False)
        self.secret.setText("")
        self.picture.show_rows(())
        self.hide()

    def ask_code(self, sentence: str) -> None:
        self._show(sentence)
        self.form.show()
        self.code.set_hint(_("6 số trên điện thoại, hoặc một mã dự phòng"))
        self.code.editor.setFocus()

    def ask_joining(self, asked: JoiningNeeded) -> None:
        self._show(str(asked))
        self._joining.setVisible(True)
        self.picture.show_rows(asked.squares)
        self.secret.setText(asked.secret)
        self.form.show()
        self.code.set_value("")
        self.code.set_hint(_("6 số đang hiện trên điện thoại"))
        self.code.editor.setFocus()

    def ask_password(self, asked: NewPasswordNeeded) -> None:
        self._show(str(asked))
        self.words.show()
        count = 8 if asked.shorter else 14
        words = _("Ít nhất {count} ký tự, có chữ hoa, chữ thường, số và ký hiệu")
        self.new.say_rule(words.format(count=count))
        self.new.editor.setFocus()

    def show_problem(self, sentence: str) -> None:
        """The code was wrong; the field is ready to be typed over."""
        self.code.set_problem(sentence)
        self.code.editor.setFocus()

    def show_problems(self, problems: tuple[Problem, ...]) -> None:
        self.words.set_problems(problems)
        self.new.editor.setFocus()

    def is_complete(self) -> bool:
        """Marks what is missing; True when everything that is asked for was typed."""
        self._clear_problems()
        if not self.form.isHidden() and not self.code.value():
            self.code.set_problem(_("Chưa gõ mã xác thực."))
            return False
        if not self.words.isHidden() and self.new.value() != self.again.value():
            self.again.set_problem(_("Hai lần gõ không giống nhau."))
            return False
        if not self.words.isHidden() and not self.new.value():
            self.new.set_problem(_("Chưa gõ mật khẩu mới."))
            return False
        return True

    def _clear_problems(self) -> None:
        for form in (self.form, self.words):
            form.clear_problems()

    def _show(self, sentence: str) -> None:
        self._clear_problems()
        self.sentence.setText(sentence)
        self.show()
