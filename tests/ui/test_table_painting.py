"""A table draws its rows itself: they look as the style sheet says, at any width, in either theme."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QItemSelectionModel
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QApplication, QTableView
from typing_extensions import override

from station_emr.ui.kit import ChipSpec, Column, EmptyState, Table, dress, theme
from station_emr.ui.kit.theme import ThemeName, apply_theme

Row = tuple[str, str]
LONG = "Ghi chú rất dài, bị cắt ở cuối vì hết chỗ, rồi còn dài thêm nữa"
ROWS: list[Row] = [
    ("Nguyễn Thị Ậm (mẫu)", LONG),
    ("", ""),
    ("Lê", "8,5 <b>mg</b> & %"),
    ("W" * 90, "ọ"),
]
COLUMNS: list[Column[Row]] = [
    Column(title="Tên", text=lambda r: r[0], strong=True, width=110),
    Column(title="Ghi chú", text=lambda r: r[1], muted=True, width=140),
    Column(title="Số", text=lambda r: str(len(r[1])), numeric=True, width=60),
    Column(title="Hẹp", text=lambda r: r[1], width=40),
    Column(title="Còn lại", text=lambda r: r[0], stretch=True),
]


class Asked(Table[Row]):
    """Lets Qt draw, which asks the model and the style sheet for every cell."""

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        QTableView.paintEvent(self, event)


@pytest.fixture(params=["light", "dark"])
def worn(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[ThemeName]:
    apply_theme(qapp, request.param)
    yield request.param
    apply_theme(qapp, "light")


def _picture(table: Table[Row], *, selected: bool, scrolled: int) -> QImage:
    dress(table)
    table.resize(470, 120)
    table.set_rows(ROWS * 3)
    if selected:
        flag = QItemSelectionModel.SelectionFlag
        for number in (1, 2):
            place = table.model().index(number, 0)
            table.selectionModel().select(place, flag.Select | flag.Rows)
    table.grab()  # lays it out
    table.verticalScrollBar().setValue(scrolled)
    assert table.verticalScrollBar().value() == scrolled
    return table.grab().toImage()


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize(("selected", "scrolled"), [(False, 0), (True, 0), (True, 23)])
def test_rows_look_as_the_style_sheet_says(
    qtbot, worn: ThemeName, dense: bool, selected: bool, scrolled: int
) -> None:
    own: Table[Row] = Table("own", "Bảng", COLUMNS, dense=dense)
    asked = Asked("asked", "Bảng", COLUMNS, dense=dense)
    for table in (own, asked):
        qtbot.addWidget(table)
    shown = _picture(own, selected=selected, scrolled=scrolled)
    assert shown == _picture(asked, selected=selected, scrolled=scrolled)
    grounds = {shown.pixelColor(8, y).name() for y in range(shown.height())}
    assert (theme.colour("primary_soft").name() in grounds) is selected


def test_a_chip_stands_in_the_place_of_words(qtbot) -> None:
    def chip(row: Row) -> ChipSpec | None:
        return ChipSpec(row[0]) if row[1] else None

    with_chips: Table[Row] = Table("c", "Bảng", [Column(title="a", text=lambda r: r[0], chip=chip)])
    without: Table[Row] = Table("w", "Bảng", [Column(title="a", text=lambda r: r[0])])
    for table in (with_chips, without):
        qtbot.addWidget(dress(table))
        table.set_rows([("Lê", ""), ("Lê", "x")])
    first, second = (
        [table.grab(table.viewport().geometry()).toImage().copy(0, y, 90, 34) for y in (0, 34)]
        for table in (with_chips, without)
    )
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_words_of_several_lines_stand_in_one(qtbot) -> None:
    pictures = []
    for text in ("Sốt\nho", "Sốt ho"):
        table: Table[str] = Table("t", "Bảng", [Column(title="a", text=str, stretch=True)])
        qtbot.addWidget(dress(table))
        table.set_rows([text])
        pictures.append(table.grab().toImage())
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("says_nothing_first", [False, True])
def test_an_empty_list_claims_nothing_before_it_was_read(qtbot, says_nothing_first) -> None:
    empty = EmptyState("cloud-check", "Không còn gì chờ gửi")
    table: Table[str] = Table(
        "t",
        "Danh sách",
        [Column(title="Tên", text=str)],
        empty=empty,
        says_nothing_first=says_nothing_first,
    )
    qtbot.addWidget(table)
    assert empty.isVisibleTo(table) is not says_nothing_first
    table.set_rows([])
    assert empty.isVisibleTo(table)
    table.set_rows(["Nguyễn Văn Mẫu"])
    assert not empty.isVisibleTo(table)
