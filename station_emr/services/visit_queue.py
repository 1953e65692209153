"""The day's queue of the station: who waits, who is called, who has gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from station_emr.domain.encounter import Encounter, Priority, Stage
from station_emr.domain.errors import StateError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .guards import allow, allow_any
from .joined import standing_person
from .ports import Clock, Store, Work
from .views import QueueRow


class VisitQueue:
    """Use cases of the queue; the visit itself is in :class:`.encounters.Encounters`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def queue(self, actor: Actor, day: date | None = None) -> tuple[QueueRow, ...]:
        """Today's people, in order of calling: emergencies, priorities, then by arrival."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            rows = work.encounters.queue(day or self._clock.now().date())
        return tuple(sorted(rows, key=lambda row: (_RANK[row.priority], row.arrived_at)))

    def check_in(
        self,
        actor: Actor,
        patient_id: str,
        reason: str = "",
        priority: Priority = Priority.ROUTINE,
    ) -> Changes:
        """Put a person in today's queue; gives back the visit already open today, if any.

        A chart that was joined to another gets no visit any more: it is filed under the standing one.
        """
        allow(actor, Action.PATIENT_EDIT)
        now = self._clock.now()
        with self._store.write() as work:
            patient = standing_person(work, patient_id)
            open_id = work.encounters.open_of(patient.id, now.date())
            if open_id is not None:
                return draft_changed(RecordKind.ENCOUNTER, open_id)
            left = self._clear_no_shows(work, actor, patient.id, now.date())
            coverage = patient.payable_coverage_on(now.date())
            encounter = Encounter(
                id=self._clock.new_id(),
                patient_id=patient.id,
                arrived_at=now,
                reason=clean(reason),
                priority=priority,
                visit_object="1.2" if coverage is not None else "9",
                coverage_number=coverage.number if coverage is not None else "",
            )
            work.encounters.save_draft(encounter, now)
            self._log(work, actor, "encounter.check_in", encounter)
            return draft_changed(RecordKind.ENCOUNTER, encounter.id) + left

    def _clear_no_shows(self, work: Work, actor: Actor, patient_id: str, day: date) -> Changes:
        """Drop this person's waiting places of earlier days in which nothing was written.

        A draft with any content stays in the queue until somebody decides about it.
        """
        gone = Changes()
        shown = work.links.survivor_of(patient_id)
        for row in work.encounters.queue(day):
            if row.patient_id != shown or row.arrived_at.date() >= day:
                continue
            stored = work.encounters.get(row.encounter_id)
            if stored.status is RecordStatus.DRAFT and _untouched(stored.record, row):
                work.encounters.discard_draft(row.encounter_id)
                self._log(work, actor, "encounter.discard", stored.record, why="no_show")
                gone += draft_changed(RecordKind.ENCOUNTER, row.encounter_id)
        return gone

    def call_next(self, actor: Actor) -> Changes:
        """Start the first visit waiting today. Raises StateError when nobody waits."""
        today = self._clock.now().date()
        waiting = [
            row
            for row in self.queue(actor)
            if row.stage is Stage.WAITING and row.arrived_at.date() == today
        ]
        if not waiting:
            raise StateError("Không còn ai chờ khám.")
        return self.start(actor, waiting[0].encounter_id)

    def start(self, actor: Actor, encounter_id: str) -> Changes:
        """Begin (or take over) a visit that is still a draft."""
        allow(actor, Action.VITALS_RECORD)
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.encounters.get(encounter_id)
            if stored.status is not RecordStatus.DRAFT:
                return Changes()
            encounter = stored.record
            if encounter.stage is Stage.WAITING:
                encounter = replace(
                    encounter,
                    stage=Stage.IN_PROGRESS,
                    started_at=encounter.started_at or now,
                    practitioner=actor.user.snapshot,
                )
                work.encounters.save_draft(encounter, now)
                self._log(work, actor, "encounter.start", encounter)
            return draft_changed(RecordKind.ENCOUNTER, encounter_id)

    def set_stage(self, actor: Actor, encounter_id: str, stage: Stage) -> Changes:
        """Move a visit in the queue (medicine given, sent back to wait)."""
        allow_any(actor, (Action.VITALS_RECORD, Action.DISPENSE))
        with self._store.write() as work:
            stored = work.encounters.get(encounter_id)
            if stored.status is RecordStatus.DRAFT:
                work.encounters.save_draft(replace(stored.record, stage=stage), self._clock.now())
            else:
                work.encounters.set_stage(encounter_id, stage)
            self._log(work, actor, "encounter.stage", stored.record, stage=stage.value)
            return draft_changed(RecordKind.ENCOUNTER, encounter_id)

    def _log(
        self, work: Work, actor: Actor, action: str, encounter: Encounter, **detail: str
    ) -> None:
        work.audit.append(
            actor,
            action,
            self._clock.now(),
            kind=RecordKind.ENCOUNTER,
            record_id=encounter.id,
            patient_id=encounter.patient_id,
            detail=detail,
        )


_RANK = {Priority.EMERGENCY: 0, Priority.PRIORITY: 1, Priority.ROUTINE: 2}


def _untouched(encounter: Encounter, row: QueueRow) -> bool:
    written = (
        encounter.vitals,
        encounter.history,
        encounter.past_history,
        encounter.examination,
        encounter.diagnoses,
        encounter.procedures,
        encounter.treatment,
        encounter.advice,
        row.prescription_status,
        row.referred_to,
        row.follow_up_on,
    )
    return encounter.stage is Stage.WAITING and not any(written)


def draft_changed(kind: RecordKind, record_id: str) -> Changes:
    """What screens are told of a draft."""
    return Changes((Changed(kind, record_id, 0, RecordStatus.DRAFT),))
