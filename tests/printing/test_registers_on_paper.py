"""Registers and reports as files: nothing is lost, nothing is a formula, long rows go on."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from io import BytesIO

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.period import ZONE, Period
from station_emr.domain.record import Sex
from station_emr.domain.register import Closing, RegisterLine, compare
from station_emr.domain.report import ChartKind, ReportTemplate, RowsBy, count
from station_emr.printing.audit_workbook import harmless
from station_emr.printing.dense_table import DenseTable
from station_emr.printing.filled_sheet import filled, guarded
from station_emr.printing.register_pages import register_pages
from station_emr.printing.register_papers import PdfRegisterPapers
from station_emr.printing.sheet import Format, Rule, Sheet
from station_emr.printing.table import TableColumn
from station_emr.services.register_ports import MonthPart, RegisterView, ReportView
from station_emr.services.register_rules import shipped as registers
from station_emr.services.report_templates import shipped as reports

from .pdf import needs_poppler, pages, text, words
from .samples import STATION

NOW = datetime(2026, 12, 2, 9, tzinfo=ZONE)
NOVEMBER = Period.parse("2026-11")
NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
PAPERS = PdfRegisterPapers()


def line(number: int = 1, **changes) -> RegisterLine:
    fields = {
        "encounter_id": f"e{number}",
        "patient_id": f"p{number}",
        "version": 1,
        "arrived_at": datetime(2026, 11, 3, 8, tzinfo=ZONE),
        "full_name": f"Người Mẫu {number}",
        "sex": Sex.FEMALE,
        "birth": BirthDate(1990, 2, 3),
        "age": 36,
        "symptoms": "Sốt cao, đau đầu",
        "diagnosis": "I10 Tăng huyết áp mẫu",
        "treatment": "Amlodipin 5 mg × 30 viên",
        "codes": ("I10",),
    }
    return RegisterLine(**(fields | changes))


def view(lines, *, late=(), closing=None, period=NOVEMBER, code="A1/CSYT") -> RegisterView:
    part = MonthPart(
        month=NOVEMBER, lines=tuple(enumerate(lines, 1)), closing=closing, late=tuple(late)
    )
    return RegisterView(
        definition=registers()[code],
        period=period,
        parts=(part,),
        station=STATION,
        at=NOW,
        made_by="Giám Đốc Mẫu",
    )


def sheet_cells(book: bytes, name: str = "xl/worksheets/sheet1.xml") -> dict[str, tuple[str, str]]:
    """Each cell's kind and text, read with another reader than the one that wrote it."""
    held = zipfile.ZipFile(BytesIO(book))
    shared = []
    if "xl/sharedStrings.xml" in held.namelist():
        tree = ElementTree.fromstring(held.read("xl/sharedStrings.xml"))
        shared = ["".join(one.itertext()) for one in tree.findall("x:si", NS)]
    tree = ElementTree.fromstring(held.read(name))
    assert tree.findall(".//x:f", NS) == []
    cells = {}
    for cell in tree.iter(f"{{{NS['x']}}}c"):
        kind, value = cell.get("t", "n"), cell.findtext("x:v", "", NS)
        if kind == "s":
            cells[cell.get("r")] = ("text", shared[int(value)])
        elif kind == "inlineStr":
            cells[cell.get("r")] = ("text", "".join(cell.find("x:is", NS).itertext()))
        else:
            cells[cell.get("r")] = ("number", value)
    return cells


def test_the_workbook_has_the_fourteen_columns_and_every_line() -> None:
    lines = [line(n) for n in range(1, 40)]
    cells = sheet_cells(PAPERS.register_workbook(view(lines)))
    heads = [cells[f"{letter}1"][1] for letter in "ABCDEFGHIJKLMN"]

    assert heads == [column.title for column in registers()["A1/CSYT"].columns]
    assert cells["A40"] == ("number", "39")
    assert cells["B40"] == ("text", "Người Mẫu 39")
    assert cells["K2"] == ("text", "I10 Tăng huyết áp mẫu")
    assert "A41" not in cells


@pytest.mark.parametrize(
    "typed",
    [
        '=HYPERLINK("http://mau.example")',
        "+84 mẫu",
        "-1+1|cmd",
        "@SUM(A1)",
        "\t=1+1",
        "  =1+1",
        "|cmd /c mẫu",
        "%0A",
        '</t></is></c><c r="A1"><f>1</f>',
        "_x003D_1+1",
        "a\x00b\x1fc",
        "\ud800",
    ],
)
def test_nothing_typed_into_a_record_becomes_a_formula(typed) -> None:
    made = PAPERS.register_workbook(view([line(full_name=typed, symptoms=typed)]))
    cells = sheet_cells(made)
    kind, shown = cells["B2"]

    assert kind == "text"
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "|", "%"))
    raw = zipfile.ZipFile(BytesIO(made)).read("xl/worksheets/sheet1.xml").decode()
    assert "_x003D_" not in raw.replace("_x005F_x003D_", "")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_the_fast_guard_is_the_guard(typed) -> None:
    kept = "".join(c for c in typed if not 0xD800 <= ord(c) < 0xE000 and c not in "\ufffe\uffff")
    assert guarded(kept) == harmless(kept)
    held = filled(empty_book(), "sheet.xml", [[typed]], below=0, numeric=frozenset({0}))
    root = ElementTree.fromstring(zipfile.ZipFile(BytesIO(held)).read("sheet.xml"))
    assert len(list(root.iter("c"))) == (1 if typed else 0)


def empty_book() -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("sheet.xml", '<s><dimension ref="A1"/><sheetData></sheetData></s>')
    return held.getvalue()


# -- paper -------------------------------------------------------------------------------------


@needs_poppler
def test_a_register_on_paper_has_head_columns_and_every_person() -> None:
    lines = [line(n) for n in range(1, 61)]
    made = PAPERS.register_pdf(view(lines))
    said = text(made)

    assert "SỔ KHÁM BỆNH" in said
    assert STATION.name.upper() in said
    assert "(14)" in said
    assert all(f"Người Mẫu {n} " in said for n in range(1, 61))
    assert all("Họ và tên" in page for page in pages(made))
    assert f"Trang 1/{len(pages(made))}" in said


@needs_poppler
def test_lines_part_the_columns_from_head_to_last_row_of_every_page() -> None:
    pages = register_pages(view([line(n) for n in range(1, 200)])).pages
    assert len(pages) > 2
    for page in pages:
        rules = [one for one in page.shapes if isinstance(one, Rule)]
        upright = [one for one in rules if one.x1 == one.x2]
        assert len({one.x1 for one in upright}) == len(registers()["A1/CSYT"].columns) + 1
        (span,) = {(one.y1, one.y2) for one in upright}
        level = [one.y1 for one in rules if one.y1 == one.y2 and one.x1 == upright[0].x1]
        assert span == (max(level), min(level))
        for cell in page.dense:
            assert min(abs(cell.x - one.x1) for one in upright) > 1


def test_a_late_correction_names_the_line_it_is_about() -> None:
    closed = [line(1), line(2)]
    now = [line(1), line(2, treatment="Metformin mẫu"), line(3)]
    late = compare("2026-11", closed, now)
    closing = Closing(
        id="c", month="2026-11", times=1, closed_at=NOW, closed_by="Giám Đốc Mẫu",
        closed_by_id="u", lines=2, unsigned=0, content_sha256="ab" * 32, marks=1,
    )  # fmt: skip
    said = text(PAPERS.register_pdf(view(closed, late=late, closing=closing)))

    assert "đã khóa sổ lần 1 lúc 09:00 ngày 02/12/2026" in said
    assert "Sửa đổi dòng 2: phương pháp điều trị" in said
    assert "Ghi bổ sung sau khi khóa sổ" in said
    assert said.count("Metformin mẫu") == 1
    cells = sheet_cells(
        PAPERS.register_workbook(view(closed, late=late, closing=closing)),
        "xl/worksheets/sheet2.xml",
    )
    assert cells["B2"] == ("number", "2")
    assert "B3" not in cells


@needs_poppler
@pytest.mark.parametrize("name", ["H'Bĕ̆ Ksor", "Rơ Châm Ơ̆t", "Nay 😀", "Y\u0301 Thoan"])
def test_names_that_must_be_shaped_are_printed_as_typed(name) -> None:
    said = text(PAPERS.register_pdf(view([line(full_name=name), line(2)])))

    assert "Người Mẫu 2" in said
    assert name.split()[0][0] in said


@needs_poppler
def test_a_row_taller_than_a_page_goes_on_over_the_next() -> None:
    long = " ".join(f"từ{n}" for n in range(2500))
    said = words(" ".join(pages(PAPERS.register_pdf(view([line(treatment=long), line(2)])))))

    assert "từ0 " in said
    assert "từ2499" in said
    assert "Người Mẫu 2" in said


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="latin-1", exclude_categories=("C",)), max_size=300))
def test_broken_lines_hold_every_letter_and_fit(typed) -> None:
    form = Format(paper=(300, 400), left=20, right=20, top=20, bottom=20)
    table = DenseTable(Sheet(form, size=10, leading=12), (TableColumn("cột", 1),), numbered=False)
    shown = " ".join(typed.split())
    broken = table._broken(0, shown)
    if isinstance(broken, tuple):
        assert "".join(broken).replace(" ", "") == shown.replace(" ", "")
        limit = table._limits[0]
        for part in broken:
            wide = sum(table._advance[letter] for letter in part)
            assert wide <= limit + 1e-6 or len(part) == 1


@needs_poppler
@pytest.mark.parametrize("chart", list(ChartKind))
def test_a_report_has_its_chart_its_numbers_and_its_period(chart) -> None:
    template = ReportTemplate(
        key="mau",
        title="Báo cáo mẫu",
        rows_by=RowsBy.DISEASE,
        columns=reports()["benh-thuong-gap"].columns,
        chart=chart,
    )
    lines = [line(n, main_title="Tăng huyết áp mẫu") for n in range(1, 1235)]
    made = ReportView(
        period=NOVEMBER, template=template, station=STATION, at=NOW, made_by="Mẫu",
        table=count(template, lines),
    )  # fmt: skip
    said = text(PAPERS.report_pdf(made))

    assert "Từ 0h00 ngày 01/11/2026 đến 24h00 ngày 30/11/2026" in said
    assert "I10 Tăng huyết áp mẫu" in said
    assert "1.234" in said
    cells = sheet_cells(PAPERS.report_workbook(made))
    assert cells["B2"] == ("number", "1234")
    held = zipfile.ZipFile(BytesIO(PAPERS.report_workbook(made))).namelist()
    assert any("chart" in name for name in held) is (chart is not ChartKind.NONE)


@needs_poppler
def test_the_same_register_has_the_same_bytes() -> None:
    made = view([line(n) for n in range(1, 30)])

    assert PAPERS.register_pdf(made) == PAPERS.register_pdf(made)


@needs_poppler
def test_many_letters_of_many_alphabets_stay_readable() -> None:
    """More letters than one part of an embedded font holds."""
    letters = "".join(chr(code) for code in (*range(0xC0, 0x180), *range(0x1EA0, 0x1EFA)))
    shown = [letters[start : start + 12] for start in range(0, len(letters), 12)]
    said = text(PAPERS.register_pdf(view([line(n, symptoms=s) for n, s in enumerate(shown, 1)])))

    kept = re.sub(r"\s", "", said)
    assert all(letter in kept for letter in letters if letter.isalpha())
