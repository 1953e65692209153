"""The part of the sync page for those who send by stick."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Role
from station_emr.services.courier import CourierReport
from station_emr.ui.kit import theme
from station_emr.ui.models.moments import show_ago
from station_emr.ui.screens.sync.courier_box import exported, imported
from station_emr.ui.screens.sync.lists import waiting_table
from tests.services.conftest import MORNING
from tests.ui.driver import answers
from tests.ui.sync_page import Page

__all__ = ["answers"]


class Courier:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.refusal: UserError | None = None

    def _report(self, what: str, path: str, **found) -> CourierReport:
        self.calls.append((what, path))
        if self.refusal is not None:
            raise self.refusal
        return CourierReport(path=path, number=3, created=MORNING, size=48_000, **found)

    def export(self, actor, path):
        return self._report("export", path, operations=14)

    def import_reply(self, actor, path):
        return self._report("import", path, confirmed=12, refused=1, waiting=2, more=True)


def test_waiting_records_leave_and_the_answer_comes_by_stick(
    qtbot, session_of, answers, tmp_path
) -> None:
    courier = Courier()
    page = Page(qtbot, session_of(), courier)
    answers.next = [tmp_path / "gui-tinh", tmp_path / "tra-loi.semr", None, tmp_path / "x"]
    page.sweep()

    page.press_button("sync.courier.out")
    page.until_said("Đã chép 14 mục vào gui-tinh.semr (46,9 kB).")
    page.until(page.screen.courier.back.isEnabled)
    page.press_button("sync.courier.in")
    page.until_said("12 mục đã tới nơi. 1 mục tỉnh chưa nhận, xem lý do ở dưới. Còn 2 mục chờ gửi.")
    page.until(page.screen.courier.back.isEnabled)
    page.press_button("sync.courier.in")  # a person who changes their mind
    courier.refusal = UserError("Tệp này của trạm khác. Không có gì thay đổi.")
    page.press_button("sync.courier.in")
    page.until_said("Tệp này của trạm khác.")

    assert courier.calls == [
        ("export", str(tmp_path / "gui-tinh.semr")),
        ("import", str(tmp_path / "tra-loi.semr")),
        ("import", str(tmp_path / "x")),
    ]


def test_enter_after_the_stick_presses_nothing_else(qtbot, session_of, answers, tmp_path) -> None:
    page = Page(qtbot, session_of(), Courier())
    answers.next = [tmp_path / "a.semr"]
    page.focus("sync.courier.out")
    page.key(Qt.Key.Key_Space)
    assert not page.screen.courier.out.isEnabled()
    page.until(page.screen.courier.out.isEnabled)
    page.until(page.screen.courier.out.hasFocus)


def test_what_waits_less_than_a_minute_is_read_in_full(qtbot) -> None:
    table = waiting_table(lambda: MORNING, lambda _item: "")
    qtbot.addWidget(table)
    model, across = table.model(), Qt.Orientation.Horizontal
    titles = [model.headerData(place, across) for place in range(model.columnCount())]
    width = table.horizontalHeader().sectionSize(titles.index("Đã chờ"))
    room = QFontMetrics(theme.font(theme.BODY_PT)).horizontalAdvance(show_ago(MORNING, MORNING))
    assert width >= room + 2 * theme.GAP_M


def test_the_stick_is_for_those_who_may_send(qtbot, session_of) -> None:
    assert Page(qtbot, session_of(Role.INSPECTOR), Courier()).screen.courier is None


def test_the_words_of_the_stick_tell_what_is_left() -> None:
    report = CourierReport(path="/a/b.semr", number=1, created=MORNING, size=10, confirmed=3)
    assert imported(report).endswith("3 mục đã tới nơi. Không còn gì chờ gửi.")
    full = replace(report, applied=2, conflicts=1)
    assert "2 thay đổi của tỉnh đã vào máy này. 1 hồ sơ cần người quyết định." in imported(full)
    assert "các mục vẫn ở hàng chờ" in exported(report)
