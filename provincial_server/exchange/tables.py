"""The log of operations and what is derived from it, each row under its facility.

A line is kept as the bytes that came, packed with zstd and the newest dictionary of the exchange: 13 kB
become 1.3, and packing costs less than writing what it saves. A packed line names its dictionary, so one
that ever shipped goes on shipping. Numbers, heads and tallies are written in the transaction that writes the line.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
import zstandard
from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from provincial_server import ready
from provincial_server.exchange.packing import copy_of, dictionaries, dictionary
from provincial_server.store import FACILITY_CODE, RESOURCE_ID, Base, append_only

OPERATION_ID = String(32)
INCARNATION = String(16)
KIND = String(64)
REST = "rest"
"""The incarnation of changes that came through plain FHIR."""
MERGE = "merge"
"""The incarnation of merges that a rule wrote; the same on every machine."""


class Operation(Base):
    """One line. `shown_sequence` is the operation whose resources are the ones to show since this
    one came, mostly this one itself, and empty when it changed nothing. `sender` is the incarnation
    that brought it, if it is one that may be trusted to have it still; `rest` says that it came through
    plain FHIR and its resources follow, at the moment that was answered (`new_records.py`)."""

    __tablename__ = "operation"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    op_id: Mapped[str] = mapped_column(OPERATION_ID)
    kind: Mapped[str] = mapped_column(KIND)
    record_id: Mapped[str] = mapped_column(RESOURCE_ID)
    incarnation: Mapped[str] = mapped_column(INCARNATION)
    number: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[str] = mapped_column(INCARNATION)
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"))
    received_at: Mapped[int] = mapped_column(BigInteger)
    shown_sequence: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column()
    line: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (
        Index("uq_operation_op_id", "facility_code", "op_id", unique=True),
        Index(None, "facility_code", "record_id"),
        Index("ix_operation_number", "facility_code", "incarnation", "number"),
    )


class OperationRecord(Base):
    """The operation whose resources are shown, and whether it is the newest of its record: while
    versions wait for their merge, what was shown stays."""

    __tablename__ = "operation_record"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    record_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(KIND, primary_key=True)
    shown_op_id: Mapped[str] = mapped_column(OPERATION_ID)
    is_newest: Mapped[bool] = mapped_column(Boolean)


class OperationBucket(Base):
    """Count and sum of the operations of one bucket. The sum is unsigned; SQL has signed numbers
    only, so it is kept in two's complement."""

    __tablename__ = "operation_bucket"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    bucket: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)


class Incarnation(Base):
    """One life of one station database. The device is unknown while only others brought its work."""

    __tablename__ = "incarnation"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    id: Mapped[str] = mapped_column(INCARNATION, primary_key=True)
    device_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("device.id"))
    highest_number: Mapped[int] = mapped_column(BigInteger)
    first_seen: Mapped[int] = mapped_column(BigInteger)


class UnreadRecord(Base):
    """A record whose line could not be turned into resources, which is a fault of this program: the
    operation that should be shown of it, and which program tried last and when. The row goes when that
    line or a later one of the record can be read. `Facility.skipped_operations` counts these rows."""

    __tablename__ = "unread_record"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    record_id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(KIND, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    program: Mapped[str] = mapped_column(String(100))
    tried_at: Mapped[int] = mapped_column(BigInteger)


class DeviceState(Base):
    """What a device last said of itself, for the province's overview: counts and times."""

    __tablename__ = "device_state"
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"), primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    received_at: Mapped[int] = mapped_column(BigInteger)


append_only(Operation)

_T = TypeVar("_T")
_AT_ONCE = 400

_SIGN, _WHOLE = 1 << 63, 1 << 64
_LEVEL = 3
_THREAD = threading.local()
_LARGEST_LINE = 64 * 1024 * 1024


def portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """As many as one statement may name."""
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


class Among:
    """A statement that says in one place that a column is one of many: `{among}` in its text. The
    values travel as one parameter, so it stands ready whatever their number."""

    def __init__(self, said: str, kind: str = "varchar") -> None:
        self._texts = {
            "sqlite": text(said.format(among="IN (SELECT value FROM json_each(:listed))")),
            "postgresql": text(said.format(among=f"= ANY(CAST(:listed AS {kind}[]))")),
        }

    def ask(self, session: Session, listed: Collection[Any], **values: Any) -> list[Any]:
        """The rows, as the driver gives them; nothing is asked about nothing."""
        if not listed:
            return []
        dialect = session.get_bind().dialect.name
        given: Any = list(listed)
        if dialect == "sqlite":
            given = msgspec.json.encode(given).decode()
        return ready.ask(session, self._texts[dialect], {**values, "listed": given})


def table_of(model: type[Any]) -> Table:
    """For statements that write many rows at once."""
    table: Table = model.__table__
    return table


def as_signed(total: int) -> int:
    return total - _WHOLE if total >= _SIGN else total


def as_unsigned(total: int) -> int:
    return total % _WHOLE


def bucket_of(op_id: str) -> int:
    """0 to 255."""
    return int(op_id[:2], 16)


def weight(op_id: str) -> int:
    """An operation's share of the sum."""
    return int(op_id[16:32], 16)


def pack_line(line: bytes) -> bytes:
    made: zstandard.ZstdCompressor | None = getattr(_THREAD, "compressor", None)
    if made is None:  # each thread its own, kept: making one costs as much as packing a line
        made = _THREAD.compressor = zstandard.ZstdCompressor(
            level=_LEVEL, write_checksum=True, dict_data=_prepared()
        )
    return made.compress(line)


@cache
def _prepared() -> zstandard.ZstdCompressionDict | None:
    numbers = dictionaries()
    found = copy_of(numbers[-1]) if numbers else None
    if found is not None:
        found.precompute_compress(level=_LEVEL)
    return found


@cache
def _known() -> dict[int, zstandard.ZstdCompressionDict]:
    found = [words for number in dictionaries() if (words := dictionary(number)) is not None]
    return {words.dict_id(): words for words in found}


def unpack_line(packed: bytes) -> bytes:
    """Raises LookupError when its dictionary no longer ships: a fault of the packaging."""
    number = zstandard.get_frame_parameters(packed).dict_id
    readers: dict[int, zstandard.ZstdDecompressor] | None = getattr(_THREAD, "readers", None)
    if readers is None:
        readers = _THREAD.readers = {}
    reader = readers.get(number)
    if reader is None:
        if number and number not in _known():
            raise LookupError(f"dictionary {number} of the packed lines is missing")
        words = _known()[number] if number else None
        reader = readers[number] = zstandard.ZstdDecompressor(dict_data=words)
    return reader.decompress(packed, max_output_size=_LARGEST_LINE)
