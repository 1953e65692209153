"""A resource is not at the version this station believed: whose write was it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from station_emr.domain.record import RecordKind

from .peer import Peer
from .unit import Resource, Unit, key_of

# From the receiving facility's first answer on, a referral's Task is theirs to move.
_THEIRS_ONCE_MOVED: Final = {"Task": ("status", "requested")}
# Several people may edit a person's details; everything else is written by its station alone.
_SHARED_KINDS: Final = frozenset({RecordKind.PATIENT})
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_SERVER_SETS: Final = frozenset({"versionId", "lastUpdated"})

CONFLICT: Final = (
    "Thông tin người bệnh này trên máy chủ tỉnh đã được nơi khác sửa. Bản của trạm vẫn được giữ "
    "nguyên và chưa gửi. Hãy so lại với người bệnh rồi sửa và lưu lại."
)


class Unsettled(Exception):
    """Somebody else changed the same record; a person has to decide."""


def settle(peer: Peer, kind: RecordKind, unit: Unit, ours: Iterable[Resource]) -> Unit:
    """The unit with the versions the server has now, ready to be sent once more.

    ``ours`` are the resources of earlier versions of the record: the server may hold one of those
    after a lost reply, which is our own write and no conflict. Raises Unsettled for a shared record
    that holds something this station never wrote.
    """
    written = _contents_by_key((*unit.resources, *ours))
    etags: dict[str, str] = {}
    kept: list[Resource] = []
    for resource in unit.resources:
        key = key_of(resource)
        held = peer.held(key)
        if held is None:
            kept.append(resource)  # never arrived, or deleted there: ours to create again
            continue
        etags[key] = held.etag
        own = content(held.resource) in written[key]
        if not own and _is_theirs(held.resource):
            continue
        if not own and kind in _SHARED_KINDS:
            raise Unsettled(key)
        kept.append(resource)
    return Unit(tuple(kept), etags)


def content(resource: Resource) -> Mapping[str, Any]:
    """What a person wrote, without what the server sets; numbers compare by value."""
    plain: dict[str, Any] = msgspec.json.decode(_ENCODER.encode(resource))
    meta = {k: v for k, v in (plain.pop("meta", None) or {}).items() if k not in _SERVER_SETS}
    return {**plain, "meta": meta} if meta else plain


def _contents_by_key(resources: Iterable[Resource]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for resource in resources:
        found.setdefault(key_of(resource), []).append(content(resource))
    return found


def _is_theirs(resource: Resource) -> bool:
    rule = _THEIRS_ONCE_MOVED.get(resource["resourceType"])
    return rule is not None and resource.get(rule[0]) != rule[1]
