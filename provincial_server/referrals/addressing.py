"""Puts each letter into the list of the facility that it is addressed to, as soon as it is shown.

The sender's facility is locked by whoever writes the letter, so what happens to one letter happens in
one order. The rows belong to the receiver: for the moment of writing them the transaction
works for every facility, and then for the sender again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.current_versions import STANDS
from provincial_server.postgres import wall
from provincial_server.referrals.letter import Letter, patient_from, read_letter
from provincial_server.referrals.tables import (
    CURRENT,
    MOVED,
    REQUESTED,
    WITHDRAWN,
    ReferralEvent,
    ReferralInbox,
)
from provincial_server.store import EVERY_FACILITY, Facility, ResourceHead, ResourceVersion
from provincial_server.structure import ID

KIND = "referral"
_LONGEST_CODE = 32


@contextmanager
def working_for(session: Session, facility: str, *, then: str) -> Iterator[None]:
    """PostgreSQL's wall lets a transaction touch the rows of one facility; here it is another one's
    for a moment."""
    walled = session.get_bind().dialect.name == "postgresql"
    session.flush()
    if walled:
        wall.work_for(session, facility)
    yield
    session.flush()
    if walled:
        wall.work_for(session, then)


def note_letter(session: Session, sender: str, content: dict[str, Any], now: int) -> None:
    """`content` is the line of the version that is shown from now on."""
    if content.get("kind") != KIND:
        return
    letter = read_letter(content["resources"])
    if letter is None:
        return
    if not letter.patient.get("full_name"):
        letter.patient = _stored_patient(session, sender, letter.patient_id) | letter.patient
    receiver = letter.receiver_code
    if not ID.fullmatch(receiver) or len(receiver) > _LONGEST_CODE:
        receiver = ""  # it stays with its station, and leaves the list where it was
    record_id = str(content["id"])
    voided = content.get("status") == "voided"
    with working_for(session, EVERY_FACILITY, then=sender):
        known = session.scalars(
            select(ReferralInbox)
            .where(ReferralInbox.sender_code == sender, ReferralInbox.record_id == record_id)
            .with_for_update()
        ).all()
        for row in known:
            if row.facility_code != receiver and row.letter_state != MOVED:
                _leave(session, row, receiver, now)
        if not receiver:
            return
        own = next((row for row in known if row.facility_code == receiver), None)
        if own is None and voided:
            return  # nobody there ever saw it
        _arrive(session, own, sender, letter, content, now)


def _leave(session: Session, row: ReferralInbox, receiver: str, now: int) -> None:
    row.letter_state, row.changed_at = MOVED, now
    note_event(session, row, now, "moved", detail=receiver)


def _arrive(
    session: Session,
    row: ReferralInbox | None,
    sender: str,
    letter: Letter,
    content: dict[str, Any],
    now: int,
) -> None:
    voided = content.get("status") == "voided"
    if row is None:
        row = ReferralInbox(
            facility_code=letter.receiver_code,
            sender_code=sender,
            record_id=str(content["id"]),
            version=0,
            received_at=now,
            read_version=0,
            status=REQUESTED,
            answers=0,
            reason="",
            feedback="",
        )
        session.add(row)
        action = "received"
    elif voided:
        action = "withdrawn"
    elif row.letter_state == CURRENT:
        action = "amended"
    else:
        action, row.status, row.reason = "returned", REQUESTED, ""
    row.letter_state = WITHDRAWN if voided else CURRENT
    row.version += 1
    row.changed_at = now
    _copy(session, row, sender, letter, content)
    session.flush()
    note_event(session, row, now, action, detail=str(content.get("reason") or ""))


def _copy(
    session: Session, row: ReferralInbox, sender: str, letter: Letter, content: dict[str, Any]
) -> None:
    facility = session.get(Facility, sender)
    name = letter.patient.get("full_name", "")
    card = letter.card.get("number", "")
    row.number = letter.number[:100]
    # As the province knows it: what the letter calls its station stands in the letter alone.
    row.sender_name = (facility.name if facility else sender)[:300]
    row.patient_id = letter.patient_id[:64]
    row.patient_name = name[:300]
    row.birth = letter.patient.get("birth", "")[:10]
    row.sex = letter.sex
    row.insurance = card[:50]
    row.diagnosis = next(iter(letter.diagnoses), "")[:500]
    words = (name, letter.number, card, letter.patient.get("national_id", ""), row.sender_name)
    row.search_words = folded(" ".join(words))[:700]
    row.emergency = letter.emergency
    row.written_at = _milliseconds(content.get("at"), row.received_at)


def note_event(
    session: Session,
    row: ReferralInbox,
    at: int,
    action: str,
    *,
    actor_id: str = "",
    actor_name: str = "",
    detail: str = "",
) -> None:
    """Adds a line to the letter's own history at the receiver. The caller has locked the row."""
    last = session.scalar(
        select(func.max(ReferralEvent.sequence)).where(
            ReferralEvent.facility_code == row.facility_code,
            ReferralEvent.sender_code == row.sender_code,
            ReferralEvent.record_id == row.record_id,
        )
    )
    session.add(
        ReferralEvent(
            facility_code=row.facility_code,
            sender_code=row.sender_code,
            record_id=row.record_id,
            sequence=(last or 0) + 1,
            at=at,
            action=action,
            actor_id=actor_id,
            actor_name=actor_name,
            detail=detail,
        )
    )
    session.flush()


def folded(text: str) -> str:
    """Without marks and case, for searching: "Rơ Châm H'Bĕ" is found by "ro cham"."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def _milliseconds(at: object, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(str(at)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return otherwise


def _stored_patient(session: Session, sender: str, patient_id: str) -> dict[str, str]:
    found = stored_resource(session, sender, "Patient", patient_id)
    return patient_from(found) if found else {}


def stored_resource(
    session: Session, facility: str, resource_type: str, resource_id: str
) -> dict[str, Any] | None:
    """The resource as it is shown now."""
    text = session.scalar(
        select(ResourceVersion.content)
        .join(ResourceHead, STANDS)
        .where(
            ResourceHead.facility_code == facility,
            ResourceHead.resource_type == resource_type,
            ResourceHead.resource_id == resource_id,
        )
    )
    if text is None:
        return None
    resource: dict[str, Any] = wire.reread(text.encode())
    return resource | {"resourceType": resource_type, "id": resource_id}
