"""What is due to go to the national gateways, made into messages: derived from the record alone, so a
power cut loses nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.errors import InvalidRecord, UserError
from station_emr.domain.gateway import FieldFault, GatewayMessage, MessageKind, MessageState
from station_emr.domain.prescription import Prescription

from .claim_settings import ClaimSettings
from .gateway_ports import CheckIns, PrescriptionWriter
from .ports import Clock, Store, Work

_PREPARED_AT_ONCE: Final = 50
_LISTED: Final = 500
_LATEST_CHECK_IN: Final = timedelta(days=1)
_LATEST_PRESCRIPTION: Final = timedelta(days=30)  # it may be bought for five days
_LONGEST_STAY: Final = timedelta(days=7)
_EMERGENCY: Final = "2"
MADE_ANEW: Final = "Đã lập lại sau khi sửa."


class Preparer:
    """Used by one thread at a time, under the turn of sending."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        write_prescription: PrescriptionWriter,
        check_ins: CheckIns,
    ) -> None:
        self._store = store
        self._clock = clock
        self._write_prescription = write_prescription
        self._check_ins = check_ins
        self._without: set[str] = set()  # visits for which no check-in is due

    def prepare(self, settings: ClaimSettings) -> int:
        """How many messages were made."""
        made = 0
        if settings.prescriptions_on and settings.prescription_since is not None:
            with self._store.read() as work:
                waiting = work.gateways.unqueued_prescriptions(
                    settings.prescription_since,
                    self._clock.now().date() - _LATEST_PRESCRIPTION,
                    _PREPARED_AT_ONCE,
                )
            for prescription_id in waiting:
                self._queue_prescription(prescription_id)
                made += 1
        if settings.insurance_on and settings.insurance_since is not None:
            made += self._prepare_check_ins(settings, settings.insurance_since)
        return made

    def _prepare_check_ins(self, settings: ClaimSettings, since: datetime) -> int:
        """Costs of yesterday and today; what is older and still has none goes with its record."""
        now = self._clock.now()
        first = now.date() - _LATEST_CHECK_IN
        with self._store.read() as work:
            visits = work.gateways.billed_visits(since, first, _LISTED)
            drafts = work.gateways.in_state(MessageState.DRAFT, _LISTED)
            told = work.gateways.of_kind(MessageKind.CHECK_IN, now - _LONGEST_STAY, _LISTED)
            admitted = self._admitted_since(work, told)
        fresh = [one for one in (*visits, *admitted) if one not in self._without]
        held = [one for one in drafts if one.kind is MessageKind.CHECK_IN and one.reason]
        made = sum(self._queue_check_in(visit, settings) for visit in fresh)
        return made + sum(self._queue_check_in(one.record_id, settings, one) for one in held)

    @staticmethod
    def _admitted_since(work: Work, told: Sequence[GatewayMessage]) -> list[str]:
        """Visits that were kept after their check-in: the first cost of the stay is told again."""
        newest = {one.record_id: one.created_at for one in reversed(told)}
        found = []
        for visit, at in newest.items():
            kept = work.encounters.get(visit).record.admitted_at
            if kept is not None and kept > at:
                found.append(visit)
        return found

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
            content = self._write_prescription(paper)
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
            claim = self._check_ins.check_in_of(encounter_id)
            row = claim.check_in
            if not row.get("MA_THE_BHYT") or row.get("MA_DOITUONG_KCB") == _EMERGENCY:
                self._without.add(encounter_id)
                return 0
            content = self._check_ins.write(claim)
            findings = self._check_ins.schema_findings(claim)
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
