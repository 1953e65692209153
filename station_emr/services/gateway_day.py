"""The claims of a day or a month: where each stands, what holds it back, signing them with one PIN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from station_emr.domain.claim import ClaimFile, Finding, blocking
from station_emr.domain.errors import UserError
from station_emr.domain.gateway import (
    ClaimState,
    GatewayMessage,
    MessageKind,
    MessageState,
)
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor
from station_emr.domain.working_days import add_working_days

from .billing_ports import BillRow
from .claim_files import ClaimFiles
from .claim_ports import SIGNATURE_PLACE, XmlSigner
from .claim_settings import ClaimSettings, read_claim_settings
from .claims import ClaimExport, Claims, HeldBack
from .gateway_data import days_off, rules_on
from .gateway_deadlines import Deadlines
from .gateway_ports import ClaimChecks, Waker
from .guards import allow
from .ports import Clock, Store, Work
from .restricted import hidden_visits
from .secret import Secret, wiped

MOST: Final = 5000
_OF_MESSAGE: Final = {
    MessageState.DRAFT: ClaimState.READY,
    MessageState.SIGNED: ClaimState.SIGNED,
    MessageState.SENT: ClaimState.SENT,
    MessageState.ACCEPTED: ClaimState.ACCEPTED,
    MessageState.REFUSED: ClaimState.REFUSED,
    MessageState.UNKNOWN: ClaimState.UNKNOWN,
}
_UNDER_WAY: Final = (MessageState.SENT, MessageState.UNKNOWN)
UNDER_WAY: Final = (
    "Hồ sơ của lượt khám này đã gửi mà chưa rõ cổng nhận chưa, nên chưa ký lại. "
    "Hãy xử lý trạng thái “Không rõ” trước."
)
NEWER: Final = "Đã có bản mới của hồ sơ này."

_AT_ONCE: Final = 50
_NONE: Final = ClaimExport()
_Judged = tuple[ClaimState, tuple[Finding, ...]]
Told = Callable[[int, int], bool]
"""Visits done and in all; False stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """One visit in the list. ``record`` and ``check_in`` are the newest messages that were made for
    it; ``correction`` says that it changed after the gateway took it.
    """

    encounter_id: str
    patient_id: str
    full_name: str
    arrived_at: datetime
    card: str
    state: ClaimState
    findings: tuple[Finding, ...] = ()
    record: GatewayMessage | None = None
    check_in: GatewayMessage | None = None
    due_on: date | None = None
    days_left: int | None = None
    correction: bool = False

    @property
    def late(self) -> bool:
        return self.days_left is not None and self.days_left < 0

    @property
    def ready(self) -> bool:
        """Whether it only waits for a signature."""
        return self.state is ClaimState.READY

    @property
    def may_sign(self) -> bool:
        """Whether a file of it can be made and sent now, if a person asks for just this one."""
        return self.state in (ClaimState.READY, ClaimState.SIGNED, ClaimState.REFUSED)

    @property
    def first_words(self) -> str:
        """Why it stands where it stands, in one sentence."""
        if self.state in (ClaimState.REFUSED, ClaimState.UNKNOWN) and self.record is not None:
            return self.record.reason
        for finding in blocking(self.findings) or self.findings:
            return f"{finding.message} {finding.remedy}".strip()
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDay:
    """What one PIN did."""

    queued: tuple[str, ...]
    held_back: tuple[HeldBack, ...] = ()
    check_ins: tuple[str, ...] = ()


class ClaimDay:
    """Use cases of whoever settles with the insurance."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        claims: Claims,
        files: ClaimFiles,
        checks: ClaimChecks,
        waker: Waker,
        signer: XmlSigner,
    ) -> None:
        self._store = store
        self._clock = clock
        self._claims = claims
        self._files = files
        self._checks = checks
        self._waker = waker
        self._signer = signer

    def lines(
        self, actor: Actor, first: date, last: date, told: Told | None = None
    ) -> tuple[ClaimLine, ...]:
        """Insured visits of these days in the order in which people came."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            rows = [row for row in work.bills.rows(first, last, MOST) if _is_insured(work, row)]
            rows.reverse()
            sent = _by_visit(work, [row.encounter_id for row in rows])
            settings = read_claim_settings(work)
            hidden = hidden_visits(
                work, actor, [row.encounter_id for row in rows], self._clock.now().date()
            )
        dates = Deadlines(self._clock.now().date(), days_off(settings.days_off))
        judged = self._judged(rows, sent, told)
        return tuple(
            self._line(
                row,
                sent.get(row.encounter_id, ()),
                dates,
                judged.get(row.encounter_id),
                hidden=row.encounter_id in hidden,
            )
            for row in rows
        )

    def line(self, actor: Actor, encounter_id: str) -> ClaimLine | None:
        """One visit as it stands now; None when the list does not hold it."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            day = work.encounters.get(encounter_id).record.arrived_at.date()
        return next(
            (one for one in self.lines(actor, day, day) if one.encounter_id == encounter_id), None
        )

    def sign(self, actor: Actor, secret: Secret, encounter_ids: Sequence[str]) -> SignedDay:
        """Make, check and sign the files of these visits with one PIN, and let them go.

        What a check refuses is held back with its findings. A file that waits unsent gives way to
        the new one; one that may have arrived is left alone. Raises SigningFailure, and then nothing
        has changed. The secret is wiped when this returns.
        """
        with wiped(secret):
            allow(actor, Action.BILL_CLOSE)
            with self._store.read() as work:
                sent = _by_visit(work, encounter_ids)
                settings = read_claim_settings(work)
            if any(
                (record := _newest(sent.get(one, ()), MessageKind.RECORD)) is not None
                and record.state in _UNDER_WAY
                for one in encounter_ids
            ):
                raise UserError(UNDER_WAY)
            check_ins = self._sign_check_ins(actor, Secret(secret.reveal()))
            made = self._claims.export(actor, encounter_ids, secret) if encounter_ids else _NONE
        facts = {
            one.encounter_id: (
                self._claim(one.encounter_id),
                self._files.version_of(one.encounter_id),
            )
            for one in made.files
        }
        with self._store.write() as work:
            queued = [
                self._queue(work, settings, one.encounter_id, one.content, *facts[one.encounter_id])
                for one in made.files
            ]
            now = self._clock.now()
            work.audit.append(actor, "claim.queue", now, detail={"count": str(len(queued))})
        self._waker.wake()
        return SignedDay(queued=tuple(queued), held_back=made.held_back, check_ins=tuple(check_ins))

    def _sign_check_ins(self, actor: Actor, secret: Secret) -> list[str]:
        """Those that wait for it, where the station signs them. The bytes are signed outside of any
        transaction, because a token takes its time.
        """
        with self._store.read() as work:
            drafts = [
                (one.id, work.gateways.content(one.id))
                for one in work.gateways.in_state(MessageState.DRAFT, MOST)
                if one.kind is MessageKind.CHECK_IN and not one.reason
            ]
        with wiped(secret):
            if not drafts:
                return []
            signed = self._signer.sign_xmls(
                actor,
                secret,
                [content for _id, content in drafts],
                into=SIGNATURE_PLACE,
                xades=False,
            )
        now = self._clock.now()
        with self._store.write() as work:
            for (message_id, _content), document in zip(drafts, signed, strict=True):
                work.gateways.sign(message_id, document, now)
        return [message_id for message_id, _content in drafts]

    def _claim(self, encounter_id: str) -> ClaimFile:
        with self._store.read() as work:
            return self._files.within(work, encounter_id)

    def _queue(
        self,
        work: Work,
        settings: ClaimSettings,
        encounter_id: str,
        content: bytes,
        claim: ClaimFile,
        version: int,
    ) -> str:
        now = self._clock.now()
        before = work.gateways.newest(MessageKind.RECORD, encounter_id)
        if before is not None and before.state in (MessageState.DRAFT, MessageState.SIGNED):
            work.gateways.withdraw(before.id, now, NEWER)
        visit = work.encounters.get(encounter_id).record
        ended = visit.ended_at or visit.arrived_at
        rules = rules_on(ended.date())
        off = days_off(settings.days_off)
        message = GatewayMessage(
            id=self._clock.new_id(),
            kind=MessageKind.RECORD,
            encounter_id=encounter_id,
            patient_id=visit.patient_id,
            record_id=encounter_id,
            version=version,
            name=claim.link_code,
            standard=claim.version,
            state=MessageState.SIGNED,
            created_at=now,
            signed_at=now,
            due_on=add_working_days(ended.date(), rules.record_days, off),
            replaces=before.id if before is not None else "",
        )
        work.gateways.add(message, content)
        return message.id

    # One line ---------------------------------------------------------------------------------

    def _line(
        self,
        row: BillRow,
        sent: Sequence[GatewayMessage],
        dates: Deadlines,
        judged: _Judged | None,
        *,
        hidden: bool,
    ) -> ClaimLine:
        record = _newest(sent, MessageKind.RECORD)
        if judged is not None:
            state, findings = judged
        elif record is not None:
            state, findings = _OF_MESSAGE[record.state], ()
        else:
            state, findings = ClaimState.INCOMPLETE, ()  # stopped before it was looked at
        changed = (
            judged is not None and record is not None and record.state is not MessageState.SIGNED
        )
        due, left = dates.due(row.arrived_at.date(), _accepted(sent), record, correction=changed)
        waits = state is not ClaimState.ACCEPTED
        return ClaimLine(
            encounter_id=row.encounter_id,
            patient_id=row.patient_id,
            full_name=row.full_name,
            arrived_at=row.arrived_at,
            card=row.card,
            state=state,
            findings=() if hidden else findings,
            record=record,
            check_in=_newest(sent, MessageKind.CHECK_IN),
            due_on=due if waits else None,
            days_left=left if waits else None,
            correction=changed,
        )

    def _judged(
        self,
        rows: Sequence[BillRow],
        sent: Mapping[str, Sequence[GatewayMessage]],
        told: Told | None,
    ) -> dict[str, _Judged]:
        """What is against each visit whose record is not under way or taken as it stands."""
        open_ones = [row for row in rows if self._is_open(row, sent.get(row.encounter_id, ()))]
        found: dict[str, _Judged] = {}
        for start in range(0, len(open_ones), _AT_ONCE):
            if told is not None and not told(start, len(open_ones)):
                break
            found.update(self._looked_through(open_ones[start : start + _AT_ONCE]))
        return found

    def _is_open(self, row: BillRow, sent: Sequence[GatewayMessage]) -> bool:
        record = _newest(sent, MessageKind.RECORD)
        if record is None:
            return True
        if record.state is MessageState.SIGNED:
            with self._store.read() as work:
                content = work.gateways.content(record.id)
            return not self._files.is_current(row.encounter_id, record.version, content)
        answered = record.state in (MessageState.ACCEPTED, MessageState.REFUSED)
        return answered and self._files.version_of(row.encounter_id) != record.version

    def _looked_through(self, rows: Sequence[BillRow]) -> dict[str, _Judged]:
        found: dict[str, _Judged] = {}
        claims: dict[str, ClaimFile] = {}
        with self._store.read() as work:
            for row in rows:
                missing = self._files.missing_within(work, row.encounter_id)
                if missing:
                    found[row.encounter_id] = (ClaimState.INCOMPLETE, missing)
                else:
                    claims[row.encounter_id] = self._files.within(work, row.encounter_id)
        named = self._checks.before_sending(list(claims.values()))
        for (visit, claim), findings in zip(claims.items(), named, strict=True):
            against = findings
            if not blocking(findings):
                against = (*findings, *self._files.schema_findings(claim))
            state = ClaimState.FAULTY if blocking(against) else ClaimState.READY
            found[visit] = (state, against)
        return found


def _is_insured(work: Work, row: BillRow) -> bool:
    if row.bill_id:
        return bool(row.card)
    visit = work.encounters.get(row.encounter_id).record
    return bool(visit.coverage_number)


def _by_visit(work: Work, visits: Sequence[str]) -> dict[str, tuple[GatewayMessage, ...]]:
    found: dict[str, list[GatewayMessage]] = {}
    for start in range(0, len(visits), 500):
        for message in work.gateways.of_visits(visits[start : start + 500]):
            found.setdefault(message.encounter_id, []).append(message)
    return {visit: tuple(messages) for visit, messages in found.items()}


def _newest(messages: Sequence[GatewayMessage], kind: MessageKind) -> GatewayMessage | None:
    standing = [
        one for one in messages if one.kind is kind and one.state is not MessageState.WITHDRAWN
    ]
    return standing[-1] if standing else None


def _accepted(messages: Sequence[GatewayMessage]) -> GatewayMessage | None:
    """The first that the gateway took: the time to correct runs from there."""
    return next(
        (
            one
            for one in messages
            if one.kind is MessageKind.RECORD and one.state is MessageState.ACCEPTED
        ),
        None,
    )
