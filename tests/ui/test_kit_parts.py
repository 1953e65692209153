"""Buttons, chips, cards, tables, banners, charts and dialogs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from station_emr.ui.kit import (
    Banner,
    Button,
    Chip,
    ChipRow,
    ChipSpec,
    ChoiceCard,
    Column,
    EmptyState,
    Line,
    Message,
    Option,
    Severity,
    Shortcut,
    Table,
    Toast,
    TrendChart,
    dialogs,
    icon_button,
    primary,
    secondary,
)
from station_emr.ui.kit.memory import Forgetful, use_memory
from tests.ui.keys import type_text
from tests.ui.sweep import unnamed

KEPT: list[QWidget] = []  # pages stay alive until the test is over, named by it or not


@pytest.fixture(autouse=True)
def pages() -> Iterator[None]:
    yield
    KEPT.clear()


def show(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    host = QWidget()
    KEPT.append(host)
    column = QVBoxLayout(host)
    for widget in widgets:
        column.addWidget(widget)
    qtbot.addWidget(host)
    host.resize(600, 400)
    with qtbot.waitExposed(host):
        host.show()
    host.activateWindow()
    qtbot.waitUntil(host.isActiveWindow)
    return host


# -- buttons -------------------------------------------------------------------------------------


def test_button_answers_its_key_anywhere_in_the_window(qtbot: QtBot) -> None:
    save, line = secondary("&Lưu nháp", "save", Shortcut.SAVE), QLineEdit()
    host = show(qtbot, save, line)
    line.setFocus()
    with qtbot.waitSignal(save.clicked):
        qtbot.keyClick(line, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert save.accessibleName() == "Lưu nháp"
    assert "Ctrl+S" in save.toolTip()
    assert host.isVisible()


def test_key_of_a_hidden_button_is_silent(qtbot: QtBot) -> None:
    save, line = secondary("Lưu nháp", "save", Shortcut.SAVE), QLineEdit()
    show(qtbot, save, line)
    save.hide()
    line.setFocus()
    with qtbot.assertNotEmitted(save.clicked):
        qtbot.keyClick(line, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)


def test_space_presses_the_focused_button_not_the_screens_key(qtbot: QtBot) -> None:
    call, other = primary("Gọi", "next", Shortcut.NEXT), secondary("Khác", "other")
    show(qtbot, call, other)
    other.setFocus()
    with qtbot.assertNotEmitted(call.clicked), qtbot.waitSignal(other.clicked):
        qtbot.keyClick(other, Qt.Key.Key_Space)


def test_enter_presses_the_focused_button(qtbot: QtBot) -> None:
    button = secondary("Sửa", "edit")
    show(qtbot, button)
    button.setFocus()
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(button, Qt.Key.Key_Return)


def test_button_is_wide_enough_for_words_and_key(qtbot: QtBot) -> None:
    bare = Button("Ký và in", "sign")
    keyed = Button("Ký và in", "sign", shortcut=Shortcut.SIGN)
    qtbot.addWidget(bare)
    qtbot.addWidget(keyed)
    assert keyed.sizeHint().width() > bare.sizeHint().width() + 40


def test_icon_button_speaks(qtbot: QtBot) -> None:
    button = icon_button("printer", "print", "In")
    host = show(qtbot, button)
    assert unnamed(host) == []


def test_every_shortcut_is_given_once() -> None:
    keys = [shortcut.key.toString() for shortcut in Shortcut]
    assert len(keys) == len(set(keys))
    assert all(keys)
    assert Shortcut.SIGN.text == "Ctrl+Enter"


# -- chips and cards -----------------------------------------------------------------------------


def test_chip_speaks_and_is_removed_by_key(qtbot: QtBot) -> None:
    chip = Chip("I10 Tăng huyết áp", Severity.INFO, lead="Chính", removable=True, name="icd")
    host = show(qtbot, chip)
    assert chip.accessibleName() == "Chính I10 Tăng huyết áp"
    chip.setFocus()
    with qtbot.waitSignal(chip.removed):
        qtbot.keyClick(chip, Qt.Key.Key_Delete)
    assert unnamed(host) == []


def test_cross_of_a_chip_removes_its_body_does_not(qtbot: QtBot) -> None:
    chip = Chip("J00", removable=True)
    show(qtbot, chip)
    with qtbot.waitSignal(chip.removed):
        spot = chip.rect().center()
        spot.setX(chip.width() - 10)
        qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, pos=spot)
    with qtbot.assertNotEmitted(chip.removed), qtbot.waitSignal(chip.clicked):
        spot.setX(8)
        qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, pos=spot)


def test_chips_wrap_to_the_width(qtbot: QtBot) -> None:
    row = ChipRow([ChipSpec(f"Chip số {n}", Severity.INFO) for n in range(8)])
    host = show(qtbot, row)
    host.resize(300, 400)
    qtbot.waitUntil(lambda: row.width() < 300)
    narrow = row.heightForWidth(row.width())
    assert narrow > row.heightForWidth(2000)
    assert len(row.texts) == 8
    row.set_chips([ChipSpec("Một")])
    assert row.texts == ("Một",)


def test_choice_card_opens_with_enter(qtbot: QtBot) -> None:
    card = ChoiceCard("today.card", "Siu Mẫu")
    show(qtbot, QLineEdit(), card)
    with qtbot.waitSignal(card.selected):
        card.setFocus()
    with qtbot.waitSignal(card.opened):
        qtbot.keyClick(card, Qt.Key.Key_Return)


# -- tables --------------------------------------------------------------------------------------

Row = tuple[str, int]
ROWS: list[Row] = [("Amlodipin", 30), ("Hydroclorothiazid", 9), ("Đường", 200)]
COLUMNS: list[Column[Row]] = [
    Column(title="Thuốc", text=lambda r: r[0], stretch=True),
    Column(
        title="Số lượng",
        text=lambda r: str(r[1]),
        sort=lambda r: r[1],
        numeric=True,
        chip=lambda r: ChipSpec("Ít", Severity.WARNING) if r[1] < 10 else None,
    ),
]


@pytest.fixture
def table(qtbot: QtBot) -> Table[Row]:
    made: Table[Row] = Table("drugs", "Thuốc", COLUMNS, empty=EmptyState("pill", "Chưa có thuốc"))
    made.set_rows(ROWS)
    show(qtbot, made)
    return made


def test_table_keeps_the_order_given_until_a_header_is_clicked(table: Table[Row]) -> None:
    assert list(table.rows) == ROWS
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [r[1] for r in table.rows] == [9, 30, 200]


def test_table_opens_the_row_under_the_cursor(table: Table[Row], qtbot: QtBot) -> None:
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    table.choose_first()
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    with qtbot.waitSignal(table.opened) as opened:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert opened.args == [("Amlodipin", 30)]


def test_table_keeps_the_chosen_row_through_new_rows(table: Table[Row]) -> None:
    table.choose(ROWS[1])
    table.set_rows([("Mới", 1), *ROWS])
    assert table.current() == ROWS[1]


def test_table_copies_as_text(table: Table[Row], qtbot: QtBot) -> None:
    table.choose(ROWS[0])
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Thuốc\tSố lượng\nAmlodipin\t30"


@pytest.mark.parametrize(
    "held", [Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier]
)
def test_table_chooses_whatever_key_is_held(
    table: Table[Row], qtbot: QtBot, held: Qt.KeyboardModifier
) -> None:
    table.choose(ROWS[2])
    qtbot.keyPress(table, Qt.Key.Key_F12, held)
    try:
        table.choose(ROWS[0])
        assert table.chosen() == (ROWS[0],)
        table.choose(ROWS[0])
        assert table.chosen() == (ROWS[0],)
        table.choose_first()
        assert table.chosen() == (table.rows[0],)
    finally:
        qtbot.keyRelease(table, Qt.Key.Key_F12)


def test_table_remembers_column_widths(qtbot: QtBot) -> None:
    memory = Forgetful()
    use_memory(memory)
    first: Table[Row] = Table("drugs", "Thuốc", COLUMNS)
    qtbot.addWidget(first)
    first.horizontalHeader().resizeSection(1, 177)
    second: Table[Row] = Table("drugs", "Thuốc", COLUMNS)
    qtbot.addWidget(second)
    assert second.horizontalHeader().sectionSize(1) == 177


def test_broken_memory_of_widths_is_ignored(qtbot: QtBot) -> None:
    memory = Forgetful()
    memory.put("columns/drugs", "not json")
    use_memory(memory)
    table: Table[Row] = Table("drugs", "Thuốc", COLUMNS)
    qtbot.addWidget(table)
    assert table.horizontalHeader().sectionSize(1) == 120


def test_empty_table_says_what_to_do(table: Table[Row]) -> None:
    empty = table.findChild(EmptyState)
    assert empty is not None
    assert not empty.isVisible()
    table.set_rows([])
    assert empty.isVisible()
    assert empty.text == "Chưa có thuốc"


def test_table_paints_its_chips(table: Table[Row], qapp: QApplication) -> None:
    with_chip = table.grab().toImage()
    table.set_rows([("Hydroclorothiazid", 90)])
    assert isinstance(with_chip, QImage)
    assert with_chip != table.grab().toImage()


# -- messages ------------------------------------------------------------------------------------


def test_banner_offers_undo_and_goes(qtbot: QtBot) -> None:
    banner, undone = Banner("banner"), []
    show(qtbot, banner)
    banner.show_message(
        Message(text="Đã bỏ", action_text="Hoàn tác", action=lambda: undone.append(1))
    )
    assert banner.isVisible()
    qtbot.mouseClick(banner.findChild(Button, "banner.action"), Qt.MouseButton.LeftButton)
    assert undone == [1]
    assert not banner.isVisible()


def test_toast_floats_without_moving_anything_or_taking_the_focus(qtbot: QtBot) -> None:
    line = QLineEdit()
    host = show(qtbot, line)
    line.setFocus()
    before = line.geometry()
    toast = Toast(host)
    toast.show_message(Message(text="Đã lưu", severity=Severity.SUCCESS))
    assert line.geometry() == before
    assert line.hasFocus()
    assert host.rect().contains(toast.geometry())
    assert toast._timer.isActive()
    toast.show_message(Message(text="Ổ đĩa đầy", severity=Severity.DANGER))
    assert not toast._timer.isActive()


def test_chart_draws_and_speaks(qtbot: QtBot) -> None:
    chart = TrendChart("bp", "Huyết áp")
    show(qtbot, chart)
    blank = chart.grab().toImage()
    chart.set_data(
        [Line((150, None, 168)), Line((92, 95, 95), main=False)], band=(90, 140), last="168/95"
    )
    assert chart.grab().toImage() != blank
    assert chart.accessibleName() == "Huyết áp: 168/95"
    chart.set_data([])
    assert chart.grab().toImage() == blank


# -- dialogs -------------------------------------------------------------------------------------


def answer(qtbot: QtBot, act: object) -> None:
    """Act on the dialog once it runs its own loop."""

    def now() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QDialog)
        assert unnamed(box) == []
        act(box)  # type: ignore[operator]

    QTimer.singleShot(0, now)


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    return show(qtbot, QLineEdit())


def test_ask_text_takes_what_is_typed(parent: QWidget, qtbot: QtBot) -> None:
    def act(box: QDialog) -> None:
        field = box.findChild(QWidget, "dialog.field")
        type_text(field, "Nhầm liều")
        qtbot.keyClick(field, Qt.Key.Key_Return)

    answer(qtbot, act)
    assert dialogs.ask_text(parent, "Sửa đơn đã ký", "Vì sao?", label="Lý do") == "Nhầm liều"


def test_escape_answers_nothing(parent: QWidget, qtbot: QtBot) -> None:
    answer(qtbot, lambda box: qtbot.keyClick(box, Qt.Key.Key_Escape))
    assert dialogs.ask_text(parent, "Sửa", label="Lý do") is None
    answer(qtbot, lambda box: qtbot.keyClick(box, Qt.Key.Key_Escape))
    assert dialogs.confirm(parent, "Hủy phiếu?", "Không lấy lại được.", yes="Hủy phiếu") is False


def test_confirm_yes_and_the_safe_default(parent: QWidget, qtbot: QtBot) -> None:
    def yes(box: QDialog) -> None:
        qtbot.mouseClick(box.findChild(Button, "dialog.yes"), Qt.MouseButton.LeftButton)

    answer(qtbot, yes)
    assert dialogs.confirm(parent, "Ký?", "Sau khi ký không sửa được.", yes="Ký") is True

    def enter(box: QDialog) -> None:
        assert box.focusWidget().objectName() == "dialog.no"
        qtbot.keyClick(box.focusWidget(), Qt.Key.Key_Return)

    answer(qtbot, enter)
    assert dialogs.confirm(parent, "Hủy?", "Mất hẳn.", yes="Hủy", danger=True) is False


def test_choose_returns_the_key(parent: QWidget, qtbot: QtBot) -> None:
    def second(box: QDialog) -> None:
        qtbot.mouseClick(box.findChild(Button, "dialog.option.1"), Qt.MouseButton.LeftButton)

    answer(qtbot, second)
    options = [Option("a4", "Khổ A4"), Option("a5", "Khổ A5")]
    assert dialogs.choose(parent, "Khổ giấy", "", options) == "a5"


class Yes:
    """Answers every question with yes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask_text(
        self, parent: QWidget, title: str, text: str, *, label: str, start: str, lines: int
    ) -> str | None:
        self.asked.append(title)
        return "vì thử"

    def ask_password(self, parent: QWidget, title: str, text: str, *, label: str) -> str | None:
        return "mật khẩu"

    def confirm(
        self, parent: QWidget, title: str, text: str, *, yes: str, no: str, danger: bool
    ) -> bool:
        self.asked.append(title)
        return True

    def choose(
        self, parent: QWidget, title: str, text: str, options: Sequence[Option]
    ) -> object | None:
        return options[0].key

    def show_problem(self, parent: QWidget | None, title: str, text: str, detail: str) -> None:
        self.asked.append(title)

    def open_file(self, parent: QWidget, title: str, pattern: str) -> Path | None:
        return None

    def save_file(self, parent: QWidget, title: str, proposed: Path, pattern: str) -> Path | None:
        return proposed

    def choose_folder(self, parent: QWidget, title: str) -> Path | None:
        return None

    def run(self, dialog: QDialog) -> bool:
        return True


@pytest.fixture
def yes() -> Iterator[Yes]:
    fake = Yes()
    before = dialogs.use_dialogs(fake)
    yield fake
    dialogs.use_dialogs(before)


def test_dialogs_can_be_replaced(parent: QWidget, yes: Yes) -> None:
    assert dialogs.confirm(parent, "Ký?", "", yes="Ký")
    assert dialogs.ask_text(parent, "Lý do", label="Lý do") == "vì thử"
    assert yes.asked == ["Ký?", "Lý do"]
