"""A sheet of a workbook filled with many rows at once.

The library writes the book: formats, widths, titles. The rows of a year then go in as text of the sheet
itself; asking the library for each of 200,000 cells takes longer than all the rest together.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Final

from .audit_workbook import FORMULA

_NO_CONTROLS: Final = dict.fromkeys(
    [
        *(code for code in range(32) if chr(code) not in "\t\n"),
        0xFFFE,
        0xFFFF,
        *range(0xD800, 0xE000),
    ]
)
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # what Excel would read as a code
_LONGEST: Final = 32_000
_SHORT: Final = 30  # cells shorter than this come back often
_END: Final = "</sheetData>"
_STYLE: Final = re.compile(r'<col min="\d+" max="\d+"[^>]* style="(\d+)"')
_DIMENSION: Final = re.compile(r'<dimension ref="[^"]*"/>')


def guarded(text: str) -> str:
    """As :func:`station_emr.printing.audit_workbook.harmless`, for very many cells."""
    cleaned = text if text.isprintable() else text.translate(_NO_CONTROLS)
    if cleaned[:1] in {"\t", "\n"} or cleaned.lstrip().startswith(FORMULA):
        cleaned = f"'{cleaned}"
    return cleaned[:_LONGEST]


def _shown(text: str) -> str:
    """A cell as the sheet writes it."""
    shown = guarded(text)
    if "&" in shown or "<" in shown or ">" in shown:
        shown = shown.translate(_MARKUP)
    return _ESCAPE.sub("_x005F_", shown) if "_x" in shown else shown


def filled(
    book: bytes, part: str, rows: Iterable[Sequence[str]], *, below: int, numeric: frozenset[int]
) -> bytes:
    """``book`` with ``rows`` on the sheet ``part`` under its first ``below`` rows. Columns in
    ``numeric`` hold whole numbers; every other cell is text, whatever it looks like.
    """
    given = zipfile.ZipFile(BytesIO(book))
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as made:
        for item in given.infolist():
            content = given.read(item.filename)
            if item.filename == part:
                content = _with_rows(content.decode(), rows, below, numeric).encode()
            made.writestr(item, content)
    return held.getvalue()


def _with_rows(
    sheet: str, rows: Iterable[Sequence[str]], below: int, numeric: frozenset[int]
) -> str:
    found = _STYLE.search(sheet)
    style = f' s="{found[1]}"' if found else ""
    out: list[str] = []
    count, widest = below, 1
    names: list[str] = []
    kept: dict[str, str] = {}
    for row in rows:
        count += 1
        if len(row) > len(names):
            names = [_name(place) for place in range(len(row))]
            widest = max(widest, len(row))
        out.append(f'<row r="{count}">')
        for place, text in enumerate(row):
            if not text:
                continue
            if place in numeric and text.isdecimal():
                out.append(f'<c r="{names[place]}{count}"{style}><v>{text}</v></c>')
                continue
            shown = kept.get(text)
            if shown is None:
                shown = _shown(text)
                if len(text) < _SHORT:
                    kept[text] = shown
            out.append(
                f'<c r="{names[place]}{count}"{style} t="inlineStr"><is>'
                f'<t xml:space="preserve">{shown}</t></is></c>'
            )
        out.append("</row>")
    head, end, rest = sheet.partition(_END)
    if not end:  # pragma: no cover  # the title row is always there
        raise ValueError("the sheet has no rows to follow")
    span = f'<dimension ref="A1:{_name(widest - 1)}{max(count, 1)}"/>'
    return "".join((_DIMENSION.sub(span, head), *out, end, rest))


def _name(place: int) -> str:
    """``A`` for 0, ``AA`` for 26."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name
