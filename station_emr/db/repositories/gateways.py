"""The queue to the national gateways, attempts, and answers about cards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam
from sqlalchemy import text as new_text

from station_emr.db.codec import decode, encode, maybe_moment, moment, stamp, utc_text
from station_emr.db.statements import text
from station_emr.domain.errors import NotFound, StateError
from station_emr.domain.gateway import (
    CardAnswer,
    FieldFault,
    Gateway,
    GatewayAnswer,
    GatewayAttempt,
    GatewayMessage,
    MessageKind,
    MessageState,
    Outcome,
)

_COLUMNS: Final = (
    "id, kind, encounter_id, patient_id, record_id, version, name, standard, state, sha256, size, "
    "created_utc, created_offset, signed_utc, signed_offset, sent_utc, sent_offset, answered_utc, "
    "answered_offset, next_try_utc, next_try_offset, attempts, code, receipt, received_at, reason, "
    "faults, due_on, replaces"
)
_AFTER: Final = {
    Outcome.ACCEPTED: MessageState.ACCEPTED,
    Outcome.REFUSED: MessageState.REFUSED,
    Outcome.NOT_TAKEN: MessageState.SIGNED,
    Outcome.AWAY: MessageState.SIGNED,
    Outcome.UNKNOWN: MessageState.UNKNOWN,
}
# A check-in is due at once, a prescription while the patient walks to the pharmacy.
_ORDER: Final = "CASE kind WHEN 'check_in' THEN 0 WHEN 'prescription' THEN 1 ELSE 2 END, row_id"
_LONGEST_PAUSE: Final = timedelta(days=2)
"""No gateway is believed for longer than a day: what is put off further was so by a wrong clock."""
_NOT_IN_THAT_STATE: Final = (
    "Mục này vừa đổi trạng thái nên chưa làm gì. Hãy xem lại danh sách rồi thử lại."
)
_GONE: Final = "Không thấy mục này trong hàng chờ của cổng. Hãy mở lại danh sách."


class GatewayRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Messages -----------------------------------------------------------------------------

    def add(self, message: GatewayMessage, content: bytes) -> None:
        self._connection.execute(
            text(
                f"INSERT INTO gateway_message ({_COLUMNS}, content) VALUES (:id, :kind, "  # noqa: S608  # fixed
                ":encounter, :patient, :record, :version, :name, :standard, :state, :sha256, "
                ":size, :created_utc, :created_offset, :signed_utc, :signed_offset, NULL, NULL, "
                "NULL, NULL, NULL, NULL, 0, '', '', '', :reason, :faults, :due, :replaces, :content)"
            ),
            {
                "id": message.id,
                "kind": message.kind.value,
                "encounter": message.encounter_id,
                "patient": message.patient_id,
                "record": message.record_id,
                "version": message.version,
                "name": message.name,
                "standard": message.standard,
                "state": message.state.value,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "due": message.due_on.isoformat() if message.due_on else None,
                "replaces": message.replaces,
                "reason": message.reason,
                "faults": encode(message.faults),
                "content": content,
                **stamp("created", message.created_at),
                **stamp("signed", message.signed_at),
            },
        )

    def get(self, message_id: str) -> GatewayMessage:
        row = self._connection.execute(
            text(f"SELECT {_COLUMNS} FROM gateway_message WHERE id = :id"),  # noqa: S608  # fixed
            {"id": message_id},
        ).one_or_none()
        if row is None:
            raise NotFound(_GONE)
        return _message(row)

    def content(self, message_id: str) -> bytes:
        found: bytes | None = self._connection.execute(
            text("SELECT content FROM gateway_message WHERE id = :id"), {"id": message_id}
        ).scalar_one_or_none()
        if found is None:
            raise NotFound(_GONE)
        return found

    def sign(self, message_id: str, content: bytes, at: datetime) -> None:
        self._move(
            "UPDATE gateway_message SET state = 'signed', content = :content, sha256 = :sha256, "
            "size = :size, signed_utc = :signed_utc, signed_offset = :signed_offset "
            "WHERE id = :id AND state = 'draft'",
            {
                "id": message_id,
                "content": content,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                **stamp("signed", at),
            },
        )

    def begin(self, message_id: str, at: datetime) -> bool:
        changed = self._connection.execute(
            text(
                "UPDATE gateway_message SET state = 'sent', sent_utc = :sent_utc, "
                "sent_offset = :sent_offset, attempts = attempts + 1, next_try_utc = NULL, "
                "next_try_offset = NULL WHERE id = :id AND state = 'signed'"
            ),
            {"id": message_id, **stamp("sent", at)},
        )
        return bool(changed.rowcount)

    def settle(self, message_id: str, answer: GatewayAnswer, at: datetime) -> None:
        self._move(
            "UPDATE gateway_message SET state = :state, code = :code, receipt = :receipt, "
            "received_at = :received, reason = :reason, faults = :faults, "
            "answered_utc = :answered_utc, answered_offset = :answered_offset "
            "WHERE id = :id AND state = 'sent'",
            {
                "id": message_id,
                "state": _AFTER[answer.outcome].value,
                "code": answer.code,
                "receipt": answer.receipt,
                "received": answer.received_at,
                "reason": answer.reason,
                "faults": encode(answer.faults),
                **stamp("answered", at),
            },
        )

    def postpone(self, message_id: str, until: datetime, reason: str = "") -> None:
        self._connection.execute(
            text(
                "UPDATE gateway_message SET next_try_utc = :next_try_utc, "
                "next_try_offset = :next_try_offset, "
                "reason = CASE :reason WHEN '' THEN reason ELSE :reason END "
                "WHERE id = :id AND state = 'signed'"
            ),
            {"id": message_id, "reason": reason, **stamp("next_try", until)},
        )

    def abandon(self, at: datetime, reason: str) -> tuple[str, ...]:
        rows = self._connection.execute(
            text(
                "UPDATE gateway_message SET state = 'unknown', reason = :reason, "
                "answered_utc = :answered_utc, answered_offset = :answered_offset "
                "WHERE state = 'sent' RETURNING id"
            ),
            {"reason": reason, **stamp("answered", at)},
        )
        return tuple(row.id for row in rows)

    def decide(self, message_id: str, state: MessageState, at: datetime, reason: str) -> None:
        self._move(
            "UPDATE gateway_message SET state = :state, reason = :reason, next_try_utc = NULL, "
            "next_try_offset = NULL, answered_utc = :answered_utc, "
            "answered_offset = :answered_offset "
            "WHERE id = :id AND state IN ('unknown', 'refused')",
            {"id": message_id, "state": state.value, "reason": reason, **stamp("answered", at)},
        )

    def withdraw(self, message_id: str, at: datetime, reason: str) -> None:
        self._move(
            "UPDATE gateway_message SET state = 'withdrawn', reason = :reason, "
            "answered_utc = :answered_utc, answered_offset = :answered_offset "
            "WHERE id = :id AND state IN ('draft', 'signed')",
            {"id": message_id, "reason": reason, **stamp("answered", at)},
        )

    def _move(self, sql: str, values: dict[str, Any]) -> None:
        if not self._connection.execute(text(sql), values).rowcount:
            self.get(str(values["id"]))
            raise StateError(_NOT_IN_THAT_STATE)

    def due(self, now: datetime, limit: int) -> tuple[GatewayMessage, ...]:
        return self._rows(
            "state = 'signed' AND (next_try_utc IS NULL OR next_try_utc <= :now "
            f"OR next_try_utc > :latest) ORDER BY {_ORDER} LIMIT :limit",
            now=utc_text(now),
            latest=utc_text(now + _LONGEST_PAUSE),
            limit=limit,
        )

    def next_due_at(self) -> datetime | None:
        row = self._connection.execute(
            text(
                "SELECT next_try_utc, next_try_offset FROM gateway_message "
                "WHERE state = 'signed' AND next_try_utc IS NOT NULL ORDER BY next_try_utc LIMIT 1"
            )
        ).one_or_none()
        return None if row is None else maybe_moment(row.next_try_utc, row.next_try_offset)

    def of_visits(self, encounter_ids: Sequence[str]) -> tuple[GatewayMessage, ...]:
        if not encounter_ids:
            return ()
        found = self._connection.execute(
            new_text(
                f"SELECT {_COLUMNS} FROM gateway_message WHERE encounter_id IN :ids "  # noqa: S608  # fixed
                "ORDER BY row_id"
            ).bindparams(bindparam("ids", expanding=True)),
            {"ids": list(encounter_ids)},
        )
        return tuple(_message(row) for row in found)

    def of_kind(self, kind: MessageKind, since: datetime, limit: int) -> tuple[GatewayMessage, ...]:
        return self._rows(
            "kind = :kind AND created_utc >= :since ORDER BY row_id DESC LIMIT :limit",
            kind=kind.value,
            since=utc_text(since),
            limit=limit,
        )

    def in_state(self, state: MessageState, limit: int) -> tuple[GatewayMessage, ...]:
        return self._rows(
            "state = :state ORDER BY row_id LIMIT :limit", state=state.value, limit=limit
        )

    def newest(self, kind: MessageKind, record_id: str) -> GatewayMessage | None:
        found = self._rows(
            "kind = :kind AND record_id = :record ORDER BY row_id DESC LIMIT 1",
            kind=kind.value,
            record=record_id,
        )
        return found[0] if found else None

    def count(self, state: MessageState) -> int:
        found: int = self._connection.execute(
            text("SELECT count(*) FROM gateway_message WHERE state = :state"),
            {"state": state.value},
        ).scalar_one()
        return found

    def _rows(self, where: str, **values: Any) -> tuple[GatewayMessage, ...]:
        found = self._connection.execute(
            text(f"SELECT {_COLUMNS} FROM gateway_message WHERE {where}"),  # noqa: S608  # fixed
            values,
        )
        return tuple(_message(row) for row in found)

    # Records that want a message ------------------------------------------------------------

    def unqueued_prescriptions(self, since: datetime, first: date, limit: int) -> tuple[str, ...]:
        rows = self._connection.execute(
            text(
                "SELECT p.id FROM encounter AS e JOIN prescription AS p ON p.encounter_id = e.id "
                "WHERE e.day >= :first AND p.version > 0 AND p.status <> 'voided' "
                "AND p.saved_utc >= :since AND NOT EXISTS (SELECT 1 FROM gateway_message AS m "
                "WHERE m.kind = 'prescription' AND m.record_id = p.id AND m.name = p.code) "
                "ORDER BY p.saved_utc LIMIT :limit"
            ),
            {"since": utc_text(since), "first": first.isoformat(), "limit": limit},
        )
        return tuple(row.id for row in rows)

    def billed_visits(self, since: datetime, first: date, limit: int) -> tuple[str, ...]:
        rows = self._connection.execute(
            text(
                "SELECT e.id FROM encounter AS e JOIN bill AS b ON b.encounter_id = e.id "
                "WHERE e.day >= :first AND e.arrived_utc >= :since AND e.status <> 'voided' "
                "AND b.amount > 0 AND b.card <> '' AND b.status <> 'voided' "
                "AND NOT EXISTS (SELECT 1 FROM gateway_message AS m "
                "WHERE m.kind = 'check_in' AND m.record_id = e.id) "
                "ORDER BY e.arrived_utc LIMIT :limit"
            ),
            {"since": utc_text(since), "first": first.isoformat(), "limit": limit},
        )
        return tuple(dict.fromkeys(row.id for row in rows))

    def holder_of(self, gateway: Gateway, receipt: str) -> str:
        same = "=" if gateway is Gateway.PRESCRIPTION else "<>"
        found: str | None = self._connection.execute(
            text(
                "SELECT id FROM gateway_message WHERE receipt = :receipt AND receipt <> '' "  # noqa: S608  # fixed
                f"AND kind {same} 'prescription' AND state = 'accepted' LIMIT 1"
            ),
            {"receipt": receipt},
        ).scalar_one_or_none()
        return found or ""

    def records_of_arrival(self, moment: datetime, besides: str) -> tuple[bytes, ...]:
        rows = self._connection.execute(
            text(
                "SELECT m.content FROM encounter AS e "
                "JOIN gateway_message AS m ON m.kind = 'record' AND m.record_id = e.id "
                "WHERE e.day = :day AND e.arrived_utc >= :first AND e.arrived_utc < :after "
                "AND m.name <> :besides AND m.row_id = (SELECT max(n.row_id) "
                "FROM gateway_message AS n WHERE n.kind = 'record' AND n.record_id = e.id "
                "AND n.state IN ('signed', 'sent', 'accepted', 'unknown')) ORDER BY m.row_id"
            ),
            {
                "day": moment.date().isoformat(),
                "first": utc_text(moment),
                "after": utc_text(moment + timedelta(minutes=1)),
                "besides": besides,
            },
        )
        return tuple(row.content for row in rows)

    def visits_between(self, first: date, last: date) -> tuple[str, ...]:
        rows = self._connection.execute(
            text(
                "SELECT id FROM encounter WHERE day BETWEEN :first AND :last "
                "AND status <> 'voided' ORDER BY arrived_utc, row_id"
            ),
            {"first": first.isoformat(), "last": last.isoformat()},
        )
        return tuple(row.id for row in rows)

    # Attempts -------------------------------------------------------------------------------

    def add_attempt(self, attempt: GatewayAttempt) -> None:
        self._connection.execute(
            text(
                "INSERT INTO gateway_attempt (gateway, kind, message_id, started_utc, "
                "started_offset, ended_utc, ended_offset, outcome, code, detail) VALUES (:gateway, "
                ":kind, :message, :started_utc, :started_offset, :ended_utc, :ended_offset, "
                ":outcome, :code, :detail)"
            ),
            {
                "gateway": attempt.gateway.value,
                "kind": attempt.kind.value,
                "message": attempt.message_id,
                "outcome": attempt.outcome.value,
                "code": attempt.code,
                "detail": attempt.detail,
                **stamp("started", attempt.started_at),
                **stamp("ended", attempt.ended_at),
            },
        )

    def attempts(self, limit: int) -> tuple[GatewayAttempt, ...]:
        rows = self._connection.execute(
            text("SELECT * FROM gateway_attempt ORDER BY seq DESC LIMIT :limit"), {"limit": limit}
        )
        return tuple(
            GatewayAttempt(
                gateway=Gateway(row.gateway),
                kind=MessageKind(row.kind),
                message_id=row.message_id,
                started_at=moment(row.started_utc, row.started_offset),
                ended_at=moment(row.ended_utc, row.ended_offset),
                outcome=Outcome(row.outcome),
                code=row.code,
                detail=row.detail,
            )
            for row in rows
        )

    # Cards ----------------------------------------------------------------------------------

    def add_card(self, answer: CardAnswer) -> None:
        self._connection.execute(
            text(
                "INSERT INTO card_look_up (patient_id, card, asked_utc, asked_offset, answered, "
                "content) VALUES (:patient, :card, :asked_utc, :asked_offset, :answered, :content)"
            ),
            {
                "patient": answer.patient_id,
                "card": answer.card,
                "answered": int(answer.answered),
                "content": encode(answer),
                **stamp("asked", answer.asked_at),
            },
        )

    def cards(self, patient_id: str, limit: int) -> tuple[CardAnswer, ...]:
        return self._cards(
            "patient_id = :patient ORDER BY row_id DESC LIMIT :limit",
            patient=patient_id,
            limit=limit,
        )

    def latest_card(self, patient_id: str, card: str) -> CardAnswer | None:
        """The newest answer; the newest try when the portal never answered about this card."""
        found = self._cards(
            "patient_id = :patient AND card = :card ORDER BY answered DESC, row_id DESC LIMIT 1",
            patient=patient_id,
            card=card,
        )
        return found[0] if found else None

    def unanswered_cards(self, since: datetime, limit: int) -> tuple[CardAnswer, ...]:
        return self._cards(
            "answered = 0 AND asked_utc >= :since AND NOT EXISTS (SELECT 1 FROM card_look_up AS b "
            "WHERE b.patient_id = card_look_up.patient_id AND b.card = card_look_up.card "
            "AND b.row_id > card_look_up.row_id) ORDER BY row_id LIMIT :limit",
            since=utc_text(since),
            limit=limit,
        )

    def _cards(self, where: str, **values: Any) -> tuple[CardAnswer, ...]:
        rows: Iterable[Row[Any]] = self._connection.execute(
            text(f"SELECT content FROM card_look_up WHERE {where}"),  # noqa: S608  # fixed
            values,
        )
        return tuple(decode(row.content, CardAnswer) for row in rows)


def _message(row: Any) -> GatewayMessage:
    return GatewayMessage(
        id=row.id,
        kind=MessageKind(row.kind),
        encounter_id=row.encounter_id,
        patient_id=row.patient_id,
        record_id=row.record_id,
        version=row.version,
        name=row.name,
        standard=row.standard,
        state=MessageState(row.state),
        sha256=row.sha256,
        size=row.size,
        created_at=moment(row.created_utc, row.created_offset),
        signed_at=maybe_moment(row.signed_utc, row.signed_offset),
        sent_at=maybe_moment(row.sent_utc, row.sent_offset),
        answered_at=maybe_moment(row.answered_utc, row.answered_offset),
        next_try_at=maybe_moment(row.next_try_utc, row.next_try_offset),
        attempts=row.attempts,
        code=row.code,
        receipt=row.receipt,
        received_at=row.received_at,
        reason=row.reason,
        faults=tuple(decode(row.faults, list[FieldFault])) if row.faults != "[]" else (),
        due_on=date.fromisoformat(row.due_on) if row.due_on else None,
        replaces=row.replaces,
    )
