"""A visit by keys, over a real encrypted station."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Stage
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from station_emr.ui.screens.encounter.keeper import AUTOSAVE_MS
from tests.ui.encounter_desk import Desk, drug, ready
from tests.ui.keys import press
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

ENTER = Qt.Key.Key_Return


def test_a_whole_visit_by_keys_alone(desk: Desk, station, visit_id: str) -> None:
    assert desk.at() == "encounter.reason"
    desk.type("Tái khám, đau đầu buổi sáng")
    desk.enter()
    for name, typed in (
        ("vitals.pulse", "82"),
        ("vitals.pressure", "152 94"),
        ("vitals.temperature", "36,8"),
        ("vitals.respiratory_rate", "18"),
        ("vitals.spo2", "97"),
        ("vitals.weight", "58"),
        ("vitals.height", "162"),
    ):
        assert desk.at() == name
        desk.type(typed)
        desk.enter()
    desk.go("story.history")
    desk.type("Đau một tuần nay")
    desk.enter()
    assert desk.at() == "story.past_history"
    desk.enter()
    assert desk.at() == "story.examination"
    desk.type("Tim đều, phổi trong")
    desk.enter()
    assert desk.at() == "encounter.diagnosis"
    desk.choose("tang huyet ap")
    desk.enter()
    assert desk.at() == "encounter.order"
    desk.enter()
    assert desk.at() == "prescription.drug"
    desk.choose("amlo")
    assert desk.at() == "prescription.lines.0.dose"
    for cell in ("1", "1", "30"):
        desk.type(cell)
        desk.enter()
    assert desk.at() == "prescription.lines.0.meal"
    desk.enter()
    assert desk.at() == "prescription.drug"
    desk.enter()
    assert desk.at() == "closing.advice"
    desk.type("Ăn nhạt")
    desk.enter()
    desk.enter()
    assert desk.at() == "closing.result"
    desk.type("do")
    desk.enter()
    desk.enter()
    assert desk.at() == "closing.follow_up"
    desk.type("28")
    desk.enter()
    desk.idle()
    assert desk.screen.outcome.todo == ("Đủ mục bắt buộc",)
    desk.sign()

    stored = station.services.encounters.get(station.doctor, visit_id)
    assert stored.status is RecordStatus.SIGNED
    signed = stored.record
    assert signed.reason == "Tái khám, đau đầu buổi sáng"
    assert signed.main_diagnosis is not None
    assert signed.main_diagnosis.icd_code == "I10"
    taken = signed.current_vitals
    assert taken is not None
    assert (taken.systolic, taken.diastolic, taken.temperature) == (152, 94, Decimal("36.8"))
    assert taken.measured_by == station.doctor.user.full_name
    assert f"{taken.measured_at:%d/%m %H:%M}" == "20/11 08:00"
    assert (signed.advice, signed.result, signed.stage) == ("Ăn nhạt", "2", Stage.AWAITING_MEDICINE)
    paper = station.services.prescriptions.of_encounter(station.doctor, visit_id)
    assert paper is not None
    assert paper.status is RecordStatus.SIGNED
    line = paper.record.lines[0]
    assert (line.inn, line.days, line.computed_quantity) == ("Amlodipin", 30, Decimal(30))
    slip = station.services.appointments.of_encounter(station.doctor, visit_id)
    assert slip is not None
    assert slip.record.on == date(2026, 12, 18)
    assert desk.gone[-1] == (
        routes.PREVIEW,
        routes.PreviewRoute(RecordKind.PRESCRIPTION, paper.record.id),
    )


# -- vital signs -------------------------------------------------------------------------------


def test_enter_after_the_last_sign_begins_no_second_measurement(desk: Desk) -> None:
    desk.go("vitals.pulse")
    desk.type("82")
    desk.enter()
    desk.go("vitals.height")
    desk.type("162")
    desk.enter()

    assert desk.at() == "story.history"
    assert desk.text("vitals.pulse") == "82"


def test_an_impossible_sign_is_refused_beside_its_field(desk: Desk, station, visit_id: str) -> None:
    ready(desk)
    desk.go("vitals.pulse")
    desk.type("900")
    desk.enter()
    pulse = desk.form.vitals.fields["pulse"]
    assert (pulse.problem, pulse.severity) == ("Sai số", Severity.DANGER)
    assert "Mạch 900 lần/phút là không thể có" in desk.form.vitals.questions.problems[0].message
    desk.sign()
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.DRAFT
    assert desk.at() == "vitals.pulse"
    assert desk.screen.outcome.todo == ("Mạch: không thể có",)
    desk.type("90")
    desk.enter()
    assert pulse.problem is None
    desk.sign()
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.SIGNED


def test_an_unusual_sign_asks_and_the_answer_ends_with_the_value(
    desk: Desk, station, visit_id: str
) -> None:
    ready(desk)
    desk.go("vitals.pressure")
    desk.type("210/100")
    desk.enter()
    desk.sign()
    assert desk.at() == "vitals.confirm.vitals.systolic:unusual"
    press(QApplication.focusWidget(), " ", Qt.Key.Key_Space)
    desk.idle()
    assert desk.screen.outcome.todo == ("Đủ mục bắt buộc",)
    desk.go("vitals.pressure")
    desk.type("220/100")
    desk.enter()
    desk.idle()
    assert desk.screen.outcome.todo == ("Xác nhận huyết áp tối đa",)
    desk.form.vitals.questions.focus_first()
    press(QApplication.focusWidget(), " ", Qt.Key.Key_Space)
    desk.sign()
    signed = station.services.encounters.get(station.doctor, visit_id)
    assert signed.status is RecordStatus.SIGNED
    assert "vitals.systolic:unusual" in signed.record.confirmed


def test_measuring_again_keeps_the_first_set(desk: Desk, station, visit_id: str) -> None:
    desk.go("vitals.pressure")
    desk.type("165/96")
    desk.enter()
    desk.form.vitals.again.click()
    assert desk.text("vitals.pressure") == ""
    desk.go("vitals.pressure")
    desk.type("150/90")
    desk.enter()
    desk.screen.save_action()
    desk.idle()
    sets = station.services.encounters.get(station.doctor, visit_id).record.vitals
    assert [(s.systolic, s.diastolic) for s in sets] == [(165, 96), (150, 90)]
    assert "165/96" in desk.form.vitals.history.text()


# -- diagnoses ---------------------------------------------------------------------------------


def test_chips_say_which_is_main_and_can_be_changed_by_keys(desk: Desk) -> None:
    for code in ("I10", "R51"):
        desk.go("encounter.diagnosis")
        desk.choose(code)
    assert [chip.spec.lead for chip in desk.form.diagnoses.chips.chips] == ["Chính", "Kèm theo"]
    desk.go("encounter.diagnoses.1")
    desk.enter()
    assert [d.icd_code for d in desk.form.diagnoses.diagnoses] == ["R51", "I10"]
    desk.go("encounter.diagnoses.0")
    press(QApplication.focusWidget(), key=Qt.Key.Key_Delete)
    assert [d.label[:3] for d in desk.form.diagnoses.diagnoses] == ["I10"]
    assert desk.form.collect().encounter.main_diagnosis is not None


def test_a_coarser_code_asks_before_it_is_kept(desk: Desk, station, visit_id: str) -> None:
    ready(desk)
    desk.form.diagnoses.fill((), desk.form.diagnoses._sex, ())
    desk.go("encounter.diagnosis")
    desk.choose("G44")
    desk.form.diagnoses.questions.focus_first()
    assert "có mã chi tiết hơn" in desk.form.diagnoses.questions.problems[0].message
    desk.sign()
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.DRAFT
    press(QApplication.focusWidget(), " ", Qt.Key.Key_Space)
    desk.sign()
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.SIGNED


# -- drugs -------------------------------------------------------------------------------------


def test_an_allergy_needs_a_reason_on_the_row(desk: Desk, station, visit_id: str) -> None:
    ready(desk)
    drug(desk, "amoxicilin 500", "1", "2", "5")
    row = desk.form.prescription.rows[0]
    assert "Cùng nhóm với thuốc đã dị ứng (Penicillin)" in row._reason_chip.text
    assert row.reason.isVisible()
    assert desk.screen.outcome.todo == ("Amoxicilin: cần lý do",)
    desk.sign()
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.DRAFT
    assert desk.at() == "prescription.lines.0.reason"
    desk.type("Đã dùng nhiều lần, không phản ứng")
    desk.idle()
    desk.sign()
    paper = station.services.prescriptions.of_encounter(station.doctor, visit_id)
    assert paper is not None
    assert paper.record.lines[0].override_reason == "Đã dùng nhiều lần, không phản ứng"


def test_days_over_the_limit_stand_at_their_cell(desk: Desk, station, visit_id: str) -> None:
    ready(desk)
    drug(desk, "paracetamol 500", "1", "2", "120")
    row = desk.form.prescription.rows[0]
    assert row.days.problem is not None
    assert "120 ngày vượt mức cho phép" in row.days.problem
    assert row.dose.problem is None
    assert row._warnings.isVisible()
    desk.sign()
    assert desk.at() == "prescription.lines.0.days"
    assert station.services.encounters.get(station.doctor, visit_id).status is RecordStatus.DRAFT


def test_quantity_and_sentence_follow_the_typing(desk: Desk) -> None:
    drug(desk, "amlo", "1/2", "s tr", "9")
    row = desk.form.prescription.rows[0]
    assert row.quantity.value() == Decimal(9)
    assert row.sentence.text().startswith("Uống sáng ½ viên, trưa ½ viên")
    desk.go("prescription.lines.0.quantity")
    desk.type("10")
    assert row.line.computed_quantity == Decimal(10)
    desk.type("")
    row.quantity.line.clear()
    row.quantity.line.textEdited.emit("")
    assert row.line.computed_quantity == Decimal(9)


def test_the_earlier_prescription_can_be_written_again(
    desk: Desk, station, patient, visit_id: str
) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "7")
    desk.sign()
    station.clock.forward(minutes=60 * 24 * 9)
    made = station.services.encounters.check_in(station.nurse, patient.id)
    desk.open(made.id_of(RecordKind.ENCOUNTER))
    assert desk.form.prescription.lines == ()
    press(QApplication.focusWidget(), "y", Qt.Key.Key_Y, modifiers=Qt.KeyboardModifier.AltModifier)
    desk.idle()
    assert [(line.inn, line.days) for line in desk.form.prescription.lines] == [("Amlodipin", 7)]


def test_a_test_result_of_one_letter_is_written_out(desk: Desk) -> None:
    desk.go("encounter.order")
    desk.choose("hbsag")
    assert desk.at() == "encounter.orders.0.result"
    desk.type("d")
    desk.enter()
    done = desk.form.orders.procedures[0]
    assert (done.result, done.abnormal, done.is_test) == ("Dương tính", True, True)
    assert desk.at() == "encounter.order"


# -- drafts ------------------------------------------------------------------------------------


def test_the_draft_saves_itself_and_survives_the_store(
    desk: Desk, desk_of, station, visit_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(desk)
    drug(desk, "amlo", "1", "1", "14")
    desk.go("vitals.pressure")
    desk.type("165")
    desk.go("story.history")
    desk.type("Đau một tuần")
    desk.go("closing.follow_up")
    desk.type("14")
    desk.qtbot.waitUntil(lambda: "Nháp tự lưu 08:" in desk.screen.saved.text())
    desk.idle()
    assert not desk.screen.keeper.dirty
    desk.screen.close()
    with station.store.read() as work:  # what a killed program would find
        assert work.encounters.get(visit_id).record.history == "Đau một tuần"
    station.reopen()
    again = desk_of()
    again.session.services = station.services
    again.open(visit_id)
    assert again.text("encounter.reason") == "Đau đầu"
    assert again.text("vitals.pressure") == "165"
    assert again.text("story.history") == "Đau một tuần"
    assert again.text("prescription.lines.0.days") == "14"
    assert again.text("closing.follow_up") == "04/12/2026"
    assert [d.icd_code for d in again.form.diagnoses.diagnoses] == ["I10"]


def test_leaving_keeps_the_draft_at_once(desk: Desk, station, visit_id: str) -> None:
    desk.go("encounter.reason")
    desk.type("Sốt")
    assert desk.screen.keeper.timer.isActive()
    assert AUTOSAVE_MS >= 1000
    assert desk.screen.on_leave()
    desk.idle()
    assert station.services.encounters.get(station.doctor, visit_id).record.reason == "Sốt"


def test_emptied_papers_leave_no_draft_behind(desk: Desk, station, visit_id: str) -> None:
    drug(desk, "amlo", "1", "1", "14")
    desk.screen.save_action()
    desk.idle()
    assert station.services.prescriptions.of_encounter(station.doctor, visit_id) is not None
    desk.form.prescription.rows[0].drop.click()
    desk.screen.save_action()
    desk.idle()
    assert station.services.prescriptions.of_encounter(station.doctor, visit_id) is None


# -- who may ------------------------------------------------------------------------------------


def test_f5_keeps_the_draft_and_opens_the_letter_of_this_visit(
    desk: Desk, station, visit_id: str
) -> None:
    desk.go("encounter.reason")
    desk.type("Đau ngực")
    press(QApplication.focusWidget(), key=Qt.Key.Key_F5)
    assert desk.gone == [(routes.REFERRALS, routes.ReferralRoute(encounter_id=visit_id))]
    desk.idle()
    assert station.services.encounters.get(station.doctor, visit_id).record.reason == "Đau ngực"


# -- the page itself ---------------------------------------------------------------------------


def test_without_a_visit_the_page_says_what_to_do(desk_of, station, visit_id: str) -> None:
    desk = desk_of()
    desk.screen.on_enter(None)
    desk.idle()
    assert desk.screen._stack.currentIndex() == 0
    station.services.encounters.start(station.doctor, visit_id)
    desk.screen.on_enter(None)
    desk.idle()
    assert desk.screen._stack.currentIndex() == 1


def test_a_thing_to_do_leads_to_its_field(desk: Desk) -> None:
    assert "Thiếu bệnh chính" in desk.screen.outcome.todo
    desk.go(f"encounter.todo.{desk.screen.outcome.todo.index('Thiếu bệnh chính')}")
    desk.enter()
    assert desk.at() == "encounter.diagnosis"


def test_every_stop_is_named_and_nothing_is_cut(desk: Desk, stray_windows) -> None:
    ready(desk)
    drug(desk, "amoxicilin 500", "1", "2", "45")
    desk.go("encounter.order")
    desk.choose("hbsag")
    desk.go("vitals.pressure")
    desk.type("210/100")
    desk.enter()
    desk.idle()
    assert unnamed(desk.screen) == []
    assert without_object_name(desk.screen) == []
    assert duplicate_mnemonics(desk.screen) == []
    assert clipped(desk.screen) == []
    inside = desk.form.area.widget()
    assert inside.minimumSizeHint().width() <= desk.form.area.viewport().width()


def test_a_small_child_needs_a_weight_on_the_paper(desk_of, station) -> None:
    child = station.register(
        full_name="Bé Mẫu", birth=BirthDate(2024, 3, 1), conditions=(), allergies=()
    )
    child = replace(child)
    made = station.services.encounters.check_in(station.nurse, child.id, "Sốt")
    desk = desk_of()
    desk.open(made.id_of(RecordKind.ENCOUNTER))
    ready(desk)
    drug(desk, "paracetamol 150", "1", "3", "3")
    assert "Thiếu cân nặng của trẻ" in desk.screen.outcome.todo
    desk.go("vitals.weight")
    desk.type("12")
    desk.enter()
    desk.idle()
    assert "Thiếu cân nặng của trẻ" not in desk.screen.outcome.todo
