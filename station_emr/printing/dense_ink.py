"""The fast way to ink: thousands of small lines on a page, as the registers of a year have them.

The canvas asks its font letter by letter for every line. Here each letter is asked for once in a
document; after that a line is one translation of the string.
"""

from __future__ import annotations

from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from .fonts import REGULAR
from .sheet import Page

_FIRST: Final = 0  # the part of the font that holds the letters met first, nearly all of them


class DenseInk:
    """Of one document."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._codes: dict[int, str] = {}
        self._others: dict[str, tuple[int, str]] = {}

    def write(self, page: Page) -> None:
        """Put the dense lines of a page on the canvas."""
        if not page.dense:
            return
        font = pdfmetrics.getFont(REGULAR)
        document = self._canvas._doc  # noqa: SLF001  # fonts count their letters by document
        for letter in set().union(*(line for cell in page.dense for line in cell.lines)):
            self._learn(font, document, letter)
        size = f"{page.dense_size:.2f} Tf {page.dense_leading:.2f} TL"
        names = {
            part: f"{font.getSubsetInternalName(part, document)} {size}"
            for part in {_FIRST, *(part for part, _code in self._others.values())}
        }
        out = ["BT", names[_FIRST]]
        for cell in page.dense:
            out.append(f"1 0 0 1 {cell.x:.2f} {cell.y:.2f} Tm")
            out.append(" T* ".join(self._shown(line, names) for line in cell.lines))
        out.append("ET")
        self._canvas.addLiteral("\n".join(out))

    def _learn(self, font: object, document: object, letter: str) -> None:
        if ord(letter) in self._codes or letter in self._others:
            return
        ((part, code),) = font.splitString(letter, document)  # type: ignore[attr-defined]
        escaped = self._canvas._escape(code)  # noqa: SLF001  # as the canvas itself does
        if part == _FIRST:
            self._codes[ord(letter)] = escaped
        else:
            self._others[letter] = part, escaped

    def _shown(self, line: str, names: dict[int, str]) -> str:
        if self._others.keys().isdisjoint(line):
            return f"({line.translate(self._codes)}) Tj"
        shown, now = [], _FIRST
        for letter in line:
            part, code = self._others.get(letter) or (_FIRST, self._codes[ord(letter)])
            if part != now:
                shown.append(names[part])
                now = part
            shown.append(f"({code}) Tj")
        if now != _FIRST:
            shown.append(names[_FIRST])
        return " ".join(shown)
