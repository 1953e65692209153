"""A file of another facility by keys: looked at, taken over, seen with the person."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.permissions import Role
from station_emr.ui.models import routes
from station_emr.ui.screens.foreign_visits import ForeignVisitsScreen
from station_emr.ui.screens.patients import PatientsScreen
from tests.services.claim_samples import billed, elsewhere
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


class Desk(ScreenDriver):
    def __init__(self, qtbot, station, session) -> None:
        self.station, self.session = station, session
        super().__init__(qtbot, ForeignVisitsScreen(session))

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    def read(self, path: Path) -> None:
        self.screen.on_enter(None)
        self.screen.read_file(path)
        self.rest()


@pytest.fixture
def files(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.NURSE))


@pytest.fixture
def encounter(station):
    return billed(station)


@pytest.fixture
def path(station, encounter, tmp_path: Path) -> Path:
    made = tmp_path / "noi-khac.xml"
    made.write_bytes(elsewhere(station, encounter))
    return made


def test_a_file_is_shown_before_anything_is_taken(files, path, encounter) -> None:
    assert not files.screen.take.isEnabled()
    files.read(path)
    (row,) = files.screen.visits.rows
    assert row.visit.patient_id == encounter.patient_id
    assert files.screen.take.isEnabled()
    assert not files.screen._below.isVisible()
    files.sweep()


def test_what_is_taken_is_seen_with_the_person_and_apart(
    files, path, encounter, station, qtbot
) -> None:
    files.read(path)
    files.shortcut(Qt.Key.Key_S)
    files.rest()
    assert "Đã nhận 1 lượt khám" in files.screen.banner.message.text
    assert files.screen.visits.rows == ()
    page = PatientsScreen(files.session)
    qtbot.addWidget(page)
    page.resize(1178, 682)
    page.show()
    page.on_enter(routes.PatientRoute(encounter.patient_id))
    files.rest()
    assert len(page.timeline.foreign.cards) == 1
    assert page.timeline.foreign.isVisible()
    assert len(page.timeline.cards) == 1  # our own visit, as before


def test_a_person_without_such_visits_shows_no_heading(files, encounter, qtbot) -> None:
    page = PatientsScreen(files.session)
    qtbot.addWidget(page)
    page.show()
    page.on_enter(routes.PatientRoute(encounter.patient_id))
    files.rest()
    assert not page.timeline.foreign.isVisible()


def test_a_hostile_file_shows_what_is_wrong_and_nothing_to_take(files, tmp_path: Path) -> None:
    path = tmp_path / "la.xml"
    path.write_bytes(b"<!DOCTYPE a []><GIAMDINHHS/>")
    files.read(path)
    assert "Không nhận được tệp này" in files.screen.banner.message.text
    assert [one.rule for one in files.screen.findings.rows] == ["read-hostile"]
    assert not files.screen.take.isEnabled()


def test_a_file_that_is_gone_says_so(files, tmp_path: Path) -> None:
    files.read(tmp_path / "mất.xml")
    assert "Không đọc được tệp" in files.screen.banner.message.text


def test_enter_on_a_visit_opens_the_person(files, path, encounter) -> None:
    files.read(path)
    gone = []
    files.screen.navigate.connect(lambda key, route: gone.append((key, route)))
    files.screen.visits.setFocus()
    files.key(Qt.Key.Key_Return)
    assert gone == [(routes.PATIENTS, routes.PatientRoute(encounter.patient_id))]
