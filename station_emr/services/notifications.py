"""Infectious diseases that must be told of: seen when coded, a clock of hours, a list, the notice.

The nurse who sees the case may tell of it: a notice is no medical decision. What was told is never
rewritten; a correction or the hour of telling is a new version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from station_emr.domain.encounter import Diagnosis, Encounter
from station_emr.domain.errors import Problem, StateError
from station_emr.domain.notification import (
    CaseState,
    CommunicableDiseaseNotification,
    NotifiableDisease,
    NotificationRules,
    ReportWay,
    check_notification,
    notification_rules_on,
)
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus, Signature
from station_emr.domain.text import clean, clean_lines
from station_emr.domain.user import Actor

from .form_data import notification_rules
from .form_ports import CodedVisit
from .guards import allow, needs_reason, refuse, still_draft
from .joined import standing_person
from .ports import Clock, Store, Stored, Work
from .snapshots import patient_snapshot

LOOK_BACK: Final = timedelta(days=7)
"""How far back a coded visit without a notice is still brought up."""
SHOWN: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One line of the list: a notice, or a coded visit that has none yet (``notification_id`` empty)."""

    encounter_id: str
    patient_id: str
    patient_name: str
    disease: str
    icd_code: str
    detected_at: datetime
    due_at: datetime
    notification_id: str = ""
    number: str = ""
    version: int = 0
    reported_at: datetime | None = None
    reported_to: str = ""

    def left(self, now: datetime) -> timedelta | None:
        return None if self.reported_at is not None else self.due_at - now

    def overdue(self, now: datetime) -> bool:
        return self.reported_at is None and self.due_at < now

    @property
    def was_late(self) -> bool:
        return self.reported_at is not None and self.reported_at > self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeClock:
    """For the day's screen: how many wait, how many are late, and when the next is due."""

    waiting: int
    overdue: int
    next_due: datetime | None


class Notifications:
    """Use cases of notices."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def rules(self) -> NotificationRules:
        """The table that counts today."""
        return notification_rules_on(notification_rules(), self._clock.now().date())

    def needed(self, diagnoses: tuple[Diagnosis, ...]) -> tuple[NotifiableDisease, ...]:
        """Which diseases of the table these diagnoses are; asked while somebody types."""
        return tuple(disease for _one, disease in self.rules().found_in(diagnoses))

    def rows(self, actor: Actor) -> tuple[NoticeRow, ...]:
        """Late ones first, then by the time that is left, then those already told, newest first."""
        allow(actor, Action.ENCOUNTER_VIEW)
        now = self._clock.now()
        with self._store.read() as work:
            found = [*self._coded(work, now), *self._kept(work, now - SHOWN)]
        open_ones = sorted((one for one in found if one.reported_at is None), key=_urgent)
        told = sorted(
            (one for one in found if one.reported_at is not None),
            key=lambda one: one.detected_at,
            reverse=True,
        )
        return (*open_ones, *told)

    def clock(self, actor: Actor) -> NoticeClock:
        """Counts alone: nobody is named."""
        allow(actor, Action.ENCOUNTER_VIEW)
        now = self._clock.now()
        with self._store.read() as work:
            due = [one.due_at for one in self._coded(work, now)]
            due += [stored.record.due_at or now for stored in work.notifications.untold()]
        return NoticeClock(
            waiting=len(due),
            overdue=sum(one < now for one in due),
            next_due=min(due, default=None),
        )

    def get(self, actor: Actor, notification_id: str) -> Stored[CommunicableDiseaseNotification]:
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.notifications.get(notification_id)

    def of_encounter(
        self, actor: Actor, encounter_id: str
    ) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        """Not voided; a visit may need several."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.notifications.of_visit(encounter_id)

    def prepare(
        self, actor: Actor, encounter_id: str, disease_code: str = ""
    ) -> CommunicableDiseaseNotification:
        """A draft filled from the visit and the chart; not saved yet. Without ``disease_code`` the
        first disease of the visit that was not told of.
        """
        allow(actor, Action.NOTIFICATION_REPORT)
        with self._store.read() as work:
            encounter = work.encounters.get(encounter_id).record
            told = {
                stored.record.disease_code for stored in work.notifications.of_visit(encounter_id)
            }
            return self._filled(work, encounter, disease_code, told)

    def check(self, notification: CommunicableDiseaseNotification) -> tuple[Problem, ...]:
        return check_notification(notification, self.rules(), self._clock.now())

    def save_draft(self, actor: Actor, notification: CommunicableDiseaseNotification) -> Changes:
        """Keep what is known so far; the clock goes on."""
        allow(actor, Action.NOTIFICATION_REPORT)
        with self._store.write() as work:
            still_draft(work.notifications.find(notification.id))
            self._only_one(work, notification)
            work.notifications.save_draft(notification, self._clock.now())
            return Changes((_drafted(notification.id),))

    def discard(self, actor: Actor, notification_id: str) -> Changes:
        """Drop a draft; the visit is brought up again as long as the diagnosis stands."""
        allow(actor, Action.NOTIFICATION_REPORT)
        with self._store.write() as work:
            dropped = work.notifications.get(notification_id).record
            work.notifications.discard_draft(notification_id)
            self._log(work, actor, "notification.discard", dropped)
            return Changes((_drafted(notification_id),))

    def submit(self, actor: Actor, notification: CommunicableDiseaseNotification) -> Changes:
        """Write the notice: it gets its number and can be printed. Raises InvalidRecord."""
        allow(actor, Action.NOTIFICATION_REPORT)
        now = self._clock.now()
        refuse(self.check(notification))
        with self._store.write() as work:
            still_draft(work.notifications.find(notification.id))
            self._only_one(work, notification)
            station = work.settings.station()
            person = standing_person(work, notification.patient_id)
            visit = work.encounters.find(notification.encounter_id)
            number = work.counters.next("notification", station.series, now.year)
            made = replace(
                _cleaned(notification),
                number=f"{station.series}-{number:04d}/{now.year}/BTN",
                station=station,
                patient=patient_snapshot(person, now.date(), visit.record if visit else None),
                practitioner=actor.user.snapshot,
                signature=Signature(by=actor.user.snapshot, at=now),
            )
            changed = work.notifications.add_version(
                made, RecordStatus.SIGNED, author=actor.user.snapshot, at=now, expected_version=0
            )
            self._log(work, actor, "notification.submit", made)
            return Changes((changed,))

    def report(
        self,
        actor: Actor,
        notification_id: str,
        *,
        way: ReportWay,
        told: str,
        receipt: str = "",
        at: datetime | None = None,
    ) -> Changes:
        """The superior was told; the clock stops. ``at`` is now unless it was earlier."""
        allow(actor, Action.NOTIFICATION_REPORT)
        now = self._clock.now()
        with self._store.write() as work:
            stored = self._written(work, notification_id)
            if stored.record.reported_at is not None:
                raise StateError(
                    f"Ca bệnh này đã ghi báo lúc {stored.record.reported_at:%H:%M %d/%m/%Y}. "
                    "Cần ghi lại thì sửa phiếu, có lý do."
                )
            done = replace(
                stored.record,
                reported_at=at or now,
                reported_way=way,
                reported_to=clean(told),
                receipt=clean(receipt),
            )
            refuse(check_notification(done, self.rules(), now))
            return self._next(work, actor, stored, done, "notification.report", "Đã báo cấp trên")

    def amend(
        self,
        actor: Actor,
        notification: CommunicableDiseaseNotification,
        expected_version: int,
        reason: str,
    ) -> Changes:
        """What turned out otherwise (diagnosis, grade, result): a new version with its reason."""
        allow(actor, Action.NOTIFICATION_REPORT)
        reason = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            stored = self._written(work, notification.id)
            before = stored.record
            made = replace(
                _cleaned(notification),
                patient_id=before.patient_id,
                encounter_id=before.encounter_id,
                number=before.number,
                detected_at=before.detected_at,
                station=before.station,
                patient=before.patient,
                practitioner=actor.user.snapshot,
                signature=Signature(by=actor.user.snapshot, at=now),
            )
            refuse(check_notification(made, self.rules(), now))
            held = replace(stored, version=expected_version)
            return self._next(work, actor, held, made, "notification.amend", reason)

    def void(self, actor: Actor, notification_id: str, reason: str) -> Changes:
        """It was no such case after all; number and content stay readable."""
        allow(actor, Action.NOTIFICATION_REPORT)
        reason = needs_reason(reason)
        with self._store.write() as work:
            stored = self._written(work, notification_id)
            changed = work.notifications.add_version(
                stored.record,
                RecordStatus.VOIDED,
                author=actor.user.snapshot,
                at=self._clock.now(),
                reason=reason,
                expected_version=stored.version,
            )
            self._log(work, actor, "notification.void", stored.record, reason=reason)
            return Changes((changed,))

    # What is behind ---------------------------------------------------------------------------

    def _filled(
        self, work: Work, encounter: Encounter, wanted: str, told: set[str]
    ) -> CommunicableDiseaseNotification:
        rules = self.rules()
        person = standing_person(work, encounter.patient_id)
        found = rules.found_in(encounter.diagnoses)
        pair = next(
            (
                (diagnosis, disease)
                for diagnosis, disease in found
                if disease.code == wanted or (not wanted and disease.code not in told)
            ),
            None,
        )
        diagnosis, disease = pair if pair is not None else (None, rules.by_code(wanted))
        died = encounter.died
        guardian = person.guardian
        return CommunicableDiseaseNotification(
            id=self._clock.new_id(),
            patient_id=person.id,
            encounter_id=encounter.id,
            disease_code=disease.code if disease else "",
            disease_name=disease.name if disease else "",
            icd_code=diagnosis.icd_code if diagnosis else "",
            icd_title=diagnosis.title if diagnosis else "",
            detected_at=encounter.arrived_at,
            hours=min(disease.hours, rules.death_hours)
            if disease and died
            else disease.hours
            if disease
            else rules.death_hours,
            state=CaseState.DIED if died else None,
            phone=person.phone or (guardian.phone if guardian else ""),
            home_address=person.address.text,
            workplace=person.workplace,
            occupation=person.occupation_name,
            underlying="; ".join(one.title for one in person.conditions),
        )

    def _coded(self, work: Work, now: datetime) -> list[NoticeRow]:
        """Visits whose diagnosis is on the list and that have no notice of it."""
        rules = self.rules()
        since: date = (now - LOOK_BACK).date()
        return [
            row
            for visit in work.notifications.coded_visits(since)
            for row in _rows_of(visit, rules)
        ]

    def _kept(self, work: Work, since: datetime) -> list[NoticeRow]:
        return [
            NoticeRow(
                encounter_id=stored.record.encounter_id,
                patient_id=stored.record.patient_id,
                patient_name=work.patients.row(stored.record.patient_id).full_name,
                disease=stored.record.disease_name,
                icd_code=stored.record.icd_code,
                detected_at=stored.record.detected_at or stored.saved_at,
                due_at=stored.record.due_at or stored.saved_at,
                notification_id=stored.record.id,
                number=stored.record.number,
                version=stored.version,
                reported_at=stored.record.reported_at,
                reported_to=stored.record.reported_to,
            )
            for stored in work.notifications.since(since)
        ]

    def _only_one(self, work: Work, notification: CommunicableDiseaseNotification) -> None:
        others = [
            stored
            for stored in work.notifications.of_visit(notification.encounter_id)
            if stored.record.id != notification.id
            and stored.record.disease_code == notification.disease_code
        ]
        if others and notification.disease_code:
            raise StateError(
                "Lượt khám này đã có phiếu báo bệnh đó. Hãy mở phiếu ấy để sửa hoặc ghi đã báo."
            )

    def _written(self, work: Work, notification_id: str) -> Stored[CommunicableDiseaseNotification]:
        stored = work.notifications.get(notification_id)
        if stored.status is RecordStatus.DRAFT:
            raise StateError("Phiếu báo còn là nháp. Hãy điền đủ rồi lập phiếu.")
        if stored.status is RecordStatus.VOIDED:
            raise StateError("Phiếu báo này đã hủy nên không sửa được nữa. Hãy lập phiếu mới.")
        return stored

    def _next(
        self,
        work: Work,
        actor: Actor,
        stored: Stored[CommunicableDiseaseNotification],
        made: CommunicableDiseaseNotification,
        action: str,
        reason: str,
    ) -> Changes:
        changed = work.notifications.add_version(
            made,
            RecordStatus.AMENDED,
            author=actor.user.snapshot,
            at=self._clock.now(),
            reason=reason,
            expected_version=stored.version,
        )
        self._log(work, actor, action, made, reason=reason)
        return Changes((changed,))

    def _log(
        self,
        work: Work,
        actor: Actor,
        action: str,
        notification: CommunicableDiseaseNotification,
        **detail: str,
    ) -> None:
        work.audit.append(
            actor,
            action,
            self._clock.now(),
            kind=RecordKind.NOTIFICATION,
            record_id=notification.id,
            patient_id=notification.patient_id,
            detail=detail,
        )


def _drafted(notification_id: str) -> Changed:
    return Changed(RecordKind.NOTIFICATION, notification_id, 0, RecordStatus.DRAFT)


def _urgent(row: NoticeRow) -> datetime:
    return row.due_at


def _rows_of(visit: CodedVisit, rules: NotificationRules) -> list[NoticeRow]:
    found: dict[str, NoticeRow] = {}
    for label in visit.diagnoses:
        code = label.partition(" ")[0]
        disease = rules.disease_of(code)
        if disease is not None and disease.code not in visit.told:
            found.setdefault(
                disease.code,
                NoticeRow(
                    encounter_id=visit.encounter_id,
                    patient_id=visit.patient_id,
                    patient_name=visit.patient_name,
                    disease=disease.name,
                    icd_code=code,
                    detected_at=visit.arrived_at,
                    due_at=visit.arrived_at + timedelta(hours=disease.hours),
                ),
            )
    return list(found.values())


def _cleaned(notification: CommunicableDiseaseNotification) -> CommunicableDiseaseNotification:
    lines = ("underlying", "contacts", "measures", "note")
    words = ("phone", "home_address", "onset_address", "workplace", "occupation", "test_name")
    texts: dict[str, Any] = {name: clean_lines(getattr(notification, name)) for name in lines}
    texts |= {name: clean(getattr(notification, name)) for name in words}
    return replace(notification, **texts)
