"""An emergency access in the pictured station, long judged: nothing is left to be alarmed about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.access import (
    EMERGENCY_ACTIONS,
    EMERGENCY_LASTS,
    Grant,
    GrantKind,
    Verdict,
)
from station_emr.station import OpenStation

from .scripted import NURSE, actor_named

_AGO: Final = timedelta(days=9, hours=2)


def note_emergency(station: OpenStation, moment: datetime) -> None:
    """Somebody opened a record at night; the director has judged it."""
    nurse = actor_named(station, NURSE)
    since = moment - _AGO
    with station.store.write() as work:
        person = work.patients.search("mẫu", 1)
        grant = Grant(
            id=station.services.clock.new_id(),
            kind=GrantKind.EMERGENCY,
            user_id=nurse.user.id,
            user_name=nurse.user.snapshot.printed_name,
            since=since,
            until=since + EMERGENCY_LASTS,
            reason="Người bệnh hôn mê lúc trực đêm, cần biết tiền sử dị ứng",
            actions=EMERGENCY_ACTIONS,
            patient_id=person[0].id if person else "",
            patient_name=person[0].full_name if person else "Người bệnh mẫu",
        )
        work.access.add_grant(grant)
    station.services.people.emergency.review(
        station.actor, grant.id, Verdict.JUSTIFIED, "Đúng là cấp cứu, đã chuyển viện"
    )
