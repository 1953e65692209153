"""Sick-leave certificates (TT 25/2025/TT-BYT, form 07): issued for a signed visit, numbered without gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from typing_extensions import override

from station_emr.domain.birth import age_on
from station_emr.domain.certificate import (
    LeaveLimit,
    SickLeave,
    SickLeaveRules,
    check_sick_leave,
    limit_of,
    rules_on,
)
from station_emr.domain.encounter import DiagnosisRole, PatientSnapshot
from station_emr.domain.errors import Problem, StateError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import Changes, RecordKind, RecordStatus, Signature
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .claim_settings import read_claim_settings
from .form_data import sick_leave_rules
from .form_ports import CertificateStore
from .guards import allow, allow_signing, begin_signing, needs_reason
from .papers import Papers, visit_of
from .ports import Stored, Work

HEAD_NAME = "forms.head_name"
"""Setting: who signs for the station on papers that need it."""


class Certificates(Papers[SickLeave]):
    kind = RecordKind.CERTIFICATE
    prepare_action = Action.CERTIFICATE_PREPARE
    sign_action = Action.CERTIFICATE_SIGN
    one_per_visit = True

    def _records(self, work: Work) -> CertificateStore:
        return work.certificates

    def of_encounter(self, actor: Actor, encounter_id: str) -> Stored[SickLeave] | None:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.certificates.of_encounter(encounter_id)

    def rules(self, day: date) -> SickLeaveRules:
        """What counts for a visit of this day: words of treatment, limits."""
        return rules_on(sick_leave_rules(), day)

    def limit(self, certificate: SickLeave) -> LeaveLimit:
        """The longest leave that this certificate may give, and why."""
        return limit_of(certificate, self.rules(self._day(certificate)))

    def prepare(self, actor: Actor, encounter_id: str) -> SickLeave:
        """A fresh draft filled from the visit and the chart; not saved yet."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            encounter, patient = visit_of(work, encounter_id)
            day = (encounter.ended_at or encounter.arrived_at).date()
            main_first = sorted(
                encounter.diagnoses, key=lambda one: one.role is not DiagnosisRole.MAIN
            )
            guardian = patient.guardian
            child = age_on(patient.birth, day) < self.rules(day).parents_under
            mother = guardian is not None and _is(guardian.relationship, "mẹ")
            father = guardian is not None and _is(guardian.relationship, "cha", "bố", "ba")
            name = guardian.full_name if guardian is not None else ""
            return SickLeave(
                id=self._clock.new_id(),
                patient_id=patient.id,
                encounter_id=encounter_id,
                social_insurance_no=_insurance_no(patient, encounter.coverage_number, day),
                identity_issued_on=patient.national_id_issued_on,
                workplace=patient.workplace,
                diagnoses=tuple(main_first),
                treatment=self.rules(day).treatments[0],
                first_day=day,
                visited_on=day,
                visit_kind=encounter.care_kind,
                father_name=name if child and father else "",
                mother_name=name if child and mother else "",
                head_name=head_of_unit(work),
                head_code=read_claim_settings(work).head_code,
            )

    def reissue(
        self, actor: Actor, certificate_id: str, reason: str, expected_version: int
    ) -> Changes:
        """Issue the same certificate again under a new number; paper says "CẤP LẠI".

        The first one is voided in the same transaction: one visit never has two that count.
        """
        allow_signing(actor, self.sign_action)
        reason = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            begin_signing(work, actor, self.sign_action, now)
            before = self._signed(work, certificate_id)
            voided = work.certificates.add_version(
                before.record,
                RecordStatus.VOIDED,
                author=actor.user.snapshot,
                at=now,
                reason=f"Cấp lại: {reason}",
                expected_version=expected_version,
            )
            self._prove(work, actor, voided, before.record)
            again = replace(
                before.record,
                id=self._clock.new_id(),
                reissue_of=before.record.number,
                reissue_reason=clean(reason),
                signature=None,
            )
            changed = self.sign_within(work, actor, again)
            work.audit.append(
                actor,
                "certificate.reissue",
                now,
                kind=self.kind,
                record_id=again.id,
                patient_id=again.patient_id,
                detail={"reason": reason, "before": before.record.number},
            )
            return Changes((voided, changed))

    def _problems(self, work: Work, paper: SickLeave, patient: Patient) -> tuple[Problem, ...]:
        """The kind and the day of the visit are those of the visit, whatever the draft says."""
        visit = work.encounters.find(paper.encounter_id)
        if visit is not None:
            encounter = visit.record
            days = {
                moment.date()
                for moment in (encounter.arrived_at, encounter.ended_at)
                if moment is not None
            }
            seen = paper.visited_on if paper.visited_on in days else max(days)
            paper = replace(paper, visit_kind=encounter.care_kind, visited_on=seen)
        return check_sick_leave(paper, patient, self.rules(self._day(paper)))

    def _day(self, paper: SickLeave) -> date:
        return paper.visited_on or paper.first_day or self._clock.now().date()

    def _complete(
        self, work: Work, paper: SickLeave, actor: Actor, snapshot: PatientSnapshot
    ) -> SickLeave:
        now = self._clock.now()
        station = work.settings.station()
        number = work.counters.next("certificate", station.series, now.year)
        return replace(
            paper,
            number=f"{station.series}-{number:04d}/{now.year}/KCB",
            serial=f"{station.code}{station.series}{now:%y}{number:05d}",
            # The day of the visit is the day of the paper (its last day when there were several).
            issued_on=self._day(paper),
            head_name=clean(paper.head_name) or head_of_unit(work),
            head_code=clean(paper.head_code) or read_claim_settings(work).head_code,
            practitioner_code=clean(paper.practitioner_code),
            station=station,
            patient=snapshot,
            practitioner=actor.user.snapshot,
            signature=Signature(by=actor.user.snapshot, at=now),
        )

    @override
    def _amended(self, before: SickLeave, paper: SickLeave, actor: Actor) -> SickLeave:
        amended = super()._amended(before, paper, actor)
        return replace(
            amended,
            serial=before.serial,
            issued_on=before.issued_on,
            visit_kind=before.visit_kind,
            visited_on=before.visited_on,
            reissue_of=before.reissue_of,
            reissue_reason=before.reissue_reason,
            practitioner=actor.user.snapshot,
            practitioner_code=before.practitioner_code,
        )

    @override
    def _signed(self, work: Work, paper_id: str) -> Stored[SickLeave]:
        stored = super()._signed(work, paper_id)
        if work.encounters.get(stored.record.encounter_id).status is RecordStatus.VOIDED:
            raise StateError("Lượt khám của giấy này đã hủy nên không cấp lại, sửa đổi được.")
        return stored


def head_of_unit(work: Work) -> str:
    """Who signs for the station: as set, or the director."""
    kept = work.settings.get(HEAD_NAME)
    if kept:
        return kept
    directors = [one for one in work.users.all() if one.active and one.role is Role.DIRECTOR]
    return directors[0].snapshot.printed_name if len(directors) == 1 else ""


def _is(relationship: str, *names: str) -> bool:
    return clean(relationship).lower() in names


def _insurance_no(patient: Patient, card: str, day: date) -> str:
    """The last ten digits of the card are the number in the insurance's books."""
    coverage = patient.coverage_on(day)
    number = card or (coverage.number if coverage is not None else "")
    digits = number[-10:]
    return digits if len(digits) == 10 and digits.isdigit() else ""
