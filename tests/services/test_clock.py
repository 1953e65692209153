"""A wrong clock is noticed by what is known without it; it stops signing at most, and hides nothing."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from station_emr.domain.encounter import Stage
from station_emr.domain.errors import StateError
from station_emr.services.clock import VIETNAM, SystemClock
from station_emr.services.timekeeping import (
    EARLIEST,
    clock_warning,
    keep_time,
    note_server_clock,
    note_use,
)

CMOS_DEATH = datetime(2000, 1, 1, 0, 3, tzinfo=VIETNAM)
YEARS = timedelta(days=365)
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=VIETNAM)


@pytest.fixture
def used(station):
    """A station that was in use and signed something this morning."""
    with station.store.write() as work:
        note_use(work, MORNING)
        keep_time(work, MORNING)
    return station


def _warning(station, now: datetime) -> str:
    station.clock.set(now)
    return station.services.accounts.clock_warning(station.nurse)


def test_a_right_clock_says_nothing(used) -> None:
    assert _warning(used, MORNING) == ""
    assert _warning(used, MORNING - timedelta(minutes=4)) == ""
    assert _warning(used, MORNING + timedelta(days=300)) == ""


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (CMOS_DEATH, "pin của máy đã hết"),
        (EARLIEST - timedelta(seconds=1), "trước cả ngày có chương trình"),
        (MORNING - timedelta(minutes=6), "trước lần ký gần nhất"),
        (MORNING - 3 * YEARS, "trước cả ngày có chương trình"),
        (MORNING + 3 * YEARS, "xa hơn nhiều"),
    ],
)
def test_a_wrong_clock_is_told(used, now, words) -> None:
    assert words in _warning(used, now)


def test_a_new_station_knows_the_programs_age(station) -> None:
    assert "pin của máy" in _warning(station, CMOS_DEATH)
    assert _warning(station, MORNING) == ""
    assert "xa hơn nhiều" in _warning(station, EARLIEST + 4 * YEARS)


def test_a_clock_behind_the_last_use_or_the_server_is_told_but_signs(station) -> None:
    with station.store.write() as work:
        note_use(work, MORNING)
    assert "lần dùng trước" in _warning(station, MORNING - timedelta(days=30))
    assert station.services.accounts.clock_problem() == ""

    with station.store.write() as work:
        note_server_clock(work, MORNING, timedelta(days=2))
    assert "giờ của máy chủ tỉnh" in _warning(station, MORNING)


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (timedelta(hours=3, minutes=5), "chậm hơn máy chủ tỉnh 3 giờ 5 phút"),
        (timedelta(days=-400), "nhanh hơn máy chủ tỉnh khoảng 1 năm"),
        (timedelta(days=-2), "nhanh hơn máy chủ tỉnh 2 ngày"),
        (timedelta(minutes=4), ""),
    ],
)
def test_the_difference_to_the_server_is_shown(station, skew, words) -> None:
    with station.store.write() as work:
        note_server_clock(work, MORNING, skew)
        told = clock_warning(work, MORNING + max(skew, timedelta()))
    assert words in told
    assert bool(told) is bool(words)


def test_an_odd_moment_is_not_remembered_as_known(station) -> None:
    with station.store.write() as work:
        note_use(work, MORNING)
        note_use(work, MORNING + 3 * YEARS)
    assert _warning(station, MORNING + timedelta(hours=1)) == ""
    assert "xa hơn nhiều" in _warning(station, MORNING + 3 * YEARS)


@pytest.mark.parametrize("now", [CMOS_DEATH, MORNING - 3 * YEARS, MORNING + 3 * YEARS])
def test_log_in_and_drafts_go_on_at_any_time(used, now) -> None:
    used.clock.set(now)
    actor = used.services.accounts.log_in(used.nurse.user.username, "Máy 1")
    patient = used.register()
    made = used.services.encounters.check_in(actor, patient.id, reason="ho")
    used.services.accounts.log_out(actor)

    assert len(made.items) == 1
    assert used.services.accounts.verify_audit(used.director) is None


def test_signing_waits_for_the_clock_and_a_person_may_confirm_it(used) -> None:
    used.clock.set(CMOS_DEATH)
    with used.store.write() as work, pytest.raises(StateError, match="Chưa ký được"):
        keep_time(work, used.clock.now())
    with pytest.raises(StateError):  # nobody can confirm a time before the program
        used.services.accounts.accept_clock(used.director)

    used.clock.set(MORNING - timedelta(days=20))
    used.services.accounts.accept_clock(used.director)
    assert used.services.accounts.clock_warning(used.nurse) == ""
    with used.store.write() as work:
        keep_time(work, used.clock.now())


def test_a_confirmed_future_is_right_from_then_on(used) -> None:
    assert _warning(used, MORNING + 3 * YEARS) != ""
    used.services.accounts.accept_clock(used.director)
    assert _warning(used, MORNING + 3 * YEARS) == ""


@pytest.mark.parametrize("wrong", [CMOS_DEATH, MORNING + 3 * YEARS])
def test_a_jump_during_the_day_hides_nobody_in_the_queue(used, wrong) -> None:
    services = used.services
    used.clock.set(MORNING)
    before = services.encounters.check_in(used.nurse, used.register().id, reason="ho").items[0]
    used.clock.set(wrong)
    during = services.encounters.check_in(used.nurse, used.register().id, reason="sốt").items[0]
    both = {before.record_id, during.record_id}
    assert {row.encounter_id for row in services.encounters.queue(used.nurse)} == both

    used.clock.set(MORNING + timedelta(hours=1))
    rows = services.encounters.queue(used.nurse)

    assert {row.encounter_id for row in rows} == both
    assert {row.stage for row in rows} == {Stage.WAITING}


@pytest.mark.parametrize("wrong", [CMOS_DEATH, MORNING + 3 * YEARS])
def test_what_waits_keeps_the_order_of_writing(used, wrong) -> None:
    with used.store.write() as work:
        for item in work.outbox.waiting(100):
            work.outbox.acknowledge(item, {}, MORNING)
    used.clock.set(MORNING)
    first = used.register()
    used.clock.set(wrong)
    second = used.register()
    used.clock.set(MORNING + timedelta(hours=1))
    third = used.register()

    with used.store.read() as work:
        waiting = [item.record_id for item in work.outbox.waiting(100)]
    assert [one for one in waiting if one in {first.id, second.id, third.id}] == [
        first.id,
        second.id,
        third.id,
    ]


def test_ids_follow_one_another_over_a_jump(monkeypatch) -> None:
    clock = SystemClock()
    now = {"ns": time.time_ns()}
    monkeypatch.setattr(time, "time_ns", lambda: now["ns"])
    made = [clock.new_id() for _ in range(200)]
    now["ns"] = 946_684_800 * 10**9  # 2000
    made += [clock.new_id() for _ in range(200)]
    now["ns"] += 3 * 365 * 86_400 * 10**9
    made += [clock.new_id() for _ in range(200)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)
