"""Consents, what people ask of their own record, and leaks: the rights of Luật 91/2025 at the station."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from station_emr.domain.birth import age_on
from station_emr.domain.consent import (
    Consent,
    ConsentForm,
    ConsentStanding,
    check_consent,
    required_giver,
)
from station_emr.domain.errors import InvalidRecord, Problem, StateError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .decisions import still_open
from .guards import allow, needs_reason, refuse
from .joined import standing_person
from .ports import Clock, PrintMark, Store, Stored, Work
from .privacy_ports import PrivacyPapers

_MOST_TEXT: Final = 2000
_PAPER: Final = ConsentForm.PAPER


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One consent in a list, with where it stands today."""

    stored: Stored[Consent]
    standing: ConsentStanding
    patient_name: str = ""

    @property
    def consent(self) -> Consent:
        return self.stored.record


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientConsents:
    """What holds of one person. ``age`` decides who has to agree; None for an unknown person."""

    patient: Patient
    age: int
    rows: tuple[ConsentRow, ...]


def mark_of(actor: Actor, clock: Clock) -> PrintMark:
    return PrintMark(printed_at=clock.now(), printed_by=actor.user.snapshot.printed_name, copy=1)


class Consents:
    """Consent per purpose. What was given stays readable after it is taken back."""

    def __init__(self, store: Store, clock: Clock, papers: PrivacyPapers) -> None:
        self._store = store
        self._clock = clock
        self._papers = papers

    def of_patient(self, actor: Actor, patient_id: str) -> PatientConsents:
        """Newest first, of every chart of this person."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            person = standing_person(work, patient_id)
            return PatientConsents(
                patient=person,
                age=age_on(person.birth, self._clock.now().date()),
                rows=self._rows(work, work.consents.of_patient(person.id)),
            )

    def unanswered(self, actor: Actor) -> tuple[ConsentRow, ...]:
        """Taken back and not answered yet, the one that waits longest first."""
        allow(actor, Action.PRIVACY_HANDLE)
        with self._store.read() as work:
            return self._rows(work, work.consents.unanswered())

    def allowed(self, actor: Actor, patient_id: str, purpose: str) -> bool:
        """Whether this purpose is agreed to at this moment. Silence is a no."""
        allow(actor, Action.PATIENT_VIEW)
        today = self._clock.now().date()
        with self._store.read() as work:
            return any(
                stored.record.purpose == purpose
                and stored.record.standing(today) is ConsentStanding.ACTIVE
                for stored in work.consents.of_patient(patient_id)
            )

    def blank(self, actor: Actor, patient_id: str) -> Consent:
        """An empty form: nothing is chosen but who has to agree at this age."""
        allow(actor, Action.CONSENT_RECORD)
        with self._store.read() as work:
            person = standing_person(work, patient_id)
        now = self._clock.now()
        guardian = person.guardian
        giver = required_giver(age_on(person.birth, now.date()))
        return Consent(
            id=self._clock.new_id(),
            patient_id=person.id,
            giver=giver,
            form=_PAPER,
            given_at=now,
            recorded_by=actor.user.snapshot.printed_name,
            guardian_name=guardian.full_name if guardian else "",
            guardian_relationship=guardian.relationship if guardian else "",
        )

    def give(self, actor: Actor, consent: Consent) -> Changes:
        """Write down that somebody agreed. Raises InvalidRecord."""
        allow(actor, Action.CONSENT_RECORD)
        now = self._clock.now()
        with self._store.write() as work:
            person = standing_person(work, consent.patient_id)
            refuse(check_consent(consent, age_on(person.birth, now.date()), now.date()))
            if work.consents.find(consent.id) is not None:
                raise StateError("Sự đồng ý này đã ghi rồi. Hãy mở lại danh sách.")
            made = replace(
                _cleaned(consent),
                patient_id=person.id,
                recorded_by=actor.user.snapshot.printed_name,
                withdrawn_at=None,
                withdrawn_by="",
                withdrawal_paper="",
                answered_at=None,
            )
            changed = work.consents.add_version(
                made, RecordStatus.SIGNED, author=actor.user.snapshot, at=now, expected_version=0
            )
            self._log(work, actor, "consent.give", made)
            return Changes((changed,))

    def withdraw(
        self, actor: Actor, consent_id: str, by: str, reason: str, paper_number: str = ""
    ) -> Changes:
        """The person takes it back; it counts from this moment. The answer is due in 15 days."""
        allow(actor, Action.CONSENT_RECORD)
        reason = needs_reason(reason)
        if not clean(by):
            message = "Hãy ghi ai rút lại sự đồng ý."
            raise InvalidRecord((Problem(field="withdrawn_by", code="required", message=message),))
        with self._store.write() as work:
            stored = work.consents.get(consent_id)
            if stored.record.withdrawn_at is not None:
                return Changes()
            gone = replace(
                stored.record,
                withdrawn_at=self._clock.now(),
                withdrawn_by=clean(by),
                withdrawal_paper=clean(paper_number),
            )
            return self._next(work, actor, stored, gone, "consent.withdraw", reason)

    def answer(self, actor: Actor, consent_id: str) -> Changes:
        """The person was told that what was agreed to has come to its end."""
        allow(actor, Action.PRIVACY_HANDLE)
        with self._store.write() as work:
            stored = work.consents.get(consent_id)
            if stored.record.withdrawn_at is None:
                raise StateError("Sự đồng ý này chưa được rút lại nên không có gì phải trả lời.")
            if stored.record.answered_at is not None:
                return Changes()
            told = replace(stored.record, answered_at=self._clock.now())
            return self._next(work, actor, stored, told, "consent.answer", "Đã trả lời")

    def form(self, actor: Actor, consent: Consent) -> bytes:
        """The paper to sign, with what is filled in so far; nothing on it is ticked beforehand."""
        allow(actor, Action.PRINT)
        with self._store.write() as work:
            person = standing_person(work, consent.patient_id)
            station = work.settings.station()
            self._log(work, actor, "consent.print", consent)
        return self._papers.consent_form(station, person, consent, mark_of(actor, self._clock))

    def _next(
        self,
        work: Work,
        actor: Actor,
        stored: Stored[Consent],
        consent: Consent,
        action: str,
        reason: str,
    ) -> Changes:
        changed = work.consents.add_version(
            consent,
            RecordStatus.AMENDED,
            author=actor.user.snapshot,
            at=self._clock.now(),
            reason=reason,
            expected_version=stored.version,
            open_fields=still_open(work, RecordKind.CONSENT, stored, consent),
        )
        self._log(work, actor, action, consent)
        return Changes((changed,))

    def _log(self, work: Work, actor: Actor, action: str, consent: Consent) -> None:
        work.audit.append(
            actor,
            action,
            self._clock.now(),
            kind=RecordKind.CONSENT,
            record_id=consent.id,
            patient_id=consent.patient_id,
            detail={"consent_purpose": consent.purpose},
        )

    def _rows(self, work: Work, found: tuple[Stored[Consent], ...]) -> tuple[ConsentRow, ...]:
        today = self._clock.now().date()
        return tuple(
            ConsentRow(
                stored=stored,
                standing=stored.record.standing(today),
                patient_name=work.patients.row(stored.record.patient_id).full_name,
            )
            for stored in found
        )


def _cleaned(consent: Consent) -> Consent:
    return replace(
        consent,
        guardian_name=clean(consent.guardian_name),
        guardian_relationship=clean(consent.guardian_relationship),
        witness=clean(consent.witness),
        paper_number=clean(consent.paper_number),
        receiver=clean(consent.receiver),
        note=clean(consent.note)[:_MOST_TEXT],
    )
