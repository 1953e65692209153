"""The evidence of what could not be sent: all of it, by what was wrong, with no impossible clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from station_emr.domain.outages import OutageKind, line_history
from station_emr.ui.screens.sync.evidence import Evidence, as_csv
from station_emr.ui.screens.sync.wording import sentence, waited, waiting_since
from tests.services.conftest import MORNING
from tests.ui.sync_page import QUIET, REFUSED, Page, run

LONG = 230  # hours: more runs than the list of runs shows
DEAD_BATTERY = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def away(station):
    """A first run that was whole, then none; one of these with a dead battery's clock."""
    dead = replace(run(0, "offline"), started_at=DEAD_BATTERY, ended_at=DEAD_BATTERY)
    with station.store.write() as work:
        work.outbox.add_run(run(0, "complete"))
        work.outbox.add_run(dead)
        for hour in range(1, LONG):
            work.outbox.add_run(run(hour, "offline"))


def test_an_outage_is_listed_whole_however_many_runs_it_has(qtbot, session_of, away) -> None:
    page = Page(qtbot, session_of())
    screen = page.screen
    page.press_button("sync.tab.3")

    (one,) = screen.outages.rows
    assert len(screen.runs.rows) < LONG
    assert (one.started, one.ended) == (MORNING + timedelta(hours=1), None)
    assert (one.tries, one.at_least) == (LONG, True)
    assert "Mất mạng" in screen.outages.as_text(only_chosen=False)
    page.sweep()


def test_a_run_that_ended_it_is_seen_at_the_next_look(qtbot, session_of, station, away) -> None:
    page = Page(qtbot, session_of())
    with station.store.write() as work:
        work.outbox.add_run(run(LONG, "refused"))

    page.screen._timer.timeout.emit()

    page.until(lambda: len(page.screen.outages.rows) == 2)
    refused, before = page.screen.outages.rows
    assert refused.kind is OutageKind.REFUSED
    assert before.ended == MORNING + timedelta(hours=LONG)


def test_the_evidence_tells_kinds_apart_and_names_clocks_that_were_wrong(station, away) -> None:
    with station.store.write() as work:
        work.outbox.add_run(run(LONG, "refused"))
        profile = work.settings.station()
        line = line_history(work.outbox.line_runs())
    evidence = Evidence(
        station=profile,
        outages=line.outages,
        first=line.since,
        now=MORNING + timedelta(hours=LONG + 1),
        odd_clocks=line.odd_clocks,
        timeless=line.timeless,
    )

    rows = as_csv(evidence).decode("utf-8-sig").splitlines()

    assert "Số lần mất kết nối,1" in rows
    assert "Số lần máy chủ từ chối,1" in rows
    assert rows[-2].startswith("09:00 20/11/2026,22:00 29/11/2026,Mất mạng,ít nhất 9 ngày,")
    assert rows[-1].endswith("chưa hết,Máy chủ từ chối,1 giờ,60,1")
    assert any("1 lần thử ghi lúc đồng hồ máy sai" in row for row in rows)
    assert "2000" not in "".join(rows)


def test_a_machine_whose_clock_was_right_says_nothing_of_clocks(station) -> None:
    with station.store.read() as work:
        profile = work.settings.station()
    evidence = Evidence(station=profile, outages=(), first=None, now=MORNING)
    assert "Đồng hồ" not in as_csv(evidence).decode()


@pytest.mark.parametrize(
    ("oldest", "words"),
    [
        (MORNING - timedelta(days=3), "lâu nhất 3 ngày (chưa kể mục ghi lúc đồng hồ máy sai)."),
        (None, "ghi lúc đồng hồ máy sai nên không rõ đã chờ bao lâu."),
    ],
)
def test_a_dead_battery_has_not_let_anything_wait_for_years(oldest, words) -> None:
    status = replace(QUIET, waiting=14, oldest_waiting_at=oldest, undated=True)
    assert f"14 mục chờ gửi, {words}" in sentence(status, MORNING)
    item = replace(REFUSED, created_at=DEAD_BATTERY)
    assert (waiting_since(item, MORNING), waited(item, MORNING)) == ("giờ máy sai", "không rõ")
    assert waited(replace(REFUSED, created_at=MORNING), MORNING) == "dưới 1 phút"


def test_a_whole_sync_under_a_wrong_clock_is_told_without_its_time() -> None:
    text = sentence(replace(QUIET, last_complete_at=DEAD_BATTERY), MORNING)
    assert "gần nhất: không rõ giờ vì đồng hồ máy khi đó sai" in text
    assert "2000" not in text
