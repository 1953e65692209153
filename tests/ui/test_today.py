"""Today's queue by keys, over a real encrypted station."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Priority, Stage
from station_emr.domain.patient import Allergy
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.domain.vitals import VitalSigns
from station_emr.services.views import QueueRow
from station_emr.ui.kit import chip_size
from station_emr.ui.models import routes
from station_emr.ui.screens.today import TodayScreen
from station_emr.ui.screens.today.cards import (
    card_of,
    day_line,
    in_order,
    minutes_words,
    short_name,
)
from station_emr.ui.screens.today.column import chip_lines
from tests.services.conftest import MORNING
from tests.ui.keys import press
from tests.ui.sweep import clipped, unnamed, without_object_name

ROW = QueueRow(
    encounter_id="e1",
    patient_id="p1",
    full_name="Rơ Châm Mẫu",
    birth=BirthDate(1992, 5, 3),
    sex=Sex.FEMALE,
    address_line="Làng Mẫu",
    stage=Stage.WAITING,
    priority=Priority.ROUTINE,
    status=RecordStatus.DRAFT,
    arrived_at=MORNING,
    reason="Sốt 2 ngày",
)


def words(row: QueueRow, minutes: int = 0, unsent: tuple[str, ...] = ()) -> list[str]:
    card = card_of(row, MORNING + timedelta(minutes=minutes), unsent)
    return [card.time, card.detail, *(chip.text for chip in card.chips)]


# -- what a card says --------------------------------------------------------------------------


def test_a_waiting_card_says_who_where_why_and_how_long() -> None:
    assert words(ROW, 22) == ["22 phút", "Nữ, 34 tuổi · Làng Mẫu · sốt 2 ngày"]


@pytest.mark.parametrize(
    ("change", "chips"),
    [
        ({"allergies": "Penicillin"}, ["Dị ứng penicillin"]),
        ({"priority": Priority.EMERGENCY}, ["Cấp cứu"]),
        ({"priority": Priority.PRIORITY}, ["Ưu tiên"]),
        ({"last_blood_pressure": "168/95"}, ["HA lần trước 168/95"]),
        ({"last_blood_pressure": "168/95", "has_vitals": True}, ["HA 168/95", "Đã có sinh hiệu"]),
        ({"last_blood_pressure": "120/70"}, []),
        ({"last_blood_pressure": "120/90", "chronic": True}, ["HA lần trước 120/90", "Mạn tính"]),
        ({"birth": BirthDate(2022, 1, 1)}, ["Trẻ < 6 tuổi"]),
        ({"status": RecordStatus.VOIDED, "stage": Stage.FINISHED}, ["Đã hủy"]),
        (
            {"stage": Stage.AWAITING_MEDICINE, "prescription_status": RecordStatus.SIGNED},
            ["Đã ký đơn"],
        ),
        (
            {"stage": Stage.AWAITING_MEDICINE, "prescription_status": RecordStatus.DRAFT},
            ["Đơn chưa ký"],
        ),
        ({"stage": Stage.AWAITING_MEDICINE}, ["Không có đơn"]),
        ({"stage": Stage.FINISHED}, ["Hết lượt"]),
        ({"stage": Stage.FINISHED, "follow_up_on": date(2026, 12, 6)}, ["Hẹn 06/12"]),
        ({"stage": Stage.FINISHED, "referred_to": "BVĐK mẫu"}, ["Chuyển tuyến · đã gửi"]),
    ],
)
def test_chips_tell_what_matters_at_this_stage(change: dict, chips: list[str]) -> None:
    assert words(replace(ROW, **change))[2:] == chips


def test_a_letter_the_province_does_not_have_is_said_to_wait() -> None:
    row = replace(ROW, stage=Stage.FINISHED, referred_to="BVĐK mẫu")

    assert words(row, unsent=("e1",))[2:] == ["Chuyển tuyến · chờ gửi"]


def test_times_follow_the_stage() -> None:
    later = MORNING + timedelta(minutes=40)
    started = replace(
        ROW, stage=Stage.IN_PROGRESS, started_at=later, practitioner="BS. Trần Thị Mẫu"
    )

    assert words(started)[:2] == ["từ 08:40", "Nữ, 34 tuổi · BS. Mẫu"]
    assert words(replace(ROW, stage=Stage.FINISHED, ended_at=later))[0] == "08:40"
    assert words(replace(ROW, stage=Stage.AWAITING_MEDICINE, ended_at=later), 46)[0] == "6 phút"
    assert words(replace(ROW, arrived_at=MORNING - timedelta(days=1)))[0] == "từ 19/11"
    assert minutes_words(65) == "1 giờ 05"
    assert short_name("Nguyễn Thị Hoa") == "Hoa"


def test_a_child_shows_the_weight() -> None:
    child = replace(ROW, birth=BirthDate(2022, 1, 1), weight="16")

    assert words(child)[1].startswith("Nữ, 58 tháng (16 kg)") or "(16 kg)" in words(child)[1]


def test_the_day_line_counts_and_averages() -> None:
    rows = [ROW, replace(ROW, arrived_at=MORNING - timedelta(minutes=10))]

    assert day_line(rows, MORNING + timedelta(minutes=9)) == (
        "Thứ sáu, 20/11/2026 · 2 lượt · chờ trung bình 14 phút"
    )
    assert day_line([], MORNING) == "Thứ sáu, 20/11/2026"


def test_the_finished_stand_latest_first() -> None:
    rows = [
        replace(ROW, encounter_id=str(n), stage=Stage.FINISHED, ended_at=MORNING + timedelta(n))
        for n in range(3)
    ]

    assert [row.encounter_id for row in in_order(rows, Stage.FINISHED)] == ["2", "1", "0"]


def test_chips_wrap_to_the_width_of_the_card(qapp: QApplication) -> None:
    chips = card_of(
        replace(ROW, allergies="Penicillin", chronic=True, has_vitals=True), MORNING
    ).chips

    assert len(chip_lines(chips, 1000)) == 1
    assert len(chip_lines(chips, max(chip_size(chip).width() for chip in chips))) == 3
    assert all(left + width <= 100 for line in chip_lines(chips, 100) for left, width, _ in line)


# -- the screen --------------------------------------------------------------------------------


class Page:
    """Drives the screen as a nurse does."""

    def __init__(self, qtbot, session, rows=()) -> None:
        self.qtbot = qtbot
        self.screen = TodayScreen(session, rows)
        qtbot.addWidget(self.screen)
        self.went: list[tuple[str, object]] = []
        self.said: list[str] = []
        self.messages: list[object] = []
        self.screen.navigate.connect(lambda key, context: self.went.append((key, context)))
        self.screen.message.connect(lambda m: (self.said.append(m.text), self.messages.append(m)))
        self.screen.resize(1178, 682)
        self.screen.show()
        qtbot.waitActive(self.screen)
        self.screen.setFocus()  # as the frame does
        self.screen.on_enter()

    def names(self, stage: Stage) -> list[str]:
        return [card.name for card in self.screen.columns[stage].list.cards.cards]

    def wait_for(self, stage: Stage, *names: str) -> None:
        self.qtbot.waitUntil(lambda: self.names(stage) == list(names))

    def key(self, key: Qt.Key) -> None:
        press(QApplication.focusWidget() or self.screen, key=key)


@pytest.fixture
def arrive(station):
    """A person in the queue; gives the visit's id."""

    def arrive(name: str, priority: Priority = Priority.ROUTINE, **changes) -> str:
        patient = station.register(full_name=name, **changes)
        station.clock.forward(minutes=3)
        made = station.services.encounters.check_in(station.nurse, patient.id, "Ho", priority)
        return made.id_of(RecordKind.ENCOUNTER)

    return arrive


@pytest.fixture
def sign(station):
    def sign(encounter_id: str, stage: Stage = Stage.AWAITING_MEDICINE) -> None:
        record = station.services.encounters.get(station.doctor, encounter_id).record
        code = "J00"
        icd = station.services.encounters.find_icd(code)
        done = replace(
            record,
            diagnoses=(Diagnosis(icd_code=code, title=icd.title, role=DiagnosisRole.MAIN),),
            result="2",
        )
        station.services.encounters.sign(station.doctor, done)
        station.services.encounters.set_stage(station.doctor, encounter_id, stage)

    return sign


def test_an_empty_day_says_what_to_do_first(qtbot, session_of, stray_windows) -> None:
    screen = TodayScreen(session_of(Role.NURSE))
    stray_windows.expected.add(screen)
    qtbot.addWidget(screen)
    screen.show()
    screen.on_enter()

    assert screen.empty.isVisible()
    assert "chưa có ai" in screen.empty.text
    assert not screen.next.isEnabled()


def test_people_stand_by_stage_and_urgency(qtbot, session_of, arrive, sign) -> None:
    arrive("Người Mẫu Một")
    arrive("Người Mẫu Hai", Priority.EMERGENCY)
    sign(arrive("Người Mẫu Ba"))
    page = Page(qtbot, session_of(Role.NURSE))

    page.wait_for(Stage.WAITING, "Người Mẫu Hai", "Người Mẫu Một")
    page.wait_for(Stage.AWAITING_MEDICINE, "Người Mẫu Ba")
    assert page.screen.columns[Stage.WAITING]._count.text() == "2"
    assert unnamed(page.screen) == []
    assert without_object_name(page.screen) == []
    assert clipped(page.screen) == []


def test_space_calls_the_next_person_and_opens_the_visit(qtbot, session_of, arrive) -> None:
    first = arrive("Người Mẫu Một")
    arrive("Người Mẫu Hai")
    page = Page(qtbot, session_of())
    page.wait_for(Stage.WAITING, "Người Mẫu Một", "Người Mẫu Hai")

    qtbot.keyClick(page.screen.columns[Stage.WAITING].list, Qt.Key.Key_Space)

    page.wait_for(Stage.IN_PROGRESS, "Người Mẫu Một")
    assert page.went == [(routes.ENCOUNTER, routes.EncounterRoute(first))]


def test_arrows_walk_cards_and_columns_and_enter_opens(qtbot, session_of, arrive, sign) -> None:
    arrive("Người Mẫu Một")
    arrive("Người Mẫu Hai")
    done = arrive("Người Mẫu Ba")
    sign(done, Stage.FINISHED)
    page = Page(qtbot, session_of())
    page.wait_for(Stage.FINISHED, "Người Mẫu Ba")
    waiting = page.screen.columns[Stage.WAITING].list
    qtbot.waitUntil(waiting.hasFocus)

    page.key(Qt.Key.Key_Down)
    assert waiting.currentIndex().row() == 1
    page.key(Qt.Key.Key_Right)  # over two empty columns
    assert page.screen.columns[Stage.FINISHED].list.hasFocus()
    page.key(Qt.Key.Key_Return)
    assert page.went == [(routes.ENCOUNTER, routes.EncounterRoute(done))]
    page.key(Qt.Key.Key_Left)
    assert waiting.hasFocus()


def test_delete_takes_a_person_out_and_undo_brings_the_vitals_back(
    qtbot, session_of, arrive, station
) -> None:
    visit = arrive("Người Mẫu Một")
    station.services.encounters.record_vitals(
        station.nurse, visit, VitalSigns(pulse=80, weight=Decimal(52))
    )
    page = Page(qtbot, session_of(Role.NURSE))
    page.wait_for(Stage.WAITING, "Người Mẫu Một")

    page.key(Qt.Key.Key_Delete)
    page.wait_for(Stage.WAITING)
    assert page.said == ["Đã bỏ Người Mẫu Một khỏi hàng chờ."]
    page.messages[0].action()
    page.wait_for(Stage.WAITING, "Người Mẫu Một")

    record = station.services.encounters.get(station.nurse, visit).record
    assert record.current_vitals.pulse == 80


def test_a_signed_visit_stays_in_the_day(qtbot, session_of, arrive, sign) -> None:
    sign(arrive("Người Mẫu Một"))
    page = Page(qtbot, session_of(Role.NURSE))
    page.wait_for(Stage.AWAITING_MEDICINE, "Người Mẫu Một")

    page.key(Qt.Key.Key_Delete)

    assert page.said == ["Lượt khám này đã ký nên không bỏ khỏi hàng được."]
    assert page.names(Stage.AWAITING_MEDICINE) == ["Người Mẫu Một"]


def test_medicine_given_from_the_menu(qtbot, session_of, arrive, sign) -> None:
    visit = arrive("Người Mẫu Một")
    sign(visit)
    page = Page(qtbot, session_of(Role.NURSE))
    page.wait_for(Stage.AWAITING_MEDICINE, "Người Mẫu Một")

    menu = page.screen.menu_of(visit)
    next(action for action in menu.actions() if action.text() == "Đã cấp thuốc").trigger()

    page.wait_for(Stage.FINISHED, "Người Mẫu Một")
    assert page.said == ["Người Mẫu Một: đã nhận thuốc."]


def test_an_inspector_sees_but_moves_nobody(qtbot, session_of, arrive) -> None:
    arrive("Người Mẫu Một", allergies=(Allergy(substance="Penicillin"),))
    page = Page(qtbot, session_of(Role.INSPECTOR))
    page.wait_for(Stage.WAITING, "Người Mẫu Một")

    assert not page.screen.next.isVisible()
    assert not page.screen.new.isVisible()
    page.key(Qt.Key.Key_Delete)
    assert page.said == []
    assert page.names(Stage.WAITING) == ["Người Mẫu Một"]


def test_the_screen_follows_other_commands_and_the_clock(
    qtbot, session_of, arrive, station
) -> None:
    visit = arrive("Người Mẫu Một")
    session = session_of()
    page = Page(qtbot, session)
    page.wait_for(Stage.WAITING, "Người Mẫu Một")

    session.command(lambda: station.services.encounters.start(session.actor, visit))
    page.wait_for(Stage.IN_PROGRESS, "Người Mẫu Một")

    arrive("Người Mẫu Hai")
    station.clock.forward(minutes=30)
    page.screen._timer.timeout.emit()
    page.wait_for(Stage.WAITING, "Người Mẫu Hai")
    assert page.screen.columns[Stage.WAITING].list.cards.cards[0].time == "30 phút"


def test_a_hundred_and_fifty_people_scroll_within_their_columns(qtbot, session_of) -> None:
    crowd = tuple(
        replace(ROW, encounter_id=str(n), full_name=f"Người Mẫu {n}", allergies="Penicillin")
        for n in range(150)
    )
    screen = TodayScreen(session_of(), crowd)
    qtbot.addWidget(screen)
    screen.resize(1178, 682)
    screen.show()
    cards = screen.columns[Stage.WAITING].list

    assert len(cards.cards.cards) == 150
    qtbot.waitUntil(lambda: cards.verticalScrollBar().maximum() > 0)
    assert not cards.horizontalScrollBar().isVisible()
    cards.select(149)
    assert cards.viewport().rect().contains(cards.visualRect(cards.currentIndex()).center())


def test_rows_given_at_log_in_show_without_asking(qtbot, session_of) -> None:
    screen = TodayScreen(session_of(), (ROW,))
    qtbot.addWidget(screen)

    assert [card.name for card in screen.columns[Stage.WAITING].list.cards.cards] == ["Rơ Châm Mẫu"]
