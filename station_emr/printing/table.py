"""Tables over several pages: cells wrap, a row is never torn apart, the head stands on every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .sheet import Block, Rule, Sheet
from .typeset import Text
from .wording import strong, value

_GAP = 4.0
_SIZE = 8.6
_LEADING = 11.0


@dataclass(frozen=True, slots=True)
class TableColumn:
    """``share`` of the width of the page."""

    title: str
    share: float


class Table:
    """Puts rows on a sheet, one after the other."""

    def __init__(self, sheet: Sheet, columns: Sequence[TableColumn]) -> None:
        self._sheet = sheet
        total = sum(column.share for column in columns)
        self._widths = [sheet.width * column.share / total for column in columns]
        self._titles = [column.title for column in columns]
        self._head()

    def rows(self, rows: Iterable[Sequence[str]]) -> int:
        """How many were put."""
        count = 0
        for row in rows:
            cells = [
                self._sheet.block(
                    [Text(value(text))], size=_SIZE, leading=_LEADING, width=width - _GAP
                )
                for text, width in zip(row, self._widths, strict=True)
            ]
            self._put(cells)
            count += 1
        return count

    def _head(self) -> None:
        self._put(
            [
                self._sheet.block([strong(title)], size=_SIZE, leading=_LEADING, width=width - _GAP)
                for title, width in zip(self._titles, self._widths, strict=True)
            ],
            heavy=True,
        )

    def _put(self, cells: Sequence[Block], *, heavy: bool = False) -> None:
        sheet = self._sheet
        height = max(len(cell.lines) for cell in cells) * _LEADING + 3
        if sheet.room < height and not heavy:
            sheet.new_page()
            self._head()
        x = sheet.left
        for cell, width in zip(cells, self._widths, strict=True):
            for number, line in enumerate(cell.lines):
                sheet.put(line, x, sheet.y - (number + 1) * _LEADING + 2.5)
            x += width
        sheet.y -= height
        weight = 0.8 if heavy else 0.25
        sheet.page.shapes.append(Rule(sheet.left, sheet.y, sheet.right, sheet.y, weight))
