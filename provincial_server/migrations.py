"""Brings an older database up to date, in the transaction that opens it: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    func,
    inspect,
    select,
    text,
    update,
)

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
_BEGAN_WITH_TYPE = ("resource", "resource_identifier", "resource_version", "change")
"""Whose keys the first release began with the type, or which point at such a key; each points at
those before it."""


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
        text("ALTER TABLE facility ADD COLUMN epoch_part VARCHAR(16) DEFAULT '' NOT NULL")
    )
    connection.execute(
        text("ALTER TABLE resource ADD COLUMN record_id VARCHAR(64) DEFAULT '' NOT NULL")
    )
    _name_records(connection)
    _order_by_record(connection)
    Base.metadata.create_all(connection)


def _order_by_record(connection: Connection) -> None:
    """Keys that began with the type get the id in front, so that what belongs to one record stands
    together. Columns stay as they were: the release before goes on working."""
    ordered = [Base.metadata.tables[name] for name in _BEGAN_WITH_TYPE]
    looking = inspect(connection)
    for table in ordered:
        for index in looking.get_indexes(table.name):
            connection.execute(text(f"DROP INDEX {index['name']}"))
    change = _copy_tables if connection.dialect.name == "sqlite" else _change_keys
    change(connection, ordered)


def _copy_tables(connection: Connection, ordered: Sequence[Table]) -> None:
    """SQLite cannot change a key."""
    triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :of")
    for table in ordered:
        for name in connection.scalars(triggers, {"of": table.name}).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        # What points at it follows its name, so the old ones go on fitting one another.
        connection.execute(text(f"ALTER TABLE {table.name} RENAME TO {table.name}_before"))
    for table in ordered:
        table.create(connection)
        names = ", ".join(column.name for column in table.columns)
        connection.execute(
            text(
                f"INSERT INTO {table.name} ({names}) SELECT {names} "  # noqa: S608 -- names of ours
                f"FROM {table.name}_before ORDER BY rowid"
            )
        )
    for table in reversed(ordered):
        connection.execute(text(f"DROP TABLE {table.name}_before"))


def _change_keys(connection: Connection, ordered: Sequence[Table]) -> None:
    """PostgreSQL: the rows stay where they are."""
    looking = inspect(connection)
    pointing = [
        (table.name, key)
        for table in ordered
        for key in looking.get_foreign_keys(table.name)
        if key["referred_table"] in _BEGAN_WITH_TYPE
    ]
    statements = [f"ALTER TABLE {name} DROP CONSTRAINT {key['name']}" for name, key in pointing]
    for table in ordered:
        key = looking.get_pk_constraint(table.name)["name"]
        names = ", ".join(column.name for column in table.primary_key)
        statements.append(f"ALTER TABLE {table.name} DROP CONSTRAINT {key}")
        statements.append(f"ALTER TABLE {table.name} ADD CONSTRAINT {key} PRIMARY KEY ({names})")
    statements += [
        f"ALTER TABLE {name} ADD CONSTRAINT {key['name']} "
        f"FOREIGN KEY ({', '.join(key['constrained_columns'])}) "
        f"REFERENCES {key['referred_table']} ({', '.join(key['referred_columns'])})"
        for name, key in pointing
    ]
    for statement in statements:
        connection.execute(text(statement))
    for table in ordered:
        for index in table.indexes:
            index.create(connection)


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
