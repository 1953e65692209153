"""Tables: rows of frozen objects, sorted by any column, walked by keys, copied as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.cells import RowPainter
from station_emr.ui.kit.empty import EmptyState
from station_emr.ui.kit.memory import memory
from station_emr.ui.kit.names import named, with_role
from station_emr.ui.kit.row_model import SORT_ROLE, Column, Index, RowModel, alignment

T = TypeVar("T")
_LEAST_STRETCH: Final = 130


class _Sorter(QSortFilterProxyModel):
    @override
    def lessThan(self, source_left: Index, source_right: Index) -> bool:
        left = self.sourceModel().data(source_left, SORT_ROLE)
        right = self.sourceModel().data(source_right, SORT_ROLE)
        if left is None or right is None:
            return left is None and right is not None
        return bool(left < right)


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
        says_nothing_first: bool = False,
    ) -> None:
        """``says_nothing_first``: ``empty`` is a statement that nobody may make before the rows were
        read, so it waits for them.
        """
        super().__init__()
        named(self, name, spoken)
        self._rows: RowModel[T] = RowModel(columns, self)
        self._sorter = _Sorter(self)
        self._sorter.setSourceModel(self._rows)
        self.setModel(self._sorter)
        self._painter = RowPainter(self, self._rows.columns, self._row_at)
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
        self._is_read = not says_nothing_first
        if empty is not None:
            empty.setParent(self.viewport())
            self.viewport().installEventFilter(self)
        self._left_out: set[int] = set()
        self._show_empty()

    def _dress_header(self) -> None:
        header = self.horizontalHeader()
        header.setFont(theme.font())  # as tall over dense rows as over others
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setDefaultAlignment(alignment(numeric=False))
        kept = _widths(self.objectName())
        for index, column in enumerate(self._rows.columns):
            if column.stretch:
                header.setSectionResizeMode(index, QHeaderView.ResizeMode.Stretch)
            else:
                header.resizeSection(index, kept.get(column.title, column.width))
        header.sectionResized.connect(self._keep_widths)

    def _keep_widths(self, resized: int) -> None:
        if self._rows.columns[resized].stretch:
            return  # it follows the window, as often as that changes
        header = self.horizontalHeader()
        widths = _widths(self.objectName())
        widths |= {
            column.title: header.sectionSize(index)
            for index, column in enumerate(self._rows.columns)
            if not column.stretch and not header.isSectionHidden(index)
        }
        memory().put(_key(self.objectName()), json.dumps(widths))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._leave_out()

    @override
    def setColumnHidden(self, column: int, hide: bool) -> None:
        """As the page wishes; a column that has no room stays out all the same."""
        self._left_out.discard(column)
        super().setColumnHidden(column, hide)
        self._leave_out()

    def _leave_out(self) -> None:
        """Spare columns go where names and places would be cut to nothing, and come back."""
        columns, header = self._rows.columns, self.horizontalHeader()
        spare = sorted((c.spare, i) for i, c in enumerate(columns) if c.spare)
        if not spare:
            return
        shown = {i for i in range(len(columns)) if not self.isColumnHidden(i)} | self._left_out
        kept = _widths(self.objectName())
        room = {
            i: max(_LEAST_STRETCH, columns[i].width)
            if columns[i].stretch
            else kept.get(columns[i].title, columns[i].width)
            for i in shown
        }
        out: set[int] = set()
        for _order, index in spare:
            if sum(room.values()) <= self.viewport().width():
                break
            if index in room:
                del room[index]
                out.add(index)
        for index in self._left_out ^ out:
            header.setSectionHidden(index, index in out)
        self._left_out = out

    # -- rows ----------------------------------------------------------------------------------

    def set_rows(self, rows: Sequence[T]) -> None:
        """Replace the rows; the row under the cursor stays chosen while it is still there."""
        before = self.current()
        self._rows.replace(rows)
        if before is not None and before in self._rows.rows:
            self.choose(before)
        self._is_read = True
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

    def _row_at(self, number: int) -> T:
        return self._at(self._sorter.index(number, 0))

    def _at(self, index: Index) -> T:
        return self._rows.rows[self._sorter.mapToSource(index).row()]

    def _open(self, index: Index) -> None:
        if index.isValid():
            self.opened.emit(self._at(index))

    def _current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self.picked.emit(self._at(current))

    # -- drawing -------------------------------------------------------------------------------

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        self._painter.paint(painter, event.rect())
        painter.end()

    # -- empty ---------------------------------------------------------------------------------

    def _show_empty(self) -> None:
        if self._empty is not None:
            self._empty.setGeometry(self.viewport().rect())
            self._empty.setVisible(self._is_read and not self._rows.rows)

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
