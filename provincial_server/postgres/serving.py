"""What the server asks of a PostgreSQL database before it serves it."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.orm import Session

from provincial_server.postgres.wall import behind_the_wall
from provincial_server.store import ServerFact, lock_facts

_PLACE = "database_place"
_ENCODING = text("SELECT current_setting('server_encoding')")
_MIGHTY = text(  # itself, or whom it may become
    "SELECT bool_or(rolsuper OR rolbypassrls) FROM pg_roles "
    "WHERE pg_has_role(current_user, oid, 'MEMBER')"
)
_OWNED = text(
    "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "AND relkind IN ('r', 'p') AND pg_has_role(current_user, relowner, 'MEMBER')"
)
_WALLED = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "AND relrowsecurity AND relforcerowsecurity"
)
# Changes with every way back in time that PostgreSQL knows of: another cluster, a recovery (which
# begins a new time line), a dump that was played into another database or into fresh tables.
_WHERE = text(
    "SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), "
    "(SELECT timeline_id FROM pg_control_checkpoint()), "
    "(SELECT oid FROM pg_database WHERE datname = current_database()), "
    "'public.server_fact'::regclass::oid)"
)
_PREPARE = (
    "Hãy chạy lệnh `postgres prepare` bằng tài khoản chủ sở hữu (docs/server.md), rồi thử lại."
)


def problem(connection: Connection, schema_version: int) -> str | None:
    """Why this database must not be served, in words for the operator; None when it may."""
    if connection.scalar(_ENCODING) != "UTF8":
        return "Cơ sở dữ liệu phải dùng bảng mã UTF8. Hãy tạo lại theo docs/server.md."
    existing = set(inspect(connection).get_table_names())
    if "server_fact" not in existing:
        if existing:
            return "Cơ sở dữ liệu này thuộc về một chương trình khác."
        return f"Cơ sở dữ liệu còn trống. {_PREPARE}"
    if connection.scalar(_MIGHTY) or connection.scalar(_OWNED):
        return (
            "Tài khoản PostgreSQL này có thể vượt tường ngăn giữa các cơ sở y tế (là chủ sở hữu bảng "
            "hoặc có quyền tối cao). Máy chủ chỉ chạy bằng tài khoản phục vụ (docs/server.md)."
        )
    if behind_the_wall() - set(connection.scalars(_WALLED)):
        return f"Tường ngăn giữa các cơ sở y tế chưa đủ trong PostgreSQL. {_PREPARE}"
    found = int(
        connection.scalar(select(ServerFact.value).where(ServerFact.name == "schema_version")) or 0
    )
    if found > schema_version:
        return (
            f"Cơ sở dữ liệu thuộc phiên bản mới hơn ({found}) chương trình này ({schema_version}). "
            "Hãy cài chương trình mới; chưa có gì bị ghi."
        )
    if found < schema_version:
        return f"Cơ sở dữ liệu thuộc phiên bản cũ ({found}). {_PREPARE}"
    return None


def has_been_restored(session: Session) -> bool:
    """Whether the data came here from elsewhere, or from another time, since it was last opened;
    from now on it belongs here. A machine that was set back as a whole shows nothing: there a
    station notices that it is ahead (docs/sync.md)."""
    place = str(session.scalar(_WHERE))
    # Of several processes that start together one takes the new epoch.
    lock_facts(session)
    known = session.get(ServerFact, _PLACE)
    if known is None:
        session.add(ServerFact(name=_PLACE, value=place))
        return False
    moved = known.value != place
    known.value = place
    return moved
