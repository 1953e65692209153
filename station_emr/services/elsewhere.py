"""Seeing what other stations wrote of a person who is here, with the person's consent.

The province holds the records and decides; this machine says who agreed, how, and who asks. What
comes back is shown and not kept. Every question is in the audit log of this station before it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, InvalidRecord, NetworkFailure, Problem
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store, Work
from .sharing import GivenConsent, Sharing, SharingLine, note_consent

NOT_CONNECTED: Final = (
    "Máy này chưa nối với máy chủ tỉnh nên không xem được hồ sơ ở trạm khác. "
    "Hồ sơ của trạm vẫn dùng bình thường."
)
OFFLINE: Final = (
    "Đang không có mạng nên không xem được hồ sơ ở trạm khác. Hồ sơ của trạm vẫn dùng bình thường. "
    "Hãy hỏi người bệnh giấy ra viện, đơn thuốc cũ, hoặc thử lại khi có mạng."
)
_SHORTEST_REASON: Final = 10


class Basis(StrEnum):
    """How the person agreed, or why nobody could ask."""

    SIGNED_PAPER = "signed-paper"
    VERBAL = "verbal"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What the form holds. ``number`` is the identity or card number on the paper that was shown."""

    basis: Basis = Basis.SIGNED_PAPER
    number: str = ""
    given_by: str = "Người bệnh"
    witness: str = ""
    reason: str = ""
    restricted: str = ""
    """Why visits about HIV and mental health are asked for as well; empty: they stay out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPart:
    """One visit, or what holds of the person at all times, as another station wrote it."""

    station: str
    title: str
    on: datetime | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRecords:
    """Newest visits first; ``asked_at`` is when the province answered."""

    asked_at: datetime
    parts: tuple[OtherPart, ...]

    @property
    def stations(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.station for part in self.parts))


class HistoryLine(SharingLine, Protocol):
    """The province's desk for it. Raises UserError (a refusal, in its words) or NetworkFailure."""

    def ask(self, question: dict[str, Any]) -> dict[str, Any]: ...


class HistoryForms(Protocol):
    """The question and the answer as FHIR."""

    def question(
        self,
        patient_id: str,
        agreement: Agreement,
        *,
        facility_code: str,
        user: str,
        consent_id: str,
        at: datetime,
    ) -> dict[str, Any]: ...
    def parts(self, bundle: dict[str, Any]) -> tuple[OtherPart, ...]:
        """Raises ValueError for what is no answer."""


OpenLine = Callable[[Work], HistoryLine | None]
"""The line as the settings say now; None where no server is set."""


class Elsewhere:
    def __init__(
        self, store: Store, clock: Clock, open_line: OpenLine, forms: HistoryForms
    ) -> None:
        self._store = store
        self._clock = clock
        self._open_line = open_line
        self._forms = forms
        self.sharing = Sharing(store, clock, open_line)

    def look(self, actor: Actor, patient_id: str, agreement: Agreement) -> OtherRecords:
        """Ask the province. Takes as long as the line does: never in the lane of the database.

        Raises InvalidRecord for an incomplete form, UserError when the province refuses,
        EnvironmentFailure without a line.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        if agreement.restricted:
            allow(actor, Action.SENSITIVE_VIEW)
        with self._store.read() as work:
            patient = work.patients.get(patient_id).record
            facility = work.settings.station().code
            line = self._open_line(work)
        _complete(agreement, actor, patient)
        if line is None:
            raise EnvironmentFailure(NOT_CONNECTED)
        now = self._clock.now()
        consent_id = self._clock.new_id()
        question = self._forms.question(
            patient.id,
            agreement,
            facility_code=facility,
            user=actor.user.snapshot.printed_name,
            consent_id=consent_id,
            at=now,
        )
        with self._store.write() as work:
            detail = {"basis": agreement.basis.value}
            detail |= {"consent": consent_id} if agreement.basis is not Basis.EMERGENCY else {}
            detail |= {"reason": agreement.restricted} if agreement.restricted else {}
            work.audit.append(
                actor, "patient.look_elsewhere", now, patient_id=patient.id, detail=detail
            )
        given = None
        if agreement.basis is not Basis.EMERGENCY:
            given = GivenConsent(
                id=consent_id,
                patient_id=patient.id,
                how=agreement.basis.value,
                given_by=agreement.given_by.strip(),
                recorded_by=actor.user.snapshot.printed_name,
                at=now,
            )
        try:
            answer = line.ask(question)
        except NetworkFailure as error:
            self._note(given)  # the line may have been cut after the province heard it
            raise NetworkFailure(OFFLINE) from error
        self._note(given)
        try:
            parts = self._forms.parts(answer)
        except ValueError as error:
            raise NetworkFailure(OFFLINE) from error
        return OtherRecords(asked_at=self._clock.now(), parts=parts)

    def _note(self, given: GivenConsent | None) -> None:
        """A consent that the province refused, with the reason on the screen, was none."""
        if given is not None:
            with self._store.write() as work:
                note_consent(work, given)


def papers_of(patient: Patient) -> tuple[tuple[str, str], ...]:
    """The numbers by which the person can be confirmed: what the paper is, and its number."""
    found = [("Căn cước (CCCD)", patient.national_id), ("CMND cũ", patient.old_national_id)]
    found += [("Thẻ BHYT", card.number) for card in patient.coverages]
    return tuple((name, number) for name, number in found if number)


def _complete(agreement: Agreement, actor: Actor, patient: Patient) -> None:
    problems = []

    def refuse(field: str, code: str, message: str) -> None:
        problems.append(Problem(field=field, code=code, message=message))

    if agreement.number and agreement.number not in {number for _, number in papers_of(patient)}:
        refuse("number", "number-foreign", "Số giấy tờ này không có trong hồ sơ của người bệnh.")
    if agreement.basis is Basis.EMERGENCY:
        if len(agreement.reason.strip()) < _SHORTEST_REASON:
            refuse(
                "reason",
                "reason-short",
                "Ghi rõ vì sao không chờ được sự đồng ý (ít nhất 10 chữ).",
            )
    elif not agreement.given_by.strip():
        refuse("given_by", "given-by-required", "Chưa ghi ai đồng ý.")
    if agreement.basis is Basis.VERBAL:
        witness = " ".join(agreement.witness.split()).casefold()
        own = {actor.user.full_name.casefold(), actor.user.snapshot.printed_name.casefold()}
        if not witness or witness in own:
            refuse(
                "witness", "witness-required", "Cần tên một người làm chứng, khác người ghi nhận."
            )
    if problems:
        raise InvalidRecord(tuple(problems))
