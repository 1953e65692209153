"""Numbers with a unit inside the box and the normal range beneath; comma and point both work."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from PySide6.QtCore import QRegularExpression, QSize, Qt
from PySide6.QtGui import QKeyEvent, QRegularExpressionValidator
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit.field import Field, InputFrame
from station_emr.ui.kit.severity import Severity
from station_emr.ui.kit.text_fields import bare_line

_PAIR: Final = re.compile(r"^\s*(\d{1,3})\s*[/\- ]\s*(\d{1,3})\s*$")


class NumberField(Field):
    """A number. ``decimals=0`` takes whole numbers only. The edge shows normal, warning, danger."""

    def __init__(self, *, unit: str = "", decimals: int = 0, digits: int = 6) -> None:
        super().__init__()
        self._decimals = decimals
        self.line = bare_line()
        self.line.setProperty("figures", True)
        self.line.setMinimumWidth(34)
        pattern = rf"\d{{0,{digits}}}" + (rf"([.,]\d{{0,{decimals}}})?" if decimals else "")
        self.line.setValidator(QRegularExpressionValidator(QRegularExpression(pattern), self.line))
        self._place(InputFrame(self.line, unit=unit), self.line)
        self.line.textEdited.connect(self._announce)

    @override
    def value(self) -> Decimal | None:
        text = self.line.text().strip().replace(",", ".")
        if not text:
            return None
        try:
            return Decimal(text)
        except InvalidOperation:
            return None

    def whole(self) -> int | None:
        """The value as a whole number."""
        found = self.value()
        return None if found is None else int(found)

    @override
    def set_value(self, value: object) -> None:
        self.line.setText("" if value is None else number_text(Decimal(str(value))))

    def set_normal(self, text: str) -> None:
        """The normal range shown beneath, such as ``60–100``."""
        self.set_hint(text)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(76, super().minimumSizeHint().height())


class PressureField(Field):
    """Blood pressure typed as ``165/96``; a space or a hyphen between works as well."""

    def __init__(self, *, unit: str = "mmHg") -> None:
        super().__init__()
        self.line = bare_line()
        self.line.setProperty("figures", True)
        self.line.setMinimumWidth(50)
        self.line.setMaxLength(9)
        self._place(InputFrame(self.line, unit=unit), self.line)
        self._refused = False
        self.line.textEdited.connect(self._announce)
        self.left.connect(self.check)
        self.entered.connect(self.check)

    @override
    def value(self) -> tuple[int, int] | None:
        match = _PAIR.match(self.line.text())
        return (int(match[1]), int(match[2])) if match else None

    def set_normal(self, text: str) -> None:
        self.set_hint(text)

    @override
    def set_value(self, value: object) -> None:
        if isinstance(value, tuple) and len(value) == 2 and None not in value:
            self.line.setText(f"{value[0]}/{value[1]}")
        else:
            self.line.setText("")
        self._clear_refusal()

    def check(self) -> bool:
        """Write ``165 96`` as ``165/96``, or say what is missing."""
        found = self.value()
        if self.line.text().strip() and found is None:
            self._refused = True
            self.set_problem(_("Nhập hai số, ví dụ 120/80"), Severity.DANGER)
            return False
        self._clear_refusal()
        if found is not None:
            self.line.setText(f"{found[0]}/{found[1]}")
        return True

    def _clear_refusal(self) -> None:
        if self._refused:
            self._refused = False
            self.set_problem(None)

    @override
    def _key(self, event: QKeyEvent) -> bool:
        # The comma and the point of the number pad stand for the slash that tired hands miss.
        if event.text() in (",", ".") and event.key() in (Qt.Key.Key_Comma, Qt.Key.Key_Period):
            self.line.insert("/")
            self._announce()
            return True
        return super()._key(event)


def number_text(value: Decimal) -> str:
    """``36.80`` as a Vietnamese reads it: ``36,8``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", ",")
