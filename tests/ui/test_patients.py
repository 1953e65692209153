"""Finding people and seeing one whole, by keys, over a real encrypted station."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from station_emr.demo.day import CARD_MINORITY, ScriptedDay
from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import Allergy, ChronicCondition, Coverage
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, Sex
from station_emr.domain.scan import parse_scan
from station_emr.ui.models import routes
from station_emr.ui.screens.patients import PatientsScreen
from tests.services.conftest import MORNING
from tests.ui.keys import press, type_text
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

TODAY = MORNING.date()
PATIENCE = 30_000  # milliseconds; a busy machine is slow, not wrong


class Page:
    """The screen as it is used: the list, a card, what it asked of the frame."""

    def __init__(self, qtbot, session, context: object = None) -> None:
        self.qtbot = qtbot
        self.session = session
        self.screen = PatientsScreen(session)
        qtbot.addWidget(self.screen)
        self.gone: list[tuple[str, object]] = []
        self.said: list[str] = []
        self.screen.navigate.connect(lambda key, route: self.gone.append((key, route)))
        self.screen.message.connect(lambda message: self.said.append(message.text))
        self.screen.resize(1178, 682)  # what the frame leaves of 1366 × 768
        self.screen.show()
        self.enter(context)

    def enter(self, context: object = None) -> None:
        self.screen.on_enter(context)
        self.rest()

    def rest(self) -> None:
        self.qtbot.waitUntil(
            lambda: not self.screen.finder._timer.isActive() and self.session.runner.busy == 0,
            timeout=PATIENCE,
        )

    @property
    def names(self) -> list[str]:
        return [person.full_name for person in self.screen.finder.table.rows]

    def type(self, text: str) -> None:
        line = self.screen.finder.line
        line.setFocus()
        line.clear()
        type_text(line, text)
        self.rest()

    def key(self, widget, key: Qt.Key) -> None:
        press(widget, "", key)
        self.rest()

    @property
    def person(self) -> str:
        shown = self.screen._stack.currentIndex() == 1
        return self.screen.face.name.text() if shown else ""

    def click(self, button) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        self.rest()


@pytest.fixture
def page(qtbot, session_of):
    return Page(qtbot, session_of(Role.DOCTOR))


@pytest.fixture
def day(station):
    """Three people with signed visits and papers."""
    return ScriptedDay(station.services, station.doctor, station.nurse).work()


# -- the list ----------------------------------------------------------------------------------


def test_an_empty_station_says_what_to_do(page) -> None:
    assert page.names == []
    assert "Chưa có ai" in page.screen.finder.empty.text


def test_today_stands_first_the_newest_on_top(page, day) -> None:
    page.enter()
    assert page.names == ["Nguyễn Văn Đạt", "Võ Hữu Tài", "Rơ Châm H'Bĕ̆"]
    assert "hôm nay" in page.screen.finder.caption.text()


def test_a_day_without_visitors_shows_the_last_one(page, day, station) -> None:
    station.clock.forward(minutes=3 * 24 * 60)
    page.enter()
    assert len(page.names) == 3
    assert "20/11" in page.screen.finder.caption.text()


def test_typing_finds_and_enter_opens(page, day) -> None:
    page.type("vo huu")
    assert page.names == ["Võ Hữu Tài"]
    page.key(page.screen.finder.line, Qt.Key.Key_Return)
    assert page.person == "Võ Hữu Tài"


def test_enter_before_the_answer_opens_the_right_person(page, day) -> None:
    page.type("vo huu")
    line = page.screen.finder.line
    line.clear()
    type_text(line, "ro cham")
    page.key(line, Qt.Key.Key_Return)
    assert page.person == "Rơ Châm H'Bĕ̆"


def test_arrows_walk_between_field_and_list(page, day) -> None:
    finder = page.screen.finder
    page.enter()
    page.key(finder.line, Qt.Key.Key_Down)
    assert finder.table.hasFocus()
    press(finder.table, "", Qt.Key.Key_Down)
    page.key(finder.table, Qt.Key.Key_Return)
    assert page.person == "Võ Hữu Tài"
    assert page.screen.on_back()
    assert page.person == ""


def test_nobody_found_offers_to_take_the_person_in(page, day) -> None:
    page.type("Siu Lạ")
    assert "Siu Lạ" in page.screen.finder.empty.text
    page.click(page.screen.finder.add)
    assert page.gone == [(routes.REGISTRATION, routes.RegistrationRoute(name="Siu Lạ"))]


def test_a_card_in_the_field_opens_or_begins(page, station, day) -> None:
    line = page.screen.finder.line
    line.setText(CARD_MINORITY)
    page.key(line, Qt.Key.Key_Return)
    assert page.person == "Rơ Châm H'Bĕ̆"

    page.screen._to_list()
    unknown = "064199990009||Siu Mẫu|01021999|Nữ|Làng Mẫu, Xã Mẫu, Gia Lai|15082022"
    line.setText(unknown)
    page.key(line, Qt.Key.Key_Return)
    route = routes.RegistrationRoute(scan=parse_scan(unknown))
    assert page.gone == [(routes.REGISTRATION, route)]
    line.setText("064099990001")
    page.key(line, Qt.Key.Key_Return)
    assert page.gone[-1][1].scan.value == "064099990001"


def test_the_list_masks_card_numbers(page, station) -> None:
    known = station.register(full_name="Ksor Mẫu", coverages=(Coverage(number="GD4649900004821"),))
    page.type("ksor mau")
    text = page.screen.finder.table.as_text(only_chosen=False)
    assert "••• 4821" in text
    assert known.coverages[0].number not in text


# -- the person --------------------------------------------------------------------------------


@pytest.fixture
def known(station):
    return station.register(
        full_name="Ksor H'Mẫu",
        birth=BirthDate(1961, 3, 2),
        sex=Sex.FEMALE,
        national_id="064161990001",
        phone="0900000123",
        coverages=(Coverage(number="GD4649900004821", valid_to=date(2026, 12, 31)),),
        allergies=(Allergy(substance="Aspirin"),),
        conditions=(ChronicCondition(icd_code="I10", title="Tăng huyết áp", since_year=2021),),
    )


def texts(widget) -> str:
    from PySide6.QtWidgets import QLabel

    return "\n".join(found.text() for found in widget.findChildren(QLabel) if found.isVisible())


def test_the_card_says_everything_and_hides_the_numbers(page, known) -> None:
    page.enter(routes.PatientRoute(known.id))
    face = page.screen.face
    said = texts(face)
    assert page.person == "Ksor H'Mẫu"
    assert "Nữ · 65 tuổi (02/03/1961)" in said
    assert "Tăng huyết áp (từ 2021)" in said
    assert "0900 000 123" in said
    assert face.allergies.texts == ("Dị ứng Aspirin",)
    assert "••• 4821" in said
    assert "GD4649900004821" not in said.replace(" ", "")

    page.click(face.eye)
    shown = texts(face)
    assert "GD 4 64 9900 004 821" in shown
    assert "064 161 990 001" in shown
    page.screen.on_lock()
    assert "064 161 990 001" not in texts(face)
    face.eye.setFocus()
    page.qtbot.keyClick(face.eye, Qt.Key.Key_Space)
    assert face.eye.hasFocus()
    assert "064 161 990 001" in texts(face)


def test_history_opens_at_a_press(page, known, station) -> None:
    station.services.patients.update(
        station.nurse, replace(known, phone="0900000124"), 1, [], "Đổi số"
    )
    page.enter(routes.PatientRoute(known.id))
    face = page.screen.face
    assert face.history.text() == "Lịch sử sửa đổi (2)"
    assert "Đổi số" not in texts(face)
    page.click(face.history)
    said = texts(face)
    assert "Đổi số" in said
    assert "Lập hồ sơ" in said
    assert "Trần Thị Mai" in said


def test_visits_open_and_papers_are_printed_again(page, station, day) -> None:
    (row,) = station.services.patients.search(station.doctor, "vo huu tai")
    page.enter(routes.PatientRoute(row.id))
    (card,) = page.screen.timeline.cards
    assert card.hasFocus()
    press(card, "", Qt.Key.Key_Return)
    assert page.gone.pop() == (routes.ENCOUNTER, routes.EncounterRoute(card.visit.encounter_id))
    assert page.screen.print_action()
    wanted = routes.PreviewRoute(RecordKind.REFERRAL, day.referral_id)
    assert page.gone.pop() == (routes.PREVIEW, wanted)
    page.click(page.screen.refer)
    assert page.gone.pop() == (routes.REFERRALS, routes.ReferralRoute(referral_id=day.referral_id))


def test_several_papers_are_offered(page, station, day, monkeypatch) -> None:
    (row,) = station.services.patients.search(station.doctor, "ro cham")
    page.enter(routes.PatientRoute(row.id))
    offered: list[str] = []
    monkeypatch.setattr(
        QMenu, "popup", lambda menu, _at: offered.extend(a.text() for a in menu.actions())
    )
    page.screen._choose_paper(((RecordKind.PRESCRIPTION, "p"), (RecordKind.APPOINTMENT, "a")))
    assert offered == ["Đơn thuốc", "Phiếu hẹn"]


def test_a_new_visit_opens_at_once(page, known, station) -> None:
    page.enter(routes.PatientRoute(known.id))
    page.screen.activateWindow()
    page.click(page.screen.new)
    (visit,) = station.services.encounters.queue(station.doctor)
    assert visit.patient_id == known.id
    assert page.gone == [(routes.ENCOUNTER, routes.EncounterRoute(visit.encounter_id))]


def test_the_queue_takes_a_person_once(page, known, station) -> None:
    page.enter(routes.PatientRoute(known.id))
    page.click(page.screen.queue)
    assert page.said == ["Đã đưa Ksor H'Mẫu vào hàng chờ."]
    page.qtbot.waitUntil(lambda: len(page.screen.timeline.cards) == 1)
    page.click(page.screen.queue)
    assert page.said[-1] == "Ksor H'Mẫu đã có trong hàng chờ."
    assert len(station.services.encounters.queue(station.doctor)) == 1


def test_a_letter_needs_a_visit_of_today(page, known) -> None:
    page.enter(routes.PatientRoute(known.id))
    page.click(page.screen.refer)
    assert page.gone == []
    assert "lượt khám hôm nay" in page.said[-1]


def test_editing_hands_the_person_over(page, known) -> None:
    page.enter(routes.PatientRoute(known.id))
    page.click(page.screen.edit)
    assert page.gone == [(routes.REGISTRATION, routes.RegistrationRoute(patient_id=known.id))]


def test_coming_back_finds_the_same_person_and_f3_the_list(page, known) -> None:
    page.enter(routes.PatientRoute(known.id))
    page.screen.on_leave()
    page.enter(None)
    assert page.person == "Ksor H'Mẫu"
    page.enter(None)
    assert page.person == ""


def test_what_another_screen_changes_is_seen(page, known, station) -> None:
    page.enter(routes.PatientRoute(known.id))
    newer = replace(known, full_name="Ksor H'Mẫu Mới")
    page.session.command(lambda: station.services.patients.update(station.nurse, newer, 1, [], ""))
    page.qtbot.waitUntil(lambda: page.person == "Ksor H'Mẫu Mới")


def test_somebody_unknown_leads_back_to_the_list(page) -> None:
    page.enter(routes.PatientRoute("nobody"))
    assert page.person == ""
    assert page.said


def test_an_inspector_looks_and_changes_nothing(qtbot, session_of, known) -> None:
    page = Page(qtbot, session_of(Role.INSPECTOR), routes.PatientRoute(known.id))
    screen = page.screen
    assert page.person == "Ksor H'Mẫu"
    for button in (screen.new, screen.queue, screen.edit, screen.refer, screen.print):
        assert not button.isVisible()
    assert not screen.finder.add.isVisibleTo(screen.finder)


# -- the look ----------------------------------------------------------------------------------


def test_every_part_is_named_and_nothing_is_cut(page, station, day, known) -> None:
    page.enter()
    for context in (None, routes.PatientRoute(known.id)):
        page.enter(context)
        assert unnamed(page.screen) == []
        assert without_object_name(page.screen) == []
        assert duplicate_mnemonics(page.screen) == []
        assert clipped(page.screen) == []


def test_no_part_flashes_as_a_window(qtbot, session_of, station, day, stray_windows) -> None:
    session = session_of()
    (row,) = station.services.patients.search(station.doctor, "ro cham")
    screen = PatientsScreen(session)
    stray_windows.expected.add(screen)
    qtbot.addWidget(screen)
    screen.show()
    screen.on_enter(routes.PatientRoute(row.id))
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    screen.face.eye.click()
