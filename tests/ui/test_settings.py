"""The settings by keys: what each role sees, and what saving really changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.errors import Problem
from station_emr.domain.permissions import Role
from station_emr.services.timekeeping import keep_time
from station_emr.ui.kit import apply_theme, tokens
from station_emr.ui.kit.memory import memory
from station_emr.ui.models import routes
from tests.services.conftest import MORNING
from tests.ui.driver import answers, pdf_text
from tests.ui.settings_page import Page
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


@pytest.mark.parametrize(
    ("role", "entries"),
    [
        (
            Role.DIRECTOR,
            [
                "station",
                "server",
                "backup",
                "retention",
                "export",
                "files",
                "gateways",
                "signing",
                "waiting",
                "recovery",
                "keys",
                "users",
                "rights",
                "emergency_review",
                "catalogs",
                "audit",
                "dossier",
                "sharing",
                "privacy",
                "ranges",
                "personal",
                "second_factor",
            ],
        ),
        (
            Role.ADMINISTRATOR,
            [
                "station",
                "server",
                "backup",
                "retention",
                "files",
                "gateways",
                "signing",
                "keys",
                "users",
                "rights",
                "emergency_review",
                "catalogs",
                "audit",
                "dossier",
                "personal",
                "second_factor",
            ],
        ),
        (
            Role.DOCTOR,
            ["backup", "waiting", "catalogs", "sharing", "privacy", "personal", "second_factor"],
        ),
        (Role.NURSE, ["emergency", "catalogs", "sharing", "privacy", "personal", "second_factor"]),
        (
            Role.INSPECTOR,
            ["retention", "catalogs", "audit", "sharing", "personal", "second_factor"],
        ),
    ],
)
def test_each_role_sees_what_it_may_change(qtbot, session_of, role, entries) -> None:
    page = Page(qtbot, session_of(role))

    assert page.entries == entries
    page.sweep()


def test_cards_lead_to_people_lists_and_log(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))

    for key in ("users", "catalogs", "audit", "sharing"):
        page.press_button(f"settings.{key}")

    went = [routes.USERS, routes.CATALOGS, routes.AUDIT, routes.SHARING]
    assert [key for key, _ in page.went] == went


def test_the_station_profile_is_checked_and_saved(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.screen.panel
    page.until(lambda: panel.form.field("name").value() == "Trạm Y tế xã Mẫu")

    page.type("station.code", "12")
    page.shortcut(Qt.Key.Key_S)
    page.until(lambda: panel.form.field("code").problem is not None)
    assert station.services.accounts.station().code == "DEMO1"

    page.type("station.code", "DEMO7")
    page.type("station.name", "Trạm Y tế xã Mẫu Hai")
    page.shortcut(Qt.Key.Key_S)
    page.until_said("Đã lưu thông tin trạm")
    saved = station.services.accounts.station()
    assert (saved.code, saved.name) == ("DEMO7", "Trạm Y tế xã Mẫu Hai")
    assert duplicate_mnemonics(page.screen) == []


def test_a_station_with_beds_says_so_by_a_tick(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    beds = page.screen.panel.form.field("has_beds")
    page.until(lambda: page.screen.panel.form.field("name").value() != "")
    before = station.services.accounts.station()
    assert beds.value() is before.has_beds is False

    page.tick(beds.box)
    page.shortcut(Qt.Key.Key_S)
    page.until_said("Đã lưu thông tin trạm")

    assert station.services.accounts.station() == replace(before, has_beds=True)
    page.sweep()


def test_the_theme_changes_at_once_and_is_remembered(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.NURSE))

    page.press_button("look.theme.1")

    assert tokens().name == "dark"
    assert memory().get("ui.theme") == "dark"
    apply_theme(QApplication.instance(), "light")


def test_the_own_password_is_judged_while_typing(qtbot, session_of, station, monkeypatch) -> None:
    page = Page(qtbot, session_of(Role.NURSE))
    changed = []
    monkeypatch.setattr(station.keys, "change_password", lambda *given: changed.append(given))
    monkeypatch.setattr(station.keys, "password_problems", short_password)
    panel = page.screen.panel

    page.type("own.password", "ngan")
    assert panel.new.problem == "Ngắn quá."
    page.type("own.password", "Du-Dai-2026-Mau!")
    assert panel.new.problem is None
    page.press_button("settings.own.change")
    assert panel.old.problem == "Hãy gõ mật khẩu đang dùng."
    assert panel.again.problem == "Hai lần gõ chưa giống nhau."

    page.type("own.old", "Cu-2026-Mau-Cu!")
    page.type("own.again", "Du-Dai-2026-Mau!")
    page.press_button("settings.own.change")
    page.until_said("Đã đổi mật khẩu")
    assert changed == [("ddmai", "Cu-2026-Mau-Cu!", "Du-Dai-2026-Mau!")]
    assert panel.new.value() == ""


def short_password(password, username, full_name):
    if len(password) >= 14:
        return ()
    return (Problem(field="password", code="short", message="Ngắn quá."),)


def test_a_new_recovery_code_is_shown_once_and_kept_on_paper(
    qtbot, session_of, station, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("recovery")
    answers.next = [False, True]
    page.press_button("settings.recovery.make")
    assert station.keys.codes == 0

    page.press_button("settings.recovery.make")
    page.until(lambda: panel.step is not None)
    assert "M A U A A" in page.find("setup.code").accessibleName()
    page.sweep()
    page.press_button("settings.recovery.done")
    assert "lưu phiếu" in panel.step.last.problem

    answers.next = [tmp_path / "phieu.pdf"]
    page.press_button("setup.save")
    assert "MAUA" in pdf_text(tmp_path / "phieu.pdf")
    page.type("setup.last", "MAUD1")
    page.press_button("settings.recovery.done")
    page.until_said("Mã mới đã có hiệu lực")
    assert panel.step is None
    assert panel.make.isVisible()


def test_the_code_does_not_stay_when_the_person_goes_elsewhere(qtbot, session_of, answers) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    panel = page.open("recovery")
    answers.next = [True]
    page.press_button("settings.recovery.make")
    page.until(lambda: panel.step is not None)

    page.open("personal")
    page.open("recovery")

    assert panel.step is None


def test_the_time_of_the_machine_is_confirmed_after_a_look_at_it(
    qtbot, session_of, station, answers
) -> None:
    with station.store.write() as work:
        keep_time(work, MORNING + timedelta(days=3000))
    session = session_of(Role.DIRECTOR)
    told = []
    session.changed.connect(told.append)
    page = Page(qtbot, session)
    panel = page.screen.panel
    page.until(panel.clock.isVisible)
    page.sweep()
    answers.next = [False, True]

    page.press_button("settings.clock.action")
    page.until(panel.clock.isVisible)
    assert station.services.accounts.clock_problem() != ""

    page.press_button("settings.clock.action")
    page.until_said("Đã xác nhận giờ của máy")
    assert station.services.accounts.clock_problem() == ""
    assert "20/11/2026" in answers.asked[0]
    assert not panel.clock.isVisible()
    assert len(told) == 1
