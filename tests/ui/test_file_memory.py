"""This machine's memory of looks: a file that costs only comfort when the disk refuses it."""

from __future__ import annotations

from station_emr.app import THEME
from station_emr.ui.shell.file_memory import FileMemory


def test_the_theme_and_widths_are_remembered(tmp_path, qapp) -> None:
    path = tmp_path / "sub" / "window.json"
    FileMemory(path).put(THEME, "dark")

    assert FileMemory(path).get(THEME) == "dark"
    path.write_text("[1")
    assert FileMemory(path).get(THEME) is None


def test_a_disk_that_refuses_costs_only_comfort(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    memory = FileMemory(tmp_path / "file" / "window.json")
    memory.put("a", "b")

    assert memory.get("a") == "b"
