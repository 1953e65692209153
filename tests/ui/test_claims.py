"""The page of claims, the panel of the gateways and the line about a card, driven as by a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.demo.gateways_bhxh import InsuranceImitation
from station_emr.demo.gateways_donthuoc import PrescriptionImitation
from station_emr.demo.gateways_serving import Fault
from station_emr.domain.claim import ClaimPlace
from station_emr.domain.gateway import Gateway, MessageKind, MessageState
from station_emr.domain.permissions import Action, Role
from station_emr.services.gateways import GatewayStanding
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from station_emr.ui.models.card_line import CardLine
from station_emr.ui.models.gateway_line import standing_words
from station_emr.ui.screens.claims import ClaimsScreen
from station_emr.ui.screens.claims.jump import place_of
from station_emr.ui.screens.claims.period import MONTH
from station_emr.ui.screens.settings.gateway_panel import GatewayPanel
from station_emr.ui.screens.settings.screen import SettingsScreen
from tests.gateways.conftest import PATIENCE
from tests.gateways.desk import Desk, treated
from tests.services.conftest import MORNING
from tests.services.test_billing import CARD
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


@pytest.fixture
def ends(station):
    bhxh = InsuranceImitation("DEMO1", "DEMO1_BV", "mat khau", now=station.clock.now)
    rx = PrescriptionImitation("CS-MAU-1", "mat khau", {"BS-MAU-1": "mat khau bs"})
    bhxh.start()
    rx.start()
    yield bhxh, rx
    bhxh.stop()
    rx.stop()


@pytest.fixture
def page(qtbot, session_of, station, ends):
    """``page(role)`` is the page over a station that is joined to both imitations."""

    def make(role: Role = Role.DIRECTOR, context: object = None) -> ScreenDriver:
        driver = ScreenDriver(qtbot, ClaimsScreen(session_of(role)))
        driver.screen.on_enter(context)
        return driver

    desk = Desk(station, *ends, PATIENCE)
    make.desk = desk
    return make


def page_title(driver) -> str:
    """The line of detail under the title."""
    return driver.screen.header._detail.text()


def test_the_day_is_listed_with_what_must_be_mended_and_where(page, station) -> None:
    visit = treated(station).id
    driver = page()
    screen = driver.screen
    driver.until(lambda: len(screen.lines.rows) == 1)

    assert screen.lines.rows[0].encounter_id == visit
    assert "bảng kê" in screen.detail.findings.rows[0].message
    driver.sweep()
    driver.press_button("claims.mend")
    assert driver.went == [(routes.BILLING, routes.BillRoute(visit, field=""))]

    driver.press_button("claims.period.1")
    assert screen.period.kind.value() == MONTH
    driver.until(lambda: "trước 05/12/2026" in page_title(driver))
    driver.press_button("claims.before")
    driver.until(lambda: screen.lines.rows == ())


def test_what_is_unknown_is_decided_here_and_only_after_a_question(page, station, answers) -> None:
    desk, rx = page.desk, page.desk.rx
    paper = desk.prescribed()
    rx.fail(Fault.CUT)
    desk.send()
    driver = page(context=routes.ClaimsRoute(tab="decide"))
    screen = driver.screen
    driver.until(lambda: len(screen.decide.rows) == 1)
    assert "Đường truyền đứt" in screen.foot.words.text()
    driver.sweep()

    answers.next = [False]
    driver.press_button("claims.again")
    assert desk.message(MessageKind.PRESCRIPTION, paper).state is MessageState.UNKNOWN
    answers.next = ["Mã 123 trên trang của cổng"]
    driver.press_button("claims.arrived")
    driver.until(lambda: screen.decide.rows == ())
    found = desk.message(MessageKind.PRESCRIPTION, paper)
    assert (found.state, found.reason) == (MessageState.ACCEPTED, "Mã 123 trên trang của cổng")


def test_a_refused_prescription_is_not_sent_again_but_kept_to_look_at(
    page, station, answers, tmp_path
) -> None:
    desk = page.desk
    desk.prescribed()
    desk.rx.fail(Fault.REFUSED)
    desk.send()
    driver = page(context=routes.ClaimsRoute(tab="papers"))
    screen = driver.screen
    driver.until(lambda: len(screen.papers.rows) == 1)
    assert "Hãy sửa số lượng" in screen.foot.words.text()
    assert not screen.foot.again.isVisible()
    answers.next = [tmp_path / "don.json"]
    driver.press_button("claims.keep")
    driver.until((tmp_path / "don.json").exists)
    assert (tmp_path / "don.json").read_bytes().startswith(b"{")


def test_the_times_without_a_gateway_are_printed(page, answers, tmp_path) -> None:
    desk = page.desk
    desk.prescribed()
    desk.rx.down = True
    desk.send()
    driver = page(context=routes.ClaimsRoute(tab="away"))
    driver.until(lambda: len(driver.screen.away.rows) == 1)
    assert driver.screen.away.chosen() == driver.screen.away.rows  # the whole line, not a cell
    answers.next = [tmp_path / "bang-chung.pdf"]
    driver.press_button("claims.evidence")
    driver.until((tmp_path / "bang-chung.pdf").exists)


def test_who_only_reads_decides_nothing(page) -> None:
    desk = page.desk
    desk.prescribed()
    desk.rx.fail(Fault.CUT)
    desk.send()
    driver = page(Role.INSPECTOR, routes.ClaimsRoute(tab="decide"))
    screen = driver.screen
    driver.until(lambda: len(screen.decide.rows) == 1)
    for button in (screen.sign, screen.export, screen.foot.again, screen.foot.arrived):
        assert not button.isVisible()


def test_every_place_of_a_finding_has_a_page() -> None:
    def everything(_action: Action) -> bool:
        return True

    for screen, page in (
        ("visit", routes.ENCOUNTER),
        ("prescription", routes.ENCOUNTER),
        ("patient", routes.REGISTRATION),
        ("bill", routes.BILLING),
        ("letter", routes.REFERRALS),
        ("certificate", routes.CERTIFICATE),
        ("settings", routes.SETTINGS),
    ):
        place = ClaimPlace(patient_id="p", encounter_id="e", screen=screen, field="weight")
        found = place_of(place, everything)
        assert found is not None
        assert found[0] == page
    assert place_of(ClaimPlace(), everything) is None


def test_each_gateway_is_told_in_a_true_sentence() -> None:
    off = GatewayStanding(
        gateway=Gateway.INSURANCE, on=False, address="", waiting=0, unsigned=0, unknown=0, refused=0
    )
    now = MORNING
    assert standing_words(off, now)[1] == "Cổng giám định BHYT: chưa bật."
    away = replace(off, on=True, waiting=3, away_since=now - timedelta(hours=1), unknown=1)
    severity, words = standing_words(away, now)
    assert severity is Severity.WARNING
    assert "3 mục chờ gửi vẫn an toàn ở trạm" in words
    assert "1 mục cần người xử lý" in words
    idle = replace(off, on=True, last_at=now - timedelta(minutes=5))
    assert standing_words(idle, now) == (
        Severity.SUCCESS,
        "Cổng giám định BHYT: không còn gì chờ, lần gửi cuối 5 phút trước.",
    )


def test_the_accounts_are_filled_in_tried_and_the_password_is_not_shown(
    qtbot, session_of, station, ends
) -> None:
    bhxh, _rx = ends
    driver = ScreenDriver(qtbot, SettingsScreen(session_of(Role.DIRECTOR)))
    panel = driver.screen.open_panel("gateways")
    assert isinstance(panel, GatewayPanel)
    driver.until(lambda: "Chưa có" in panel.password.note)
    panel.form.set_values(
        {
            **panel.form.values(),
            "insurance_on": True,
            "insurance_choice": "other",
            "insurance_url": bhxh.url,
            "insurance_account": "DEMO1_BV",
            "insurance_password": "mat khau",
        }
    )
    driver.press_button("settings.gateway.save")
    driver.until(lambda: "Đã có trong kho khóa" in panel.password.note)
    assert panel.password.value() == ""
    assert station.services.gateways.settings.read().insurance_account == "DEMO1_BV"

    driver.press_button("settings.gateway.try_insurance")
    driver.until(lambda: "Đăng nhập được" in (panel.note.message or panel.note).text)
    assert bhxh.taken == []
    driver.sweep()


def test_a_card_is_looked_up_without_waiting_and_its_age_is_told(
    qtbot, session_of, station, ends
) -> None:
    Desk(station, *ends, PATIENCE)
    someone = station.register(coverages=(CARD,))
    line = CardLine(session_of(Role.NURSE), "test.card")
    qtbot.addWidget(line)
    line.show_known(someone.id)
    qtbot.waitUntil(line.isVisible)
    assert line.words.text() == "Chưa tra thẻ trên cổng."

    qtbot.mouseClick(line.ask, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Dùng được thẻ" in line.words.text())
    assert "hạn 31/12/2026. Cổng trả lời 0 phút trước." in line.words.text()

    ends[0].down = True
    station.clock.forward(hours=3)
    qtbot.mouseClick(line.ask, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "chưa được; cứ tiếp đón" in line.words.text())
    assert "Dùng được thẻ" in line.words.text()
    assert "Cổng trả lời 3 giờ trước." in line.words.text()


def test_at_reception_a_returning_person_is_looked_up_by_itself_once(
    qtbot, session_of, station, ends
) -> None:
    desk = Desk(station, *ends, PATIENCE)
    someone = station.register(coverages=(CARD,))
    line = CardLine(session_of(Role.NURSE), "test.card", by_itself=True)
    qtbot.addWidget(line)
    line.show_known(someone.id)
    qtbot.waitUntil(lambda: "Dùng được thẻ" in line.words.text())
    line.show_known(someone.id)
    qtbot.waitUntil(line.ask.isEnabled)
    assert len(desk.gateways.cards.history(station.nurse, someone.id)) == 1
