"""The frame driven by keys: going round, staying for a draft, locking, searching, scanning."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from station_emr.domain.permissions import Role
from station_emr.services.catalog_packs import NOTICE as NOTICE_KEY
from station_emr.ui.kit import (
    ChoiceField,
    LineField,
    Message,
    Option,
    Screen,
    Severity,
    Shortcut,
    Suggestion,
    dialogs,
    primary,
)
from station_emr.ui.shell import Identity, Link, MainWindow, ScreenSpec, StatusModel
from station_emr.ui.shell.program_news import ProgramNews
from station_emr.ui.shell.window import IDLE_MINUTES, IDLE_MINUTES_ADMIN
from tests.ui.keys import press, type_text
from tests.ui.sweep import unnamed

CCCD = "064099100001|231234567|Rơ Châm Mẫu|01011990|Nữ|Làng Mẫu, Xã Mẫu|01072021"


class Page(Screen):
    """A page that writes down what the frame asks of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.log: list[object] = []
        self.stays = False
        self.takes_scan = False
        self.field = LineField()
        self.field.set_spoken("Lý do")
        self.field.editor.setObjectName(f"{name}.reason")
        self.choice = ChoiceField([("g", "Gia Lai"), ("d", "Đắk Lắk")])
        self.choice.set_spoken("Tỉnh")
        self.call = primary("Gọi", f"{name}.next", Shortcut.NEXT)
        self.call.clicked.connect(lambda: self.log.append("call"))
        for widget in (self.field, self.choice, self.call):
            self.page.addWidget(widget)

    def on_enter(self, context: object = None) -> None:
        self.log.append(("enter", context))

    def on_leave(self) -> bool:
        self.log.append("leave")
        return not self.stays

    def on_scan(self, text: str) -> bool:
        self.log.append(("scan", text))
        return self.takes_scan

    def print_action(self) -> bool:
        self.log.append("print")
        return True

    def save_action(self) -> bool:
        self.log.append("save")
        return True


class Frame(MainWindow):
    def page(self, key: str) -> Page:
        found = self.screen_of(key)
        assert isinstance(found, Page)
        return found


def specs() -> list[ScreenSpec]:
    def spec(key: str, shortcut: Shortcut, *, foot: bool = False) -> ScreenSpec:
        return ScreenSpec(
            key=key,
            title=shortcut.label,
            icon="house",
            shortcut=shortcut,
            build=lambda: Page(key),
            at_foot=foot,
        )

    return [
        spec("today", Shortcut.TODAY),
        spec("patients", Shortcut.PATIENTS),
        spec("sync", Shortcut.SYNC),
        ScreenSpec(key="registration", build=lambda: Page("registration"), under="today"),
        ScreenSpec(key="paper", build=lambda: Page("paper")),
        spec("admin", Shortcut.ADMIN, foot=True),
    ]


IDENTITY = Identity(
    station="Trạm y tế xã Mẫu", place="Điểm chính · Máy 1", user="BS. Nguyễn Thị Mẫu"
)


@pytest.fixture
def window(qtbot: QtBot) -> Frame:
    made = Frame()
    qtbot.addWidget(made)
    made.open(IDENTITY, specs(), user_options=[Option("out", "Đăng xuất")])
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def key(window: Frame, qtbot: QtBot, code: Qt.Key, ctrl: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(QApplication.focusWidget() or window, code, modifier)


# -- going round ---------------------------------------------------------------------------------


def test_starts_at_the_first_screen_with_its_entry_lit(window: Frame) -> None:
    assert window.screen_key == "today"
    assert window.navigation.items["today"].isChecked()
    assert window.page("today").log == [("enter", None)]


@pytest.mark.parametrize(
    ("code", "target"),
    [(Qt.Key.Key_F3, "patients"), (Qt.Key.Key_F8, "sync"), (Qt.Key.Key_F9, "admin")],
)
def test_function_keys_change_the_screen_even_from_a_field(
    window: Frame, qtbot: QtBot, code: Qt.Key, target: str
) -> None:
    window.page("today").field.editor.setFocus()
    key(window, qtbot, code)
    assert window.screen_key == target
    assert [k for k, item in window.navigation.items.items() if item.isChecked()] == [target]


def test_screens_are_built_when_first_opened(qtbot: QtBot) -> None:
    built: list[str] = []

    def build() -> Page:
        built.append("x")
        return Page("x")

    window = Frame()
    qtbot.addWidget(window)
    lazy = ScreenSpec(key="x", title="X", icon="house", build=build)
    window.open(IDENTITY, [specs()[0], lazy])
    assert built == []
    window.go("x")
    window.go("today")
    window.go("x")
    assert built == ["x"]


def test_screen_with_a_reason_stays(window: Frame, qtbot: QtBot) -> None:
    window.page("today").stays = True
    qtbot.mouseClick(window.navigation.items["patients"], Qt.MouseButton.LeftButton)
    assert window.screen_key == "today"
    assert window.navigation.items["today"].isChecked()
    assert not window.navigation.items["patients"].isChecked()


def test_a_paper_leaves_the_light_where_one_came_from(window: Frame, qtbot: QtBot) -> None:
    for before in ("patients", "sync"):
        window.go(before)
        window.go("paper")
        assert [k for k, i in window.navigation.items.items() if i.isChecked()] == [before]
        key(window, qtbot, Qt.Key.Key_Escape)
        assert window.screen_key == before
        assert window.navigation.items[before].isChecked()


def test_page_without_entry_lights_its_parent_and_escape_goes_back(
    window: Frame, qtbot: QtBot
) -> None:
    window.page("today").go("registration", {"id": 1})
    assert window.page("registration").log == [("enter", {"id": 1})]
    assert window.navigation.items["today"].isChecked()
    key(window, qtbot, Qt.Key.Key_Escape)
    assert window.screen_key == "today"


def test_save_and_print_reach_the_screen(window: Frame, qtbot: QtBot) -> None:
    window.page("today").field.editor.setFocus()
    key(window, qtbot, Qt.Key.Key_S, ctrl=True)
    key(window, qtbot, Qt.Key.Key_P, ctrl=True)
    assert window.page("today").log[-2:] == ["save", "print"]


def test_f1_and_the_status_line_ask(window: Frame, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.help_wanted):
        key(window, qtbot, Qt.Key.Key_F1)
    with qtbot.waitSignal(window.status_asked) as asked:
        qtbot.mouseClick(window.status.link, Qt.MouseButton.LeftButton)
    assert asked.args == ["link"]


def test_everything_has_a_spoken_name(window: Frame) -> None:
    assert unnamed(window) == []


def test_badge_is_spoken(window: Frame) -> None:
    item = window.navigation.items["sync"]
    item.set_badge(2)
    assert item.accessibleName() == "Đồng bộ, 2 mục cần xem"
    item.set_badge(0)
    assert item.accessibleName() == "Đồng bộ"


# -- lock and close ------------------------------------------------------------------------------


def test_lock_keeps_the_draft_and_hides_everything(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    with qtbot.waitSignal(window.lock_wanted):
        key(window, qtbot, Qt.Key.Key_L, ctrl=True)
    assert page.log[-1] == "leave"
    cover = QLineEdit()
    window.cover(cover)
    assert not page.isVisible()
    assert not window.navigation.isVisible()
    key(window, qtbot, Qt.Key.Key_F3)
    assert window.screen_key == "today"
    with qtbot.assertNotEmitted(window.lock_wanted):
        window.lock()
    window.uncover()
    assert page.isVisible()
    assert not window.covered


def test_lock_answers_an_open_dialog_with_back(window: Frame, qtbot: QtBot) -> None:
    QTimer.singleShot(0, window.lock)
    with qtbot.waitSignal(window.lock_wanted):
        answer = dialogs.confirm(window, "Hủy phiếu?", "Siu Mẫu, 61 tuổi", yes="Hủy phiếu")
    assert answer is False
    assert QApplication.activeModalWidget() is None


def test_unlocking_returns_to_the_field(window: Frame) -> None:
    editor = window.page("today").field.editor
    editor.setFocus()
    window.cover(QLineEdit())
    assert not editor.hasFocus()
    window.uncover()
    assert editor.hasFocus()


def test_idle_time_by_role(window: Frame) -> None:
    assert window._watch.idle_milliseconds == IDLE_MINUTES * 60_000
    window.open(Identity(station="T", place="", user="Q", administrator=True), specs())
    assert window._watch.idle_milliseconds == IDLE_MINUTES_ADMIN * 60_000


def test_idle_locks(window: Frame, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.lock_wanted):
        window._watch.start(0.0005)


def test_a_key_renews_the_idle_time_but_not_a_thousand_times(window: Frame, qtbot: QtBot) -> None:
    window._watch._renewed = -10.0
    key(window, qtbot, Qt.Key.Key_Shift)
    renewed = window._watch._renewed
    assert renewed > 0
    key(window, qtbot, Qt.Key.Key_Shift)
    assert window._watch._renewed == renewed


def test_closing_asks_the_screen(window: Frame, qtbot: QtBot) -> None:
    window.page("today").stays = True
    with qtbot.assertNotEmitted(window.closing):
        window.close()
    assert window.isVisible()
    window.page("today").stays = False
    with qtbot.waitSignal(window.closing):
        window.close()
    assert not window.isVisible()


def test_a_new_person_gets_new_screens(window: Frame) -> None:
    window.page("today").field.set_value("bí mật của người trước")
    window.open(IDENTITY, specs())
    assert window.page("today").field.value() == ""


# -- search --------------------------------------------------------------------------------------


def people(*names: str) -> list[Suggestion]:
    return [Suggestion(title=name, detail="Nữ, 34 tuổi", payload=name) for name in names]


def test_ctrl_k_from_a_field_finds_and_escape_returns(window: Frame, qtbot: QtBot) -> None:
    editor = window.page("today").field.editor
    editor.setFocus()
    type_text(editor, "sốt cao")
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    assert window.search.line.hasFocus()
    assert window.page("today").field.value() == "sốt cao"
    with qtbot.waitSignal(window.search_wanted) as wanted:
        type_text(window.search.line, "siu")
    assert wanted.args == ["siu"]
    window.set_search_results(people("Siu Mẫu"), "siu")
    assert window.search.typeahead.is_open
    key(window, qtbot, Qt.Key.Key_Escape)
    assert not window.search.typeahead.is_open
    assert window.search.line.text() == "siu"
    key(window, qtbot, Qt.Key.Key_Escape)
    assert editor.hasFocus()
    assert window.search.line.text() == ""


def test_enter_opens_the_chosen_person(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    with qtbot.waitSignal(window.search_wanted):
        type_text(window.search.line, "siu")
    window.set_search_results(people("Siu Một", "Siu Hai"), "siu")
    key(window, qtbot, Qt.Key.Key_Down)
    with qtbot.waitSignal(window.person_chosen) as chosen:
        key(window, qtbot, Qt.Key.Key_Return)
    assert chosen.args == ["Siu Hai"]
    assert window.search.line.text() == ""


def test_enter_before_the_answer_opens_the_only_one(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    type_text(window.search.line, "siu mau")
    key(window, qtbot, Qt.Key.Key_Return)
    with qtbot.waitSignal(window.person_chosen) as chosen:
        window.set_search_results(people("Siu Mẫu"), "siu mau")
    assert chosen.args == ["Siu Mẫu"]


def test_enter_before_the_answer_never_guesses_among_many(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    with qtbot.waitSignal(window.search_wanted):
        type_text(window.search.line, "siu")
    window.set_search_results(people("Siu Một", "Siu Hai"), "siu")
    type_text(window.search.line, " h")
    with qtbot.assertNotEmitted(window.person_chosen):
        key(window, qtbot, Qt.Key.Key_Return)
        window.set_search_results(people("Siu Hai", "Siu Hoa"), "siu h")
    assert window.search.typeahead.is_open


def test_nobody_found_says_what_to_do(window: Frame, qtbot: QtBot) -> None:
    key(window, qtbot, Qt.Key.Key_K, ctrl=True)
    with qtbot.waitSignal(window.search_wanted):
        type_text(window.search.line, "zz")
    window.set_search_results([], "zz")
    assert "Ctrl+N" in window.search.typeahead.list._foot.text()


# -- scans ---------------------------------------------------------------------------------------


def scan(widget: QWidget, text: str, *, every_ms: int = 4) -> None:
    end = type_text(widget, text, start_ms=1_000_000, every_ms=every_ms)
    press(widget, "\r", Qt.Key.Key_Return, at_ms=end)


def test_scan_outside_a_field_is_taken_whole(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.setFocus()
    with qtbot.waitSignal(window.scan_received) as got:
        scan(page, CCCD)
    assert got.args == [CCCD]
    assert page.log[-1] == ("scan", CCCD)
    assert "call" not in page.log  # the spaces of the name did not call the next person


def test_screen_may_keep_a_scan(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.takes_scan = True
    page.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(page, CCCD)
    assert page.log[-1] == ("scan", CCCD)


def test_scan_into_a_text_field_gives_the_field_its_text_back(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.field.set_value("đau đầu")
    page.field.editor.setFocus()
    with qtbot.waitSignal(window.scan_received) as got:
        scan(page.field.editor, CCCD)
    assert got.args == [CCCD]
    assert page.field.value() == "đau đầu"


def test_scan_does_not_change_a_choice(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.choice.set_value("g")
    page.choice.editor.setFocus()
    with qtbot.waitSignal(window.scan_received):
        scan(page.choice.editor, "DN4640991000001|4e6775|")
    assert page.choice.value() == "g"


def test_hands_are_not_a_scanner(window: Frame, qtbot: QtBot) -> None:
    page = window.page("today")
    page.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(page, "064099100001", every_ms=90)
    page.field.editor.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(page.field.editor, "uong nhieu nuoc")
    assert page.field.value() == "uong nhieu nuoc"


def test_field_that_wants_raw_scans_keeps_them(window: Frame, qtbot: QtBot) -> None:
    editor = window.page("today").field.editor
    editor.setProperty("takesScan", True)
    editor.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(editor, CCCD)
    assert window.page("today").field.value() == CCCD


def test_scan_in_the_search_field(window: Frame, qtbot: QtBot) -> None:
    window.search.activate()
    with qtbot.waitSignal(window.scan_received) as got:
        scan(window.search.line, CCCD)
    assert got.args == [CCCD]
    assert window.search.line.text() == ""


def test_no_scan_while_covered(window: Frame, qtbot: QtBot) -> None:
    cover = QLineEdit()
    window.cover(cover)
    cover.setFocus()
    with qtbot.assertNotEmitted(window.scan_received):
        scan(cover, CCCD)


def test_status_line_shows_and_speaks(window: Frame) -> None:
    window.set_status(StatusModel(link=Link.OFFLINE, since="08:40", waiting=3))
    assert window.status.link.accessibleName().startswith("Mất mạng từ 08:40")
    assert window.status.link.severity is Severity.WARNING


def test_message_of_a_screen_floats(window: Frame) -> None:
    window.page("today").say("Đã lưu", Severity.SUCCESS)
    assert window.toast.message == Message(text="Đã lưu", severity=Severity.SUCCESS)
    assert window.toast.isVisible()


def test_news_has_a_line_of_its_own_that_takes_no_focus(window: Frame, qtbot: QtBot) -> None:
    field = window.page("today").field.editor
    field.setFocus()
    room = window._room.height()
    window.set_news("Tỉnh báo có chương trình bản 9.9.9.")
    qtbot.waitUntil(lambda: window._room.height() == room - window.news.height())
    assert window.news.text == "Tỉnh báo có chương trình bản 9.9.9."
    assert field.hasFocus()
    qtbot.mouseClick(window.news.words, Qt.MouseButton.LeftButton)
    assert window.toast.message is not None
    assert "9.9.9" in window.toast.message.text
    with qtbot.waitSignal(window.news.put_away):
        qtbot.mouseClick(window.news.close_button, Qt.MouseButton.LeftButton)
    window.set_news("")
    qtbot.waitUntil(lambda: window._room.height() == room)
    assert window.news.text == ""


NOTICE = '{"number": 3, "version": "9.9.9", "available": "2027-03-01", "note": "Cài sau giờ làm."}'


def test_each_person_puts_the_word_of_a_program_away_alone(
    window: Frame, qtbot: QtBot, station, session_of
) -> None:
    with station.store.write() as work:
        work.settings.put(NOTICE_KEY, NOTICE)
    tick, nurse = QTimer(), session_of(Role.NURSE)
    news = ProgramNews(window, nurse, tick, running="0.1.0")
    told = "Tỉnh báo có chương trình bản 9.9.9, cài được từ 01/03/2027. Cài sau giờ làm."
    qtbot.waitUntil(lambda: window.news.text == told)
    qtbot.mouseClick(window.news.close_button, Qt.MouseButton.LeftButton)
    assert window.news.text == ""
    news.look()
    qtbot.waitUntil(lambda: nurse.runner.busy == 0)
    assert window.news.text == ""

    doctor = session_of(Role.DOCTOR)
    ProgramNews(window, doctor, tick, running="0.1.0")
    qtbot.waitUntil(lambda: window.news.text == told)


def test_the_program_that_runs_is_no_news(window: Frame, qtbot: QtBot, station, session_of) -> None:
    session, tick = session_of(Role.NURSE), QTimer()
    ProgramNews(window, session, tick, running="9.9.9")
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    with station.store.write() as work:
        work.settings.put(NOTICE_KEY, NOTICE)
    tick.timeout.emit()
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    assert window.news.text == ""
