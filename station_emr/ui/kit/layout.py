"""Labels and layouts with the theme's sizes, so that screens never write a number of pixels."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from station_emr.ui.kit import theme
from station_emr.ui.kit.names import with_role

LabelRole = Literal[
    "body",
    "page-title",
    "title",
    "heading",
    "strong",
    "label",
    "muted",
    "caption",
    "dense",
    "brand",
    "danger",
    "warning",
    "success",
    "info",
    "key",
]


def label(
    text: str = "", role: LabelRole = "body", *, wrap: bool = False, selectable: bool = False
) -> QLabel:
    """A plain-text label; ``selectable`` lets the person copy it with the mouse."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return with_role(made, role)


def vbox(
    *items: QWidget | QLayout | None,
    gap: int = theme.GAP_S,
    margin: int = 0,
    parent: QWidget | None = None,
) -> QVBoxLayout:
    """A column; ``None`` among the items is a stretch."""
    made = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    fill(made, items, gap, margin)
    return made


def hbox(
    *items: QWidget | QLayout | None,
    gap: int = theme.GAP_S,
    margin: int = 0,
    parent: QWidget | None = None,
) -> QHBoxLayout:
    """A row; ``None`` among the items is a stretch."""
    made = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    fill(made, items, gap, margin)
    return made


def fill(
    box: QVBoxLayout | QHBoxLayout,
    items: tuple[QWidget | QLayout | None, ...],
    gap: int,
    margin: int,
) -> None:
    box.setSpacing(gap)
    box.setContentsMargins(margin, margin, margin, margin)
    for item in items:
        if item is None:
            box.addStretch(1)
        elif isinstance(item, QWidget):
            box.addWidget(item)
        else:
            box.addLayout(item)


def rule() -> QFrame:
    """A thin line between groups."""
    return with_role(QFrame(), "rule")


def scrolled(content: QWidget) -> QScrollArea:
    """``content`` in a frameless area that scrolls up and down and keeps its width."""
    with_role(content, "scrolled")
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    area.viewport().setAutoFillBackground(False)
    content.setAutoFillBackground(False)
    return area


def clear(box: QLayout) -> None:
    """Remove and delete everything in a layout."""
    while (item := box.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
