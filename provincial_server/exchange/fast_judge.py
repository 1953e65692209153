"""Judges the lines that stations usually send, ten times as fast as `judge.py`.

It says yes or nothing: a line that it does not know word for word goes to the slow judge. A line is
compared with its own canonical form, so a key that stands twice, a number in another notation or an
escape that need not be cannot pass unseen.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from provincial_server.exchange.judge import Judged, contradiction
from provincial_server.exchange.likeness import judged_alike
from provincial_server.exchange.parts import FAULTS, pointers
from provincial_server.exchange.shapes import Instant, part_of
from provincial_server.records import ROOT_TYPES
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
    by: msgspec.Raw
    id: _UUID
    inc: Annotated[str, Meta(pattern=r"\A(?:[0-9a-f]{16}|merge|rest)\Z")]
    kind: Literal[tuple(sorted(ROOT_TYPES))]  # type: ignore[valid-type]
    n: Annotated[int, Meta(ge=0, le=_LARGEST_NUMBER)]
    resources: Annotated[list[msgspec.Raw], Meta(min_length=1)]
    status: Literal["signed", "amended", "voided"]
    base: Annotated[list[_OperationId], Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    device: msgspec.Raw | UnsetType = UNSET
    open: msgspec.Raw | UnsetType = UNSET
    reason: msgspec.Raw | UnsetType = UNSET
    rule: Annotated[int, Meta(ge=1, le=_LARGEST_NUMBER)] | UnsetType = UNSET
    skew: Annotated[int, Meta(ge=-_LARGEST_NUMBER, le=_LARGEST_NUMBER)] | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(_Line)
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_BY, _SAID, _OPEN = part_of(_Author), part_of(_TEXT), part_of(list[_TEXT])


def judge_quickly(line: bytes, limits: Limits) -> Judged | None:
    """The line, understood; None when the slow judge has to look at it."""
    try:
        content = _DECODER.decode(line)
        if _ENCODER.encode(content) != line:
            return None
    except FAULTS:
        return None
    unit: list[msgspec.Raw] = content.resources
    if len(unit) > limits.entries:
        return None
    base = () if content.base is UNSET else tuple(content.base)
    rule = 0 if content.rule is UNSET else content.rule
    if contradiction(content.inc, content.n, rule) or list(base) != sorted(set(base)):
        return None
    record_id: str = content.id
    said = (content.by, content.device, content.open, content.reason)
    judged = judged_alike(record_id, unit)
    if judged is None or pointers(said, (_BY, _SAID, _OPEN, _SAID)) is None:
        return None
    keys, found = judged
    own = set(keys)
    if len(own) != len(keys) or keys[0][0] != ROOT_TYPES[content.kind]:
        return None
    parents = tuple(Parent(*key, "") for key in sorted(found - own)) if found else ()
    return Judged(content.kind, record_id, base, content.inc, content.n, tuple(keys), parents)
