"""What a server says about itself in /metadata, and what was learnt by talking to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from .exchange_peer import PROTOCOL

_FRESH: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Remembered per server address. ``gzip`` is None until a compressed upload was tried; ``zstd``
    is False where the server did not know the dictionary, ``dictionaries`` are the numbers that it
    offers, None before they were asked for; ``short``: it reads short lines;
    ``pieces``: the largest piece of a printed form that it takes; ``binaries``: it takes them whole;
    ``tally``: it says which of them it holds; ``lacks``: types of ours that it does not take with our
    ids. ``seen_at`` is when the statement was read.
    """

    url: str
    software: str = ""
    transaction: bool | None = None
    update_create: bool | None = None
    gzip: bool | None = None
    exchange: bool = False
    short: bool = False
    zstd: bool | None = None
    dictionaries: tuple[int, ...] | None = None
    pieces: int = 0
    binaries: bool = False
    tally: bool = False
    lacks: tuple[str, ...] = ()
    seen_at: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the statement need not be read again yet."""
        return self.seen_at is not None and abs(now - self.seen_at) < _FRESH

    def to_text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str, url: str) -> ServerFacts:
        """The remembered facts, or none when the text is foreign or about another server."""
        try:
            facts = msgspec.json.decode(text.encode(), type=cls)
        except (msgspec.DecodeError, UnicodeError):
            return cls(url=url)
        return facts if facts.url == url else cls(url=url)


@dataclass(frozen=True, slots=True)
class Statement:
    """``lacks``: types of ours that do not take our own ids; ``exchange``: the one round trip of
    ours is offered in a version that this program speaks.
    """

    software: str
    transaction: bool
    lacks: tuple[str, ...]
    exchange: bool
    short: bool
    dictionaries: tuple[int, ...]
    pieces: int
    binaries: bool
    tally: bool


def read_statement(body: Any, used: frozenset[str]) -> Statement | None:
    """What the server promises about the types that are ``used``.

    None when ``body`` is not a CapabilityStatement of an R4 server: then it is not a server for us.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "CapabilityStatement":
        return None
    if not str(body.get("fhirVersion", "")).startswith("4."):
        return None
    rests = [r for r in body.get("rest") or () if isinstance(r, dict) and r.get("mode") == "server"]
    if not rests:
        return None
    rest = rests[0]
    transaction = any(
        one.get("code") == "transaction" for one in rest.get("interaction") or () if one
    )
    creates = {
        one.get("type")
        for one in rest.get("resource") or ()
        if isinstance(one, dict) and one.get("updateCreate") is True
    }
    software = body.get("software") or {}
    name = f"{software.get('name', '')} {software.get('version', '')}".strip()
    offered = _exchange_of(rest)
    return Statement(
        name,
        transaction,
        tuple(sorted(used - creates)),
        PROTOCOL in offered.versions,
        offered.short,
        offered.dictionaries,
        _pieces_of(rest),
        "Binary" in creates,
        _said_of(rest, "tally") is not None,
    )


@dataclass(frozen=True, slots=True)
class _Offered:
    """Of the exchange: its versions, the numbers of dictionaries, and whether lines may be short."""

    versions: Sequence[Any] = ()
    dictionaries: tuple[int, ...] = ()
    short: bool = False


def _exchange_of(rest: dict[str, Any]) -> _Offered:
    """Versions are told by an extension; without one it is the first."""
    said = _said_of(rest, "exchange")
    if said is None:
        return _Offered()
    versions = [value for name, value in said if name == "exchange-version"]
    numbers = [value for name, value in said if name == "exchange-dictionary"]
    dictionaries = tuple(sorted({one for one in numbers if type(one) is int and one > 0}))
    return _Offered(versions or [PROTOCOL], dictionaries, ("exchange-short", 1) in said)


def _pieces_of(rest: dict[str, Any]) -> int:
    """The largest piece of a printed form; 0 where none are taken."""
    for name, value in _said_of(rest, "received") or ():
        if name == "binary-pieces" and type(value) is int and value > 0:
            return value
    return 0


def _said_of(rest: dict[str, Any], operation_name: str) -> list[tuple[str, Any]] | None:
    """Names and numbers of the extensions of an operation; None where it is not offered."""
    for operation in rest.get("operation") or ():
        if isinstance(operation, dict) and operation.get("name") == operation_name:
            return [
                (str(one.get("url", "")).rpartition("/")[2], one.get("valueInteger"))
                for one in operation.get("extension") or ()
                if isinstance(one, dict)
            ]
    return None
