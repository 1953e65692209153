"""How much one request may carry: what the line has shown to move in ten seconds.

Pure: the caller measures. A page is the most that a cut can make go twice, so what goes up is held
under 64 kB on the wire; what comes down may be more, because each page that arrived stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

FLOOR: Final = 64 * 1024
"""Bytes of lines. The floor keeps a bad measurement from trapping a station in pages of nothing."""
CAP: Final = 4 * 1024 * 1024

_SECONDS: Final = 10.0
_APPLYING: Final = 2.0  # seconds of writing that a killed program may lose and do again
_START: Final = 48 * 1024
_MOST_UP: Final = 60 * 1024
_MOST_DOWN: Final = CAP
_LEAST: Final = 3 * 1024
_GROWTH: Final = 4
_RATIO: Final = 20.0  # a page of visits, packed with the dictionary
_TELLING: Final = 16 * 1024  # bytes of lines: less says nothing about the line
# Bytes a second on the wire (the server's work included) above which packing harder is slower.
_QUICK: Final = 256 * 1024
_FAIR: Final = 24 * 1024


@dataclass(frozen=True, slots=True)
class Pacing:
    """``up`` and ``down`` are bytes on the wire for one request; ``ratio`` is how many bytes of
    lines one of them holds; ``applied`` how many bytes of lines this machine writes in a second.
    """

    up: int = _START
    down: int = _START
    ratio: float = _RATIO
    rate: float = 0.0
    applied: float = 0.0

    @property
    def lines_up(self) -> int:
        """Bytes of lines for the next request."""
        return _within(self.up * self.ratio)

    @property
    def room(self) -> int:
        """Bytes of lines that the answer may hold."""
        room = self.down * self.ratio
        return _within(min(room, self.applied * _APPLYING) if self.applied else room)

    @property
    def level(self) -> int:
        """How hard to pack: a quick line is not worth waiting for the last percent."""
        if self.rate > _QUICK:
            return 3  # a quarter of the time of 6, for a twentieth more bytes
        return 9 if self.rate > _FAIR else 19

    @property
    def is_quick(self) -> bool:
        """Whether a page is gone in a moment: the time between two pages counts then."""
        return self.rate > _QUICK

    def after(self, plain: int, wire: int, seconds: float) -> Pacing:
        """What a request taught: ``plain`` bytes of lines went as ``wire`` bytes in ``seconds``,
        both ways together. One that carried little says little.
        """
        if plain < _TELLING or wire <= 0:
            return self
        rate = wire / max(seconds, 0.001)
        fits = int(rate * _SECONDS)
        return replace(
            self,
            up=max(_LEAST, min(_MOST_UP, fits, self.up * _GROWTH)),
            down=max(_LEAST, min(_MOST_DOWN, fits, self.down * _GROWTH)),
            ratio=max(1.0, min(100.0, 0.95 * plain / wire)),
            rate=rate,
        )

    def after_applying(self, plain: int, seconds: float) -> Pacing:
        """How long writing ``plain`` bytes of lines took here."""
        if plain < _TELLING:
            return self
        return replace(self, applied=plain / max(seconds, 0.001))

    def after_failure(self) -> Pacing:
        """A cut or a stall: a quarter goes next, so that something arrives."""
        return replace(
            self,
            up=max(_LEAST, self.up // 4),
            down=max(_LEAST, self.down // 4),
            rate=0.0,
        )


def _within(size: float) -> int:
    return int(max(FLOOR, min(CAP, size)))
