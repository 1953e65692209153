"""What the prescription asks for is said where it can be mended, by keys."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import Problem
from station_emr.domain.patient import Guardian
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from tests.ui.encounter_desk import Desk, drug, ready
from tests.ui.keys import press
from tests.ui.sweep import duplicate_mnemonics, unnamed, without_object_name


@pytest.fixture
def child(station):
    return station.register(
        full_name="Bé Mẫu",
        birth=BirthDate(2024, 3, 1),
        conditions=(),
        allergies=(),
        guardian=None,
    )


@pytest.fixture
def child_visit(station, child) -> str:
    made = station.services.encounters.check_in(station.nurse, child.id, "Sốt")
    return made.id_of(RecordKind.ENCOUNTER)


def todo(desk: Desk, words: str) -> None:
    """Enter on the line of the list that says this."""
    place = desk.screen.outcome.todo.index(words)
    desk.go(f"encounter.todo.{place}")
    desk.enter()


def test_a_missing_weight_stands_beside_the_weight(desk_of, child_visit: str) -> None:
    desk = desk_of()
    desk.open(child_visit)
    ready(desk)
    weight = desk.form.vitals.fields["weight"]
    assert weight.problem is None
    drug(desk, "paracetamol 150", "1", "3", "3")

    assert (weight.problem, weight.severity) == ("Cần cân", Severity.DANGER)
    (told,) = desk.form.vitals.questions.problems
    assert "đơn thuốc phải ghi cân nặng" in told.message
    todo(desk, "Thiếu cân nặng của trẻ")
    assert desk.at() == "vitals.weight"
    desk.type("12")
    assert weight.problem is None
    desk.enter()
    desk.idle()
    assert weight.problem is None
    assert desk.form.vitals.questions.problems == ()

    desk.go("vitals.weight")
    desk.type("")
    press(QApplication.focusWidget(), key=Qt.Key.Key_Delete)
    desk.enter()
    desk.idle()
    assert weight.problem == "Cần cân"
    desk.go("prescription.lines.0.remove")
    press(QApplication.focusWidget(), " ", Qt.Key.Key_Space)
    desk.idle()
    assert weight.problem is None


def test_a_missing_companion_leads_to_the_registration_and_back(
    desk_of, station, child, child_visit: str
) -> None:
    desk = desk_of()
    desk.open(child_visit)
    ready(desk)
    desk.go("vitals.weight")
    desk.type("12")
    panel = desk.form.prescription
    assert not panel.person.isVisible()
    drug(desk, "paracetamol 150", "1", "3", "3")
    (told,) = panel.notes.problems
    assert "họ tên người đưa trẻ đến" in told.message
    assert (unnamed(desk.screen), without_object_name(desk.screen)) == ([], [])
    assert duplicate_mnemonics(desk.screen) == []
    desk.sign()
    assert desk.at() == "prescription.guardian"
    press(QApplication.focusWidget(), " ", Qt.Key.Key_Space)
    desk.idle()
    assert desk.gone[-1] == (routes.REGISTRATION, routes.RegistrationRoute(patient_id=child.id))

    known = station.services.patients.get(station.nurse, child.id)
    named = replace(known.record, guardian=Guardian(full_name="Siu H Mẫu"))
    yes = [f"{p.field}:{p.code}" for p in station.services.patients.check(named)]
    station.services.patients.update(station.nurse, named, known.version, yes)
    desk.screen.on_enter(None)
    desk.idle()
    assert panel.notes.problems == ()
    assert not panel.person.isVisible()
    assert panel.lines[0].days == 3
    desk.sign()
    signed = station.services.prescriptions.of_encounter(station.doctor, child_visit)
    assert signed is not None
    assert signed.record.patient.guardian_name == "Siu H Mẫu"


def test_a_reader_is_told_of_no_way_to_the_registration(desk_of, child_visit: str) -> None:
    desk = desk_of(Role.INSPECTOR)
    desk.open(child_visit)
    desk.form.prescription.show_problems(
        [Problem(field="prescription.guardian", code="x", message="Thiếu người đưa trẻ đến.")]
    )
    assert desk.form.prescription.notes.isVisible()
    assert not desk.form.prescription.person.isVisible()


def test_a_drug_the_station_may_not_give_is_named_on_its_row(
    desk: Desk, station, visit_id: str
) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "7")
    drug(desk, "morphin", "1", "1", "3")
    desk.sign()
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.DRAFT
    assert desk.at().startswith("prescription.lines.1.")
    first, second = desk.form.prescription.rows
    assert first.told == ()
    assert any("cơ sở có giường bệnh" in sentence for sentence in second.told)
    assert desk.form.prescription.notes.problems == ()


def test_what_belongs_to_no_row_is_said_too(desk: Desk) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "7")
    form = desk.form

    def told(field: str, message: str) -> None:
        form.show_problems([Problem(field=field, code="x", message=message)], strict=True)
        form.go_to(field)

    told("prescription.lines", "Đơn chưa có thuốc nào.")
    assert form.prescription.entry.problem == "Đơn chưa có thuốc nào."
    assert desk.at() == "prescription.drug"
    told("prescription.diagnoses", "Đơn thuốc chưa có chẩn đoán.")
    assert [p.message for p in form.diagnoses.questions.problems] == [
        "Đơn thuốc chưa có chẩn đoán."
    ]
    assert desk.at() == "encounter.diagnosis"
    assert form.prescription.entry.problem is None
    told("prescription.lines.7.days", "Dòng này không còn.")
    assert [p.message for p in form.prescription.notes.problems] == ["Dòng này không còn."]
    form.show_problems([])
    assert form.prescription.notes.isHidden()
    assert form.prescription.lines[0].dose == Decimal(1)
