"""Leaks and losses of personal data. They travel: the 72 hours run on every machine of the station."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.permissions import Action
from station_emr.domain.privacy_request import DataBreach, check_breach
from station_emr.domain.record import Changed, RecordKind, RecordStatus
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .decisions import still_open
from .guards import allow, refuse
from .ports import Clock, Store, Stored, Work
from .privacy import mark_of
from .privacy_ports import PrivacyPapers
from .written_at import WrittenAt, written_at


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachRow:
    breach: DataBreach
    written: WrittenAt


class Breaches:
    """Leaks and losses of personal data: the report is due 72 hours after one was noticed."""

    def __init__(self, store: Store, clock: Clock, papers: PrivacyPapers) -> None:
        self._store = store
        self._clock = clock
        self._papers = papers

    def rows(self, actor: Actor) -> tuple[BreachRow, ...]:
        """Newest first."""
        allow(actor, Action.PRIVACY_HANDLE)
        with self._store.read() as work:
            return tuple(
                BreachRow(breach=one.record, written=written_at(work.breaches, one))
                for one in work.breaches.every()
            )

    def blank(self, actor: Actor) -> DataBreach:
        allow(actor, Action.PRIVACY_HANDLE)
        return DataBreach(id=self._clock.new_id(), noticed_at=self._clock.now())

    def record(self, actor: Actor, breach: DataBreach) -> DataBreach:
        """Write one down, or what became known since. The moment it was noticed never changes."""
        allow(actor, Action.PRIVACY_HANDLE)
        now = self._clock.now()
        refuse(check_breach(breach, now))
        with self._store.write() as work:
            stored = work.breaches.find(breach.id)
            known = stored.record if stored is not None else None
            station = work.settings.station()
            number = known.number if known else ""
            if not number:
                counted = work.counters.next("data_breach", station.series, now.year)
                number = f"SC-{station.series}.{now:%y}-{counted:04d}"
            made = replace(
                breach,
                number=number,
                noticed_at=known.noticed_at if known else breach.noticed_at,
                recorded_by=actor.user.snapshot.printed_name,
                facility_id=station.facility_id,
            )
            self._write(work, actor, stored, made, "Ghi thêm", now)
            self._log(work, actor, "data_breach.record", made, now)
            return made

    def reported(self, actor: Actor, breach_id: str, to: str) -> DataBreach:
        """The report has gone out."""
        allow(actor, Action.PRIVACY_HANDLE)
        if not clean(to):
            message = "Hãy ghi đã báo cho cơ quan nào."
            raise InvalidRecord((Problem(field="reported_to", code="required", message=message),))
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.breaches.get(breach_id)
            sent = replace(stored.record, reported_at=now, reported_to=clean(to))
            self._write(work, actor, stored, sent, "Đã báo", now)
            self._log(work, actor, "data_breach.report", sent, now)
            return sent

    def report(self, actor: Actor, breach_id: str) -> bytes:
        """The page for the authority: who, what, when, with the clock of 72 hours."""
        allow(actor, Action.PRIVACY_HANDLE)
        now = self._clock.now()
        with self._store.write() as work:
            breach = work.breaches.get(breach_id).record
            station = work.settings.station()
            self._log(work, actor, "data_breach.print", breach, now)
        return self._papers.breach_report(station, breach, now, mark_of(actor, self._clock))

    def _write(
        self,
        work: Work,
        actor: Actor,
        stored: Stored[DataBreach] | None,
        breach: DataBreach,
        reason: str,
        now: datetime,
    ) -> Changed:
        if stored is None:
            return work.breaches.add_version(
                breach, RecordStatus.SIGNED, author=actor.user.snapshot, at=now, expected_version=0
            )
        return work.breaches.add_version(
            breach,
            RecordStatus.AMENDED,
            author=actor.user.snapshot,
            at=now,
            reason=reason,
            expected_version=stored.version,
            open_fields=still_open(work, RecordKind.BREACH, stored, breach),
        )

    def _log(
        self, work: Work, actor: Actor, action: str, breach: DataBreach, now: datetime
    ) -> None:
        detail = {"request_number": breach.number}
        work.audit.append(
            actor, action, now, kind=RecordKind.BREACH, record_id=breach.id, detail=detail
        )
