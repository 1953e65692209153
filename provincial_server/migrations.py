"""Brings an older database up to date, in the transaction that opens it: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, func, select, text, update

from provincial_server import binaries  # noqa: F401 -- so that its tables are known
from provincial_server.anchors import tables as anchor_tables  # noqa: F401 -- the same
from provincial_server.catalogs import tables as catalog_tables  # noqa: F401 -- the same
from provincial_server.exchange import tables  # noqa: F401 -- the same
from provincial_server.people import tables as people_tables  # noqa: F401 -- the same
from provincial_server.records import record_of
from provincial_server.referrals import tables as referral_tables  # noqa: F401 -- the same
from provincial_server.stations import tables as station_tables  # noqa: F401 -- the same
from provincial_server.store import SCHEMA_VERSION, Base, ResourceHead, ServerFact
from provincial_server.web import access_log, accounts  # noqa: F401 -- the same

_AT_ONCE = 1000


def upgrade(connection: Connection, found: int) -> None:
    """From the version that was found to the one this program writes."""
    for version in range(found, SCHEMA_VERSION):
        _STEPS[version](connection)
    connection.execute(
        update(ServerFact)
        .where(ServerFact.name == "schema_version")
        .values(value=str(SCHEMA_VERSION))
    )


def _to_second(connection: Connection) -> None:
    """The log of operations, the printed forms and the short-lived tokens. What was stored before has no operations: its station still has the
    records and offers them when it first speaks the exchange."""
    for column in ("operation_sequence", "indexed_sequence", "skipped_operations"):
        connection.execute(
            text(f"ALTER TABLE facility ADD COLUMN {column} BIGINT DEFAULT '0' NOT NULL")
        )
    connection.execute(
        text("ALTER TABLE resource ADD COLUMN record_id VARCHAR(64) DEFAULT '' NOT NULL")
    )
    _name_records(connection)
    resource = ResourceHead.metadata.tables["resource"]
    for index in resource.indexes:
        if "record_id" in index.columns:
            index.create(connection)
    Base.metadata.create_all(connection)


def _name_records(connection: Connection) -> None:
    key = select(
        ResourceHead.facility_code, ResourceHead.resource_type, ResourceHead.resource_id
    ).where(ResourceHead.record_id == "")
    fill = (
        update(ResourceHead.metadata.tables["resource"])
        .where(
            ResourceHead.facility_code == bindparam("of_facility"),
            ResourceHead.resource_type == bindparam("of_type"),
            ResourceHead.resource_id == bindparam("of_id"),
        )
        .values(record_id=bindparam("record"))
    )
    while rows := connection.execute(key.limit(_AT_ONCE)).all():
        connection.execute(
            fill,
            [
                {
                    "of_facility": row[0],
                    "of_type": row[1],
                    "of_id": row[2],
                    "record": record_of(row[2]),
                }
                for row in rows
            ],
        )
    left = connection.scalar(
        select(func.count()).select_from(ResourceHead).where(ResourceHead.record_id == "")
    )
    assert not left  # noqa: S101 -- an id is never empty


_STEPS: dict[int, Callable[[Connection], None]] = {1: _to_second}
