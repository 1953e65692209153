"""The other end as the engine sees it: the province now, another PC of the station later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.record import RecordKind

from .unit import Resource, Unit


class VerdictKind(StrEnum):
    """What the other end made of one unit."""

    ACCEPTED = "accepted"
    POISON = "poison"  # the content is at fault; it will be refused again
    CONFLICT = "conflict"  # a resource is not at the version this station believed
    GONE = "gone"  # the server deleted a resource of ours
    PARENT_MISSING = "parent_missing"  # the patient or visit has not arrived
    RETRY = "retry"  # this unit failed for a passing reason
    BUSY = "busy"  # the whole server asks to come back later
    REFUSED = "refused"  # this device may not write
    WRONG_MODE = "wrong_mode"  # the server does not work the way its statement said


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``reason`` is a Vietnamese sentence for the nurse; empty when accepted."""

    kind: VerdictKind
    reason: str = ""
    etags: Mapping[str, str] = field(default_factory=dict)
    changed: int = 0
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A resource as the server holds it now."""

    resource: Resource
    etag: str


@dataclass(slots=True)
class Traffic:
    """Body bytes on the wire, after compression, both ways; the headers beside them."""

    up: int = 0
    down: int = 0
    requests: int = 0
    header_up: int = 0
    header_down: int = 0

    def count(self, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
        """One request with these headers has been answered with those (as text of HTTP/1.1)."""
        self.requests += 1
        self.header_up += sum(len(name) + len(str(value)) + 4 for name, value in asked.items())
        self.header_down += sum(len(name) + len(str(value)) + 4 for name, value in answered.items())

    def copy(self) -> Traffic:
        return replace(self)


class Refused(EnvironmentFailure):
    """The server does not let this device write; asking again will not help."""


class Busy(EnvironmentFailure):
    """The server asks to come back later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Peer(Protocol):
    """Every method raises NetworkFailure when no usable answer came."""

    @property
    def name(self) -> str:
        """For the status line: where the records go."""

    @property
    def traffic(self) -> Traffic: ...

    @property
    def clock_skew(self) -> timedelta | None:
        """The server's clock minus this machine's, as last seen; None before any answer."""

    @property
    def facts(self) -> str:
        """What was learnt about the server, as text to keep; changes as it is learnt."""

    @property
    def software(self) -> str:
        """What the server calls itself, with its version; empty while that is not known."""

    @property
    def stays(self) -> frozenset[RecordKind]:
        """Kinds of records that the server is known not to take."""

    def recall(self, facts: str) -> None:
        """Take back what :attr:`facts` gave in an earlier run; foreign text is ignored."""

    def greet(self) -> None:
        """Make sure that the right server is there and works the way we need. Raises Refused."""

    def probe(self) -> None:
        """One small authenticated request. Raises Refused or Busy."""

    def send(self, unit: Unit) -> Verdict: ...

    def held(self, key: str) -> Held | None:
        """The resource ``Type/id`` as the server has it, None when it has none."""

    def count(self, kinds: Iterable[str]) -> dict[str, int]:
        """How many resources of each type the server holds for this facility."""
