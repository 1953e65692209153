"""One letter with all that its page shows, read at once; and its signing. No widgets.

Threading: both functions read and write the database; call them through the session.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import InvalidRecord
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action, may
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.domain.user import Actor
from station_emr.services.ports import Stored
from station_emr.services.station_services import StationServices
from station_emr.services.version_ports import TypedAmendment
from station_emr.services.views import ReferralRow
from station_emr.services.visits import VisitPapers

# MA_LOAI_RV (QĐ 4750): a visit that ends in a letter did not simply go home.
OWN_FIELDS = "referral."  # the prefix of a letter's fields among those of its visit
_WENT_HOME, _SENT_ON, _SENT_ON_REQUEST = "1", "2", "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as it stands. ``expected`` is the number it would get; ``row`` None: never kept.

    ``joined_number`` is the number of the chart it hangs on, when that was joined to ``patient``.
    """

    referral: Referral
    version: int
    status: RecordStatus
    row: ReferralRow | None
    patient: Patient
    encounter: Stored[Encounter]
    expected: str = ""
    joined_number: str = ""
    feedback: ReferralFeedback | None = None
    typed: TypedAmendment | None = None  # what this person began to amend and did not sign

    @property
    def is_draft(self) -> bool:
        return self.status is RecordStatus.DRAFT

    @property
    def visit_unsigned(self) -> bool:
        return self.encounter.status is RecordStatus.DRAFT


def load_letter(
    services: StationServices, actor: Actor, referral_id: str, encounter_id: str
) -> Letter:
    """The letter asked for; for a visit without one, a fresh draft prefilled from the visit."""
    stored = None
    if referral_id:
        stored = services.referrals.get(actor, referral_id)
    elif (found := services.referrals.of_encounter(actor, encounter_id)) is not None:
        stored = None if found.status is RecordStatus.VOIDED else found
    if stored is None:
        referral = services.referrals.prepare(actor, encounter_id)
        version, status = 0, RecordStatus.DRAFT
    else:
        referral, version, status = stored.record, stored.version, stored.status
    person = services.patients.standing(actor, referral.patient_id)
    rights = services.people.roles.table(actor)
    typed = None
    if version and may(actor.role, Action.RECORD_AMEND, rights):
        typed = services.drafts.amendment(actor, RecordKind.REFERRAL, referral.id, version)
    may_write = may(actor.role, Action.REFERRAL_PREPARE, rights)
    return Letter(
        referral=referral,
        version=version,
        status=status,
        row=services.referrals.row(actor, referral.id),
        patient=person.stored.record,
        joined_number=person.joined_number,
        encounter=services.encounters.get(actor, referral.encounter_id),
        feedback=services.referrals.feedback(actor, referral.id) if version else None,
        typed=typed,
        expected=services.referrals.expected_number(actor) if may_write else "",
    )


def sign_letter(
    services: StationServices, actor: Actor, referral: Referral, confirmed: Collection[str]
) -> Changes:
    """Sign the letter, together with its visit when that is not signed yet.

    The typed draft is kept first, so that a refusal loses nothing. Raises InvalidRecord with the
    letter's own fields under ``referral.``.
    """
    services.referrals.save_draft(actor, referral)
    stored = services.encounters.get(actor, referral.encounter_id)
    if stored.status is not RecordStatus.DRAFT:
        changes = _sign_alone(services, actor, referral)
    else:
        changes = services.visits.sign(
            actor, _papers(services, actor, stored.record, referral), confirmed
        )
    services.sync.send_now(actor)
    return changes


def _sign_alone(services: StationServices, actor: Actor, referral: Referral) -> Changes:
    try:
        return services.referrals.sign(actor, referral)
    except InvalidRecord as refused:
        raise InvalidRecord(
            tuple(replace(p, field=f"{OWN_FIELDS}{p.field}") for p in refused.problems)
        ) from None


def _papers(
    services: StationServices, actor: Actor, encounter: Encounter, referral: Referral
) -> VisitPapers:
    if encounter.discharge == _WENT_HOME:
        asked = referral.reason is ReferralReason.PATIENT_REQUEST
        encounter = replace(encounter, discharge=_SENT_ON_REQUEST if asked else _SENT_ON)
    prescription = services.prescriptions.of_encounter(actor, encounter.id)
    appointment = services.appointments.of_encounter(actor, encounter.id)
    with_drugs = prescription is not None and prescription.status is RecordStatus.DRAFT
    with_date = appointment is not None and appointment.status is RecordStatus.DRAFT
    return VisitPapers(
        encounter=encounter,
        prescription=prescription.record
        if prescription and with_drugs and prescription.record.lines
        else None,
        appointment=appointment.record if appointment and with_date else None,
        referral=referral,
    )
