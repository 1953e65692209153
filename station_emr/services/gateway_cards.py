"""Insurance cards at the desk: what the portal said last and when, and asking it again.

Nobody waits for the portal. A look-up that has no answer is kept as well: reception goes on, and the
row is the evidence (NĐ 188/2025 art. 38).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import UserError
from station_emr.domain.gateway import (
    CardAnswer,
    CardQuestion,
    CardUse,
    Gateway,
    GatewayAnswer,
    GatewayAttempt,
    MessageKind,
    Outcome,
)
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .claim_settings import insurance_account, read_claim_settings
from .gateway_data import card_result
from .gateway_ports import GatewayLines, InsuranceAccount, SecretShelf
from .guards import allow
from .joined import standing_person
from .ports import Clock, Store

FRESH: Final = timedelta(days=1)
_LONGEST_WORD: Final = 300
_MOST_VISITS: Final = 20
NO_CARD: Final = "Người bệnh này chưa có thẻ bảo hiểm y tế nên không có gì để tra."
GO_ON: Final = "Cứ tiếp đón và xem thẻ giấy; lần tra này đã được ghi lại làm bằng chứng."
TURNED_OFF: Final = (
    "Chưa bật kết nối Cổng giám định BHYT, nên chưa tra được thẻ. "
    "Nhờ giám đốc bật trong Quản trị, mục Cổng BHYT và đơn thuốc."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardStanding:
    """What is known here about a card. ``tried`` is the newest try, when that had no answer."""

    card: str
    answer: CardAnswer | None = None
    tried: CardAnswer | None = None
    enabled: bool = False

    def age(self, now: datetime) -> timedelta | None:
        return None if self.answer is None else now - self.answer.asked_at

    def stale(self, now: datetime) -> bool:
        age = self.age(now)
        return age is None or abs(age) > FRESH  # also what a clock that was ahead says of itself


class CardAsker:
    """Asks the portal and keeps what came of it. Asks nobody who they are: whoever uses this has."""

    def __init__(self, store: Store, clock: Clock, lines: GatewayLines) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines

    def ask(
        self,
        actor: Actor | None,
        account: InsuranceAccount,
        question: CardQuestion,
        patient_id: str,
    ) -> CardAnswer:
        """One question, whatever becomes of it."""
        started = self._clock.now()
        reply, facts = self._lines.insurance(account).look_up(question)
        found = _understood(patient_id, question.card, started, reply, facts)
        self._keep(actor, found, reply, started)
        return found

    def _keep(
        self, actor: Actor | None, found: CardAnswer, reply: GatewayAnswer, started: datetime
    ) -> None:
        now = self._clock.now()
        through = reply.outcome is Outcome.ACCEPTED and found.use is not CardUse.LATER
        with self._store.write() as work:
            if found.patient_id:
                work.gateways.add_card(found)
            work.gateways.add_attempt(
                GatewayAttempt(
                    gateway=Gateway.INSURANCE,
                    kind=MessageKind.CARD,
                    message_id="",
                    started_at=started,
                    ended_at=now,
                    outcome=Outcome.ACCEPTED if through else _missed(reply),
                    code=reply.code,
                    detail="" if through else found.words,
                )
            )
            work.outbox.add_traffic(now.date(), *self._lines.bytes_carried())
            work.audit.append(
                actor,
                "card.look_up",
                now,
                kind="patient",
                record_id=found.patient_id,
                patient_id=found.patient_id,
                detail={"result": found.code or found.use.value},
            )


class Cards:
    def __init__(
        self, store: Store, clock: Clock, secrets: SecretShelf, lines: GatewayLines
    ) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._asker = CardAsker(store, clock, lines)

    def known(self, actor: Actor, patient_id: str, card: str = "") -> CardStanding | None:
        """From this machine alone, at once. None for somebody without a card."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            card = card or _card_of(standing_person(work, patient_id), self._clock.now())
            if not card:
                return None
            latest = work.gateways.latest_card(patient_id, card)
            tries = [one for one in work.gateways.cards(patient_id, 20) if one.card == card]
            enabled = read_claim_settings(work).insurance_on
        answered = latest if latest is not None and latest.answered else None
        newest = tries[0] if tries else None
        tried = newest if newest is not None and not newest.answered else None
        return CardStanding(card=card, answer=answered, tried=tried, enabled=enabled)

    def history(self, actor: Actor, patient_id: str) -> tuple[CardAnswer, ...]:
        """Newest first."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            return work.gateways.cards(patient_id, 100)

    def look_up(self, actor: Actor, patient_id: str, card: str = "") -> CardAnswer:
        """Ask the portal; takes as long as it takes, so never from the window's thread. A portal that
        is away is an answer too. Raises UserError when nothing can be asked.
        """
        allow(actor, Action.PATIENT_EDIT)
        with self._store.read() as work:
            person = standing_person(work, patient_id)
            card = card or _card_of(person, self._clock.now())
            if not card:
                raise UserError(NO_CARD)
            if not read_claim_settings(work).insurance_on:
                raise UserError(TURNED_OFF)
            account = insurance_account(work, self._secrets)
        return self._asker.ask(actor, account, question_of(person, card), person.id)

    def look_up_typed(
        self, actor: Actor, card: str, full_name: str, birth: BirthDate
    ) -> CardAnswer:
        """The same for somebody who is not registered yet; the attempt is kept, the answer is not."""
        allow(actor, Action.PATIENT_EDIT)
        with self._store.read() as work:
            if not read_claim_settings(work).insurance_on:
                raise UserError(TURNED_OFF)
            account = insurance_account(work, self._secrets)
        return self._asker.ask(
            actor, account, CardQuestion(card=card, full_name=full_name, birth=_birth(birth)), ""
        )


def _missed(reply: GatewayAnswer) -> Outcome:
    return Outcome.NOT_TAKEN if reply.outcome is Outcome.ACCEPTED else reply.outcome


def _card_of(person: Patient, now: datetime) -> str:
    card = person.coverage_on(now.date())
    return card.number if card is not None else ""


def question_of(person: Patient, card: str) -> CardQuestion:
    return CardQuestion(card=card, full_name=person.full_name, birth=_birth(person.birth))


def _birth(birth: BirthDate) -> str:
    """dd/MM/yyyy; the year alone when nobody knows more."""
    if birth.month is None or birth.day is None:
        return f"{birth.year:04d}"
    return f"{birth.day:02d}/{birth.month:02d}/{birth.year:04d}"


def _understood(
    patient_id: str,
    card: str,
    at: datetime,
    reply: GatewayAnswer,
    facts: Mapping[str, Any],
) -> CardAnswer:
    if reply.outcome is not Outcome.ACCEPTED:
        return CardAnswer(
            patient_id=patient_id,
            card=card,
            asked_at=at,
            code=reply.code,
            use=CardUse.LATER,
            words=reply.reason,
            remedy=GO_ON,
        )
    result = card_result(reply.code)
    told = _text(facts.get("ghiChu"))
    return CardAnswer(
        patient_id=patient_id,
        card=card,
        asked_at=at,
        code=reply.code,
        use=result.use,
        words=f"{result.words}. Cổng ghi: {told}" if told else result.words,
        remedy=result.remedy,
        facts={name: _text(value) for name, value in facts.items() if _is_plain(value)},
        visits=_visits(facts.get("dsLichSuKCB2018")),
    )


def _visits(found: object) -> tuple[Mapping[str, str], ...]:
    rows = found if isinstance(found, list) else []
    return tuple(
        {name: _text(value) for name, value in row.items() if _is_plain(value)}
        for row in rows[:_MOST_VISITS]
        if isinstance(row, dict)
    )


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _text(value: object) -> str:
    return str(value).strip()[:_LONGEST_WORD] if _is_plain(value) else ""
