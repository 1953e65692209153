"""What a row is read by stays readable where the window is narrow: spare columns go first."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from station_emr.ui.kit import Column, Table, vbox
from station_emr.ui.screens.billing.bill_page import BillPage
from station_emr.ui.screens.billing.list_page import BillList

NARROW, WIDE = 796, 1146  # what windows of 900 and 1366 leave to a page


@pytest.mark.parametrize(
    ("make", "title", "least"), [(BillPage, "Nội dung", 200), (BillList, "Người bệnh", 220)]
)
def test_the_name_keeps_its_room(qtbot, make, title: str, least: int) -> None:
    page = make()
    page.resize(NARROW, 400)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    table = page.table
    header = table.horizontalHeader()
    names = [
        table.model().headerData(place, header.orientation()) for place in range(header.count())
    ]
    assert header.sectionSize(names.index(title)) >= least
    left_out = {name for place, name in enumerate(names) if header.isSectionHidden(place)}
    assert left_out
    page.resize(WIDE, 400)
    now = {name for place, name in enumerate(names) if header.isSectionHidden(place)}
    assert now < left_out


def test_a_width_beside_the_stretch_is_its_least(qtbot) -> None:
    columns = [
        Column(title="Tên", text=str, stretch=True, width=250),
        Column(title="Mã", text=str, width=100),
        Column(title="Ghi chú", text=str, width=100, spare=1),
    ]
    table: Table[str] = Table("names", "Tên", columns)
    page = QWidget()
    vbox(table, parent=page)
    page.resize(420, 300)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    assert table.isColumnHidden(2)
    page.resize(500, 300)
    assert not table.isColumnHidden(2)
