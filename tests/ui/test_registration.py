"""Taking a person in by keys and scans, over a real encrypted station."""

from __future__ import annotations

from dataclasses import replace

from station_emr.demo.day import CARD_MINORITY, insurance_card
from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import Priority
from station_emr.domain.permissions import Role
from station_emr.domain.record import Sex
from station_emr.ui.models import routes
from station_emr.ui.screens.registration import RegistrationScreen
from tests.services.conftest import MORNING
from tests.ui.keys import type_text
from tests.ui.registration_page import Page, find, list_of, page
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

__all__ = ["page"]

TODAY = MORNING.date()


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


# -- the look ----------------------------------------------------------------------------------


def test_every_part_is_named_and_nothing_is_cut(page, qtbot, station) -> None:
    station.register(full_name="Nguyễn Văn Đạt", birth=BirthDate(2022, 2, 11), sex=Sex.MALE)
    page.scan(insurance_card(TODAY))
    page.choose("registration.allergies.add", "aspi")
    page.type("registration.conditions.add", "I10")
    page.qtbot.waitUntil(lambda: list_of(page.editor("registration.conditions.add")).isVisible())
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
