"""Judges the lines that stations usually send, ten times as fast as `judge.py`.

It says yes or nothing: a line that it does not know word for word goes to the slow judge. A line is
compared with its own canonical form, so a key that stands twice, a number in another notation or an
escape that need not be cannot pass unseen.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from provincial_server.exchange.judge import Judged, contradiction
from provincial_server.exchange.shapes import AnyResource, Instant
from provincial_server.records import ROOT_TYPES
from provincial_server.resources import Key
from provincial_server.settings import Limits
from provincial_server.validation import Parent

_LARGEST_NUMBER = 2**62
_TEXT = Annotated[str, Meta(max_length=4000)]
_OperationId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_UUID = Annotated[
    str, Meta(pattern=r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
]


class _Author(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: _TEXT
    name: _TEXT


class _Line(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    at: Instant
    by: _Author
    id: _UUID
    inc: Annotated[str, Meta(pattern=r"\A(?:[0-9a-f]{16}|merge|rest)\Z")]
    kind: Literal[tuple(sorted(ROOT_TYPES))]  # type: ignore[valid-type]
    n: Annotated[int, Meta(ge=0, le=_LARGEST_NUMBER)]
    resources: Annotated[list[AnyResource], Meta(min_length=1)]
    status: Literal["signed", "amended", "voided"]
    base: Annotated[list[_OperationId], Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    device: _TEXT | UnsetType = UNSET
    open: list[_TEXT] | UnsetType = UNSET
    reason: _TEXT | UnsetType = UNSET
    rule: Annotated[int, Meta(ge=1, le=_LARGEST_NUMBER)] | UnsetType = UNSET
    skew: Annotated[int, Meta(ge=-_LARGEST_NUMBER, le=_LARGEST_NUMBER)] | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(_Line)
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_POINTERS = re.compile(rb'"reference":"(Patient|Encounter)/([A-Za-z0-9\-.]{1,64})')
# Each of these is allowed in places, and the slow judge knows where.
_ESCAPED_CONTROL = re.compile(rb"\\[ubf]")
_BEGINS_WITH_SPACE = re.compile(
    rb'"(?: |\\[tnr]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80|\xe2\x81\x9f|\xe3\x80\x80)'
)
# The first byte of each, which is found twice as fast as all of them.
_MAY_BEGIN_WITH_SPACE = re.compile(rb'"[ \\\xc2\xe1\xe2\xe3]')


def is_unusual(line: bytes) -> bool:
    """A control character, an object with nothing in it, a text that may be all space."""
    return (
        b"\x7f" in line
        or (b"\\" in line and _ESCAPED_CONTROL.search(line) is not None)
        or b"{}" in line
        or any(
            _BEGINS_WITH_SPACE.match(line, found.start())
            for found in _MAY_BEGIN_WITH_SPACE.finditer(line)
        )
    )


def pointers(line: bytes) -> set[Key]:
    """The persons and visits that references point at. Inside a text the quotes are escaped."""
    return {(kind.decode(), name.decode()) for kind, name in _POINTERS.findall(line)}


def judge_quickly(line: bytes, limits: Limits) -> Judged | None:
    """The line, understood; None when the slow judge has to look at it."""
    if is_unusual(line):
        return None
    try:
        content = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    unit: list[Any] = content.resources
    if len(unit) > limits.entries or _ENCODER.encode(content) != line:
        return None
    base = () if content.base is UNSET else tuple(content.base)
    rule = 0 if content.rule is UNSET else content.rule
    if contradiction(content.inc, content.n, rule) or list(base) != sorted(set(base)):
        return None
    record_id: str = content.id
    prefix = f"{record_id}-"
    keys = []
    for resource in unit:
        resource_id: str = resource.id
        if resource_id != record_id and not resource_id.startswith(prefix):
            return None
        keys.append((type(resource).__name__, resource_id))
    own = set(keys)
    if len(own) != len(keys) or keys[0][0] != ROOT_TYPES[content.kind]:
        return None
    parents = tuple(Parent(*key, "") for key in sorted(pointers(line) - own))
    return Judged(content.kind, record_id, base, content.inc, content.n, tuple(keys), parents)
