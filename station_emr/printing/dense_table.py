"""Tables of thousands of rows: as :mod:`station_emr.printing.table`, ten times as fast.

Plain words are measured once each; a cell with letters that must be shaped goes the slow way, alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from .fonts import REGULAR, face
from .sheet import Dense, Rule, Sheet
from .table import TableColumn
from .typeset import Line, Text, lay
from .wording import strong, value

_GAP: Final = 4.0
_EDGE: Final = 1.6  # a line between two columns stands this far before the words of the second
_BELOW: Final = 2.4
_COMBINING: Final = re.compile("[\u0300-\u036f]")
_KEPT: Final = 24  # cells shorter than this come back often
Cell = tuple[str, ...] | list[Line]


class DenseTable:
    """Puts rows on a sheet, one after the other; the head stands on every page, its columns numbered."""

    def __init__(
        self,
        sheet: Sheet,
        columns: Sequence[TableColumn],
        *,
        size: float = 6.6,
        leading: float = 7.7,
        numbered: bool = True,
        numeric: frozenset[int] = frozenset(),
    ) -> None:
        self._sheet, self._size, self._leading = sheet, size, leading
        total = sum(column.share for column in columns)
        self._widths = [sheet.width * column.share / total for column in columns]
        self._limits = [(width - _GAP) / size for width in self._widths]
        self._titles = [column.title for column in columns]
        self._numbered = numbered
        self._numeric = numeric
        plain = face(REGULAR)
        self._letters = plain.letters
        self._advance = {letter: wide / 1000 for letter, wide in plain.widths.items()}
        self._words: dict[str, float] = {}
        self._cells: dict[tuple[int, str], tuple[str, ...]] = {}
        self._space = self._advance[" "]
        self._since: float | None = None  # where the lines between the columns begin
        self._lefts = []
        x = sheet.left
        for width in self._widths:
            self._lefts.append(x)
            x += width
        self._dress()
        self._head()

    def rows(self, rows: Iterable[Sequence[str]]) -> int:
        """How many were put."""
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007  # the last number is the answer
            self._put([self._broken(place, text) for place, text in enumerate(row)])
        self._rule_columns()
        return count

    def wide(self, text: str, *, heavy: bool = False) -> None:
        """A line over the whole width: a month, or what a correction is about."""
        self._rule_columns()
        shown = strong(text) if heavy else Text(text)
        lines = lay([shown], self._sheet.width, self._size + (1 if heavy else 0))
        height = len(lines) * (self._leading + 1) + _BELOW
        self._need(height + 2 * self._leading)
        for number, line in enumerate(lines, 1):
            self._sheet.put(line, self._sheet.left, self._sheet.y - number * (self._leading + 1))
        self._down(height)

    # -- breaking --------------------------------------------------------------------------------

    def _broken(self, place: int, text: str) -> Cell:
        if len(text) < _KEPT:
            known = self._cells.get((place, text))
            if known is not None:
                return known
        shown = value(text) if not text.isprintable() or "  " in text else text
        if not self._letters.issuperset(shown) or _COMBINING.search(shown):
            width = self._widths[place] - _GAP
            return lay([Text(value(shown))], width, self._size)
        lines = tuple(self._wrapped(shown, self._limits[place]))
        if len(text) < _KEPT:
            self._cells[place, text] = lines
        return lines

    def _wrapped(self, text: str, limit: float) -> Iterable[str]:
        words, space = self._words, self._space
        wide = 0.0
        pieces: list[str] = []
        for word in text.split(" "):
            long = words.get(word)
            if long is None:
                long = words[word] = sum(map(self._advance.__getitem__, word))
            if pieces and wide + space + long > limit:
                yield " ".join(pieces)
                pieces, wide = [], 0.0
            last = word
            if long > limit:
                *whole, last = self._parted(word, limit)
                yield from whole
                long = sum(map(self._advance.__getitem__, last))
            wide += long + (space if pieces else 0.0)
            pieces.append(last)
        yield " ".join(pieces)

    def _parted(self, word: str, limit: float) -> list[str]:
        parts, wide = [""], 0.0
        for letter in word:
            long = self._advance[letter]
            if parts[-1] and wide + long > limit:
                parts.append("")
                wide = 0.0
            parts[-1] += letter
            wide += long
        return parts

    # -- placing ---------------------------------------------------------------------------------

    def _put(self, cells: list[Cell]) -> None:
        """A row is never torn apart, unless it is taller than a page."""
        height = max(map(len, cells)) * self._leading + _BELOW
        if height > self._sheet.room:
            self._new_page()
            while height > self._sheet.room:
                fits = int((self._sheet.room - _BELOW) // self._leading)
                self._place([cell[:fits] for cell in cells], fits * self._leading + _BELOW)
                cells = [cell[fits:] for cell in cells]
                height = max(map(len, cells)) * self._leading + _BELOW
                self._new_page()
        self._place(cells, height)

    def _place(self, cells: list[Cell], height: float) -> None:
        sheet, y = self._sheet, self._sheet.y - self._leading
        if self._since is None:
            self._since = sheet.y
        dense = sheet.page.dense
        for place, (left, cell) in enumerate(zip(self._lefts, cells, strict=True)):
            x = left
            if isinstance(cell, tuple):
                if not cell or cell == ("",):
                    continue
                if place in self._numeric and len(cell) == 1:  # figures stand under one another
                    wide = sum(map(self._advance.__getitem__, cell[0])) * self._size
                    x = left + self._widths[place] - _GAP - wide
                dense.append(Dense(x, y, cell))
            else:
                for number, line in enumerate(cell):
                    sheet.put(line, x, y - number * self._leading)
        self._down(height)

    def _down(self, height: float) -> None:
        sheet = self._sheet
        sheet.y -= height
        sheet.page.shapes.append(Rule(sheet.left - _EDGE, sheet.y, sheet.right, sheet.y, 0.25))

    def _rule_columns(self) -> None:
        """Lines between the columns of what was put since the head, or since a line of the whole width."""
        if self._since is None:
            return
        sheet, top, self._since = self._sheet, self._since, None
        for x in (*(left - _EDGE for left in self._lefts), sheet.right):
            sheet.page.shapes.append(Rule(x, top, x, sheet.y, 0.25))

    def _need(self, height: float) -> None:
        if self._sheet.room < height:
            self._new_page()

    def _new_page(self) -> None:
        self._rule_columns()
        self._sheet.new_page()
        self._dress()
        self._head()

    def _dress(self) -> None:
        page = self._sheet.page
        page.dense_size, page.dense_leading = self._size, self._leading

    def _head(self) -> None:
        sheet = self._sheet
        self._since = sheet.y
        sheet.page.shapes.append(Rule(sheet.left - _EDGE, sheet.y, sheet.right, sheet.y, 0.25))
        heads = [
            lay([strong(title)], width - _GAP, self._size)
            for title, width in zip(self._titles, self._widths, strict=True)
        ]
        tall = max(map(len, heads))
        for place, lines in enumerate(heads):
            side = "right" if place in self._numeric else "left"
            x, wide = self._lefts[place], self._widths[place] - _GAP
            for number, line in enumerate(lines, 1):
                sheet.put(line, x, sheet.y - number * self._leading, side, wide)
        height = tall * self._leading
        if self._numbered:
            height += self._leading
            for place, (x, width) in enumerate(zip(self._lefts, self._widths, strict=True), 1):
                (line,) = lay([Text(f"({place})")], width, self._size - 0.6)
                sheet.put(line, x, sheet.y - height, "center", width - _GAP)
        sheet.y -= height + _BELOW
        sheet.page.shapes.append(Rule(sheet.left - _EDGE, sheet.y, sheet.right, sheet.y, 0.8))
