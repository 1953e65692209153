"""Reading a notice, or a fresh one for a case that nobody has written down."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.patient import Patient
from station_emr.domain.record import RecordStatus
from station_emr.domain.user import Actor
from station_emr.services.station_services import StationServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A notice as it was read. ``kept``: whether it lies in the record yet."""

    notice: CommunicableDiseaseNotification
    patient: Patient
    version: int
    status: RecordStatus
    kept: bool

    @property
    def is_draft(self) -> bool:
        return self.status is RecordStatus.DRAFT

    @property
    def is_final(self) -> bool:
        return self.status in (RecordStatus.SIGNED, RecordStatus.AMENDED)


def load_notice(
    services: StationServices, actor: Actor, encounter_id: str, notification_id: str
) -> Opened:
    """The notice of this id, else a fresh one for the case of a visit."""
    if notification_id:
        stored = services.notifications.get(actor, notification_id)
        notice, version, status, kept = stored.record, stored.version, stored.status, True
    else:
        notice = services.notifications.prepare(actor, encounter_id)
        version, status, kept = 0, RecordStatus.DRAFT, False
    person = services.patients.standing(actor, notice.patient_id).stored.record
    return Opened(notice=notice, patient=person, version=version, status=status, kept=kept)
