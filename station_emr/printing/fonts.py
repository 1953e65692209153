"""The faces of the printed forms, loaded once: Tinos (Times metrics) and DejaVu Sans for the rest.

Official papers are set in Times New Roman (NĐ 30/2020); Tinos has its metrics and, unlike many
Vietnamese faces, the letters ĕ ŏ ŭ ƀ of Gia Rai and Ba Na names.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from station_emr.services.resources import resource_path

REGULAR: Final = "Tinos"
BOLD: Final = "Tinos-Bold"
ITALIC: Final = "Tinos-Italic"
SYMBOL: Final = "DejaVuSans"

_FILES: Final = {
    REGULAR: ("tinos", "Tinos-Regular.ttf"),
    BOLD: ("tinos", "Tinos-Bold.ttf"),
    ITALIC: ("tinos", "Tinos-Italic.ttf"),
    SYMBOL: ("dejavu", "DejaVuSans.ttf"),
}


class Face:
    """One face: which letters it has and how wide they are (thousandths of the size)."""

    def __init__(self, name: str) -> None:
        folder, file = _FILES[name]
        font = TTFont(name, str(resource_path("fonts", folder, file)))
        pdfmetrics.registerFont(font)
        self.name = name
        widths: dict[int, float] = font.face.charWidths
        self._fallback: float = font.face.defaultWidth
        self.widths: dict[str, float] = {
            chr(code): widths.get(code, self._fallback) for code in font.face.charToGlyph
        }
        self.letters: frozenset[str] = frozenset(self.widths)

    def width(self, text: str, size: float) -> float:
        """The advance of ``text`` without shaping, in points."""
        if self.letters.issuperset(text):
            return sum(map(self.widths.__getitem__, text)) * size / 1000
        get = self.widths.get
        return sum(get(letter, self._fallback) for letter in text) * size / 1000


@cache
def face(name: str) -> Face:
    """The face of this name; read from disk the first time only."""
    return Face(name)
