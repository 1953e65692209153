"""A pack's content: one line of JSON per row of the list, and the difference between two of them.

A list keeps the order of its file and its titles: which column says what is the station's question,
which reads packs with the same rules as a file that a person brings.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import zstandard
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from .bounds import OutOfBounds, check_workbook

LARGEST_FILE = 64 * 1024 * 1024
LARGEST_CONTENT = 64 * 1024 * 1024
_MOST_ROWS = 200_000
_MOST_COLUMNS = 256
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_LEVEL = 12


class ListRefused(Exception):
    """A file or its data cannot be published; the text says why. Nothing was written."""


def read_list(path: Path, sheet: str | None = None) -> bytes:
    """The content of a pack from an Excel or CSV file. Raises ListRefused, OSError."""
    if path.stat().st_size > LARGEST_FILE:
        raise ListRefused(f"Tệp {path.name} lớn quá 64 MB, không giống một danh mục.")
    raw = path.read_bytes()
    rows = _excel(path, raw, sheet) if raw.startswith(_EXCEL) else _csv(path, raw)
    if any(any(cell.strip() for cell in row[_MOST_COLUMNS:]) for row in rows):
        raise ListRefused(
            f"Tệp {path.name} có hơn {_MOST_COLUMNS} cột. Hãy bỏ bớt cột rồi làm lại; chưa có gì "
            "được công bố."
        )
    lines = [_line(row) for row in rows]
    while lines and lines[-1] == b"[]":
        lines.pop()
    if sum(line != b"[]" for line in lines) < 2:
        raise ListRefused(f"Tệp {path.name} không có dòng tiêu đề và ít nhất một dòng dữ liệu.")
    content = b"\n".join(lines) + b"\n"
    if len(content) > LARGEST_CONTENT:
        raise ListRefused(f"Danh mục trong {path.name} quá lớn.")
    return content


def _line(row: Sequence[str]) -> bytes:
    cells = [" ".join(cell.split()) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _all_rows(path: Path, rows: Iterable[list[str]]) -> list[list[str]]:
    """A list is published whole or not at all; only empty rows may stand behind the last that fits."""
    left = iter(rows)
    found = list(islice(left, _MOST_ROWS))
    if any(any(cell.strip() for cell in row) for row in left):
        most = f"{_MOST_ROWS:,}".replace(",", ".")
        raise ListRefused(
            f"Tệp {path.name} có hơn {most} dòng, máy chủ không công bố danh mục dài như vậy. Hãy "
            "kiểm tra lại tệp; chưa có gì được công bố."
        )
    return found


def _csv(path: Path, raw: bytes) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
        if "\0" in text:
            raise ListRefused(f"Tệp {path.name} không phải CSV.")
        delimiter = max(",;\t|", key=text[:4000].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return _all_rows(path, reader)
    except UnicodeDecodeError:
        raise ListRefused(
            f"Tệp {path.name} không phải UTF-8. Hãy mở bằng Excel và lưu lại dạng .xlsx "
            "hoặc “CSV UTF-8”."
        ) from None
    except csv.Error as error:
        raise ListRefused(f"Không đọc được {path.name} như một tệp CSV.") from error


def _excel(path: Path, raw: bytes, sheet: str | None) -> list[list[str]]:
    """The named sheet, or the one with the most rows."""
    try:
        check_workbook(raw)
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise ListRefused(f"Tệp {path.name} không có trang tính “{sheet}”.")
            names = [sheet] if sheet is not None else book.sheet_names
            sheets = [
                _all_rows(
                    path,
                    (
                        [_text(cell) for cell in row]
                        for row in book.get_sheet_by_name(name).iter_rows()
                    ),
                )
                for name in names
            ]
    except PasswordError:
        raise ListRefused(f"Tệp {path.name} đang đặt mật khẩu.") from None
    except (OutOfBounds, CalamineError, ValueError, OverflowError) as error:
        raise ListRefused(f"Không đọc được {path.name} như một tệp Excel.") from error
    return max(sheets, key=lambda rows: sum(any(row) for row in rows), default=[])


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return "" if cell is None else str(cell)


def rows_in(content: bytes) -> int:
    return content.count(b"\n")


def pack(content: bytes) -> bytes:
    """The same bytes give the same bytes: a fetch that broke off can go on."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)


def unpack(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=LARGEST_CONTENT)


def difference(old: bytes, new: bytes) -> bytes:
    """How `new` is made of `old`: lines that say which rows to copy (`=first count`, counted from 0)
    and rows that stand as they are (`[`…)."""
    place: dict[bytes, int] = {}
    for number, line in enumerate(old.split(b"\n")[:-1]):
        place.setdefault(line, number)
    told: list[bytes] = []
    first = count = 0
    for line in new.split(b"\n")[:-1]:
        found = place.get(line)
        if count and found == first + count:
            count += 1
            continue
        if count:
            told.append(b"=%d %d" % (first, count))
        if found is None:
            count = 0
            told.append(line)
        else:
            first, count = found, 1
    if count:
        told.append(b"=%d %d" % (first, count))
    return b"\n".join(told) + b"\n"
