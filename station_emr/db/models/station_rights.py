"""What those in charge decided for every PC of the station, as records with versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from .base import Head


class RightsHead(Head):
    """What each role may do, and which diagnoses are restricted: one record."""

    __tablename__ = "rights"


class StandingHead(Head):
    """How one person stands. Nobody needs to be known here for it."""

    __tablename__ = "standing"

    user_id: Mapped[str]
    shut: Mapped[str]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (Index("standing_user", "user_id"),)
