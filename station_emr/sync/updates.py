"""Once after every update of this program or of the server: what was refused or could not be read is
tried again.
"""

from __future__ import annotations

from typing import Final

from station_emr.services.ports import Store

from .applying import Applier, CannotApply

RELEASED_FOR: Final = "sync.released_for"
_LINES: Final = 500


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


def after_update(
    store: Store, programs: str, applier: Applier, aside: frozenset[str] = frozenset()
) -> None:
    """``programs`` names this program and the server's with their versions."""
    with store.read() as work:
        if work.settings.get(RELEASED_FOR) == programs:
            return
    try:
        with store.write() as work:
            work.outbox.release_quarantined()
            kept = [name for name, _, _ in work.operations.unreadables(_LINES)]
            lines = [line for line in map(work.operations.line, kept) if line is not None]
            applier.again(work, lines, aside)
            work.settings.put(RELEASED_FOR, programs)
    except CannotApply as fault:
        after_update(store, programs, applier, aside | {fault.name})
