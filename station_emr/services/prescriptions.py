"""Prescriptions of a visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from station_emr.domain.catalog import CatalogKind, DrugControl, drug_of
from station_emr.domain.drug_names import same_drug
from station_emr.domain.encounter import PatientSnapshot
from station_emr.domain.errors import Problem
from station_emr.domain.patient import Allergy, Patient
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import (
    MAX_DAYS_CHRONIC,
    Prescription,
    PrescriptionLine,
    check_facility,
    check_prescription,
    check_small_child,
    prescription_code,
)
from station_emr.domain.record import RecordKind, Signature
from station_emr.domain.user import Actor

from .guards import allow
from .joined import with_all_allergies
from .papers import Papers, visit_of
from .ports import PrescriptionStore, Stored, Work
from .snapshots import patient_snapshot


class Prescriptions(Papers[Prescription]):
    kind = RecordKind.PRESCRIPTION
    prepare_action = Action.PRESCRIPTION_PREPARE
    sign_action = Action.PRESCRIPTION_SIGN

    def _records(self, work: Work) -> PrescriptionStore:
        return work.prescriptions

    def of_encounter(self, actor: Actor, encounter_id: str) -> Stored[Prescription] | None:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.prescriptions.of_encounter(encounter_id)

    def prepare(self, actor: Actor, encounter_id: str) -> Prescription:
        """A fresh draft for a visit, with its diagnoses; not saved yet."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            encounter, patient = visit_of(work, encounter_id)
            return Prescription(
                id=self._clock.new_id(),
                patient_id=patient.id,
                encounter_id=encounter_id,
                diagnoses=encounter.diagnoses,
                advice=encounter.advice,
            )

    def current_lines(
        self, actor: Actor, patient_id: str, besides: str = ""
    ) -> tuple[PrescriptionLine, ...]:
        """Drugs of signed prescriptions whose days have not run out yet."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            return self._current(work, patient_id, besides)

    def long_days(self, icd_code: str) -> int | None:
        """Days that annex VII of TT 26/2025 allows for a diagnosis, None for the ordinary 30."""
        today = self._clock.now().date()
        for code in (icd_code, icd_code.split(".", maxsplit=1)[0]):
            row = self._catalogs.find(CatalogKind.LONG_PRESCRIPTION, code, today)
            if row is not None:
                return int(row.attributes.get("max_days") or MAX_DAYS_CHRONIC)
        return None

    def _current(self, work: Work, patient_id: str, besides: str) -> tuple[PrescriptionLine, ...]:
        today = self._clock.now().date()
        found: list[PrescriptionLine] = []
        for signed in work.prescriptions.signed_of(
            patient_id, today - timedelta(days=MAX_DAYS_CHRONIC)
        ):
            if signed.id == besides or signed.written_at is None:
                continue
            elapsed = (today - signed.written_at.date()).days
            found.extend(line for line in signed.lines if line.days > elapsed)
        return tuple(found)

    def _problems(self, work: Work, paper: Prescription, patient: Patient) -> tuple[Problem, ...]:
        current = self._current(work, paper.patient_id, paper.id)
        # The paper's own chart may be joined, or the screen may hold another chart of the group.
        patient = with_all_allergies(work, patient)
        allergies = [self._with_family(allergy) for allergy in patient.allergies]
        day = (paper.written_at or self._clock.now()).date()
        visit = work.encounters.find(paper.encounter_id)
        person = patient_snapshot(patient, day, visit.record if visit is not None else None)
        return (
            *check_prescription(paper, allergies, current, self.long_days),
            *check_small_child(
                patient.birth, day, weight_kg=person.weight_kg, companion=person.guardian_name
            ),
            *check_facility(paper, has_beds=work.settings.station().has_beds),
        )

    def _with_family(self, allergy: Allergy) -> Allergy:
        """An allergy noted as one drug also warns of its family: ampicilin after amoxicilin."""
        if allergy.group or not (allergy.ingredient or allergy.substance):
            return allergy
        today = self._clock.now().date()
        drugs = [drug_of(row) for row in self._catalogs.rows(CatalogKind.DRUG, today)]
        families = {
            group
            for drug in drugs
            if any(same_drug(allergy.ingredient or allergy.substance, i) for i in drug.ingredients)
            for group in drug.groups
        }
        return replace(allergy, group=";".join(sorted(families)))

    def _complete(
        self, work: Work, paper: Prescription, actor: Actor, snapshot: PatientSnapshot
    ) -> Prescription:
        now = self._clock.now()
        station = work.settings.station()
        return replace(
            paper,
            code=self._code(station.code, paper.control),
            written_at=now,
            lines=tuple(replace(line, instruction=line.sentence) for line in paper.lines),
            station=station,
            patient=snapshot,
            prescriber=actor.user.snapshot,
            signature=Signature(by=actor.user.snapshot, at=now),
        )

    def _amended(self, before: Prescription, paper: Prescription, actor: Actor) -> Prescription:
        """A correction is a new prescription that takes the old one's place (TT 26/2025)."""
        amended = super()._amended(before, paper, actor)
        station = before.station
        return replace(
            amended,
            code=self._code(station.code, paper.control) if station is not None else before.code,
            replaces_code=before.code,
            written_at=self._clock.now(),
            lines=tuple(replace(line, instruction=line.sentence) for line in paper.lines),
            prescriber=actor.user.snapshot,
        )

    def _code(self, facility_code: str, control: DrugControl) -> str:
        """Random, as the national system wants it; bytes of 252 and more would be unfair."""
        fair: list[int] = []
        while len(fair) < 7:
            fair += [byte for byte in self._clock.random(16) if byte < 252]
        return prescription_code(facility_code.rjust(5, "0")[:5], bytes(fair[:7]), control)
