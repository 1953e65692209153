"""Tables as XML documents, exactly: UTF-8, every element in its order, words in CDATA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from station_emr.domain.claim import ClaimRow

from .schema import Element, Table
from .values import can_be_written

_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
SIGNATURE_PLACE: Final = "CHUKYDONVI"


def table_document(
    table: Table, rows: Sequence[ClaimRow], *, signature_place: bool = False
) -> bytes:
    """One document with the rows of one table. Raises ValueError for rows that the table cannot hold:
    none at all, more than one where only one may be, other elements than its own, or a character that
    XML forbids.
    """
    if not table.root:
        raise ValueError(f"{table.name} is typed on the portal and has no file")
    if not rows or (len(rows) > 1 and not table.list_tag):
        raise ValueError(f"{table.name}: {len(rows)} rows")
    parts = [_DECLARATION, f"<{table.root}>"]
    if table.list_tag:
        parts.append(f"<{table.list_tag}>")
        for row in rows:
            parts += (f"<{table.row_tag}>", _fields(table, row), f"</{table.row_tag}>")
        parts.append(f"</{table.list_tag}>")
    else:
        parts.append(_fields(table, rows[0]))
    if signature_place:
        parts.append(f"<{SIGNATURE_PLACE}/>")
    parts.append(f"</{table.root}>")
    return "".join(parts).encode("utf-8")


def _fields(table: Table, row: ClaimRow) -> str:
    if tuple(row) != table.names:
        wrong = [name for name in row if name not in table.by_name]
        raise ValueError(f"{table.name}: not the elements of the table {wrong}")
    return "".join(_field(element, row[element.name]) for element in table.elements)


def _field(element: Element, text: str) -> str:
    if not text:
        return f"<{element.name}/>"
    if not can_be_written(text):
        raise ValueError(f"{element.name}: a character that XML forbids")
    if element.prose:
        kept = text.replace("]]>", "]]]]><![CDATA[>")
        return f"<{element.name}><![CDATA[{kept}]]></{element.name}>"
    return f"<{element.name}>{text.translate(_ESCAPES)}</{element.name}>"
