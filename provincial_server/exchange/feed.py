"""What a station gets back: lines after its cursor, lines it asked for again, counts and lists.

Everything is read in one transaction that sees one moment, so a count always fits the page beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.exchange.tables import (
    Among,
    Operation,
    as_unsigned,
    portions,
    unpack_line,
)

_AFTER = text(
    "SELECT sequence, size, line FROM operation WHERE facility_code = :code AND sequence > :after "
    "AND (:without = '' OR sender <> :without) ORDER BY sequence LIMIT :most"
)
_WANTED = Among(
    "SELECT sequence, size, line FROM operation WHERE facility_code = :code AND op_id {among} "
    "ORDER BY sequence"
)
_TALLIES = text("SELECT bucket, count, total FROM operation_bucket WHERE facility_code = :code")
_ROWS_AT_ONCE = 200
_LARGEST_PAGE = 8 * 1024 * 1024
_MOST_LINES = 20_000
_BUCKETS = 256


@dataclass
class Page:
    """`cursor` is the last sequence number that the station need not ask for again."""

    cursor: int
    more: bool = False
    lines: list[bytes] = field(default_factory=list)
    used: int = 0

    def takes(self, size: int, room: int) -> bool:
        """Whether a line still fits; the first always does."""
        return not self.lines or (self.used + size <= room and len(self.lines) < _MOST_LINES)

    def add(self, packed: bytes, size: int) -> None:
        self.lines.append(unpack_line(packed))
        self.used += size


def read_page(
    session: Session,
    facility_code: str,
    *,
    cursor: int,
    newest: int,
    room: int,
    want: Sequence[str],
    without: str,
) -> Page:
    """Lines asked for again come first. `without` is the incarnation that already has its own;
    empty leaves nothing out. `newest` is the facility's last number as this transaction sees it."""
    page = Page(cursor)
    room = min(room, _LARGEST_PAGE)
    _add_wanted(session, facility_code, page, room, want)
    while True:
        asked = {"code": facility_code, "after": page.cursor, "without": without}
        rows = ready.ask(session, _AFTER, {**asked, "most": _ROWS_AT_ONCE})
        for sequence, size, packed in rows:
            if not page.takes(size, room):
                page.more = True
                return page
            page.add(packed, size)
            page.cursor = sequence
        if len(rows) < _ROWS_AT_ONCE:
            page.cursor = max(page.cursor, newest)
            return page


def _add_wanted(
    session: Session, facility_code: str, page: Page, room: int, want: Sequence[str]
) -> None:
    for some in portions(list(dict.fromkeys(want))):
        rows = _WANTED.ask(session, some, code=facility_code)
        for _, size, packed in rows:
            if not page.takes(size, room):
                return
            page.add(packed, size)


def read_tallies(session: Session, facility_code: str) -> list[tuple[int, int]]:
    """Count and sum of each of the 256 buckets."""
    table = [(0, 0)] * _BUCKETS
    for bucket, count, total in ready.ask(session, _TALLIES, {"code": facility_code}):
        table[bucket] = (count, as_unsigned(total))
    return table


def whole_tally(table: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(count for count, _ in table), as_unsigned(sum(total for _, total in table))


def list_buckets(
    session: Session, facility_code: str, buckets: Sequence[int]
) -> dict[str, list[str]]:
    """The ids in each of the buckets, in order."""
    listed: dict[str, list[str]] = {}
    for bucket in sorted(set(buckets)):
        low = f"{bucket:02x}"
        ids = select(Operation.op_id).where(
            Operation.facility_code == facility_code,
            Operation.op_id >= low,
            Operation.op_id < (f"{bucket + 1:02x}" if bucket < _BUCKETS - 1 else "g"),
        )
        listed[str(bucket)] = list(session.scalars(ids.order_by(Operation.op_id)))
    return listed
