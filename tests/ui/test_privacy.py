"""Consents, requests and leaks by keys; nothing is chosen beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.consent import ConsentForm
from station_emr.domain.operation import Origin
from station_emr.domain.permissions import Role
from station_emr.domain.record import Changes, RecordStatus
from station_emr.ui.kit import dialogs
from station_emr.ui.models import routes
from station_emr.ui.screens.patients import PatientsScreen
from station_emr.ui.screens.privacy import PrivacyScreen
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


class Desk(ScreenDriver):
    def __init__(self, qtbot, station, session) -> None:
        self.station, self.session = station, session
        self.person = station.register(birth=BirthDate(1980, 2, 3))
        super().__init__(qtbot, PrivacyScreen(session))

    def enter(self, tab: str = "consents") -> None:
        self.screen.on_enter(routes.PrivacyRoute(self.person.id, tab))
        self.rest()

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    def fill(self, monkeypatch, fill) -> None:
        """Somebody fills the next dialog and presses its main button."""

        def run(dialog) -> bool:
            fill(dialog)
            dialog.accept()
            return dialog.result() == 1

        monkeypatch.setattr(dialogs, "run_dialog", run)


@pytest.fixture
def desk(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.DOCTOR))


def test_nothing_is_ticked_before_the_person_says_so(desk, monkeypatch) -> None:
    desk.enter()
    seen = []

    def look(dialog) -> None:
        seen.append((dialog.purpose.value(), dialog.way.value()))
        assert not dialog.form.field("purpose").problem

    desk.fill(monkeypatch, look)
    desk.press_button("privacy.give")
    desk.rest()
    assert seen == [(None, None)]
    assert desk.screen.consents.table.rows == ()


def test_a_consent_is_written_down_and_taken_back(desk, monkeypatch, answers) -> None:
    desk.enter()

    def fill(dialog) -> None:
        dialog.purpose.set_value("contact-phone")
        dialog.way.set_value(ConsentForm.PAPER)
        dialog.form.field("paper_number").set_value("ĐY-1")

    desk.fill(monkeypatch, fill)
    desk.press_button("privacy.give")
    desk.rest()
    (row,) = desk.screen.consents.table.rows
    assert (row.consent.purpose, row.consent.paper_number) == ("contact-phone", "ĐY-1")
    desk.sweep()

    monkeypatch.setattr(dialogs, "ask_text", lambda *_a, **_k: "Người bệnh")
    desk.press_button("privacy.withdraw")
    desk.rest()
    assert "trả lời trước" in desk.screen.consents.table.as_text(only_chosen=False)
    assert not desk.screen.consents.take_back.isEnabled()
    desk.press_button("privacy.told")
    desk.rest()
    assert "Đã rút lại" in desk.screen.consents.table.as_text(only_chosen=False)


def test_a_request_gets_its_deadline_and_a_refused_one_says_why(desk, monkeypatch) -> None:
    desk.enter("requests")
    problems = []

    def fill(dialog) -> None:
        dialog.form.field("asker_paper").set_value("")
        dialog.accept()
        problems.append(dialog.form.field("asker_paper").problem)
        dialog.form.field("asker_paper").set_value("MẪU-1")

    desk.fill(monkeypatch, fill)
    desk.press_button("privacy.receive")
    desk.rest()
    assert "số giấy tờ" in problems[0]
    (row,) = desk.screen.requests.table.rows
    assert row.request.number == "YC-A1.26-0001"
    assert "Hạn 24/11" in desk.screen.requests.table.as_text(only_chosen=False)
    desk.sweep()


def test_what_another_pc_took_in_appears_with_its_deadline_and_its_machine(desk) -> None:
    desk.enter("requests")
    assert desk.screen.requests.table.rows == ()
    at = desk.station.clock.now() - timedelta(days=9)
    arrived = replace(
        desk.station.services.privacy.requests.blank(desk.session.actor, desk.person.id),
        number="YC-B.26-0001",
        asker_paper="MẪU-1",
        received_at=at,
    )
    with desk.station.store.write() as work:
        changed = work.requests.add_replica(
            arrived,
            RecordStatus.SIGNED,
            author=("far", "Người Ghi Mẫu"),
            at=at,
            parents=(),
            origin=Origin.REPLICA,
            device="Máy 2",
        )
    desk.session.changed.emit(Changes((changed,)))
    desk.rest()
    (row,) = desk.screen.requests.table.rows
    assert row.late
    shown = desk.screen.requests.table.as_text(only_chosen=False)
    assert "Máy 2" in shown
    assert f"Quá hạn {arrived.reply_due:%d/%m}" in shown

    desk.station.services.privacy.requests.reply(desk.session.actor, arrived.id, "Sẽ giao")
    desk.enter("requests")
    assert "Máy này" in desk.screen.requests.table.as_text(only_chosen=False)


def test_papers_go_where_the_person_says(desk, monkeypatch, tmp_path) -> None:
    desk.enter()
    target = tmp_path / "phieu.pdf"
    monkeypatch.setattr(dialogs, "save_file", lambda *_a: target)
    desk.press_button("privacy.consent_form")
    desk.rest()
    assert target.read_bytes().startswith(b"%PDF")


def test_a_leak_is_written_down_with_its_clock(desk, monkeypatch) -> None:
    desk.enter("breaches")

    def fill(dialog) -> None:
        for key in ("what", "who", "done"):
            dialog.form.field(key).set_value("Mẫu")

    desk.fill(monkeypatch, fill)
    desk.press_button("privacy.breach")
    desk.rest()
    assert "Còn 7" in desk.screen.breaches.table.as_text(only_chosen=False)
    desk.sweep()


def test_the_chart_leads_here(qtbot, station, session_of) -> None:
    session = session_of(Role.NURSE)
    person = station.register()
    driver = ScreenDriver(qtbot, PatientsScreen(session))
    driver.screen.on_enter(routes.PatientRoute(person.id))
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    driver.press_button("patients.privacy")
    assert driver.went == [(routes.PRIVACY, routes.PrivacyRoute(person.id))]
