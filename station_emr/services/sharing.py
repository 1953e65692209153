"""What passed between this station and others: consents written down here, and who looked at its charts.

Both are kept on this machine, so that they can be read without a line: consents as they are given, the
list of looks as the province last told it, with the day. A consent that is taken back counts at once;
the province hears of it now, or the next time it is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, NetworkFailure, NotFound
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .clock import VIETNAM
from .guards import allow
from .ports import Clock, Store, Work

CONSENT_VALID: Final = timedelta(hours=24)
UNREACHED: Final = (
    "Đang không có mạng nên chưa hỏi được tỉnh. Danh sách dưới đây là của lần hỏi trước; "
    "hồ sơ của trạm vẫn dùng bình thường."
)
UNJOINED: Final = (
    "Máy này chưa nối với máy chủ tỉnh nên không biết trạm nào đã xem. "
    "Hồ sơ của trạm vẫn dùng bình thường."
)
_CONSENTS: Final = "sharing.consents"
_LOOKS: Final = "sharing.looks"
_MOST: Final = 500
"""Of each list, the newest; the province keeps all of them."""
_MOST_PAGES: Final = 100


class ConsentState(StrEnum):
    """``withdrawing``: taken back here, the province has not heard of it yet."""

    VALID = "valid"
    EXPIRED = "expired"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenConsent:
    """A person's consent that this station reads what others wrote. ``how`` is the code of its basis."""

    id: str
    patient_id: str
    how: str
    given_by: str
    recorded_by: str
    at: datetime
    withdrawn_at: datetime | None = None
    told: bool = False
    patient_name: str = ""

    @property
    def until(self) -> datetime:
        return self.at + CONSENT_VALID

    def state(self, now: datetime) -> ConsentState:
        if self.withdrawn_at is not None:
            return ConsentState.WITHDRAWN if self.told else ConsentState.WITHDRAWING
        return ConsentState.VALID if now <= self.until else ConsentState.EXPIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLook:
    """One look of another facility at a chart of this station. ``reason`` is the purpose, or why it
    could not wait for a consent.
    """

    number: int
    at: datetime
    patient_id: str
    facility: str
    user: str
    emergency: bool
    reason: str
    resources: int
    patient_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingView:
    """Newest first. ``answered_at`` is when the province told the looks; None when it never did.
    ``patient_name`` is whose they are, when of one person.
    """

    consents: tuple[GivenConsent, ...] = ()
    looks: tuple[OtherLook, ...] = ()
    answered_at: datetime | None = None
    patient_name: str = ""


class SharingLine(Protocol):
    """The province's desk for it. Raises UserError (a refusal, in its words) or NetworkFailure."""

    def withdraw(self, consent_id: str) -> None:
        """The province shows nothing more on this consent; none is needed for one it never saw."""

    def looks(self, after: int) -> dict[str, Any]:
        """``entries`` with greater numbers, the ``last`` number, and whether there are ``more``."""


class Sharing:
    def __init__(
        self, store: Store, clock: Clock, open_line: Callable[[Work], SharingLine | None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._open_line = open_line

    def kept(self, actor: Actor, patient_id: str = "") -> SharingView:
        """What this machine knows, of one person or of all."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            looks, answered = _kept_looks(work)
            names: dict[str, str] = {}

            def named(record_id: str) -> str:
                if record_id not in names:
                    names[record_id] = _name(work, record_id)
                return names[record_id]

            return SharingView(
                consents=tuple(
                    replace(one, patient_name=named(one.patient_id))
                    for one in _kept_consents(work)
                    if patient_id in ("", one.patient_id)
                ),
                looks=tuple(
                    replace(one, patient_name=named(one.patient_id))
                    for one in looks
                    if patient_id in ("", one.patient_id)
                ),
                answered_at=answered,
                patient_name=named(patient_id) if patient_id else "",
            )

    def ask(self, actor: Actor) -> None:
        """Tell the province what it has not heard, and take what it says. Takes as long as the line
        does: never in the lane of the database. Raises EnvironmentFailure without a line.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            unheard = [one for one in _kept_consents(work) if one.withdrawn_at and not one.told]
        for one in unheard:
            self._tell(one.id)
        for _page in range(_MOST_PAGES):
            with self._store.read() as work:
                looks, _at = _kept_looks(work)
            answer = self._over_line(partial(_looks_after, looks[0].number if looks else 0))
            try:
                fresh = [_look_from(entry) for entry in answer["entries"]]
                more = bool(answer["more"]) and bool(fresh)
            except (KeyError, TypeError, ValueError) as error:
                raise NetworkFailure(UNREACHED) from error
            with self._store.write() as work:
                keep_looks(work, (*looks, *fresh), self._clock.now())
            if not more:
                return

    def withdraw(self, actor: Actor, consent_id: str) -> bool:
        """The person takes the consent back. Whether the province has heard of it; else it will."""
        allow(actor, Action.ENCOUNTER_VIEW)
        now = self._clock.now()
        with self._store.write() as work:
            known = _kept_consents(work)
            found = next((one for one in known if one.id == consent_id), None)
            if found is None:
                raise NotFound("Không còn thấy sự đồng ý này trên máy. Hãy mở lại danh sách.")
            if found.withdrawn_at is None:
                gone = replace(found, withdrawn_at=now)
                _keep_consents(work, [gone if one is found else one for one in known])
                work.audit.append(
                    actor,
                    "patient.withdraw_consent",
                    now,
                    patient_id=found.patient_id,
                    detail={"consent": consent_id},
                )
        if found.told:
            return True
        try:
            self._tell(consent_id)
        except EnvironmentFailure:
            return False
        return True

    def _tell(self, consent_id: str) -> None:
        self._over_line(lambda line: line.withdraw(consent_id))
        with self._store.write() as work:
            _keep_consents(
                work,
                [
                    replace(one, told=True) if one.id == consent_id else one
                    for one in _kept_consents(work)
                ],
            )

    def _over_line(self, ask: Callable[[SharingLine], Any]) -> Any:
        with self._store.read() as work:
            line = self._open_line(work)
        if line is None:
            raise EnvironmentFailure(UNJOINED)
        try:
            return ask(line)
        except NetworkFailure as error:
            raise NetworkFailure(UNREACHED) from error


def _looks_after(number: int, line: SharingLine) -> dict[str, Any]:
    return line.looks(number)


def note_consent(work: Work, consent: GivenConsent) -> None:
    """Write down that a person agreed; part of the caller's transaction."""
    _keep_consents(work, [consent, *_kept_consents(work)])


def keep_looks(work: Work, looks: Iterable[OtherLook], at: datetime) -> None:
    """Keep the newest of the looks as the province's answer of this moment."""
    newest = sorted({one.number: one for one in looks}.values(), key=lambda one: -one.number)
    rows = [
        {
            "number": one.number,
            "at": one.at.isoformat(),
            "patient": one.patient_id,
            "facility": one.facility,
            "user": one.user,
            "emergency": one.emergency,
            "reason": one.reason,
            "resources": one.resources,
        }
        for one in newest[:_MOST]
    ]
    work.settings.put(_LOOKS, json.dumps({"at": at.isoformat(), "rows": rows}, ensure_ascii=False))


def _kept_looks(work: Work) -> tuple[tuple[OtherLook, ...], datetime | None]:
    try:
        kept = json.loads(work.settings.get(_LOOKS) or "")
        rows = tuple(
            OtherLook(
                number=row["number"],
                at=datetime.fromisoformat(row["at"]),
                patient_id=row["patient"],
                facility=row["facility"],
                user=row["user"],
                emergency=row["emergency"],
                reason=row["reason"],
                resources=row["resources"],
            )
            for row in kept["rows"]
        )
        return rows, datetime.fromisoformat(kept["at"])
    except (ValueError, KeyError, TypeError):  # never asked; else the province tells all again
        return (), None


def _look_from(entry: dict[str, Any]) -> OtherLook:
    """One line of the province's answer; KeyError, TypeError or ValueError for what is none."""
    facility, at = entry["facility"], datetime.fromisoformat(entry["at"])
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return OtherLook(
        number=int(entry["sequence"]),
        at=at.astimezone(VIETNAM),
        patient_id=str(entry["patient"]),
        facility=str(facility.get("name") or facility["code"])[:200],
        user=str(entry["user"])[:200],
        emergency=entry["basis"] == "emergency",
        reason=str(entry["reason"])[:500],
        resources=int(entry["resources"]),
    )


def _kept_consents(work: Work) -> tuple[GivenConsent, ...]:
    try:
        return tuple(
            GivenConsent(
                id=row["id"],
                patient_id=row["patient"],
                how=row["how"],
                given_by=row["given_by"],
                recorded_by=row["recorded_by"],
                at=datetime.fromisoformat(row["at"]),
                withdrawn_at=(
                    datetime.fromisoformat(row["withdrawn_at"]) if row["withdrawn_at"] else None
                ),
                told=row["told"],
            )
            for row in json.loads(work.settings.get(_CONSENTS) or "[]")
        )
    except (ValueError, KeyError, TypeError):
        return ()


def _keep_consents(work: Work, consents: Iterable[GivenConsent]) -> None:
    rows = [
        {
            "id": one.id,
            "patient": one.patient_id,
            "how": one.how,
            "given_by": one.given_by,
            "recorded_by": one.recorded_by,
            "at": one.at.isoformat(),
            "withdrawn_at": one.withdrawn_at.isoformat() if one.withdrawn_at else "",
            "told": one.told,
        }
        for one in consents
    ]
    work.settings.put(_CONSENTS, json.dumps(rows[:_MOST], ensure_ascii=False))


def _name(work: Work, patient_id: str) -> str:
    try:
        return work.patients.get(patient_id).record.full_name
    except NotFound:
        return ""
