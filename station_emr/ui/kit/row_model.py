"""The rows of a table and how its columns read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.chips import ChipSpec
from station_emr.ui.kit.tips import plain_tip

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
ROOT: Final = QModelIndex()
SORT_ROLE: Final = Qt.ItemDataRole.UserRole + 1
CHIP_ROLE: Final = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """One column of a table over rows of ``T``.

    ``text`` reads a row; ``sort`` gives a comparable key where the text does not sort well;
    ``chip`` shows a chip instead of text; ``stretch`` takes the room that is left,
    ``width`` at least while there is a ``spare`` column: those are left out of a narrow table, the
    smaller numbers first.
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
    spare: int = 0


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
                return alignment(numeric=column.numeric)
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
            return plain_tip(column.tip(row)) if column.tip else None
        return self._look(column, role)

    def _look(self, column: Column[T], role: int) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return alignment(numeric=column.numeric)
        if role == Qt.ItemDataRole.FontRole and column.strong:
            return theme.font(theme.BODY_PT, 600)
        if role == Qt.ItemDataRole.ForegroundRole and column.muted:
            return theme.colour("muted")
        return None


def alignment(*, numeric: bool) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if numeric else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
