"""Accounts beside the person's record, and the rights that were given, taken and looked at again.

An account's state changes; what was granted, changed or judged is written once.
"""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base


class AccountStateRow(Base):
    """``content`` is the state as JSON; secrets in it are as safe as the database around them."""

    __tablename__ = "account_state"
    __table_args__ = (STRICT,)

    user_id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]


class AccessGrantRow(Base):
    __tablename__ = "access_grant"
    __table_args__ = (Index("grant_user", "user_id", "until_utc"), STRICT)

    row_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    user_id: Mapped[str]
    until_utc: Mapped[str]
    content: Mapped[str]


class AccessEndRow(Base):
    """A grant that was ended before its time."""

    __tablename__ = "access_end"
    __table_args__ = (STRICT,)

    grant_id: Mapped[str] = mapped_column(primary_key=True)
    at_utc: Mapped[str]
    at_offset: Mapped[int]
    by_id: Mapped[str]


class AccessReviewRow(Base):
    """The judgement of one emergency access."""

    __tablename__ = "access_review"
    __table_args__ = (STRICT,)

    grant_id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]


class RoleChangeRow(Base):
    """A changed cell of the table of rights; the newest counts."""

    __tablename__ = "role_change"
    __table_args__ = (STRICT,)

    row_id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[str]


class RightsReviewRow(Base):
    __tablename__ = "rights_review"
    __table_args__ = (STRICT,)

    row_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    content: Mapped[str]
