"""Registration: what is wrong, what is asked before saving, and people who may be the same."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Qt

from station_emr.demo.day import CARD_MINORITY
from station_emr.ui.models import routes
from tests.ui.keys import press, type_text
from tests.ui.registration_page import find, list_of, page

__all__ = ["page"]

NUMBER = "064192990001"


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
    page.qtbot.waitUntil(lambda: list_of(page.editor("registration.conditions.add")).isVisible())
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
