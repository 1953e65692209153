"""The station's own books for a whole export: what is kept beside the versions of records."""

from __future__ import annotations

import contextlib
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from station_emr.db.codec import moment
from station_emr.db.statements import text
from station_emr.services.export_ports import BookLine

_JSON: Final = frozenset({"content", "faults", "chain", "proof"})
_PLACE: Final = "row_id"  # a number of this database file, nothing of the record


@dataclass(frozen=True, slots=True)
class _Book:
    """``file``: the column whose bytes become a file of their own, and the folder for it.
    ``packed``: ``content`` is JSON under zlib.
    """

    part: str
    table: str
    order: str = "row_id"
    file: str = ""
    folder: str = ""
    packed: bool = False


_BOOKS: Final = (
    _Book("closings", "register_closing", packed=True),
    _Book("reopenings", "register_reopening"),
    _Book("sent", "gateway_message", file="content", folder="sent"),
    _Book("attempts", "gateway_attempt", order="seq"),
    _Book("cards", "card_look_up"),
    _Book("foreign_visits", "foreign_visit", file="original", folder="foreign"),
    _Book("prints", "print_log", order="seq"),
    _Book("confirmations", "signing_evidence", order="seq"),
    _Book("certificate_answers", "signature_finding", order="seq"),
    _Book("not_duplicates", "not_duplicate", order="one, other"),
    _Book("grants", "access_grant"),
    _Book("grant_ends", "access_end", order="grant_id"),
    _Book("grant_reviews", "access_review", order="grant_id"),
    _Book("role_changes", "role_change"),
    _Book("rights_reviews", "rights_review"),
    _Book("counters", "counter", order="name, series, year"),
)


def read_books(connection: Connection) -> Iterator[BookLine]:
    """Every line of every book, in the order of writing."""
    for book in _BOOKS:
        rows = connection.execute(
            text(f'SELECT * FROM "{book.table}" ORDER BY {book.order}')  # noqa: S608  fixed names
        )
        for row in rows:
            yield _line(book, dict(row._mapping))  # noqa: SLF001  the public name of a row's columns


def _line(book: _Book, row: dict[str, Any]) -> BookLine:
    row.pop(_PLACE, None)
    content = row.pop(book.file) if book.file else b""
    if book.packed:
        with contextlib.suppress(zlib.error, UnicodeDecodeError):  # damaged: as it lies there
            row["content"] = zlib.decompress(row["content"]).decode()
    held = {name: _plain(name, value) for name, value in _moments(row).items()}
    if content:
        suffix = "xml" if content.lstrip(b"\xef\xbb\xbf \r\n")[:1] == b"<" else "json"
        held["file"] = f"{book.folder}/{row['id']}.{suffix}"
    return BookLine(part=book.part, held=held, file=content)


def _moments(row: dict[str, Any]) -> dict[str, Any]:
    """The two columns of a moment as the one text that people write."""
    made: dict[str, Any] = {}
    for name, value in row.items():
        stem = name.removesuffix("_utc")
        if stem != name and f"{stem}_offset" in row:
            at = None if value is None else moment(value, row[f"{stem}_offset"]).isoformat()
            made[stem if stem == "at" else f"{stem}_at"] = at
        elif not (name.endswith("_offset") and f"{name.removesuffix('_offset')}_utc" in row):
            made[name] = value
    return made


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if name in _JSON and isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value  # damaged: as it lies there
    return value
