"""Months, quarters and years by Vietnamese time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.errors import InvalidRecord
from station_emr.domain.period import ZONE, Period, PeriodKind

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.sampled_from(PeriodKind))
def test_every_moment_is_in_one_period(moment, kind) -> None:
    held = Period.at(moment, kind)

    assert held.holds(moment)
    assert not held.next.holds(moment)
    assert not held.previous.holds(moment)
    assert held.start <= moment < held.end
    assert held.next.start == held.end
    assert held.next.previous == held
    assert Period.parse(held.key) == held
    assert sum(month.holds(moment) for month in held.months) == 1
    assert held.months[0].start == held.start
    assert held.months[-1].end == held.end


@pytest.mark.parametrize(
    ("typed", "key", "label"),
    [
        ("2026-11", "2026-11", "Tháng 11/2026"),
        (" 11/2026 ", "2026-11", "Tháng 11/2026"),
        ("2026-q4", "2026-Q4", "Quý IV/2026"),
        ("Q1/2026", "2026-Q1", "Quý I/2026"),
        ("2026", "2026", "Năm 2026"),
    ],
)
def test_what_people_type(typed, key, label) -> None:
    period = Period.parse(typed)

    assert (period.key, period.label) == (key, label)


@pytest.mark.parametrize("typed", ["", "2026-13", "13/2026", "2026-Q5", "11-2026-1", "1999", "abc"])
def test_what_is_no_period(typed) -> None:
    with pytest.raises(InvalidRecord):
        Period.parse(typed)


def test_midnight_belongs_to_the_new_month() -> None:
    november = Period.parse("2026-11")

    assert november.start == datetime(2026, 11, 1, tzinfo=ZONE)
    assert november.end == datetime(2026, 12, 1, tzinfo=ZONE)
    assert november.start.astimezone(UTC).day == 31
    assert not november.holds(november.end)
    assert november.holds(november.end - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("month", "due"),
    [("2026-10", date(2026, 11, 6)), ("2026-11", date(2026, 12, 7)), ("2027-01", date(2027, 2, 5))],
)
def test_five_working_days_to_hand_in(month, due) -> None:
    assert Period.parse(month).submit_by() == due


def test_holidays_are_no_working_days() -> None:
    assert Period.parse("2026-12").submit_by() == date(2027, 1, 7)
    assert Period.parse("2026-12").submit_by({date(2027, 1, 1)}) == date(2027, 1, 8)
