"""Read a sheet of an Excel file (.xlsx, .xlsm, .xls, .ods) or a CSV file as plain text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from station_emr.domain.errors import UserError
from station_emr.domain.os_words import os_words
from station_emr.domain.text import clean

from .bounds import OutOfBounds, check_workbook
from .legacy_text import reads_as_legacy, repair_columns

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 256
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip (xlsx, ods) and OLE (xls)
_DELIMITERS = ",;\t|"

_UNREADABLE = (
    "Không đọc được tệp “{name}” như một tệp Excel hoặc CSV. Danh mục hiện tại vẫn nguyên. "
    "Hãy mở tệp bằng Excel, lưu lại dạng .xlsx rồi thử lại."
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; ``rows[0]`` is line 1 of the file, so a refused row can be found again."""

    name: str
    rows: list[list[str]]


def read_sheets(path: str | Path) -> list[Sheet]:
    """Every sheet that holds something. Raises UserError with a sentence that says what to do."""
    file = Path(path)
    content = _read(file)
    if not content.strip(b"\0 \t\r\n"):
        raise UserError(f"Tệp “{file.name}” trống. Danh mục hiện tại vẫn nguyên.")
    sheets = _excel(file, content) if content.startswith(_EXCEL) else [_csv(file, content)]
    found = [
        Sheet(sheet.name, repair_columns(sheet.rows))
        for sheet in sheets
        if any(cell.strip() for row in sheet.rows for cell in row)
    ]
    if not found:
        raise UserError(f"Tệp “{file.name}” không có dòng nào. Danh mục hiện tại vẫn nguyên.")
    cleaned: dict[str, str] = {}  # most cells of a list repeat a few texts

    def tidy(cell: str) -> str:
        if cell not in cleaned:
            cleaned[cell] = clean(cell)
        return cleaned[cell]

    return [Sheet(sheet.name, [[tidy(c) for c in row] for row in sheet.rows]) for sheet in found]


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UserError(
                f"Tệp “{file.name}” lớn quá {MAX_BYTES // 1024 // 1024} MB, không giống một tệp "
                "danh mục. Hãy kiểm tra lại tệp đã chọn."
            )
        return file.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"Không thấy tệp “{file.name}”. Hãy kiểm tra lại đường dẫn hoặc USB."
        ) from None
    except (PermissionError, IsADirectoryError):
        raise UserError(
            f"Không mở được “{file.name}”: đang được chương trình khác giữ, hoặc không phải một "
            "tệp. Hãy đóng tệp trong Excel rồi thử lại."
        ) from None
    except OSError as error:
        raise UserError(
            f"Đọc tệp “{file.name}” bị lỗi ({os_words(error)}). Hãy chép tệp vào máy rồi thử lại."
        ) from None


def _excel(file: Path, content: bytes) -> list[Sheet]:
    try:
        check_workbook(content)
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            return [
                Sheet(name, [[_text(cell) for cell in row] for row in _lines(book, name)])
                for name in book.sheet_names
            ]
    except PasswordError:
        raise UserError(
            f"Tệp “{file.name}” đang đặt mật khẩu. Hãy mở bằng Excel, bỏ mật khẩu, lưu lại rồi thử lại."
        ) from None
    except (OutOfBounds, CalamineError, OSError, ValueError, OverflowError):
        raise UserError(_UNREADABLE.format(name=file.name)) from None
    except BaseException as error:
        # The reader is written in Rust; on a broken file it may panic, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise UserError(_UNREADABLE.format(name=file.name)) from None


def _lines(book: CalamineWorkbook, name: str) -> Iterator[Sequence[object]]:
    """The rows from line 1 on: the number told to the person is the one Excel shows."""
    for row in islice(book.get_sheet_by_name(name).iter_rows(), MAX_ROWS):
        yield row[:MAX_COLUMNS]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _csv(file: Path, content: bytes) -> Sheet:
    text = _decode(content)
    if text is None:
        raise UserError(_UNREADABLE.format(name=file.name))
    head = text[:4000]
    delimiter = max(_DELIMITERS, key=head.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows: list[list[str]] = []
        for row in islice(reader, MAX_ROWS):
            # A quoted cell may span lines: keep the number of the line where the row ends.
            while len(rows) < reader.line_num - 1:
                rows.append([])
            rows.append(row)
    except csv.Error:
        raise UserError(_UNREADABLE.format(name=file.name)) from None
    return Sheet(file.stem, rows)


def _decode(content: bytes) -> str | None:
    """UTF-8, UTF-16 with its mark, old fonts over Latin-1, or Windows Vietnamese; else nothing."""
    for encoding, mark in (("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"), ("utf-8-sig", b"")):
        if content.startswith(mark):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            return None if "\0" in text else text
    if b"\0" in content:
        return None
    latin = content.decode("latin-1")
    controls = sum(c < " " and c not in "\r\n\t\f" for c in latin)
    if controls > len(latin) // 100:
        return None
    if reads_as_legacy(latin[:20_000]):
        return latin
    return content.decode("cp1258", errors="replace")
