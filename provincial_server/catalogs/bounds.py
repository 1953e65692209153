"""Look through a packed workbook before anything reads it whole; the station has its own twin of this.

The reader of sheets makes room for every cell between the first and the last, and unpacks without an
end: two cells in far corners, or a few kilobytes that unpack to gigabytes, would end the program. Here
everything is unpacked in portions and counted, nothing is written to the disk, and an XML with
declarations of its own is refused.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Any, Final
from xml.parsers import expat

MOST_UNPACKED: Final = 512 * 1024 * 1024
MOST_CELLS: Final = 60_000_000
_MOST_PARTS: Final = 2_000
_PORTION: Final = 64 * 1024
_REFERENCE: Final = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_REPEATED_COLUMNS: Final = "number-columns-repeated"
_REPEATED_ROWS: Final = "number-rows-repeated"


class OutOfBounds(Exception):
    """The workbook would take more room than any list needs, or is none."""


def check_workbook(content: bytes) -> None:
    """Raises OutOfBounds. ``content`` is the packed file; old binary .xls has bounds of its own."""
    if not content.startswith(b"PK"):
        return
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > _MOST_PARTS:
                raise OutOfBounds("too many parts")
            for part in parts:
                if part.filename.lower().endswith(".bin") and "/worksheets/" in part.filename:
                    raise OutOfBounds("a binary sheet says nothing of its size")
                left -= _read(packed, part, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise OutOfBounds("not a packed workbook") from error
    except expat.ExpatError as error:
        raise OutOfBounds("not XML") from error


def _read(packed: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> int:
    """The size the part really has, whatever it says of itself."""
    part.file_size = most + 1
    is_xml = part.filename.lower().endswith((".xml", ".rels"))
    extent = _Extent() if is_xml else None
    size = 0
    with packed.open(part) as stream:
        while portion := stream.read(_PORTION):
            size += len(portion)
            if size > most:
                raise OutOfBounds("unpacks without an end")
            if extent is not None:
                extent.take(portion)
    return size


class _Extent:
    """How many cells lie between the first cell of a sheet and its last."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._element
        self._parser.StartDoctypeDeclHandler = self._declared
        self._row = 0
        self._repeated = 1
        self._column = 0
        self._last = (0, 0)

    def take(self, portion: bytes) -> None:
        self._parser.Parse(portion, False)

    def _declared(self, *_declaration: Any) -> None:
        raise OutOfBounds("declarations inside the XML")

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "row":
            number = attributes.get("r", "")
            self._reach(int(number) if number.isascii() and number.isdigit() else 1, 1)
        elif local == "c":
            found = _REFERENCE.fullmatch(attributes.get("r", ""))
            if found is not None:
                self._reach(int(found[2]), _number(found[1]))
        elif local == "table-row":
            self._row += self._repeated
            self._repeated = _count(attributes, _REPEATED_ROWS)
            self._column = 0
        elif local == "table-cell":
            self._column += _count(attributes, _REPEATED_COLUMNS)
            if any(key.endswith("value-type") for key in attributes):
                self._reach(self._row + self._repeated, self._column)
        elif local == "table":
            self._row, self._repeated, self._last = 0, 0, (0, 0)
        elif local == "worksheet":
            self._last = (0, 0)

    def _reach(self, row: int, column: int) -> None:
        self._last = max(self._last[0], row), max(self._last[1], column)
        if self._last[0] * self._last[1] > MOST_CELLS:
            raise OutOfBounds("cells too far apart")


def _number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _count(attributes: dict[str, str], name: str) -> int:
    text = next((value for key, value in attributes.items() if key.endswith(name)), "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
