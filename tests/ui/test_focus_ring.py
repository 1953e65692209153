"""The ring around a table with the focus is whole, and nothing inside moves for it."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget

from station_emr.ui.kit import Column, Table, plain_table, tokens, vbox


@pytest.mark.parametrize("plain", [False, True])
def test_the_ring_of_a_table_is_whole(qtbot, plain: bool) -> None:
    page = QWidget()
    columns = [Column(title="Họ tên", text=str, stretch=True)]
    tables: list[Table[str]] = [Table(f"people.{place}", "Người", columns) for place in range(2)]
    for table in tables:
        table.set_rows([f"Siu Mẫu {place}" for place in range(30)])
        if plain:
            plain_table(table)
    vbox(*tables, parent=page)
    page.resize(400, 400)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    tables[1].setFocus()
    qtbot.waitUntil(tables[1].hasFocus)
    table = tables[0]
    before = [table.viewport().geometry(), table.horizontalHeader().geometry()]

    table.setFocus()
    QApplication.sendPostedEvents()

    assert [table.viewport().geometry(), table.horizontalHeader().geometry()] == before
    picture = table.grab().toImage()
    right, foot = picture.width() - 1, picture.height() - 1
    for deep in range(2):
        for x, y in (
            (deep, foot // 2),
            (right - deep, foot // 2),
            (right // 2, deep),
            (right // 2, foot - deep),
        ):
            assert picture.pixelColor(x, y) == QColor(tokens().primary), (x, y)
