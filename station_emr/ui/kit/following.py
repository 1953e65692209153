"""A scroll area that keeps what has the focus in sight, whichever key led there."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from station_emr.ui.kit import theme
from station_emr.ui.kit.names import with_role

_SEEN: Final = 96  # of something tall, such as a list, its beginning is enough


class FollowingArea(QScrollArea):
    """Around a page that a small window shows in part."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        with_role(content, "scrolled")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its content is what the keys go to
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(content)
        self.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        bar, content = self.verticalScrollBar(), self.widget()
        if now is None or content is None or not bar.maximum() or not content.isAncestorOf(now):
            return
        top = now.mapTo(content, QPoint(0, 0)).y() - theme.GAP_L
        foot = top + min(now.height(), _SEEN) + 2 * theme.GAP_L
        if top < bar.value():
            bar.setValue(top)
        elif foot > bar.value() + self.viewport().height():
            bar.setValue(foot - self.viewport().height())
