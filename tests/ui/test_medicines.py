"""The medicine window by keys: who waits, what to give, and that it was given."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Stage
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import line_from_drug
from station_emr.domain.record import RecordKind
from station_emr.services.visits import VisitPapers
from station_emr.ui.models import routes
from station_emr.ui.screens.medicines import MedicinesScreen
from tests.ui.keys import press
from tests.ui.sweep import clipped, unnamed, without_object_name


@pytest.fixture
def prescribed(station):
    """``prescribed(name)`` is a person who waits for signed medicine; gives visit and paper."""

    def make(name: str) -> tuple[str, str]:
        services, doctor = station.services, station.doctor
        patient = station.register(full_name=name, allergies=(), conditions=())
        station.clock.forward(minutes=5)
        made = services.encounters.check_in(station.nurse, patient.id, "Sốt")
        visit = made.id_of(RecordKind.ENCOUNTER)
        icd = services.encounters.find_icd("J00")
        encounter = replace(
            services.encounters.get(doctor, visit).record,
            diagnoses=(Diagnosis(icd_code="J00", title=icd.title, role=DiagnosisRole.MAIN),),
            result="2",
        )
        hit = services.catalogs.search(CatalogKind.DRUG, "paracetamol 500", 1)[0]
        line = replace(
            line_from_drug(drug_of(hit.row)),
            dose=Decimal(1),
            times_per_day=2,
            days=3,
            meal="sau ăn",
        )
        paper = replace(services.prescriptions.prepare(doctor, visit), lines=(line,))
        services.visits.sign(doctor, VisitPapers(encounter=encounter, prescription=paper))
        return visit, paper.id

    return make


@pytest.fixture
def show(qtbot, session_of):
    def show(role: Role = Role.PHARMACIST) -> MedicinesScreen:
        screen = MedicinesScreen(session_of(role))
        screen.went, screen.messages = [], []
        screen.navigate.connect(lambda key, context: screen.went.append((key, context)))
        screen.message.connect(screen.messages.append)
        qtbot.addWidget(screen)
        screen.resize(1178, 682)
        screen.show()
        qtbot.waitActive(screen)
        screen.on_enter()
        return screen

    return show


def names(screen: MedicinesScreen) -> list[str]:
    return [person.row.full_name for person in screen.table.rows]


def words(screen: MedicinesScreen) -> list[str]:
    return [label.text() for label in screen.sheet.findChildren(QLabel) if label.isVisible()]


def test_nobody_waits(qtbot, show) -> None:
    screen = show()

    assert screen.empty.isVisible()
    assert not screen.give.isEnabled()


def test_the_longest_wait_stands_first_with_its_lines(qtbot, show, prescribed) -> None:
    prescribed("Người Mẫu Một")
    prescribed("Người Mẫu Hai")
    screen = show()
    qtbot.waitUntil(lambda: names(screen) == ["Người Mẫu Một", "Người Mẫu Hai"])

    qtbot.waitUntil(lambda: "Người Mẫu Một" in words(screen))
    shown = words(screen)
    assert any("Uống" in text and "sau ăn" in text for text in shown)
    assert unnamed(screen) == []
    assert without_object_name(screen) == []
    assert clipped(screen) == []


def test_enter_gives_and_undo_takes_back(qtbot, show, prescribed, station) -> None:
    visit, _paper = prescribed("Người Mẫu Một")
    screen = show()
    qtbot.waitUntil(lambda: bool(names(screen)))

    press(screen.table, key=Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(screen) == [])
    rows = station.services.encounters.queue(station.doctor)
    assert [row.stage for row in rows if row.encounter_id == visit] == [Stage.FINISHED]
    assert screen.messages[0].text == "Người Mẫu Một đã nhận thuốc."

    screen.messages[0].action()
    qtbot.waitUntil(lambda: names(screen) == ["Người Mẫu Một"])


def test_space_gives_too(qtbot, show, prescribed) -> None:
    prescribed("Người Mẫu Một")
    screen = show(Role.NURSE)
    qtbot.waitUntil(lambda: bool(names(screen)))

    qtbot.keyClick(screen.table, Qt.Key.Key_Space)

    qtbot.waitUntil(lambda: names(screen) == [])


def test_the_paper_opens_for_a_look(qtbot, show, prescribed) -> None:
    _visit, paper = prescribed("Người Mẫu Một")
    screen = show()
    qtbot.waitUntil(lambda: bool(names(screen)))

    assert screen.print_action()
    assert screen.went == [(routes.PREVIEW, routes.PreviewRoute(RecordKind.PRESCRIPTION, paper))]


def test_an_inspector_only_looks(qtbot, show, prescribed) -> None:
    prescribed("Người Mẫu Một")
    screen = show(Role.INSPECTOR)
    qtbot.waitUntil(lambda: bool(names(screen)))

    assert not screen.give.isEnabled()
    press(screen.table, key=Qt.Key.Key_Return)
    assert names(screen) == ["Người Mẫu Một"]
    assert screen.messages == []
