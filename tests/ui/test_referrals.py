"""Referral letters by keys, over a real encrypted station."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import DiagnosisRole
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordStatus, Sex
from station_emr.domain.referral import ReferralReason
from station_emr.services.views import ReferralRow
from station_emr.ui.models import routes
from station_emr.ui.models.moments import parse_day, parse_moment, show_moment, show_when
from station_emr.ui.screens.referrals import ReferralsScreen
from station_emr.ui.screens.referrals.letter_page import Mode
from station_emr.ui.screens.referrals.list_page import keeps, sent_chip, urgent_first
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver, answers, pdf_text
from tests.ui.sweep import duplicate_mnemonics
from tests.ui.visits import letter, signed_letter, visit

__all__ = ["answers", "letter", "signed_letter", "visit"]

ROW = ReferralRow(
    id="r1",
    encounter_id="e1",
    patient_id="p1",
    full_name="Rơ Châm Mẫu",
    birth=BirthDate(1968),
    sex=Sex.MALE,
    number="A1-0001/2026/PCCKCB",
    to_facility="Bệnh viện Đa khoa tỉnh (mẫu)",
    diagnosis="I20.0 Cơn đau thắt ngực không ổn định",
    status=RecordStatus.SIGNED,
    written_at=MORNING,
)


class Page(ScreenDriver):
    def __init__(self, qtbot, session, route=None) -> None:
        super().__init__(qtbot, ReferralsScreen(session))
        self.screen.on_enter(route)
        self.letter = self.screen.letter
        self.form = self.letter.form

    def open(self) -> Page:
        self.until(lambda: self.letter.letter is not None)
        return self

    def choose(self, name: str, text: str) -> None:
        """Type into a look-up field and take its first answer."""
        field = {
            "referral.to_facility_name": self.form.receiver,
            "referral.diagnoses": self.form.main,
            "referral.secondary": self.form.more,
        }[name]
        self.type(name, text)
        self.until(lambda: field.typeahead.is_open and not field.typeahead.stale)
        if field.typeahead.list.current() is None:
            self.key(Qt.Key.Key_Down)
        self.key(Qt.Key.Key_Return)

    def fill(self) -> None:
        """Everything that a prefilled letter still lacks."""
        self.choose("referral.to_facility_name", "tinh mau")
        self.type("referral.condition_on_transfer", "Tỉnh, còn đau nhẹ")
        button = self.form.form.field("reason").buttons[1]
        button.setFocus()
        self.qtbot.keyClick(button, Qt.Key.Key_Space)
        self.type("referral.plan", "Can thiệp mạch vành")
        self.type("referral.transport", "Xe cứu thương")


def route_of(encounter_id: str) -> routes.ReferralRoute:
    return routes.ReferralRoute(encounter_id=encounter_id)


# -- from the visit to a signed letter ---------------------------------------------------------


def test_a_letter_is_written_and_signed_with_its_visit_by_keys(
    qtbot, session_of, station, visit
) -> None:
    encounter_id = visit()
    page = Page(qtbot, session_of(), route_of(encounter_id)).open()
    assert page.letter.states == ("Nháp mới",)
    assert page.form.form.field("clinical_signs").value() == "Đau ngực trái"

    page.fill()
    page.shortcut(Qt.Key.Key_Return)

    page.until_said("Đã ký phiếu chuyển")
    page.until(lambda: page.letter.states == ("Đã ký", "Chờ gửi"))
    (row,) = station.services.referrals.rows(station.doctor)
    assert (row.number, row.status) == ("A1-0001/2026/PCCKCB", RecordStatus.SIGNED)
    signed = station.services.referrals.get(station.doctor, row.id).record
    assert signed.to_facility_code == "DEMO3"
    assert signed.to_facility_level == "Cấp cơ bản"
    assert signed.reason is ReferralReason.BEYOND_CAPACITY
    encounter = station.services.encounters.get(station.doctor, encounter_id)
    assert encounter.status is RecordStatus.SIGNED
    assert encounter.record.discharge == "2"
    assert page.letter.mode is Mode.READ
    assert station.sync.wakes == 1

    page.screen.on_enter()
    page.until(lambda: [r.id for r in page.screen.list.table.rows] == [row.id])


def test_what_is_missing_is_told_beside_the_field_and_the_draft_is_kept(
    qtbot, session_of, station, visit
) -> None:
    encounter_id = visit(diagnoses=(), result="")
    page = Page(qtbot, session_of(), route_of(encounter_id)).open()

    page.shortcut(Qt.Key.Key_Return)

    page.until(lambda: page.form.receiver.problem is not None)
    assert "Chưa chọn cơ sở nhận" in page.form.receiver.problem
    assert (
        page.form.form.field("diagnoses").problem
        == "Chưa có chẩn đoán bệnh chính trên phiếu chuyển."
    )
    assert page.letter.missing.sentences == (
        "Chưa có bệnh chính. Hãy gõ mã hoặc tên bệnh rồi chọn từ danh sách.",
        "Chưa chọn kết quả điều trị của lượt khám.",
    )
    stored = station.services.referrals.of_encounter(station.doctor, encounter_id)
    assert stored.status is RecordStatus.DRAFT

    page.press_button("referral.visit")
    assert page.went == [(routes.ENCOUNTER, routes.EncounterRoute(encounter_id))]


def test_coming_back_from_the_visit_finds_the_letter_again(qtbot, session_of, visit) -> None:
    page = Page(qtbot, session_of(), route_of(visit(result=""))).open()
    page.shortcut(Qt.Key.Key_Return)
    page.until(page.letter.missing.isVisible)
    page.press_button("referral.visit")
    page.screen.on_leave()

    page.screen.on_enter(None)

    page.until(lambda: not page.letter.missing.isVisible())
    assert page.letter.isVisible()


def test_a_question_about_the_visit_is_answered_on_the_spot(
    qtbot, session_of, station, visit
) -> None:
    encounter_id = visit(code="I20")
    page = Page(qtbot, session_of(), route_of(encounter_id)).open()
    page.fill()
    page.shortcut(Qt.Key.Key_Return)
    page.until(page.letter.missing.isVisible)
    (question,) = page.letter.missing._ticks.values()
    assert (
        station.services.encounters.get(station.doctor, encounter_id).status is RecordStatus.DRAFT
    )

    page.tick(question.box)
    page.shortcut(Qt.Key.Key_Return)

    page.until_said("Đã ký phiếu chuyển")
    assert (
        station.services.encounters.get(station.doctor, encounter_id).status is RecordStatus.SIGNED
    )


def test_a_signed_visit_gets_its_letter_afterwards(qtbot, session_of, station, letter) -> None:
    letter_id = letter(plan="")
    referral = station.services.referrals.get(station.doctor, letter_id).record
    encounter = station.services.encounters.get(station.doctor, referral.encounter_id).record
    station.services.encounters.sign(station.doctor, encounter)
    page = Page(qtbot, session_of(), routes.ReferralRoute(referral_id=letter_id)).open()

    page.shortcut(Qt.Key.Key_Return)
    plan = page.form.form.field("plan")
    page.until(lambda: plan.problem is not None)
    page.type("referral.plan", "Can thiệp mạch vành")
    assert plan.problem is None
    page.shortcut(Qt.Key.Key_Return)

    page.until_said("Đã ký phiếu chuyển")


# -- drafts --------------------------------------------------------------------------------------


def test_typing_is_kept_by_itself_and_on_leaving(qtbot, session_of, station, visit) -> None:
    encounter_id = visit()
    page = Page(qtbot, session_of(), route_of(encounter_id)).open()

    def kept() -> str:
        stored = station.services.referrals.of_encounter(station.doctor, encounter_id)
        return stored.record.plan if stored else ""

    assert station.services.referrals.of_encounter(station.doctor, encounter_id) is None
    page.type("referral.plan", "Can thiệp")
    page.until(lambda: kept() == "Can thiệp")
    page.until(lambda: page.letter.states == ("Nháp",))
    assert "nháp tự lưu" in page.letter._state.text()

    page.type("referral.plan", "Mổ sớm")
    assert page.screen.on_leave()
    page.until(lambda: kept() == "Mổ sớm")


def test_a_dropped_draft_can_be_taken_back(qtbot, session_of, station, letter) -> None:
    letter_id = letter()
    page = Page(qtbot, session_of(), routes.ReferralRoute(referral_id=letter_id)).open()

    page.press_button("referral.discard")
    page.until_said("Đã bỏ phiếu nháp.")
    assert station.services.referrals.rows(station.doctor) == ()
    page.messages[-1].action()

    page.until(lambda: len(station.services.referrals.rows(station.doctor)) == 1)
    kept = station.services.referrals.get(station.doctor, letter_id).record
    assert kept.plan == "Can thiệp mạch vành"


def test_diagnoses_are_looked_up_and_listed(qtbot, session_of, visit) -> None:
    page = Page(qtbot, session_of(), route_of(visit())).open()

    page.choose("referral.secondary", "tang huyet ap vo can")
    page.choose("referral.secondary", "I20.0")  # the main one is not taken twice

    assert [d.icd_code for d in page.form.diagnoses] == ["I20.0", "I10"]
    assert page.form.diagnoses[1].role is DiagnosisRole.SECONDARY
    chip = page.find("referral.secondary.I10")
    chip.setFocus()
    page.qtbot.keyClick(chip, Qt.Key.Key_Delete)
    assert [d.icd_code for d in page.form.diagnoses] == ["I20.0"]


def test_the_one_year_list_is_quoted(qtbot, session_of, visit) -> None:
    page = Page(qtbot, session_of(), route_of(visit())).open()
    page.until(lambda: "không thuộc danh mục" in page.form.one_year.note)

    page.choose("referral.diagnoses", "I10")

    page.until(lambda: "I10 được cấp 01 năm khi: Có chỉ định phẫu thuật" in page.form.one_year.note)


def test_the_pages_follow_the_typing(qtbot, session_of, visit, tmp_path) -> None:
    page = Page(qtbot, session_of(), route_of(visit())).open()
    page.until(lambda: page.letter.paper.page_count == 3)

    def drawn() -> str:
        (tmp_path / "draft.pdf").write_bytes(page.letter.feed.pdf)
        return pdf_text(tmp_path / "draft.pdf")

    assert "Người Mẫu Một" in drawn()
    assert "Can thiệp mạch vành" not in drawn()
    page.type("referral.plan", "Can thiệp mạch vành")
    page.until(lambda: "Can thiệp mạch vành" in drawn())


# -- signed letters ------------------------------------------------------------------------------


def test_a_signed_letter_is_amended_with_a_reason(
    qtbot, session_of, station, signed_letter, answers
) -> None:
    letter_id = signed_letter()
    page = Page(qtbot, session_of(), routes.ReferralRoute(referral_id=letter_id)).open()
    page.until(lambda: page.letter.mode is Mode.READ)
    assert page.find("referral.plan").isReadOnly()

    answers.next = ["Ghi sai hướng điều trị"]
    page.press_button("referral.amend")
    page.type("referral.plan", "Theo dõi tại khoa tim mạch")
    page.shortcut(Qt.Key.Key_Return)

    page.until_said("Đã ký bản sửa đổi")
    stored = station.services.referrals.get(station.doctor, letter_id)
    assert (stored.version, stored.status) == (2, RecordStatus.AMENDED)
    assert stored.record.plan == "Theo dõi tại khoa tim mạch"
    assert stored.record.number == "A1-0001/2026/PCCKCB"
    page.until(lambda: page.letter.mode is Mode.READ)


def test_an_amendment_without_a_reason_does_not_begin(
    qtbot, session_of, signed_letter, answers
) -> None:
    page = Page(qtbot, session_of(), routes.ReferralRoute(referral_id=signed_letter())).open()
    answers.next = [None]

    page.press_button("referral.amend")

    assert page.letter.mode is Mode.READ


def test_a_letter_is_voided_with_a_reason(
    qtbot, session_of, station, signed_letter, answers
) -> None:
    letter_id = signed_letter()
    page = Page(qtbot, session_of(), routes.ReferralRoute(referral_id=letter_id)).open()
    answers.next = ["Người bệnh không đi"]

    page.press_button("referral.void")

    page.until_said("Đã hủy phiếu chuyển.")
    stored = station.services.referrals.get(station.doctor, letter_id)
    assert stored.status is RecordStatus.VOIDED
    page.until(lambda: "Đã hủy" in page.letter.states)
    assert not page.letter.amend.isVisible()


def test_print_goes_to_the_preview_and_keeps_the_draft_first(
    qtbot, session_of, station, visit
) -> None:
    encounter_id = visit()
    page = Page(qtbot, session_of(), route_of(encounter_id)).open()

    page.shortcut(Qt.Key.Key_P)

    ((key, context),) = page.went
    assert key == routes.PREVIEW
    page.until(
        lambda: station.services.referrals.row(station.doctor, context.record_id) is not None
    )


# -- rights --------------------------------------------------------------------------------------


def test_a_nurse_prepares_but_does_not_sign(qtbot, session_of, visit) -> None:
    page = Page(qtbot, session_of(Role.NURSE), route_of(visit())).open()

    assert page.letter.mode is Mode.WRITE
    assert page.letter.save.isVisible()
    assert not page.letter.sign.isVisible()
    assert "chờ bác sĩ hoặc y sĩ ký" in page.letter._state.text()


def test_an_inspector_only_reads(qtbot, session_of, letter) -> None:
    route = routes.ReferralRoute(referral_id=letter())
    page = Page(qtbot, session_of(Role.INSPECTOR), route).open()

    assert page.letter.mode is Mode.READ
    shown = [
        b
        for b in (
            page.letter.save,
            page.letter.sign,
            page.letter.amend,
            page.letter.void,
            page.letter.discard,
        )
        if b.isVisible()
    ]
    assert shown == []


# -- the list ------------------------------------------------------------------------------------


def test_the_list_opens_a_letter_by_enter_and_esc_comes_back(
    qtbot, session_of, signed_letter
) -> None:
    signed_letter("Người Mẫu Một")
    wanted = signed_letter("Người Mẫu Hai")
    page = Page(qtbot, session_of())
    page.until(lambda: len(page.screen.list.table.rows) == 2)

    page.type("referrals.filter", "mau hai")
    page.key(Qt.Key.Key_Return)
    page.key(Qt.Key.Key_Return)

    page.open()
    assert page.letter.letter.referral.id == wanted
    assert page.screen.on_back()
    page.until(page.screen.list.isVisible)
    assert not page.screen.on_back()


def test_an_empty_list_says_how_to_begin(qtbot, session_of) -> None:
    page = Page(qtbot, session_of())

    page.until(lambda: page.screen.list.empty.text == "Chưa có phiếu chuyển nào")
    assert page.screen.list.empty.isVisible()


def test_emergencies_that_are_not_sent_come_first() -> None:
    old = replace(ROW, id="old", emergency=True, written_at=MORNING - timedelta(days=2))
    gone = replace(old, id="gone", sent=True)
    new = replace(ROW, id="new")

    assert [row.id for row in urgent_first([gone, new, old])] == ["old", "new", "gone"]


def test_sent_is_said_only_when_acknowledged() -> None:
    assert sent_chip(ROW).text == "Chờ gửi"
    assert sent_chip(replace(ROW, sent=True)).text == "Đã gửi"
    assert sent_chip(replace(ROW, status=RecordStatus.DRAFT)) is None


@pytest.mark.parametrize(
    ("state", "kept"),
    [("all", True), ("draft", False), ("unprinted", True), ("unsent", True), ("sent", False)],
)
def test_the_states_filter(state, kept) -> None:
    assert keeps(ROW, state, "") is kept
    assert keeps(ROW, state, "cho ray") is False


def test_times_are_read_as_people_write_them() -> None:
    for text in ("8:25", "8h25", "0825", "08:25", "8g25"):
        assert show_moment(parse_moment(text, MORNING)) == "08:25 20/11/2026", text
    assert show_moment(parse_moment("8h 19/11", MORNING)) == "08:00 19/11/2026"
    for text in ("25:00", "8:60", "tám giờ", "8:25 31/02", "8:25 a b"):
        assert parse_moment(text, MORNING) is None, text
    assert parse_day("3/5", MORNING.date()).isoformat() == "2026-05-03"
    assert parse_day("030527", MORNING.date()).isoformat() == "2027-05-03"
    assert show_when(MORNING - timedelta(days=1), MORNING) == "hôm qua 08:00"


def test_both_pages_are_whole(qtbot, session_of, visit) -> None:
    page = Page(qtbot, session_of())
    page.until(page.screen.list.isVisible)
    page.sweep()
    page.screen.on_enter(route_of(visit()))
    page.open()
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []
