"""Fields that are typed into: one line, several lines, dates, phone and card numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.field import Field, InputFrame

T = TypeVar("T")

PHONE_GROUPS: Final = (4, 3, 3)
NATIONAL_ID_GROUPS: Final = (3, 3, 3, 3)
CARD_GROUPS: Final = (2, 1, 2, 3, 3, 4)


def bare_line() -> QLineEdit:
    """A line editor without a box of its own; the field's frame draws it."""
    line = QLineEdit()
    line.setProperty("bare", True)
    line.setFrame(False)
    return line


class LineField(Field):
    """One line of text, kept as typed but for the spaces around it."""

    def __init__(
        self, *, placeholder: str = "", max_length: int = 500, unit: str = "", icon: str = ""
    ) -> None:
        super().__init__()
        self.line = bare_line()
        self.line.setPlaceholderText(placeholder)
        self.line.setMaxLength(max_length)
        self._place(InputFrame(self.line, unit=unit, icon=icon), self.line)
        self.line.textEdited.connect(self._edited)

    def _edited(self) -> None:
        self.set_filled_by_program(False)
        self._announce()

    @override
    def value(self) -> str:
        return self.line.text().strip()

    @override
    def set_value(self, value: object) -> None:
        text = "" if value is None else str(value)
        if text != self.line.text():
            self.line.setText(text)
            self.line.setCursorPosition(0)


class PasswordField(LineField):
    """A secret: never shown, never offered to the clipboard, spaces kept."""

    def __init__(self, *, placeholder: str = "") -> None:
        super().__init__(placeholder=placeholder, max_length=200)
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText
        )

    def show_text(self, shown: bool) -> None:
        mode = QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password
        self.line.setEchoMode(mode)

    @override
    def value(self) -> str:
        return self.line.text()


class _Growing(QPlainTextEdit):
    """A text editor that is as tall as its text, between two limits."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__()
        self._least = least
        self._most = most
        self.setProperty("bare", True)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDocumentMargin(0)
        self.setViewportMargins(0, 4, 0, 0)
        self.viewport().setAutoFillBackground(False)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        lines = max(self._least, min(self._most, int(self.document().size().height())))
        wanted = lines * self.fontMetrics().lineSpacing() + theme.GAP_S
        wanted = max(wanted, theme.CONTROL_HEIGHT - 4)
        if wanted != self.height():
            self.setFixedHeight(wanted)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()  # narrower means more lines

    @override
    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.height())


class TextField(Field):
    """Text of several lines that grows with its content. Enter goes on, Shift+Enter breaks a line."""

    def __init__(self, *, placeholder: str = "", least: int = 1, most: int = 8) -> None:
        super().__init__()
        self.text = _Growing(least, most)
        self.text.setPlaceholderText(placeholder)
        self._place(InputFrame(self.text), self.text)
        self.text.textChanged.connect(self._announce)

    @override
    def value(self) -> str:
        return self.text.toPlainText().strip()

    @override
    def set_value(self, value: object) -> None:
        text = "" if value is None else str(value)
        if text != self.text.toPlainText():
            with self.quietly():
                self.text.setPlainText(text)

    @override
    def _key(self, event: QKeyEvent) -> bool:
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return False
        return super()._key(event)


class ParsedField(LineField, Generic[T]):
    """Text that the caller's ``parse`` turns into a value when the focus leaves.

    ``parse`` returns None for text it does not understand; ``show`` writes a value out. The text
    stays as typed while wrong, so nothing is lost.
    """

    def __init__(
        self,
        parse: Callable[[str], T | None],
        show: Callable[[T], str],
        *,
        refusal: str,
        placeholder: str = "",
        unit: str = "",
    ) -> None:
        super().__init__(placeholder=placeholder, max_length=60, unit=unit)
        self._parse = parse
        self._show = show
        self._refusal = refusal
        self._refused = False
        self.left.connect(self.check)
        self.entered.connect(self.check)

    @override
    def value(self) -> T | None:  # type: ignore[override]
        text = self.line.text().strip()
        return self._parse(text) if text else None

    @override
    def set_value(self, value: object) -> None:
        text = "" if value is None else self._show(value)  # type: ignore[arg-type]
        self.line.setText(text)
        self._clear_refusal()

    def text_value(self) -> str:
        """What is typed, understood or not."""
        return self.line.text().strip()

    def check(self) -> bool:
        """Write the value in its usual form, or say what is not understood."""
        text = self.line.text().strip()
        found = self._parse(text) if text else None
        if text and found is None:
            self._refused = True
            self.set_problem(self._refusal)
            return False
        self._clear_refusal()
        if found is not None:
            self.line.setText(self._show(found))
        return True

    def _clear_refusal(self) -> None:
        if self._refused:
            self._refused = False
            self.set_problem(None)


class DateField(ParsedField[T]):
    """A date typed freely (``3/5/92``, ``030592``, ``34t``); the caller's ``parse`` understands it."""

    def __init__(
        self,
        parse: Callable[[str], T | None],
        show: Callable[[T], str],
        *,
        refusal: str,
        placeholder: str = "",
    ) -> None:
        super().__init__(parse, show, refusal=refusal, placeholder=placeholder)


class GroupedField(LineField):
    """A number of fixed groups: spaced for reading when the focus leaves, stored bare."""

    def __init__(
        self, groups: tuple[int, ...], *, placeholder: str = "", max_length: int = 40
    ) -> None:
        super().__init__(placeholder=placeholder, max_length=max_length)
        self._groups = groups
        self.line.setProperty("figures", False)
        self.left.connect(self._spread)

    @override
    def value(self) -> str:
        return "".join(self.line.text().split()).replace(".", "").replace("-", "")

    @override
    def set_value(self, value: object) -> None:
        self.line.setText(grouped("" if value is None else str(value), self._groups))

    def _spread(self) -> None:
        text = grouped(self.value(), self._groups)
        if text != self.line.text():
            self.line.setText(text)


class PhoneField(GroupedField):
    """A phone number, read as ``0912 345 678``."""

    def __init__(self, *, placeholder: str = "") -> None:
        super().__init__(PHONE_GROUPS, placeholder=placeholder)


def grouped(number: str, groups: tuple[int, ...]) -> str:
    """``0912345678`` by (4, 3, 3) reads ``0912 345 678``; another length is left as it is."""
    if len(number) != sum(groups):
        return number
    parts, start = [], 0
    for size in groups:
        parts.append(number[start : start + size])
        start += size
    return " ".join(parts)


def masked(number: str) -> str:
    """A card number of which only the last four can be read: ``••• 4821``."""
    return f"••• {number[-4:]}" if len(number) > 4 else number
