"""What the preview must know of a paper besides its pages. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.user import Actor
from station_emr.services.station_services import StationServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Which paper, where it stands, and how often this version of it went out."""

    kind: RecordKind
    record_id: str
    status: RecordStatus
    number: str
    person: str
    copies: int
    chart_number: str = ""
    form: str = ""  # the template of a form about the visit
    joined_number: str = ""  # of the chart it hangs on, when that was joined to another

    @property
    def is_draft(self) -> bool:
        return self.status is RecordStatus.DRAFT


def load_paper(
    services: StationServices, actor: Actor, kind: RecordKind, record_id: str, form: str = ""
) -> Paper:
    """Reads the database; call it through the session."""
    if kind is RecordKind.REFERRAL:
        letter = services.referrals.get(actor, record_id)
        status, version = letter.status, letter.version
        number, patient_id = letter.record.number, letter.record.patient_id
    elif kind is RecordKind.PRESCRIPTION:
        order = services.prescriptions.get(actor, record_id)
        status, version = order.status, order.version
        number, patient_id = order.record.code, order.record.patient_id
    elif kind is RecordKind.CERTIFICATE:
        leave = services.certificates.get(actor, record_id)
        status, version = leave.status, leave.version
        number, patient_id = leave.record.number, leave.record.patient_id
    elif kind is RecordKind.NOTIFICATION:
        notice = services.notifications.get(actor, record_id)
        status, version = notice.status, notice.version
        number, patient_id = notice.record.number, notice.record.patient_id
    elif kind is RecordKind.ENCOUNTER:
        visit = services.encounters.get(actor, record_id)
        status, version = visit.status, visit.version
        number, patient_id = visit.record.number, visit.record.patient_id
    elif kind is RecordKind.BILL:
        bill = services.billing.get(actor, record_id)
        status, version = bill.status, bill.version
        number, patient_id = bill.record.number, bill.record.patient_id
    else:
        slip = services.appointments.get(actor, record_id)
        status, version = slip.status, slip.version
        number, patient_id = slip.record.number, slip.record.patient_id
    person = services.patients.standing(actor, patient_id)
    return Paper(
        kind=kind,
        record_id=record_id,
        status=status,
        number=number,
        form=form,
        person=person.stored.record.full_name,
        chart_number=person.stored.record.chart_number,
        joined_number=person.joined_number,
        copies=services.prints.copies(actor, kind, record_id, version),
    )
