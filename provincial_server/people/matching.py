"""Finds charts of different stations that may be one person: only what is new or has changed is
compared, and only with charts that share a key.

A portion is one transaction. It extracts the people of a stretch of one facility's feed, compares
them, and moves that facility's place. Portions take turns, else two that run side by side would not
see each other's people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, tuple_
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.current_versions import own_changes, read_current
from provincial_server.database import Database
from provincial_server.exchange.tables import portions
from provincial_server.people.facts import Facts, keys_of, read_facts
from provincial_server.people.likeness import Likeness, compare
from provincial_server.people.tables import ComparedUpTo, Person, PersonKey, Proposal
from provincial_server.settings import Clock
from provincial_server.store import (
    EVERY_FACILITY,
    Change,
    Facility,
    ServerFact,
)

_STRETCH = 5000
_PEOPLE_A_RUN = 2000
_MOST_SHARING = 60
"""A key that more charts share says nothing of a person: a made-up number, a name of a thousand."""
_TURN = "people_turn"
Chart = tuple[str, str]
"""Facility and patient."""


@dataclass
class Run:
    """What a run did; `left` is True while more waits."""

    people: int = 0
    comparisons: int = 0
    proposals: int = 0
    crowded: int = 0
    """Keys that too many share."""
    left: bool = False

    def add(self, other: Run) -> None:
        self.people += other.people
        self.comparisons += other.comparisons
        self.proposals += other.proposals
        self.crowded += other.crowded


def match_people(database: Database, clock: Clock, *, most: int = _PEOPLE_A_RUN) -> Run:
    """Compares what is new, at most about `most` people; the next run goes on from there."""
    run = Run()
    with database.read(EVERY_FACILITY) as session:
        codes = list(_behind(session))
    for code in codes:
        done = False
        while not done:
            if run.people >= most:
                run.left = True
                return run
            with database.write(EVERY_FACILITY) as session:
                found, done = match_portion(session, code, clock(), most=most - run.people)
            run.add(found)
    return run


def _behind(session: Session) -> Sequence[str]:
    return session.scalars(
        select(Facility.code)
        .outerjoin(ComparedUpTo, ComparedUpTo.facility_code == Facility.code)
        .where(Facility.last_sequence > func.coalesce(ComparedUpTo.sequence, 0))
        .order_by(Facility.code)
    ).all()


def match_portion(
    session: Session, code: str, now: int, *, most: int = _PEOPLE_A_RUN
) -> tuple[Run, bool]:
    """The next people of the facility's feed; True when nothing is left."""
    _take_turn(session)
    last = session.scalars(select(Facility.last_sequence).where(Facility.code == code)).one()
    place = session.get(ComparedUpTo, code, populate_existing=True)
    if place is None:
        place = ComparedUpTo(facility_code=code, sequence=0)
        session.add(place)
    end = min(place.sequence + _STRETCH, last)
    changed = session.execute(
        select(Change.resource_id, Change.sequence)
        .where(own_changes(code, ["Patient"], place.sequence, end))
        .order_by(Change.sequence)
        .limit(most)
    ).all()
    if len(changed) == most:
        end = changed[-1][1]
    run = _compare_all(session, code, list(dict.fromkeys(name for name, _ in changed)), now)
    place.sequence = end
    session.flush()
    return run, end >= last


def _take_turn(session: Session) -> None:
    """Waits for another process that compares; the first one makes the row to wait at."""
    query = select(ServerFact).where(ServerFact.name == _TURN).with_for_update()
    if session.scalars(query).first() is None:
        session.add(ServerFact(name=_TURN, value=""))
        session.flush()


def _compare_all(session: Session, code: str, patients: Sequence[str], now: int) -> Run:
    run = Run(people=len(patients))
    new = current_facts(session, code, patients)
    _replace(session, code, patients, new)
    candidates, run.crowded = _candidates(session, new)
    known = facts_of(session, {chart for found in candidates.values() for chart in found})
    alike: dict[tuple[Chart, Chart], Likeness] = {}
    for facts in new:
        own = (facts.facility_code, facts.patient_id)
        for chart in candidates.get(own, ()):
            run.comparisons += 1
            likeness = compare(facts, known[chart])
            if likeness:
                first, second = sorted((own, chart))
                alike[first, second] = likeness
    run.proposals = _propose(session, {(code, patient) for patient in patients}, alike, now)
    return run


def current_facts(session: Session, code: str, patients: Sequence[str]) -> list[Facts]:
    """Of the charts as they stand now."""
    found = []
    for row in read_current(session, code, "Patient", patients):
        facts = read_facts(code, row.resource_id, wire.reread(row.content.encode()))
        if facts:
            found.append(facts)
    return found


def _replace(session: Session, code: str, patients: Sequence[str], new: Sequence[Facts]) -> None:
    """The extract and the keys of these people, made anew."""
    for some in portions(patients):
        for model in (PersonKey, Person):
            session.execute(
                delete(model).where(model.facility_code == code, model.patient_id.in_(some))
            )
    people: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for facts in new:
        own = {"facility_code": code, "patient_id": facts.patient_id}
        people.append(
            own
            | {
                "name": facts.name,
                "birth": facts.birth,
                "sex": facts.sex,
                "national_id": facts.national_id,
                "old_national_id": facts.old_national_id,
                "cards": " ".join(facts.cards),
                "village": facts.village,
                "commune": facts.commune,
            }
        )
        keys += [own | {"key": key} for key in sorted(keys_of(facts))]
    if people:
        session.execute(insert(Person), people)
    if keys:
        session.execute(insert(PersonKey), keys)
    session.flush()


def _candidates(session: Session, new: Sequence[Facts]) -> tuple[dict[Chart, set[Chart]], int]:
    """For each chart those of other facilities that share a key, and how many keys are crowded."""
    wanted: dict[str, list[Chart]] = defaultdict(list)
    for facts in new:
        for key in keys_of(facts):
            wanted[key].append((facts.facility_code, facts.patient_id))
    sharing: dict[str, list[Chart]] = defaultdict(list)
    for some in portions(sorted(wanted)):
        rows = session.execute(
            select(PersonKey.key, PersonKey.facility_code, PersonKey.patient_id).where(
                PersonKey.key.in_(some)
            )
        )
        for key, facility, patient in rows:
            sharing[key].append((facility, patient))
    found: dict[Chart, set[Chart]] = defaultdict(set)
    crowded = 0
    for key, charts in sharing.items():
        if len(charts) > _MOST_SHARING:
            crowded += 1
            continue
        for own in wanted[key]:
            found[own] |= {chart for chart in charts if chart[0] != own[0]}
    return found, crowded


def facts_of(session: Session, charts: Iterable[Chart]) -> dict[Chart, Facts]:
    """As they were last extracted."""
    found = {}
    for some in portions(sorted(charts)):
        for row in session.scalars(
            select(Person).where(tuple_(Person.facility_code, Person.patient_id).in_(some))
        ):
            found[row.facility_code, row.patient_id] = Facts(
                facility_code=row.facility_code,
                patient_id=row.patient_id,
                name=row.name,
                birth=row.birth,
                sex=row.sex,
                national_id=row.national_id,
                old_national_id=row.old_national_id,
                cards=tuple(row.cards.split()),
                village=row.village,
                commune=row.commune,
            )
    return found


def _propose(
    session: Session,
    compared: set[Chart],
    alike: dict[tuple[Chart, Chart], Likeness],
    now: int,
) -> int:
    """Writes what is new or different; a likeness that is gone is taken back."""
    known = _proposals_about(session, compared)
    new = []
    changed = 0
    for pair, likeness in alike.items():
        reasons = "\n".join(likeness.reasons)
        row = known.pop(pair, None)
        if row is None:
            (facility, patient), (other_facility, other_patient) = pair
            new.append(
                {
                    "facility_code": facility,
                    "patient_id": patient,
                    "other_facility_code": other_facility,
                    "other_patient_id": other_patient,
                    "strength": likeness.strength,
                    "reasons": reasons,
                    "made_at": now,
                    "verdict": "",
                }
            )
        elif (row.strength, row.reasons) != (likeness.strength, reasons):
            row.strength, row.reasons, row.made_at = likeness.strength, reasons, now
            changed += 1
    for row in known.values():
        row.strength = ""
    if new:
        session.execute(insert(Proposal), new)
    session.flush()
    return len(new) + changed


def _proposals_about(session: Session, charts: set[Chart]) -> dict[tuple[Chart, Chart], Proposal]:
    found = {}
    for some in portions(sorted(charts)):
        rows = session.scalars(
            select(Proposal).where(
                or_(
                    tuple_(Proposal.facility_code, Proposal.patient_id).in_(some),
                    tuple_(Proposal.other_facility_code, Proposal.other_patient_id).in_(some),
                )
            )
        )
        for row in rows:
            first = (row.facility_code, row.patient_id)
            found[first, (row.other_facility_code, row.other_patient_id)] = row
    return found
