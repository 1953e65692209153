"""A layout that sets its items in lines like words, for chips."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QWidget
from typing_extensions import override

from station_emr.ui.kit.chips import Chip, ChipSpec
from station_emr.ui.kit.layout import clear


class FlowLayout(QLayout):
    """Items left to right, wrapping to the next line; the last keeps what room is left."""

    def __init__(self, parent: QWidget | None = None, gap: int = 6) -> None:
        if parent is None:
            super().__init__()
        else:
            super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    @override
    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    @override
    def count(self) -> int:
        return len(self._items)

    @override
    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    @override
    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    @override
    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    @override
    def hasHeightForWidth(self) -> bool:
        return True

    @override
    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), place=False)

    @override
    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, place=True)

    @override
    def sizeHint(self) -> QSize:
        widths = [item.sizeHint().width() for item in self._items if not item.isEmpty()]
        total = sum(widths) + self._gap * max(0, len(widths) - 1)
        return QSize(total, self.minimumSize().height())

    @override
    def minimumSize(self) -> QSize:
        shown = [item for item in self._items if not item.isEmpty()]
        width = max((item.minimumSize().width() for item in shown), default=0)
        height = max((item.sizeHint().height() for item in shown), default=0)
        return QSize(width, height)

    def _arrange(self, rect: QRect, *, place: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            hint = item.sizeHint()
            width = min(hint.width(), rect.width()) if rect.width() > 0 else hint.width()
            if line and x + width > rect.right() + 1:
                x, y, line = rect.x(), y + line + self._gap, 0
            if place:
                item.setGeometry(QRect(QPoint(x, y), QSize(width, hint.height())))
            x += width + self._gap
            line = max(line, hint.height())
        return y + line - rect.y()


class ChipRow(QWidget):
    """Chips that wrap to the width they have."""

    def __init__(self, specs: Iterable[ChipSpec] = ()) -> None:
        super().__init__()
        self._flow = FlowLayout(self)
        self._chips: list[Chip] = []
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.set_chips(specs)

    def set_chips(self, specs: Iterable[ChipSpec]) -> None:
        clear(self._flow)
        self._chips.clear()
        for spec in specs:
            self.add(Chip(spec.text, spec.severity, lead=spec.lead, icon=spec.icon))
        self.updateGeometry()

    def add(self, widget: QWidget) -> None:
        """One more chip, such as a removable one, or another small widget in the same lines."""
        self._flow.addWidget(widget)
        widget.show()
        if isinstance(widget, Chip):
            self._chips.append(widget)
        self.updateGeometry()

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(self._chips)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the chips say, in order."""
        return tuple(chip.spec.spoken for chip in self._chips)
