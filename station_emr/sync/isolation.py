"""A whole page is refused, or trips the server: find the line that does it, so that the others pass
(docs/sync.md, "One run over the exchange", 8).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from .exchange_peer import PageRefused
from .queueing import Batch

_AS_MANY_AS_FIT: Final = 1 << 12


class Step(Enum):
    """What to do about a page that was refused."""

    END = auto()  # end the run; the next one tries half of it
    AGAIN = auto()  # half of it, now
    ASK = auto()  # one line is left: ask without it whether the server takes anything at all


class Isolation:
    """Remembers, as long as the program runs, how many lines a page may hold."""

    def __init__(self) -> None:
        self.most = _AS_MANY_AS_FIT
        self._suspects: set[str] = set()

    @property
    def is_off(self) -> bool:
        """Whether pages are as large as the line allows."""
        return self.most == _AS_MANY_AS_FIT

    def passed(self, lines: int) -> None:
        """A page was answered."""
        if lines >= self.most:
            self.most = min(self.most * 2, _AS_MANY_AS_FIT)

    def refused(self, batch: Batch, refusal: PageRefused) -> Step:
        """A fault of the server ends the run, so that one that is unwell is not asked again and
        again; the same line alone must trip it twice.
        """
        self.most = max(1, len(batch.lines) // 2)
        if len(batch.lines) > 1:
            return Step.AGAIN if refusal.lasting else Step.END
        if refusal.lasting or batch.names[0] in self._suspects:
            return Step.ASK
        self._suspects.add(batch.names[0])
        return Step.END
