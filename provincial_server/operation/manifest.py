"""What a database holds, in numbers: written into a backup, and compared after a restore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server import __version__, binaries, wire
from provincial_server.exchange import feed
from provincial_server.exchange.tables import Operation
from provincial_server.store import (
    Base,
    Change,
    Facility,
    ResourceHead,
    ResourceVersion,
    ServerFact,
)

FORMAT = 1
_COUNTED: dict[str, Any] = {
    "operations": Operation,
    "resources": ResourceHead,
    "versions": ResourceVersion,
    "changes": Change,
    "forms": binaries.Binary,
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """`facilities`: code → counts of each kind, and the tally as the exchange knows it.
    `tables`: rows of every table."""

    schema: int
    epoch: str
    facilities: dict[str, dict[str, int]]
    tables: dict[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Stands at the head of a backup. `sha256` is of the dump that follows it."""

    format: int
    backend: str
    made_at: str
    program: str
    size: int
    sha256: str
    holdings: Holdings

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


def decode(text: bytes) -> Manifest:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Manifest)


def take_stock(session: Session) -> Holdings:
    """Of one moment: the caller's transaction sees one."""
    facts = dict(session.execute(select(ServerFact.name, ServerFact.value)).all())
    facilities: dict[str, dict[str, int]] = {}
    for code in session.scalars(select(Facility.code).order_by(Facility.code)):
        count, total = feed.whole_tally(feed.read_tallies(session, code))
        facilities[code] = {"count": count, "sum": total}
    for name, model in _COUNTED.items():
        for code, count in session.execute(
            select(model.facility_code, func.count()).group_by(model.facility_code)
        ):
            facilities[code][name] = count
    tables = {
        table.name: session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }
    return Holdings(int(facts["schema_version"]), facts["epoch"], facilities, tables)


def manifest_of(holdings: Holdings, *, backend: str, now: int, size: int, sha256: str) -> Manifest:
    return Manifest(FORMAT, backend, wire.instant(now), __version__, size, sha256, holdings)


def difference(told: Holdings, found: Holdings) -> str | None:
    """The first place where the two disagree, in words; None when they are equal. The epoch is not
    compared: a restored database takes a new one."""
    for code in sorted(told.facilities.keys() | found.facilities.keys()):
        there, here = told.facilities.get(code), found.facilities.get(code)
        if there != here:
            return f"cơ sở {code}: bản sao ghi {_shown(there)}, đang có {_shown(here)}"
    for name, rows in told.tables.items():
        if found.tables.get(name) != rows:
            return f"bảng {name}: bản sao ghi {rows} dòng, đang có {found.tables.get(name, 0)}"
    return None


def _shown(counts: dict[str, int] | None) -> str:
    if counts is None:
        return "không có cơ sở này"
    return ", ".join(f"{name} {value}" for name, value in sorted(counts.items()))
