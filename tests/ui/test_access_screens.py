"""A right taken back before its end, names of rights that fit, and the rule of the own password."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.errors import Problem
from station_emr.domain.permissions import Action, Role
from station_emr.security.passwords import (
    DEFAULT_POLICY,
    WITH_SECOND_FACTOR,
    password_problems,
)
from station_emr.ui.screens.rights import RightsScreen
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.screens.users import UsersScreen
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]
WHY = "Thay dược sĩ nghỉ phép"


def opened(qtbot, made) -> ScreenDriver:
    page = ScreenDriver(qtbot, made)
    made.on_enter()
    return page


def give(station, action: Action) -> None:
    now = station.clock.now()
    station.services.people.access.give(
        station.director, "ddmai", [action], since=now, until=now + timedelta(days=9), reason=WHY
    )


def nurse_may(station, action: Action) -> bool:
    return action in station.services.people.roles.table(station.nurse)[Role.NURSE]


def chosen(qtbot, session) -> ScreenDriver:
    page = opened(qtbot, UsersScreen(session))
    page.until(lambda: page.screen._chosen is not None)
    row = next(r for r in page.screen.table.rows if r.user.username == "ddmai")
    page.screen.table.choose(row)
    page.until(lambda: page.screen._chosen.user.username == "ddmai")
    return page


def test_a_right_for_a_time_is_taken_back(qtbot, session_of, station, answers) -> None:
    give(station, Action.DISPENSE)
    assert nurse_may(station, Action.DISPENSE)
    page = chosen(qtbot, session_of(Role.DIRECTOR))

    answers.next = [False]
    page.press_button("account.end")
    assert nurse_may(station, Action.DISPENSE)
    answers.next = [True]
    page.press_button("account.end")

    page.until_said("Đã thu lại quyền có thời hạn")
    assert not nurse_may(station, Action.DISPENSE)
    page.until(lambda: not page.screen.account.end.isVisible())
    page.sweep()
    assert duplicate_mnemonics(page.screen) == []


def test_of_several_rights_one_is_named(qtbot, session_of, station, answers) -> None:
    for action in (Action.DISPENSE, Action.AUDIT_VIEW):
        give(station, action)
    page = chosen(qtbot, session_of(Role.DIRECTOR))
    grants = page.screen._chosen.account.grants
    wanted = next(one for one in grants if Action.AUDIT_VIEW in one.actions)

    answers.next = [wanted, True]
    page.press_button("account.end")

    page.until_said("Đã thu lại")
    assert nurse_may(station, Action.DISPENSE)
    assert not nurse_may(station, Action.AUDIT_VIEW)


def test_without_a_right_for_a_time_there_is_nothing_to_take(qtbot, session_of, station) -> None:
    page = chosen(qtbot, session_of(Role.DIRECTOR))
    assert not page.screen.account.end.isVisible()


def test_the_names_of_all_rights_fit(qtbot, session_of) -> None:
    """On the smallest panel; on a narrower window the tip and the card have the whole name."""
    page = opened(qtbot, RightsScreen(session_of(Role.DIRECTOR)))
    page.until(lambda: len(page.screen.table.rows) == len(Action))
    table = page.screen.table
    assert table.sizeHintForColumn(0) <= table.columnWidth(0)
    header, model = table.horizontalHeader(), table.model()
    cut = [
        title
        for place in range(1, len(Role) + 1)
        for title in [str(model.headerData(place, Qt.Orientation.Horizontal))]
        if header.fontMetrics().horizontalAdvance(title) + 12 > table.columnWidth(place)
    ]
    assert cut == []
    page.screen.resize(712, 360)
    assert table.columnWidth(0) >= 130
    assert table.current() is not None


@pytest.mark.parametrize(("joined", "least"), [(False, 14), (True, 8)])
def test_the_own_password_is_held_to_the_own_rule(
    qtbot, session_of, station, monkeypatch, joined, least
) -> None:
    def judged(
        password: str, username: str, full_name: str, *, second_factor: bool = False
    ) -> tuple[Problem, ...]:
        policy = WITH_SECOND_FACTOR if second_factor else DEFAULT_POLICY
        return password_problems(password, username, full_name, policy)

    changed: list[tuple[str, ...]] = []
    monkeypatch.setattr(station.keys, "password_problems", judged)
    monkeypatch.setattr(station.keys, "change_password", lambda *given: changed.append(given))
    with station.store.write() as work:
        state = work.access.state(station.nurse.user.id)
        work.access.put_state(replace(state, totp_secret="00" * 20 if joined else ""))
    page = opened(qtbot, SettingsScreen(session_of(Role.NURSE)))
    panel = page.screen.open_panel("personal")
    page.until(lambda: f"Ít nhất {least} ký tự" in panel.new.note)

    page.type("own.old", "cu")
    page.type("own.password", "Muoi-2!ab")
    page.type("own.again", "Muoi-2!ab")
    page.press_button("settings.own.change")

    if joined:
        page.until_said("Đã đổi mật khẩu")
        assert changed == [("ddmai", "cu", "Muoi-2!ab")]
    else:
        assert "ít nhất 14" in panel.new.problem
        assert changed == []
