"""Taking a person in by keys and scans, over a real encrypted station."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from station_emr.demo.day import CARD_MINORITY, CARD_OLD_MAN, insurance_card
from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Priority
from station_emr.domain.permissions import Role
from station_emr.domain.record import Sex
from station_emr.domain.scan import parse_scan
from station_emr.ui.models import routes
from station_emr.ui.screens.registration import RegistrationScreen
from tests.services.conftest import MORNING
from tests.ui.keys import press, type_text
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

TODAY = MORNING.date()
PATIENCE = 30_000  # milliseconds; a busy machine is slow, not wrong
NUMBER = "064192990001"


class Page:
    """The screen as a nurse meets it."""

    def __init__(self, qtbot, session, context: object = None) -> None:
        self.qtbot = qtbot
        self.session = session
        self.screen = RegistrationScreen(session)
        qtbot.addWidget(self.screen)
        self.gone: list[tuple[str, object]] = []
        self.said: list[str] = []
        self.screen.navigate.connect(lambda key, route: self.gone.append((key, route)))
        self.screen.message.connect(lambda message: self.said.append(message.text))
        self.screen.resize(1178, 682)  # what the frame leaves of 1366 × 768
        self.screen.show()
        qtbot.waitUntil(self.screen.isVisible)
        self.enter(context)

    def enter(self, context: object = None) -> None:
        self.screen.on_enter(context)
        self.rest()

    def rest(self) -> None:
        """Until the database has answered everything that was asked."""
        self.qtbot.waitUntil(
            lambda: self.screen._looked and self.session.runner.busy == 0, timeout=PATIENCE
        )

    @property
    def state(self):
        return self.screen.form.state

    @property
    def people(self) -> list[str]:
        return [like.row.full_name for like in self.screen.panel.people]

    def editor(self, name: str) -> QWidget:
        found = self.screen.findChild(QWidget, name)
        assert found is not None, name
        return found

    def type(self, name: str, text: str) -> None:
        editor = self.editor(name)
        editor.setFocus()
        clear = getattr(editor, "clear", None)
        if clear is not None:
            clear()
        type_text(editor, text)

    def enter_key(self, name: str) -> None:
        press(self.editor(name), "", Qt.Key.Key_Return)

    def choose(self, name: str, text: str) -> None:
        """Type, wait for the answers, take the first."""
        self.type(name, text)
        editor = self.editor(name)
        self.qtbot.waitUntil(lambda: _list_of(editor).isVisible())
        press(editor, "", Qt.Key.Key_Down)
        press(editor, "", Qt.Key.Key_Return)

    def sex(self, sex: Sex) -> None:
        buttons = self.screen.form.identity.sex.buttons
        buttons[[Sex.MALE, Sex.FEMALE, Sex.UNKNOWN].index(sex)].click()

    def scan(self, text: str) -> bool:
        taken = self.screen.on_scan(text)
        self.rest()
        return taken

    def tick(self, name: str) -> None:
        press(self.editor(name), " ", Qt.Key.Key_Space)

    def save(self, button: str = "queue") -> None:
        self.qtbot.mouseClick(getattr(self.screen, button), Qt.MouseButton.LeftButton)
        self.rest()

    @property
    def banner(self) -> str:
        message = self.screen.banner.message
        return message.text if message else ""

    def act(self) -> None:
        """The button of the banner."""
        self.qtbot.mouseClick(self.editor("registration.banner.action"), Qt.MouseButton.LeftButton)
        self.rest()


def _list_of(editor: QWidget) -> QWidget:
    field = editor.parentWidget()
    while field is not None and not hasattr(field, "typeahead"):
        field = field.parentWidget()
    assert field is not None
    return field.typeahead.list


@pytest.fixture
def page(qtbot, session_of):
    return Page(qtbot, session_of(Role.NURSE))


def find(station, text: str):
    return station.services.patients.search(station.nurse, text)


# -- the whole way -----------------------------------------------------------------------------


def test_a_person_is_typed_in_and_queued_by_keys_alone(page, station, qtbot) -> None:
    page.type("registration.full_name", "Ksor H'Mẫu")
    page.enter_key("registration.full_name")
    type_text(page.editor("registration.birth"), "3/5/92")
    page.enter_key("registration.birth")
    assert page.screen.form.identity.birth.note == "34 tuổi"
    page.sex(Sex.FEMALE)
    page.type("registration.phone", "0900000123")
    page.choose("registration.commune", "ia bang gia lai")
    page.choose("registration.ethnic", "gia rai")
    page.type("registration.reason", "Đau đầu 3 ngày")
    page.screen.activateWindow()
    page.save()

    assert page.gone == [(routes.TODAY, None)]
    (row,) = find(station, "ksor h'mau")
    person = station.services.patients.get(station.nurse, row.id).record
    assert person.birth == BirthDate(1992, 5, 3)
    assert (person.phone, person.ethnic_name) == ("0900000123", "Gia-rai")
    assert person.address.commune_name == "Xã Ia Băng"
    assert person.address.province_name == "Tỉnh Gia Lai"
    (visit,) = station.services.encounters.queue(station.nurse)
    assert (visit.patient_id, visit.reason) == (row.id, "Đau đầu 3 ngày")
    assert not page.screen.dirty


def test_two_cards_take_a_child_in(page, station) -> None:
    assert page.scan(insurance_card(TODAY))
    assert page.state.full_name == "Nguyễn Văn Đạt"
    assert page.state.address_line == "Thôn 1, Xã Mẫu"
    assert page.screen.form.identity.birth.note == "57 tháng · từ thẻ"
    page.save()

    assert find(station, "nguyen van dat") == ()
    assert "Chưa lưu" in page.banner
    assert page.screen.form.guardian.isVisible()
    page.type("registration.guardian_name", "Trần Thị Mẫu")
    page.type("registration.guardian_relationship", "Mẹ")
    page.screen.form.visit.priority.buttons[1].click()
    page.save()

    (row,) = find(station, "nguyen van dat")
    person = station.services.patients.get(station.nurse, row.id).record
    assert person.guardian is not None
    assert (person.guardian.full_name, person.guardian.relationship) == ("Trần Thị Mẫu", "Mẹ")
    assert person.coverages[0].number == "TE1649900000003"
    (visit,) = station.services.encounters.queue(station.nurse)
    assert visit.priority is Priority.PRIORITY


def test_a_card_fills_marks_and_places_the_address(page) -> None:
    page.scan(CARD_MINORITY)
    identity = page.screen.form.identity
    assert identity.full_name.value() == "Rơ Châm H'Bĕ̆"
    assert identity.national_id.line.text() == "064 192 990 001"
    assert identity.national_id.note == "từ thẻ"
    assert (page.state.address_line, page.state.commune.name) == ("Làng Ơp", "Xã Mẫu")

    page.type("registration.address_line", "Làng Klah")
    assert identity.form.field("address_line").note == ""
    assert identity.full_name.note == "từ thẻ"


def test_only_saving_shows_the_person(page, station) -> None:
    page.scan(CARD_MINORITY)
    page.save("only_save")
    (row,) = find(station, "ro cham")
    assert page.gone == [(routes.PATIENTS, routes.PatientRoute(row.id))]
    assert station.services.encounters.queue(station.nurse) == ()


def test_two_presses_make_one_person(page, station) -> None:
    # Without a number, so that nothing but the screen stands against the second press.
    page.type("registration.full_name", "Ksor Mẫu")
    page.type("registration.birth", "34t")
    page.sex(Sex.MALE)
    page.screen._save(to_queue=False)
    page.screen._save(to_queue=True)
    page.screen.only_save.click()
    page.rest()
    assert len(find(station, "ksor mau")) == 1
    assert len(page.gone) == 1


# -- problems and questions --------------------------------------------------------------------


def test_what_is_missing_stands_beside_its_field(page, station) -> None:
    page.type("registration.national_id", "0641")
    page.type("registration.birth", "32/13/1992")
    page.type("registration.phone", "12")
    page.save()

    identity, contact = page.screen.form.identity, page.screen.form.contact
    assert "Không đọc được ngày sinh" in (identity.birth.problem or "")
    assert "giới tính" in (identity.sex.problem or "")
    assert "12 chữ số" in (identity.national_id.problem or "")
    assert "di động" in (contact.form.field("phone").problem or "")
    assert page.state.birth == "32/13/1992"
    page.type("registration.phone", "0900000123")
    assert contact.form.field("phone").problem is None


def test_an_expired_card_is_asked_about_and_a_yes_is_enough(page, station) -> None:
    page.scan(CARD_MINORITY)
    page.screen.form.coverages.add_card.click()
    page.type("coverages.0.number", "gd4529900000777")
    page.type("coverages.0.valid_from", "010125")
    page.type("coverages.0.valid_to", "31/12/25")
    block = page.screen.form.coverages.blocks[0]
    assert block.chip.spec.text == "Hết hạn từ 31/12/2025"
    page.save("only_save")
    assert page.gone == []
    assert [problem.code for problem in block.questions.problems] == ["coverage-expired"]

    page.tick("registration.coverages.0.questions.coverage-expired")
    page.save("only_save")
    (row,) = find(station, "ro cham")
    person = station.services.patients.get(station.nurse, row.id).record
    assert person.coverages[0].number == "GD4529900000777"
    assert person.coverages[0].valid_to == date(2025, 12, 31)


def test_a_yes_ends_with_what_was_asked(page) -> None:
    page.scan(CARD_MINORITY)
    page.type("registration.birth", "1970")
    page.tick("registration.identity.questions.national-id-birth-year")
    assert page.state.confirmed == ("national_id:national-id-birth-year",)
    page.type("registration.birth", "1971")
    assert page.state.confirmed == ()


def test_an_uncertain_name_must_be_read_again(page, station) -> None:
    page.scan("064192990001||Ro Cham H'Be|12031992|Nu|Lang Op, Xa Mau, Gia Lai|15082022")
    assert page.state.name_uncertain
    page.save("only_save")
    assert page.gone == []
    page.type("registration.full_name", "Rơ Châm H'Bĕ̆")
    page.save("only_save")
    assert [row.full_name for row in find(station, "ro cham")] == ["Rơ Châm H'Bĕ̆"]


def test_a_foreign_code_changes_nothing(page) -> None:
    page.type("registration.full_name", "Ksor Mẫu")
    before = page.state
    assert page.scan("https://example.vn/abc")
    assert "trang web" in page.banner
    assert page.state == before
    assert not page.screen.on_scan("SEMR1:ABC")  # a letter is the frame's


def test_words_left_in_an_adder_are_not_lost(page, station) -> None:
    page.scan(CARD_MINORITY)
    page.type("registration.allergies.add", "mật ong")
    page.save("only_save")
    assert page.gone == []
    assert "Chưa thêm dị ứng" in (page.screen.form.allergies.adder.problem or "")
    page.enter_key("registration.allergies.add")
    page.save("only_save")
    (row,) = find(station, "ro cham")
    person = station.services.patients.get(station.nurse, row.id).record
    assert [allergy.substance for allergy in person.allergies] == ["mật ong"]


def test_allergies_and_illnesses_carry_what_the_checks_compare(page, station) -> None:
    page.scan(CARD_MINORITY)
    page.choose("registration.allergies.add", "peni")
    type_text(page.editor("registration.allergies.0.reaction"), "Mày đay")
    page.tick("registration.allergies.0.severe")
    page.type("registration.conditions.add", "I10")
    page.qtbot.waitUntil(lambda: _list_of(page.editor("registration.conditions.add")).isVisible())
    page.enter_key("registration.conditions.add")
    type_text(page.editor("registration.conditions.0.since_year"), "2021")
    assert not page.screen.form.allergies.none.box.isEnabled()
    page.save("only_save")

    (row,) = find(station, "ro cham")
    person = station.services.patients.get(station.nurse, row.id).record
    (allergy,) = person.allergies
    assert (allergy.group, allergy.reaction, allergy.severe) == ("penicillin", "Mày đay", True)
    (condition,) = person.conditions
    assert (condition.icd_code, condition.since_year) == ("I10", 2021)


# -- people who may be the same ----------------------------------------------------------------


def test_a_known_number_shows_the_person_and_must_be_opened_or_confirmed(
    page, station, qtbot
) -> None:
    known = station.register(full_name="Rơ Châm H'Bĕ̆", national_id=NUMBER)
    page.scan(CARD_MINORITY)
    qtbot.waitUntil(lambda: page.people == ["Rơ Châm H'Bĕ̆"])
    asked = page.screen.form.identity.questions.problems
    assert [problem.code for problem in asked] == ["duplicate"]
    page.save("only_save")
    assert page.gone == []
    (card,) = page.screen.panel.cards
    card.setFocus()
    press(card, "", Qt.Key.Key_Return)
    assert page.gone == [(routes.PATIENTS, routes.PatientRoute(known.id))]

    page.tick("registration.identity.questions.duplicate")
    page.save("only_save")
    assert len(find(station, "ro cham")) == 2


def test_a_name_alone_already_shows_namesakes(page, station, qtbot) -> None:
    station.register(full_name="Ksor H'Nhung")
    page.type("registration.full_name", "ksor h'nh")
    qtbot.waitUntil(lambda: page.people == ["Ksor H'Nhung"])
    page.type("registration.full_name", "Siu Blơi")
    qtbot.waitUntil(lambda: page.people == [])


# -- drafts ------------------------------------------------------------------------------------


def test_what_was_typed_survives_a_crash(qtbot, session_of, station) -> None:
    session = session_of(Role.NURSE)
    first = Page(qtbot, session)
    first.type("registration.full_name", "Ksor Mẫu")
    first.type("registration.birth", "34")  # half typed
    qtbot.waitUntil(lambda: "Nháp đã tự lưu" in first.screen.header._detail.text())

    second = Page(qtbot, session_of(Role.NURSE))
    assert (second.state.full_name, second.state.birth) == ("Ksor Mẫu", "34")
    assert "Đã khôi phục" in second.banner
    second.act()
    assert not second.screen.dirty
    third = Page(qtbot, session_of(Role.NURSE))
    assert third.state.full_name == ""


def test_leaving_keeps_the_form_at_once(qtbot, session_of) -> None:
    first = Page(qtbot, session_of(Role.NURSE))
    first.type("registration.full_name", "Ksor Mẫu")
    assert first.screen.on_leave()
    first.rest()
    assert Page(qtbot, session_of(Role.NURSE)).state.full_name == "Ksor Mẫu"


def test_a_saved_person_leaves_no_draft(page, qtbot, session_of) -> None:
    page.scan(CARD_MINORITY)
    page.screen.save_action()
    page.save("only_save")
    assert Page(qtbot, session_of(Role.NURSE)).state.full_name == ""


def test_a_thrown_away_draft_can_be_had_back(page, qtbot) -> None:
    page.scan(CARD_MINORITY)
    with qtbot.waitSignal(page.screen.message) as caught:
        page.screen.discard.click()
    assert page.state.full_name == ""
    caught.args[0].action()
    assert page.state.full_name == "Rơ Châm H'Bĕ̆"


def test_another_card_never_lands_in_this_form(page) -> None:
    page.scan(CARD_MINORITY)
    page.scan(CARD_OLD_MAN)
    assert page.state.full_name == "Rơ Châm H'Bĕ̆"
    assert "Võ Hữu Tài" in page.banner
    page.act()
    assert page.state.full_name == "Võ Hữu Tài"
    page.enter(None)
    assert "Rơ Châm H'Bĕ̆ vẫn được giữ" in page.banner
    page.act()
    assert page.state.full_name == "Rơ Châm H'Bĕ̆"


def test_a_scan_from_elsewhere_starts_its_own_form(page, qtbot, session_of) -> None:
    page.type("registration.full_name", "Ksor Mẫu")
    page.enter(routes.RegistrationRoute(scan=parse_scan(CARD_OLD_MAN)))
    assert page.state.full_name == "Võ Hữu Tài"
    assert page.screen.on_leave()
    page.rest()

    after_a_crash = Page(qtbot, session_of(Role.NURSE))
    assert after_a_crash.state.full_name == "Võ Hữu Tài"
    after_a_crash.screen.discard.click()
    after_a_crash.enter(None)
    after_a_crash.act()
    assert after_a_crash.state.full_name == "Ksor Mẫu"


# -- a known person ----------------------------------------------------------------------------


def test_a_known_person_is_corrected_as_a_new_version(page, station) -> None:
    known = station.register(full_name="Ksor Mẫu", phone="0900000001")
    page.enter(routes.RegistrationRoute(patient_id=known.id))
    assert page.screen.queue.text() == "Lưu thay đổi"
    assert page.state.full_name == "Ksor Mẫu"
    assert not page.screen.dirty
    page.type("registration.phone", "0900000002")
    page.type("registration.amendment_reason", "Đổi số")
    page.save()

    assert page.gone == [(routes.PATIENTS, routes.PatientRoute(known.id))]
    card = station.services.patients.card(station.nurse, known.id)
    assert card.patient.phone == "0900000002"
    assert (card.version, max(card.history, key=lambda v: v.version).reason) == (2, "Đổi số")
    assert station.services.encounters.queue(station.nurse) == ()


def test_a_faster_colleague_costs_nothing(page, station) -> None:
    known = station.register(full_name="Ksor Mẫu", phone="0900000001", workplace="")
    page.enter(routes.RegistrationRoute(patient_id=known.id))
    page.type("registration.workplace", "Chợ Mẫu")
    other = replace(known, phone="0900000009")
    station.services.patients.update(station.director, other, 1, confirmed(station, other))
    page.save()
    assert "Người khác vừa sửa" in page.banner
    assert page.state.workplace == "Chợ Mẫu"
    page.act()
    assert page.state.phone == "0900000009"
    assert page.state.workplace == "Chợ Mẫu"
    page.save()
    record = station.services.patients.get(station.nurse, known.id).record
    assert (record.phone, record.workplace) == ("0900000009", "Chợ Mẫu")


def confirmed(station, patient) -> list[str]:
    return [f"{p.field}:{p.code}" for p in station.services.patients.check(patient)]


def test_half_done_corrections_wait_for_their_person(page, station, qtbot, session_of) -> None:
    one = station.register(full_name="Ksor Một", phone="0900000001", national_id="")
    two = station.register(full_name="Siu Hai", phone="0900000002", national_id="")
    page.enter(routes.RegistrationRoute(patient_id=one.id))
    page.type("registration.workplace", "Chợ Mẫu")
    page.enter(routes.RegistrationRoute(patient_id=two.id))
    assert page.state.workplace == two.workplace
    page.enter(None)
    assert page.state.full_name == ""

    later = Page(qtbot, session_of(Role.NURSE), routes.RegistrationRoute(patient_id=one.id))
    qtbot.waitUntil(lambda: later.state.workplace == "Chợ Mẫu")
    assert "Đã khôi phục" in later.banner


# -- the look ----------------------------------------------------------------------------------


def test_every_part_is_named_and_nothing_is_cut(page, qtbot, station) -> None:
    station.register(full_name="Nguyễn Văn Đạt", birth=BirthDate(2022, 2, 11), sex=Sex.MALE)
    page.scan(insurance_card(TODAY))
    page.choose("registration.allergies.add", "aspi")
    page.type("registration.conditions.add", "I10")
    page.qtbot.waitUntil(lambda: _list_of(page.editor("registration.conditions.add")).isVisible())
    page.enter_key("registration.conditions.add")
    page.screen.form.coverages.add_card.click()
    qtbot.waitUntil(lambda: bool(page.people))
    page.save()
    assert unnamed(page.screen) == []
    assert without_object_name(page.screen) == []
    assert duplicate_mnemonics(page.screen) == []
    assert clipped(page.screen) == []
    inside = page.screen.form.area
    assert inside.widget().width() <= inside.viewport().width()


def test_who_may_not_take_people_in_cannot_save(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.PHARMACIST))
    assert not page.screen.queue.isEnabled()
    assert not page.screen.only_save.isEnabled()


def test_no_part_flashes_as_a_window(qtbot, session_of, stray_windows) -> None:
    session = session_of(Role.NURSE)
    screen = RegistrationScreen(session)
    stray_windows.expected.add(screen)
    qtbot.addWidget(screen)
    screen.show()
    screen.on_enter()
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    screen.on_scan(insurance_card(TODAY))
    screen.on_scan(CARD_MINORITY)
    qtbot.waitUntil(lambda: session.runner.busy == 0)


def test_a_newer_card_of_the_same_number_replaces_the_old(page) -> None:
    page.scan(insurance_card(TODAY))
    page.type("coverages.0.valid_to", "31/12/2025")
    page.scan(insurance_card(TODAY))
    assert [card.valid_to for card in page.state.coverages] == ["30/09/2028"]
