"""The national gateways for people at a screen: what waits, what was answered, what is unknown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from station_emr.domain.errors import PermissionDenied, StateError, UserError
from station_emr.domain.gateway import (
    Gateway,
    GatewayAttempt,
    GatewayMessage,
    GatewayOutage,
    MessageKind,
    MessageState,
    Outcome,
    gateway_history,
)
from station_emr.domain.permissions import Action
from station_emr.domain.sensitive import REFUSED
from station_emr.domain.user import Actor

from .claim_settings import ClaimSettingsDesk, read_claim_settings
from .gateway_cards import Cards
from .gateway_day import ClaimDay
from .gateway_ports import GatewayLines, OutagePapers, Waker
from .guards import allow, needs_reason
from .ports import Clock, Store, Work
from .restricted import hidden_visits

_LISTED: Final = 2000
_OF_EVIDENCE: Final = 100_000
IMMUTABLE: Final = (
    "Đơn thuốc đã gửi thì không gửi lại bản khác được. Nếu bị từ chối, hãy mở lượt khám và kê đơn "
    "mới thay đơn này."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message with whose it is. ``hidden``: this person may not see what it says."""

    message: GatewayMessage
    full_name: str
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStanding:
    """One gateway in a line: whether it is on, what waits, since when it is away."""

    gateway: Gateway
    on: bool
    address: str
    waiting: int
    unsigned: int
    unknown: int
    refused: int
    next_try_at: datetime | None = None
    away_since: datetime | None = None
    last_at: datetime | None = None
    last_words: str = ""


class Gateways:
    """``settings``, ``cards`` and ``day`` are use cases of their own."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lines: GatewayLines,
        waker: Waker,
        papers: OutagePapers,
        *,
        settings: ClaimSettingsDesk,
        cards: Cards,
        day: ClaimDay,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines
        self._waker = waker
        self._papers = papers
        self.settings = settings
        self.cards = cards
        self.day = day

    # Looking ----------------------------------------------------------------------------------

    def standing(self, actor: Actor) -> tuple[GatewayStanding, ...]:
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            settings = read_claim_settings(work)
            tried = work.gateways.attempts(_LISTED)
            listed = [
                message
                for state in MessageState
                if state not in (MessageState.ACCEPTED, MessageState.WITHDRAWN)
                for message in work.gateways.in_state(state, _LISTED)
            ]
            return tuple(
                _standing(
                    gateway,
                    settings.base_url(gateway),
                    [one for one in listed if one.kind.gateway is gateway],
                    [one for one in tried if one.gateway is gateway],
                    on=settings.on(gateway),
                )
                for gateway in Gateway
            )

    def messages(self, actor: Actor, kind: MessageKind, since: datetime) -> tuple[MessageRow, ...]:
        """Newest first."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return self._rows(work, actor, work.gateways.of_kind(kind, since, _LISTED))

    def to_decide(self, actor: Actor) -> tuple[MessageRow, ...]:
        """What waits for a person: unknown and refused ones, oldest first."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            found = (
                *work.gateways.in_state(MessageState.UNKNOWN, _LISTED),
                *work.gateways.in_state(MessageState.REFUSED, _LISTED),
            )
            return self._rows(work, actor, found)

    def _rows(
        self, work: Work, actor: Actor, found: tuple[GatewayMessage, ...]
    ) -> tuple[MessageRow, ...]:
        hidden = hidden_visits(
            work, actor, {one.encounter_id for one in found}, self._clock.now().date()
        )
        names = {one: work.patients.row(one).full_name for one in {m.patient_id for m in found}}
        return tuple(
            MessageRow(
                message=replace(one, reason="", faults=()) if one.encounter_id in hidden else one,
                full_name=names[one.patient_id],
                hidden=one.encounter_id in hidden,
            )
            for one in found
        )

    def content(self, actor: Actor, message_id: str) -> bytes:
        """The bytes that were, or will be, sent; they are held against their hash. The look is
        logged. Raises PermissionDenied for a restricted visit.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            message = work.gateways.get(message_id)
            today = self._clock.now().date()
            if hidden_visits(work, actor, [message.encounter_id], today):
                raise PermissionDenied(REFUSED)
            found = work.gateways.content(message_id)
        if hashlib.sha256(found).hexdigest() != message.sha256:
            raise StateError("Nội dung đã gửi không khớp mã băm. Hãy báo bộ phận hỗ trợ phần mềm.")
        self._note(actor, "gateway.view", message)
        return found

    def attempts(self, actor: Actor, limit: int = 200) -> tuple[GatewayAttempt, ...]:
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            return work.gateways.attempts(limit)

    def outages(self, actor: Actor) -> tuple[GatewayOutage, ...]:
        """When a gateway was not to be reached lately, newest first; the paper goes back further."""
        allow(actor, Action.SYNC_VIEW)
        with self._store.read() as work:
            return gateway_history(work.gateways.attempts(_LISTED)).outages

    def outage_paper(self, actor: Actor, gateway: Gateway | None = None) -> bytes:
        """The evidence as a page to sign."""
        allow(actor, Action.SYNC_VIEW)
        now = self._clock.now()
        with self._store.write() as work:
            station = work.settings.station()
            found = work.gateways.attempts(_OF_EVIDENCE)
            work.audit.append(actor, "gateway.evidence", now)
        by = actor.user.snapshot.printed_name
        return self._papers.outages(station, gateway, found, now, by)

    # Deciding ---------------------------------------------------------------------------------

    def send_now(self, actor: Actor) -> None:
        """Try at once, also a password that was refused."""
        allow(actor, Action.SYNC_RUN)
        self._lines.forgive()
        self._waker.wake()

    def resend(self, actor: Actor, message_id: str) -> None:
        """The person looked at the portal and the file is not there, or was refused by mistake."""
        allow(actor, Action.BILL_CLOSE)
        self._decide(actor, message_id, MessageState.SIGNED, "gateway.resend", "")
        self._waker.wake()

    def confirm_arrived(self, actor: Actor, message_id: str, note: str) -> None:
        """The person found the file on the portal; ``note`` says what stands there."""
        allow(actor, Action.BILL_CLOSE)
        self._decide(
            actor, message_id, MessageState.ACCEPTED, "gateway.arrived", needs_reason(note)
        )

    def give_up(self, actor: Actor, message_id: str, reason: str) -> None:
        """It need not go any more."""
        allow(actor, Action.BILL_CLOSE)
        self._decide(
            actor, message_id, MessageState.WITHDRAWN, "gateway.give_up", needs_reason(reason)
        )

    def _decide(
        self, actor: Actor, message_id: str, state: MessageState, action: str, reason: str
    ) -> None:
        now = self._clock.now()
        with self._store.write() as work:
            message = work.gateways.get(message_id)
            if (
                message.kind is MessageKind.PRESCRIPTION
                and message.state is MessageState.REFUSED
                and state is MessageState.SIGNED
            ):
                raise UserError(IMMUTABLE)
            work.gateways.decide(message_id, state, now, reason)
            work.audit.append(
                actor,
                action,
                now,
                kind=message.kind.value,
                record_id=message.record_id,
                patient_id=message.patient_id,
                detail={"reason": reason} if reason else {},
            )

    def _note(self, actor: Actor, action: str, message: GatewayMessage) -> None:
        with self._store.write() as work:
            work.audit.append(
                actor,
                action,
                self._clock.now(),
                kind=message.kind.value,
                record_id=message.record_id,
                patient_id=message.patient_id,
                detail={"sha256": message.sha256},
            )


def _standing(
    gateway: Gateway,
    address: str,
    messages: list[GatewayMessage],
    tried: list[GatewayAttempt],
    *,
    on: bool,
) -> GatewayStanding:
    def count(*states: MessageState) -> int:
        return sum(one.state in states for one in messages)

    waits = [one.next_try_at for one in messages if one.state is MessageState.SIGNED]
    known = [moment for moment in waits if moment is not None]
    away = next((one for one in gateway_history(tried).outages if one.ended is None), None)
    last = tried[0] if tried else None
    told = "" if last is None or last.outcome is Outcome.ACCEPTED else last.detail
    missing = next((one.reason for one in messages if one.attempts == 0 and one.reason), "")
    return GatewayStanding(
        gateway=gateway,
        on=on,
        address=address,
        waiting=count(MessageState.SIGNED, MessageState.SENT),
        unsigned=count(MessageState.DRAFT),
        unknown=count(MessageState.UNKNOWN),
        refused=count(MessageState.REFUSED),
        next_try_at=min(known, default=None) if len(known) == len(waits) else None,
        away_since=away.started if away else None,
        last_at=last.ended_at if last else None,
        last_words=told or missing,
    )
