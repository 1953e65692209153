"""Lines of a form: words, blanks to write on, boxes to tick and leaders, broken to a width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from .fonts import REGULAR, SYMBOL, face
from .shaping import Piece, clusters, pieces

_WORDS: Final = re.compile(r"\n|[^\S\n]+|\S+")
BOX_GAP: Final = 0.2  # before a tick box, which never leaves the word it belongs to
RING_GAP: Final = 0.45  # at both sides of a figure to encircle
# A figure and its unit stay on one line: a dose read without its unit is a known cause of error.
_UNITS: Final = frozenset(
    [
        "%",
        "°C",
        "mmHg",
        "mg",
        "g",
        "kg",
        "µg",
        "mcg",
        "ml",
        "mL",
        "l",
        "L",
        "lít",
        "cm",
        "mm",
        "m",
        "mmol/L",
        "g/L",
        "g/l",
        "mg/dL",
        "UI",
        "IU",
        "đơn",
        "lần/phút",
        "lít/phút",
        "ml/giờ",
        "giọt/phút",
        "viên",
        "ống",
        "gói",
        "lọ",
        "chai",
        "tuýp",
        "giọt",
        "nhát",
        "lần",
        "ngày",
        "tuần",
        "tháng",
        "tuổi",
        "giờ",
        "phút",
    ]
)


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    face: str = REGULAR


@dataclass(frozen=True, slots=True)
class Blank:
    """A dotted place for a word to be written by hand; ``width`` in points."""

    width: float


@dataclass(frozen=True, slots=True)
class Box:
    """A square, crossed when it holds. A letter, not a drawing: who reads the text can tell."""

    ticked: bool = False


@dataclass(frozen=True, slots=True)
class Ringed:
    """A figure that a person would encircle by hand."""

    text: str
    ringed: bool
    face: str = REGULAR


@dataclass(frozen=True, slots=True)
class Tab:
    """Go on at ``at`` points from the left edge, or after a little space when already beyond."""

    at: float


@dataclass(frozen=True, slots=True)
class Fill:
    """Dots from here to what follows on the line, or to its end."""


Inline = Text | Blank | Box | Ringed | Tab | Fill


@dataclass(frozen=True, slots=True)
class Placed:
    """Something at ``x`` points from the left edge of its line."""

    x: float
    width: float
    what: Piece | Blank | Ringed


@dataclass(slots=True)
class Line:
    size: float
    items: list[Placed] = field(default_factory=list)
    dots: list[tuple[float, float]] = field(default_factory=list)

    @property
    def width(self) -> float:
        return max((item.x + item.width for item in self.items), default=0.0)


@dataclass(slots=True)
class _Token:
    """What may not be parted: pieces of one word, or one blank or figure."""

    width: float
    what: tuple[Piece, ...] | Blank | Ringed
    space: bool  # a space before it, where a line may break
    lead: float = 0.0  # white before it, where a line may not break


class _Breaker:
    """Builds lines greedily. Tokens glued to one another (no space between) stay on one line."""

    def __init__(self, width: float, size: float, first: float, rest: float) -> None:
        self.width = width
        self.size = size
        self.rest = rest
        self.space = face(REGULAR).width(" ", size)
        self.lines: list[Line] = []
        self.line = Line(size)
        self.x = first
        self.fill_from: float | None = None
        self.fresh = True  # nothing on this line yet
        self.glued: list[_Token] = []
        self.pending_space = False
        self._after_figure = False

    def feed(self, inlines: Iterable[Inline]) -> None:
        for inline in inlines:
            match inline:
                case Text():
                    self._text(inline)
                case Blank():
                    self._add(_Token(inline.width, inline, self._take_space()))
                case Box():
                    self._box(inline)
                case Ringed():
                    width = face(inline.face).width(inline.text, self.size)
                    width += 2 * RING_GAP * self.size
                    self._add(_Token(width, inline, self._take_space()))
                case Tab():
                    self._tab(inline.at)
                case Fill():
                    self._flush()
                    self._end_fill(self.x)
                    self.fill_from = self.x

    def finish(self) -> list[Line]:
        self._flush()
        self._end_line()
        return self.lines

    def _text(self, inline: Text) -> None:
        for part in _WORDS.findall(inline.text):
            if part == "\n":
                self._flush()
                self._end_line()
            elif part.isspace():
                self.pending_space = True
            else:
                found = pieces(part, inline.face, self.size)
                width = sum(piece.width for piece in found)
                if width > self.width - self.rest:
                    self._long_word(part, inline.face)
                else:
                    space = self._take_space()
                    tied = space and self._after_figure and part.rstrip(".,;:)") in _UNITS
                    lead = self.space if tied else 0.0
                    self._add(_Token(width, found, space and not tied, lead))
                self._after_figure = part[-1].isnumeric()

    def _box(self, inline: Box) -> None:
        found = pieces("☒" if inline.ticked else "☐", SYMBOL, self.size)
        self._add(_Token(found[0].width, found, self._take_space(), BOX_GAP * self.size))

    def _long_word(self, word: str, name: str) -> None:
        """A word wider than the line may break between any two letters."""
        part, width = "", 0.0
        limit = self.width - max(self.rest, 0.0) - self.space
        for cluster in clusters(word):
            wide = sum(piece.width for piece in pieces(cluster, name, self.size))
            if part and width + wide > limit:
                self._add(_Token(width, pieces(part, name, self.size), self._take_space()))
                self._flush()
                self._end_line()
                part, width = "", 0.0
            part += cluster
            width += wide
        self._add(_Token(width, pieces(part, name, self.size), self._take_space()))

    def _take_space(self) -> bool:
        taken, self.pending_space = self.pending_space, False
        return taken

    def _add(self, token: _Token) -> None:
        if token.space and self.glued:
            self._flush()
        self.glued.append(token)

    def _flush(self) -> None:
        if not self.glued:
            return
        tokens, self.glued = self.glued, []
        gap = self.space if tokens[0].space and not self.fresh else 0.0
        width = sum(token.width + token.lead for token in tokens)
        if not self.fresh and self.x + gap + width > self.width + 0.01:
            self._end_line()
            gap = 0.0
        self.x += gap
        self._end_fill(self.x)
        for token in tokens:
            self._place(token)

    def _place(self, token: _Token) -> None:
        self.fresh = False
        self.x += token.lead
        if isinstance(token.what, tuple):
            for piece in token.what:
                self.line.items.append(Placed(self.x, piece.width, piece))
                self.x += piece.width
        else:
            self.line.items.append(Placed(self.x, token.width, token.what))
            self.x += token.width

    def _tab(self, at: float) -> None:
        self._flush()
        self.pending_space = False
        target = at if self.fresh or at >= self.x + self.space else self.x + 3 * self.space
        self._end_fill(target - self.space)
        self.x = target

    def _end_fill(self, x: float) -> None:
        if self.fill_from is not None:
            start = self.fill_from + self.space
            if x - start > 2 * self.space:
                self.line.dots.append((start, x))
            self.fill_from = None

    def _end_line(self) -> None:
        self._end_fill(self.width)
        self.lines.append(self.line)
        self.line = Line(self.size)
        self.x = self.rest
        self.fresh = True
        self.pending_space = False


def lay(
    inlines: Sequence[Inline],
    width: float,
    size: float,
    *,
    first: float = 0.0,
    rest: float = 0.0,
) -> list[Line]:
    """Break ``inlines`` into lines of ``width`` points; ``first`` and ``rest`` are indents."""
    breaker = _Breaker(width, size, first, rest)
    breaker.feed(inlines)
    return breaker.finish()


def lay_balanced(inlines: Sequence[Inline], width: float, size: float) -> list[Line]:
    """Like :func:`lay` for centred text: the same number of lines, as equal in length as can be."""
    lines = lay(inlines, width, size)
    if len(lines) < 2:
        return lines
    narrow = width / 2
    while width - narrow > 2:
        middle = (narrow + width) / 2
        tried = lay(inlines, middle, size)
        if len(tried) == len(lines):
            lines, width = tried, middle
        else:
            narrow = middle
    return lines
