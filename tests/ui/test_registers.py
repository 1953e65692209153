"""Registers and reports by keys: the period, closing, what came late, files, templates."""

from __future__ import annotations

import json
from datetime import date

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.permissions import Role
from station_emr.domain.sensitive import RESTRICTED
from station_emr.ui.kit.bar_chart import BarChart, ChartBar
from station_emr.ui.kit.period_picker import PeriodPicker, short
from station_emr.ui.models import routes
from station_emr.ui.screens.registers import RegistersScreen
from station_emr.ui.screens.reports import ReportsScreen
from tests.services.register_samples import amend, at, refer, write
from tests.ui.driver import ScreenDriver, answers
from tests.ui.keys import type_text

__all__ = ["answers"]

OCTOBER = Period(PeriodKind.MONTH, 2026, 10)
PASSWORD = "mat khau"


class Desk(ScreenDriver):
    def __init__(self, qtbot, session, screen) -> None:
        self.session = session
        super().__init__(qtbot, screen(session))

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    def enter(self, context=None) -> None:
        self.screen.on_enter(context)
        self.rest()


@pytest.fixture
def filled(station):
    patient = station.register()
    write(station, patient, at(5, month=10), "I10", "Tăng huyết áp mẫu")
    write(station, patient, at(6, month=10), "B20", "Bệnh do HIV mẫu")
    return station


@pytest.fixture
def books(qtbot, filled, session_of):
    return lambda role=Role.DIRECTOR: Desk(qtbot, session_of(role), RegistersScreen)


@pytest.fixture
def reports(qtbot, filled, session_of):
    return lambda role=Role.DIRECTOR: Desk(qtbot, session_of(role), ReportsScreen)


# -- the period --------------------------------------------------------------------------------


def test_a_period_is_typed_or_stepped_through(qtbot) -> None:
    picker = PeriodPicker("picker", OCTOBER)
    qtbot.addWidget(picker)
    picker.show()
    seen = []
    picker.changed.connect(lambda: seen.append(picker.period.key))
    editor = picker.field.editor
    editor.setFocus()
    qtbot.keyClick(editor, Qt.Key.Key_PageUp)
    qtbot.keyClick(editor, Qt.Key.Key_PageDown)
    qtbot.keyClick(editor, Qt.Key.Key_PageDown)
    editor.selectAll()
    type_text(editor, "Q2/2025")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    editor.selectAll()
    type_text(editor, "lạ")
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    assert seen == ["2026-09", "2026-10", "2026-11", "2025-Q2"]
    assert picker.kind.value() == "quarter"
    assert picker.field.problem


def test_another_kind_of_period_keeps_the_moment_that_is_looked_at(qtbot) -> None:
    picker = PeriodPicker("picker", OCTOBER)
    qtbot.addWidget(picker)
    shown = []
    for kind in ("quarter", "year", "month"):
        picker.kind.set_value(kind)
        picker._kind_chosen()
        shown.append(short(picker.period))

    assert shown == ["Q4/2026", "2026", "12/2026"]
    assert Period.of(date(2026, 10, 3)) == OCTOBER


def test_a_chart_tells_its_numbers_aloud_and_hides_when_empty(qtbot) -> None:
    chart = BarChart("chart", "Biểu đồ")
    qtbot.addWidget(chart)
    chart.set_data([ChartBar(f"Bệnh {n}", float(n), str(n)) for n in range(30)])

    assert len(chart.bars) == 12
    assert "Bệnh 29: 29" not in chart.accessibleName()
    assert "Bệnh 18: 18" in chart.accessibleName()
    chart.set_data([])
    assert not chart.isVisibleTo(chart.parentWidget())
    for line in (False, True):
        chart.set_data([ChartBar("một", 0.0, "0")], line=line)
        assert not chart.grab().isNull()


# -- registers -----------------------------------------------------------------------------------


def test_a_month_is_shown_with_its_fourteen_columns(books) -> None:
    desk = books()
    desk.enter(OCTOBER)
    table = desk.screen.table

    assert table.model().columnCount() == 14
    assert [row.number for row in table.rows] == [1, 2]
    assert desk.screen.close_month.isVisible()
    assert not desk.screen.reopen.isVisible()
    desk.sweep()


def test_the_director_closes_and_opens_again_by_keys(books, answers, filled) -> None:
    desk = books()
    desk.enter(OCTOBER)
    answers.next = [PASSWORD]
    desk.press_button("registers.close")
    desk.until_said("Đã khóa sổ tháng 10/2026")
    desk.rest()
    assert desk.screen.reopen.isVisible()
    assert not desk.screen.close_month.isVisible()

    answers.next = ["Sót một lượt", PASSWORD]
    desk.press_button("registers.reopen")
    desk.until_said("Đã mở lại sổ tháng 10/2026")
    desk.rest()
    (made,) = filled.services.registers.closings(filled.director, OCTOBER)
    assert made.reopen_reason == "Sót một lượt"


def test_a_wrong_password_closes_nothing(books, answers, filled) -> None:
    desk = books()
    desk.enter(OCTOBER)
    answers.next = ["sai"]
    desk.press_button("registers.close")
    desk.until(desk.screen.banner.isVisible)
    desk.rest()
    assert filled.services.registers.closings(filled.director, OCTOBER) == ()


def test_what_came_late_is_on_its_own_list(books, filled) -> None:
    filled.services.registers.close(filled.director, OCTOBER, PASSWORD)
    visit = write(filled, filled.register(), at(7, month=10))
    amend(filled, visit, treatment="Uống thuốc")
    desk = books()
    desk.enter(OCTOBER)

    assert len(desk.screen.table.rows) == 2
    (late,) = desk.screen.late.rows
    assert late.line.encounter_id == visit.id
    assert "bổ sung" in desk.screen.banner.message.text
    desk.press_button("registers.tab.1")
    desk.screen.late.opened.emit(late)
    assert desk.went == [(routes.ENCOUNTER, routes.EncounterRoute(visit.id))]


def test_who_has_no_right_reads_no_restricted_words_and_closes_nothing(books) -> None:
    desk = books(Role.NURSE)
    desk.enter(OCTOBER)

    assert [row.line.diagnosis for row in desk.screen.table.rows] == [
        "I10 Tăng huyết áp mẫu",
        RESTRICTED,
    ]
    assert not desk.screen.close_month.isVisible()
    assert not desk.screen.reopen.isVisible()


def test_a_register_without_data_says_why(books) -> None:
    desk = books()
    desk.enter(OCTOBER)
    desk.screen.register.set_value("A3")
    desk.screen._read()
    desk.rest()

    assert "khám thai" in desk.screen.banner.message.text
    assert not desk.screen.export.isEnabled()


def test_a_register_is_saved_where_the_person_says(books, answers, tmp_path) -> None:
    desk = books()
    desk.enter(OCTOBER)
    for kind, head in (("PDF (*.pdf)", b"%PDF"), ("Excel (*.xlsx)", b"PK")):
        place = tmp_path / f"so{head[:2].hex()}"
        answers.next = [kind, place]
        desk.press_button("registers.export")
        desk.until(place.exists)
        desk.rest()
        assert place.read_bytes().startswith(head)


# -- reports ---------------------------------------------------------------------------------------


def test_a_report_has_a_table_and_a_chart(reports) -> None:
    desk = reports()
    desk.enter(OCTOBER)
    screen = desk.screen

    assert [bar.value for bar in screen.chart.bars] == [1.0, 1.0]
    assert screen.table.rows[-1].title == "Tổng số"
    assert "Chưa khóa sổ: tháng 10/2026" in screen.why.text()
    desk.sweep()


def test_every_report_can_be_shown(reports, filled) -> None:
    refer(filled, write(filled, filled.register(), at(8, month=10), "A97.0"), at(8, month=10))
    desk = reports()
    desk.enter(OCTOBER)
    for one in filled.services.reports.templates(filled.director):
        desk.screen.report.set_value(one.key)
        desk.screen._read()
        desk.rest()
        assert desk.screen._view.template.key == one.key
        assert desk.screen.table.model().columnCount() > 1
    desk.press_button("reports.registers")
    assert desk.went == [(routes.REGISTERS, OCTOBER)]


def test_a_template_goes_out_and_comes_in(reports, answers, tmp_path, filled) -> None:
    desk = reports()
    desk.enter(OCTOBER)
    desk.screen.report.set_value("bct-09")
    desk.screen._read()
    desk.rest()
    file = tmp_path / "mau.json"
    answers.next = ["out", file]
    desk.press_button("reports.template")
    desk.until(file.exists)
    desk.rest()
    held = json.loads(file.read_text(encoding="utf-8")) | {"title": "Của trạm"}
    file.write_text(json.dumps(held), encoding="utf-8")
    answers.next = ["in", file]
    desk.press_button("reports.template")
    desk.until_said("Đã nhập mẫu")
    desk.rest()
    assert desk.screen._view.template.own

    file.write_text("{", encoding="utf-8")
    answers.next = ["in", file]
    desk.press_button("reports.template")
    desk.until(desk.screen.banner.isVisible)
    assert "Chưa nhập gì" in desk.screen.banner.message.text
    answers.next = ["drop"]
    desk.press_button("reports.template")
    desk.rest()
    assert not desk.screen._view.template.own
