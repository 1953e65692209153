"""Which copies stay: never none, never less than promised, never more than the plan."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.backup_plan import KeepPlan, is_due, is_late, kept, needs_drill

VIETNAM = timezone(timedelta(hours=7))
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=VIETNAM)
ages = st.lists(st.integers(0, 1600 * 24 * 60), min_size=1, max_size=80)
plans = st.builds(
    KeepPlan, days=st.integers(1, 30), weeks=st.integers(1, 30), months=st.integers(1, 60)
)


def moments(minutes: list[int]) -> list[datetime]:
    return [NOW - timedelta(minutes=age) for age in minutes]


@given(ages, plans)
def test_the_newest_and_all_of_the_last_days_stay(minutes, plan) -> None:
    held = moments(minutes)
    staying = kept(held, NOW, plan)

    assert max(held) in staying
    assert {one for one in held if (NOW.date() - one.date()).days < plan.days} <= staying
    assert staying <= set(held)


@given(ages, plans)
def test_each_week_and_month_of_the_plan_is_represented(minutes, plan) -> None:
    held = moments(minutes)
    staying = kept(held, NOW, plan)

    def week(one: datetime) -> int:
        return one.date().toordinal() // 7

    for one in held:
        if (NOW.date() - one.date()).days < plan.weeks * 7:
            assert any(week(other) == week(one) for other in staying)
        if (NOW.year - one.year) * 12 + NOW.month - one.month < plan.months:
            assert any((o.year, o.month) == (one.year, one.month) for o in staying)


@given(ages, plans)
def test_no_more_stay_than_the_plan_says(minutes, plan) -> None:
    held = moments(minutes)
    staying = kept(held, NOW, plan)

    older = {one for one in staying if (NOW.date() - one.date()).days >= plan.days}
    assert len(older) <= plan.weeks + 2 + plan.months + 1


@given(ages, plans)
def test_thinning_twice_takes_no_more(minutes, plan) -> None:
    once = kept(moments(minutes), NOW, plan)

    assert kept(once, NOW, plan) == once


@given(ages, plans, st.data())
def test_day_by_day_thinning_keeps_a_copy_of_every_month(minutes, plan, data) -> None:
    """Thinned every day for a while, the station still has something of each month it had."""
    held = set(moments(minutes))
    first = max(held)
    for day in range(data.draw(st.integers(1, 40))):
        now = NOW + timedelta(days=day)
        held.add(now)
        held = set(kept(held, now, plan))
        assert now in held
    whole = {(o.year, o.month) for o in moments(minutes)}
    for year, month in whole:
        if (now.year - year) * 12 + now.month - month < plan.months:
            assert any((o.year, o.month) == (year, month) for o in held), first


@given(ages, plans, st.data())
def test_a_protected_copy_and_one_of_the_future_stay(minutes, plan, data) -> None:
    held = moments(minutes)
    mine = data.draw(st.sampled_from(held))
    future = NOW + timedelta(days=400)

    assert {mine, future} <= kept([*held, future], NOW, plan, {mine})


def test_a_year_of_days_leaves_what_the_plan_promises() -> None:
    year = [NOW - timedelta(days=age) for age in range(3 * 366)]

    staying = kept(year, NOW)

    assert len([one for one in staying if (NOW - one).days < 7]) == 7
    assert 45 <= len(staying) <= 7 + 14 + 37
    assert kept([], NOW) == frozenset()


def test_a_span_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        KeepPlan(days=0)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (NOW - timedelta(hours=7), False),
        (NOW - timedelta(hours=9), True),  # yesterday evening
        (NOW + timedelta(days=3), True),  # the clock was set back
    ],
)
def test_once_a_day(last, due) -> None:
    assert is_due(last, NOW) is due


def test_two_days_are_late_and_ninety_need_a_drill() -> None:
    assert is_late(None, NOW)
    assert is_late(NOW - timedelta(days=2), NOW)
    assert is_late(NOW + timedelta(minutes=1), NOW)
    assert not is_late(NOW - timedelta(days=1, hours=23), NOW)
    assert needs_drill(None, NOW)
    assert needs_drill(NOW - timedelta(days=90), NOW)
    assert not needs_drill(NOW - timedelta(days=89), NOW)


def test_the_only_copy_stays_however_old() -> None:
    old = [NOW - timedelta(days=4000), NOW - timedelta(days=5000)]

    assert kept(old, NOW) == {old[0]}
