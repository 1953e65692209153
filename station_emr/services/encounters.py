"""The visit: check in, vital signs, examination, signing, amending."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime

from station_emr.domain.birth import months_old
from station_emr.domain.catalog import CatalogKind, IcdCode, icd_of
from station_emr.domain.encounter import (
    Encounter,
    Stage,
    check_diagnoses,
    check_for_signing,
)
from station_emr.domain.errors import Problem, StateError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus, Signature
from station_emr.domain.user import Actor
from station_emr.domain.vitals import VitalSigns, check_vitals

from .decisions import still_open
from .guards import (
    allow,
    allow_signing,
    begin_signing,
    needs_reason,
    refuse,
    still_draft,
)
from .joined import standing_person
from .papers import close_papers
from .ports import CatalogSearch, Clock, Store, Stored, Work
from .readings import Readings
from .signing_rules import note_signed
from .snapshots import patient_snapshot
from .visit_queue import VisitQueue, draft_changed


class Encounters(VisitQueue):
    """Use cases of the visit, from the queue on."""

    def __init__(self, store: Store, clock: Clock, catalogs: CatalogSearch) -> None:
        super().__init__(store, clock)
        self._catalogs = catalogs
        self._readings = Readings(store, clock)

    def now(self) -> datetime:
        return self._clock.now()

    # The draft ---------------------------------------------------------------------------

    def get(self, actor: Actor, encounter_id: str) -> Stored[Encounter]:
        """The visit as it stands; the look is logged."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            stored = work.encounters.get(encounter_id)
        self._readings.note(actor, RecordKind.ENCOUNTER, encounter_id, stored.record.patient_id)
        return stored

    def save_draft(self, actor: Actor, encounter: Encounter) -> Changes:
        """Autosave: whatever is there is kept, nothing is judged. Raises StateError once signed.

        A nurse's draft may carry prepared diagnoses; they count only once a prescriber signs.
        """
        allow(actor, Action.VITALS_RECORD)
        with self._store.write() as work:
            still_draft(work.encounters.find(encounter.id))
            work.encounters.save_draft(encounter, self._clock.now())
            return draft_changed(RecordKind.ENCOUNTER, encounter.id)

    def record_vitals(
        self,
        actor: Actor,
        encounter_id: str,
        vitals: VitalSigns,
        confirmed: Collection[str] = (),
    ) -> Changes:
        """Add one set of measurements to the draft. Impossible values are refused."""
        allow(actor, Action.VITALS_RECORD)
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.encounters.get(encounter_id)
            still_draft(stored)
            patient = standing_person(work, stored.record.patient_id)
            refuse(check_vitals(vitals, months_old(patient.birth, now.date())), confirmed)
            taken = replace(
                vitals,
                measured_at=vitals.measured_at or now,
                measured_by=vitals.measured_by or actor.user.full_name,
            )
            encounter = replace(
                stored.record,
                vitals=(*stored.record.vitals, taken),
                confirmed=tuple({*stored.record.confirmed, *confirmed}),
            )
            work.encounters.save_draft(encounter, now)
            self._log(work, actor, "encounter.vitals", encounter)
            return draft_changed(RecordKind.ENCOUNTER, encounter_id)

    def discard(self, actor: Actor, encounter_id: str) -> Changes:
        """Take a person out of the queue who left before anything was signed.

        Papers that were only drafts go with the visit.
        """
        allow(actor, Action.PATIENT_EDIT)
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.encounters.get(encounter_id)
            still_draft(stored)
            drafts = close_papers(work, actor, encounter_id, "", now)
            work.encounters.discard_draft(encounter_id)
            self._log(work, actor, "encounter.discard", stored.record)
            return draft_changed(RecordKind.ENCOUNTER, encounter_id) + Changes(drafts)

    # Rules while typing ------------------------------------------------------------------

    def check(self, encounter: Encounter, patient: Patient) -> tuple[Problem, ...]:
        """What still stands between this draft and a signature."""
        today = self._clock.now().date()
        return check_for_signing(encounter, patient.birth, patient.sex, self.find_icd, today)

    def check_diagnoses(self, encounter: Encounter, patient: Patient) -> tuple[Problem, ...]:
        return check_diagnoses(encounter.diagnoses, self.find_icd, patient.sex, died=encounter.died)

    def find_icd(self, code: str) -> IcdCode | None:
        row = self._catalogs.find(CatalogKind.ICD10, code, self._clock.now().date())
        return icd_of(row) if row is not None else None

    def _icd_then(self, day: date) -> Callable[[str], IcdCode | None]:
        def find(code: str) -> IcdCode | None:
            row = self._catalogs.find(CatalogKind.ICD10, code, day)
            return icd_of(row) if row is not None else self.find_icd(code)

        return find

    # Signing -----------------------------------------------------------------------------

    def sign(self, actor: Actor, encounter: Encounter, confirmed: Collection[str] = ()) -> Changes:
        """Sign the visit alone; :class:`Visits` signs it together with its papers."""
        with self._store.write() as work:
            begin_signing(work, actor, Action.ENCOUNTER_SIGN, self._clock.now())
            return Changes((self.sign_within(work, actor, encounter, confirmed),))

    def sign_within(
        self, work: Work, actor: Actor, encounter: Encounter, confirmed: Collection[str]
    ) -> Changed:
        """The signing steps inside a transaction that the caller owns."""
        allow_signing(actor, Action.ENCOUNTER_SIGN)
        now = self._clock.now()
        stored = work.encounters.find(encounter.id)
        still_draft(stored)
        if stored is not None and stored.record.patient_id != encounter.patient_id:
            raise StateError("Lượt khám này là của người khác nên chưa ký. Hãy mở lại lượt khám.")
        patient = standing_person(work, encounter.patient_id)
        confirmed = {*encounter.confirmed, *confirmed}
        refuse(
            check_for_signing(encounter, patient.birth, patient.sex, self.find_icd, now.date()),
            confirmed,
        )
        station = work.settings.station()
        number = work.counters.next("encounter", station.series, now.year)
        signed = replace(
            encounter,
            number=f"{station.series}{now:%y}.{number:06d}",
            started_at=encounter.started_at or encounter.arrived_at,
            ended_at=encounter.ended_at or now,
            stage=Stage.FINISHED
            if encounter.stage is not Stage.AWAITING_MEDICINE
            else encounter.stage,
            confirmed=tuple(sorted(confirmed)),
            station=station,
            patient=patient_snapshot(patient, now.date(), encounter),
            practitioner=actor.user.snapshot,
            signature=Signature(by=actor.user.snapshot, at=now),
        )
        changed = work.encounters.add_version(
            signed,
            RecordStatus.SIGNED,
            author=actor.user.snapshot,
            at=now,
            expected_version=0,
        )
        self._prove(work, actor, changed, signed)
        self._log(work, actor, "encounter.sign", signed)
        return changed

    def amend(
        self,
        actor: Actor,
        encounter: Encounter,
        expected_version: int,
        reason: str,
        confirmed: Collection[str] = (),
    ) -> Changes:
        """Replace a signed visit's content by a new version with a reason; the old one stays."""
        allow_signing(actor, Action.RECORD_AMEND)
        reason = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            begin_signing(work, actor, Action.RECORD_AMEND, now)
            before = work.encounters.get(encounter.id)
            _must_be_signed(before)
            encounter = replace(encounter, patient_id=before.record.patient_id)
            encounter = replace(encounter, arrived_at=before.record.arrived_at)
            refuse(
                self.problems_within(work, encounter),
                {*encounter.confirmed, *confirmed},
            )
            amended = replace(
                encounter,
                number=before.record.number,
                patient=before.record.patient,
                station=before.record.station,
                practitioner=before.record.practitioner,
                signature=Signature(by=actor.user.snapshot, at=now),
            )
            changed = work.encounters.add_version(
                amended,
                RecordStatus.AMENDED,
                author=actor.user.snapshot,
                at=now,
                reason=reason,
                expected_version=expected_version,
                open_fields=still_open(work, RecordKind.ENCOUNTER, before, amended),
            )
            self._prove(work, actor, changed, amended)
            self._log(work, actor, "encounter.amend", amended, reason=reason)
            return Changes((changed,))

    def problems_within(self, work: Work, encounter: Encounter) -> tuple[Problem, ...]:
        """Everything about a signed visit that its form would not let pass, judged as of the visit:
        the child was younger then, the code may have expired since.
        """
        patient = standing_person(work, encounter.patient_id)
        day = encounter.arrived_at.date()
        return check_for_signing(encounter, patient.birth, patient.sex, self._icd_then(day), day)

    def void(self, actor: Actor, encounter_id: str, reason: str) -> Changes:
        """Mark a signed visit and all its papers as cancelled with a reason.

        Nothing is deleted and numbers stay used; the changes name every paper that was voided.
        """
        allow_signing(actor, Action.RECORD_VOID)
        reason = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            begin_signing(work, actor, Action.RECORD_VOID, now)
            before = work.encounters.get(encounter_id)
            _must_be_signed(before)
            papers = close_papers(work, actor, encounter_id, reason, now)
            changed = work.encounters.add_version(
                before.record,
                RecordStatus.VOIDED,
                author=actor.user.snapshot,
                at=now,
                reason=reason,
                expected_version=before.version,
            )
            self._prove(work, actor, changed, before.record)
            self._log(work, actor, "encounter.void", before.record, reason=reason)
            return Changes((changed, *papers))

    def _prove(self, work: Work, actor: Actor, changed: Changed, encounter: Encounter) -> None:
        person, number = encounter.patient_id, encounter.number
        note_signed(work, actor, changed, patient_id=person, number=number, now=self._clock.now())


def _must_be_signed(stored: Stored[Encounter]) -> None:
    if stored.status is RecordStatus.DRAFT:
        raise StateError("Lượt khám này chưa ký: hãy sửa trực tiếp trên bản nháp.")
    if stored.status is RecordStatus.VOIDED:
        raise StateError("Lượt khám này đã hủy nên không sửa được nữa.")
