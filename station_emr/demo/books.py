"""Months of the made-up station's registers that the director closed, and one late correction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.period import Period
from station_emr.domain.user import Actor
from station_emr.services.registers import UNSIGNED
from station_emr.services.station_services import StationServices
from station_emr.station import OpenStation

from .station import DEMO_PASSWORD

_CLOSED: Final = 5
_REASON: Final = "Ghi thiếu cách xử trí"


def close_months(
    services: StationServices, director: Actor, now: datetime, months: int = _CLOSED
) -> None:
    """Of the months before the last one so many are closed; the last waits for the director."""
    month = Period.at(now).previous
    for _step in range(months):
        month = month.previous
        view = services.registers.show(director, month)
        if view.count and view.parts[0].closing is None:
            services.registers.close(director, month, DEMO_PASSWORD, (UNSIGNED,))


def correct_late(station: OpenStation, now: datetime) -> None:
    """One visit of a closed month is amended by the clinician who signed it."""
    month = Period.at(now - timedelta(days=31)).previous
    view = station.services.registers.show(station.actor, month)
    lines = [line for part in view.parts for _number, line in part.lines if part.closing]
    if lines:
        stored = station.services.encounters.get(station.actor, lines[0].encounter_id)
        visit = stored.record
        changed = replace(visit, treatment=f"{visit.treatment} Hẹn tái khám khi cần.".strip())
        station.services.encounters.amend(station.actor, changed, stored.version, _REASON)
