"""Everything that the sync page shows, read in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from station_emr.domain.outages import LineHistory
from station_emr.domain.sync import OutboxItem, SyncRun, SyncStatus
from station_emr.services.gateways import GatewayStanding
from station_emr.services.refused_fields import RefusedField
from station_emr.ui.models.session import Session

_RUNS_KEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Its parts agree, because they were read together."""

    status: SyncStatus
    waiting: tuple[OutboxItem, ...]
    refused: tuple[OutboxItem, ...]
    runs: tuple[SyncRun, ...]
    line: LineHistory
    names: dict[str, str]
    fields: dict[OutboxItem, RefusedField]
    gateways: tuple[GatewayStanding, ...]


def read_picture(session: Session, before: Picture | None) -> Picture:
    """Names, fields and the history of the line that are known from ``before`` are not read again.
    Not on the GUI thread.
    """
    known = before.names if before is not None else {}
    told = before.fields if before is not None else {}
    sync, actor = session.services.sync, session.actor
    waiting = sync.waiting(actor)
    refused = sync.quarantined(actor)
    people = {item.patient_id for item in (*waiting, *refused)} - {""}
    fresh = sync.names(actor, people - known.keys())
    runs = sync.runs(actor, _RUNS_KEPT)
    same = before is not None and before.runs == runs
    return Picture(
        status=sync.status(),
        waiting=waiting,
        refused=refused,
        runs=runs,
        line=before.line if before is not None and same else sync.line_history(actor),
        names={**known, **fresh},
        gateways=session.services.gateways.standing(actor),
        fields={item: told.get(item) or sync.refused_field(actor, item) for item in refused},
    )
