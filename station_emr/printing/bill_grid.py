"""A ruled table of many narrow columns: heads and rows in boxes, the head again on every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .fonts import BOLD, ITALIC, REGULAR
from .sheet import Rule, Sheet
from .typeset import Text, lay

SIZE: Final = 7.8
LEADING: Final = 9.3
HEAD_SIZE: Final = 7.2
HEAD_LEADING: Final = 8.4
_PAD: Final = 2.2
_LINE: Final = 0.35


@dataclass(frozen=True, slots=True)
class GridColumn:
    title: str
    width: float
    align: str = "right"


class Grid:
    """Rows of boxes; a row is never torn apart."""

    def __init__(self, sheet: Sheet, columns: Sequence[GridColumn]) -> None:
        self._sheet = sheet
        total = sum(column.width for column in columns)
        self._columns = columns
        self._widths = [sheet.width * column.width / total for column in columns]
        self.head()

    def head(self) -> None:
        """Titles, and under them the numbers of the columns."""
        titles = [(column.title, "center") for column in self._columns]
        self._put(titles, BOLD, HEAD_SIZE, HEAD_LEADING)
        numbers = [(f"({number})", "center") for number in range(1, len(self._columns) + 1)]
        self._put(numbers, ITALIC, HEAD_SIZE, HEAD_LEADING)

    def row(self, cells: Sequence[str], *, strong: bool = False) -> None:
        aligned = [(text, column.align) for text, column in zip(cells, self._columns, strict=True)]
        self._fitted(aligned, BOLD if strong else REGULAR)

    def band(self, text: str, cells: Sequence[str]) -> None:
        """A heading over the first columns, with sums under the last ones."""
        empty = len(self._columns) - 1 - len(cells)
        aligned = [(text, "left"), *([("", "right")] * empty), *((one, "right") for one in cells)]
        self._fitted(aligned, BOLD)

    def _fitted(self, cells: Sequence[tuple[str, str]], face: str) -> None:
        height = self._height(cells, face, SIZE, LEADING)
        if self._sheet.room < height:
            self._sheet.new_page()
            self.head()
        self._put(cells, face, SIZE, LEADING)

    def _height(
        self, cells: Sequence[tuple[str, str]], face: str, size: float, leading: float
    ) -> float:
        lines = [
            len(lay([Text(text, face)], width - 2 * _PAD, size)) if text else 1
            for (text, _align), width in zip(cells, self._widths, strict=True)
        ]
        return max(lines) * leading + 2 * _PAD

    def _put(
        self, cells: Sequence[tuple[str, str]], face: str, size: float, leading: float
    ) -> None:
        sheet = self._sheet
        height = self._height(cells, face, size, leading)
        top, x = sheet.y, sheet.left
        rules = sheet.page.shapes
        rules.append(Rule(sheet.left, top, sheet.right, top, _LINE))
        for (text, align), width in zip(cells, self._widths, strict=True):
            rules.append(Rule(x, top, x, top - height, _LINE))
            if text:
                lines = lay([Text(text, face)], width - 2 * _PAD, size)
                if align == "center":
                    first = top - (height - len(lines) * leading) / 2 - leading * 0.8
                else:
                    first = top - _PAD - leading * 0.78
                for number, line in enumerate(lines):
                    sheet.put(line, x + _PAD, first - number * leading, align, width - 2 * _PAD)
            x += width
        rules.append(Rule(x, top, x, top - height, _LINE))
        sheet.y = top - height
        rules.append(Rule(sheet.left, sheet.y, sheet.right, sheet.y, _LINE))
