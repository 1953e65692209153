"""Open fields in ordinary work: what an edit leaves open, and which decisions can be undone."""

from __future__ import annotations

import json
from typing import Any, Final

from station_emr.domain.merge import untouched
from station_emr.domain.record import RecordKind

from .ports import Stored, Work

_DECIDED: Final = "conflicts.decided"
_REMEMBERED: Final = 200


def still_open(work: Work, kind: RecordKind, before: Stored[Any], after: Any) -> tuple[str, ...]:
    """Fields that stay open after an ordinary edit: those whose value it did not change."""
    if before.version == 0:
        return ()
    node = work.operations.node(kind, before.record.id, before.version)
    if not node.open_fields:
        return ()
    return tuple(untouched(kind, before.record, after, node.open_fields))


def remember_decision(work: Work, kind: RecordKind, record_id: str, version: int) -> None:
    """Put a decision at the head of the list of those that may be undone."""
    entry = [kind.value, record_id, version]
    kept = [old for old in _entries(work) if old[:2] != entry[:2]]
    work.settings.put(_DECIDED, json.dumps([entry, *kept][:_REMEMBERED]))


def decisions(work: Work) -> tuple[tuple[RecordKind, str, int], ...]:
    """Kind, record and version of the latest decisions that came to this machine, newest first."""
    return tuple((RecordKind(kind), record, version) for kind, record, version in _entries(work))


def _entries(work: Work) -> list[list[Any]]:
    kept = work.settings.get(_DECIDED)
    return list(json.loads(kept)) if kept else []
