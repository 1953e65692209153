"""Rights, emergency door, reviews and second factor by keys; what the log-in page asks for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from station_emr.domain import one_time_code as otp
from station_emr.domain.door import (
    JoiningNeeded,
    NewPasswordNeeded,
    SecondFactorNeeded,
    WrongCode,
)
from station_emr.domain.errors import InvalidRecord, Problem, WrongPassword
from station_emr.domain.permissions import Action, Role
from station_emr.printing.qr import matrix
from station_emr.services.rights_effect import HeldBack
from station_emr.services.roles import Origin
from station_emr.ui.kit import dialogs
from station_emr.ui.models import routes
from station_emr.ui.models.gate import GateFace, StaffTile
from station_emr.ui.screens.emergency import EmergencyReviewScreen, EmergencyScreen
from station_emr.ui.screens.login import CodesPage, LoginPage
from station_emr.ui.screens.rights import RightsReviewScreen, RightsScreen
from station_emr.ui.screens.rights.screen import origin_text
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.screens.users import UsersScreen
from station_emr.ui.shell.registry import screens_for
from tests.ui.driver import Answers, ScreenDriver
from tests.ui.keys import press, type_text
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

REASON = "Người bệnh bất tỉnh, cần biết dị ứng"


@pytest.fixture
def answers():
    mine = Answers()
    before = dialogs.use_dialogs(mine)
    yield mine
    dialogs.use_dialogs(before)


def opened(qtbot, made) -> ScreenDriver:
    page = ScreenDriver(qtbot, made)
    made.on_enter()
    return page


# -- rights ----------------------------------------------------------------------------------------


def test_a_right_is_changed_by_keys_and_shown_before_and_after(
    qtbot, session_of, station, answers
) -> None:
    page = opened(qtbot, RightsScreen(session_of(Role.DIRECTOR)))
    table = page.screen.table
    page.until(lambda: len(table.rows) == len(Action))
    table.choose(next(row for row in table.rows if row.action is Action.DISPENSE))
    assert not page.screen.boxes[Role.ADMINISTRATOR].editor.isEnabled()
    assert "Quản trị hệ thống" in page.screen._told.text()

    page.tick(page.screen.boxes[Role.NURSE].box)
    answers.next = [True]
    page.shortcut(Qt.Key.Key_S)

    page.until_said("Đã đổi 1 quyền")
    assert answers.asked == ["Đổi quyền “cấp phát thuốc”?"]
    nurse = station.nurse
    assert Action.DISPENSE in station.services.people.roles.table(nurse)[Role.NURSE]
    page.until(lambda: table.current().of(Role.NURSE).granted)
    director = station.director.user.full_name
    assert f"{director} ghi ở Máy 1" in page.screen.note.text()
    page.sweep()


def test_the_page_says_what_another_pc_decided_and_was_not_let_in() -> None:
    held = HeldBack(
        unit="nurse.user_manage",
        words="Điều dưỡng: được quản lý người dùng",
        by_name="Người Mẫu",
        device="Máy 2",
        at="2026-11-20T08:00:00+07:00",
        why="người ghi không có quyền này trên máy này",
    )
    told = origin_text(Origin(held=(held,)))
    assert (
        "Chưa cho có hiệu lực: Điều dưỡng: được quản lý người dùng (Người Mẫu ghi ở Máy 2)" in told
    )
    assert "Bảng đang dùng" not in told
    assert "Còn 3 mục như vậy" in origin_text(Origin(held=(held,) * 5))


def test_pages_follow_the_rights_of_the_station(session_of, station) -> None:
    roles = station.services.people.roles
    for action in (Action.PATIENT_VIEW, Action.ENCOUNTER_VIEW):
        roles.change(station.director, [(Role.PHARMACIST, action, False)])

    keys = {spec.key for spec in screens_for(session_of(Role.PHARMACIST))}

    assert routes.EMERGENCY in keys
    assert not {routes.TODAY, routes.PATIENTS, routes.MEDICINES} & keys
    assert routes.EMERGENCY not in {spec.key for spec in screens_for(session_of(Role.DOCTOR))}
    admin = {spec.key for spec in screens_for(session_of(Role.ADMINISTRATOR))}
    assert routes.EMERGENCY not in admin


def test_everybody_is_reviewed_once_a_year(qtbot, session_of, station) -> None:
    page = opened(qtbot, RightsReviewScreen(session_of(Role.DIRECTOR)))
    page.until(lambda: len(page.screen.table.rows) == 7)
    assert all(row.due for row in page.screen.table.rows)

    page.press_button("review.keep")

    page.until_said("Đã rà soát quyền của")
    page.until(lambda: sum(row.due for row in page.screen.table.rows) == 6)
    page.sweep()


# -- emergency -------------------------------------------------------------------------------------


@pytest.fixture
def shut(station):
    person = station.register()
    for action in (Action.PATIENT_VIEW, Action.ENCOUNTER_VIEW):
        station.services.people.roles.change(station.director, [(Role.PHARMACIST, action, False)])
    return person


def test_a_record_is_opened_and_nothing_of_it_stays(qtbot, session_of, station, shut) -> None:
    page = opened(qtbot, EmergencyScreen(session_of(Role.PHARMACIST)))
    page.type("emergency.reason", REASON)
    page.type("emergency.text", shut.full_name)
    page.key(Qt.Key.Key_Return)
    page.until(lambda: len(page.screen.table.rows) == 1)

    page.press_button("emergency.open")

    page.until(lambda: page.screen._who.text() == shut.full_name)
    assert "Dị ứng" in page.screen._told.text()
    page.sweep()
    page.screen.on_lock()
    assert (page.screen._who.text(), page.screen._told.text()) == ("", "")
    assert page.screen.table.rows == ()


def test_without_a_reason_nothing_opens(qtbot, session_of, station, shut) -> None:
    page = opened(qtbot, EmergencyScreen(session_of(Role.PHARMACIST)))
    page.type("emergency.text", shut.full_name)
    page.key(Qt.Key.Key_Return)
    page.until(lambda: len(page.screen.table.rows) == 1)
    page.press_button("emergency.open")
    page.until(lambda: page.screen.reason.problem is not None)
    assert page.screen._told.text() == ""


def test_an_access_is_judged_with_a_note(qtbot, session_of, station, shut) -> None:
    pharmacist = station.actor(Role.PHARMACIST)
    station.services.people.emergency.open(pharmacist, shut.id, REASON)
    page = opened(qtbot, EmergencyReviewScreen(session_of(Role.DIRECTOR)))
    page.until(lambda: len(page.screen.table.rows) == 1)
    assert page.screen._chip(page.screen.table.rows[0]).text == "Chờ duyệt"

    page.press_button("emergency_review.save")
    assert page.screen.verdict.problem == "Chưa chọn kết luận."
    page.press_button("review.verdict.0")
    page.type("review.note", "Đúng là cấp cứu")
    page.press_button("emergency_review.save")

    page.until_said("Đã duyệt")
    page.until(lambda: page.screen._chip(page.screen.table.rows[0]).text == "Đã duyệt")
    page.sweep()


# -- accounts --------------------------------------------------------------------------------------


def chosen(page, username) -> None:
    page.until(lambda: page.screen._chosen is not None)
    row = next(r for r in page.screen.table.rows if r.user.username == username)
    page.screen.table.choose(row)
    page.until(lambda: page.screen._chosen.user.username == username)


def test_an_account_is_closed_opened_and_left(qtbot, session_of, station, answers) -> None:
    page = opened(qtbot, UsersScreen(session_of(Role.DIRECTOR)))
    chosen(page, "ddmai")
    page.press_button("account.suspend")
    page.until_said("Đã tạm ngừng")
    page.until(lambda: page.screen._chosen.account.closed is not None)
    assert "tạm ngừng" in page.screen.account.state.text()
    page.press_button("account.reopen")
    page.until(lambda: page.screen._chosen.account.closed is None)
    page.type("account.valid_until", "31/12/2026")
    page.press_button("account.limit")
    page.until_said("Đã đặt thời hạn")
    answers.next = [True]
    page.press_button("account.leave")
    page.until_said("nghỉ việc")
    assert station.keys.removed == ["ddmai"]


def test_a_right_for_a_time_is_given(qtbot, session_of, station, answers) -> None:
    page = opened(qtbot, UsersScreen(session_of(Role.DIRECTOR)))
    chosen(page, "ddmai")
    answers.next = [Action.DISPENSE, "30/11/2026", "Thay dược sĩ nghỉ phép"]
    page.press_button("account.give")
    page.until_said("Đã cấp quyền có thời hạn")
    table = station.services.people.roles.table
    assert Action.DISPENSE in table(station.nurse)[Role.NURSE]
    page.until(lambda: "Có quyền đến" in page.screen.account.state.text())
    station.clock.forward(days=12)
    assert Action.DISPENSE not in table(station.nurse)[Role.NURSE]


def test_the_station_says_who_needs_a_telephone(qtbot, session_of, station) -> None:
    page = opened(qtbot, SettingsScreen(session_of(Role.DIRECTOR)))
    panel = page.screen.open_panel("second_factor")
    page.until(panel.roles[Role.ADMINISTRATOR].value)
    assert not panel.roles[Role.ADMINISTRATOR].editor.isEnabled()
    page.tick(panel.roles[Role.DOCTOR].box)
    page.press_button("factor.rules")
    page.until_said("Đã lưu.")
    policy = station.services.people.access.policy(station.director)
    assert policy.second_factor == {Role.ADMINISTRATOR, Role.DOCTOR}
    page.sweep()


def test_nobody_changes_the_own_account_here(qtbot, session_of) -> None:
    page = opened(qtbot, UsersScreen(session_of(Role.DIRECTOR)))
    chosen(page, "giamdoc")
    for button in (page.screen.account.leave, page.screen.account.suspend):
        assert not button.isVisible()


def test_a_telephone_is_joined_from_the_own_page(qtbot, session_of, station) -> None:
    page = opened(qtbot, SettingsScreen(session_of(Role.NURSE)))
    panel = page.screen.open_panel("second_factor")
    page.until(lambda: panel.state.text() == "Chưa bật.")
    page.press_button("factor.begin")
    page.until(panel.code.editor.isVisible)
    page.type("factor.code", "000000")
    page.press_button("factor.confirm")
    page.until(lambda: panel.code.problem is not None)
    with station.store.read() as work:
        secret = bytes.fromhex(work.access.state(station.nurse.user.id).pending_secret)
    page.type("factor.code", otp.code_at(secret, otp.step_at(station.clock.now())))
    page.press_button("factor.confirm")

    page.until(panel.codes.isVisible)
    assert len(panel.codes.text().split()) == 10
    page.sweep()
    panel.load()  # the page is left and opened again
    page.until(lambda: panel.state.text() == "Đang bật. Còn 10 mã dự phòng.")
    assert panel.codes.text() == ""


# -- log-in ----------------------------------------------------------------------------------------

FACE = GateFace(
    station="Trạm Y tế xã Mẫu",
    people=(
        StaffTile(username="hoa", name="BS. Nguyễn Thị Mẫu", role="Bác sĩ"),
        StaffTile(username="mai", name="ĐD. Trần Thị Mẫu", role="Điều dưỡng"),
    ),
)


@pytest.fixture
def login(qtbot):
    page = LoginPage(FACE)
    qtbot.addWidget(page)
    page.resize(1366, 768)
    page.show()
    qtbot.waitActive(page)
    page.given = []
    page.submitted.connect(lambda *given: page.given.append(given))
    page.password.set_value("Mật khẩu")
    return page


def swept(page) -> None:
    assert unnamed(page) == []
    assert without_object_name(page) == []
    assert duplicate_mnemonics(page) == []
    assert clipped(page) == []


def test_the_code_is_asked_after_the_password(login) -> None:
    assert not login.asked.is_asking
    login.answer(SecondFactorNeeded("Hãy gõ mã."))
    code = login.asked.code.editor
    assert code.hasFocus()
    press(code, key=Qt.Key.Key_Return)
    assert login.given == []
    type_text(code, "123456")
    press(code, key=Qt.Key.Key_Return)
    assert login.given == [("hoa", "Mật khẩu")]
    login.answer(WrongCode("Còn 4 lần thử."))
    assert login.asked.code.problem == "Còn 4 lần thử."
    swept(login)


def test_a_telephone_is_joined_on_the_page(login) -> None:
    rows = matrix("otpauth://totp/mau")
    login.answer(JoiningNeeded("Hãy quét.", secret="ABCD EFGH", address="", squares=rows))
    assert login.asked.picture.isVisible()
    assert login.asked.secret.text() == "ABCD EFGH"
    assert not login.asked.new.isVisible()
    swept(login)


def test_a_new_password_is_typed_twice(login) -> None:
    login.answer(NewPasswordNeeded("Hãy chọn mật khẩu mới."))
    login.asked.new.set_value("Mot-mat-khau-moi-1")
    login.asked.again.set_value("khac")
    login.enter.click()
    assert login.given == []
    assert login.asked.again.problem == "Hai lần gõ không giống nhau."
    login.asked.again.set_value("Mot-mat-khau-moi-1")
    login.enter.click()
    assert login.given == [("hoa", "Mật khẩu")]
    problem = Problem(field="password", code="reused", message="Đã dùng trước đây.")
    login.answer(InvalidRecord((problem,)))
    assert login.asked.new.problem == "Đã dùng trước đây."
    swept(login)


def test_another_person_finds_nothing_of_it(login) -> None:
    login.answer(NewPasswordNeeded("Hãy chọn mật khẩu mới."))
    login.asked.new.set_value("Mot-mat-khau-moi-1")
    login.choose("mai")
    assert not login.asked.is_asking
    assert login.asked.new.value() == ""
    login.answer(SecondFactorNeeded("Hãy gõ mã."))
    login.answer(WrongPassword("Sai mật khẩu."))
    assert not login.asked.is_asking


def test_codes_are_shown_once_and_put_away_by_hand(qtbot) -> None:
    page = CodesPage("Trạm Y tế xã Mẫu", [f"ABCD-EFG{n}" for n in range(10)])
    qtbot.addWidget(page)
    page.show()
    with qtbot.waitSignal(page.done):
        page.go.click()
    swept(page)
