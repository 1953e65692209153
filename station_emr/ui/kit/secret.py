"""A password field with an eye and hints about the keyboard, which is the usual culprit."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit.buttons import icon_button
from station_emr.ui.kit.field import Field, InputFrame
from station_emr.ui.kit.text_fields import PasswordField

_NO_HINT = "\N{NO-BREAK SPACE}"  # the line beneath keeps its height: nothing jumps while typing


class SecretField(PasswordField):
    """Shows its text on demand and warns of capitals or a Vietnamese typing tool."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.eye = icon_button("eye", f"{name}.eye", _("Hiện mật khẩu"))
        self.eye.setCheckable(True)
        self.eye.toggled.connect(self._show)
        frame = self.findChild(InputFrame)
        if frame is not None:
            frame.add_inside(self.eye)
        self._capitals = False
        self._rule = ""
        self.set_hint(_NO_HINT)

    def say_rule(self, words: str) -> None:
        """What a new password must be: beneath the field until the keyboard deserves a warning."""
        self._rule = words
        self._hint_now()

    def _show(self, shown: bool) -> None:
        self.show_text(shown)
        spoken = _("Giấu mật khẩu") if shown else _("Hiện mật khẩu")
        self.eye.setAccessibleName(spoken)
        self.eye.setToolTip(spoken)

    def reset(self) -> None:
        """Empty and hidden again."""
        self.set_value("")
        self.eye.setChecked(False)
        self._hint_now()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self._notice(event)
        elif event.type() == QEvent.Type.FocusIn:
            self._hint_now()
        return Field.eventFilter(self, watched, event)

    def _notice(self, event: QKeyEvent) -> None:
        text = event.text()
        if event.key() == Qt.Key.Key_CapsLock:
            self._capitals = not self._capitals
        elif len(text) == 1 and text.isalpha():
            # Qt does not tell the state of the lock; a capital without Shift gives it away.
            shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._capitals = text.isupper() != shifted
        self._hint_now()

    def _hint_now(self) -> None:
        hints = []
        if self._capitals:
            hints.append(_("Phím Caps Lock đang bật: chữ gõ ra là chữ hoa."))
        if not self.line.text().isascii():
            hints.append(_("Bộ gõ tiếng Việt đang bật và có thể đổi chữ. Hãy tắt rồi gõ lại."))
        if not hints and self._rule:
            hints.append(self._rule)
        elif not hints:
            language = keyboard_language()
            if language:
                hints.append(_("Bàn phím: {language}").format(language=language))
        self.set_hint(" ".join(hints) or _NO_HINT)


def keyboard_language() -> str:
    """The language of the keyboard in use, in its own name; empty when the system does not say."""
    name = QGuiApplication.inputMethod().locale().nativeLanguageName()
    return name[:1].upper() + name[1:]
