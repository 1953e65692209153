"""The rows of a type-ahead list: what they hold, how they are drawn, how one is chosen."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)
from typing_extensions import override

from station_emr.domain.text import fold, strip_marks
from station_emr.ui.kit import theme
from station_emr.ui.kit.chips import ChipSpec, chip_size, paint_chip
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import named, with_role

Index = QModelIndex | QPersistentModelIndex
ROOT: Final = QModelIndex()
MOST_ROWS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One answer. ``lead`` is a code set bold before the title; ``matches`` are (start, length)."""

    title: str
    payload: object = None
    lead: str = ""
    detail: str = ""
    chip: ChipSpec | None = None
    matches: tuple[tuple[int, int], ...] = ()
    trailing: str = ""

    @property
    def spoken(self) -> str:
        chip = self.chip.text if self.chip else ""
        parts = (self.lead, self.title, self.detail, self.trailing, chip)
        return ", ".join(part for part in parts if part)


def match_spans(text: str, typed: str) -> tuple[tuple[int, int], ...]:
    """Where the typed words begin words of ``text``, marks and case aside, as (start, length)."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        plain = strip_marks(letter)
        if plain and plain != "'":
            letters.append(plain[0])
            places.append(place)
    folded = "".join(letters)
    spans: list[tuple[int, int]] = []
    for word in fold(typed).split():
        start = 0
        while (found := folded.find(word, start)) >= 0:
            start = found + 1
            taken = any(place == places[found] for place, _length in spans)
            if not taken and _begins_word(text, places[found]):
                last = found + len(word)
                end = places[last] if last < len(places) else len(text)
                end = min(end, _end_of_letter(text, places[last - 1]))
                spans.append((places[found], end - places[found]))
                break
    return tuple(sorted(spans))


def _begins_word(text: str, place: int) -> bool:
    """After a space, a hyphen or the apostrophe of ``H'Blơi`` a word begins."""
    while place > 0 and unicodedata.combining(text[place - 1]):
        place -= 1
    return place == 0 or not text[place - 1].isalnum()


def _end_of_letter(text: str, place: int) -> int:
    """The index after a letter and the combining marks that belong to it."""
    end = place + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


class _Rows(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.items: tuple[Suggestion, ...] = ()

    def replace(self, items: tuple[Suggestion, ...]) -> None:
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.items)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item = self.items[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return item.spoken
        if role == Qt.ItemDataRole.UserRole:
            return item
        return None


class _Painter(QStyledItemDelegate):
    def __init__(self, *, two_lines: bool, parent: QObject) -> None:
        super().__init__(parent)
        self._two = two_lines

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, 46 if self._two else 30)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(item, Suggestion):
            return
        t = theme.tokens()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(t.primary_soft))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(t.hover))
        inner = rect.adjusted(theme.GAP_M - 2, 0, -theme.GAP_M, 0)
        top = QRect(inner.left(), inner.top() + 3, inner.width(), 22) if self._two else inner
        self._title_line(painter, top, item)
        if self._two:
            low = QRect(inner.left(), inner.top() + 23, inner.width(), 20)
            painter.setFont(theme.font(theme.DENSE_PT))
            painter.setPen(QColor(t.muted))
            _draw(painter, low, item.detail)
        painter.restore()

    def _title_line(self, painter: QPainter, line: QRect, item: Suggestion) -> None:
        t = theme.tokens()
        size = theme.BODY_PT if self._two else theme.DENSE_PT
        left, right = line.left(), line.right()
        if item.trailing:
            painter.setFont(theme.font(theme.DENSE_PT))
            painter.setPen(QColor(t.muted))
            width = painter.fontMetrics().horizontalAdvance(item.trailing)
            _draw(
                painter, QRect(right - width, line.top(), width + 1, line.height()), item.trailing
            )
            right -= width + theme.GAP_M
        if item.chip:
            right -= chip_size(item.chip).width() + theme.GAP_S
        painter.setPen(QColor(t.text))
        if item.lead:
            painter.setFont(theme.font(size, 600))
            left += _draw(painter, QRect(left, line.top(), right - left, line.height()), item.lead)
            left += theme.GAP_S
        used = _draw_marked(
            painter, QRect(left, line.top(), right - left, line.height()), item, size
        )
        if item.detail and not self._two:
            painter.setFont(theme.font(size))
            painter.setPen(QColor(t.muted))
            room = QRect(left + used + theme.GAP_S, line.top(), right - left - used, line.height())
            used += theme.GAP_S + _draw(painter, room, item.detail)
        if item.chip:
            wanted = chip_size(item.chip)
            top = line.top() + (line.height() - wanted.height()) // 2
            place = QRect(QPoint(min(left + used + theme.GAP_S, right), top), wanted)
            paint_chip(painter, place, item.chip)


def _draw(painter: QPainter, rect: QRect, text: str) -> int:
    metrics = painter.fontMetrics()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, rect.width() + 2))
    flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    painter.drawText(rect.adjusted(0, 0, 2, 0), flags, shown)
    return metrics.horizontalAdvance(shown)


def _draw_marked(painter: QPainter, rect: QRect, item: Suggestion, size: float) -> int:
    """The title with its matched letters bold; returns the width used."""
    at, left = 0, rect.left()
    pieces: list[tuple[str, bool]] = []
    for start, length in item.matches:
        if start < at:
            continue
        pieces += [(item.title[at:start], False), (item.title[start : start + length], True)]
        at = start + length
    pieces.append((item.title[at:], False))
    for text, strong in pieces:
        room = rect.right() - left
        if not text or room <= 0:
            continue
        painter.setFont(_weighted(size, strong=strong))
        left += _draw(painter, QRect(left, rect.top(), room, rect.height()), text)
    return left - rect.left()


def _weighted(size: float, *, strong: bool) -> QFont:
    return theme.font(size, 700 if strong else 400)


class SuggestionList(QFrame):
    """The list itself. It floats over the window below ``anchor`` or stands in a layout."""

    picked = Signal(object)

    def __init__(self, name: str, spoken: str, *, two_lines: bool = False) -> None:
        super().__init__()
        with_role(self, "popup")
        self._rows = _Rows()
        self.view = named(QListView(), name, spoken)
        with_role(self.view, "plain")
        self.view.setModel(self._rows)
        self.view.setItemDelegate(_Painter(two_lines=two_lines, parent=self.view))
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.clicked.connect(self._clicked)
        self._foot = label("", "muted")
        self._foot.setMargin(theme.GAP_S)
        self._foot.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 4, 1, 4)
        column.setSpacing(0)
        column.addWidget(self.view)
        column.addWidget(self._foot)
        self._row_height = 46 if two_lines else 30
        self.hide()

    @property
    def items(self) -> tuple[Suggestion, ...]:
        return self._rows.items

    def replace(
        self, items: Sequence[Suggestion], foot: str = "", *, preselect: bool = True
    ) -> None:
        """Show these, the first chosen; ``foot`` is a line beneath such as "Không tìm thấy"."""
        self._rows.replace(tuple(items))
        self._foot.setText(foot)
        self._foot.setVisible(bool(foot))
        if items and preselect:
            self.view.setCurrentIndex(self._rows.index(0))
        shown = min(len(items), MOST_ROWS)
        self.view.setVisible(bool(items))
        self.view.setFixedHeight(shown * self._row_height + 2)
        self.setFixedHeight(self.wanted_height())

    def wanted_height(self) -> int:
        shown = min(len(self.items), MOST_ROWS)
        height = 8 + (shown * self._row_height + 2 if shown else 0)
        return height + (self._foot.sizeHint().height() if self._foot.text() else 0)

    def current(self) -> Suggestion | None:
        row = self.view.currentIndex().row()
        return self.items[row] if 0 <= row < len(self.items) else None

    def step(self, by: int) -> None:
        """Choose another row, round the ends."""
        if self.items:
            row = self.view.currentIndex().row()
            row = (row + by) % len(self.items) if row >= 0 or by > 0 else len(self.items) - 1
            self.view.setCurrentIndex(self._rows.index(row))

    def pick(self) -> bool:
        """Take the chosen row; False when there is none."""
        found = self.current()
        if found is None:
            return False
        self.picked.emit(found)
        return True

    def _clicked(self, index: QModelIndex) -> None:
        self.view.setCurrentIndex(index)
        self.pick()
