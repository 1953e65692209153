"""Follow-up appointments of a visit."""

from __future__ import annotations

from dataclasses import replace

from typing_extensions import override

from station_emr.domain.appointment import Appointment, check_appointment
from station_emr.domain.encounter import PatientSnapshot
from station_emr.domain.errors import Problem
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, Signature
from station_emr.domain.user import Actor

from .guards import allow
from .papers import Papers, visit_of
from .ports import AppointmentStore, Stored, Work


class Appointments(Papers[Appointment]):
    kind = RecordKind.APPOINTMENT
    prepare_action = Action.APPOINTMENT_PREPARE
    sign_action = Action.APPOINTMENT_SIGN
    one_per_visit = True

    def _records(self, work: Work) -> AppointmentStore:
        return work.appointments

    def of_encounter(self, actor: Actor, encounter_id: str) -> Stored[Appointment] | None:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.appointments.of_encounter(encounter_id)

    def prepare(self, actor: Actor, encounter_id: str) -> Appointment:
        """A fresh draft for a visit, with its diagnoses; not saved yet."""
        allow(actor, self.prepare_action)
        with self._store.read() as work:
            encounter, patient = visit_of(work, encounter_id)
            return Appointment(
                id=self._clock.new_id(),
                patient_id=patient.id,
                encounter_id=encounter_id,
                visited_on=encounter.arrived_at.date(),
                diagnoses=encounter.diagnoses,
            )

    def _problems(self, work: Work, paper: Appointment, patient: Patient) -> tuple[Problem, ...]:
        del work, patient
        return check_appointment(paper, self._clock.now().date())

    @override
    def problems_within(self, work: Work, paper: Appointment) -> tuple[Problem, ...]:
        """A signed slip is judged as of its signature: its day may have passed since."""
        signed = paper.signature
        return check_appointment(paper, (signed.at if signed else self._clock.now()).date())

    def _complete(
        self, work: Work, paper: Appointment, actor: Actor, snapshot: PatientSnapshot
    ) -> Appointment:
        now = self._clock.now()
        station = work.settings.station()
        number = work.counters.next("appointment", station.series, now.year)
        return replace(
            paper,
            number=f"{station.series}-{number:04d}/{now.year}/PHKL",
            station=station,
            patient=snapshot,
            practitioner=actor.user.snapshot,
            signature=Signature(by=actor.user.snapshot, at=now),
        )
