"""From a refused joining of two charts to these two charts, opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.ui.models import routes
from station_emr.ui.screens.conflicts import ConflictsScreen
from station_emr.ui.screens.sync.jump import place_of
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sync_page import REFUSED

__all__ = ["answers"]


@pytest.fixture
def joined(station):
    """The link of two charts, the ids of both (the one that stays first)."""
    services, actor = station.services, station.nurse
    stays = station.register(full_name="Người Mẫu Một", phone="0900000001")
    goes = station.register(full_name="Người Mẫu Hai", phone="0900000002")
    for number in (3, 4):  # others that may be one person, so that the list is not empty
        station.register(full_name="Người Mẫu Ba", phone=f"090000000{number}")
    seen = services.duplicates.compare(actor, stays.id, goes.id)
    services.duplicates.merge(
        actor, stays.id, goes.id, {}, reason="Mẫu", expected_version=seen.survivor_version
    )
    [row] = services.duplicates.joined(actor)
    return row.link_id, stays.id, goes.id


def opened(qtbot, session, link_id: str) -> ScreenDriver:
    item = replace(REFUSED, kind=RecordKind.LINK, record_id=link_id)
    place = place_of(item, lambda _action: True)
    assert place == (routes.CONFLICTS, routes.LinkRoute(link_id))
    services = session.services
    page = ScreenDriver(qtbot, ConflictsScreen(session, services.conflicts, services.duplicates))
    page.screen.on_enter(place[1])
    return page


def test_the_joined_pair_is_opened_and_can_be_separated(
    qtbot, session_of, station, joined, answers
) -> None:
    link_id, stays, goes = joined
    page = opened(qtbot, session_of(Role.NURSE), link_id)
    pairs = page.screen.pairs
    page.until(lambda: pairs._comparison is not None)
    assert page.screen.part is pairs
    assert (pairs._pair.stays.patient_id, pairs._pair.goes.patient_id) == (stays, goes)
    assert pairs.title.text() == "Người Mẫu Một / Người Mẫu Hai"
    assert "đã gộp" in pairs.progress.text()
    for name in ("pairs.merge", "pairs.dismiss", "pairs.turn"):
        assert not page.find(name).isVisible()
    page.sweep()

    answers.next = ["Gộp nhầm"]
    page.press_button("pairs.apart")
    page.until_said("Đã tách lại hai hồ sơ.")
    assert station.services.duplicates.joined(station.nurse) == ()
    page.until(lambda: page.find("pairs.merge").isVisible() and pairs._comparison is not None)
    assert not page.find("pairs.apart").isVisible()
    assert pairs._pair.key == {stays, goes}  # and may be joined anew


def test_a_refused_separation_opens_the_pair_too(qtbot, session_of, station, joined) -> None:
    link_id, stays, goes = joined
    station.services.duplicates.undo(station.nurse, link_id, reason="Mẫu")
    page = opened(qtbot, session_of(Role.NURSE), link_id)
    pairs = page.screen.pairs
    page.until(lambda: pairs._comparison is not None)
    assert pairs._pair.key == {stays, goes}
    assert page.find("pairs.merge").isVisible()
    assert not page.find("pairs.apart").isVisible()


def test_whoever_comes_another_way_sees_the_proposals_alone(qtbot, session_of, joined) -> None:
    link_id, stays, goes = joined
    page = opened(qtbot, session_of(Role.NURSE), link_id)
    pairs = page.screen.pairs
    page.until(lambda: pairs._comparison is not None)
    page.screen.on_enter(routes.PAIRS)
    page.until(lambda: pairs._pair is not None and pairs._pair.key != {stays, goes})
    assert not page.find("pairs.apart").isVisible()
    assert page.find("pairs.merge").isVisible()


def test_whoever_comes_back_finds_the_pair_in_front_as_it_was(qtbot, session_of, joined) -> None:
    """The list has not changed meanwhile, so it does not say again which row is chosen."""
    page = opened(qtbot, session_of(Role.NURSE), joined[0])
    pairs = page.screen.pairs
    for context in (routes.PAIRS, routes.PAIRS, routes.LinkRoute(joined[0]), routes.PAIRS):
        page.screen.on_enter(context)
        page.until(lambda: pairs._pair is not None and pairs._comparison is not None)
        assert pairs._pair.key == {
            pairs.list.current().one.patient_id,
            pairs.list.current().other.patient_id,
        }
        read: list[bool] = []
        pairs.counted.connect(lambda _count, read=read: read.append(True))
        pairs.read()
        page.until(lambda read=read: bool(read))
        assert pairs._pair is not None


def test_the_same_way_again_leads_to_the_pair_again(qtbot, session_of, joined) -> None:
    link_id, stays, goes = joined
    page = opened(qtbot, session_of(Role.NURSE), link_id)
    pairs = page.screen.pairs
    page.until(lambda: pairs._comparison is not None)
    pairs.list.choose(lambda row: {row.one.patient_id, row.other.patient_id} != {stays, goes})
    assert pairs._pair.key != {stays, goes}
    page.screen.on_enter(routes.LinkRoute(link_id))
    page.until(lambda: pairs._pair.key == {stays, goes})
    page.until(lambda: page.find("pairs.apart").isVisible())


def test_an_inspector_sees_the_joined_pair_and_changes_nothing(qtbot, session_of, joined) -> None:
    link_id, stays, goes = joined
    page = opened(qtbot, session_of(Role.INSPECTOR), link_id)
    page.until(lambda: page.screen.pairs._comparison is not None)
    assert page.screen.pairs._pair.key == {stays, goes}
    assert not page.find("pairs.apart").isVisible()
    assert not page.find("pairs.merge").isVisible()
