"""What a reviewer decides of a proposal. Each decision is one more line; undoing is one as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from provincial_server.people.facts import Facts
from provincial_server.people.matching import Chart, facts_of
from provincial_server.people.tables import Decision, Proposal
from provincial_server.web.access_log import note_access

SAME, DIFFERENT, UNCLEAR, UNDONE = "same", "different", "unclear", "undone"
VERDICTS = {SAME: "Cùng một người", DIFFERENT: "Khác người", UNCLEAR: "Chưa rõ"}
WAITING = ""
Pair = tuple[str, str, str, str]


@dataclass(frozen=True)
class Case:
    """A proposal with both charts, for somebody to look at."""

    proposal: Proposal
    one: Facts
    other: Facts
    decisions: Sequence[Decision]


def waiting_counts(session: Session) -> dict[str, int]:
    """Proposals by verdict; those that lost their likeness are not counted."""
    rows = session.execute(
        select(Proposal.verdict, func.count())
        .where(Proposal.strength != "")
        .group_by(Proposal.verdict)
    )
    return dict(list(rows))


def list_proposals(session: Session, verdict: str, offset: int, limit: int) -> list[Proposal]:
    """The surest first."""
    order = case((Proposal.strength == "strong", 0), (Proposal.strength == "probable", 1), else_=2)
    return list(
        session.scalars(
            select(Proposal)
            .where(Proposal.verdict == verdict, Proposal.strength != "")
            .order_by(
                order,
                Proposal.made_at,
                Proposal.facility_code,
                Proposal.patient_id,
                Proposal.other_facility_code,
                Proposal.other_patient_id,
            )
            .offset(offset)
            .limit(limit)
        )
    )


def read_case(session: Session, pair: Pair) -> Case | None:
    """None when there is no such proposal, or one of the charts is gone."""
    proposal = session.get(Proposal, pair)
    if proposal is None or not proposal.strength:
        return None
    first: Chart = (pair[0], pair[1])
    second: Chart = (pair[2], pair[3])
    facts = facts_of(session, {first, second})
    if len(facts) < 2:
        return None
    decisions = session.scalars(
        select(Decision)
        .where(
            Decision.facility_code == pair[0],
            Decision.patient_id == pair[1],
            Decision.other_facility_code == pair[2],
            Decision.other_patient_id == pair[3],
        )
        .order_by(Decision.sequence.desc())
    ).all()
    return Case(proposal, facts[first], facts[second], decisions)


def decide(
    session: Session, pair: Pair, verdict: str, user_id: str, note: str, seen: int, now: int
) -> bool:
    """Adds a decision; False when somebody else decided since the page was shown (`seen` lines)."""
    proposal = session.scalars(
        select(Proposal)
        .where(
            Proposal.facility_code == pair[0],
            Proposal.patient_id == pair[1],
            Proposal.other_facility_code == pair[2],
            Proposal.other_patient_id == pair[3],
        )
        .with_for_update()
    ).one()
    found = read_case(session, pair)
    if found is None or len(found.decisions) != seen:
        return False
    session.add(
        Decision(
            facility_code=pair[0],
            patient_id=pair[1],
            other_facility_code=pair[2],
            other_patient_id=pair[3],
            sequence=seen + 1,
            verdict=verdict,
            at=now,
            user_id=user_id,
            note=note[:500],
        )
    )
    proposal.verdict = WAITING if verdict == UNDONE else verdict
    note_case(session, pair, user_id, f"person-{verdict}", now)
    session.flush()
    return True


def note_case(session: Session, pair: Pair, user_id: str, action: str, now: int) -> None:
    """In the access log of both facilities."""
    for facility, patient in (pair[:2], pair[2:]):
        note_access(
            session,
            facility_code=facility,
            at=now,
            actor_kind="user",
            actor_id=user_id,
            action=action,
            object_type="Patient",
            object_id=patient,
            purpose="đối chiếu người trùng giữa các trạm",
        )


def mask(number: str) -> str:
    """The last three signs, to tell two numbers apart without showing them."""
    return "•" * max(len(number) - 3, 0) + number[-3:] if number else ""
