"""The one round trip, as the engine sees it (docs/sync.md, "The exchange")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.operation import Tally

PROTOCOL = 1


class RefusalKind(StrEnum):
    """Why one operation was not taken."""

    POISON = "poison"  # the content is at fault; it will be refused again
    PARENT = "parent"  # the patient or the visit is not there
    BASE = "base"  # an operation it was written on is not there
    BUSY = "busy"  # a passing reason
    DENIED = "denied"  # this device may not write it


class PageRefused(EnvironmentFailure):
    """A request with lines was refused as a whole. ``lasting``: for what it holds, not for a fault
    of the moment; ``body`` is what the server said; ``end`` ends a run that cannot go on.
    """

    def __init__(self, status: int, body: Any, *, lasting: bool, end: EnvironmentFailure) -> None:
        super().__init__(str(end))
        self.status = status
        self.body = body
        self.lasting = lasting
        self.end = end


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """``issues`` are those of an OperationOutcome; ``reason`` is the sentence made of them, where a
    relay passes it on.
    """

    at: int
    kind: RefusalKind
    issues: Sequence[Mapping[str, Any]] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """``lines`` are operations, byte for byte; ``buckets`` is True for the table of buckets, numbers
    for the ids in those, None for neither.
    """

    incarnation: str
    number: int
    epoch: str = ""
    cursor: int = 0
    room: int = 65536
    want: Sequence[str] = ()
    buckets: bool | Sequence[int] | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[bytes] = ()
    letter: bytes = b""  # to the province, closed and signed: a relay alone is asked to pass it on


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeReply:
    """``taken`` are the places in the request that are held now. ``tally`` is None while more waits.
    ``stale`` asks this database to take a new incarnation. ``held_by_province`` is False when a
    relay answered: what it took is still waiting for the province, but for the operations named in
    ``held``, sent or received. ``new`` of the taken ones were not
    known there before.
    """

    epoch: str
    taken: frozenset[int]
    refused: Sequence[Refusal]
    cursor: int
    more: bool
    lines: Sequence[bytes]
    tally: Tally | None = None
    buckets: Sequence[Tally] | None = None
    listed: Mapping[int, Sequence[str]] = field(default_factory=dict)
    stale: bool = False
    pause: float | None = None
    held_by_province: bool = True
    held: frozenset[str] = frozenset()
    new: int = 0
    letter: bytes = b""  # what the province answered to an earlier one


class ExchangePeer(Protocol):
    """Raises NetworkFailure when no usable answer came, Refused or Busy (sync/peer.py)."""

    def exchange(self, request: ExchangeRequest) -> ExchangeReply: ...
