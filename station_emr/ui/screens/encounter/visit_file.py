"""Everything the page knows of one visit, and the steps that touch the record. No widgets here.

These functions run in the database's thread; the page calls them through the session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from station_emr.domain.appointment import Appointment
from station_emr.domain.birth import months_old
from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.errors import Problem, StateError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action, may
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.referral import Referral
from station_emr.domain.user import Actor
from station_emr.services.guards import refuse
from station_emr.services.papers import Papers
from station_emr.services.patients import PatientCard
from station_emr.services.ports import Stored
from station_emr.services.station_services import StationServices
from station_emr.services.version_ports import TypedAmendment
from station_emr.services.visits import VisitPapers
from station_emr.ui.models.deciding import allergies_open
from station_emr.ui.screens.encounter.visit_lists import VisitLists, read_lists

P = TypeVar("P", Prescription, Appointment)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFile:
    """One visit as read from the record, with the person and what the lists offer."""

    stored: Stored[Encounter]
    card: PatientCard
    prescription: Stored[Prescription] | None
    appointment: Stored[Appointment] | None
    referral: Stored[Referral] | None
    current: tuple[PrescriptionLine, ...]
    lists: VisitLists
    orders: dict[str, CatalogRow]
    today: date
    earlier: int = 0  # the earlier version of the visit that is shown; 0: as it stands
    typed: TypedAmendment | None = None  # what this person began to amend and did not sign
    allergies_open: bool = False  # two machines wrote them differently, nobody has decided

    @property
    def encounter(self) -> Encounter:
        return self.stored.record

    @property
    def patient(self) -> Patient:
        return self.card.patient

    @property
    def status(self) -> RecordStatus:
        return self.stored.status

    @property
    def is_draft(self) -> bool:
        return self.status is RecordStatus.DRAFT

    @property
    def age_months(self) -> int:
        return months_old(self.patient.birth, self.today)

    @property
    def prescription_open(self) -> bool:
        """Whether the prescription is still a draft, or there is none yet."""
        return _is_open(self.prescription)

    @property
    def appointment_open(self) -> bool:
        return _is_open(self.appointment)

    def may_write(self, paper: Stored[Prescription] | Stored[Appointment] | None) -> bool:
        """Whether a paper follows what is typed: a draft's always, a signed one's in an amendment."""
        if self.is_draft:
            return _is_open(paper)
        return paper is None or paper.status is not RecordStatus.VOIDED

    @property
    def earlier_prescription_id(self) -> str:
        """The newest prescription of an earlier visit, to write again."""
        return next(
            (
                visit.prescription_id
                for visit in self.card.visits
                if visit.prescription_id and visit.encounter_id != self.encounter.id
            ),
            "",
        )


def _is_open(paper: Stored[Prescription] | Stored[Appointment] | None) -> bool:
    return paper is None or paper.status is RecordStatus.DRAFT


def find_visit(services: StationServices, actor: Actor) -> str:
    """The visit this person has begun today and not signed; empty when there is none."""
    for row in services.encounters.queue(actor):
        if row.stage is not Stage.IN_PROGRESS or row.status is not RecordStatus.DRAFT:
            continue
        practitioner = services.encounters.get(actor, row.encounter_id).record.practitioner
        if practitioner is not None and practitioner.user_id == actor.user.id:
            return row.encounter_id
    return ""


def load_visit(
    services: StationServices, actor: Actor, encounter_id: str, version: int = 0
) -> VisitFile:
    """Read a visit; opening a waiting one begins it when the person is the one who will sign. An
    earlier ``version`` is shown as it was, with the papers as they stand.
    """
    if may(actor.role, Action.ENCOUNTER_SIGN, services.people.roles.table(actor)):
        services.encounters.start(actor, encounter_id)
    stored = services.encounters.get(actor, encounter_id)
    if version:
        stored = services.versions.content(actor, RecordKind.ENCOUNTER, encounter_id, version)
    patient_id = stored.record.patient_id
    prescription = services.prescriptions.of_encounter(actor, encounter_id)
    appointment = services.appointments.of_encounter(actor, encounter_id)
    if stored.status is RecordStatus.DRAFT:
        prescription, appointment = _unless_void(prescription), _unless_void(appointment)
    return VisitFile(
        stored=stored,
        card=services.patients.card(actor, patient_id, visits=12),
        prescription=prescription,
        appointment=appointment,
        referral=services.referrals.of_encounter(actor, encounter_id),
        current=services.prescriptions.current_lines(
            actor, patient_id, besides=prescription.record.id if prescription else ""
        ),
        lists=read_lists(services, stored.record),
        orders=_order_rows(services, stored.record),
        today=services.catalogs.today(),
        earlier=version,
        typed=_typed(services, actor, stored),
        allergies_open=allergies_open(services.conflicts.of_patient(actor, patient_id)),
    )


def _typed(
    services: StationServices, actor: Actor, stored: Stored[Encounter]
) -> TypedAmendment | None:
    rights = services.people.roles.table(actor)
    if not stored.version or not may(actor.role, Action.RECORD_AMEND, rights):
        return None
    name = stored.record.id
    return services.drafts.amendment(actor, RecordKind.ENCOUNTER, name, stored.version)


def going_on(file: VisitFile) -> VisitFile:
    """The visit with what was typed before the page was left; its versions stay those that stand."""
    typed = file.typed
    if typed is None or typed.encounter is None:
        return file

    def over(stored: Stored[P] | None, paper: P | None) -> Stored[P] | None:
        if stored is None or paper is None:
            return stored
        return replace(stored, record=paper)

    return replace(
        file,
        stored=replace(file.stored, record=typed.encounter),
        prescription=over(file.prescription, typed.prescription),
        appointment=over(file.appointment, typed.appointment),
    )


def _unless_void(stored: Stored[P] | None) -> Stored[P] | None:
    return None if stored is None or stored.status is RecordStatus.VOIDED else stored


def _order_rows(services: StationServices, encounter: Encounter) -> dict[str, CatalogRow]:
    """The list's rows of what was ordered: unit and limits of each test."""
    found: dict[str, CatalogRow] = {}
    for procedure in encounter.procedures:
        kind = CatalogKind.RAPID_TEST if procedure.is_test else CatalogKind.PROCEDURE
        row = services.catalogs.find(kind, procedure.code)
        if row is not None:
            found[procedure.code] = row
    return found


def judge(services: StationServices, papers: VisitPapers, patient: Patient) -> tuple[Problem, ...]:
    """What stands between these papers and a signature, fields named as :class:`Visits` does."""
    encounter = papers.encounter
    found = list(services.encounters.check(encounter, patient))
    if papers.prescription is not None:
        prescription = replace(papers.prescription, diagnoses=encounter.diagnoses)
        found += _under("prescription.", services.prescriptions.check(prescription, patient))
        found = [p for p in found if not _answered_elsewhere(p, encounter)]
    if papers.appointment is not None and encounter.diagnoses:
        appointment = replace(papers.appointment, diagnoses=encounter.diagnoses)
        found += _under("appointment.", services.appointments.check(appointment, patient))
    return tuple(found)


def _answered_elsewhere(problem: Problem, encounter: Encounter) -> bool:
    """The visit asks for its diagnosis once; a weight just typed is not in the record yet."""
    taken = encounter.current_vitals
    return (problem.field == "prescription.diagnoses" and not encounter.diagnoses) or (
        problem.field == "prescription.weight" and taken is not None and taken.weight is not None
    )


def _under(prefix: str, problems: tuple[Problem, ...]) -> list[Problem]:
    return [replace(problem, field=f"{prefix}{problem.field}") for problem in problems]


def keep(services: StationServices, actor: Actor, papers: VisitPapers) -> Changes:
    """Keep the visit and its papers as typed; a paper that was emptied is dropped."""
    encounter_id = papers.encounter.id
    changes = services.encounters.save_draft(actor, papers.encounter)
    prescription = services.prescriptions.of_encounter(actor, encounter_id)
    if _is_open(prescription):
        if papers.prescription is not None:
            changes += services.prescriptions.save_draft(actor, papers.prescription)
        elif prescription is not None:
            changes += services.prescriptions.discard(actor, prescription.record.id)
    appointment = services.appointments.of_encounter(actor, encounter_id)
    if _is_open(appointment):
        if papers.appointment is not None:
            changes += services.appointments.save_draft(actor, papers.appointment)
        elif appointment is not None:
            changes += services.appointments.discard(actor, appointment.record.id)
    return changes


def amend(
    services: StationServices, actor: Actor, file: VisitFile, papers: VisitPapers, reason: str
) -> Changes:
    """New versions of what was changed since ``file`` was read, all with one reason."""
    yes = papers.encounter.confirmed
    refuse(judge(services, papers, file.patient), yes)
    changes = Changes()
    answered = replace(file.encounter, confirmed=papers.encounter.confirmed)
    if papers.encounter != answered:
        changes += services.encounters.amend(
            actor, papers.encounter, file.stored.version, reason, yes
        )
    changes += _amend_paper(
        services.prescriptions, actor, file.prescription, papers.prescription, reason, yes
    )
    changes += _amend_paper(
        services.appointments, actor, file.appointment, papers.appointment, reason, yes
    )
    if not changes.items:
        raise StateError("Chưa có gì thay đổi nên không có gì để lưu. Bản đã ký vẫn như cũ.")
    return changes


def _amend_paper(
    service: Papers[P],
    actor: Actor,
    before: Stored[P] | None,
    after: P | None,
    reason: str,
    confirmed: tuple[str, ...],
) -> Changes:
    """Sign a paper that is new, amend one that differs, void one that was emptied."""
    prefix = f"{service.kind}."
    yes = tuple(key.removeprefix(prefix) for key in confirmed if key.startswith(prefix))
    if before is None:
        return service.sign(actor, after, yes) if after is not None else Changes()
    if before.status is RecordStatus.VOIDED or after == before.record:
        return Changes()
    if after is None:
        return service.void(actor, before.record.id, reason)
    return service.amend(actor, after, before.version, reason, yes)


def void(services: StationServices, actor: Actor, file: VisitFile, reason: str) -> Changes:
    """Cancel the visit; its papers, which mean nothing without it, go with it."""
    return services.encounters.void(actor, file.encounter.id, reason)


def open_papers(file: VisitFile, papers: VisitPapers) -> VisitPapers:
    """Papers that were signed on their own already are not signed again."""
    return VisitPapers(
        encounter=papers.encounter,
        prescription=papers.prescription if file.prescription_open else None,
        appointment=papers.appointment if file.appointment_open else None,
    )


def first_paper(file: VisitFile, papers: VisitPapers) -> tuple[RecordKind, str] | None:
    """What of the visit is looked at first when it is to be printed."""
    if papers.prescription is not None:
        return RecordKind.PRESCRIPTION, papers.prescription.id
    if papers.appointment is not None:
        return RecordKind.APPOINTMENT, papers.appointment.id
    if file.referral is not None:
        return RecordKind.REFERRAL, file.referral.record.id
    return None
