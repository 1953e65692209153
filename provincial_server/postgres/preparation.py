"""Creates or upgrades a PostgreSQL database, as its owner, for the role that will serve it."""

from __future__ import annotations

from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from provincial_server.database import UnusableDatabase, note_place, prepare_schema
from provincial_server.postgres import wall
from provincial_server.postgres.engine import create_postgres_engine
from provincial_server.store import EVERY_FACILITY

_KNOWN_ROLE = text("SELECT count(*) FROM pg_roles WHERE rolname = :role")
_ORDER = text("SELECT pg_advisory_xact_lock(20250731)")
_NO_LIMIT = text("SET LOCAL statement_timeout = 0")


def prepare(owner_url: str, serving_role: str) -> None:
    """Tables, policies, guards and rights, in one transaction; again after every update. Raises
    UnusableDatabase having changed nothing."""
    url = make_url(owner_url)
    if url.get_backend_name() != "postgresql":
        raise UnusableDatabase("Lệnh này chỉ dành cho địa chỉ postgresql://….")
    if serving_role == url.username:
        raise UnusableDatabase("Tài khoản phục vụ phải khác tài khoản chủ sở hữu.")
    engine = create_postgres_engine(url)
    try:
        with Session(engine) as session, session.begin():
            connection = session.connection()
            session.execute(_NO_LIMIT)  # an index over many years of records takes its time
            session.execute(_ORDER)
            if not session.scalar(_KNOWN_ROLE, {"role": serving_role}):
                raise UnusableDatabase(
                    f"Chưa có tài khoản PostgreSQL {serving_role}. Hãy tạo theo docs/server.md."
                )
            wall.work_for(session, EVERY_FACILITY)
            prepare_schema(connection, session)
            note_place(session)
            wall.build(connection, serving_role)
    except OperationalError as error:
        raise UnusableDatabase(
            "Không nối được với PostgreSQL bằng tài khoản chủ sở hữu, hoặc các bảng đang bận. "
            "Chưa có gì thay đổi, hãy thử lại."
        ) from error
    finally:
        engine.dispose()
