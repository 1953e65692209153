"""One turn of sending to the national gateways: what is due, once each, every step written down first.

A message is ``sent`` in the database before its first byte leaves, so a power cut never hides that
it may have arrived. Whoever holds the turn is the only sender; what is still ``sent`` when a turn
begins was left behind and is ``unknown`` from then on. Nothing unknown is sent again by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.backoff import full_jitter
from station_emr.domain.errors import UserError
from station_emr.domain.gateway import (
    Gateway,
    GatewayAnswer,
    GatewayAttempt,
    GatewayMessage,
    MessageKind,
    MessageState,
    Outcome,
)
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordStatus

from .claim_settings import (
    ClaimSettings,
    insurance_account,
    prescriber_account,
    read_claim_settings,
)
from .gateway_cards import CardAsker, question_of
from .gateway_data import rules_on
from .gateway_ports import CheckIns, GatewayLines, PrescriptionWriter, SecretShelf, Turn
from .gateway_preparing import Preparer
from .joined import standing_person
from .ports import Clock, Store

_LISTED: Final = 500
_OLDEST_QUESTION: Final = timedelta(days=2)
_QUESTION_RESTS: Final = timedelta(minutes=10)
_FIRST_WAIT: Final = 30.0
_LONGEST_WAIT: Final = 1800.0
_URGENT: Final = (MessageKind.CHECK_IN, MessageKind.PRESCRIPTION)
_STOPS: Final = (Outcome.AWAY, Outcome.UNKNOWN)

VOIDED: Final = "Đã hủy trước khi gửi."
OUTDATED: Final = (
    "Lượt khám, bảng kê hoặc giấy tờ đã đổi sau khi ký, nên không gửi bản cũ. "
    "Hãy ký lại hồ sơ này ở trang Hồ sơ BHYT."
)
ABANDONED: Final = (
    "Chương trình dừng đột ngột trong lúc gửi, nên không rõ cổng đã nhận chưa. "
    "Hãy tra trên trang của cổng rồi chọn: đã nhận, hoặc gửi lại."
)
SAME_RECEIPT: Final = (
    "Cổng trả mã giao dịch đã dùng cho hồ sơ khác, nên không rõ cổng đã nhận hồ sơ này chưa. "
    "Hãy tra trên trang của cổng rồi chọn: đã nhận, hoặc gửi lại."
)


@dataclass(slots=True, kw_only=True)
class GatewayTurn:
    """What one turn did. ``rests`` are sentences for gateways that could not be tried at all."""

    mine: bool = True
    prepared: int = 0
    tried: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    away: set[Gateway] = field(default_factory=set)
    rests: dict[Gateway, str] = field(default_factory=dict)
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingMeans:
    """``reason_to_rest`` is a sentence while the day's bytes are spent or the link is a paid one."""

    secrets: SecretShelf
    lines: GatewayLines
    write_prescription: PrescriptionWriter
    check_ins: CheckIns
    cards: CardAsker
    turn: Turn
    reason_to_rest: Callable[[], str]


class GatewaySender:
    """Runs on one thread; :meth:`stop` may be called from any."""

    def __init__(self, store: Store, clock: Clock, means: SendingMeans) -> None:
        self._store = store
        self._clock = clock
        self._means = means
        self._preparer = Preparer(store, clock, means.write_prescription, means.check_ins)
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        self._means.lines.stop()

    def run_once(self) -> GatewayTurn:
        """Prepare and send what is due. Never raises for a gateway; a full disk arrives as
        EnvironmentFailure with everything as it was.
        """
        done = GatewayTurn()
        with self._store.read() as work:
            settings = read_claim_settings(work)
            idle = not (settings.insurance_on or settings.prescriptions_on)
            idle = idle and not work.gateways.count(MessageState.SENT)
        if idle:
            return done
        with self._means.turn() as mine:
            done.mine = mine
            if mine:
                self._take_over()
                done.prepared = self._preparer.prepare(settings)
                self._send_due(settings, done)
                self._ask_cards_again(settings, done)
        return done

    def next_due_at(self) -> datetime | None:
        with self._store.read() as work:
            return work.gateways.next_due_at()

    def _take_over(self) -> None:
        with self._store.read() as work:
            left = work.gateways.in_state(MessageState.SENT, 1000)
        if not left:
            return
        now = self._clock.now()
        with self._store.write() as work:
            for message_id in work.gateways.abandon(now, ABANDONED):
                message = work.gateways.get(message_id)
                answer = GatewayAnswer(outcome=Outcome.UNKNOWN, reason=ABANDONED)
                work.gateways.add_attempt(_attempt(message, message.sent_at or now, now, answer))
                work.audit.append(
                    None,
                    "gateway.sent",
                    now,
                    kind=message.kind.value,
                    record_id=message.record_id,
                    patient_id=message.patient_id,
                    detail={"result": Outcome.UNKNOWN.value},
                )

    def _ask_cards_again(self, settings: ClaimSettings, done: GatewayTurn) -> None:
        """Reception went on while the portal was away; what it could not say is asked once it is
        back, one by one until it is away again.
        """
        now = self._clock.now()
        if not settings.insurance_on or Gateway.INSURANCE in done.away:
            return
        with self._store.read() as work:
            waiting = [
                one
                for one in work.gateways.unanswered_cards(now - _OLDEST_QUESTION, _LISTED)
                if now - one.asked_at >= _QUESTION_RESTS
            ]
            try:
                account = insurance_account(work, self._means.secrets) if waiting else None
            except UserError:
                return
            people = {one.patient_id: standing_person(work, one.patient_id) for one in waiting}
        for one in waiting:
            if account is None or self._stopped:
                return
            question = question_of(people[one.patient_id], one.card)
            found = self._means.cards.ask(None, account, question, one.patient_id)
            if not found.answered:
                return

    # Sending --------------------------------------------------------------------------------

    def _send_due(self, settings: ClaimSettings, done: GatewayTurn) -> None:
        now = self._clock.now()
        with self._store.read() as work:
            due = work.gateways.due(now, rules_on(now.date()).most_in_a_turn)
        for message in due:
            gateway = message.kind.gateway
            if self._stopped:
                return
            if gateway in done.away or gateway in done.rests or not settings.on(gateway):
                continue
            rest = "" if message.kind in _URGENT else self._means.reason_to_rest()
            if rest:
                done.rests[gateway] = rest
                continue
            self._send(message, done)

    def _send(self, message: GatewayMessage, done: GatewayTurn) -> None:
        gateway = message.kind.gateway
        reason = VOIDED if self._is_voided(message) else self._out_of_date(message)
        if reason:
            with self._store.write() as work:
                work.gateways.withdraw(message.id, self._clock.now(), reason)
            return
        try:
            ask = self._way(message)
        except UserError as missing:  # an account is not filled in: nothing is tried
            if message.kind is not MessageKind.PRESCRIPTION:
                done.rests[gateway] = str(missing)
            self._postpone(message, None, str(missing))
            return
        started = self._clock.now()
        with self._store.write() as work:
            if not work.gateways.begin(message.id, started):
                return
            content = work.gateways.content(message.id)
        answer = ask(content)
        self._settle(message, answer, started, done)

    def _is_voided(self, message: GatewayMessage) -> bool:
        with self._store.read() as work:
            visit = work.encounters.find(message.encounter_id)
            paper = (
                work.prescriptions.find(message.record_id)
                if message.kind is MessageKind.PRESCRIPTION
                else None
            )
        return any(one is not None and one.status is RecordStatus.VOIDED for one in (visit, paper))

    def _out_of_date(self, message: GatewayMessage) -> str:
        """A record whose visit was amended after it was signed must not be claimed as it was."""
        if message.kind is not MessageKind.RECORD:
            return ""
        with self._store.read() as work:
            content = work.gateways.content(message.id)
        current = self._means.check_ins.is_current(message.encounter_id, message.version, content)
        return "" if current else OUTDATED

    def _way(self, message: GatewayMessage) -> Callable[[bytes], GatewayAnswer]:
        means = self._means
        with self._store.read() as work:
            if message.kind is MessageKind.PRESCRIPTION:
                paper: Prescription = work.prescriptions.at_version(
                    message.record_id, message.version
                )
                signer = paper.signature.by if paper.signature else paper.prescriber
                account = prescriber_account(work, means.secrets, signer.user_id if signer else "")
                return means.lines.prescriptions(account).send
            line = means.lines.insurance(insurance_account(work, means.secrets))
        return lambda content: line.send(message.kind, message.standard, content)

    def _settle(
        self, message: GatewayMessage, answer: GatewayAnswer, started: datetime, done: GatewayTurn
    ) -> None:
        now = self._clock.now()
        gateway = message.kind.gateway
        with self._store.write() as work:
            other = (
                work.gateways.holder_of(gateway, answer.receipt)
                if answer.outcome is Outcome.ACCEPTED and gateway is Gateway.INSURANCE
                else ""
            )
            if other:
                answer = replace(answer, outcome=Outcome.UNKNOWN, reason=SAME_RECEIPT)
            work.gateways.settle(message.id, answer, now)
            work.gateways.add_attempt(_attempt(message, started, now, answer))
            work.outbox.add_traffic(now.date(), *self._means.lines.bytes_carried())
            work.audit.append(
                None,
                "gateway.sent",
                now,
                kind=message.kind.value,
                record_id=message.record_id,
                patient_id=message.patient_id,
                detail={
                    "to": gateway.value,
                    "result": answer.outcome.value,
                    "receipt": answer.receipt,
                    "sha256": message.sha256,
                },
            )
        done.tried += 1
        done.accepted += answer.outcome is Outcome.ACCEPTED
        done.refused += answer.outcome is Outcome.REFUSED
        done.unknown += answer.outcome is Outcome.UNKNOWN
        if answer.outcome in (Outcome.AWAY, Outcome.NOT_TAKEN):
            self._postpone(message, answer.retry_after, "")
        if answer.outcome in _STOPS or (
            answer.outcome is Outcome.NOT_TAKEN and gateway is Gateway.INSURANCE
        ):
            done.away.add(gateway)
            done.retry_after = answer.retry_after

    def _postpone(self, message: GatewayMessage, retry_after: float | None, reason: str) -> None:
        wait = full_jitter(
            self._clock.random(4), message.attempts + 1, first=_FIRST_WAIT, longest=_LONGEST_WAIT
        )
        until = self._clock.now() + timedelta(seconds=max(wait, retry_after or 0.0))
        with self._store.write() as work:
            work.gateways.postpone(message.id, until, reason)


def _attempt(
    message: GatewayMessage, started: datetime, ended: datetime, answer: GatewayAnswer
) -> GatewayAttempt:
    return GatewayAttempt(
        gateway=message.kind.gateway,
        kind=message.kind,
        message_id=message.id,
        started_at=started,
        ended_at=ended,
        outcome=answer.outcome,
        code=answer.code,
        detail=answer.reason,
    )
