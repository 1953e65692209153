"""Who saw or did what with whose data. Lines are only added; their numbers have no gap per facility."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from provincial_server.store import FACILITY_CODE, Base, append_only

PROVINCE = "-"
"""Stands in the facility's place where no facility's own data was seen."""


class AccessEntry(Base):
    """One line: `facility_code` is the facility whose data was seen or touched."""

    __tablename__ = "access_entry"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(100))
    purpose: Mapped[str] = mapped_column(String(200))
    result: Mapped[str] = mapped_column(String(100))
    __table_args__ = (Index(None, "facility_code", "object_type", "object_id"),)


class AccessCounter(Base):
    """The last number given for a facility; its row orders those who write at once."""

    __tablename__ = "access_counter"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    last_sequence: Mapped[int] = mapped_column(BigInteger)


append_only(AccessEntry)


def note_access(
    session: Session,
    *,
    facility_code: str,
    at: int,
    actor_kind: str,
    actor_id: str,
    action: str,
    object_type: str,
    object_id: str,
    purpose: str,
    result: str = "ok",
) -> int:
    """Adds a line in the caller's transaction; its number."""
    sequence = _next(session, facility_code)
    session.add(
        AccessEntry(
            facility_code=facility_code,
            sequence=sequence,
            at=at,
            actor_kind=actor_kind,
            actor_id=actor_id,
            action=action,
            object_type=object_type,
            object_id=object_id[:100],
            purpose=purpose[:200],
            result=result[:100],
        )
    )
    session.flush()
    return sequence


def note_operator(
    session: Session,
    action: str,
    object_type: str,
    object_id: str,
    now: int,
    *,
    facility_code: str = PROVINCE,
) -> None:
    """What somebody did at the machine itself, by a command."""
    note_access(
        session,
        facility_code=facility_code,
        at=now,
        actor_kind="operator",
        actor_id="-",
        action=action,
        object_type=object_type,
        object_id=object_id,
        purpose="quản trị",
    )


def _next(session: Session, facility_code: str) -> int:
    grown = (
        update(AccessCounter)
        .where(AccessCounter.facility_code == facility_code)
        .values(last_sequence=AccessCounter.last_sequence + 1)
        .returning(AccessCounter.last_sequence)
        .execution_options(synchronize_session=False)
    )
    found = session.scalar(grown)
    if found is not None:
        return found
    try:
        with session.begin_nested():
            session.add(AccessCounter(facility_code=facility_code, last_sequence=1))
    except IntegrityError:  # another writer made the row first
        return session.scalars(grown).one()
    return 1


def entries_about(
    session: Session, facility_code: str, object_type: str, object_id: str, limit: int = 200
) -> list[AccessEntry]:
    """The lines about one object, newest first."""
    query = (
        select(AccessEntry)
        .where(
            AccessEntry.facility_code == facility_code,
            AccessEntry.object_type == object_type,
            AccessEntry.object_id == object_id,
        )
        .order_by(AccessEntry.sequence.desc())
        .limit(limit)
    )
    return list(session.scalars(query))
