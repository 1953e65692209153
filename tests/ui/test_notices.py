"""Infectious diseases by keys: seen in the visit, on the day's page, told from the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.notification import CaseClass, CaseState
from station_emr.domain.permissions import Role
from station_emr.services.notifications import NoticeRow
from station_emr.ui.models import routes
from station_emr.ui.screens.encounter.notice_strip import NoticeStrip
from station_emr.ui.screens.notices import NoticesScreen
from station_emr.ui.screens.notices import screen as notices_screen
from station_emr.ui.screens.notices.list_page import clock_chip, paper_text, time_words
from station_emr.ui.screens.today import TodayScreen
from tests.services.conftest import MORNING
from tests.services.visit_samples import visit
from tests.ui.driver import ScreenDriver
from tests.ui.sweep import duplicate_mnemonics

MEASLES = Diagnosis(icd_code="B05.9", title="Sởi", role=DiagnosisRole.MAIN)
ROW = NoticeRow(
    encounter_id="e",
    patient_id="p",
    patient_name="Người Mẫu",
    disease="Sởi",
    icd_code="B05.9",
    detected_at=MORNING,
    due_at=MORNING + timedelta(hours=24),
)


def coded(station, **person):
    encounter = visit(station, station.register(birth=BirthDate(1990, 2, 3), **person))
    encounter = replace(encounter, diagnoses=(MEASLES,))
    station.services.encounters.save_draft(station.doctor, encounter)
    return encounter


class Desk(ScreenDriver):
    def __init__(self, qtbot, station, session) -> None:
        self.station, self.session = station, session
        self.visit = coded(station)
        super().__init__(qtbot, NoticesScreen(session))
        self.screen.on_enter(None)
        self.rest()

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    @property
    def rows(self):
        return self.station.services.notifications.rows(self.station.nurse)

    def fill(self) -> None:
        form = self.screen.form.form
        form.set_values(
            {
                "phone": "0900000001",
                "home_address": "Làng Mẫu",
                "onset_on": self.visit.arrived_at.date(),
                "case_class": CaseClass.SUSPECTED,
                "state": CaseState.OUTPATIENT,
            }
        )
        self.press_button("notice.same_address")


@pytest.fixture
def desk(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.NURSE))


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=23, minutes=5), "còn 23 giờ 5 phút"),
        (timedelta(minutes=40), "còn 40 phút"),
        (timedelta(hours=2), "còn 2 giờ"),
        (timedelta(hours=-3), "quá hạn 3 giờ"),
        (timedelta(days=-3), "quá hạn 3 ngày"),
    ],
)
def test_the_clock_in_words(left, words) -> None:
    assert time_words(left) == words


def test_the_clock_says_it_without_colour() -> None:
    assert clock_chip(ROW, MORNING).text == "Còn 24 giờ"
    assert clock_chip(ROW, MORNING + timedelta(hours=25)).text == "Quá hạn 1 giờ"
    told = replace(ROW, reported_at=MORNING + timedelta(hours=1))
    assert clock_chip(told, MORNING).text == "Đã báo"
    late = replace(ROW, reported_at=MORNING + timedelta(hours=30))
    assert clock_chip(late, MORNING).text == "Đã báo, trễ hạn"
    assert paper_text(ROW) == "Chưa lập phiếu"


def test_a_case_is_told_from_the_list(desk, monkeypatch) -> None:
    desk.sweep()
    desk.press_button("notices.open")
    desk.rest()
    desk.sweep()
    assert duplicate_mnemonics(desk.screen) == []
    desk.fill()
    desk.press_button("notices.submit")
    desk.rest()
    (row,) = desk.rows
    assert row.number

    def run(dialog) -> bool:
        dialog.accept()
        assert dialog.to.problem  # nobody was named
        dialog.to.set_value("Cơ quan nhận báo")
        dialog.accept()
        return dialog.result() == 1

    monkeypatch.setattr(notices_screen.dialogs, "run_dialog", run)
    desk.press_button("notices.told")
    desk.rest()
    (row,) = desk.rows
    assert row.reported_at is not None
    assert row.reported_to == "Cơ quan nhận báo"


def test_what_is_missing_stands_at_its_field_and_the_draft_stays(desk) -> None:
    desk.press_button("notices.open")
    desk.rest()
    desk.press_button("notices.submit")
    desk.rest()
    assert "khởi phát" in desk.screen.form.form.field("onset_on").problem
    assert desk.screen.form.form.field("case_class").problem
    assert desk.screen.on_back()
    desk.rest()
    (row,) = desk.rows
    assert row.notification_id
    assert not row.number


def test_a_case_that_was_only_looked_at_leaves_no_draft(desk) -> None:
    desk.press_button("notices.open")
    desk.rest()
    assert desk.screen.on_leave()
    desk.rest()
    (row,) = desk.rows
    assert not row.notification_id


def test_the_visit_says_it_as_soon_as_it_is_coded(desk, qtbot, station, session_of) -> None:

    strip = NoticeStrip(desk.session)
    qtbot.addWidget(strip)
    wanted = []
    strip.wanted.connect(lambda *ids: wanted.append(ids))
    strip.follow(replace(desk.visit, diagnoses=()))
    assert strip.isHidden()
    strip.follow(desk.visit)
    desk.rest()
    assert not strip.isHidden()
    assert "Sởi: phải báo trước" in strip.words.text()
    strip.button.click()
    assert wanted == [(desk.visit.id, "")]
    station.clock.set(desk.visit.arrived_at + timedelta(hours=25))
    strip.follow(desk.visit)
    assert "đã quá hạn báo" in strip.words.text()


def test_the_day_counts_what_waits(desk, qtbot, session_of) -> None:
    today = TodayScreen(session_of(Role.NURSE))
    qtbot.addWidget(today)
    today.on_enter()
    qtbot.waitUntil(lambda: not today.notices.isHidden())
    assert "1 ca" in today.notices.text()
    went = []
    today.navigate.connect(lambda key, _context: went.append(key))
    today.notices.click()
    assert went == [routes.NOTICES]
    desk.station.clock.set(desk.visit.arrived_at + timedelta(hours=25))
    today.refresh()
    qtbot.waitUntil(lambda: "quá hạn" in today.notices.text())
    today.on_leave()
