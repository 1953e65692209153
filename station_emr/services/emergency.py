"""The emergency door: one patient's record for four hours, with a reason, an alarm and a review."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from station_emr.domain.access import (
    EMERGENCY_ACTIONS,
    EMERGENCY_LASTS,
    EmergencyRow,
    Grant,
    GrantKind,
    Review,
    Verdict,
)
from station_emr.domain.audit import Purpose
from station_emr.domain.errors import (
    InvalidRecord,
    NotFound,
    PermissionDenied,
    Problem,
    StateError,
)
from station_emr.domain.permissions import Action, never
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .guards import allow, allow_oneself
from .patients import PatientCard, Patients
from .ports import Clock, Store
from .rights import held
from .timekeeping import station_time

_SHORTEST_REASON: Final = 10
_SHORTEST_SEARCH: Final = 4
_MOST_FOUND: Final = 5
_UNNAMED: Final = "một người bệnh"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPerson:
    """Enough to know whom to open, nothing of the record."""

    id: str
    full_name: str
    birth: str
    sex: str


class Emergency:
    """Opens for who cannot read records otherwise; the walls stand, so never for an administrator.
    It opens reading alone: nothing is signed, printed or taken out with it.
    """

    def __init__(self, store: Store, clock: Clock, patients: Patients) -> None:
        self._store = store
        self._clock = clock
        self._patients = patients

    def find(self, actor: Actor, text: str) -> tuple[FoundPerson, ...]:
        """At most five people by name or number."""
        _may_enter(actor)
        if len(clean(text)) < _SHORTEST_SEARCH:
            raise InvalidRecord(
                (_problem("text", "Hãy gõ họ tên đầy đủ hoặc số định danh của người bệnh."),)
            )
        now = self._clock.now()
        with self._store.write() as work:
            rows = work.patients.search(text, _MOST_FOUND)
            work.audit.append(
                replace(actor, purpose=Purpose.EMERGENCY),
                "emergency.search",
                now,
                detail={"count": str(len(rows))},
            )
        return tuple(
            FoundPerson(
                id=row.id,
                full_name=row.full_name,
                birth=str(row.birth.year),
                sex=row.sex.label,
            )
            for row in rows
        )

    def open(self, actor: Actor, patient_id: str, reason: str) -> Grant:
        """Raises InvalidRecord without a reason, StateError for who may read it anyway."""
        _may_enter(actor)
        reason = clean(reason)
        if len(reason) < _SHORTEST_REASON:
            raise InvalidRecord(
                (
                    _problem(
                        "reason",
                        "Hãy ghi rõ lý do khẩn cấp (ít nhất 10 ký tự). Lý do được giữ lại để giám đốc duyệt.",
                    ),
                )
            )
        if held().table[actor.role] >= EMERGENCY_ACTIONS:
            raise StateError(
                "Vai trò của bạn đã được xem mọi nội dung hồ sơ, không cần mở khẩn cấp. Hãy tìm người bệnh như thường lệ."
            )
        now = self._clock.now()
        with self._store.write() as work:
            moment = station_time(work, now)
            person = work.patients.row(patient_id)  # NotFound for nobody
            grant = Grant(
                id=self._clock.new_id(),
                kind=GrantKind.EMERGENCY,
                user_id=actor.user.id,
                user_name=actor.user.snapshot.printed_name,
                since=moment,
                until=moment + EMERGENCY_LASTS,
                reason=reason,
                actions=EMERGENCY_ACTIONS,
                patient_id=patient_id,
                patient_name=person.full_name,
            )
            work.access.add_grant(grant)
            work.audit.append(
                replace(actor, purpose=Purpose.EMERGENCY),
                "emergency.open",
                now,
                kind="patient",
                record_id=patient_id,
                patient_id=patient_id,
                detail={"reason": reason, "until": f"{grant.until:%d/%m/%Y %H:%M}"},
            )
        return grant

    def record(self, actor: Actor, patient_id: str) -> PatientCard:
        """The summary of the record, as long as it is open. Raises PermissionDenied afterwards."""
        allow(actor, Action.PATIENT_VIEW)
        card = self._patients.card(actor, patient_id)
        with self._store.write() as work:
            work.audit.append(
                replace(actor, purpose=Purpose.EMERGENCY),
                "patient.view",
                self._clock.now(),
                kind="patient",
                record_id=patient_id,
                patient_id=patient_id,
            )
        return card

    def mine(self, actor: Actor) -> tuple[Grant, ...]:
        """What is open for this person now."""
        allow_oneself(actor)
        with self._store.read() as work:
            moment = station_time(work, self._clock.now())
            found = work.access.grants_of(actor.user.id, moment)
        return tuple(one for one in found if one.kind is GrantKind.EMERGENCY)

    def close(self, actor: Actor, grant_id: str) -> None:
        """Before its time, by who opened it or by a manager."""
        allow_oneself(actor)
        now = self._clock.now()
        with self._store.write() as work:
            row = work.access.emergency(grant_id)
            if row is None:
                raise NotFound("Không có lần mở khẩn cấp này.")
            if row.grant.user_id != actor.user.id:
                allow(actor, Action.USER_MANAGE)
            work.access.end_grant(grant_id, actor.user.id, station_time(work, now))
            work.audit.append(
                actor,
                "emergency.close",
                now,
                kind="patient",
                record_id=row.grant.patient_id,
                patient_id=row.grant.patient_id,
            )

    def rows(self, actor: Actor) -> tuple[EmergencyRow, ...]:
        """Those that wait first. Who reads no record does not learn whose it was."""
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            found = work.access.emergencies()
        if Action.PATIENT_VIEW in held().table[actor.role]:
            return found
        return tuple(replace(r, grant=replace(r.grant, patient_name=_UNNAMED)) for r in found)

    def review(self, actor: Actor, grant_id: str, verdict: Verdict, note: str) -> Review:
        """Judge one access, once. Nobody judges the own one."""
        allow(actor, Action.USER_MANAGE)
        note = clean(note)
        if len(note) < _SHORTEST_REASON:
            raise InvalidRecord(
                (_problem("note", "Hãy ghi nhận xét khi duyệt (ít nhất 10 ký tự)."),)
            )
        now = self._clock.now()
        with self._store.write() as work:
            row = work.access.emergency(grant_id)
            if row is None:
                raise NotFound("Không có lần mở khẩn cấp này.")
            if row.grant.user_id == actor.user.id:
                raise PermissionDenied(
                    "Không tự duyệt lần mở khẩn cấp của chính mình. Hãy nhờ người quản lý khác."
                )
            if row.review is not None:
                raise StateError(f"Lần mở khẩn cấp này đã được {row.review.by_name} duyệt.")
            review = Review(
                grant_id=grant_id,
                verdict=verdict,
                note=note,
                by_id=actor.user.id,
                by_name=actor.user.snapshot.printed_name,
                at=station_time(work, now),
            )
            work.access.add_review(review)
            work.audit.append(
                actor,
                "emergency.review",
                now,
                kind="patient",
                record_id=row.grant.patient_id,
                patient_id=row.grant.patient_id,
                detail={"verdict": verdict.label, "note": note},
            )
        return review

    def alarm(self, actor: Actor) -> str:
        """What those in charge are told at log-in and while they work; empty when nothing waits."""
        allow_oneself(actor)
        if Action.USER_MANAGE not in held().table[actor.role]:
            return ""
        with self._store.read() as work:
            waiting = [r for r in work.access.emergencies() if r.review is None]
            moment = station_time(work, self._clock.now())
        if not waiting:
            return ""
        late = sum(row.is_overdue(moment) for row in waiting)
        newest = max(waiting, key=lambda row: row.grant.since).grant
        words = (
            f"Có {len(waiting)} lần mở hồ sơ khẩn cấp chờ duyệt, gần nhất: {newest.user_name} "
            f"lúc {newest.since:%H:%M ngày %d/%m}."
        )
        if late:
            words += f" {late} lần đã quá hạn 3 ngày."
        return f"{words} Mở Quản trị, mục Mở khẩn cấp để duyệt."


def _may_enter(actor: Actor) -> None:
    allow_oneself(actor)
    if never(actor.role) & EMERGENCY_ACTIONS:
        raise PermissionDenied(
            f"Vai trò “{actor.role.label}” không mở được hồ sơ người bệnh, kể cả khi khẩn cấp. "
            "Hãy gọi bác sĩ hoặc giám đốc trạm."
        )


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code=f"{field}-required", message=message)
