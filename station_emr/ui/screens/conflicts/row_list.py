"""A list of two-line rows: a name with its mark, and what it is about. Painted, so it is quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)
from typing_extensions import override

from station_emr.ui.kit import ChipSpec, chip_size, named, paint_chip, theme, with_role
from station_emr.ui.kit.tips import plain_tip

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
_FACE: Final = Qt.ItemDataRole.UserRole + 1
_HEIGHT: Final = 76
_NARROW_HEIGHT: Final = 102
_GAP: Final = 6
_WIDTH: Final = 316
_NARROW_WIDTH: Final = 216
_WIDE_PAGE: Final = 900
_ROOT: Final = QModelIndex()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFace:
    """What one row shows. ``mark`` is a chip behind the name."""

    title: str
    detail: str
    foot: str = ""
    mark: ChipSpec | None = None

    @property
    def spoken(self) -> str:
        said = (self.mark.spoken if self.mark else "", self.title, self.detail, self.foot)
        return ". ".join(text for text in said if text)


class _Rows(QAbstractListModel, Generic[T]):
    def __init__(self, face: Callable[[T], RowFace]) -> None:
        super().__init__()
        self._face = face
        self.rows: tuple[T, ...] = ()

    def replace(self, rows: Sequence[T]) -> None:
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        face = self._face(self.rows[index.row()])
        if role == _FACE:
            return face
        if role == Qt.ItemDataRole.DisplayRole:
            return face.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return face.spoken
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(face.spoken)
        return None


def _is_narrow(option: QStyleOptionViewItem) -> bool:
    view = option.widget
    return isinstance(view, QListView) and view.width() <= _NARROW_WIDTH


class _Painter(QStyledItemDelegate):
    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, (_NARROW_HEIGHT if _is_narrow(option) else _HEIGHT) + _GAP)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        face: RowFace = index.data(_FACE)
        t = theme.tokens()
        on = bool(option.state & QStyle.StateFlag.State_Selected)
        box = QRect(option.rect).adjusted(0, 0, 0, -_GAP)
        painter.save()
        theme.paint_box(painter, box, t.primary_soft if on else t.raised, t.line)
        focused = on and isinstance(option.widget, QListView) and option.widget.hasFocus()
        if on:
            theme.paint_box(painter, box, "", t.primary, 2.0 if focused else 1.0)
        inner = box.adjusted(theme.GAP_M, theme.GAP_S, -theme.GAP_M, -theme.GAP_S)
        right = inner.right()
        if face.mark is not None:
            size = chip_size(face.mark)
            spot = QRect(right - size.width() + 1, inner.top(), size.width(), size.height())
            if _is_narrow(option):  # below the lines, so that the name is read in full
                wide = min(size.width(), inner.width())
                spot = QRect(inner.left(), inner.bottom() - size.height(), wide, size.height())
            else:
                right = spot.left() - theme.GAP_S
            paint_chip(painter, spot, face.mark)
        title = QRect(inner.left(), inner.top(), right - inner.left(), 22)
        self._line(painter, title, face.title, theme.font(theme.BODY_PT, 600), t.text)
        detail = QRect(inner.left(), inner.top() + 23, inner.width(), 20)
        self._line(painter, detail, face.detail, theme.font(theme.DENSE_PT), t.text)
        foot = QRect(inner.left(), inner.top() + 43, inner.width(), 18)
        self._line(painter, foot, face.foot, theme.font(theme.CAPTION_PT), t.muted)
        painter.restore()

    @staticmethod
    def _line(painter: QPainter, room: QRect, text: str, font: QFont, colour: str) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


class RowList(QListView, Generic[T]):
    """``picked(row)`` follows the cursor, ``opened(row)`` Enter or a double click.

    ``same`` tells whether two rows stand for one thing, so that the cursor stays on it when the
    list is read again.
    """

    picked = Signal(object)
    opened = Signal(object)

    def __init__(
        self,
        name: str,
        spoken: str,
        face: Callable[[T], RowFace],
        same: Callable[[T, T], bool],
    ) -> None:
        super().__init__()
        with_role(named(self, name, spoken), "cards")
        self._same = same
        self._model: _Rows[T] = _Rows(face)
        self.setModel(self._model)
        self.setItemDelegate(_Painter(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(self._moved)
        self.activated.connect(lambda index: self.opened.emit(self._model.rows[index.row()]))

    def give_room(self, page_width: int) -> None:
        """A narrow page keeps more of its width for what is beside the list."""
        self.setFixedWidth(_WIDTH if page_width >= _WIDE_PAGE else _NARROW_WIDTH)
        self.scheduleDelayedItemsLayout()

    @property
    def rows(self) -> tuple[T, ...]:
        return self._model.rows

    def current(self) -> T | None:
        index = self.currentIndex()
        return self._model.rows[index.row()] if index.isValid() else None

    def set_rows(self, rows: Sequence[T]) -> None:
        """Replace the rows; the cursor stays on its row, or else where it was."""
        before, place = self.current(), max(0, self.currentIndex().row())
        if tuple(rows) == self._model.rows:
            return
        self._model.replace(rows)
        if not rows:
            return
        if before is not None:
            found = (i for i, row in enumerate(rows) if self._same(row, before))
            place = next(found, min(place, len(rows) - 1))
        self.setCurrentIndex(self._model.index(place))

    def choose(self, wanted: Callable[[T], bool]) -> bool:
        """Put the cursor on the first row that is wanted; False when none is."""
        for place, row in enumerate(self._model.rows):
            if wanted(row):
                self.setCurrentIndex(self._model.index(place))
                return True
        return False

    def _moved(self, current: QModelIndex) -> None:
        if current.isValid():
            self.picked.emit(self._model.rows[current.row()])
