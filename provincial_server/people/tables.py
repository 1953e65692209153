"""Who may be whom, what people decided about it, and consents. Rows stand under a facility."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from provincial_server.store import FACILITY_CODE, RESOURCE_ID, Base, append_only


class Person(Base):
    """What is compared of a chart: an extract of the current Patient, made anew when that changes."""

    __tablename__ = "person"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    birth: Mapped[str] = mapped_column(String(10))
    """A day, or as much of it as is known."""
    sex: Mapped[str] = mapped_column(String(10))
    national_id: Mapped[str] = mapped_column(String(20))
    old_national_id: Mapped[str] = mapped_column(String(20))
    cards: Mapped[str] = mapped_column(String(300))
    """Numbers of insurance cards, by spaces."""
    village: Mapped[str] = mapped_column(String(300))
    commune: Mapped[str] = mapped_column(String(200))


class PersonKey(Base):
    """People who share a key are compared; nobody else is."""

    __tablename__ = "person_key"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    key: Mapped[str] = mapped_column(String(400), primary_key=True)
    __table_args__ = (Index(None, "key"),)


class ComparedUpTo(Base):
    """The last change of the facility's feed whose people have been compared."""

    __tablename__ = "compared_up_to"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(BigInteger)


class Proposal(Base):
    """Two charts that may be one person; the smaller code stands first. `strength` is empty when a
    later version of one of them took the likeness away."""

    __tablename__ = "person_proposal"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    other_facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    other_patient_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    strength: Mapped[str] = mapped_column(String(10))
    reasons: Mapped[str] = mapped_column(Text)
    """Sentences, one a line."""
    made_at: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[str] = mapped_column(String(10), default="")
    """The last decision's, so that a list need not look for it."""
    __table_args__ = (
        Index(None, "verdict", "strength", "made_at"),
        Index(None, "other_facility_code", "other_patient_id"),
    )


class Decision(Base):
    """What a reviewer said of a proposal; lines are only added, the last one counts."""

    __tablename__ = "person_decision"
    facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    other_facility_code: Mapped[str] = mapped_column(FACILITY_CODE, primary_key=True)
    other_patient_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str] = mapped_column(String(10))
    at: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(String(500))


class ConsentVersion(Base):
    """A FHIR Consent as the asking facility gave it; a withdrawal is one more version."""

    __tablename__ = "consent_version"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    consent_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID)
    status: Mapped[str] = mapped_column(String(20))
    at: Mapped[int] = mapped_column(BigInteger)
    device_id: Mapped[str] = mapped_column(String(36))
    content: Mapped[str] = mapped_column(Text)
    __table_args__ = (Index(None, "facility_code", "patient_id"),)


class SharedAccess(Base):
    """One look at a chart of this facility by another one; `sequence` is the number of its line in the
    access log of the home facility."""

    __tablename__ = "shared_access"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    patient_id: Mapped[str] = mapped_column(RESOURCE_ID)
    asking_facility_code: Mapped[str] = mapped_column(FACILITY_CODE)
    device_id: Mapped[str] = mapped_column(String(36))
    asking_user: Mapped[str] = mapped_column(String(200))
    basis: Mapped[str] = mapped_column(String(20))
    consent_id: Mapped[str] = mapped_column(RESOURCE_ID, default="")
    reason: Mapped[str] = mapped_column(String(500))
    """The purpose, or why it could not wait for a consent."""
    matched_by: Mapped[str] = mapped_column(String(20))
    resources: Mapped[int] = mapped_column()
    __table_args__ = (Index(None, "at"), Index(None, "basis", "at"))


append_only(Decision)
append_only(SharedAccess)
append_only(ConsentVersion)
