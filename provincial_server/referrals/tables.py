"""The list of letters of each receiving facility, and what became of each of them.

A row is kept for whatever code a letter names: if the hospital joins later, its letters are there.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from provincial_server.store import FACILITY_CODE, RESOURCE_ID, Base, append_only

CURRENT, WITHDRAWN, MOVED = "current", "withdrawn", "moved"
REQUESTED, ACCEPTED, REJECTED, ARRIVED, ANSWERED = (
    "requested",
    "accepted",
    "rejected",
    "in-progress",
    "completed",
)


class ReferralInbox(Base):
    """One letter in the list of one receiving facility. `letter_state` is the sender's doing (current,
    withdrawn, moved to another facility), `status` the receiver's; both are words of FHIR's Task."""

    __tablename__ = "referral_inbox"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    sender_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    record_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    letter_state: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column()
    number: Mapped[str] = mapped_column(String(100))
    sender_name: Mapped[str] = mapped_column(String(300))
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID)
    patient_name: Mapped[str] = mapped_column(String(300))
    birth: Mapped[str] = mapped_column(String(10))
    sex: Mapped[str] = mapped_column(String(20))
    insurance: Mapped[str] = mapped_column(String(50))
    diagnosis: Mapped[str] = mapped_column(String(500))
    search_words: Mapped[str] = mapped_column(String(700))
    emergency: Mapped[bool] = mapped_column(Boolean)
    written_at: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[int] = mapped_column(BigInteger)
    read_version: Mapped[int] = mapped_column(default=0)
    """The newest version that somebody of the receiving facility opened; less means unread."""
    status: Mapped[str] = mapped_column(String(20), default=REQUESTED)
    answers: Mapped[int] = mapped_column(default=0)
    """How many answers went to the sender; a form that was filled before another one is refused."""
    reason: Mapped[str] = mapped_column(Text, default="")
    feedback: Mapped[str] = mapped_column(Text, default="")
    """The fields of the reply slip as JSON, empty before there is one."""
    accepted_at: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        Index(None, "sender_code", "record_id"),
        Index(None, "facility_code", "written_at"),
        Index(None, "received_at"),
    )


class ReferralEvent(Base):
    """What happened to a letter at one receiving facility; lines are only added."""

    __tablename__ = "referral_event"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    sender_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    record_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text)


append_only(ReferralEvent)
