"""Register, find and keep people."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import Problem
from station_emr.domain.identity import (
    national_id_warnings,
    parse_insurance_number,
    parse_national_id,
    parse_old_id,
    parse_phone,
)
from station_emr.domain.patient import Patient, check_patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus, VersionInfo
from station_emr.domain.text import clean, fold, fold_words
from station_emr.domain.user import Actor

from .decisions import still_open
from .guards import allow, refuse
from .joined import with_all_allergies
from .ports import Clock, PersonMatcher, Store, Stored, Work
from .readings import Readings
from .views import DuplicateRow, PatientRow, VisitRow, VitalPoint

DUPLICATE_SCORE = 82
_CANDIDATES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientCard:
    """Everything the patient screen shows at once."""

    patient: Patient
    version: int
    visits: tuple[VisitRow, ...]
    vitals: tuple[VitalPoint, ...]
    history: tuple[VersionInfo, ...]
    joined_id: str = ""
    """The chart that was asked for, when it is joined and this is the chart that stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingChart:
    """The chart that stays, and the number of the joined one that was asked for, if it was."""

    stored: Stored[Patient]
    joined_number: str = ""


class Patients:
    """Use cases of the person's own record. Every command is one transaction."""

    def __init__(self, store: Store, clock: Clock, matcher: PersonMatcher) -> None:
        self._store = store
        self._clock = clock
        self._matcher = matcher
        self._readings = Readings(store, clock)

    def search(self, actor: Actor, text: str, limit: int = 30) -> tuple[PatientRow, ...]:
        """People matching what was typed so far; nothing for an empty text."""
        allow(actor, Action.PATIENT_VIEW)
        if not fold(text):
            return ()
        with self._store.read() as work:
            return work.patients.search(text, limit)

    def by_number(self, actor: Actor, number: str) -> tuple[PatientRow, ...]:
        """People known by this exact card, phone or chart number (a scan uses this)."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            return work.patients.by_number(number)

    def get(self, actor: Actor, patient_id: str) -> Stored[Patient]:
        """The person's own record; the look is logged."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            stored = work.patients.get(patient_id)
        self._readings.note(actor, RecordKind.PATIENT, patient_id, patient_id)
        return stored

    def standing(self, actor: Actor, patient_id: str) -> StandingChart:
        """The record of the person whom a chart is about: that of the chart that stays when this
        one was joined to it. The look is logged.
        """
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            shown = work.links.survivor_of(patient_id)
            asked = "" if shown == patient_id else work.patients.get(patient_id).record.chart_number
            stored = work.patients.get(shown)
        self._readings.note(actor, RecordKind.PATIENT, shown, shown)
        return StandingChart(stored=stored, joined_number=asked)

    def card(self, actor: Actor, patient_id: str, visits: int = 100) -> PatientCard:
        """The person with timeline and trends. The look is logged; reading the page again because
        something arrived is none.
        """
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            asked_id, patient_id = patient_id, work.links.survivor_of(patient_id)
            stored = work.patients.get(patient_id)
            card = PatientCard(
                patient=with_all_allergies(work, stored.record),
                version=stored.version,
                visits=work.encounters.timeline(patient_id, visits),
                vitals=work.encounters.vitals_of(patient_id, visits),
                history=work.patients.versions(patient_id),
                joined_id=asked_id if asked_id != patient_id else "",
            )
        self._readings.note(actor, RecordKind.PATIENT, patient_id, patient_id)
        return card

    def duplicates(self, actor: Actor, patient: Patient) -> tuple[DuplicateRow, ...]:
        """Who among the known may be this person, best first; safe to call while typing."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            return tuple(self._duplicates(work, patient))

    def check(self, patient: Patient, today: date | None = None) -> tuple[Problem, ...]:
        """Every problem and question of a patient that is being typed."""
        today = today or self._clock.now().date()
        problems = check_patient(patient, today)
        if any(problem.field == "national_id" for problem in problems) or not patient.national_id:
            return problems
        number = parse_national_id(patient.national_id)  # typed with spaces or as on the card
        return problems + national_id_warnings(number, patient.birth, patient.sex.value)

    def problems_within(self, work: Work, patient: Patient) -> tuple[Problem, ...]:
        """:meth:`check` with the question about everybody who has the same identity number, for a
        person that is known already.
        """
        return (*self.check(patient), *self._same_number(work, patient))

    def register(self, actor: Actor, patient: Patient, confirmed: Collection[str] = ()) -> Changes:
        """Save a new person and give the chart number. Raises InvalidRecord, PermissionDenied.

        A certain duplicate (same national id) is refused unless confirmed as
        ``national_id:duplicate``.
        """
        with self._store.write() as work:
            return Changes((self.register_within(work, actor, patient, confirmed),))

    def register_within(
        self, work: Work, actor: Actor, patient: Patient, confirmed: Collection[str] = ()
    ) -> Changed:
        """The steps of :meth:`register` inside a transaction that the caller owns."""
        allow(actor, Action.PATIENT_EDIT)
        now = self._clock.now()
        patient = replace(patient, id=patient.id or self._clock.new_id())
        problems = list(self.check(patient, now.date()))
        if any(problem.severity == "error" for problem in problems):
            refuse(problems, confirmed)
        patient = self._normal(patient)
        problems.extend(self._same_number(work, patient))
        refuse(problems, confirmed)
        station = work.settings.station()
        number = work.counters.next("chart", station.series, now.year)
        patient = replace(patient, chart_number=f"{station.series}{now:%y}-{number:06d}")
        changed = work.patients.add_version(
            patient,
            RecordStatus.SIGNED,
            author=actor.user.snapshot,
            at=now,
            expected_version=0,
        )
        work.audit.append(
            actor,
            "patient.register",
            now,
            kind=RecordKind.PATIENT,
            record_id=patient.id,
            patient_id=patient.id,
        )
        return changed

    def update(
        self,
        actor: Actor,
        patient: Patient,
        expected_version: int,
        confirmed: Collection[str] = (),
        reason: str = "",
    ) -> Changes:
        """Save a changed person as a new version. Raises Conflict when somebody was faster."""
        allow(actor, Action.PATIENT_EDIT)
        now = self._clock.now()
        refuse(self.check(patient, now.date()), confirmed)
        patient = self._normal(patient)
        with self._store.write() as work:
            before = work.patients.get(patient.id)
            if patient.national_id != before.record.national_id:
                refuse(self._same_number(work, patient), confirmed)
            patient = replace(patient, chart_number=before.record.chart_number)
            if before.record == patient:
                return Changes()
            changed = work.patients.add_version(
                patient,
                RecordStatus.AMENDED,
                author=actor.user.snapshot,
                at=now,
                reason=reason,
                expected_version=expected_version,
                open_fields=still_open(work, RecordKind.PATIENT, before, patient),
            )
            work.audit.append(
                actor,
                "patient.update",
                now,
                kind=RecordKind.PATIENT,
                record_id=patient.id,
                patient_id=patient.id,
                detail={"fields": ",".join(_changed_fields(before.record, patient))},
            )
            return Changes((changed,))

    def _same_number(self, work: Work, patient: Patient) -> list[Problem]:
        """The question for each known person with this national id."""
        return [
            Problem(
                field="national_id",
                code="duplicate",
                message=f"Số định danh này đã có: {row.patient.full_name}, sinh {row.patient.birth.display()}. Hãy mở hồ sơ đó.",
                severity="confirm",
            )
            for row in self._duplicates(work, patient)
            if row.certain
        ]

    def _duplicates(self, work: Work, patient: Patient) -> list[DuplicateRow]:
        found: dict[str, DuplicateRow] = {}
        numbers = [("Trùng số định danh", patient.national_id, True)]
        numbers += [("Trùng số thẻ bảo hiểm y tế", c.number, True) for c in patient.coverages]
        numbers += [("Trùng số điện thoại", patient.phone, False)]
        for reason, number, certain in numbers:
            if not number:
                continue
            for row in work.patients.by_number(number):
                if row.id != patient.id and row.id not in found:
                    score = 100 if certain else self._likeness(patient, row)
                    if certain or score >= DUPLICATE_SCORE:
                        found[row.id] = DuplicateRow(
                            patient=row,
                            score=score,
                            reason=reason,
                            certain=certain and number == patient.national_id,
                        )
        for row in self._namesakes(work, patient):
            if row.id == patient.id or row.id in found:
                continue
            score = self._likeness(patient, row)
            if score >= DUPLICATE_SCORE:
                found[row.id] = DuplicateRow(
                    patient=row, score=score, reason="Tên và năm sinh gần giống"
                )
        return sorted(found.values(), key=lambda row: (-row.certain, -row.score))[:8]

    @staticmethod
    def _namesakes(work: Work, patient: Patient) -> tuple[PatientRow, ...]:
        """Born about then, sharing a word of the name; the given name (last word) counts first.

        The other words are asked too, because a name with an apostrophe may be written as one
        word or two.
        """
        rows: dict[str, PatientRow] = {}
        for word in dict.fromkeys(reversed(fold_words(patient.full_name))):
            if len(rows) >= _CANDIDATES:
                break
            for row in work.patients.same_birth_year(patient.birth.year, word, _CANDIDATES):
                rows.setdefault(row.id, row)
        return tuple(rows.values())

    def _likeness(self, patient: Patient, row: PatientRow) -> int:
        score = self._matcher.likeness(fold(patient.full_name), fold(row.full_name))
        score -= 0 if patient.sex == row.sex else 15
        score -= _birth_distance(patient.birth, row.birth)
        return max(0, score)

    @staticmethod
    def _normal(patient: Patient) -> Patient:
        """Stored forms: NFC text, bare numbers. Raises InvalidRecord for an unreadable number."""
        return replace(
            patient,
            full_name=clean(patient.full_name),
            national_id=parse_national_id(patient.national_id) if patient.national_id else "",
            old_national_id=parse_old_id(patient.old_national_id)
            if patient.old_national_id
            else "",
            phone=parse_phone(patient.phone) if patient.phone else "",
            coverages=tuple(
                replace(c, number=parse_insurance_number(c.number, field=f"coverages.{i}.number"))
                for i, c in enumerate(patient.coverages)
            ),
            address=replace(patient.address, line=clean(patient.address.line)),
            # A listed allergy outweighs a tick that says there is none.
            no_known_allergy=patient.no_known_allergy and not patient.allergies,
        )


def _birth_distance(one: BirthDate, other: BirthDate) -> int:
    """Points to take off a name's likeness for birth dates that differ."""
    if one.agrees_with(other):
        return 0
    return 6 if one.year == other.year else 12


def _changed_fields(before: Patient, after: Patient) -> list[str]:
    names = Patient.__dataclass_fields__
    return [name for name in names if getattr(before, name) != getattr(after, name)]
