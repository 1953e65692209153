"""When nothing could be sent, from runs in the order of their numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from station_emr.domain.outages import LineRun, OutageKind, line_history

BEGIN = datetime(2026, 11, 20, 8, tzinfo=UTC)
DEAD_BATTERY = datetime(2000, 1, 1, tzinfo=UTC)


def at(hour: float) -> datetime:
    return BEGIN + timedelta(hours=hour)


def runs(*outcomes: str) -> list[LineRun]:
    return [LineRun(at(hour), outcome) for hour, outcome in enumerate(outcomes)]


def told(found: list[LineRun]) -> list[tuple[str, float, float | None, int]]:
    """Kind, hours of begin and end, and tries, oldest first."""
    return [
        (
            one.kind.value,
            (one.started - BEGIN) / timedelta(hours=1),
            None if one.ended is None else (one.ended - BEGIN) / timedelta(hours=1),
            one.tries,
        )
        for one in reversed(line_history(found).outages)
    ]


@pytest.mark.parametrize(
    ("outcomes", "outages"),
    [
        ("", []),
        ("complete partial", []),
        ("complete offline offline partial", [("away", 1, 3, 2)]),
        ("offline", [("away", 0, None, 1)]),
        ("offline elsewhere offline", [("away", 0, None, 2)]),
        ("offline waiting offline complete", [("away", 0, 3, 2)]),
        ("offline waiting waiting", [("away", 0, None, 1)]),
        ("complete waiting offline", [("away", 2, None, 1)]),
        ("waiting offline", [("away", 1, None, 1)]),
        ("complete waiting", []),
        ("offline refused refused complete", [("away", 0, 1, 1), ("refused", 1, 3, 2)]),
        (
            "offline refused offline",
            [("away", 0, 1, 1), ("refused", 1, 2, 1), ("away", 2, None, 1)],
        ),
    ],
)
def test_only_what_tried_the_line_begins_and_ends_an_outage(outcomes, outages) -> None:
    assert told(runs(*outcomes.split())) == outages


def test_a_run_that_rested_after_an_answer_had_reached_the_province() -> None:
    found = runs("offline", "offline", "offline")
    found[1] = LineRun(at(1), "waiting", answered=True)

    assert told(found) == [("away", 0, 1, 1), ("away", 2, None, 1)]


def test_a_dead_battery_is_not_an_outage_of_many_years() -> None:
    found = runs("complete", "offline", "offline", "offline", "complete")
    found[1] = LineRun(DEAD_BATTERY, "offline")

    history = line_history(found)

    (one,) = history.outages
    assert (one.started, one.ended, one.tries, one.at_least) == (at(2), at(4), 3, True)
    assert (history.since, history.odd_clocks, history.timeless) == (at(0), 1, 0)


def test_the_number_and_not_the_clock_says_what_came_after_what() -> None:
    found = runs("offline", "offline", "complete", "offline")
    found[2] = LineRun(DEAD_BATTERY, "complete")

    last, first = line_history(found).outages

    assert (first.started, first.ended, first.at_least) == (at(0), at(1), True)
    assert (last.started, last.ended, last.at_least) == (at(3), None, False)


def test_an_outage_without_any_right_time_is_counted_and_not_listed() -> None:
    found = [
        LineRun(at(0), "complete"),
        LineRun(DEAD_BATTERY, "offline"),
        LineRun(DEAD_BATTERY + timedelta(hours=1), "offline"),
        LineRun(at(3), "complete"),
    ]

    history = line_history(found)

    assert history.outages == ()
    assert (history.odd_clocks, history.timeless) == (2, 1)


@pytest.mark.parametrize("wrong", [timedelta(days=3650), timedelta(days=-100)])
def test_a_clock_that_ran_ahead_or_behind_spoils_only_its_own_runs(wrong: timedelta) -> None:
    found = runs("complete", "offline", "offline", "offline", "complete", "offline", "complete")
    found[1] = LineRun(at(1) + wrong, "offline")

    history = line_history(found)

    assert told(found) == [("away", 2, 4, 3), ("away", 5, 6, 1)]
    assert [one.at_least for one in history.outages] == [False, True]
    assert history.odd_clocks == 1
    assert {one.kind for one in history.outages} == {OutageKind.AWAY}


def test_a_year_of_a_station_without_a_line_is_one_outage() -> None:
    quarters = [LineRun(BEGIN + timedelta(minutes=15 * n), "offline") for n in range(35_000)]
    quarters[17_000] = LineRun(DEAD_BATTERY, "offline")

    history = line_history([LineRun(BEGIN, "complete"), *quarters])

    (one,) = history.outages
    assert (one.started, one.tries, one.at_least) == (BEGIN, 35_000, False)
    assert history.odd_clocks == 1
