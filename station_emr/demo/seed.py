"""Fill a station with about 300 people and a year of visits, through the real use cases."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from station_emr.domain.appointment import Appointment
from station_emr.domain.birth import age_on, months_old
from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter, Priority, Stage
from station_emr.domain.errors import Problem
from station_emr.domain.patient import Patient
from station_emr.domain.prescription import Prescription, PrescriptionLine, line_from_drug
from station_emr.domain.record import RecordKind, Sex
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.domain.user import Actor
from station_emr.services.guards import confirmation_key
from station_emr.services.ports import Store, Work
from station_emr.services.station_services import StationServices

from .cases import CASES, Case, CaseDrug, choose_case, tests_of, vitals_for
from .clock import DemoClock
from .people import People
from .stay import kept

_MORNING = timedelta(minutes=115)  # from the first arrival to the last
HOSPITAL = ("DEMO2", "Bệnh viện đa khoa tỉnh (mẫu)", "Cấp cơ bản")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPlan:
    """How much to make. ``today`` is the day whose queue is left half done.

    ``now`` moves the morning's arrivals early enough to lie in the past; without it the day
    starts at twenty past seven.
    """

    today: date
    people: int = 300
    days: int = 365
    seed: int = 2026
    queue: bool = True
    now: datetime | None = None


class Seeder:
    """Writes history in a few large transactions: a year of fsyncs would take minutes."""

    def __init__(
        self, store: Store, services: StationServices, clock: DemoClock, actor: Actor, nurse: Actor
    ) -> None:
        self._store = store
        self._services = services
        self._clock = clock
        self._actor = actor
        self._nurse = nurse

    def fill(self, plan: SeedPlan, progress: Callable[[int, int], None] | None = None) -> None:
        """Register the people, then walk through the year."""
        rng = random.Random(plan.seed)  # noqa: S311  synthetic data, not a secret
        zone = self._clock.now().tzinfo
        self._clock.set(datetime.combine(plan.today - timedelta(days=plan.days), time(7, 30), zone))
        people = People(plan.seed, plan.today)
        patients = self._register(people, plan.people)
        schedule = self._schedule(rng, patients, plan)
        for done, start in enumerate(range(0, len(schedule), 200)):
            with self._store.write() as work:
                for moment, patient in schedule[start : start + 200]:
                    self._clock.set(moment.replace(tzinfo=zone))
                    self._visit(work, rng, patient)
            if progress is not None:
                progress((done + 1) * 200, len(schedule))
        if plan.queue:
            self._today(rng, patients, plan)

    def _register(self, people: People, count: int) -> list[Patient]:
        made: list[Patient] = []
        with self._store.write() as work:
            for _ in range(count):
                patient = people.next()
                keys = self._yes(self._services.patients.check(patient))
                changed = self._services.patients.register_within(work, self._nurse, patient, keys)
                made.append(work.patients.get(changed.record_id).record)
        return made

    def _schedule(
        self, rng: random.Random, patients: list[Patient], plan: SeedPlan
    ) -> list[tuple[datetime, Patient]]:
        """Chronic patients come monthly, others a few times a year; no visits on Sundays."""
        found: list[tuple[datetime, Patient]] = []
        for patient in patients:
            visits = rng.randint(8, 12) if patient.conditions else rng.choice((1, 1, 2, 2, 3, 4, 5))
            for _ in range(visits):
                day = plan.today - timedelta(days=rng.randint(1, plan.days))
                if day.weekday() == 6 or age_on(patient.birth, day) < 0:
                    continue
                if patient.birth.earliest() >= day:
                    continue
                moment = datetime.combine(day, time(rng.randint(7, 16), rng.randint(0, 59)))
                found.append((moment, patient))
        return sorted(found, key=lambda item: item[0])

    def _visit(self, work: Work, rng: random.Random, patient: Patient) -> None:
        now = self._clock.now()
        age = age_on(patient.birth, now.date())
        case = self._case(rng, patient, age)
        encounter = self._encounter(rng, patient, case, now)
        if age >= case.kept_from:
            encounter = kept(encounter, self._actor.user.snapshot)
        yes = self._yes(self._services.encounters.check(encounter, patient))
        self._clock.forward(minutes=rng.randint(9, 24))
        self._services.encounters.sign_within(work, self._actor, encounter, yes)
        diagnoses = encounter.diagnoses
        lines = self._lines(case, patient)
        if lines:
            prescription = Prescription(
                id=self._clock.new_id(),
                patient_id=patient.id,
                encounter_id=encounter.id,
                lines=lines,
                diagnoses=diagnoses,
                advice=case.advice,
            )
            self._services.prescriptions.sign_within(work, self._actor, prescription)
        if case.follow_up_days:
            appointment = Appointment(
                id=self._clock.new_id(),
                patient_id=patient.id,
                encounter_id=encounter.id,
                on=_weekday(now.date() + timedelta(days=case.follow_up_days)),
                visited_on=now.date(),
                diagnoses=diagnoses,
            )
            self._services.appointments.sign_within(work, self._actor, appointment)
        if case.refer:
            self._services.referrals.sign_within(work, self._actor, self._referral(encounter, case))

    def _case(self, rng: random.Random, patient: Patient, age: int) -> Case:
        codes = {condition.icd_code for condition in patient.conditions}
        case = choose_case(rng, age, female=patient.sex is Sex.FEMALE)
        if codes and rng.random() < 0.75:
            chronic = _cases_of(codes)
            return rng.choice(chronic) if chronic else case
        return case

    def _encounter(
        self, rng: random.Random, patient: Patient, case: Case, now: datetime
    ) -> Encounter:
        codes = (case.icd, *case.secondary)
        diagnoses = tuple(
            Diagnosis(
                icd_code=code,
                title=self._title(code),
                role=DiagnosisRole.MAIN if index == 0 else DiagnosisRole.SECONDARY,
            )
            for index, code in enumerate(codes)
        )
        coverage = patient.coverage_on(now.date())
        months = months_old(patient.birth, now.date())
        vitals = replace(
            vitals_for(rng, case, patient.birth, months),
            measured_at=now,
            measured_by=self._nurse.user.full_name,
        )
        began = now + timedelta(minutes=rng.randint(3, 20))
        by = self._actor.user
        tests = tuple(
            replace(
                one, started_at=began, performed_by=by.full_name, performer_licence=by.licence_no
            )
            for one in tests_of(case)
        )
        return Encounter(
            id=self._clock.new_id(),
            patient_id=patient.id,
            arrived_at=now,
            started_at=began,
            stage=Stage.FINISHED,
            reason=case.reason,
            history=case.history,
            vitals=(vitals,),
            examination=case.examination,
            diagnoses=diagnoses,
            procedures=tests,
            advice=case.advice,
            result="2",
            discharge="2" if case.refer else "1",
            coverage_number=coverage.number if coverage else "",
            visit_object="1.2" if coverage else "9",
        )

    def _lines(self, case: Case, patient: Patient) -> tuple[PrescriptionLine, ...]:
        lines = []
        for wanted in case.drugs:
            line = self.line(wanted)
            if line is None:
                continue
            allergic = {a.ingredient for a in patient.allergies} & set(line.ingredients)
            if allergic:
                continue
            lines.append(replace(line, override_reason="Tiếp tục điều trị theo phác đồ"))
        return tuple(lines)

    def line(self, wanted: CaseDrug) -> PrescriptionLine | None:
        """A prescription line for the first drug the search finds; None when there is none."""
        hits = self._services.catalogs.search(CatalogKind.DRUG, wanted.search, 1)
        if not hits:
            return None
        return replace(
            line_from_drug(drug_of(hits[0].row)),
            dose=Decimal(wanted.dose),
            times_per_day=wanted.times,
            days=wanted.days,
            meal=wanted.meal,
        )

    def _referral(self, encounter: Encounter, case: Case) -> Referral:
        now = self._clock.now()
        return Referral(
            id=self._clock.new_id(),
            patient_id=encounter.patient_id,
            encounter_id=encounter.id,
            to_facility_code=HOSPITAL[0],
            to_facility_name=HOSPITAL[1],
            to_facility_level=HOSPITAL[2],
            clinical_signs=f"{case.reason}. {case.history} {case.examination}",
            test_results="; ".join(f"{name}: {result}" for name, result in case.tests),
            diagnoses=encounter.diagnoses,
            treatment="Nghỉ ngơi tại giường, theo dõi mạch và huyết áp",
            condition_on_transfer="Tỉnh, còn đau nhẹ",
            reason=ReferralReason.LEVEL_APPROPRIATE,
            plan=case.refer,
            transfer_at=now,
            transport="Xe cứu thương",
            escort="Trần Thị Mai, điều dưỡng, cao đẳng",
        )

    def _title(self, code: str) -> str:
        icd = self._services.catalogs.icd(code)
        return icd.title if icd is not None else code

    def _today(self, rng: random.Random, patients: list[Patient], plan: SeedPlan) -> None:
        """A morning half done: some finished, some waiting for medicine, two in the room."""
        zone = self._clock.now().tzinfo
        today = plan.today
        morning = rng.sample(patients, 17)
        start = datetime.combine(today, time(7, 20), zone)
        if plan.now is not None:
            midnight = datetime.combine(today, time(0, 1), zone)
            start = max(midnight, min(start, plan.now - _MORNING))
        with self._store.write() as work:
            for index, patient in enumerate(morning[:9]):
                self._clock.set(start + timedelta(minutes=7 * index))
                self._visit(work, rng, patient)
        self._clock.set(start + timedelta(minutes=70))
        for index, patient in enumerate(morning[9:]):
            self._clock.forward(minutes=4)
            age = age_on(patient.birth, today)
            case = self._case(rng, patient, age)
            changes = self._services.encounters.check_in(
                self._nurse,
                patient.id,
                case.reason,
                Priority.PRIORITY if age < 6 or age > 75 else Priority.ROUTINE,
            )
            encounter_id = changes.id_of(RecordKind.ENCOUNTER)
            vitals = vitals_for(rng, case, patient.birth, months_old(patient.birth, today))
            if index < 5:
                self._services.encounters.record_vitals(self._nurse, encounter_id, vitals, ())
            if index < 2:
                self._services.encounters.start(self._actor, encounter_id)
        done = [
            row
            for row in self._services.encounters.queue(self._actor, today)
            if row.stage is Stage.FINISHED and row.drug_count
        ]
        for row in done[-3:]:
            self._services.encounters.set_stage(
                self._actor, row.encounter_id, Stage.AWAITING_MEDICINE
            )

    @staticmethod
    def _yes(problems: tuple[Problem, ...]) -> tuple[str, ...]:
        """Say yes to every question, as a person who has looked would; errors still refuse."""
        return tuple(confirmation_key(p) for p in problems if p.severity == "confirm")


def _cases_of(codes: set[str]) -> list[Case]:
    return [case for case in CASES if case.icd in codes]


def _weekday(day: date) -> date:
    return day + timedelta(days=1) if day.weekday() == 6 else day
