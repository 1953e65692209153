"""Find the header of an official list and say which column holds what.

Nobody publishes the same list twice with the same header, so columns are recognised by the
folded Vietnamese (or English) words of their titles, not by position. Only the six rule flags of
the ICD-10 list also have a fixed number (columns 24 to 29 of TT 06/2026/TT-BYT).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import UserError
from station_emr.domain.text import fold

from .price_rows import APPROVED, heads
from .table_files import Sheet

Titles = Mapping[str, tuple[str, ...]]

_SEARCHED_LINES = 40
_CODE = ("code", "ma", "mamuc", "kyhieu")
_NAME = ("name", "ten", "tengoi", "noidung", "diengiai")

ICD_FLAGS: Titles = {
    "not_main": ("c24", "notmain", "khongduoc", "khonglabenhchinh", "khongsudunglambenhchinh"),
    "discouraged_main": ("c25", "discouragedmain", "khongkhuyenkhich", "hanche"),
    "more_specific_exists": ("c26", "morespecificexists", "chitiethon", "comachitiet", "cuthehon"),
    "death_only": ("c27", "deathonly", "tuvong"),
    "female_only": ("c28", "femaleonly", "gioinu", "nugioi", "nu"),
    "male_only": ("c29", "maleonly", "gioinam", "namgioi", "nam"),
}
_FLAG_COLUMNS = {24 + position: name for position, name in enumerate(ICD_FLAGS)}

_TITLES: Mapping[CatalogKind, Titles] = {
    CatalogKind.ICD10: {
        "code": ("mabenh", "maicd10", "maicd", "mabenhicd10", *_CODE),
        "name": ("tenbenh", "titlevi", "tenbenhtiengviet", "tentiengviet", "tenbenhicd10", *_NAME),
        "title_en": ("titleen", "diseasename", "tentienganh", "tenbenhtienganh"),
        "mark": ("mark", "dau", "kyhieudacbiet"),
    },
    CatalogKind.DRUG: {
        "code": ("sodangky", "sdk", "sogplh", "sogiayphep", "sogiaydangkyluuhanh", "code"),
        "bhyt_code": ("mahoatchat", "mathuoc", "mathuocbhyt", "bhytcode"),
        "inn": ("hoatchat", "tenhoatchat", "hoatchatthanhphan", "inn"),
        "brand": ("tenthuoc", "tenthuongmai", "tenbietduoc", "brand"),
        "strength": ("hamluong", "hamluongnongdo", "nongdohamluong", "strength"),
        "form": ("dangbaoche", "form"),
        "unit": ("donvitinh", "dvt", "donvi", "unit"),
        "route_code": ("maduongdung", "routecode"),
        "route": ("duongdung", "tenduongdung", "duongdungdangdung", "route"),
        "package": ("donggoi", "quycach", "quycachdonggoi"),
        # What a station or province may add so that the safety checks know more.
        "name": ("name",),
        "ingredients": ("ingredients",),
        "groups": ("groups",),
        "control": ("control",),
        "toxic": ("toxic", "thuocdoc"),
        "max_daily": ("maxdaily", "lieutoidangay"),
    },
    CatalogKind.FACILITY: {
        "code": ("macskcb", "macsyt", "macosokcb", "macoso", "makcb", "madonvi", *_CODE),
        "name": ("tencskcb", "tencsyt", "tencosokcb", "tencoso", "tendonvi", *_NAME),
        "level": ("level", "cap", "capkcb", "capchuyenmon", "tuyen"),
        "province": ("matinh", "province", "tinh", "tentinh"),
        "address": ("diachi", "address"),
    },
    CatalogKind.PROCEDURE: {
        "code": ("madvkt", "madichvu", "matuongduong", *_CODE),
        "name": ("tendvktpheduyet", "tendvkt", "tendichvu", "tenkythuat", "tentt43", *_NAME),
        "price": ("dongia", "gia", "giacu"),
    },
    CatalogKind.PROVINCE: {"code": ("matinh", *_CODE), "name": ("tentinh", *_NAME)},
    CatalogKind.COMMUNE: {
        "code": ("maxa", *_CODE),
        "name": ("tenxa", *_NAME),
        "kind": ("loai", "kind"),
        "province": ("matinh", "province"),
        "province_name": ("tentinh", "provincename"),
    },
    CatalogKind.LONG_PRESCRIPTION: {
        "code": ("mabenh", "maicd10", "maicd", *_CODE),
        "name": ("tenbenhtt26", "tenbenh", *_NAME),
        "max_days": ("maxdays", "maxngay", "songaytoida", "songay"),
    },
    CatalogKind.ONE_YEAR_REFERRAL: {
        "code": ("mabenh", "maicd10", "maicd", *_CODE),
        "name": ("tenbenh", *_NAME),
        "condition": ("dieukien", "condition"),
        "item": ("item", "stt"),
        "annex": ("phuluc",),
    },
}
_PLAIN: Titles = {"code": _CODE, "name": _NAME}

# What a person reads when a list has no usable header.
_NEEDED = {
    CatalogKind.ICD10: "“Mã bệnh” và “Tên bệnh”",
    CatalogKind.DRUG: "“Hoạt chất” hoặc “Tên thuốc”, cùng “Số đăng ký” hoặc “Mã thuốc”",
    CatalogKind.FACILITY: "“Mã CSKCB” và “Tên CSKCB”",
    CatalogKind.PROCEDURE: "“Mã DVKT” và “Tên DVKT”",
    CatalogKind.APPROVED_SERVICE: "“Mã dịch vụ”, “Tên dịch vụ” và “Đơn giá”",
    CatalogKind.APPROVED_DRUG: "“Mã thuốc”, “Tên thuốc” và “Đơn giá”",
    CatalogKind.APPROVED_MATERIAL: "“Mã vật tư”, “Tên vật tư” và “Đơn giá”",
}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the data starts (index of the first row after the header) and what is where."""

    first: int
    columns: Mapping[str, int]


def find_header(kind: CatalogKind, sheets: Sequence[Sheet], name: str) -> tuple[Sheet, Header]:
    """The sheet and header that recognise most columns; UserError when none is usable."""
    best: tuple[Sheet, Header] | None = None
    for sheet in sheets:
        for line in range(min(_SEARCHED_LINES, len(sheet.rows))):
            for height in (1, 2):
                header = _header(kind, sheet.rows, line, height)
                if _usable(kind, header) and (
                    best is None or len(header.columns) > len(best[1].columns)
                ):
                    best = (sheet, header)
    if best is None:
        needed = _NEEDED.get(kind, "“Mã” và “Tên”")
        raise UserError(
            f"Không thấy dòng tiêu đề có cột {needed} trong tệp “{name}”. Danh mục hiện tại vẫn "
            "nguyên. Hãy kiểm tra đúng loại danh mục, hoặc đặt lại tiêu đề cột rồi thử lại."
        )
    return best


def _header(kind: CatalogKind, rows: list[list[str]], line: int, height: int) -> Header:
    upper = rows[line]
    lower = rows[line + 1] if height == 2 and line + 1 < len(rows) else []
    width = max(len(upper), len(lower))
    # Under a merged group title the second line holds the column's own name.
    titles = [
        compact(_cell(lower, column)) or compact(_cell(upper, column)) for column in range(width)
    ]
    columns: dict[str, int] = {}
    known = heads(kind) if kind in APPROVED else _TITLES.get(kind, _PLAIN)
    for field, names in known.items():
        for wanted in names:
            if wanted in titles:
                columns[field] = titles.index(wanted)
                break
    first = line + height
    if kind is CatalogKind.ICD10:
        columns |= _flags_by_title(titles)
    for key in ("common", "keywords"):
        if key in titles:
            columns[key] = titles.index(key)
    numbers = _column_numbers(rows[first]) if first < len(rows) else {}
    if numbers:
        first += 1
        if kind is CatalogKind.ICD10:
            for number, flag in _FLAG_COLUMNS.items():
                if flag not in columns and number in numbers:
                    columns[flag] = numbers[number]
    return Header(first, columns)


def _flags_by_title(titles: list[str]) -> dict[str, int]:
    """Titles of flags are whole sentences in the official file: look for what they contain.

    "Không khuyến khích" must be tried before "không được": both speak of the main diagnosis.
    """
    found: dict[str, int] = {}
    order = ("discouraged_main", *(flag for flag in ICD_FLAGS if flag != "discouraged_main"))
    for flag in order:
        for column, title in enumerate(titles):
            if column in found.values():
                continue
            for word in ICD_FLAGS[flag]:
                if (
                    title == word
                    or (len(word) > 3 and word in title)
                    or (word[0] == "c" and word[1:].isdigit() and title.startswith(word))
                ):
                    found[flag] = column
                    break
            if flag in found:
                break
    return found


def _column_numbers(row: Sequence[str]) -> dict[int, int]:
    """The line "(1) (2) (3) …" below many official headers: number -> column."""
    found: dict[int, int] = {}
    for column, cell in enumerate(row):
        match = re.fullmatch(r"\(?\[?(\d{1,2})\]?\)?", cell)
        if match is None:
            if cell:
                return {}
            continue
        found[int(match[1])] = column
    ordered = sorted(found)
    return found if len(ordered) >= 3 and ordered == list(range(1, len(ordered) + 1)) else {}


def _usable(kind: CatalogKind, header: Header) -> bool:
    known = set(header.columns)
    if kind in APPROVED:
        return {"code", "name", "unit_price"} <= known
    if kind is CatalogKind.DRUG:
        return bool(known & {"inn", "brand"}) and bool(known & {"code", "bhyt_code"})
    return {"code", "name"} <= known


def compact(title: str) -> str:
    """A column title without case, marks, spaces and punctuation."""
    return fold(title).replace(" ", "")


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if column < len(row) else ""
