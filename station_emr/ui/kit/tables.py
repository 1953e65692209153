"""Tables: rows of frozen objects, sorted by any column, walked by keys, copied as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPalette,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.chips import ChipSpec, chip_size, paint_chip
from station_emr.ui.kit.empty import EmptyState
from station_emr.ui.kit.memory import memory
from station_emr.ui.kit.names import named, with_role

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
ROOT: Final = QModelIndex()
SORT_ROLE: Final = Qt.ItemDataRole.UserRole + 1
CHIP_ROLE: Final = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """One column of a table over rows of ``T``.

    ``text`` reads a row; ``sort`` gives a comparable key where the text does not sort well;
    ``chip`` shows a chip instead of text; ``stretch`` takes the room that is left.
    """

    title: str
    text: Callable[[T], str]
    sort: Callable[[T], Any] | None = None
    chip: Callable[[T], ChipSpec | None] | None = None
    tip: Callable[[T], str] | None = None
    width: int = 120
    stretch: bool = False
    numeric: bool = False
    strong: bool = False
    muted: bool = False


class RowModel(QAbstractTableModel, Generic[T]):
    """Rows and their columns for any view."""

    def __init__(self, columns: Sequence[Column[T]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: tuple[T, ...] = ()

    def replace(self, rows: Sequence[T]) -> None:
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal:
            column = self.columns[section]
            if role == Qt.ItemDataRole.DisplayRole:
                return column.title
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(numeric=column.numeric)
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column, row = self.columns[index.column()], self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.text(row)
        if role == SORT_ROLE:
            return column.sort(row) if column.sort else column.text(row)
        if role == CHIP_ROLE:
            return column.chip(row) if column.chip else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip(row) if column.tip else None
        return self._look(column, role)

    def _look(self, column: Column[T], role: int) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(numeric=column.numeric)
        if role == Qt.ItemDataRole.FontRole and column.strong:
            return theme.font(theme.BODY_PT, 600)
        if role == Qt.ItemDataRole.ForegroundRole and column.muted:
            return theme.colour("muted")
        return None


def _alignment(*, numeric: bool) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if numeric else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class _Sorter(QSortFilterProxyModel):
    @override
    def lessThan(self, source_left: Index, source_right: Index) -> bool:
        left = self.sourceModel().data(source_left, SORT_ROLE)
        right = self.sourceModel().data(source_right, SORT_ROLE)
        if left is None or right is None:
            return left is None and right is not None
        return bool(left < right)


class _Cells(QStyledItemDelegate):
    """Draws cells, and chips in those that have one.

    It takes text and look from the row itself. Qt would ask the model for each of nine roles of a
    cell, through the sorting model, and painting one page of a list would take a screen's frame.
    """

    def __init__(self, table: Table[Any]) -> None:
        super().__init__(table)
        self._table = table

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        column, row = self._table.cell(index)
        self._dress(option, index, column, column.text(row))

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        option.state &= ~QStyle.StateFlag.State_HasFocus  # the whole row shows the focus
        column, row = self._table.cell(index)
        spec = column.chip(row) if column.chip else None
        self._dress(option, index, column, "" if spec else column.text(row))
        style = self._table.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, self._table)
        if spec is None:
            return
        place = option.rect.adjusted(theme.GAP_S, 0, -theme.GAP_XS, 0)
        size = chip_size(spec)
        place.setWidth(min(size.width(), place.width()))
        place.setTop(place.top() + (place.height() - size.height()) // 2)
        place.setHeight(size.height())
        paint_chip(painter, place, spec)

    @staticmethod
    def _dress(option: QStyleOptionViewItem, index: Index, column: Column[Any], text: str) -> None:
        option.index = cast("QModelIndex", index)
        option.text = text
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasDisplay
        option.displayAlignment = _alignment(numeric=column.numeric)
        if column.strong:
            option.font = theme.font(theme.BODY_PT, 600)
            option.fontMetrics = QFontMetrics(option.font)
        if column.muted:
            option.palette.setColor(QPalette.ColorRole.Text, theme.colour("muted"))


class Table(QTableView, Generic[T]):
    """A list of rows. ``opened(row)`` follows Enter or a double click, ``picked(row)`` the cursor."""

    opened = Signal(object)
    picked = Signal(object)

    def __init__(
        self,
        name: str,
        spoken: str,
        columns: Sequence[Column[T]],
        *,
        empty: EmptyState | None = None,
        dense: bool = False,
    ) -> None:
        super().__init__()
        named(self, name, spoken)
        self._rows: RowModel[T] = RowModel(columns, self)
        self._sorter = _Sorter(self)
        self._sorter.setSourceModel(self._rows)
        self.setModel(self._sorter)
        self.setItemDelegate(_Cells(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(
            theme.DENSE_HEIGHT if dense else theme.CONTROL_HEIGHT
        )
        if dense:
            self.setFont(theme.font(theme.DENSE_PT))
        self._dress_header()
        self.setSortingEnabled(True)
        self._sorter.sort(-1)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.doubleClicked.connect(self._open)
        self.selectionModel().currentRowChanged.connect(self._current_changed)
        self._empty = empty
        if empty is not None:
            empty.setParent(self.viewport())
            self.viewport().installEventFilter(self)
        self._show_empty()

    def _dress_header(self) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setDefaultAlignment(_alignment(numeric=False))
        kept = _widths(self.objectName())
        for index, column in enumerate(self._rows.columns):
            if column.stretch:
                header.setSectionResizeMode(index, QHeaderView.ResizeMode.Stretch)
            else:
                header.resizeSection(index, kept.get(column.title, column.width))
        header.sectionResized.connect(self._keep_widths)

    def _keep_widths(self) -> None:
        header = self.horizontalHeader()
        widths = {
            column.title: header.sectionSize(index)
            for index, column in enumerate(self._rows.columns)
            if not column.stretch
        }
        memory().put(_key(self.objectName()), json.dumps(widths))

    # -- rows ----------------------------------------------------------------------------------

    def set_rows(self, rows: Sequence[T]) -> None:
        """Replace the rows; the row under the cursor stays chosen while it is still there."""
        before = self.current()
        self._rows.replace(rows)
        if before is not None and before in self._rows.rows:
            self.choose(before)
        self._show_empty()

    @property
    def rows(self) -> tuple[T, ...]:
        """The rows in the order shown."""
        order = range(self._sorter.rowCount())
        return tuple(self._at(self._sorter.index(row, 0)) for row in order)

    def current(self) -> T | None:
        index = self.currentIndex()
        return self._at(index) if index.isValid() else None

    def chosen(self) -> tuple[T, ...]:
        """The selected rows from top to bottom."""
        picked = sorted(index.row() for index in self.selectionModel().selectedRows())
        return tuple(self._at(self._sorter.index(row, 0)) for row in picked)

    def choose(self, row: T) -> None:
        """Put the cursor on a row."""
        place = self._rows.rows.index(row)
        self._choose(self._sorter.mapFromSource(self._rows.index(place, 0)))

    def choose_first(self) -> None:
        if self._sorter.rowCount():
            self._choose(self._sorter.index(0, 0))

    def _choose(self, index: Index) -> None:
        # Not the view's own selectRow: with Ctrl held down that would add a row, or take it away.
        flag = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)

    def as_text(self, *, only_chosen: bool = True) -> str:
        """The rows as lines of tab-separated text with the titles first."""
        rows = self.chosen() if only_chosen else self.rows
        lines = ["\t".join(column.title for column in self._rows.columns)]
        lines += ["\t".join(c.text(row) for c in self._rows.columns) for row in rows]
        return "\n".join(lines)

    def cell(self, index: Index) -> tuple[Column[T], T]:
        """What a place of the shown table is made of."""
        source = self._sorter.mapToSource(index)
        return self._rows.columns[source.column()], self._rows.rows[source.row()]

    def _at(self, index: Index) -> T:
        return self._rows.rows[self._sorter.mapToSource(index).row()]

    def _open(self, index: Index) -> None:
        if index.isValid():
            self.opened.emit(self._at(index))

    def _current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self.picked.emit(self._at(current))

    # -- empty ---------------------------------------------------------------------------------

    def _show_empty(self) -> None:
        if self._empty is not None:
            self._empty.setGeometry(self.viewport().rect())
            self._empty.setVisible(not self._rows.rows)

    @override
    def eventFilter(self, object: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._show_empty()
        return super().eventFilter(object, event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)


def plain_table(table: Table[T]) -> Table[T]:
    """The table without its own edge, to stand inside a card."""
    return with_role(table, "plain")


def _key(name: str) -> str:
    return f"columns/{name}"


def _widths(name: str) -> dict[str, int]:
    kept = memory().get(_key(name))
    try:
        found = json.loads(kept) if kept else {}
    except ValueError:
        return {}
    return {str(k): int(v) for k, v in found.items()} if isinstance(found, dict) else {}
