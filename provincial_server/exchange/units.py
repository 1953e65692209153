"""What a line says of a record whose resources came through plain FHIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from provincial_server.dates import VIETNAM
from provincial_server.records import BASIC, KINDS, ROOT_TYPES, UUID, kind_of_basic
from provincial_server.resources import Key

_VOID = ("status", "entered-in-error")
Resource = dict[str, Any]


def content_of(
    record_id: str, unit: Mapping[Key, Resource], kind: str, order: Sequence[Key] = ()
) -> dict[str, Any]:
    """The record's own resource first, then those of the version before in their `order`, then the
    others, always in the same order."""
    root = (ROOT_TYPES.get(kind, ""), record_id)
    ordered = sorted(
        unit,
        key=lambda key: (
            key != root,
            order.index(key) if key in order else len(order),
            key[0] != root[0],
            len(key[1]),
            key,
        ),
    )
    resources = [unit[key] for key in ordered]
    status = "voided" if _is_void(resources[0]) else "signed"
    return {"id": record_id, "kind": kind, "resources": resources, "status": status}


def kind_of(unit: Mapping[Key, Resource], record_id: str) -> str:
    """By the resource that has the record's own id. Of a prescription there are only lines; what
    else has no such resource belongs to no record of ours and is named by its type."""
    basic = unit.get((BASIC, record_id))
    if basic is not None and ROOT_TYPES.get(kind_of_basic(basic)) == BASIC:
        return kind_of_basic(basic)
    own = sorted(resource_type for resource_type, name in unit if name == record_id)
    kinds = [KINDS[resource_type] for resource_type in own if resource_type in KINDS]
    if kinds and kinds[0] != "prescription":
        return kinds[0]
    if UUID.fullmatch(record_id) and any(name == "MedicationRequest" for name, _ in unit):
        return "prescription"
    return (own or sorted(resource_type for resource_type, _ in unit))[0].lower()


def moment(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, VIETNAM).isoformat(timespec="milliseconds")


def _is_void(root: Resource) -> bool:
    return root.get("active") is False or root.get(_VOID[0]) == _VOID[1]
