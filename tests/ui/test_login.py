"""The pages before a station is open, by keys: names, lock, recovery, trouble."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from station_emr.domain.errors import Problem
from station_emr.ui.kit.memory import memory
from station_emr.ui.models.gate import GateFace, StaffTile
from station_emr.ui.screens.login import LoginPage, RecoveryPage, TroublePage
from tests.ui.keys import press, type_text
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name

HOA = StaffTile(username="hoa", name="BS. Nguyễn Thị Mẫu", role="Bác sĩ")
MAI = StaffTile(username="mai", name="ĐD. Trần Thị Mẫu", role="Điều dưỡng", attempts_left=3)
LAN = StaffTile(username="lan", name="Lan Mẫu", role="Dược sĩ", locked=True, attempts_left=0)
FACE = GateFace(station="Trạm Y tế xã Mẫu", people=(HOA, MAI, LAN))


@pytest.fixture
def show(qtbot, stray_windows):
    def show(page):
        stray_windows.expected.add(page)
        qtbot.addWidget(page)
        page.resize(1366, 768)
        page.show()
        qtbot.waitActive(page)
        page.setFocus()
        return page

    return show


@pytest.fixture
def page(show):
    made = show(LoginPage(FACE))
    made.given = []
    made.submitted.connect(lambda *given: made.given.append(given))
    return made


def test_a_name_and_a_password_by_keys_alone(page) -> None:
    line = page.password.editor
    assert line.hasFocus()

    press(line, key=Qt.Key.Key_Down)
    type_text(line, "Một mật khẩu")
    press(line, key=Qt.Key.Key_Return)

    assert page.given == [("mai", "Một mật khẩu")]
    assert memory().get("login.last") == "mai"


def test_the_last_person_on_this_machine_is_proposed(show) -> None:
    memory().put("login.last", "mai")

    assert show(LoginPage(FACE)).chosen == "mai"


def test_a_vanished_person_is_not_proposed(show) -> None:
    memory().put("login.last", "gone")

    assert show(LoginPage(FACE)).chosen == "hoa"


def test_an_empty_password_is_not_a_try(page) -> None:
    press(page.password.editor, key=Qt.Key.Key_Return)

    assert page.given == []
    assert page.password.problem == "Chưa gõ mật khẩu."


def test_tiles_tell_tries_left_and_locks_aloud(page) -> None:
    assert page.tiles["hoa"].accessibleName() == "BS. Nguyễn Thị Mẫu, Bác sĩ"
    assert page.tiles["mai"].accessibleName() == "ĐD. Trần Thị Mẫu, Điều dưỡng, Còn 3 lần thử"
    assert page.tiles["lan"].accessibleName() == "Lan Mẫu, Dược sĩ, Đã khóa"


def test_a_locked_person_reads_what_to_do_and_cannot_try(page) -> None:
    page.tiles["lan"].setFocus()
    page.password.set_value("x")
    press(page.password.editor, key=Qt.Key.Key_Return)

    assert page.given == []
    assert "Nhờ giám đốc hoặc người quản trị mở khóa" in page.password.problem
    assert not page.enter.isEnabled()

    page.tiles["hoa"].setFocus()
    assert page.enter.isEnabled()
    assert page.password.problem is None
    assert page.password.value() == ""


def test_a_click_on_a_name_or_typing_there_goes_to_the_password(page) -> None:
    QTest.mouseClick(page.tiles["mai"], Qt.MouseButton.LeftButton)
    assert page.password.editor.hasFocus()
    page.tiles["hoa"].setFocus()
    press(page.tiles["hoa"], "a")
    assert page.password.editor.hasFocus()
    assert page.password.value() == "a"


def test_arrows_walk_the_tiles_and_enter_goes_to_the_password(page) -> None:
    page.tiles["hoa"].setFocus()
    press(page.tiles["hoa"], key=Qt.Key.Key_Right)
    assert page.tiles["mai"].hasFocus()
    assert page.chosen == "mai"

    press(page.tiles["mai"], key=Qt.Key.Key_Return)
    assert page.password.editor.hasFocus()


def test_a_wrong_password_is_ready_to_be_typed_over(page) -> None:
    page.password.set_value("sai")
    page.show_problem("Sai mật khẩu. Còn 4 lần thử, sau đó tài khoản bị khóa.")

    type_text(page.password.editor, "đúng")

    assert page.password.value() == "đúng"
    assert page.password.problem is None


def test_nothing_can_be_pressed_twice_while_the_key_is_derived(page) -> None:
    page.password.set_value("x")
    heights = page.card.height()
    page.set_busy("Đang mở hồ sơ…")
    page._submit()

    assert page.given == []
    assert page.busy.isVisible()
    assert page.password.note == "Đang mở hồ sơ…"
    assert page.card.height() == heights

    page.set_busy("")
    assert page.enter.isEnabled()


def test_the_keyboard_is_suspected_before_the_person(page) -> None:
    line = page.password.editor
    press(line, "A", Qt.Key.Key_A)
    assert "Caps Lock đang bật" in page.password.note

    press(line, "B", Qt.Key.Key_B, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert "Caps Lock" not in page.password.note

    press(line, "ế")
    press(line, "t")
    assert "Bộ gõ tiếng Việt đang bật" in page.password.note


def test_the_eye_shows_and_hides(page) -> None:
    page.eye = page.password.eye
    page.eye.click()
    assert page.password.line.echoMode() is page.password.line.EchoMode.Normal
    assert page.eye.accessibleName() == "Giấu mật khẩu"

    page.choose("mai")
    assert page.password.line.echoMode() is page.password.line.EchoMode.Password


def test_demo_passwords_show_only_in_the_demo(show, page) -> None:
    assert not page.banner.isVisible()

    demo = show(LoginPage(GateFace(station="Mẫu", people=(HOA,), demo_password="Tram-Mau!")))
    assert "Tram-Mau!" in demo.banner.message.text
    demo._fill_demo()
    assert demo.password.value() == "Tram-Mau!"


def test_the_lock_shows_one_person_and_the_way_out(show) -> None:
    lock = show(LoginPage(FACE, only="mai"))

    assert list(lock.tiles) == ["mai"]
    assert lock.enter.text() == "Mở khóa"
    assert lock.other.isVisible()
    assert not lock.forgot.isVisible()
    press(lock.password.editor, key=Qt.Key.Key_Down)
    assert lock.chosen == "mai"


def test_many_people_scroll_instead_of_growing(show) -> None:
    crowd = tuple(
        StaffTile(username=f"u{n}", name=f"Người Mẫu {n}", role="Y sĩ") for n in range(20)
    )
    page = show(LoginPage(GateFace(station="Mẫu", people=crowd)))

    assert page.card.height() < 560
    assert unnamed(page) == []


def test_every_page_is_named_and_fits(show) -> None:
    pages = [
        LoginPage(FACE),
        LoginPage(FACE, only="hoa"),
        RecoveryPage(FACE, "mai", lambda *_given: ()),
        TroublePage("Không thấy dữ liệu.", "C:/tram"),
    ]
    for page in pages:
        show(page)
        assert unnamed(page) == []
        assert without_object_name(page) == []
        assert duplicate_mnemonics(page) == []
        assert clipped(page) == []


# -- recovery ----------------------------------------------------------------------------------


def rule(password: str, username: str, _name: str) -> tuple[Problem, ...]:
    if len(password) >= 14 and username not in password:
        return ()
    return (Problem(field="password", code="short", message="Mật khẩu quá ngắn."),)


@pytest.fixture
def recovery(show):
    made = show(RecoveryPage(FACE, "mai", rule))
    made.given = []
    made.submitted.connect(lambda *given: made.given.append(given))
    return made


def test_recovery_asks_everything_before_it_tries(recovery) -> None:
    recovery.go.click()

    assert recovery.given == []
    assert recovery.code.problem == "Chưa gõ mã khôi phục."
    assert recovery.new.problem == "Mật khẩu quá ngắn."


def test_recovery_by_keys(recovery) -> None:
    for field, text in (
        (recovery.code, "AAAA-BBBB"),
        (recovery.new, "Mật khẩu dài 2026!"),
        (recovery.again, "Mật khẩu dài 2026!"),
    ):
        assert field.editor.hasFocus()
        type_text(field.editor, text)
        press(field.editor, key=Qt.Key.Key_Return)

    assert recovery.given == [("mai", "AAAA-BBBB", "Mật khẩu dài 2026!")]


def test_two_different_passwords_are_not_sent(recovery) -> None:
    recovery.code.set_value("AAAA")
    recovery.new.set_value("Mật khẩu dài 2026!")
    recovery.again.set_value("Mật khẩu dài 2027!")
    recovery.go.click()

    assert recovery.given == []
    assert recovery.again.problem == "Hai lần gõ không giống nhau."


def test_a_wrong_code_is_told_beside_it(recovery) -> None:
    recovery.set_busy(working=True)
    recovery.show_problem("Mã khôi phục này không phải của trạm này.")

    assert recovery.code.problem.startswith("Mã khôi phục này")
    assert recovery.code.editor.hasFocus()
    assert recovery.go.isEnabled()
