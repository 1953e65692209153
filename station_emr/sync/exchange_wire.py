"""Requests and replies of the exchange as bytes: a header and lines, packed (docs/sync.md, "The
exchange"). Reading is strict: what is cut short, foreign or larger than it may be raises
:class:`Garbled`, and nothing of it counts.
"""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import zstandard

from station_emr.domain.operation import Tally
from station_emr.domain.operation import bucket as bucket_of

from .dictionaries import NEWEST, compressor, dictionary
from .exchange_peer import PROTOCOL, ExchangeReply, ExchangeRequest, Refusal, RefusalKind
from .operation_line import OP_ID
from .retry_after import bounded
from .short_lines import NotShort, lengthen, shorten

MEDIA_TYPE: Final = "application/vnd.station-emr.exchange"
DICTIONARY_HEADER: Final = "X-Exchange-Dictionary"
STALE: Final = "stale"
LARGEST_BODY: Final = 32 * 1024 * 1024
_NOT_WORTH_PACKING: Final = 100
_SMALL: Final = 64 * 1024
_FIRM_UP_TO: Final = 1024 * 1024  # the hardest level costs seconds on larger bodies
_HARD_UP_TO: Final = 2 * 1024 * 1024
_WINDOW: Final = 32 * 1024 * 1024
# The next page may be packed while a thread still packs the present one, and no two may use one compressor.
_PACKING: Final = threading.Lock()
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Garbled(Exception):
    """The bytes are not a whole message of this protocol, or not the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How bodies go: ``zstd`` with a dictionary (0: without one), or ``gzip``."""

    encoding: str = "zstd"
    dictionary: int = NEWEST


PLAIN: Final = Packing("", 0)
GZIP: Final = Packing("gzip", 0)


@dataclass(frozen=True, slots=True)
class Body:
    """A body ready for the line with the headers that say how it is packed."""

    content: bytes
    headers: Mapping[str, str]


# --- packing -------------------------------------------------------------------------------------


def pack(plain: bytes, packing: Packing, level: int = 19) -> Body:
    """Packed as ``packing`` says, unless it is too short for that to help. ``level`` is the hardest
    that is worth the time; small bodies cost none, large ones too much in any case.
    """
    headers = {"Content-Type": MEDIA_TYPE}
    if len(plain) < _NOT_WORTH_PACKING or not packing.encoding:
        return Body(plain, headers)
    headers["Content-Encoding"] = packing.encoding
    if packing.encoding == "gzip":
        return Body(gzip.compress(plain, 9, mtime=0), headers)
    if packing.dictionary:
        headers[DICTIONARY_HEADER] = str(packing.dictionary)
    level = 19 if len(plain) <= _SMALL else min(level, _hardest(len(plain)))
    with _PACKING:
        return Body(compressor(packing.dictionary, level).compress(plain), headers)


def _hardest(size: int) -> int:
    if size <= _FIRM_UP_TO:
        return 19
    return 12 if size <= _HARD_UP_TO else 6


def unpack(
    body: bytes, encoding: str = "", dictionary_number: int = 0, largest: int = LARGEST_BODY
) -> bytes:
    """The plain bytes, never more than ``largest``. Raises Garbled."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        if len(body) > largest:
            raise Garbled("larger than it may be")
        return body
    if encoding == "gzip":
        return _gunzip(body, largest)
    if encoding == "zstd":
        return _unzstd(body, dictionary_number, largest)
    raise Garbled("packed in a way this program does not know")


def _gunzip(body: bytes, largest: int) -> bytes:
    unpacking = zlib.decompressobj(31)
    try:
        plain = unpacking.decompress(body, largest + 1)
    except zlib.error as error:
        raise Garbled("not gzip") from error
    if len(plain) > largest:
        raise Garbled("larger than it may be")
    if not unpacking.eof or unpacking.unused_data:
        raise Garbled("cut short")
    return plain


def _unzstd(body: bytes, dictionary_number: int, largest: int) -> bytes:
    """One frame that names its size, whole and nothing after it."""
    words = dictionary(dictionary_number)
    if dictionary_number and words is None:
        raise Garbled("packed with a dictionary this program does not have")
    try:
        size = zstandard.frame_content_size(body)
        if size < 0 or size > largest:
            raise Garbled("larger than it may be")
        unpacking = zstandard.ZstdDecompressor(dict_data=words, max_window_size=_WINDOW)
        plain = unpacking.decompress(body, max_output_size=largest, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Garbled("cut short or not zstd") from error
    if len(plain) != size:
        raise Garbled("cut short")
    return plain


def _join(header: Mapping[str, Any], lines: Iterable[bytes], *, short: bool) -> bytes:
    """``size`` lets the reader see that nothing is missing, also where a line happens to end."""
    rest = b"\n".join(map(shorten, lines) if short else lines)
    told = {**header, "short": True} if short else header
    first = _ENCODER.encode({**told, "size": len(rest)})
    return first + b"\n" + rest if rest else first


def _whole(header: Any, lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The lines as they were sealed."""
    if header.size != sum(map(len, lines)) + max(len(lines) - 1, 0):
        raise Garbled("cut short")
    if not header.short:
        return lines
    left = LARGEST_BODY
    found: list[bytes] = []
    try:
        for line in lines:
            found.append(lengthen(line, left))
            left -= len(found[-1])
    except NotShort as error:
        raise Garbled("a short line that stands for none") from error
    return tuple(found)


def _split(plain: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    header, *lines = plain.removesuffix(b"\n").split(b"\n")
    if not all(lines):
        raise Garbled("an empty line")
    return header, tuple(lines)


# --- the request ---------------------------------------------------------------------------------


class _RequestHeader(msgspec.Struct):
    v: int
    rid: str
    size: int
    inc: str
    n: int
    epoch: str = ""
    cursor: int = 0
    room: int = 65536
    want: list[str] = []
    buckets: bool | list[int] | None = None
    state: dict[str, Any] = {}
    short: bool = False


def encode_request(
    request: ExchangeRequest,
    rid: str,
    *,
    short: bool = False,
    log: Mapping[str, Any] | None = None,
) -> bytes:
    """The plain body; nothing empty is sent. ``short``: the lines are, and the answer's may be.
    ``log``: where the audit chain ends, on a stick.
    """
    asked = request.buckets
    header: dict[str, Any] = {
        "v": PROTOCOL,
        "rid": rid,
        "inc": request.incarnation,
        "n": request.number,
        "epoch": request.epoch,
        "cursor": request.cursor,
        "room": request.room,
        "want": list(request.want),
        "buckets": asked if isinstance(asked, bool) or asked is None else list(asked),
        "state": dict(request.state),
        "log": log,
    }
    kept = {"v", "rid", "inc", "n", "cursor", "room"}
    told = {name: value for name, value in header.items() if value or name in kept}
    return _join(told, request.lines, short=short)


def decode_request(plain: bytes) -> tuple[ExchangeRequest, str]:
    """The request and its ``rid``. Raises Garbled."""
    first, lines = _split(plain)
    header = _header(first, _RequestHeader)
    if header.v != PROTOCOL:
        raise Garbled("another version of the protocol")
    lines = _whole(header, lines)
    if header.n < 0 or header.cursor < 0 or not header.rid:
        raise Garbled("the header is not in order")
    if isinstance(header.buckets, list) and not all(0 <= b < 256 for b in header.buckets):
        raise Garbled("there is no such bucket")
    request = ExchangeRequest(
        incarnation=header.inc,
        number=header.n,
        epoch=header.epoch,
        cursor=header.cursor,
        room=max(header.room, 0),
        want=tuple(header.want),
        buckets=_asked(header.buckets),
        state=header.state,
        lines=lines,
    )
    return request, header.rid


def _asked(buckets: bool | list[int] | None) -> bool | tuple[int, ...] | None:
    if isinstance(buckets, list):
        return tuple(buckets)
    return True if buckets else None


# --- the reply -----------------------------------------------------------------------------------


class _Refused(msgspec.Struct):
    at: int
    kind: str
    issues: list[dict[str, Any]] = []


class _ReplyHeader(msgspec.Struct):
    v: int
    rid: str
    size: int
    epoch: str
    cursor: int
    taken: list[tuple[int, int]] = []
    new: int = 0
    refused: list[_Refused] = []
    more: bool = False
    count: int | None = None
    sum: int | None = None
    buckets: list[tuple[int, int]] | None = None
    listed: dict[str, list[str]] = {}
    incarnation: str = ""
    pause: float | None = None
    short: bool = False


def encode_reply(reply: ExchangeReply, rid: str, *, short: bool = False) -> bytes:
    """The plain body, for a machine that stands in as the others' meeting point."""
    header: dict[str, Any] = {
        "v": PROTOCOL,
        "rid": rid,
        "epoch": reply.epoch,
        "cursor": reply.cursor,
        "taken": ranges(reply.taken),
        "new": reply.new,
        "refused": [
            {"at": one.at, "kind": one.kind.value, "issues": list(one.issues)}
            for one in reply.refused
        ],
        "more": reply.more,
    }
    if reply.tally is not None:
        header |= {"count": reply.tally.count, "sum": reply.tally.total}
    if reply.buckets is not None:
        header["buckets"] = [[tally.count, tally.total] for tally in reply.buckets]
    if reply.listed:
        header["listed"] = {str(bucket): list(ids) for bucket, ids in reply.listed.items()}
    if reply.stale:
        header["incarnation"] = STALE
    if reply.pause is not None:
        header["pause"] = reply.pause
    return _join(header, reply.lines, short=short)


def decode_reply(plain: bytes, rid: str, sent: int) -> ExchangeReply:
    """The answer to the request ``rid``, which held ``sent`` lines. Raises Garbled."""
    first, lines = _split(plain)
    header = _header(first, _ReplyHeader)
    if header.v != PROTOCOL:
        raise Garbled("another version of the protocol")
    if header.rid != rid:
        raise Garbled("an answer to another request")
    lines = _whole(header, lines)
    if header.cursor < 0 or not header.epoch:
        raise Garbled("the header is not in order")
    taken = _places(header.taken, sent)
    refused = tuple(_refusal(one, sent) for one in header.refused)
    if taken & {one.at for one in refused}:
        raise Garbled("taken and refused at once")
    whole = header.count is not None and header.sum is not None
    return ExchangeReply(
        epoch=header.epoch,
        taken=taken,
        new=min(max(header.new, 0), len(taken)),
        refused=refused,
        cursor=header.cursor,
        more=header.more,
        lines=lines,
        tally=Tally(header.count or 0, header.sum or 0) if whole else None,
        buckets=_table(header.buckets),
        listed=_listed(header.listed),
        stale=header.incarnation == STALE,
        pause=bounded(header.pause),
    )


def ranges(places: Iterable[int]) -> list[list[int]]:
    """``{0, 1, 2, 5}`` → ``[[0, 2], [5, 5]]``."""
    found: list[list[int]] = []
    for place in sorted(places):
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


_H = Any


def _header(first: bytes, shape: type[_H]) -> _H:
    try:
        return msgspec.json.decode(first, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Garbled("no header of this protocol") from error


def _places(spans: Sequence[tuple[int, int]], sent: int) -> frozenset[int]:
    found: set[int] = set()
    if len(spans) > sent:
        raise Garbled("more places than were sent")
    for first, last in spans:
        if not 0 <= first <= last < sent:
            raise Garbled("a place that was not sent")
        found.update(range(first, last + 1))
    return frozenset(found)


def _refusal(one: _Refused, sent: int) -> Refusal:
    """A kind of a later protocol is a passing reason: the line waits."""
    if not 0 <= one.at < sent:
        raise Garbled("a place that was not sent")
    known = one.kind in set(RefusalKind)
    kind = RefusalKind(one.kind) if known else RefusalKind.BUSY
    return Refusal(at=one.at, kind=kind, issues=tuple(one.issues))


def _table(pairs: Sequence[tuple[int, int]] | None) -> tuple[Tally, ...] | None:
    if pairs is None:
        return None
    if len(pairs) != 256:
        raise Garbled("there are 256 buckets")
    return tuple(Tally(count, total) for count, total in pairs)


def _listed(found: Mapping[str, Sequence[str]]) -> dict[int, tuple[str, ...]]:
    listed: dict[int, tuple[str, ...]] = {}
    for bucket, ids in found.items():
        if not (bucket.isascii() and bucket.isdigit() and len(bucket) < 4 and int(bucket) < 256):
            raise Garbled("there is no such bucket")
        for one in ids:
            if not OP_ID.fullmatch(one) or bucket_of(one) != int(bucket):
                raise Garbled("an id of another bucket")
        listed[int(bucket)] = tuple(ids)
    return listed
