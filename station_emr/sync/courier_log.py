"""The end of the log of who did what goes along on the stick (docs/courier.md, "The log").

The province cannot ask back what this chain holds at the end it saw last, and that end may have come
by a file whose answer never came home. So a file says what stands at every end shown lately.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from station_emr.domain.audit import ChainHead, EvidenceKind
from station_emr.services.audit_evidence import Anchoring, head_now
from station_emr.services.ports import Clock, Store, Work

SHOWN: Final = "courier.shown_ends"
_MOST_SHOWN: Final = 40
_MOST_TAKEN: Final = 40


def show_log(work: Work, at: datetime) -> dict[str, Any]:
    """What the header of a file says of the log as it is now, and remember that it was said; empty
    while there is no line.
    """
    head = head_now(work)
    if head is None:
        return {}
    shown = _shown(work)
    work.settings.put(SHOWN, json.dumps([head.seq, *shown][:_MOST_SHOWN]))
    taken = (one.head.seq for one in work.audit.anchors() if one.kind is EvidenceKind.PROVINCE)
    places = sorted({*shown, *list(taken)[:_MOST_TAKEN]} - {head.seq}, reverse=True)
    held = ((seq, work.audit.hash_at(seq)) for seq in places)
    return {
        "incarnation": head.incarnation,
        "seq": head.seq,
        "hash": head.hash,
        "at": at.isoformat(timespec="milliseconds"),
        "holds": [{"seq": seq, "hash": found} for seq, found in held if found is not None],
    }


def _shown(work: Work) -> list[int]:
    with suppress(ValueError):
        kept = json.loads(work.settings.get(SHOWN) or "[]")
        if isinstance(kept, list):
            return [seq for seq in kept if type(seq) is int and seq > 0][:_MOST_SHOWN]
    return []


class _End(msgspec.Struct):
    incarnation: str
    seq: int
    hash: str
    at: str = ""

    def head(self) -> ChainHead:
        return ChainHead(seq=self.seq, hash=self.hash, incarnation=self.incarnation)


class LogAnswer(msgspec.Struct):
    """What the province said of it; also in an old reply every end in it must still be in the chain."""

    shown: _End
    accepted: bool = False
    ends: Sequence[_End] = ()


def take_answer(store: Store, clock: Clock, answer: LogAnswer) -> None:
    """Keep the end that was taken, and note each end that this chain does not hold."""
    now = clock.now()
    Anchoring(store, clock).answered(
        replace(answer.shown.head(), at=now) if answer.accepted else None,
        tuple(end.head() for end in answer.ends),
    )
