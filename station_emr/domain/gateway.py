"""What goes to the national gateways and what came of it; pure values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from .outages import believable


class Gateway(StrEnum):
    """The other end."""

    INSURANCE = "bhxh"
    PRESCRIPTION = "donthuoc"

    @property
    def label(self) -> str:
        return {
            "bhxh": "Cổng giám định BHYT",
            "donthuoc": "Hệ thống đơn thuốc quốc gia",
        }[self.value]


class MessageKind(StrEnum):
    """What is sent. A card look-up sends nothing of ours that must arrive, but is tried and kept
    the same way.
    """

    CHECK_IN = "check_in"
    RECORD = "record"
    PRESCRIPTION = "prescription"
    CARD = "card"

    @property
    def label(self) -> str:
        return {
            "check_in": "Check-in (XML0)",
            "record": "Hồ sơ BHYT",
            "prescription": "Đơn thuốc",
            "card": "Tra thẻ",
        }[self.value]

    @property
    def gateway(self) -> Gateway:
        return Gateway.PRESCRIPTION if self is MessageKind.PRESCRIPTION else Gateway.INSURANCE


class MessageState(StrEnum):
    """draft → signed → sent → accepted | refused | unknown; withdrawn when it is not to be sent any
    more: a newer file took its place, what it says is out of date, or a person said so.

    ``sent`` stands from before the first byte leaves until the answer is written down: what is
    found in it after a crash may have arrived, so it becomes ``unknown``. A recorded failure (the
    gateway was not reached, or said that it took nothing) leads back to ``signed``. ``unknown`` is
    left only by a person.
    """

    DRAFT = "draft"
    SIGNED = "signed"
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return {
            "draft": "Chờ ký số",
            "signed": "Chờ gửi",
            "sent": "Đang gửi",
            "accepted": "Cổng đã nhận",
            "refused": "Bị từ chối",
            "unknown": "Không rõ đã tới chưa",
            "withdrawn": "Không gửi bản này",
        }[self.value]


FINAL: Final = frozenset({MessageState.ACCEPTED, MessageState.REFUSED, MessageState.WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One field that a gateway named: its own name, its code, its words, and ours."""

    element: str
    code: str = ""
    message: str = ""
    field: str = ""  # the field of the record, empty when unknown
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMessage:
    """One file or JSON document on its way, without its bytes. The bytes are written once with
    their hash; a correction is another message with ``replaces``.
    """

    id: str
    kind: MessageKind
    encounter_id: str
    patient_id: str
    record_id: str  # the visit, or the prescription
    version: int  # of that record, when the bytes were made
    name: str  # MA_LK, or the code of the prescription
    standard: str = ""  # 4750, 3176, 1931; empty for prescriptions
    state: MessageState = MessageState.DRAFT
    sha256: str = ""
    size: int = 0
    created_at: datetime
    signed_at: datetime | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    next_try_at: datetime | None = None
    attempts: int = 0
    code: str = ""  # maKetQua, or the HTTP status
    receipt: str = ""  # maGiaoDich, or the checksum of the e-prescription system
    received_at: str = ""  # thoiGianTiepNhan as the gateway wrote it
    reason: str = ""
    faults: tuple[FieldFault, ...] = ()
    due_on: date | None = None
    replaces: str = ""

    @property
    def open(self) -> bool:
        """Whether somebody or something still has to act."""
        return self.state not in FINAL


class Outcome(StrEnum):
    """How one attempt ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_TAKEN = "not_taken"  # a recorded failure: reached, and nothing was taken
    AWAY = "away"  # the gateway was not reached: nothing left this machine
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return {
            "accepted": "Cổng đã nhận",
            "refused": "Cổng từ chối",
            "not_taken": "Cổng chưa nhận",
            "away": "Không tới được cổng",
            "unknown": "Không rõ đã tới chưa",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnswer:
    """What one attempt brought. ``reason`` is a Vietnamese sentence; empty when accepted."""

    outcome: Outcome
    code: str = ""
    receipt: str = ""
    received_at: str = ""
    reason: str = ""
    faults: tuple[FieldFault, ...] = ()
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAttempt:
    """One attempt, kept: evidence of when a gateway was away (NĐ 188/2025 art. 38)."""

    gateway: Gateway
    kind: MessageKind
    message_id: str
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOutage:
    """An unbroken row of attempts that did not get through; ``ended`` is None while it lasts. With
    ``at_least`` it may have been longer: the clock at its begin or its end cannot be believed.
    """

    gateway: Gateway
    started: datetime
    ended: datetime | None
    tries: int
    detail: str = ""
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayHistory:
    """``outages`` newest first; ``since`` the first attempt that counts. ``odd_clocks`` attempts had
    a time that cannot be right; ``timeless`` outages had no other and are not listed.
    """

    outages: tuple[GatewayOutage, ...] = ()
    since: datetime | None = None
    odd_clocks: int = 0
    timeless: int = 0


_NO_ANSWER: Final = frozenset({Outcome.AWAY, Outcome.UNKNOWN, Outcome.NOT_TAKEN})


Timed = tuple[GatewayAttempt, datetime | None]
"""An attempt and when it began, as far as its clock can be believed."""
_AT_ONCE: Final = timedelta(minutes=2)
"""A look-up of a card and the queue try side by side, and are written down as they end."""
_LONGEST: Final = timedelta(hours=1)


def gateway_history(attempts: Sequence[GatewayAttempt]) -> GatewayHistory:
    """``attempts`` newest first by number, as they are kept: a clock never orders them. What the
    gateway refused got through.
    """
    told = list(reversed(attempts))
    times = [_began(one, at) for one, at in zip(told, believable(_ends(told)), strict=True)]
    found: list[GatewayOutage] = []
    timeless = 0
    for gateway in Gateway:
        own = [pair for pair in zip(told, times, strict=True) if pair[0].gateway is gateway]
        rows = [
            (away, list(row))
            for away, row in groupby(own, lambda pair: pair[0].outcome in _NO_ANSWER)
        ]
        for place, (away, row) in enumerate(rows):
            if not away:
                continue
            outage = _outage(row, rows[place + 1][1][0] if place + 1 < len(rows) else None)
            if outage is None:
                timeless += 1
            else:
                found.append(outage)
    return GatewayHistory(
        outages=tuple(sorted(found, key=lambda one: one.started, reverse=True)),
        since=next((at for at in times if at is not None), None),
        odd_clocks=sum(at is None for at in times),
        timeless=timeless,
    )


def _ends(told: Sequence[GatewayAttempt]) -> list[datetime]:
    """When each ended; what ended all but at once did so in the order in which it was written."""
    found: list[datetime] = []
    for one in told:
        late = found[-1] - one.ended_at if found else timedelta()
        found.append(found[-1] if timedelta() < late < _AT_ONCE else one.ended_at)
    return found


def _began(attempt: GatewayAttempt, ended: datetime | None) -> datetime | None:
    """The clock may have been set while it was tried; then its end is all that is known."""
    if ended is None:
        return None
    lasted = attempt.ended_at - attempt.started_at
    return attempt.started_at if timedelta() <= lasted < _LONGEST else attempt.ended_at


def _outage(row: Sequence[Timed], after: Timed | None) -> GatewayOutage | None:
    """None when no clock in it can be believed."""
    known = [(attempt, at) for attempt, at in row if at is not None]
    if not known:
        return None
    began, ended = known[0][1], None
    if after is not None:
        # The answer came when that attempt ended; else nothing later is known than the last try.
        ended = after[0].ended_at if after[1] is not None else known[-1][1]
        ended = max(ended, known[-1][1])
    return GatewayOutage(
        gateway=row[0][0].gateway,
        started=began,
        ended=ended,
        tries=len(row),
        detail=row[-1][0].detail,
        at_least=row[0][1] is None or (after is not None and after[1] is None),
    )


class CardUse(StrEnum):
    """What a result of the card look-up means for the desk."""

    YES = "yes"
    BY_PAPER = "by_paper"
    NEW_CARD = "new_card"
    NO = "no"
    CORRECT = "correct"  # name, birth or number differ from the portal's
    TEMPORARY = "temporary"
    SETTINGS = "settings"  # the clerk of the look-up is not registered
    REQUEST = "request"  # the form of our question was refused
    LATER = "later"  # the portal is at fault: receive the patient, ask again

    @property
    def label(self) -> str:
        return {
            "yes": "Dùng được thẻ",
            "by_paper": "Dùng được, xem thẻ và giấy tờ tùy thân",
            "new_card": "Dùng thẻ mới",
            "no": "Không dùng được thẻ này",
            "correct": "Thông tin chưa khớp",
            "temporary": "Xem thẻ tạm của trẻ",
            "settings": "Chưa khai đúng người tra cứu",
            "request": "Cổng không hiểu câu hỏi",
            "later": "Chưa tra được",
        }[self.value]

    @property
    def usable(self) -> bool:
        return self in (CardUse.YES, CardUse.BY_PAPER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardQuestion:
    """What is asked of the portal. ``birth`` is written dd/MM/yyyy, or the year alone."""

    card: str
    full_name: str
    birth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAnswer:
    """One look-up of a card: an answer of the portal, or why there is none.

    ``facts`` are the portal's own words under its own names (maThe, gtTheTu, …).
    """

    patient_id: str
    card: str
    asked_at: datetime
    code: str = ""
    use: CardUse = CardUse.LATER
    words: str = ""
    remedy: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    visits: tuple[Mapping[str, str], ...] = ()

    @property
    def answered(self) -> bool:
        """Whether the portal spoke about the card itself."""
        return self.use not in (CardUse.LATER, CardUse.SETTINGS, CardUse.REQUEST)


class ClaimState(StrEnum):
    """Where the claim of a visit stands, for the list of the day."""

    INCOMPLETE = "incomplete"
    FAULTY = "faulty"
    READY = "ready"
    SIGNED = "signed"
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return {
            "incomplete": "Chưa đủ",
            "faulty": "Có lỗi",
            "ready": "Sẵn sàng",
            "signed": "Đã ký",
            "sent": "Đã gửi",
            "accepted": "Đã nhận",
            "refused": "Bị từ chối",
            "unknown": "Không rõ",
        }[self.value]
