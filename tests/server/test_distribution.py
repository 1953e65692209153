"""The schema is ready for a database that is spread over machines by facility (docs/scale.md): every
key of a facility's table begins with the facility, and what does not is known by name."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from provincial_server.app import create_app
from provincial_server.store import Base

assert create_app  # whoever imports the application has every table
PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
REFERENCE = {
    # lists of the province and facts of the server
    *("catalog_pack", "program_notice", "server_fact"),
    # who may sign in: looked up by a token or a name, before anybody knows of which facility
    *("device", "device_state", "enrolment_code", "access_token", "used_assertion"),
    *("web_user", "web_session"),
}
"""Small tables, the same on every machine."""
DROPPED = {
    ("change", "resource_version"),  # its key holds owner_code in place of facility_code
    ("device", "facility"),  # a table that is everywhere cannot point into one that is spread
    ("enrolment_code", "facility"),
    ("web_user", "facility"),
}
"""Foreign keys that such a database does not take; `verify` and the code hold to them."""
TABLES = Base.metadata.tables


def key_of(table: Table) -> str:
    """The column by which rows are spread; empty for a reference table."""
    if table.name in REFERENCE:
        return ""
    return "code" if table.name == "facility" else "facility_code"


def faults(table: Table) -> list[str]:
    key = key_of(table)
    if not key:
        return []
    found = []
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    for one in (*keys, *(index for index in table.indexes if index.unique)):
        names = [column.name for column in one.columns]
        if names[:1] != [key]:
            found.append(f"{table.name}: {names}")
    return found


def crossing(constraint: ForeignKeyConstraint) -> bool:
    """Whether the row that is pointed to may lie on another machine."""
    here, there = constraint.table, constraint.referred_table
    if not key_of(there):
        return False
    pairs = {(item.parent.name, item.column.name) for item in constraint.elements}
    return (key_of(here), key_of(there)) not in pairs


def test_keys_of_a_facilitys_tables_begin_with_the_facility():
    assert len(TABLES) > 30
    assert [fault for table in TABLES.values() for fault in faults(table)] == []
    assert set(TABLES) > REFERENCE


def test_rows_point_to_rows_of_the_same_machine_but_for_four_known_keys():
    found = {
        (table.name, constraint.referred_table.name)
        for table in TABLES.values()
        for constraint in table.foreign_key_constraints
        if crossing(constraint)
    }
    assert found == DROPPED


def test_the_page_names_every_table_where_it_belongs():
    text = PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| \*\*(distributed|reference)\*\* \|([^|]*)\|", text, re.MULTILINE))
    named = {kind: set(re.findall(r"`(\w+)`", cell)) for kind, cell in rows.items()}
    assert named["reference"] == REFERENCE
    assert named["distributed"] == set(TABLES) - REFERENCE
    for table, other in DROPPED:
        assert f"`{table}` → `{other}`" in text


def test_a_key_that_begins_with_something_else_is_seen():
    table = Table(
        "made_up",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("facility_code", String),
        Index("ix_made_up", "facility_code", "id", unique=True),
        UniqueConstraint("id", "facility_code"),
    )
    assert faults(table) == ["made_up: ['id']", "made_up: ['id', 'facility_code']"]
