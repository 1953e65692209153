"""How long a referral letter waits for its answer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Turnaround:
    """Letters of the last 90 days; the medians are minutes."""

    sent: int = 0
    accepted: int = 0
    answered: int = 0
    to_accept: int | None = None
    to_feedback: int | None = None


def turnarounds(session: Session, since: int) -> dict[str, Turnaround]:
    """By the sending facility."""
    del session, since
    return {}
