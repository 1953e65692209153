"""A real conflict between two real databases: seen on the chart, decided at the desk, gone."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.domain.patient import Allergy
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.ui.models import routes
from station_emr.ui.screens.conflicts import ConflictsScreen
from station_emr.ui.screens.encounter import EncounterScreen
from station_emr.ui.screens.patients import PatientsScreen
from tests.services.conftest import KEY, MORNING
from tests.services.replicas import Machine
from tests.ui.driver import ScreenDriver

PATIENT = RecordKind.PATIENT


@pytest.fixture
def twice_written(station, template, tmp_path):
    """A person whose allergies and phone two machines wrote differently while apart."""
    lines: dict = {}
    path = tmp_path / "other.db"
    shutil.copy(template, path)
    there = Machine(
        "may1", EncryptedStore.open(path, KEY), DemoClock(MORNING + timedelta(days=9), 8), lines
    )
    here = Machine("may0", station.store, station.clock, lines)
    person = station.register(full_name="Người Mẫu Một", allergies=())
    there.take(*here.operations(PATIENT, person.id))
    here.edit(
        PATIENT,
        person.id,
        station.nurse.user.snapshot,
        allergies=(Allergy(substance="Penicillin"),),
        phone="0900000002",
    )
    there.edit(
        PATIENT,
        person.id,
        station.doctor.user.snapshot,
        allergies=(Allergy(substance="Sulfamid"),),
        phone="0900000003",
    )
    here.take(*there.operations(PATIENT, person.id))
    yield person.id
    there.store.close()


def test_the_chart_shows_both_allergies_and_leads_to_the_desk(
    qtbot, session_of, station, twice_written
) -> None:
    session = session_of(Role.NURSE)
    chart = ScreenDriver(qtbot, PatientsScreen(session))
    chart.screen.on_enter(routes.PatientRoute(twice_written))
    chart.until(chart.screen.undecided.isVisible)
    assert chart.screen.undecided.message.text == (
        "Hai máy ghi khác nhau: dị ứng, điện thoại. Cả hai bản đều được giữ."
    )
    assert {"Dị ứng Penicillin", "Dị ứng Sulfamid"} < set(chart.screen.face.allergies.texts)
    assert "Dị ứng hai máy ghi khác nhau, chưa ai chọn" in chart.screen.face.allergies.texts
    chart.sweep()
    chart.press_button("patients.undecided.action")
    ((page, route),) = chart.went
    assert page == routes.CONFLICTS

    services = session.services
    desk = ScreenDriver(qtbot, ConflictsScreen(session, services.conflicts, services.duplicates))
    desk.screen.on_enter(route)
    desk.until(lambda: desk.screen.open.name.text() == "Người Mẫu Một")
    desk.sweep()
    desk.screen.open.choices.focus_first()
    desk.key(Qt.Key.Key_3)
    desk.key(Qt.Key.Key_Return)
    desk.key(Qt.Key.Key_1)
    phone = desk.screen.open.choices.choosers[1].difference.one
    desk.shortcut(Qt.Key.Key_Return)
    desk.until_said("Đã ghi quyết định cho Người Mẫu Một")

    chart.screen.on_enter(routes.PatientRoute(twice_written))
    chart.until(lambda: not chart.screen.undecided.isVisible())
    kept = station.services.patients.get(station.nurse, twice_written).record
    assert {allergy.substance for allergy in kept.allergies} == {"Penicillin", "Sulfamid"}
    assert kept.phone == phone.replace(" ", "")
    assert station.services.conflicts.count() == 0


def test_a_visit_warns_of_allergies_nobody_has_decided(
    qtbot, session_of, station, twice_written
) -> None:
    visit = station.services.encounters.check_in(station.nurse, twice_written, "Sốt")
    page = ScreenDriver(qtbot, EncounterScreen(session_of(Role.DOCTOR)))
    page.screen.on_enter(routes.EncounterRoute(visit.id_of(RecordKind.ENCOUNTER)))

    page.until(
        lambda: any("chưa ai chọn" in text.text() for text in page.screen.findChildren(QLabel))
    )
