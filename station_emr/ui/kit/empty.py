"""What a place shows when there is nothing in it: why, and what to do first."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.ui.kit import theme
from station_emr.ui.kit.buttons import Button
from station_emr.ui.kit.icons import IconLabel
from station_emr.ui.kit.layout import label


class EmptyState(QWidget):
    """An icon, a sentence, a detail and at most one action, in the middle of the place."""

    def __init__(
        self, icon: str, title: str, detail: str = "", action: Button | None = None
    ) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GAP_L, theme.GAP_L, theme.GAP_L, theme.GAP_L)
        column.setSpacing(theme.GAP_S)
        column.addStretch(1)
        centre = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(IconLabel(icon, "disabled", 40), 0, centre)
        self._title = label(title, "heading", wrap=True)
        self._title.setAlignment(centre)
        column.addWidget(self._title)
        self._detail = label(detail, "muted", wrap=True)
        self._detail.setAlignment(centre)
        column.addWidget(self._detail)
        self._detail.setVisible(bool(detail))
        if action is not None:
            column.addSpacing(theme.GAP_XS)
            column.addWidget(action, 0, centre)
        column.addStretch(2)

    def set_text(self, title: str, detail: str = "") -> None:
        self._title.setText(title)
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))

    @property
    def text(self) -> str:
        return self._title.text()
