"""What the use cases of the gateways need: the queue, the other ends, secrets, claims."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from station_emr.domain.claim import ClaimFile, Finding
from station_emr.domain.gateway import (
    CardAnswer,
    CardQuestion,
    Gateway,
    GatewayAnswer,
    GatewayAttempt,
    GatewayMessage,
    MessageKind,
    MessageState,
)
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import StationProfile


class GatewayQueue(Protocol):
    """Messages with their bytes, attempts, answers about cards. Bytes are written once; nothing is
    deleted. A state moves only from the one that is named, so that two senders never both move it.
    """

    def add(self, message: GatewayMessage, content: bytes) -> None: ...
    def get(self, message_id: str) -> GatewayMessage:
        """Raises NotFound."""

    def content(self, message_id: str) -> bytes:
        """The bytes as they are, or will be, sent. Raises NotFound."""

    def sign(self, message_id: str, content: bytes, at: datetime) -> None:
        """A draft gets its signed bytes and waits from now on. Raises StateError for any other."""

    def begin(self, message_id: str, at: datetime) -> bool:
        """``signed`` becomes ``sent`` and the attempt is counted; False when it was not waiting."""

    def settle(self, message_id: str, answer: GatewayAnswer, at: datetime) -> None:
        """``sent`` becomes what the answer says; after a recorded failure it waits again."""

    def postpone(self, message_id: str, until: datetime, reason: str = "") -> None:
        """Not before then; a reason replaces the last one."""

    def abandon(self, at: datetime, reason: str) -> tuple[str, ...]:
        """Whatever is still ``sent`` becomes ``unknown``: who was sending it is gone. Their ids."""

    def decide(self, message_id: str, state: MessageState, at: datetime, reason: str) -> None:
        """A person settles an ``unknown`` or ``refused`` one. Raises StateError for any other."""

    def due(self, now: datetime, limit: int) -> tuple[GatewayMessage, ...]:
        """What may be sent now: check-ins, prescriptions, records, each oldest first."""

    def next_due_at(self) -> datetime | None: ...
    def of_visits(self, encounter_ids: Sequence[str]) -> tuple[GatewayMessage, ...]:
        """Every message of these visits, oldest first."""

    def of_kind(self, kind: MessageKind, since: datetime, limit: int) -> tuple[GatewayMessage, ...]:
        """Newest first."""

    def in_state(self, state: MessageState, limit: int) -> tuple[GatewayMessage, ...]: ...
    def newest(self, kind: MessageKind, record_id: str) -> GatewayMessage | None: ...
    def count(self, state: MessageState) -> int: ...
    def unqueued_prescriptions(self, since: datetime, first: date, limit: int) -> tuple[str, ...]:
        """Signed prescriptions, saved since then, of visits from ``first`` on, whose present code no
        message was ever made for: an amended one has a new code and goes as a new prescription.
        """

    def billed_visits(self, since: datetime, first: date, limit: int) -> tuple[str, ...]:
        """Insured visits from ``first`` on that came in since then and have costs, and that no
        check-in was ever made for.
        """

    def holder_of(self, gateway: Gateway, receipt: str) -> str:
        """The message that has this receipt; empty when none has."""

    def records_of_arrival(self, moment: datetime, besides: str) -> tuple[bytes, ...]:
        """The record files, signed or sent and not replaced, of visits that began in this minute;
        not of the visit whose link code is ``besides``.
        """

    def visits_between(self, first: date, last: date) -> tuple[str, ...]:
        """Visits that came in on these days, oldest first; voided ones are left out."""

    def withdraw(self, message_id: str, at: datetime, reason: str) -> None:
        """A draft or waiting one need not go any more. Raises StateError for any other."""

    def add_attempt(self, attempt: GatewayAttempt) -> None: ...
    def attempts(self, limit: int) -> tuple[GatewayAttempt, ...]:
        """Newest first."""

    def add_card(self, answer: CardAnswer) -> None: ...
    def cards(self, patient_id: str, limit: int) -> tuple[CardAnswer, ...]:
        """Newest first."""

    def latest_card(self, patient_id: str, card: str) -> CardAnswer | None: ...
    def unanswered_cards(self, since: datetime, limit: int) -> tuple[CardAnswer, ...]:
        """Look-ups that had no answer and that no later one has answered."""


class SecretShelf(Protocol):
    """Passwords by name, in the key store of the operating system; never in the database."""

    def get(self, name: str) -> str:
        """Empty when there is none."""

    def put(self, name: str, secret: str) -> None:
        """An empty secret forgets the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceAccount:
    """The facility at the insurance gateway. ``password`` is shown to nobody."""

    base_url: str
    username: str
    password: str
    facility_code: str
    clerk_name: str = ""
    clerk_id: str = ""

    def __repr__(self) -> str:
        return f"InsuranceAccount({self.username!r} at {self.base_url!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriberAccount:
    """A prescriber at the e-prescription system, with the facility."""

    base_url: str
    facility: str
    facility_password: str
    doctor: str = ""
    doctor_password: str = ""

    def __repr__(self) -> str:
        return f"PrescriberAccount({self.doctor!r} of {self.facility!r} at {self.base_url!r})"


class InsuranceLine(Protocol):
    """One account at the insurance gateway. Sending never raises for what the other end does: the
    answer says what happened.
    """

    def send(self, kind: MessageKind, standard: str, content: bytes) -> GatewayAnswer: ...
    def look_up(self, question: CardQuestion) -> tuple[GatewayAnswer, dict[str, Any]]:
        """The answer's own words; empty when there is none."""

    def test(self) -> GatewayAnswer:
        """Log in and nothing else."""


class PrescriptionLine(Protocol):
    def send(self, content: bytes) -> GatewayAnswer: ...
    def test(self) -> GatewayAnswer: ...


class GatewayLines(Protocol):
    """The ways to the gateways; tokens are kept between calls for the same account."""

    def insurance(self, account: InsuranceAccount) -> InsuranceLine: ...
    def prescriptions(self, account: PrescriberAccount) -> PrescriptionLine: ...
    def forgive(self) -> None:
        """A person asked: passwords that were refused may be tried once more."""

    def bytes_carried(self) -> tuple[int, int]:
        """Up and down, since the last time this was asked."""

    def stop(self) -> None:
        """Give up what is under way: the program is ending."""


class CheckIns(Protocol):
    """Visits as files of the insurance (services/claim_files.py), as far as sending needs them."""

    def check_in_of(self, encounter_id: str) -> ClaimFile:
        """XML0 of a visit."""

    def write(self, claim: ClaimFile) -> bytes:
        """The file without a signature, as it is exported."""

    def schema_findings(self, claim: ClaimFile) -> tuple[Finding, ...]: ...

    def is_current(self, encounter_id: str, version: int, content: bytes) -> bool:
        """Whether the record made of a visit under this number still says what a new one would."""


class ClaimChecks(Protocol):
    """The named rules (services/claim_findings.py)."""

    def findings_of(self, claim: ClaimFile) -> tuple[Finding, ...]: ...
    def before_sending(self, claims: Sequence[ClaimFile]) -> tuple[tuple[Finding, ...], ...]:
        """Of each of several that go together, with what they repeat of one another."""


class PrescriptionWriter(Protocol):
    """A signed prescription as the national system wants it (interop/prescription)."""

    def __call__(self, prescription: Prescription, /) -> bytes:
        """Raises InvalidRecord for what the system would refuse."""


class Turn(Protocol):
    """Whether no other process sends from the same database meanwhile."""

    def __call__(self) -> AbstractContextManager[bool]: ...


class Waker(Protocol):
    """The loop that sends, as the use cases see it."""

    def wake(self) -> None:
        """Send now; returns at once."""


class OutagePapers(Protocol):
    def outages(
        self,
        station: StationProfile,
        gateway: Gateway | None,
        attempts: Sequence[GatewayAttempt],
        now: datetime,
        printed_by: str,
    ) -> bytes:
        """A page to sign: when a gateway was not to be reached. ``attempts`` newest first by number."""
