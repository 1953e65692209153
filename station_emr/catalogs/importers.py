"""Take an official list in: read the file, refuse bad rows with a reason, show what would change.

Nothing here writes. A changed row keeps its past: the preview closes the old one the day before
the new one begins, so a record of last year still shows the title of last year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow, RefusedRow
from station_emr.domain.errors import UserError
from station_emr.domain.text import clean

from .columns import ICD_FLAGS, Header, find_header
from .drug_rows import Pharmacology, drug_attributes, drug_code, drug_name, pharmacology
from .price_rows import APPROVED, price_attributes, price_code
from .starter import BOOLEANS, INTEGERS, NUMBERS, Attribute, typed
from .table_files import Sheet, read_sheets

_TRUE = frozenset({"1", "x", "✓", "v", "có", "co", "true", "yes"})
_ONE_YEAR_ANNEX = "3"  # annex III of TT 01/2025/TT-BYT; files hold the other annexes too
_MAX_CODE = 100
_MAX_NAME = 2000
_MOST_REFUSED = 20  # of that many good rows one may be bad, such as a note at the end

_ICD = re.compile(r"([A-Z]\d{2})\.?(\d{1,2})?")
_CODE_PATTERNS: Mapping[CatalogKind, tuple[re.Pattern[str], str]] = {
    CatalogKind.FACILITY: (re.compile(r"[0-9A-Z]{5}"), "mã cơ sở phải có 5 ký tự"),
    CatalogKind.PROVINCE: (re.compile(r"\d{2}"), "mã tỉnh phải có 2 chữ số"),
    CatalogKind.COMMUNE: (re.compile(r"\d{5}"), "mã xã phải có 5 chữ số"),
    CatalogKind.ETHNIC_GROUP: (re.compile(r"\d{2}"), "mã dân tộc phải có 2 chữ số"),
    CatalogKind.OCCUPATION: (re.compile(r"\d{2}|\d{5}"), "mã nghề nghiệp phải có 2 hoặc 5 chữ số"),
}
_ICD_KINDS = frozenset(
    {CatalogKind.ICD10, CatalogKind.LONG_PRESCRIPTION, CatalogKind.ONE_YEAR_REFERRAL}
)
# Excel turns "05" into 5: codes of a fixed width get their zeros back.
_WIDTHS = {
    CatalogKind.PROVINCE: 2,
    CatalogKind.COMMUNE: 5,
    CatalogKind.ETHNIC_GROUP: 2,
    CatalogKind.FACILITY: 5,
    CatalogKind.CARE_KIND: 2,
}


class _Refused(Exception):
    """A row cannot be taken; the text is the reason for the person."""


@dataclass(frozen=True, slots=True)
class ReadList:
    """A file as rows of one kind, with what was refused."""

    source: str
    rows: tuple[CatalogRow, ...]
    refused: tuple[RefusedRow, ...]


class FileImporter:
    """Implements the port ``CatalogImporter``."""

    def preview(
        self, kind: CatalogKind, path: str, current: Sequence[CatalogRow], effective_from: date
    ) -> CatalogPreview:
        read = read_list(kind, path, effective_from, current)
        return preview(kind, current, read.rows, effective_from, read.source, read.refused)

    def preview_table(
        self,
        kind: CatalogKind,
        name: str,
        rows: Sequence[Sequence[str]],
        current: Sequence[CatalogRow],
        effective_from: date,
    ) -> CatalogPreview:
        """A list that is here already, such as a pack of the province. Nobody looks at what is
        refused of it, so a list of which much cannot be read is refused as a whole.
        """
        sheet = Sheet(name, [[clean(cell) for cell in row] for row in rows])
        read = read_table(kind, [sheet], name, effective_from, current)
        if len(read.refused) * _MOST_REFUSED > len(read.rows):
            first = read.refused[0]
            raise UserError(
                f"“{name}” có {len(read.refused)} dòng không đọc được (dòng {first.line}: "
                f"{first.reason}). Danh mục đang dùng vẫn nguyên. Hãy báo người phụ trách công nghệ "
                "thông tin của tỉnh."
            )
        return preview(kind, current, read.rows, effective_from, name, read.refused)


def read_list(
    kind: CatalogKind, path: str | Path, effective_from: date, current: Sequence[CatalogRow] = ()
) -> ReadList:
    """Read an Excel or CSV file as a list. Raises UserError for a file that gives no row at all."""
    file = Path(path)
    return read_table(kind, read_sheets(file), file.name, effective_from, current)


def read_table(
    kind: CatalogKind,
    sheets: Sequence[Sheet],
    source: str,
    effective_from: date,
    current: Sequence[CatalogRow] = (),
) -> ReadList:
    """The same of sheets that were read."""
    sheet, header = find_header(kind, sheets, source)
    known = pharmacology(current) if kind is CatalogKind.DRUG else Pharmacology()
    rows: list[CatalogRow] = []
    refused: list[RefusedRow] = []
    lines: dict[str, int] = {}
    for line, cells in _records(kind, sheet, header):
        try:
            row = _row(kind, cells, header, effective_from, source, known)
            _check_new(row.code, lines)
        except _Refused as reason:
            text = " | ".join(cell for cell in cells.values() if cell)[:200]
            refused.append(RefusedRow(line=line, text=text, reason=str(reason)))
        else:
            lines[row.code] = line
            rows.append(row)
    if not rows:
        first = f" Dòng {refused[0].line}: {refused[0].reason}." if refused else ""
        raise UserError(
            f"Tệp “{source}” không có dòng nào dùng được.{first} Danh mục hiện tại vẫn nguyên. "
            "Hãy kiểm tra đúng loại danh mục rồi thử lại."
        )
    return ReadList(source, tuple(rows), tuple(refused))


def preview(
    kind: CatalogKind,
    rows_now: Iterable[CatalogRow],
    file_rows: Iterable[CatalogRow],
    effective_from: date,
    source: str = "",
    refused: Iterable[RefusedRow] = (),
) -> CatalogPreview:
    """Compare a whole new list with the rows in force on the day it begins.

    Attributes that the file does not speak of (search words, what is common, families) stay with
    the codes that stay.
    """
    now: dict[str, CatalogRow] = {}
    for row in rows_now:
        if row.valid_from > effective_from:
            raise UserError(
                f"Danh mục đã có dòng bắt đầu từ ngày {row.valid_from:%d/%m/%Y}, sau ngày hiệu lực "
                f"{effective_from:%d/%m/%Y} đã chọn. Hãy chọn ngày hiệu lực muộn hơn."
            )
        if row.in_force(effective_from):
            now[row.code] = row
    added: list[CatalogRow] = []
    changed: list[tuple[CatalogRow, CatalogRow]] = []
    unchanged = 0
    for row in file_rows:
        old = now.pop(row.code, None)
        if old is None:
            added.append(row)
            continue
        new = _with_kept_attributes(row, old)
        if new.name == old.name and _meaning(new.attributes) == _meaning(old.attributes):
            unchanged += 1
        else:
            changed.append((old, new))
    return CatalogPreview(
        kind=kind,
        source=source,
        effective_from=effective_from,
        added=tuple(added),
        changed=tuple(changed),
        closed=tuple(now.values()),
        unchanged=unchanged,
        refused=tuple(refused),
    )


def _with_kept_attributes(new: CatalogRow, old: CatalogRow) -> CatalogRow:
    return CatalogRow(
        kind=new.kind,
        code=new.code,
        name=new.name,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        source=new.source,
        attributes=_kept(new.kind, old.attributes) | new.attributes,
    )


def _kept(kind: CatalogKind, old: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """A price that somebody approved is no example any more."""
    return {key: value for key, value in old.items() if key != "example" or kind not in APPROVED}


def _meaning(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """A flag that is off and a flag that was never written say the same."""
    return {key: value for key, value in attributes.items() if value not in ("", None, False)}


def _records(
    kind: CatalogKind, sheet: Sheet, header: Header
) -> Iterable[tuple[int, dict[str, str]]]:
    for index in range(header.first, len(sheet.rows)):
        row = sheet.rows[index]
        cells = {
            field: row[column] if column < len(row) else ""
            for field, column in header.columns.items()
        }
        if not any(cells.values()):
            continue
        if kind is CatalogKind.ONE_YEAR_REFERRAL and cells.get("annex") not in (
            None,
            _ONE_YEAR_ANNEX,
        ):
            continue
        yield index + 1, cells


def _row(
    kind: CatalogKind,
    cells: Mapping[str, str],
    header: Header,
    effective_from: date,
    source: str,
    known: Pharmacology,
) -> CatalogRow:
    attributes: dict[str, Attribute] = {}
    if kind is CatalogKind.DRUG:
        code, name = drug_code(cells), drug_name(cells)
        attributes.update(_attributes(drug_attributes(cells, known)))
    elif kind in APPROVED:
        code, name = price_code(kind, cells), cells["name"]
        attributes.update(_attributes(_prices(kind, cells)) if code else {})
    else:
        code, name = cells["code"], cells["name"]
        attributes.update(_attributes(cells))
    if not code:
        raise _Refused("thiếu mã")
    if not name:
        raise _Refused("thiếu tên")
    if len(code) > _MAX_CODE or len(name) > _MAX_NAME:
        raise _Refused("mã hoặc tên quá dài")
    if kind in _ICD_KINDS:
        code, mark = _icd_code(code)
        if kind is CatalogKind.ICD10:
            attributes["mark"] = mark or str(attributes.get("mark") or "")
            attributes.update(_flags(cells, header))
    else:
        code = code.zfill(_WIDTHS.get(kind, 0)) if code.isdigit() else code
        _check_pattern(kind, code)
    return CatalogRow(
        kind=kind,
        code=code,
        name=name,
        valid_from=effective_from,
        source=source,
        attributes=attributes,
    )


def _prices(kind: CatalogKind, cells: Mapping[str, str]) -> dict[str, str]:
    try:
        return price_attributes(kind, cells)
    except ValueError as reason:
        raise _Refused(str(reason)) from None


def _icd_code(text: str) -> tuple[str, str]:
    """``A000``, ``a00.0`` and ``B37.3†`` as (code with the dot, mark)."""
    marks = "".join(c for c in text if c in "†*+")
    plain = re.sub(r"[†*+\s]", "", text).upper()
    match = _ICD.fullmatch(plain)
    if match is None:
        raise _Refused(f"mã bệnh “{text}” không đúng dạng A00, A00.0 hoặc A00.00")
    mark = {"": "", "*": "*"}.get(marks, "†")
    return (f"{match[1]}.{match[2]}" if match[2] else match[1]), mark


def _flags(cells: Mapping[str, str], header: Header) -> dict[str, Attribute]:
    return {
        flag: cells.get(flag, "").lower() in _TRUE for flag in ICD_FLAGS if flag in header.columns
    }


def _attributes(cells: Mapping[str, str]) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for key, text in cells.items():
        if key in {"code", "name", "annex"} or key in ICD_FLAGS or not text:
            continue
        if key in BOOLEANS:
            found[key] = text.lower() in _TRUE
            continue
        try:
            found[key] = typed(key, text)
        except ValueError:
            if key in NUMBERS | INTEGERS - {"level", "item"}:
                raise _Refused(f"giá trị “{text}” không phải là số") from None
            found[key] = text
    return found


def _check_new(code: str, lines: Mapping[str, int]) -> None:
    if code in lines:
        raise _Refused(f"mã {code} đã có ở dòng {lines[code]}")


def _check_pattern(kind: CatalogKind, code: str) -> None:
    if kind in _CODE_PATTERNS:
        pattern, rule = _CODE_PATTERNS[kind]
        if pattern.fullmatch(code) is None:
            raise _Refused(f"{rule}, không phải “{code}”")
