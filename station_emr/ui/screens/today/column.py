"""One column of the queue: a heading with its count and painted cards that keys can walk."""

from __future__ import annotations

from collections.abc import Sequence
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
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from station_emr.domain.encounter import Stage
from station_emr.ui.kit import (
    ChipSpec,
    chip_size,
    hbox,
    label,
    named,
    paint_chip,
    theme,
    with_role,
)
from station_emr.ui.kit.tips import plain_tip
from station_emr.ui.screens.today.cards import QueueCard

Index = QModelIndex | QPersistentModelIndex
ROOT: Final = QModelIndex()
CARD_ROLE: Final = Qt.ItemDataRole.UserRole
_PAD: Final = theme.GAP_M
_GAP: Final = theme.GAP_S
_CHIP_GAP: Final = 6
_WORDS: Final = 44  # name and detail, two lines
_CHIP: Final = 22
_LINE: Final = 18


class CardModel(QAbstractListModel):
    """The cards of one column. Replacing them keeps the view still where nothing changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.cards: tuple[QueueCard, ...] = ()

    def replace(self, cards: Sequence[QueueCard]) -> None:
        fresh = tuple(cards)
        same = [c.encounter_id for c in fresh] == [c.encounter_id for c in self.cards]
        if not same:
            self.beginResetModel()
            self.cards = fresh
            self.endResetModel()
        elif fresh != self.cards:
            self.cards = fresh
            self.dataChanged.emit(self.index(0), self.index(len(fresh) - 1))

    @override
    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.cards)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        card = self.cards[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return card.spoken
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = (card.name, card.detail, *(chip.spoken for chip in card.chips))
            return plain_tip("\n".join(lines))
        if role == CARD_ROLE:
            return card
        return None


def chip_lines(chips: Sequence[ChipSpec], width: int) -> list[list[tuple[int, int, ChipSpec]]]:
    """Chips set in lines like words: (left, width, chip) of each."""
    lines: list[list[tuple[int, int, ChipSpec]]] = []
    left = 0
    for chip in chips:
        wide = min(chip_size(chip).width(), width)
        if not lines or left + wide > width:
            lines.append([])
            left = 0
        lines[-1].append((left, wide, chip))
        left += wide + _CHIP_GAP
    return lines


def _stands_below(card: QueueCard, width: int) -> bool:
    """In a narrow column the time goes below, so that the name is read in full."""
    name = QFontMetrics(theme.font(theme.BODY_PT, 600)).horizontalAdvance(card.name)
    time = QFontMetrics(theme.font(theme.DENSE_PT)).horizontalAdvance(card.time)
    return name + theme.GAP_S + time > width


class CardPainter(QStyledItemDelegate):
    """Draws one card; the room between cards is part of the item."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._view = view

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = self._view.viewport().width()
        card = index.data(CARD_ROLE)
        lines = len(chip_lines(card.chips, width - 2 * _PAD)) if isinstance(card, QueueCard) else 0
        chips = lines * (_CHIP + _CHIP_GAP) if lines else 0
        words = _WORDS
        if isinstance(card, QueueCard) and _stands_below(card, width - 2 * _PAD):
            words += _LINE
        return QSize(width, _PAD - 2 + words + chips + (_PAD - 6 if lines else _PAD - 2) + _GAP)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        card = index.data(CARD_ROLE)
        if not isinstance(card, QueueCard):
            return
        t = theme.tokens()
        box = option.rect.adjusted(0, 0, 0, -_GAP)
        hover = bool(option.state & QStyle.StateFlag.State_MouseOver)
        theme.paint_box(painter, box, t.hover if hover else t.raised, t.line)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected and self._view.window().focusWidget() is self._view:
            theme.paint_focus(painter, box)
        inner = box.adjusted(_PAD, _PAD - 2, -_PAD, 0)
        self._paint_words(painter, inner, card)
        top = inner.top() + _WORDS
        top += _LINE if _stands_below(card, inner.width()) else 0
        for line in chip_lines(card.chips, inner.width()):
            for left, width, chip in line:
                paint_chip(painter, QRect(inner.left() + left, top, width, _CHIP), chip)
            top += _CHIP + _CHIP_GAP

    def _paint_words(self, painter: QPainter, inner: QRect, card: QueueCard) -> None:
        t = theme.tokens()
        painter.save()
        small = theme.font(theme.DENSE_PT)
        time_width = QFontMetrics(small).horizontalAdvance(card.time) + theme.GAP_S
        painter.setFont(small)
        painter.setPen(QColor(t.muted))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        if _stands_below(card, inner.width()):
            time_width = 0
            painter.drawText(inner.adjusted(0, 20 + _LINE, 0, 0), left, card.time)
        else:
            painter.drawText(inner.adjusted(0, 1, 0, 0), right, card.time)
        below = inner.adjusted(0, 20, 0, 0)
        detail = QFontMetrics(small).elidedText(
            card.detail, Qt.TextElideMode.ElideRight, inner.width()
        )
        painter.drawText(below, left, detail)
        bold = theme.font(theme.BODY_PT, 600)
        painter.setFont(bold)
        painter.setPen(QColor(t.text))
        name = QFontMetrics(bold).elidedText(
            card.name, Qt.TextElideMode.ElideRight, inner.width() - time_width
        )
        painter.drawText(inner, left, name)
        painter.restore()


class CardList(QListView):
    """The cards. ``sideways(-1|1)`` follows the left and right keys, ``menu_wanted`` the menu key."""

    opened = Signal(str)
    sideways = Signal(int)
    menu_wanted = Signal(str, QPoint)
    remove_wanted = Signal(str)

    def __init__(self, name: str, spoken: str) -> None:
        super().__init__()
        named(self, name, spoken)
        with_role(self, "cards")
        self.cards = CardModel(self)
        self.setModel(self.cards)
        self.setItemDelegate(CardPainter(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(False)
        self.activated.connect(self._open)

    @property
    def current_id(self) -> str:
        """The visit of the card under the keys; empty when there is none."""
        row = self.currentIndex().row()
        return self.cards.cards[row].encounter_id if 0 <= row < len(self.cards.cards) else ""

    def select(self, row: int) -> None:
        count = len(self.cards.cards)
        if count:
            self.setCurrentIndex(self.cards.index(max(0, min(row, count - 1))))

    def row_of(self, encounter_id: str) -> int:
        """Where a visit stands, -1 when it is not in this column."""
        ids = [card.encounter_id for card in self.cards.cards]
        return ids.index(encounter_id) if encounter_id in ids else -1

    def _open(self, index: Index) -> None:
        self.opened.emit(self.cards.cards[index.row()].encounter_id)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.sideways.emit(-1 if event.key() == Qt.Key.Key_Left else 1)
        elif event.key() == Qt.Key.Key_Delete and self.current_id:
            self.remove_wanted.emit(self.current_id)
        else:
            super().keyPressEvent(event)

    @override
    def keyboardSearch(self, search: str) -> None:
        """Letters are for shortcuts and scanners; people are found with Ctrl+K."""

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid():
            self.select(0)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if not index.isValid():
            return
        self.setCurrentIndex(index)
        place = event.pos() if by_mouse else self.visualRect(index).center()
        self.menu_wanted.emit(self.current_id, self.viewport().mapToGlobal(place))


class QueueColumn(QWidget):
    """Heading, count and cards of one stage."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.list = CardList(f"today.{stage.value}", stage.label)
        self._count = label("0", "key")
        self._count.setSizePolicy(
            self._count.sizePolicy().Policy.Maximum, self._count.sizePolicy().Policy.Fixed
        )
        head = hbox(label(stage.label, "heading"), self._count, None)
        head.setContentsMargins(2, 0, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP_S)
        column.addLayout(head)
        column.addWidget(self.list, 1)

    def show_cards(self, cards: Sequence[QueueCard]) -> None:
        """Show these cards; the one under the keys stays under them while it is here."""
        kept, row = self.list.current_id, self.list.currentIndex().row()
        self.list.cards.replace(cards)
        self._count.setText(str(len(cards)))
        if kept and self.list.current_id != kept:
            found = self.list.row_of(kept)
            self.list.select(found if found >= 0 else row)
