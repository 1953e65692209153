"""A draft that another PC's record displaced: read, copied and put away by keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from station_emr.db.codec import encode, offset_of, utc_text
from station_emr.db.repositories.replicas import _DISPLACE
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.ui.models import routes
from station_emr.ui.screens.conflicts import ConflictsScreen
from tests.ui.conflict_desks import Desk, Pairs, pair, three_conflicts
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


@pytest.fixture
def displaced(station):
    """As :func:`station_emr.db.repositories.replicas.keep_displaced` leaves it."""
    person = station.register(full_name="Người Mẫu Một")
    services = station.services
    visit = services.encounters.check_in(station.nurse, person.id, "Ho")
    visit_id = visit.id_of(RecordKind.ENCOUNTER)
    typed = services.encounters.get(station.nurse, visit_id).record
    at = station.clock.now()
    with station.store.write() as work:
        work._connection.execute(
            _DISPLACE,
            {
                "key": f"displaced/encounter/{visit_id}",
                "content": encode(replace(typed, advice="Uống nhiều nước")),
                "utc": utc_text(at),
                "offset": offset_of(at),
            },
        )


def test_a_displaced_draft_is_read_copied_and_put_away(
    qtbot, session_of, station, displaced, answers
) -> None:
    page = ScreenDriver(qtbot, ConflictsScreen(session_of(Role.NURSE), Desk(), Pairs()))
    page.screen.on_enter()
    tab = page.find("conflicts.tab.2")
    page.until(lambda: tab.text() == "Đã quyết định gần đây (1)")
    section = page.screen.done.displaced
    page.until(section.isVisible)
    page.sweep()

    words = page.focus("displaced.text.0")
    assert "Lời dặn: Uống nhiều nước" in words.toPlainText()
    assert "Người Mẫu Một" in words.accessibleName()
    page.shortcut(Qt.Key.Key_A)
    page.shortcut(Qt.Key.Key_C)
    assert "Lý do đến khám: Ho" in QGuiApplication.clipboard().text()

    answers.next = [False, True]
    page.press_button("displaced.drop.0")
    assert station.services.drafts.count_displaced() == 1
    page.press_button("displaced.drop.0")
    page.until_said("Đã bỏ bản nháp")
    page.until(lambda: not section.isVisible() and tab.text() == "Đã quyết định gần đây")
    assert answers.asked == ["Bỏ bản nháp này?"] * 2
    assert station.services.drafts.count_displaced() == 0


def test_an_inspector_only_reads_it(qtbot, session_of, displaced) -> None:
    page = ScreenDriver(qtbot, ConflictsScreen(session_of(Role.INSPECTOR), Desk(), Pairs()))
    page.screen.on_enter()
    page.until(page.screen.done.displaced.isVisible)
    assert page.find("displaced.text.0").isVisible()
    assert page.screen.findChild(object, "displaced.drop.0") is None


def entered(qtbot, session_of, desk=None, pairs=None, route=None) -> ScreenDriver:
    screen = ConflictsScreen(session_of(Role.NURSE), desk or Desk(), pairs or Pairs())
    page = ScreenDriver(qtbot, screen)
    page.screen.on_enter(route)
    return page


def test_the_desk_opens_where_something_waits(qtbot, session_of, displaced) -> None:
    page = entered(qtbot, session_of)
    page.until(lambda: page.screen.part is page.screen.done)
    page.until(page.screen.done.displaced.isVisible)


def test_open_fields_come_before_a_displaced_draft(qtbot, session_of, displaced) -> None:
    page = entered(qtbot, session_of, Desk(three_conflicts()), Pairs([pair()]))
    page.until(lambda: len(page.screen._waits) == 3)
    assert page.screen.part is page.screen.open


def test_people_registered_twice_are_shown_when_nothing_else_waits(qtbot, session_of) -> None:
    page = entered(qtbot, session_of, pairs=Pairs([pair()]))
    page.until(lambda: page.screen.part is page.screen.pairs)


def test_a_part_that_was_asked_for_stays_in_front(qtbot, session_of, displaced) -> None:
    page = entered(qtbot, session_of, route=routes.PAIRS)
    page.until(lambda: len(page.screen._waits) == 3)
    assert page.screen.part is page.screen.pairs


def test_nothing_jumps_once_the_desk_was_found_empty(qtbot, session_of) -> None:
    pairs = Pairs()
    page = entered(qtbot, session_of, pairs=pairs)
    page.until(lambda: len(page.screen._waits) == 3)
    pairs.open.append(pair())
    page.screen.pairs.read()
    page.until(lambda: page.screen._waits["pairs"] == 1)
    assert page.screen.part is page.screen.open
