"""Doses, times and dates as hurried hands type them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from station_emr.ui.screens.encounter.typed import (
    Times,
    follow_up_words,
    parse_follow_up,
    parse_number,
    parse_times,
    parse_whole,
    show_times,
)

TODAY = date(2026, 11, 20)  # a Friday


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2", "2"),
        ("0,5", "0.5"),
        ("1.5", "1.5"),
        ("1/2", "0.5"),
        ("½", "0.5"),
        ("1½", "1.5"),
        ("1 1/2", "1.5"),
        ("2 viên", "2"),
        ("½ viên", "0.5"),
    ],
)
def test_a_dose_is_read(typed: str, read: str) -> None:
    assert parse_number(typed) == Decimal(read)


@pytest.mark.parametrize("typed", ["", "viên", "1/0", "1//2", "-1"])
def test_a_dose_that_says_nothing_is_refused(typed: str) -> None:
    assert parse_number(typed) is None


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("3", Times(3)),
        ("2 lần", Times(2)),
        ("sáng tối", Times(2)),
        ("st", Times(2)),
        ("s tr", Times(2, ("sáng", "trưa"))),
        ("tối", Times(1, ("tối",))),
        ("2 (sáng, trưa)", Times(2, ("sáng", "trưa"))),
        ("s tr c t", Times(4)),
    ],
)
def test_times_a_day_are_a_number_or_moments(typed: str, read: Times) -> None:
    assert parse_times(typed) == read


@pytest.mark.parametrize("typed", ["", "hai", "3 sáng tối", "x"])
def test_times_that_contradict_themselves_are_refused(typed: str) -> None:
    assert parse_times(typed) is None


@pytest.mark.parametrize("times", [Times(1), Times(2, ("sáng", "trưa")), Times(3), Times(5)])
def test_times_shown_are_read_back(times: Times) -> None:
    assert parse_times(show_times(times)) == times


@pytest.mark.parametrize(
    ("typed", "on"),
    [
        ("18/12", date(2026, 12, 18)),
        ("18/12/26", date(2026, 12, 18)),
        ("18-12-2026", date(2026, 12, 18)),
        ("181226", date(2026, 12, 18)),
        ("5/1", date(2027, 1, 5)),
        ("+14", date(2026, 12, 4)),
        ("14 ngày", date(2026, 12, 4)),
        ("2 tuần", date(2026, 12, 4)),
        ("1 tháng", date(2026, 12, 18)),
    ],
)
def test_a_follow_up_is_a_date_or_a_span(typed: str, on: date) -> None:
    assert parse_follow_up(typed, TODAY) == on


@pytest.mark.parametrize("typed", ["", "31/2", "mai", "99/99"])
def test_a_follow_up_that_is_no_date_is_refused(typed: str) -> None:
    assert parse_follow_up(typed, TODAY) is None


def test_small_words() -> None:
    assert parse_whole("30 ngày") == 30
    assert parse_whole("x") is None
    assert follow_up_words(date(2026, 12, 18), TODAY) == "thứ Sáu, sau 28 ngày"
