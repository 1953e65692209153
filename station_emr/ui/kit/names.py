"""Names of widgets: one for the code and the tests, one for the person's screen reader."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

W = TypeVar("W", bound=QWidget)
_POLISHED = Qt.WidgetAttribute.WA_WState_Polished


def named(widget: W, name: str, spoken: str = "") -> W:
    """Give ``widget`` its object name (``patient.name``) and, where given, its accessible name."""
    widget.setObjectName(name)
    if spoken:
        widget.setAccessibleName(plain(spoken))
    return widget


def plain(label: str) -> str:
    """A label without its mnemonic mark: ``&Họ và tên`` reads ``Họ và tên``."""
    return label.replace("&&", "\0").replace("&", "").replace("\0", "&")


def with_role(widget: W, role: str) -> W:
    """Set the role by which the style sheet knows this widget."""
    if widget.property("role") == role:
        return widget
    widget.setProperty("role", role)
    if widget.testAttribute(_POLISHED):
        widget.style().unpolish(widget)
        widget.style().polish(widget)
    return widget
