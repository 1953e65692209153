"""The conflict desk by keys: choose per field, say why, confirm, take back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from station_emr.domain.errors import EnvironmentFailure, Problem
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.services.desk_views import FURTHER, Choice
from station_emr.ui.models import routes
from station_emr.ui.screens.conflicts import ConflictsScreen
from station_emr.ui.screens.conflicts.wording import (
    clocks,
    decided_words,
    fields_words,
    marked,
    ordered,
    pair_progress_words,
    progress_words,
    state_words,
    undone_words,
)
from tests.services.conftest import MORNING
from tests.ui.conflict_desks import (
    ALLERGY,
    ONE,
    OTHER,
    PHONE,
    Desk,
    Pairs,
    pair,
    row,
    three_conflicts,
    view,
)
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


# -- words -------------------------------------------------------------------------------------


def test_both_clocks_are_told() -> None:
    assert clocks(ONE) == "07:12 20/11/2026 theo máy đó; 07:10 theo giờ máy chủ"
    assert clocks(OTHER) == "06:00 19/11/2026 theo máy đó; chưa so được với giờ máy chủ"
    dead_battery = replace(ONE, at=ONE.at.replace(year=2000, month=1, day=1))
    assert clocks(dead_battery) == (
        "07:12 01/01/2000 theo máy đó; 07:10 20/11/2026 theo giờ máy chủ"
    )


def test_how_a_version_came_to_be_is_told() -> None:
    assert state_words(ONE) == "Sửa đổi sau khi ký, lý do: Người nhà báo lại"
    assert state_words(OTHER) == "Đã ký"
    assert state_words(ONE, signed=False) == "Sửa hồ sơ, lý do: Người nhà báo lại"


def test_words_that_differ_are_marked_and_nothing_is_markup() -> None:
    assert marked("mỗi sáng, ăn nhạt", "mỗi tối, ăn nhạt") == "mỗi <b><u>sáng,</u></b> ăn nhạt"
    assert marked("<b>10 &", "<b>12 &") == "<b><u>&lt;b&gt;10</u></b> &amp;"
    assert marked("", "Sulfamid") == "<i>Không ghi gì</i>"
    assert marked("Penicillin", "Sulfamid") == "Penicillin"


def test_many_fields_are_counted_and_danger_comes_first() -> None:
    assert fields_words(("A", "B", "C", "D", "E")) == "A, B, C và 2 mục nữa"
    late, early = row(1, "Muộn", safety=False), row(9, "Sớm", safety=False)
    danger = row(0, "Nguy", safety=True)
    assert ordered((late, danger, early)) == (danger, early, late)
    assert "để ngỏ" in progress_words((PHONE, ALLERGY), {"phone": Choice.ONE})


def test_a_decision_names_the_fields_that_it_closed() -> None:
    third = replace(PHONE, path=f"phone{FURTHER}3", label="Điện thoại (Máy 1 / Máy 3)")
    shown = view(row(1, "Siu Mẫu", safety=True), ALLERGY, PHONE, third)
    both = {"allergies": Choice.BOTH, "phone": Choice.OTHER}
    assert decided_words(shown, both) == "Đã ghi quyết định cho Siu Mẫu: Dị ứng, Điện thoại."
    half = {"phone": Choice.ONE}
    assert decided_words(shown, half) == "Còn 2 mục để ngỏ."


# -- the desk ----------------------------------------------------------------------------------


class Page(ScreenDriver):
    def __init__(self, qtbot, session, desk=None, pairs=None, context=None) -> None:
        self.desk, self.pairs = desk or Desk(), pairs or Pairs()
        super().__init__(qtbot, ConflictsScreen(session, self.desk, self.pairs))
        self.screen.on_enter(context)

    @property
    def open(self):
        return self.screen.open

    def until_open(self, name: str) -> None:
        """The versions of this person are at the right."""
        self.until(lambda: self.open.name.text() == name and bool(self.open.choices.choosers))

    @property
    def chosen(self) -> dict:
        return dict(self.open.choices.choices)

    def names(self) -> list[str]:
        return [r.patient_name for r in self.open.list.rows]

    def tab(self, place: int) -> None:
        self.press_button(f"conflicts.tab.{place}")


@pytest.fixture
def page(qtbot, session_of):
    made = Page(qtbot, session_of(), Desk(three_conflicts()), Pairs([pair()]))
    made.until_open("Nguyễn Văn Mẫu")
    return made


def test_what_may_harm_stands_first_and_is_marked(page) -> None:
    assert page.names() == ["Nguyễn Văn Mẫu", "Siu H'Mẫu", "Rơ Châm Mẫu"]
    spoken = page.open.list.model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("An toàn. Nguyễn Văn Mẫu. Thông tin người bệnh: Dị ứng, Điện thoại")
    assert page.screen.tabs.buttons[0].text() == "Hai máy ghi khác nhau (3)"
    page.until(lambda: page.screen.tabs.buttons[1].text() == "Một người, hai hồ sơ (1)")
    page.sweep()


def test_both_versions_say_who_where_and_by_which_clock(page) -> None:
    one, other = page.open.one, page.open.other
    assert one.who.text() == "YS. Lê Thị Mẫu, Máy 2"
    assert "07:10 theo giờ máy chủ" in one.when.text()
    assert other.who.text() == "BS. Nguyễn Thị Hoa, Máy 1"
    allergy = page.open.choices.choosers[0]
    assert allergy.options[Choice.ONE].value.text() == "Penicillin (nổi mẩn)"
    assert allergy.accessibleName() == ("Dị ứng. 1: Penicillin (nổi mẩn). 2: Sulfamid. chưa chọn")


def test_a_person_decides_by_keys_alone(page) -> None:
    page.focus("conflicts.list")
    page.key(Qt.Key.Key_Return)  # into the fields
    assert page.open.choices.choosers[0].hasFocus()
    page.key(Qt.Key.Key_3)
    assert page.chosen == {"allergies": Choice.BOTH}
    page.key(Qt.Key.Key_Return)
    page.key(Qt.Key.Key_Right)
    assert page.chosen == {"allergies": Choice.BOTH, "phone": Choice.OTHER}
    page.key(Qt.Key.Key_Return)
    page.until(page.open.decide.hasFocus)

    page.shortcut(Qt.Key.Key_Return)

    page.until_said("Đã ghi quyết định cho Nguyễn Văn Mẫu: Dị ứng, Điện thoại.")
    ((_view, choices, reason, version),) = page.desk.done
    assert choices == {"allergies": Choice.BOTH, "phone": Choice.OTHER}
    assert (reason, version) == ("", 4)
    page.until(lambda: page.names() == ["Siu H'Mẫu", "Rơ Châm Mẫu"])
    page.until_open("Siu H'Mẫu")


def test_arrows_walk_over_the_values_and_between_the_fields(page) -> None:
    first, second = page.open.choices.choosers
    page.open.choices.focus_first()
    page.key(Qt.Key.Key_Left)
    assert first.choice is Choice.ONE
    page.key(Qt.Key.Key_Right)
    page.key(Qt.Key.Key_Right)
    page.key(Qt.Key.Key_Right)
    assert first.choice is Choice.BOTH
    assert "đang chọn Giữ cả hai" in first.accessibleName()
    page.key(Qt.Key.Key_Delete)
    assert first.choice is None
    page.key(Qt.Key.Key_Down)
    assert second.hasFocus()
    page.key(Qt.Key.Key_3)  # a phone number is no list
    assert second.choice is None
    page.key(Qt.Key.Key_Up)
    assert first.hasFocus()
    assert not page.open.decide.isEnabled()


def test_the_one_value_that_came_here_is_confirmed(qtbot, session_of) -> None:
    alone = replace(PHONE, other=PHONE.one, confirms=True)
    made = view(row(5, "Siu H'Mẫu", safety=False), alone)
    page = Page(qtbot, session_of(), Desk([replace(made, other=made.one)]))
    page.until_open("Siu H'Mẫu")
    (chooser,) = page.open.choices.choosers
    assert list(chooser.options) == [Choice.ONE]
    assert "Tỉnh không nhận bản kia" in " ".join(one.text() for one in chooser.findChildren(QLabel))
    assert not page.open.other.isVisibleTo(page.screen)

    page.open.choices.focus_first()
    page.key(Qt.Key.Key_2)
    assert chooser.choice is None
    page.key(Qt.Key.Key_Right)

    assert page.chosen == {"phone": Choice.ONE}


def test_the_mouse_chooses_too(page) -> None:
    first = page.open.choices.choosers[0]
    page.qtbot.mouseClick(first.options[Choice.OTHER], Qt.MouseButton.LeftButton)
    assert first.choice is Choice.OTHER
    page.press_button("conflicts.all.one")
    assert set(page.chosen.values()) == {Choice.ONE}


def test_what_the_chart_shows_meanwhile_is_marked(page) -> None:
    allergy, phone = page.open.choices.choosers

    def shown(option: QWidget) -> bool:
        return any("Đang hiện" in c.accessibleName() for c in option.findChildren(QWidget))

    assert shown(allergy.options[Choice.ONE])
    assert shown(allergy.options[Choice.OTHER])
    assert shown(phone.options[Choice.ONE])
    assert not shown(phone.options[Choice.OTHER])


def test_a_phone_number_is_grouped_as_on_the_chart(page) -> None:
    phone = page.open.choices.choosers[1]
    assert phone.options[Choice.ONE].value.text() == "0900 000 <b><u>002</u></b>"
    assert "1: 0900 000 002. 2: 0900 000 003." in phone.accessibleName()


def test_some_fields_may_wait(page) -> None:
    page.open.choices.focus_first()
    page.key(Qt.Key.Key_1)
    assert page.open.progress.text() == "Đã chọn 1 trên 2 mục. Mục chưa chọn vẫn để ngỏ."
    page.shortcut(Qt.Key.Key_Return)
    page.until(lambda: len(page.desk.done) == 1)
    page.until(lambda: [c.difference.path for c in page.open.choices.choosers] == ["phone"])
    page.until_said("Đã ghi quyết định cho Nguyễn Văn Mẫu: Dị ứng. Còn 1 mục để ngỏ.")
    assert page.names()[0] == "Nguyễn Văn Mẫu"


def test_a_signed_document_needs_a_reason(page) -> None:
    page.open.list.choose(lambda r: r.kind is RecordKind.ENCOUNTER)
    page.until_open("Rơ Châm Mẫu")
    page.open.choices.focus_first()
    page.key(Qt.Key.Key_1)
    page.shortcut(Qt.Key.Key_Return)
    assert page.open.reason.problem == "Hồ sơ đã ký: hãy ghi lý do."
    assert page.desk.done == []

    page.type("conflicts.reason", "Đã hỏi lại người bệnh")
    assert page.open.reason.problem is None
    page.key(Qt.Key.Key_Return)

    page.until(lambda: len(page.desk.done) == 1)
    assert page.desk.done[0][2] == "Đã hỏi lại người bệnh"


@pytest.mark.parametrize("papers", [[], [RecordKind.PRESCRIPTION]])
def test_a_decision_is_taken_back_from_its_message(page, papers) -> None:
    page.desk.papers = papers
    page.open.choices.focus_first()
    page.press_button("conflicts.all.other")
    page.shortcut(Qt.Key.Key_Return)
    page.until_said("Đã ghi quyết định")
    message = next(m for m in page.messages if "Đã ghi" in m.text)
    assert message.action_text == "Hoàn tác"

    message.action()

    page.until(lambda: page.desk.undone == ["Hoàn tác ngay sau khi quyết định"])
    page.until_said("Đã hoàn tác, hồ sơ lại chờ quyết định.")
    assert any("vẫn hủy" in text for text in page.said) == bool(papers)
    page.until(lambda: page.names()[0] == "Nguyễn Văn Mẫu")
    page.until_open("Nguyễn Văn Mẫu")


def test_news_from_the_line_never_throws_a_choice_away(page, station) -> None:
    page.open.choices.focus_first()
    page.key(Qt.Key.Key_2)
    before = page.open.choices.choosers

    page.open.read()
    page.desk.views[RecordKind.PATIENT, "record-8"] = view(
        row(8, "Người Mẫu Mới", safety=False), PHONE
    )
    page.open.read()

    page.until(lambda: "Người Mẫu Mới" in page.names())
    page.until(lambda: page.screen.tabs.buttons[0].text().endswith("(4)"))
    assert page.open.choices.choosers == before
    assert page.chosen == {"allergies": Choice.OTHER}


def test_a_newer_version_is_shown_instead_of_written_over(page) -> None:
    page.desk.newer = True
    page.open.choices.focus_first()
    page.press_button("conflicts.all.one")
    page.shortcut(Qt.Key.Key_Return)

    page.until_said("Hồ sơ vừa có bản mới nên chưa ghi quyết định")
    page.until(lambda: page.chosen == {})
    assert page.desk.done == []


def test_a_nurse_sees_a_signed_conflict_but_does_not_decide_it(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.NURSE), Desk(three_conflicts()[2:]))
    page.until_open("Rơ Châm Mẫu")
    page.open.choices.focus_first()
    page.key(Qt.Key.Key_1)
    assert page.chosen == {}
    assert not page.open.decide.isVisible()
    assert not page.open.one.take_all.isVisible()
    assert page.open.progress.text().startswith("Người được sửa hồ sơ đã ký")


def test_an_empty_desk_says_so_and_a_failure_why(qtbot, session_of) -> None:
    page = Page(qtbot, session_of())
    page.until(lambda: page.open._empty.text == "Không có gì phải quyết định")
    page.tab(1)
    page.until(lambda: page.screen.pairs._empty.text == "Không thấy ai được đăng ký hai lần")
    page.tab(2)
    page.sweep()

    page.desk.failure = EnvironmentFailure("Không đọc được ổ đĩa.")
    page.tab(0)
    page.until(lambda: page.open._empty.text == "Chưa đọc được danh sách")


def test_a_record_is_opened_from_elsewhere(qtbot, session_of) -> None:
    route = routes.ConflictRoute(RecordKind.ENCOUNTER, "record-2")
    page = Page(qtbot, session_of(), Desk(three_conflicts()), context=route)
    page.until_open("Rơ Châm Mẫu")
    page.press_button("conflicts.chart")
    assert page.went == [(routes.PATIENTS, routes.PatientRoute("person-2"))]

    gone = routes.ConflictRoute(RecordKind.PATIENT, "nobody")
    page.screen.on_enter(gone)
    page.until_said("không còn mục nào để ngỏ")


# -- people registered twice -------------------------------------------------------------------


@pytest.fixture
def twice(page):
    page.tab(1)
    page.until(page.screen.pairs.merge.isEnabled)
    return page


def test_two_charts_stand_beside_each_other_and_are_joined(twice) -> None:
    pairs = twice.screen.pairs
    assert pairs.why.text() == "Cùng số định danh."
    assert pairs.reason.value() == "Cùng số định danh."
    assert twice.pairs.compared[-1] == ("person-4", "person-1")  # more visits: stays
    twice.sweep()
    assert duplicate_mnemonics(twice.screen) == []
    twice.focus("pairs.list")
    twice.key(Qt.Key.Key_Return)
    twice.key(Qt.Key.Key_2)

    twice.shortcut(Qt.Key.Key_Return)

    twice.until_said("Đã gộp hai hồ sơ của Nguyễn Thị Mẫu")
    assert twice.pairs.merged == [
        ("person-4", "person-1", {"phone": Choice.OTHER}, "Cùng số định danh.", 7)
    ]
    twice.until(lambda: pairs._empty.text == "Không thấy ai được đăng ký hai lần")


def test_the_other_chart_may_stay(twice) -> None:
    twice.press_button("pairs.turn")
    twice.until(lambda: twice.pairs.compared[-1] == ("person-1", "person-4"))
    twice.until(twice.screen.pairs.merge.isEnabled)
    twice.shortcut(Qt.Key.Key_Return)
    twice.until(lambda: bool(twice.pairs.merged))
    assert twice.pairs.merged[0][:2] == ("person-1", "person-4")


def test_joining_needs_a_reason_and_every_dangerous_field_a_choice(twice) -> None:
    pairs = twice.screen.pairs
    twice.type("pairs.reason", " ")
    twice.key(Qt.Key.Key_Return)
    assert pairs.reason.problem.startswith("Hãy ghi lý do gộp")
    assert twice.pairs.merged == []

    comparison = replace(pairs._comparison, differences=(replace(PHONE, safety=True),))
    pairs._show_comparison(pairs._pair, comparison)
    assert pairs.choices.choices == {}
    assert not pairs.merge.isEnabled()
    assert pairs.progress.text().startswith("Chưa chọn mục nào. Bấm 1 hoặc 2 để chọn hồ sơ")


def test_joining_never_says_that_something_may_stay_open(twice) -> None:
    assert pair_progress_words((PHONE, ALLERGY), {"phone": Choice.ONE}) == (
        "Đã chọn 1 trên 2 mục. Chọn đủ rồi mới gộp được."
    )


def test_two_people_are_told_apart_once(twice) -> None:
    twice.press_button("pairs.dismiss")
    twice.until_said("cặp này không hỏi lại nữa")
    assert twice.pairs.dismissed == [frozenset(("person-1", "person-4"))]
    twice.until(lambda: not twice.screen.pairs.list.rows)


def test_an_inspector_only_compares(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.INSPECTOR), pairs=Pairs([pair()]), context=routes.PAIRS)
    page.until(lambda: page.screen.pairs._comparison is not None)
    for name in ("pairs.merge", "pairs.dismiss", "pairs.turn"):
        assert not page.find(name).isVisible()
    page.press_button("pairs.open.other")
    assert page.went == [(routes.PATIENTS, routes.PatientRoute("person-1"))]


# -- taking back -------------------------------------------------------------------------------


def test_decisions_and_joinings_are_taken_back_with_a_reason(page, answers) -> None:
    page.press_button("conflicts.all.one")
    page.shortcut(Qt.Key.Key_Return)
    page.until_said("Đã ghi quyết định")
    page.tab(1)
    page.until(page.screen.pairs.merge.isEnabled)
    page.shortcut(Qt.Key.Key_Return)
    page.until(lambda: bool(page.pairs.merged))
    page.tab(2)
    done = page.screen.done
    page.until(lambda: len(done.table.rows) == 2)
    assert [r.at for r in done.table.rows] == [
        MORNING - timedelta(minutes=5),
        MORNING - timedelta(hours=1),
    ]
    page.sweep()
    answers.next = [None, "Chọn nhầm bản", "Hai chị em"]

    page.press_button("done.undo")  # a person who changes their mind
    assert page.desk.undone == []
    page.focus("done.list")
    page.key(Qt.Key.Key_Return)
    page.until(lambda: page.desk.undone == ["Chọn nhầm bản"])
    page.until(lambda: len(done.table.rows) == 1)
    page.focus("done.list")
    page.key(Qt.Key.Key_Return)

    page.until_said("Đã tách lại hai hồ sơ. Điện thoại giữ nguyên.")
    assert page.pairs.undone == [("link-1", "Hai chị em")]
    page.until(lambda: done.table.rows == ())
    assert not done.undo.isEnabled()


def test_tab_walks_from_the_list_through_the_fields_to_the_button(page) -> None:
    page.open.choices.focus_first()
    page.key(Qt.Key.Key_1)
    page.focus("conflicts.list")
    seen = []
    for _step in range(6):
        page.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget().objectName())
    assert seen == [
        "conflicts.chart",
        "conflicts.all.one",
        "conflicts.all.other",
        "decide.allergies",
        "decide.phone",
        "conflicts.decide",
    ]


def test_undoing_says_that_cancelled_papers_stay_cancelled() -> None:
    assert "vẫn hủy" in undone_words(papers_voided=True)
    assert undone_words(papers_voided=False) == "Đã hoàn tác, hồ sơ lại chờ quyết định."


# -- the rules of the forms ----------------------------------------------------------------------

DOUBT = Problem(
    field="national_id", code="sex", message="Số định danh: khác giới tính.", severity="confirm"
)
FAULT = Problem(field="phone", code="phone", message="Điện thoại: cần 10 chữ số.")


def test_a_result_that_the_form_refuses_is_told_and_another_choice_clears_it(page) -> None:
    page.desk.problems = [FAULT]
    page.open._take_all(Choice.ONE)
    page.press_button("conflicts.decide")

    page.until(page.open.rules.isVisible)
    assert page.open.refusal.text().startswith("Chưa ghi quyết định: kết quả chưa đúng quy định")
    assert page.open.rules.problems == (FAULT,)
    assert page.desk.done == []
    page.sweep()

    page.open.choices.choosers[-1].setFocus()
    page.key(Qt.Key.Key_2)
    assert page.open.rules.isHidden()


def test_a_question_of_the_form_is_answered_with_a_tick(page) -> None:
    page.desk.problems = [DOUBT]
    page.open._take_all(Choice.ONE)
    page.press_button("conflicts.decide")
    page.until(page.open.refusal.isVisible)
    assert "hãy xem lại và xác nhận" in page.open.refusal.text()
    box = page.open.rules.checks["national_id:sex"].box
    page.until(box.hasFocus)

    page.tick(box)
    page.press_button("conflicts.decide")

    page.until(lambda: len(page.desk.done) == 1)
    page.until(page.open.rules.isHidden)
