"""Words cut into pieces that one face can draw.

Nearly every Vietnamese word is one piece, drawn as it stands. Letters without a precomposed form
(ê̆ ơ̆ ư̆ in Gia Rai and Ba Na names) keep a combining mark after NFC; only such words are shaped,
because shaping is many times slower.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from reportlab.pdfbase.ttfonts import ShapedStr, shapeStr

from .fonts import SYMBOL, face

_COMBINING: Final = re.compile("[̀-ͯ]")
_CLUSTER: Final = re.compile("[^̀-ͯ]?[̀-ͯ]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one face, with its width at the size it was measured for."""

    face: str
    text: str
    width: float

    @property
    def shaped(self) -> bool:
        return isinstance(self.text, ShapedStr)


def clusters(text: str) -> list[str]:
    """Letters with the marks that belong to them; a line may break only between two of these."""
    return [found for found in _CLUSTER.findall(text) if found]


@lru_cache(maxsize=4096)  # the words of the form itself come back on every page
def pieces(text: str, name: str, size: float) -> tuple[Piece, ...]:
    """``text`` (NFC, no line breaks) as drawable pieces in face ``name``, falling back where needed."""
    wanted = face(name)
    marks = _COMBINING.search(text) is not None
    if not marks and wanted.letters.issuperset(text):
        return (Piece(name, text, wanted.width(text, size)),)
    found: list[Piece] = []
    for fits, group in groupby(clusters(text), wanted.letters.issuperset):
        part = "".join(group)
        found.append(_piece(part, name if fits else SYMBOL, size))
    return tuple(found)


def _piece(text: str, name: str, size: float) -> Piece:
    wanted = face(name)
    if _COMBINING.search(text) is None:
        return Piece(name, text, wanted.width(text, size))
    shaped = shapeStr(text, name, size)
    if not isinstance(shaped, ShapedStr):
        return Piece(name, shaped, wanted.width(shaped, size))
    advance = sum(data.x_advance for data in shaped.__shapeData__) * size / 1000
    return Piece(name, shaped, advance)
