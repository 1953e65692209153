"""Everything of one facility in one file, for a new PC (docs/courier.md, "Snapshot")."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.courier.faults import CourierRefused
from provincial_server.courier.file import SNAPSHOT, Preamble
from provincial_server.courier.keys import courier_keys, next_number
from provincial_server.courier.writing import write_file
from provincial_server.database import Database
from provincial_server.exchange import feed, protocol
from provincial_server.exchange.tables import Operation, unpack_line
from provincial_server.settings import Settings
from provincial_server.store import Facility

_AT_ONCE = 200
NO_FACILITY = "Không có cơ sở {code} ở máy chủ này. Hãy xem danh sách bằng lệnh facility list."
NO_KEY = (
    "“{key}” không phải khóa nhận tệp của một máy trạm. "
    "Hãy chép lại khóa mà máy mới hiện ra bằng lệnh station-emr courier key."
)


def write_snapshot(
    settings: Settings, database: Database, code: str, recipient: str, path: Path
) -> tuple[int, int]:
    """How many operations, and the file's size. Raises CourierRefused, EnvironmentFailure."""
    with database.write(code) as session:
        if session.get(Facility, code) is None:
            raise CourierRefused("other-facility", NO_FACILITY.format(code=code))
        keys, number = courier_keys(session), next_number(session)
    preamble = Preamble(
        kind=SNAPSHOT,
        facility=code,
        device="",
        created=wire.instant(settings.clock()),
        number=number,
        recipient=recipient,
    )
    with database.read(code) as session:
        count, total = feed.whole_tally(feed.read_tallies(session, code))
        facility = session.get_one(Facility, code)
        header: dict[str, int | str] = {
            "v": protocol.VERSION,
            "epoch": database.epoch_of(session, facility),
            "cursor": facility.operation_sequence,
            "lines": count,
            "count": count,
            "sum": total,
            "notes": 0,
        }
        try:
            lines = _lines(session, code, header)
            return count, write_file(path, preamble, lines, keys)
        except ValueError as error:
            raise CourierRefused("wrong-key", NO_KEY.format(key=recipient[:80])) from error


def _lines(session: Session, code: str, header: dict[str, int | str]) -> Iterator[bytes]:
    """In the order in which they were taken: each after what it needs."""
    yield msgspec.json.encode(header)
    last, end = 0, header["cursor"]
    while True:
        rows = session.execute(
            select(Operation.sequence, Operation.line)
            .where(
                Operation.facility_code == code,
                Operation.sequence > last,
                Operation.sequence <= end,
            )
            .order_by(Operation.sequence)
            .limit(_AT_ONCE)
        ).all()
        if not rows:
            return
        for sequence, packed in rows:
            yield unpack_line(packed)
            last = sequence
