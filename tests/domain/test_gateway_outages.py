"""When a gateway was away, from attempts in the order of their numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from station_emr.domain.gateway import (
    Gateway,
    GatewayAttempt,
    GatewayHistory,
    MessageKind,
    Outcome,
    gateway_history,
)

BEGIN = datetime(2026, 11, 20, 8, tzinfo=UTC)
DEAD_BATTERY = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = datetime(2031, 5, 1, tzinfo=UTC)
SHORT = timedelta(seconds=5)
WORDS = {"away": Outcome.AWAY, "ok": Outcome.ACCEPTED, "refused": Outcome.REFUSED}


def at(hour: float) -> datetime:
    return BEGIN + timedelta(hours=hour)


def attempt(
    started: datetime,
    outcome: str,
    *,
    kind: MessageKind = MessageKind.RECORD,
    lasted: timedelta = SHORT,
) -> GatewayAttempt:
    return GatewayAttempt(
        gateway=kind.gateway,
        kind=kind,
        message_id="m",
        started_at=started,
        ended_at=started + lasted,
        outcome=WORDS[outcome],
    )


def history(*oldest_first: GatewayAttempt) -> GatewayHistory:
    """As the attempts are kept: the newest number first."""
    return gateway_history(oldest_first[::-1])


def told(found: GatewayHistory) -> list[tuple[float, float | None, int, bool]]:
    """Hours of begin and end, tries, and whether it may have been longer; oldest first."""

    def hours(moment: datetime) -> float:
        return round((moment - BEGIN) / timedelta(hours=1), 1)

    return [
        (
            hours(one.started),
            None if one.ended is None else hours(one.ended),
            one.tries,
            one.at_least,
        )
        for one in reversed(found.outages)
    ]


def test_an_outage_lasts_from_the_first_miss_to_the_first_answer() -> None:
    outcomes = ["ok", "away", "away", "refused", "away"]
    found = history(*(attempt(at(hour), outcome) for hour, outcome in enumerate(outcomes)))
    assert told(found) == [(1, 3, 2, False), (4, None, 1, False)]
    assert (found.since, found.odd_clocks, found.timeless) == (BEGIN, 0, 0)


@pytest.mark.parametrize("odd", [DEAD_BATTERY, AHEAD])
def test_an_attempt_of_a_wrong_clock_keeps_its_place(odd: datetime) -> None:
    """Sorted by its clock it would stand before everything, or behind it, and end another outage."""
    found = history(
        attempt(at(0), "ok"),
        attempt(at(1), "away"),
        attempt(odd, "away"),
        attempt(at(3), "away"),
        attempt(at(4), "ok"),
    )
    assert told(found) == [(1, 4, 3, False)]
    assert found.odd_clocks == 1


def test_an_answer_of_a_dead_clock_ends_the_outage_where_it_stands() -> None:
    found = history(
        attempt(at(0), "away"),
        attempt(at(2), "away"),
        attempt(DEAD_BATTERY, "ok"),
        attempt(at(5), "away"),
    )
    assert told(found) == [(0, 2, 2, True), (5, None, 1, False)]


def test_a_beginning_without_a_time_is_said_to_be_one() -> None:
    found = history(
        attempt(at(0), "ok"),
        attempt(DEAD_BATTERY, "away"),
        attempt(at(2), "away"),
        attempt(at(3), "ok"),
        attempt(DEAD_BATTERY, "away"),
        attempt(at(5), "ok"),
    )
    assert told(found) == [(2, 3, 2, True)]
    assert (found.odd_clocks, found.timeless) == (2, 1)


def test_a_dead_clock_alone_is_the_beginning_of_nothing() -> None:
    found = history(attempt(DEAD_BATTERY, "away"), attempt(DEAD_BATTERY + SHORT, "away"))
    assert (found.outages, found.since, found.odd_clocks, found.timeless) == ((), None, 2, 1)


def test_two_that_try_side_by_side_are_no_wrong_clock() -> None:
    """A look-up of a card begins later and ends sooner than the file beside it."""
    found = history(
        attempt(at(0) + SHORT, "away", kind=MessageKind.CARD),
        attempt(at(0), "away", lasted=timedelta(seconds=30)),
        attempt(at(1) + timedelta(seconds=1), "ok"),
        attempt(at(1), "away", kind=MessageKind.PRESCRIPTION),
    )
    assert found.odd_clocks == 0
    assert [(one.gateway, one.ended is None) for one in found.outages] == [
        (Gateway.PRESCRIPTION, True),
        (Gateway.INSURANCE, False),
    ]


def test_a_clock_that_is_set_while_something_is_tried_begins_nothing_in_the_past() -> None:
    found = history(
        attempt(DEAD_BATTERY, "away", lasted=at(1) - DEAD_BATTERY), attempt(at(2), "ok")
    )
    assert told(found) == [(1, 2, 1, False)]
