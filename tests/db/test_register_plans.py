"""A register of one month reads that month, however many years the station has worked."""

from __future__ import annotations

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.period import Period

from .records import TODAY, record_id
from .test_plans import plans, walks

MONTH = Period.of(TODAY)
QUESTIONS = {
    "lines": lambda work: work.registers.lines(MONTH.start, MONTH.end),
    "unsigned": lambda work: work.registers.unsigned(MONTH.start, MONTH.end),
    "marks": lambda work: work.registers.marks(MONTH.start, MONTH.end),
    "written": lambda work: work.registers.written([record_id(101)]),
    "letters": lambda work: work.registers.tracks(MONTH.start, MONTH.end),
    "told": lambda work: work.registers.reported([record_id(101)]),
    "closings": lambda work: work.registers.closings(MONTH.key, MONTH.key),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_month_is_read_by_its_days(store: EncryptedStore, name: str) -> None:
    with store.read() as work:
        found = plans(work, QUESTIONS[name])

    assert found
    for statement, steps in found.items():
        assert walks(steps) == [], statement
        # Every version of a kind is as good as the whole table.
        assert [step for step in steps if step.endswith("(kind=?)")] == [], statement
