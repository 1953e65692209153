"""What the receiving facility answers, written into the log of the sending one.

Each letter has one record of kind `feedback`, a FHIR Task; every answer is a new version of it. It goes
the way of every write through plain FHIR, so the stations fetch it like any other operation.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.dates import VIETNAM
from provincial_server.exchange.plain import Author, plain_writer
from provincial_server.referrals.addressing import KIND, note_event, working_for
from provincial_server.referrals.tables import (
    ACCEPTED,
    ANSWERED,
    ARRIVED,
    CURRENT,
    REJECTED,
    REQUESTED,
    ReferralInbox,
)
from provincial_server.settings import Clock
from provincial_server.store import Device, Facility
from provincial_server.validation import Checked, check
from provincial_server.web.access_log import note_access

_OWN = "https://station-emr.example/fhir"
_ICD10 = "http://hl7.org/fhir/sid/icd-10"
_FACILITY_CODE = "http://fhir.hl7.org.vn/core/sid/ma-cskcb"
_NAMES = uuid.UUID("6f0d1f0e-3a55-5c0c-9a0e-6d2f4a1b7c11")
OUTCOMES = ("Khỏi", "Đỡ", "Không thay đổi", "Nặng hơn", "Chuyển tiếp", "Tử vong")
TEXTS = ("treatment", "outcome", "medicines", "advice", "follow_up_at", "doctor")
DATES = ("admitted_on", "discharged_on", "follow_up_on")
FIELDS = ("admitted_on", "discharged_on", "diagnosis_code", "diagnosis", *TEXTS, "follow_up_on")
"""The reply slip, in the words of the station's program."""

_ALLOWED = {
    ACCEPTED: {REQUESTED, REJECTED},
    REJECTED: {REQUESTED, ACCEPTED},
    ARRIVED: {REQUESTED, ACCEPTED, REJECTED},
    ANSWERED: {REQUESTED, ACCEPTED, ARRIVED, ANSWERED},
}
_SAID = {
    ACCEPTED: "Cơ sở nhận đã tiếp nhận phiếu chuyển",
    REJECTED: "Cơ sở nhận từ chối phiếu chuyển",
    ARRIVED: "Người bệnh đã đến cơ sở nhận",
    ANSWERED: "Cơ sở nhận đã phản hồi",
}


class AnswerRefused(Exception):
    """The answer was not written; the text is for the person who gave it."""


@dataclass(frozen=True)
class Actor:
    """A person of the receiving facility."""

    user_id: str
    full_name: str
    facility_code: str


@dataclass(frozen=True)
class Answer:
    """`seen` is the row's mark (`mark_of`) when the form was made: an answer to something else
    than what is there now is refused."""

    status: str
    seen: str
    reason: str = ""
    feedback: Mapping[str, str] | None = None


def purpose_of(facility_code: str | None) -> str:
    """For what a receiver looks at a letter or answers it, in the access log."""
    return f"tiếp nhận chuyển tuyến tại {facility_code}"


def mark_of(row: ReferralInbox) -> str:
    return f"{row.version}.{row.answers}"


def feedback_id(sender: str, record_id: str) -> str:
    """One record per letter, whoever answers."""
    return str(uuid.uuid5(_NAMES, f"{sender}/{record_id}"))


def give(
    database: Database, clock: Clock, actor: Actor, sender: str, record_id: str, answer: Answer
) -> None:
    """Writes the answer and all that follows from it, in one transaction. AnswerRefused, with
    nothing written, when the letter is not theirs, has changed, or cannot be answered so."""
    now = clock()
    with database.read(actor.facility_code) as session:
        key = (actor.facility_code, sender, record_id)
        if session.get(ReferralInbox, key) is None:
            raise AnswerRefused("Phiếu này không gửi cho cơ sở của bạn.")
    with database.read(sender) as session:
        facility = session.get_one(Facility, sender)
    caller = Caller(_device_id(sender), facility.code, facility.name)
    author = Author(actor.user_id, actor.full_name, _SAID[answer.status])
    with plain_writer(database, clock, caller, author=author) as writer:
        session = writer.session
        with working_for(session, actor.facility_code, then=sender):
            row = session.get_one(ReferralInbox, key, populate_existing=True, with_for_update=True)
            receiver = session.get_one(Facility, actor.facility_code)
            _check(row, answer)
            _change(session, row, actor, answer, now)
            task = _task(row, receiver, actor, now)
        note_access(
            session,
            facility_code=sender,
            at=now,
            actor_kind="user",
            actor_id=actor.user_id,
            action=answer.status,
            object_type=KIND,
            object_id=record_id,
            purpose=purpose_of(actor.facility_code),
        )
        _ensure_device(session, sender, now)
        checked = check(task)
        if not isinstance(checked, Checked):
            raise AnswerRefused(
                "Có mục chứa ký tự mà hồ sơ không nhận. Chưa có gì được gửi; hãy gõ lại mục vừa dán vào."
            )
        writer.put(checked, task["id"])


def _check(row: ReferralInbox, answer: Answer) -> None:
    if row.letter_state != CURRENT:
        raise AnswerRefused("Trạm đã rút hoặc chuyển phiếu này đi nơi khác. Chưa có gì được gửi.")
    if mark_of(row) != answer.seen:
        raise AnswerRefused(
            "Phiếu vừa thay đổi trong lúc bạn làm. Chưa có gì được gửi; hãy xem lại rồi làm tiếp."
        )
    if row.status not in _ALLOWED[answer.status]:
        raise AnswerRefused("Phiếu đang ở bước khác, không làm được việc này. Chưa có gì được gửi.")
    if answer.status == REJECTED and not answer.reason.strip():
        raise AnswerRefused("Hãy ghi lý do từ chối để trạm biết đưa người bệnh đi đâu.")


def _change(session: Session, row: ReferralInbox, actor: Actor, answer: Answer, now: int) -> None:
    again = row.status == ANSWERED
    row.status = answer.status
    row.reason = answer.reason.strip() if answer.status == REJECTED else ""
    row.answers += 1
    if answer.status in (ACCEPTED, ARRIVED) and row.accepted_at is None:
        row.accepted_at = now
    if answer.feedback is not None:
        row.feedback = json.dumps(dict(answer.feedback), ensure_ascii=False, sort_keys=True)
        row.answered_at = row.answered_at or now
    note_event(
        session,
        row,
        now,
        "corrected" if again else answer.status,
        actor_id=actor.user_id,
        actor_name=actor.full_name,
        detail=row.reason,
    )


def _task(row: ReferralInbox, receiver: Facility, actor: Actor, now: int) -> dict[str, Any]:
    own_id = feedback_id(row.sender_code, row.record_id)
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": own_id,
        "identifier": [{"system": f"{_OWN}/sid/uuid", "value": own_id}],
        "status": row.status,
        "intent": "order",
        "code": {"text": "Trả lời phiếu chuyển cơ sở khám bệnh, chữa bệnh"},
        "focus": {"reference": f"ServiceRequest/{row.record_id}"},
        "for": {"reference": f"Patient/{row.patient_id}"},
        "lastModified": _moment(now),
        "owner": {
            "identifier": {"system": _FACILITY_CODE, "value": receiver.code},
            "display": receiver.name,
        },
        "note": [{"text": actor.full_name}],
        "output": _outputs(json.loads(row.feedback) if row.feedback else {}),
    }
    if row.reason:
        task["statusReason"] = {"text": row.reason}
    return {name: value for name, value in task.items() if value}


def _outputs(feedback: dict[str, str]) -> list[dict[str, Any]]:
    """One output per field of the reply slip that was filled."""
    made = []
    diagnosis: dict[str, Any] = {}
    if code := feedback.get("diagnosis_code"):
        diagnosis["coding"] = [{"system": _ICD10, "code": code}]
    if text := feedback.get("diagnosis"):
        diagnosis["text"] = text
    if diagnosis:
        made.append(_output("diagnosis", "valueCodeableConcept", diagnosis))
    made.extend(
        _output(name, "valueDate", date.fromisoformat(text).isoformat())
        for name in DATES
        if (text := feedback.get(name))
    )
    made.extend(
        _output(name, "valueString", text) for name in TEXTS if (text := feedback.get(name))
    )
    return made


def _output(name: str, element: str, value: Any) -> dict[str, Any]:
    kind = {"coding": [{"system": f"{_OWN}/CodeSystem/referral-feedback", "code": name}]}
    return {"type": kind, element: value}


def _moment(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, VIETNAM).isoformat(timespec="milliseconds")


def _device_id(facility: str) -> str:
    return str(uuid.uuid5(_NAMES, f"device/{facility}"))


def _ensure_device(session: Session, facility: str, now: int) -> None:
    """In the log every line has a device. This one is born revoked: nobody can ever speak as it."""
    if session.get(Device, _device_id(facility)) is None:
        session.add(
            Device(
                id=_device_id(facility),
                facility_code=facility,
                name="Hộp thư chuyển tuyến",
                token_hash=secrets.token_bytes(32),
                enrolled_at=now,
                revoked_at=now,
            )
        )
        session.flush()
