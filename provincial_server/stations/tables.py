"""Counts per station and day, kept as records come in, so that no page counts a million rows."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from provincial_server.store import FACILITY_CODE, Base

ENCOUNTER = "encounter"
"""Signed visits, by the day of the visit."""
RECEIVED = "received"
"""Signed visits, by the day on which the province had them."""
REFERRAL = "referral"
"""Referral letters that stand, by the day they were written."""
CONTACT = "contact"
"""One for each day on which a machine of the station spoke to the province."""


class DailyCount(Base):
    """How many of one kind on one day (YYYY-MM-DD, Vietnam)."""

    __tablename__ = "daily_count"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "kind", "day"),)


class CountedUpTo(Base):
    """The last change of the facility's feed that is in the counts, and when that was so."""

    __tablename__ = "counted_up_to"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[int] = mapped_column(BigInteger)
