"""What people ask of their own record, its deadlines, and the summary. Every step is a version that
reaches the other machines of the station: what is due on one is due on all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeVar

from station_emr.domain.audit import Purpose
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import InvalidRecord, Problem, StateError
from station_emr.domain.permissions import Action
from station_emr.domain.privacy_request import (
    Asker,
    PrivacyRequest,
    RequestKind,
    RequestState,
    check_request,
)
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import (
    SensitiveRange,
    is_sensitive,
)
from station_emr.domain.text import clean, clean_lines
from station_emr.domain.user import Actor

from .breaches import Breaches
from .decisions import still_open
from .guards import allow, needs_reason, refuse
from .joined import standing_person
from .ports import Clock, Store, Stored, Work
from .privacy import Consents, mark_of
from .privacy_ports import PrivacyPapers, RecordSummary, SummaryVisit
from .restricted import ranges_of
from .restricted_codes import CodeName, RestrictedCodes
from .written_at import WrittenAt, written_at

T = TypeVar("T")
_MOST_VISITS: Final = 200
_ANSWER: Final = "Hãy ghi đã trả lời người yêu cầu thế nào."


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    request: PrivacyRequest
    patient_name: str
    late: bool
    written: WrittenAt


class Requests:
    """Requests to view, copy, get the summary, correct, withdraw, delete (Mẫu 04, TT 25/2025)."""

    def __init__(self, store: Store, clock: Clock, papers: PrivacyPapers) -> None:
        self._store = store
        self._clock = clock
        self._papers = papers

    def rows(self, actor: Actor, patient_id: str = "") -> tuple[RequestRow, ...]:
        """Open ones first, the nearest deadline on top; of one person or of all."""
        allow(actor, Action.PRIVACY_HANDLE)
        today = self._clock.now().date()
        with self._store.read() as work:
            requests = work.requests
            stored = requests.of_patient(patient_id) if patient_id else requests.every()
            found = [
                RequestRow(
                    request=one.record,
                    patient_name=work.patients.row(one.record.patient_id).full_name,
                    late=one.record.is_late(today),
                    written=written_at(requests, one),
                )
                for one in stored
            ]
        return tuple(
            sorted(
                found,
                key=lambda row: (not row.request.state.is_open, row.request.next_due or today),
            )
        )

    def blank(self, actor: Actor, patient_id: str) -> PrivacyRequest:
        """An empty request of this person, received now."""
        allow(actor, Action.PRIVACY_HANDLE)
        with self._store.read() as work:
            person = standing_person(work, patient_id)
        return PrivacyRequest(
            id=self._clock.new_id(),
            patient_id=person.id,
            kind=RequestKind.SUMMARY,
            asker=Asker.PATIENT,
            received_at=self._clock.now(),
            asker_name=person.full_name,
            asker_paper=person.national_id,
            asker_phone=person.phone,
        )

    def receive(self, actor: Actor, request: PrivacyRequest) -> PrivacyRequest:
        """Take a written request in; it gets its number and its deadlines. Raises InvalidRecord."""
        allow(actor, Action.PRIVACY_HANDLE)
        now = self._clock.now()
        refuse(check_request(request, now.date()))
        with self._store.write() as work:
            person = standing_person(work, request.patient_id)
            station = work.settings.station()
            number = work.counters.next("privacy_request", station.series, now.year)
            made = replace(
                request,
                patient_id=person.id,
                number=f"YC-{station.series}.{now:%y}-{number:04d}",
                asker_name=clean(request.asker_name),
                asker_paper=clean(request.asker_paper),
                proof=clean(request.proof),
                purpose=clean(request.purpose),
                wanted=clean_lines(request.wanted),
                recorded_by=actor.user.snapshot.printed_name,
                state=RequestState.RECEIVED,
                answered_at=None,
                closed_at=None,
            )
            work.requests.add_version(
                made, RecordStatus.SIGNED, author=actor.user.snapshot, at=now, expected_version=0
            )
            self._log(work, actor, "privacy_request.receive", made)
            return made

    def reply(self, actor: Actor, request_id: str, answer: str) -> PrivacyRequest:
        """The first answer: taken in, will be done. Due within two working days."""
        allow(actor, Action.PRIVACY_HANDLE)
        return self._move(actor, request_id, RequestState.ANSWERED, answer)

    def close(
        self, actor: Actor, request_id: str, answer: str, *, refused: bool = False
    ) -> PrivacyRequest:
        """Done, or not to be done with the reason."""
        allow(actor, Action.PRIVACY_HANDLE)
        return self._move(
            actor, request_id, RequestState.REFUSED if refused else RequestState.DONE, answer
        )

    def form(self, actor: Actor, patient_id: str, request_id: str = "") -> bytes:
        """Mẫu 04, empty to be filled in by hand or filled in from a request."""
        allow(actor, Action.PRIVACY_HANDLE)
        with self._store.write() as work:
            person = standing_person(work, patient_id)
            station = work.settings.station()
            request = work.requests.get(request_id).record if request_id else None
            work.audit.append(
                actor,
                "privacy_request.print",
                self._clock.now(),
                patient_id=person.id,
                record_id=request_id,
                purpose=Purpose.REQUEST,
            )
        return self._papers.request_form(station, person, request, mark_of(actor, self._clock))

    def summary(
        self, actor: Actor, request_id: str, *, restricted: bool = False, reason: str = ""
    ) -> bytes:
        """Mẫu 03 filled in from the signed record. Visits with restricted content stay out unless
        somebody with the right asks for them and says why.
        """
        allow(actor, Action.PRIVACY_HANDLE)
        allow(actor, Action.PRINT)
        if restricted:
            allow(actor, Action.SENSITIVE_VIEW)
            reason = needs_reason(reason)
        with self._store.write() as work:
            request = work.requests.get(request_id).record
            if request.kind not in {RequestKind.SUMMARY, RequestKind.COPY, RequestKind.VIEW}:
                raise StateError("Yêu cầu này không phải yêu cầu xem, sao chụp hay tóm tắt hồ sơ.")
            summary = self._gather(work, request, restricted=restricted)
            work.audit.append(
                actor,
                "privacy_request.summary",
                self._clock.now(),
                record_id=request.id,
                patient_id=request.patient_id,
                detail={
                    "count": str(len(summary.visits)),
                    "left_out": str(summary.left_out),
                    "reason": clean(reason),
                },
                purpose=Purpose.REQUEST,
            )
        return self._papers.summary(summary, mark_of(actor, self._clock))

    def _gather(self, work: Work, request: PrivacyRequest, *, restricted: bool) -> RecordSummary:
        person = standing_person(work, request.patient_id)
        today = self._clock.now().date()
        ranges = ranges_of(work)
        rows = [
            row
            for row in work.encounters.timeline(person.id, _MOST_VISITS)
            if row.status in {RecordStatus.SIGNED, RecordStatus.AMENDED}
        ]
        facts = work.privacy.visits([row.encounter_id for row in rows])
        closed = {visit for visit, one in facts.items() if is_sensitive(one.codes, ranges, today)}
        shown = [row for row in rows if restricted or row.encounter_id not in closed]
        results = {one.code: one.name for one in work.catalogs.rows(CatalogKind.TREATMENT_RESULT)}
        visits = tuple(
            SummaryVisit(
                encounter=encounter,
                result=results.get(encounter.result, ""),
                prescription=_standing(work.prescriptions.of_encounter(encounter.id)),
                referral=_standing(work.referrals.of_encounter(encounter.id)),
            )
            for encounter in (
                work.encounters.get(row.encounter_id).record for row in reversed(shown)
            )
        )
        if not restricted:
            conditions = tuple(
                one for one in person.conditions if not is_sensitive([one.icd_code], ranges, today)
            )
            person = replace(person, conditions=conditions)
        return RecordSummary(
            station=work.settings.station(),
            patient=person,
            visits=visits,
            left_out=len(rows) - len(shown),
            whole=restricted,
            request=request,
        )

    def _move(
        self, actor: Actor, request_id: str, state: RequestState, answer: str
    ) -> PrivacyRequest:
        answer = clean_lines(answer)
        if not answer:
            raise InvalidRecord((Problem(field="answer", code="required", message=_ANSWER),))
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.requests.get(request_id)
            before = stored.record
            if not before.state.is_open:
                raise StateError("Yêu cầu này đã kết thúc nên không đổi được nữa.")
            moved = replace(
                before,
                state=state,
                answer=answer,
                handled_by=actor.user.snapshot.printed_name,
                answered_at=before.answered_at or now,
                closed_at=None if state.is_open else now,
            )
            work.requests.add_version(
                moved,
                RecordStatus.AMENDED,
                author=actor.user.snapshot,
                at=now,
                reason=state.label,
                expected_version=stored.version,
                open_fields=still_open(work, RecordKind.REQUEST, stored, moved),
            )
            self._log(work, actor, f"privacy_request.{state.value}", moved)
            return moved

    def _log(self, work: Work, actor: Actor, action: str, request: PrivacyRequest) -> None:
        work.audit.append(
            actor,
            action,
            self._clock.now(),
            kind=RecordKind.REQUEST,
            record_id=request.id,
            patient_id=request.patient_id,
            detail={"request_number": request.number},
            purpose=Purpose.REQUEST,
        )


class Privacy:
    """The parts together, and which diagnoses are restricted."""

    def __init__(
        self, store: Store, clock: Clock, papers: PrivacyPapers, name_of: CodeName
    ) -> None:
        self._store = store
        self.codes = RestrictedCodes(store, clock, name_of)
        self.consents = Consents(store, clock, papers)
        self.requests = Requests(store, clock, papers)
        self.breaches = Breaches(store, clock, papers)

    def ranges(self, actor: Actor) -> tuple[SensitiveRange, ...]:
        """The ICD ranges whose visits are restricted."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            return ranges_of(work)

    def set_ranges(self, actor: Actor, text: str) -> None:
        """One range per line, ``B20-B24; HIV; 2026-01-01``; empty goes back to the usual ones."""
        self.codes.replace_all(actor, text)


def _standing(paper: Stored[T] | None) -> T | None:
    standing = {RecordStatus.SIGNED, RecordStatus.AMENDED}
    return paper.record if paper is not None and paper.status in standing else None
