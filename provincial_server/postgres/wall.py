"""The second wall between facilities: row-level security, and the rights of the serving role.

The first wall is the `facility_code` in every query. Should one forget it, PostgreSQL itself hides
every row of another facility: each transaction says for whom it works, and the policies compare. The
serving role owns nothing, so it cannot take the wall down.

Everything here is derived from the models: a new table is behind the wall as soon as it exists.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text
from sqlalchemy.orm import Session

from provincial_server import ready
from provincial_server.store import EVERY_FACILITY, Base, is_append_only

_SETTING = "station_emr.facility"
_OWN = f"current_setting('{_SETTING}', true)"
_EVERY = f"{_OWN} = '{EVERY_FACILITY}'"
_SET = text(f"SELECT set_config('{_SETTING}', :facility, true)")
_POLICY = "facility_wall"
_REFUSE = "refuse_change"


def work_for(session: Session, facility: str) -> None:
    """Until this transaction ends it sees and writes the rows of this facility alone."""
    ready.ask_all(session, [introduction(facility)])


def introduction(facility: str) -> ready.Question:
    """The same, to be asked before anything else in one message."""
    return _SET, {"facility": facility}


def condition(table: Table) -> str | None:
    """What a row must fulfil to be seen or written; None for a table that belongs to no facility."""
    if table.name == "facility":
        return f"code = {_OWN} OR {_EVERY}"
    if "facility_code" in table.columns:
        # A letter is a matter of two: the one who wrote it and the one to whom it is addressed.
        parties = [name for name in ("facility_code", "sender_code") if name in table.columns]
        return " OR ".join([*(f"{name} = {_OWN}" for name in parties), _EVERY])
    if "device_id" in table.columns:  # as far as the device itself can be seen
        own = f"SELECT 1 FROM device WHERE device.id = {_quoted(table)}.device_id"  # noqa: S608 -- a name of ours
        return f"{_EVERY} OR EXISTS ({own})"
    return None


def build(connection: Connection, serving_role: str) -> None:
    """Brings policies, guards and rights to what the models say; the owner runs it as often as he
    likes, in one transaction."""
    quote = connection.dialect.identifier_preparer.quote
    role = quote(serving_role)
    for statement in _statements(role):
        connection.execute(text(statement))


def _statements(role: str) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield (
        f"CREATE OR REPLACE FUNCTION {_REFUSE}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in Base.metadata.sorted_tables:
        name = _quoted(table)
        rights = "SELECT, INSERT" if is_append_only(table) else "SELECT, INSERT, UPDATE, DELETE"
        yield f"REVOKE ALL ON {name} FROM {role}, PUBLIC"
        yield f"GRANT {rights} ON {name} TO {role}"
        if is_append_only(table):
            yield (
                f"CREATE OR REPLACE TRIGGER {table.name}_{_REFUSE} "
                f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {_REFUSE}()"
            )
        wanted = condition(table)
        if wanted is not None:
            yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
            yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
            yield f"DROP POLICY IF EXISTS {_POLICY} ON {name}"
            yield f"CREATE POLICY {_POLICY} ON {name} USING ({wanted}) WITH CHECK ({wanted})"
    # Numbers that the database itself gives out (a column of a table that counts by itself).
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"


def behind_the_wall() -> set[str]:
    """Names of the tables that have a policy."""
    return {table.name for table in Base.metadata.sorted_tables if condition(table) is not None}


def _quoted(table: Table) -> str:
    """`binary` is a word of the language, too."""
    return f'"{table.name}"'
