"""The place of the screens in the frame. A window too small for a screen shows a part of it.

A page squeezed below what it needs would lay its lines over one another; it scrolls instead.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QStackedWidget
from typing_extensions import override

from station_emr.ui.kit import Screen
from station_emr.ui.kit.following import FollowingArea

# What every screen was drawn for at least. As wide as the smallest window leaves beside the column of
# pictures and a scroll bar; as high as a window of 1024 by 600 without the frame's own parts.
LEAST: Final = QSize(820, 514)


class Room(FollowingArea):
    """The screens one behind the other."""

    def __init__(self) -> None:
        self.stack = QStackedWidget()
        super().__init__(self.stack)
        self.stack.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)

    def add(self, screen: Screen) -> None:
        self.stack.addWidget(screen)

    def show_screen(self, screen: Screen) -> None:
        """In front, from its top."""
        self.stack.setMinimumSize(LEAST.expandedTo(QSize(0, screen.least_height)))
        self.stack.setCurrentWidget(screen)
        self.verticalScrollBar().setValue(0)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)
