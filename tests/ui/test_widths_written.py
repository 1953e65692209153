"""What the screens remember reaches the disk once after a burst of changes, and in time at the end."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from station_emr.ui.kit import Column, Table, use_memory, vbox
from station_emr.ui.kit.memory import Forgetful
from station_emr.ui.shell.file_memory import WrittenSoon

COLUMNS: list[Column[str]] = [
    Column(title="Mã", text=str, width=80),
    Column(title="Tên", text=str, stretch=True),
]


class Disk(Forgetful):
    """Counts how often somebody writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def put(self, key: str, value: str) -> None:
        super().put(key, value)
        self.written.append(key)


def test_a_column_drawn_wider_is_written_once(qtbot) -> None:
    disk = Disk()
    use_memory(WrittenSoon(disk))
    table: Table[str] = Table("drugs", "Thuốc", COLUMNS)
    qtbot.addWidget(table)
    for width in range(81, 130):
        table.horizontalHeader().resizeSection(0, width)
    assert disk.written == []
    again: Table[str] = Table("drugs", "Thuốc", COLUMNS)
    qtbot.addWidget(again)
    assert again.horizontalHeader().sectionSize(0) == 129
    qtbot.waitUntil(lambda: disk.written == ["columns/drugs"])
    assert disk.get("columns/drugs") == '{"M\\u00e3": 129}'


def test_the_end_of_the_program_waits_for_no_moment(qapp) -> None:
    disk = Disk()
    memory = WrittenSoon(disk)
    memory.put("ui.theme", "dark")
    memory.write()
    memory.write()
    assert disk.written == ["ui.theme"]
    assert memory.get("ui.theme") == "dark"


def test_a_window_that_changes_its_width_asks_for_no_memory(qtbot) -> None:
    disk = Disk()
    use_memory(disk)
    table: Table[str] = Table("drugs", "Thuốc", COLUMNS)
    page = QWidget()
    vbox(table, parent=page)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    for width in (400, 500, 600):
        page.resize(width, 300)
        page.grab()
    assert table.horizontalHeader().sectionSize(1) > 400
    assert disk.written == []
