from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from .base import Head


class UserHead(Head):
    """A member of staff; each saved state is a version of kind ``practitioner``."""

    __tablename__ = "user"

    username: Mapped[str] = mapped_column(unique=True)  # lower case
    last_login_utc: Mapped[str | None]
    last_login_offset: Mapped[int | None]
