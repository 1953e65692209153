"""A half-typed registration: kept, found again, thrown away, never mixed with another person."""

from __future__ import annotations

from station_emr.demo.day import CARD_MINORITY, CARD_OLD_MAN
from station_emr.domain.permissions import Role
from station_emr.domain.scan import parse_scan
from station_emr.ui.models import routes
from tests.ui.registration_page import Page, page

__all__ = ["page"]


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
