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
from station_emr.domain.errors import InvalidRecord, UserError
from station_emr.domain.gateway import (
    FieldFault,
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
from .gateway_data import rules_on
from .gateway_ports import CheckIns, GatewayLines, PrescriptionWriter, SecretShelf, Turn
from .ports import Clock, Store

_PREPARED_AT_ONCE: Final = 50
_LISTED: Final = 500
_LATEST_CHECK_IN: Final = timedelta(days=1)
_LATEST_PRESCRIPTION: Final = timedelta(days=30)  # it may be bought for five days
_EMERGENCY: Final = "2"
_FIRST_WAIT: Final = 30.0
_LONGEST_WAIT: Final = 1800.0
_URGENT: Final = (MessageKind.CHECK_IN, MessageKind.PRESCRIPTION)
_STOPS: Final = (Outcome.AWAY, Outcome.UNKNOWN)

MADE_ANEW: Final = "Đã lập lại sau khi sửa."
VOIDED: Final = "Đã hủy trước khi gửi."
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
    turn: Turn
    reason_to_rest: Callable[[], str]


class GatewaySender:
    """Runs on one thread; :meth:`stop` may be called from any."""

    def __init__(self, store: Store, clock: Clock, means: SendingMeans) -> None:
        self._store = store
        self._clock = clock
        self._means = means
        self._stopped = False
        self._without: set[str] = set()  # visits for which no check-in is due

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
                self._prepare(settings, done)
                self._send_due(settings, done)
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

    # Preparing ------------------------------------------------------------------------------

    def _prepare(self, settings: ClaimSettings, done: GatewayTurn) -> None:
        if settings.prescriptions_on and settings.prescription_since is not None:
            with self._store.read() as work:
                waiting = work.gateways.unqueued_prescriptions(
                    settings.prescription_since,
                    self._clock.now().date() - _LATEST_PRESCRIPTION,
                    _PREPARED_AT_ONCE,
                )
            for prescription_id in waiting:
                self._queue_prescription(prescription_id)
                done.prepared += 1
        if settings.insurance_on and settings.insurance_since is not None:
            done.prepared += self._prepare_check_ins(settings, settings.insurance_since)

    def _prepare_check_ins(self, settings: ClaimSettings, since: datetime) -> int:
        """Costs of yesterday and today; what is older and still has none goes with its record."""
        first = self._clock.now().date() - _LATEST_CHECK_IN
        with self._store.read() as work:
            visits = work.gateways.billed_visits(since, first, _LISTED)
            held = [
                one
                for one in work.gateways.in_state(MessageState.DRAFT, _LISTED)
                if one.kind is MessageKind.CHECK_IN and one.reason
            ]
        made = sum(
            self._queue_check_in(visit, settings) for visit in visits if visit not in self._without
        )
        return made + sum(self._queue_check_in(one.record_id, settings, one) for one in held)

    def _queue_prescription(self, prescription_id: str) -> None:
        with self._store.read() as work:
            stored = work.prescriptions.get(prescription_id)
        paper: Prescription = stored.record
        message = GatewayMessage(
            id=self._clock.new_id(),
            kind=MessageKind.PRESCRIPTION,
            encounter_id=paper.encounter_id,
            patient_id=paper.patient_id,
            record_id=paper.id,
            version=stored.version,
            name=paper.code,
            state=MessageState.SIGNED,
            created_at=self._clock.now(),
            signed_at=paper.signature.at if paper.signature else None,
        )
        try:
            content = self._means.write_prescription(paper)
        except InvalidRecord as refused:
            # What would be refused never leaves: it stays a draft that says why.
            faults = tuple(
                FieldFault(element=one.field, field=one.field, code=one.code, message=one.message)
                for one in refused.problems
            )
            message = replace(
                message,
                state=MessageState.DRAFT,
                signed_at=None,
                reason=str(refused),
                faults=faults,
            )
            content = b""
        with self._store.write() as work:
            before = work.gateways.newest(MessageKind.PRESCRIPTION, paper.id)
            if before is not None:
                message = replace(message, replaces=before.id)
                if before.state in (MessageState.DRAFT, MessageState.SIGNED):
                    work.gateways.withdraw(before.id, self._clock.now(), MADE_ANEW)
            work.gateways.add(message, content)

    def _queue_check_in(
        self, encounter_id: str, settings: ClaimSettings, held: GatewayMessage | None = None
    ) -> int:
        """``held`` is a draft that could not leave; it goes when this one can."""
        try:
            claim = self._means.check_ins.check_in_of(encounter_id)
            row = claim.check_in
            if not row.get("MA_THE_BHYT") or row.get("MA_DOITUONG_KCB") == _EMERGENCY:
                self._without.add(encounter_id)
                return 0
            content = self._means.check_ins.write(claim)
            findings = self._means.check_ins.schema_findings(claim)
        except (UserError, ValueError):
            return 0  # not a claim yet; asked again in the next turn
        with self._store.read() as work:
            stored = work.encounters.get(encounter_id)
        now = self._clock.now()
        blocked = next((one for one in findings if one.blocks), None)
        if blocked is not None and held is not None:
            return 0
        drafted = settings.signs(MessageKind.CHECK_IN) or blocked is not None
        message = GatewayMessage(
            id=self._clock.new_id(),
            kind=MessageKind.CHECK_IN,
            encounter_id=encounter_id,
            patient_id=stored.record.patient_id,
            record_id=encounter_id,
            version=stored.version,
            name=claim.link_code,
            standard=claim.version,
            state=MessageState.DRAFT if drafted else MessageState.SIGNED,
            created_at=now,
            signed_at=None if drafted else now,
            due_on=now.date(),
            reason=f"{blocked.message} {blocked.remedy}".strip() if blocked else "",
        )
        with self._store.write() as work:
            if held is not None:
                work.gateways.withdraw(held.id, now, MADE_ANEW)
                message = replace(message, replaces=held.id)
            work.gateways.add(message, content)
        return 1

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
        if self._is_voided(message):
            with self._store.write() as work:
                work.gateways.withdraw(message.id, self._clock.now(), VOIDED)
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
