"""Bills of the made-up station's last days: most closed, the newest still open."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from station_emr.domain.errors import InvalidRecord
from station_emr.domain.record import RecordStatus
from station_emr.domain.user import Actor
from station_emr.services.guards import confirmation_key
from station_emr.services.station_services import StationServices

DAYS: Final = 3
MOST: Final = 40
_LEFT_OPEN: Final = 2


def bill_visits(services: StationServices, actor: Actor) -> int:
    """Close the bills of signed visits of the last days; gives how many. What a list cannot price
    stays a draft, as it would at a station.
    """
    today = services.clock.now().date()
    rows = services.billing.rows(actor, today - timedelta(days=DAYS), today, MOST)
    signed = [row for row in rows if row.visit_status is not RecordStatus.DRAFT]
    closed = 0
    for place, row in enumerate(signed):
        if place < _LEFT_OPEN or row.bill_id:
            continue  # rows come newest first
        bill = services.billing.prepare(actor, row.encounter_id)
        patient = services.patients.standing(actor, row.patient_id).stored.record
        yes = [confirmation_key(one) for one in services.billing.check(bill, patient)]
        try:
            services.billing.sign(actor, bill, yes)
        except InvalidRecord:
            services.billing.save_draft(actor, bill)
        else:
            closed += 1
    return closed
