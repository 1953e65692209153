"""An operation's line: sealed once, copied byte for byte after that (docs/sync.md, "An operation's
line"). Opening never trusts what it reads: anything but a whole line raises :class:`Unopenable`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

import msgspec

from station_emr.domain.operation import Envelope
from station_emr.domain.record import RecordKind, RecordStatus

Resource = dict[str, Any]

LARGEST_LINE: Final = 16 * 1024 * 1024
_DEEPEST: Final = 64
_MAGNITUDE: Final = 40  # no measured or counted thing has more digits
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")
_KINDS: Final = frozenset(kind.value for kind in RecordKind)
OP_ID: Final = re.compile(r"[0-9a-f]{32}")


class Unopenable(Exception):
    """A line that is not an operation this program can read. The text holds no patient data.

    ``kind`` and ``record_id`` are what the line calls itself, as far as that could be read;
    ``foreign_kind`` tells a record of a newer program from a broken line.
    """

    def __init__(
        self, why: str, *, kind: str = "", record_id: str = "", foreign_kind: bool = False
    ) -> None:
        super().__init__(why)
        self.kind = kind
        self.record_id = record_id
        self.foreign_kind = foreign_kind


class _By(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Line(msgspec.Struct):
    kind: str
    id: str
    status: str
    at: str
    inc: str
    n: int
    resources: list[dict[str, Any]]
    by: _By
    base: list[str] = []
    reason: str = ""
    device: str = ""
    skew: int | None = None
    open: list[str] = []
    rule: int = 0


class _Name(msgspec.Struct):
    kind: str = ""
    id: str = ""


def _number(text: str) -> Decimal:
    """Digits stay as written; a number nobody could mean is refused before anything computes it."""
    found = Decimal(text)
    if not found.is_finite() or (found and abs(found.adjusted()) > _MAGNITUDE):
        raise ValueError("a number is out of every range")
    return found


_DECODER: Final = msgspec.json.Decoder(_Line, float_hook=_number)
_NAMES: Final = msgspec.json.Decoder(_Name)


def op_id(line: bytes) -> str:
    """The id that these bytes have everywhere."""
    return hashlib.sha256(line).digest()[:16].hex()


def seal(envelope: Envelope, resources: Sequence[Resource]) -> bytes:
    """The line of one version. The same envelope and resources give the same bytes everywhere."""
    content: dict[str, Any] = {
        "at": envelope.at.isoformat(),
        "by": {"id": envelope.author_id, "name": envelope.author_name},
        "id": envelope.record_id,
        "inc": envelope.incarnation,
        "kind": envelope.kind.value,
        "n": envelope.number,
        "resources": list(resources),
        "status": envelope.status.value,
    }
    optional: Mapping[str, Any] = {
        "base": sorted(envelope.base),
        "device": envelope.device,
        "open": sorted(envelope.open_fields),
        "reason": envelope.reason,
        "rule": envelope.rule,
    }
    content.update({key: value for key, value in optional.items() if value})
    if envelope.skew is not None:
        content["skew"] = envelope.skew
    line = _ENCODER.encode(content)
    if len(line) > LARGEST_LINE:
        raise ValueError("the record is too large for a line")
    return line


def open_line(line: bytes) -> tuple[Envelope, tuple[Resource, ...]]:
    """What a line says. Raises Unopenable and nothing else, whatever the bytes are."""
    if len(line) > LARGEST_LINE or b"\n" in line:
        raise Unopenable("the bytes are not one line of a bearable length")
    try:
        content = _DECODER.decode(line)
        _check_depth(content.resources)
        return _envelope(content), tuple(content.resources)
    except Unopenable:
        raise
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as error:
        kind, record_id = name_of(line)
        raise Unopenable(
            f"not an operation: {type(error).__name__}",
            kind=kind,
            record_id=record_id,
            foreign_kind=bool(kind) and kind not in _KINDS,
        ) from error


def name_of(line: bytes) -> tuple[str, str]:
    """What a line that may be broken calls itself: kind and record id, empty where unreadable."""
    try:
        name = _NAMES.decode(line[:LARGEST_LINE])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "", ""
    return name.kind[:40], name.id[:64]


def _envelope(content: _Line) -> Envelope:
    refuse = partial(Unopenable, kind=content.kind[:40], record_id=content.id[:64])
    if content.kind not in _KINDS:
        raise refuse("a kind of record this program does not know", foreign_kind=True)
    if not content.resources:
        raise refuse("there are no resources")
    if not content.id or len(content.id) > 64:
        raise refuse("the record has no usable id")
    at = datetime.fromisoformat(content.at)
    if at.tzinfo is None:
        raise refuse("the moment has no offset")
    status = RecordStatus(content.status)
    if not status.is_final:
        raise refuse("a draft never travels")
    if content.n < 0 or content.rule < 0 or not all(map(OP_ID.fullmatch, content.base)):
        raise refuse("the envelope is not in order")
    return Envelope(
        kind=RecordKind(content.kind),
        record_id=content.id,
        status=status,
        base=tuple(sorted(set(content.base))),
        at=at,
        author_id=content.by.id,
        author_name=content.by.name,
        incarnation=content.inc,
        number=content.n,
        reason=content.reason,
        device=content.device,
        skew=content.skew,
        open_fields=tuple(sorted(set(content.open))),
        rule=content.rule,
    )


def _check_depth(resources: Sequence[Any]) -> None:
    """What reads the resources may walk them by recursion."""
    level: Sequence[Any] = resources
    for _ in range(_DEEPEST):
        if not level:
            return
        level = [
            below
            for value in level
            for below in (value.values() if type(value) is dict else value)
            if type(below) is dict or type(below) is list  # the reader of JSON makes no others
        ]
    raise Unopenable("the resources are nested too deeply")
