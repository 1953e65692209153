"""Attacks by files that people carry in: sheets of the other office program, folders that point outside."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from provincial_server.catalogs import content as their_content
from station_emr.catalogs import table_files
from station_emr.domain.errors import UserError
from station_emr.security import restore_files
from tests.security.test_attacks_inputs import _READ, everything

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_KIND = "application/vnd.oasis.opendocument.spreadsheet"


def ods(target: Path, rows: str, before: str = "") -> Path:
    """The least that a reader takes for a sheet of OpenDocument."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<office:document-content '
        f'xmlns:office="{_OFFICE}office:1.0" xmlns:table="{_OFFICE}table:1.0" '
        f'xmlns:text="{_OFFICE}text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="A">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    manifest = (
        f'<manifest:manifest xmlns:manifest="{_OFFICE}manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{_KIND}"/></manifest:manifest>'
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", _KIND, zipfile.ZIP_STORED)
        packed.writestr("META-INF/manifest.xml", manifest)
        packed.writestr("content.xml", content)
    return target


def cell(text: str, more: str = "") -> str:
    kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}{more}><text:p>{text}</text:p></table:table-cell>"


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


def test_an_ordinary_sheet_is_read_by_both_programs(tmp_path) -> None:
    file = ods(tmp_path / "a.ods", row(cell("Mã")) + row(cell("X01")))
    assert table_files.read_sheets(file)[0].rows == [["Mã"], ["X01"]]
    assert their_content.read_list(file) == '["Mã"]\n["X01"]\n'.encode()


@pytest.mark.skipif(sys.platform == "win32", reason="bounds the memory of a process of its own")
def test_a_cell_repeated_over_the_whole_sheet_does_not_end_the_program(tmp_path) -> None:
    """A few hundred bytes that say: this cell a thousand times, and this row sixty thousand times.
    The reader refuses what no sheet can hold by itself, but not this.
    """
    many = ' table:number-columns-repeated="1000"'
    rows = row(cell("x", many), more=' table:number-rows-repeated="60000"')
    file = ods(tmp_path / "many.ods", row(cell("Mã")) + rows + row(cell("cuối")))
    assert file.stat().st_size < 2_000
    codes = {
        how: subprocess.run(
            [sys.executable, "-c", _READ, str(file), how], capture_output=True, check=False
        ).returncode
        for how in ("weak", "guarded")
    }
    assert codes["weak"] not in {0, 5}  # the memory is gone
    assert codes["guarded"] == 5
    with pytest.raises(their_content.ListRefused):
        their_content.read_list(file)


def test_entities_in_a_sheet_are_refused(tmp_path) -> None:
    before = '<!DOCTYPE l [<!ENTITY a "haha"><!ENTITY b "&a;&a;">]>'
    file = ods(tmp_path / "laughs.ods", row(cell("Mã")) + row(cell("&b;")), before)
    with pytest.raises(UserError):
        table_files.read_sheets(file)
    with pytest.raises(their_content.ListRefused):
        their_content.read_list(file)


def test_a_restore_that_was_begun_elsewhere_moves_nothing_outside_its_folder(tmp_path) -> None:
    """Whoever may write into the data folder plants a decided exchange whose names lead outside."""
    outside = tmp_path / "outside.txt"
    outside.write_text("của người khác")
    folder = tmp_path / "data"
    staging = folder / restore_files.STAGING
    staging.mkdir(parents=True)
    (folder / "outside.txt").write_text("trong thư mục")
    (staging / "station.db").write_bytes(b"new")
    (staging / "keyslots.json").write_bytes(b"{}")
    document = {"kept": "../../kept", "present": ["../outside.txt", str(outside)]}
    (staging / restore_files.READY).write_text(json.dumps(document))
    assert restore_files.finish(folder, "station.db")
    assert outside.read_text() == "của người khác"
    assert not (tmp_path.parent / "kept").exists()
    assert not (tmp_path / "kept").exists()
    assert {path.parent for path in everything(tmp_path)} == {
        tmp_path,
        folder,
        folder / "kept",
    }
    # The weak way, by the names as they stand, takes the other's file along.
    (folder / document["present"][0]).rename(folder / "kept" / "taken")
    assert not outside.exists()
