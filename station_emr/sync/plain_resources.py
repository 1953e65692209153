"""What the resources of a foreign server say of themselves: whose they are, which version, when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import Work

from .sealing import Key, versions_of
from .unit import Resource

ID_LENGTH: Final = 36
_NEVER: Final = datetime(1, 1, 2, tzinfo=UTC)
_SERVER_SETS: Final = frozenset({"versionId", "lastUpdated", "source"})
_WHOSE: Final = {
    (RecordKind.PATIENT, "Condition"): "-p",
    (RecordKind.ENCOUNTER, "Condition"): "-d",
    (RecordKind.REFERRAL, "Task"): "-t",  # one without a part is a hospital's answer
}
_WHOLE: Final = frozenset({(RecordKind.FEEDBACK, "Task")})


def base_of(work: Work, kind: RecordKind, record_id: str, numbers: Mapping[Key, int]) -> int:
    """The newest version that the server had acknowledged, 0 for none."""
    nodes = versions_of(work, kind, record_id)
    unsent = {version for one, name, version in numbers if (one, name) == (kind, record_id)}
    unsent |= {
        item.version
        for item in work.outbox.quarantined()
        if (item.kind, item.record_id) == (kind, record_id)
    }
    for node in reversed(nodes):
        if node.version not in unsent and not unsent & _above(nodes, node.version):
            return node.version
    return 0


def _above(nodes: Sequence[Any], version: int) -> set[int]:
    """What a version was written on, all the way."""
    parents = {node.version: node.parents for node in nodes}
    found: set[int] = set()
    waiting = list(parents.get(version, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += parents.get(one, ())
    return found


def belongs(record: RecordKind, kind: str, name: str) -> bool:
    """Whether a resource is part of a record of ours, and of this kind of record."""
    if (record, kind) in _WHOLE:
        return len(name) == ID_LENGTH
    return len(name) >= ID_LENGTH and name[ID_LENGTH:].startswith(
        _WHOSE.get((record, kind), "-" if len(name) > ID_LENGTH else "")
    )


def is_of(station: tuple[str, str], resources: Iterable[Resource]) -> bool:
    """Whether a record nobody here knows was written by another PC of this station: it names the
    station, or a chart number of it. What other stations keep there is none of our business.
    """
    facility_id, code = station
    if not facility_id:
        return False
    for resource in resources:
        if facility_id in str(resource):
            return True
        for one in resource.get("identifier") or ():
            if isinstance(one, dict) and str(one.get("value", "")).startswith(f"{code}."):
                return True
    return False


def as_held(kind: RecordKind, record_id: str, version: int) -> OutboxItem:
    """Stands for a version of which no event waits: with it ETags are remembered, nothing else."""
    return OutboxItem(
        seq=0,
        op_id="",
        kind=kind,
        record_id=record_id,
        version=version,
        status=RecordStatus.SIGNED,
        patient_id="",
        created_at=_NEVER,
    )


def clean(resource: Resource) -> Resource:
    """Without what the server sets."""
    plain = dict(resource)
    meta = {k: v for k, v in (plain.pop("meta", None) or {}).items() if k not in _SERVER_SETS}
    return {**plain, "meta": meta} if meta else plain


def etag_of(resource: Resource) -> str:
    version = (resource.get("meta") or {}).get("versionId")
    return f'W/"{version}"' if version else ""


def moment_of(resource: Resource) -> str:
    found = (resource.get("meta") or {}).get("lastUpdated")
    return found if isinstance(found, str) and parsed(found) is not None else ""


def comparable(text: str) -> datetime:
    return parsed(text) or _NEVER


def parsed(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def place_of(key: str, record_id: str) -> tuple[bool, bool, int, str]:
    """The record's own resource first, or a prescription's first line; the others by number."""
    _, name = key.split("/", 1)
    return name != record_id, not name.endswith("-l1"), len(name), key
