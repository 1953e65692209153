"""Reading the certificate of a visit, or a fresh one for a visit that has none. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.certificate import SickLeave, SickLeaveRules
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordStatus
from station_emr.services.station_services import StationServices
from station_emr.ui.models.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A certificate as it was read. ``kept``: whether it lies in the record yet. ``voided_number``
    is that of an earlier one of this visit that counts no more.
    """

    certificate: SickLeave
    patient: Patient
    rules: SickLeaveRules
    version: int
    status: RecordStatus
    kept: bool
    visit_signed: bool
    voided_number: str = ""

    @property
    def is_draft(self) -> bool:
        return self.status is RecordStatus.DRAFT

    @property
    def counts(self) -> bool:
        return self.status in (RecordStatus.SIGNED, RecordStatus.AMENDED)


def load_certificate(services: StationServices, session: Session, encounter_id: str) -> Opened:
    """Reads the database; call it through the session."""
    actor = session.actor
    visit = services.encounters.get(actor, encounter_id)
    found = services.certificates.of_encounter(actor, encounter_id)
    voided = found is not None and found.status is RecordStatus.VOIDED
    if found is None or (voided and session.may(Action.CERTIFICATE_PREPARE)):
        certificate = services.certificates.prepare(actor, encounter_id)
        version, status, kept = 0, RecordStatus.DRAFT, False
    else:
        certificate, version, status, kept = found.record, found.version, found.status, True
    day = certificate.visited_on or visit.record.arrived_at.date()
    return Opened(
        certificate=certificate,
        patient=services.patients.standing(actor, certificate.patient_id).stored.record,
        rules=services.certificates.rules(day),
        version=version,
        status=status,
        kept=kept,
        visit_signed=visit.status in (RecordStatus.SIGNED, RecordStatus.AMENDED),
        voided_number=found.record.number if found is not None and voided and not kept else "",
    )
