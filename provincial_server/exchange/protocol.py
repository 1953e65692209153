"""Request and answer as bytes: a header, then lines (docs/sync.md, "The exchange")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from provincial_server.exchange.short_lines import NotShort, lengthen, shorten
from provincial_server.faults import FhirFault, Issue, refuse

VERSION = 1
VERSIONS_HEADER = "X-Exchange-Versions"
_LARGEST_REQUEST = 64 * 1024 * 1024
_LONGEST_HEADER = 2 * 1024 * 1024
_MOST_LINES = 20_000
_LARGEST_NUMBER = 2**62
_LONGEST_WORD = 100
_STATE_KEYS = frozenset(
    {"waiting", "oldest", "refused", "conflicts", "program", "catalog", "clock"}
)
OPERATION_ID = re.compile(r"[0-9a-f]{32}")

_Number = Annotated[int, Meta(ge=0, le=_LARGEST_NUMBER)]
_Bucket = Annotated[int, Meta(ge=0, le=255)]
_OperationId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class _Version(msgspec.Struct):
    v: int


class RequestHeader(msgspec.Struct, frozen=True):
    """What a station says first. Keys of a later protocol are passed over."""

    v: int
    rid: Annotated[str, Meta(min_length=1, max_length=100)]
    inc: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    n: _Number
    size: _Number | None = None
    short: bool = False
    epoch: Annotated[str, Meta(max_length=64)] = ""
    cursor: _Number = 0
    room: _Number = 65536
    want: list[_OperationId] = []
    buckets: bool | Annotated[list[_Bucket], Meta(max_length=256)] | None = None
    state: dict[str, Any] = {}


def read_request(plain: bytes) -> tuple[RequestHeader, list[bytes]]:
    """The header and the lines; 400 for what is not a request of a version that is known."""
    first, *lines = plain.removesuffix(b"\n").split(b"\n")
    if len(first) > _LONGEST_HEADER:
        raise refuse(413, "too-long", "the header is too long")
    if len(lines) > _MOST_LINES:
        raise refuse(413, "too-costly", f"at most {_MOST_LINES} operations")
    if not all(lines):
        raise refuse(400, "structure", "a line is empty")
    try:
        version = msgspec.json.decode(first, type=_Version).v
        if version != VERSION:
            issue = Issue("not-supported", "this version of the exchange is not known here")
            raise FhirFault(400, issue, {VERSIONS_HEADER: str(VERSION)})
        header = msgspec.json.decode(first, type=RequestHeader)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise refuse(400, "structure", "the first line is not a header of the exchange") from None
    if header.size not in {None, sum(map(len, lines)) + max(len(lines) - 1, 0)}:
        raise refuse(400, "structure", "the request is cut short")
    return header, _lengthened(lines) if header.short else lines


def _lengthened(lines: Sequence[bytes]) -> list[bytes]:
    left = _LARGEST_REQUEST
    found: list[bytes] = []
    try:
        for line in lines:
            found.append(lengthen(line, left))
            left -= len(found[-1])
    except NotShort:
        raise refuse(400, "structure", "a short line stands for no line") from None
    return found


def state_text(header: RequestHeader) -> str:
    """What the overview shows of the device, empty when it says nothing: a few counts and times."""
    kept = {
        name: value[:_LONGEST_WORD] if isinstance(value, str) else value
        for name, value in header.state.items()
        if name in _STATE_KEYS and isinstance(value, str | int | float)
    }
    return msgspec.json.encode(kept, order="sorted").decode() if kept else ""


def write_answer(header: dict[str, Any], lines: Sequence[bytes], *, short: bool = False) -> bytes:
    """`size` lets the reader see that nothing is missing, also where a line happens to end."""
    if short:
        header, lines = {**header, "short": True}, list(map(shorten, lines))
    size = sum(map(len, lines)) + max(0, len(lines) - 1)
    first = msgspec.json.encode({**header, "size": size})
    return b"\n".join([first, *lines])  # put together once: a page may be several megabytes


def ranges(places: Iterable[int]) -> list[list[int]]:
    """0, 1, 2, 5 → [[0, 2], [5, 5]]."""
    found: list[list[int]] = []
    for place in places:
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found
