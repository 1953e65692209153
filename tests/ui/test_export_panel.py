"""The page that writes records as open files, by keys."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import pytest

from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.services.visits import VisitPapers
from station_emr.ui.kit import Severity
from station_emr.ui.screens.settings import SettingsScreen
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

__all__ = ["answers"]


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter()
        self.press_button("settings.export")

    @property
    def note(self):
        return self.screen.panel.note.message

    def says(self, words: str, severity: Severity) -> None:
        self.until(
            lambda: (
                self.note is not None and words in self.note.text and self.note.severity is severity
            )
        )


@pytest.fixture
def page(qtbot, session_of):
    return Page(qtbot, session_of(Role.DIRECTOR))


@pytest.fixture
def visit_id(station) -> str:
    services, doctor = station.services, station.doctor
    patient = station.register()
    made = services.encounters.check_in(station.nurse, patient.id, "Đau đầu")
    found = made.id_of(RecordKind.ENCOUNTER)
    services.encounters.start(doctor, found)
    encounter = replace(
        services.encounters.get(doctor, found).record,
        diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN),),
        result="2",
    )
    services.visits.sign(doctor, VisitPapers(encounter=encounter))
    return found


def test_the_visits_of_today_go_into_a_folder(page, answers, visit_id, tmp_path):
    out = tmp_path / "ra"
    answers.next = [out]
    page.press_button("settings.export.visits")
    page.says("Đã ghi 1 tệp", Severity.SUCCESS)
    assert [one.name for one in out.iterdir()] == [f"{visit_id}.xml"]


def test_a_visit_that_cannot_leave_is_named(page, answers, visit_id, tmp_path):
    page.screen.panel.form.field("form").set_value("health-book")
    answers.next = [tmp_path / "ra"]
    page.press_button("settings.export.visits")
    page.says("Chưa xuất 1 lượt khám. Lượt khám", Severity.WARNING)
    assert "MA_KHOA" in page.note.text


def test_days_without_visits_are_said(page, answers, visit_id, tmp_path):
    page.type("settings.export.since", "01/01/2020")
    page.type("settings.export.until", "02/01/2020")
    answers.next = [tmp_path / "ra"]
    page.press_button("settings.export.visits")
    page.says("Không có lượt khám", Severity.WARNING)


def test_days_the_wrong_way_round_write_nothing(page, answers, visit_id, tmp_path):
    page.type("settings.export.until", "01/01/2020")
    answers.next = [tmp_path / "ra"]
    page.press_button("settings.export.visits")
    page.says("ngày đầu trước", Severity.DANGER)
    assert not (tmp_path / "ra").exists()


def test_everything_goes_into_one_file_with_a_reason(page, answers, visit_id, tmp_path):
    path = tmp_path / "tram.zip"
    answers.next = ["Đổi chương trình", path]
    page.press_button("settings.export.station")
    page.says("Đã ghi và đọc lại được tram.zip", Severity.SUCCESS)
    with zipfile.ZipFile(path) as made:
        assert "records/encounter.ndjson" in made.namelist()


def test_no_reason_no_file(page, answers, tmp_path):
    answers.next = [None]
    page.press_button("settings.export.station")
    assert page.note is None
    assert list(tmp_path.glob("*.zip")) == []


def test_a_place_that_cannot_be_written_is_said(page, answers, visit_id, tmp_path):
    answers.next = ["Lưu trữ", tmp_path / "khong-co" / "tram.zip"]
    page.press_button("settings.export.station")
    page.says("Không có thư mục", Severity.DANGER)


def test_only_the_head_finds_it(qtbot, session_of):
    for role in (Role.DOCTOR, Role.NURSE, Role.ADMINISTRATOR):
        other = ScreenDriver(qtbot, SettingsScreen(session_of(role)))
        other.screen.on_enter()
        assert other.screen.findChild(object, "settings.export") is None


def test_it_stands_whole_in_the_small_window(page):
    page.screen.resize(860, 400)
    assert not clipped(page.screen.panel)
    assert not unnamed(page.screen)
    assert not without_object_name(page.screen)
    assert not duplicate_mnemonics(page.screen)
