from __future__ import annotations

from sqlalchemy.orm import Mapped

from .base import Head


class FacilityHead(Head):
    """The station itself; each saved profile is a version of kind ``facility``."""

    __tablename__ = "facility"

    code: Mapped[str]
    name: Mapped[str]
