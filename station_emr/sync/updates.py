"""Once after every update of this program or of the server: what was refused or could not be read is
tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from station_emr.services.ports import Store

from .applying import Applier, CannotApply

RELEASED_FOR: Final = "sync.released_for"
_EVERY_LINE: Final = 1_000_000
_LINES: Final = 25


def release_refused(store: Store, programs: str, *, known: bool) -> None:
    """The same for a server without the exchange. ``known``: this server was spoken to before."""
    with store.read() as work:
        before = work.settings.get(RELEASED_FOR)
    if before == programs:
        return
    with store.write() as work:
        if before or known:
            work.outbox.release_quarantined()
        work.settings.put(RELEASED_FOR, programs)


def after_update(store: Store, programs: str, applier: Applier) -> None:
    """``programs`` names this program and the server's with their versions."""
    with store.read() as work:
        if work.settings.get(RELEASED_FOR) == programs:
            return
        kept = [name for name, _, _ in work.operations.unreadables(_EVERY_LINE)]
    kept.reverse()  # as they came: what others wait for before those
    for start in range(0, len(kept), _LINES):
        _try_again(store, applier, kept[start : start + _LINES])
    with store.write() as work:
        work.outbox.release_quarantined()
        work.settings.put(RELEASED_FOR, programs)


def _try_again(store: Store, applier: Applier, names: Sequence[str]) -> None:
    """One short transaction, so that a nurse's own write never waits long."""
    aside: frozenset[str] = frozenset()
    while True:
        try:
            with store.write() as work:
                lines = [line for line in map(work.operations.line, names) if line is not None]
                applier.again(work, lines, aside)
        except CannotApply as fault:
            aside |= {fault.name}
        else:
            return
