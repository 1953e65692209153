"""No screen of the day reads a whole table, however many years the station has worked."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from station_emr.db.store import EncryptedStore
from station_emr.db.work import SqlWork
from station_emr.domain.record import RecordKind

from .records import TODAY, record_id

BIG = (
    "operation",
    "link",
    "feedback",
    "patient_number",
    "patient",
    "encounter",
    "prescription",
    "referral",
    "appointment",
    "record_version",
)
QUESTIONS = {
    "queue": lambda work: work.encounters.queue(TODAY),
    "timeline": lambda work: work.encounters.timeline(record_id(1), 20),
    "vitals": lambda work: work.encounters.vitals_of(record_id(1), 20),
    "open visit": lambda work: work.encounters.open_of(record_id(1), TODAY),
    "search": lambda work: work.patients.search("ro cham", 20),
    "number": lambda work: work.patients.by_number("064190000001"),
    "namesakes": lambda work: work.patients.same_birth_year(1990, "hbe", 20),
    "patient": lambda work: work.patients.get(record_id(1)),
    "history": lambda work: work.encounters.versions(record_id(101)),
    "paper": lambda work: work.prescriptions.of_encounter(record_id(101)),
    "current drugs": lambda work: work.prescriptions.signed_of(record_id(1), TODAY),
    "letters": lambda work: work.referrals.rows(20),
    "answer": lambda work: work.feedback.of_referral(record_id(301)),
    "new answers": lambda work: work.feedback.unread(),
    "audit": lambda work: work.audit.rows(50),
    "conflicts": lambda work: work.operations.conflicts(),
    "lineage": lambda work: work.encounters.lineage(record_id(101)),
    "sealed": lambda work: work.operations.op_id_of(RecordKind.PATIENT, record_id(1), 1),
    "known": lambda work: work.operations.knows(["0" * 32]),
    "held": lambda work: work.operations.holds_record(RecordKind.PATIENT, record_id(1)),
    "listed": lambda work: work.operations.listed(7),
    "wanted": lambda work: work.operations.wanted(9),
    "unsent": lambda work: work.outbox.operations(9, TODAY),
    "number taken": lambda work: work.outbox.last_number(),
    "group": lambda work: work.links.group_of(record_id(1)),
    "arrivals": lambda work: work.patients.written_between(0, 99, 9),
    "copies": lambda work: work.prints.copies("referral", record_id(301), 1),
}


def plans(work: SqlWork, question) -> dict[str, list[str]]:
    asked: list[tuple[str, object]] = []

    def note(_conn, _cursor, statement, parameters, _context, _many) -> None:
        asked.append((statement, parameters))

    engine = work._connection.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        question(work)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    raw = work._connection.connection.driver_connection
    return {
        statement: [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        for statement, parameters in asked
    }


def walks(steps: list[str]) -> list[str]:
    """Steps that read a big table, or an index of it, from end to end without need."""
    whole = re.compile(
        r"^SCAN (\w+)(?! USING (?:COVERING )?INDEX (?:referral_written|patient_last|version_open|feedback_unread))"
    )
    aliases = {*BIG, "e", "p", "rx", "r", "a", "x", "b", "v", "w", "k", "h", "i", "l", "f"}
    return [step for step in steps if (found := whole.match(step)) and found[1] in aliases]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_of_the_day_walks_no_table(full_store: EncryptedStore, name: str) -> None:
    with full_store.read() as work:
        found = plans(work, QUESTIONS[name])

    assert found
    # The rows of the queue come from a small subquery over the day's index.
    assert {
        statement: walked
        for statement, steps in found.items()
        if (walked := [step for step in walks(steps) if step != "SCAN e"])
    } == {}


def test_the_sweep_sees_a_walk() -> None:
    assert walks(["SCAN encounter", "SEARCH p USING INDEX x", "SCAN p USING INDEX y"]) == [
        "SCAN encounter",
        "SCAN p USING INDEX y",
    ]
    assert walks(["SCAN r USING INDEX referral_written"]) == []
