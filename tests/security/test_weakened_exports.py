"""A formula typed into a record, in every file that a spreadsheet opens, twice: it is text in what the program
makes, and runs where exactly the guard of that file is gone.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from xlsxwriter.worksheet import Worksheet

from provincial_server.stations import export as overview
from provincial_server.stations.figures import Figures
from provincial_server.stations.figures import Station as Row
from provincial_server.stations.plan import Plan
from provincial_server.stations.turnaround import Turnaround
from station_emr.domain.audit import AuditFilter
from station_emr.domain.catalog import RefusedRow
from station_emr.domain.report import CountedRow, CountedTable
from station_emr.printing import audit_workbook, filled_sheet, register_workbook
from station_emr.services.audit_trail import LogPages
from station_emr.services.register_ports import ReportView
from station_emr.services.report_templates import shipped as reports
from station_emr.services.views import AuditRow
from station_emr.ui.screens.catalogs import refused_file
from station_emr.ui.screens.sync import evidence
from tests.printing.samples import STATION
from tests.printing.test_registers_on_paper import NOVEMBER, NOW, line, view

EVIL = "=1+cmd|' /C calc'!A0"
_TEXT = re.compile(r"<t[^>]*>(.*?)</t>", re.DOTALL)
Patch = pytest.MonkeyPatch


def texts(book: bytes) -> Iterator[str]:
    """Every text of a workbook, and ``<f>`` for each cell that is a formula."""
    with zipfile.ZipFile(io.BytesIO(book)) as package:
        for name in package.namelist():
            if name.startswith(("xl/worksheets/sheet", "xl/sharedStrings")):
                part = package.read(name).decode()
                yield from (unescape(found) for found in _TEXT.findall(part))
                yield from re.findall(r"<f>", part)


def cells(sheet: bytes) -> Iterator[str]:
    for row in csv.reader(io.StringIO(sheet.decode("utf-8-sig"))):
        yield from row


def runs(file: bytes) -> bool:
    """Whether a spreadsheet would run what was typed: at once, or after the book was saved as CSV."""
    found = list(texts(file) if file.startswith(b"PK") else cells(file))
    assert any(EVIL in one for one in found) or "<f>" in found, "the attack itself is there"
    return "<f>" in found or any(one.lstrip().startswith("=") for one in found)


# The files -------------------------------------------------------------------------------------


def log() -> bytes:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    row = AuditRow(seq=1, at=at, user_name=EVIL, role="nurse", action="patient.view", device=EVIL)
    pages = LogPages(
        station=replace(STATION, name=EVIL),
        rows=[row],
        total=1,
        asked=AuditFilter(),
        at=at,
        printed_by=EVIL,
    )
    return audit_workbook.workbook(pages)


def register_lines() -> bytes:
    return register_workbook.register_workbook(view([line(full_name=EVIL, diagnosis=EVIL)]))


def register_heads() -> bytes:
    """The title of a column comes with the definition that somebody brought."""
    plain = view([line()])
    *others, last = plain.definition.columns
    columns = (*others, replace(last, title=EVIL))
    return register_workbook.register_workbook(
        replace(plain, definition=replace(plain.definition, columns=columns))
    )


def report() -> bytes:
    template = reports()["benh-thuong-gap"]
    values = tuple(Decimal(1) for _column in template.columns)
    table = CountedTable(
        template=template, rows=(CountedRow(title=EVIL, values=values),), total=values, visits=1
    )
    return register_workbook.report_workbook(
        ReportView(
            period=NOVEMBER, template=template, station=STATION, at=NOW, made_by=EVIL, table=table
        )
    )


def outages() -> bytes:
    station = replace(STATION, name=EVIL, device_name=EVIL)
    return evidence.as_csv(evidence.Evidence(station=station, outages=(), first=None, now=NOW))


def refused_rows(tmp_path) -> bytes:
    path = tmp_path / "refused.csv"
    refused_file.write_refused(path, [RefusedRow(line=2, text=EVIL, reason=EVIL)])
    return path.read_bytes()


def province() -> bytes:
    row = Row(
        code="DEMO1",
        name=EVIL,
        machines=(),
        last_contact=None,
        waiting=0,
        oldest=None,
        refused=0,
        skipped=0,
        conflicts=0,
        skew=None,
        program=EVIL,
        catalog=EVIL,
        days=(0,),
        contact_days=(False,),
        received_week=0,
        turnaround=Turnaround(),
        is_live=False,
        reasons=(EVIL,),
    )
    return overview.export(Figures(0, None, Plan(), (row,), ("2026-11-23",), ()))


def plain(text: str) -> str:
    return text


GUARDS: dict[str, tuple[Callable[..., bytes], Callable[[Patch], None]]] = {
    "the log": (log, lambda weak: weak.setattr(audit_workbook, "harmless", plain)),
    "a register": (register_lines, lambda weak: weak.setattr(filled_sheet, "guarded", plain)),
    "heads of a register": (
        register_heads,
        lambda weak: weak.setattr(register_workbook, "harmless", plain),
    ),
    "a report": (report, lambda weak: weak.setattr(register_workbook, "harmless", plain)),
    "the outages": (outages, lambda weak: weak.setattr(evidence, "harmless", plain)),
    "refused rows": (refused_rows, lambda weak: weak.setattr(refused_file, "_harmless", plain)),
}


@pytest.mark.parametrize("file", GUARDS)
def test_a_formula_runs_where_its_quoting_is_gone(file: str, request, monkeypatch) -> None:
    make, weaken = GUARDS[file]
    given = (request.getfixturevalue("tmp_path"),) if make is refused_rows else ()
    assert not runs(make(*given))
    weaken(monkeypatch)
    assert runs(make(*given))


@pytest.mark.parametrize("make", [province, log, register_heads, report])
def test_a_formula_is_one_at_once_where_cells_are_not_written_as_text(make, monkeypatch) -> None:
    """The second wall of the station's books, and the province's: a cell is told to be text, whatever
    stands in it.
    """
    for module in (audit_workbook, register_workbook):
        monkeypatch.setattr(module, "harmless", plain)
    assert "<f>" not in list(texts(make()))

    def written(self, row, column, text, cell_format=None):
        if text.startswith("="):
            return self._write_formula(row, column, text, cell_format)
        return self._write_string(row, column, text, cell_format)

    monkeypatch.setattr(Worksheet, "write_string", written)
    assert "<f>" in list(texts(make()))


def test_no_other_module_writes_what_a_spreadsheet_opens() -> None:
    """A new one has to come here and be tried."""
    root = Path(__file__).parents[2]
    found = {
        path.relative_to(root).as_posix()
        for name in ("station_emr", "provincial_server")
        for path in (root / name).rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("xlsxwriter", "csv.writer"))
    }
    assert found == {
        "provincial_server/stations/export.py",
        "station_emr/printing/audit_workbook.py",
        "station_emr/printing/register_workbook.py",
        "station_emr/ui/screens/catalogs/refused_file.py",
        "station_emr/ui/screens/sync/evidence.py",
    }
