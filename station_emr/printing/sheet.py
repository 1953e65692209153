"""Pages as lists of what stands where; nothing is drawn before every page is known.

Knowing all pages first is what lets a footer say "Trang 1/3" and a test ask where a box stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from reportlab.lib.units import mm

from .fonts import REGULAR, face
from .shaping import Piece
from .typeset import (
    RING_GAP,
    Blank,
    Inline,
    Line,
    Ringed,
    lay,
    lay_balanced,
)

A4: Final = (210 * mm, 297 * mm)
A5: Final = (148 * mm, 210 * mm)


@dataclass(frozen=True, slots=True)
class Run:
    """Text whose baseline starts at (x, y)."""

    x: float
    y: float
    face: str
    size: float
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    x1: float
    y1: float
    x2: float
    y2: float
    weight: float = 0.6


@dataclass(frozen=True, slots=True)
class Dots:
    x1: float
    x2: float
    y: float


@dataclass(frozen=True, slots=True)
class Frame:
    x: float
    y: float
    width: float
    height: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code of ``side`` points with its lower left corner at (x, y)."""

    x: float
    y: float
    side: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled box of a chart; ``grey`` is 0 for black and 1 for white."""

    x: float
    y: float
    width: float
    height: float
    grey: float = 0.35


@dataclass(frozen=True, slots=True)
class Dense:
    """Lines of one cell of a long table, the first baseline at ``y``. Plain letters of the regular
    face only: what needs shaping is a :class:`Run`.
    """

    x: float
    y: float
    lines: tuple[str, ...]


Shape = Rule | Dots | Frame | Ring | Code | Bar


@dataclass(slots=True)
class Page:
    size: tuple[float, float]
    runs: list[Run] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    dense: list[Dense] = field(default_factory=list)
    dense_size: float = 0.0
    dense_leading: float = 0.0


@dataclass(slots=True)
class Block:
    """Lines that follow one another. ``together`` forbids a page break inside."""

    lines: list[Line]
    leading: float
    before: float = 0.0
    together: bool = False
    with_next: bool = False
    align: str = "left"

    @property
    def height(self) -> float:
        return self.before + self.leading * len(self.lines)


@dataclass(frozen=True, slots=True)
class Format:
    """Paper and margins, in points; the footer stands inside the lower margin."""

    paper: tuple[float, float]
    left: float
    right: float
    top: float
    bottom: float


class Sheet:
    """A document under construction: a cursor that moves down and on to the next page."""

    def __init__(self, form: Format, *, size: float, leading: float) -> None:
        self.format = form
        self.size = size
        self.leading = leading
        self.page = Page(form.paper)
        self.pages: list[Page] = []
        self.running: Callable[[Sheet], None] | None = None
        self.y = 0.0
        self.new_page()

    @property
    def left(self) -> float:
        return self.format.left

    @property
    def right(self) -> float:
        return self.format.paper[0] - self.format.right

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def room(self) -> float:
        """Height left on this page."""
        return self.y - self.format.bottom

    def new_page(self) -> None:
        self.page = Page(self.format.paper)
        self.pages.append(self.page)
        self.y = self.format.paper[1] - self.format.top
        if self.running is not None:
            self.running(self)

    def need(self, height: float) -> None:
        """Go to a new page unless ``height`` still fits on this one."""
        if self.room < height:
            self.new_page()

    def block(
        self,
        inlines: Sequence[Inline],
        *,
        size: float | None = None,
        leading: float | None = None,
        first: float = 0.0,
        rest: float = 0.0,
        before: float = 0.0,
        width: float | None = None,
        align: str = "left",
        together: bool = False,
        with_next: bool = False,
    ) -> Block:
        """Break ``inlines`` to the width of the page (or ``width``) without placing them yet."""
        size = size or self.size
        if align == "center":
            lines = lay_balanced(inlines, width or self.width, size)
        else:
            lines = lay(inlines, width or self.width, size, first=first, rest=rest)
        return Block(
            lines,
            leading or self.leading * size / self.size,
            before=before,
            together=together,
            with_next=with_next,
            align=align,
        )

    def flow(self, blocks: Iterable[Block], gap: float = 0.0) -> None:
        """Place blocks one below the other, over as many pages as they need."""
        todo = list(blocks)
        for index, block in enumerate(todo):
            after = todo[index + 1].leading if block.with_next and index + 1 < len(todo) else 0.0
            whole = block.height + after
            if block.together or block.with_next:
                self.need(min(whole, self._full_height))
            elif len(block.lines) > 1:
                self.need(block.before + 2 * block.leading)
            self.y -= block.before + gap
            for line in block.lines:
                self.need(block.leading)
                self.y -= block.leading
                self.put(line, self.left, self.y + block.leading * 0.25, block.align, self.width)

    @property
    def _full_height(self) -> float:
        return self.format.paper[1] - self.format.top - self.format.bottom

    def put(self, line: Line, x: float, y: float, align: str = "left", width: float = 0.0) -> None:
        """Place one line with its baseline at ``y``; ``width`` matters for centred and right."""
        if align == "center":
            x += (width - line.width) / 2
        elif align == "right":
            x += width - line.width
        page, size = self.page, line.size
        start: tuple[float, str, str] | None = None  # a run that may still grow
        end = 0.0
        for item in line.items:
            what = item.what
            if isinstance(what, Piece) and not what.shaped:
                gap = item.x - end
                if start is not None and start[1] == what.face and gap < 0.3 * size:
                    joined = start[2] + (" " if gap > 0.05 * size else "") + what.text
                    start = (start[0], what.face, joined)
                else:
                    self._end_run(start, x, y, size)
                    start = (item.x, what.face, what.text)
            else:
                self._end_run(start, x, y, size)
                start = None
                self._put_other(what, item.x + x, y, size)
            end = item.x + item.width
        self._end_run(start, x, y, size)
        page.shapes.extend(Dots(x + begin, x + stop, y - 0.1 * size) for begin, stop in line.dots)

    def _end_run(
        self, start: tuple[float, str, str] | None, x: float, y: float, size: float
    ) -> None:
        if start is not None:
            self.page.runs.append(Run(x + start[0], y, start[1], size, start[2]))

    def _put_other(self, what: Piece | Blank | Ringed, x: float, y: float, size: float) -> None:
        page = self.page
        match what:
            case Piece():
                page.runs.append(Run(x, y, what.face, size, what.text))
            case Blank():
                page.shapes.append(Dots(x, x + what.width, y - 0.1 * size))
            case Ringed():
                left = x + RING_GAP * size
                page.runs.append(Run(left, y, what.face, size, what.text))
                if what.ringed:
                    middle = left + face(what.face).width(what.text, size) / 2
                    page.shapes.append(Ring(middle, y + 0.33 * size, 0.62 * size))

    def text(
        self,
        inlines: Sequence[Inline],
        x: float,
        y: float,
        *,
        width: float,
        size: float | None = None,
        leading: float | None = None,
        align: str = "left",
    ) -> float:
        """Place a paragraph at a fixed spot (first baseline ``y``); returns the last baseline."""
        size = size or self.size
        leading = leading or size * 1.22
        lines = (lay_balanced if align == "center" else lay)(inlines, width, size)
        for index, line in enumerate(lines):
            self.put(line, x, y - index * leading, align, width)
        return y - (len(lines) - 1) * leading

    def word(self, text: str, x: float, y: float, *, face: str = REGULAR, size: float) -> None:
        """One run exactly there; the text is the program's own (no shaping, no line breaks)."""
        self.page.runs.append(Run(x, y, face, size, text))
