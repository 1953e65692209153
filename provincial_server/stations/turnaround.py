"""How long a referral letter waits for its answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server.referrals.tables import CURRENT, ReferralInbox

_MINUTE = 60_000


@dataclass(frozen=True)
class Turnaround:
    """Letters of the last 90 days; the medians are minutes since the province had the letter."""

    sent: int = 0
    accepted: int = 0
    answered: int = 0
    to_accept: int | None = None
    to_feedback: int | None = None


@dataclass
class _Letters:
    sent: int = 0
    to_accept: list[int] = field(default_factory=list)
    to_feedback: list[int] = field(default_factory=list)


def turnarounds(session: Session, since: int) -> dict[str, Turnaround]:
    """By the sending facility."""
    found: dict[str, _Letters] = defaultdict(_Letters)
    for code, received, accepted, answered in session.execute(
        select(
            ReferralInbox.sender_code,
            ReferralInbox.received_at,
            ReferralInbox.accepted_at,
            ReferralInbox.answered_at,
        ).where(ReferralInbox.received_at >= since, ReferralInbox.letter_state == CURRENT)
    ):
        letters = found[code]
        letters.sent += 1
        if accepted is not None:
            letters.to_accept.append(accepted - received)
        if answered is not None:
            letters.to_feedback.append(answered - received)
    return {code: _summed(letters) for code, letters in found.items()}


def _summed(letters: _Letters) -> Turnaround:
    return Turnaround(
        sent=letters.sent,
        accepted=len(letters.to_accept),
        answered=len(letters.to_feedback),
        to_accept=_minutes(letters.to_accept),
        to_feedback=_minutes(letters.to_feedback),
    )


def _minutes(spans: Iterable[int]) -> int | None:
    items = list(spans)
    return round(max(median(items), 0) / _MINUTE) if items else None
