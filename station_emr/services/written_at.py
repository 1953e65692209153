"""Which machine of the station wrote what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from station_emr.domain.lineage import by_rule
from station_emr.domain.operation import Origin

from .ports import RecordStore, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAt:
    """Where the newest version was written. ``machine`` is empty when nobody gave it a name;
    ``elsewhere``: another machine of the station did.
    """

    machine: str
    elsewhere: bool


def written_at(store: RecordStore[Any], stored: Stored[Any]) -> WrittenAt:
    """Of the version that is shown; a merge by rule was written by no machine, so its last author's
    counts.
    """
    nodes = store.lineage(stored.record.id)
    people = [one for one in nodes if one.version <= stored.version and not by_rule(one)]
    if not people:
        return WrittenAt(machine="", elsewhere=False)
    newest = people[-1]
    return WrittenAt(machine=newest.device, elsewhere=newest.origin is Origin.REPLICA)
