"""A resource is not at the version this station believed: whose write was it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import Work

from .peer import Peer
from .unit import Resource, Unit, key_of

# From the receiving facility's first answer on, a referral's Task is theirs to move.
_THEIRS_ONCE_MOVED: Final = {"Task": ("status", "requested")}
# Written by their station alone: its newest is right, whatever a server without the exchange holds.
_OURS_ALONE: Final = frozenset(
    {RecordKind.PRACTITIONER, RecordKind.FACILITY, RecordKind.RIGHTS, RecordKind.STANDING}
)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_SERVER_SETS: Final = frozenset({"versionId", "lastUpdated"})

CONFLICT: Final = (
    "Hồ sơ này trên máy chủ tỉnh đã được nơi khác sửa, hoặc mới hơn bản sao lưu mà trạm vừa khôi phục. "
    "Bản của trạm vẫn được giữ nguyên và chưa gửi. Hãy so lại với người bệnh rồi sửa và lưu lại: "
    "bản lưu lại sẽ được gửi."
)
_NOTE: Final = "sync.conflict."


class Unsettled(Exception):
    """The server holds what this station never wrote; a person has to decide."""

    def __init__(self, etags: Mapping[str, str]) -> None:
        super().__init__("unsettled")
        self.etags = etags


def remember(work: Work, item: OutboxItem, etags: Mapping[str, str], newest: int) -> None:
    """Note what the server held when the person was asked, and the ``newest`` version then."""
    note = msgspec.json.encode({"version": newest, "etags": dict(etags)}).decode()
    work.settings.put(_note_key(item), note)


def decided(work: Work, item: OutboxItem) -> Mapping[str, str]:
    """The server's versions that a person chose to replace: by a version saved after the question.

    Should the server have moved on since, these no longer fit and the question is asked anew.
    """
    found = work.settings.get(_note_key(item))
    if not found:
        return {}
    note = msgspec.json.decode(found.encode(), type=_Note)
    return note.etags if item.version > note.version else {}


def forget(work: Work, item: OutboxItem) -> None:
    """The record has arrived."""
    if work.settings.get(_note_key(item)):
        work.settings.put(_note_key(item), "")


def _note_key(item: OutboxItem) -> str:
    return f"{_NOTE}{item.kind.value}.{item.record_id}"


class _Note(msgspec.Struct):
    version: int
    etags: dict[str, str]


def settle(peer: Peer, kind: RecordKind, unit: Unit, ours: Iterable[Resource]) -> Unit:
    """The unit with the versions the server has now, ready to be sent once more.

    ``ours`` are the resources of earlier versions of the record: the server may hold one of those
    after a lost reply, which is our own write and no conflict. Raises Unsettled when it holds
    something that this station, as far as it remembers, never wrote.
    """
    written = _contents_by_key((*unit.resources, *ours))
    etags: dict[str, str] = {}
    kept: list[Resource] = []
    foreign = False
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
        foreign = foreign or not own
        kept.append(resource)
    if foreign and kind not in _OURS_ALONE:
        raise Unsettled(etags)
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
