"""Statements that stand ready: those of a visit that comes by itself, written down once and then
handed to the driver as they are.

A visit asks the database a dozen things of a tenth of a millisecond each; SQLAlchemy's own path costs
more than that for every one of them. The transaction is the session's, faults are SQLAlchemy's, and
values go in and come out as the driver has them: for texts, numbers and bytes that is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import ClauseElement

Values = Mapping[str, Any]
Question = tuple[ClauseElement, Values]
_KEY, _TOGETHER = "ready", "together"
_PIPELINED = "psycopg"
"""The driver that sends several statements before it waits for an answer."""
_written: dict[tuple[ClauseElement, str, tuple[str, ...]], tuple[str, Sequence[str] | None]] = {}


def ask(session: Session, statement: ClauseElement, values: Values) -> list[Any]:
    """The rows, as tuples. Each name of a value is one of the statement's."""
    return _run(session, statement, values).fetchall()  # type: ignore[no-any-return]


def ask_all(
    session: Session,
    questions: Sequence[tuple[ClauseElement, Values]],
    *,
    is_all: bool = False,
) -> list[list[Any]]:
    """The rows of each, in one way there and back where the database is a server: none of them may
    need the answer of another. `is_all`: the transaction ends with them (`end`)."""
    with together(session):
        cursors = [_run(session, statement, values) for statement, values in questions]
        if is_all:
            end(session)
    return [cursor.fetchall() for cursor in cursors]


def connection_of(engine: Engine) -> PoolProxiedConnection:
    """A connection of the pool for oneself. That the database cannot be reached is told as
    SQLAlchemy tells it, which has no say here."""
    try:
        return engine.raw_connection()
    except engine.dialect.loaded_dbapi.Error as error:
        raise _fault(error, "(connecting)", engine.dialect) from error


def ask_at_once(
    pool: PoolProxiedConnection, dialect: Any, questions: Sequence[Question]
) -> list[list[Any]]:
    """The same on a connection without a transaction, which these questions are by themselves."""
    connection: Any = pool.dbapi_connection
    said = [(*_text(statement, dialect, tuple(values)), values) for statement, values in questions]
    try:
        if dialect.driver == _PIPELINED:  # what one message asks is one transaction
            connection.autocommit = True
            with connection.pipeline():
                cursors = [connection.execute(text, values) for text, _, values in said]
        else:
            cursors = [
                connection.execute(text, [values[name] for name in order or ()])
                for text, order, values in said
            ]
        return [cursor.fetchall() for cursor in cursors]
    except dialect.dbapi.Error as error:
        raise _fault(error, "(several statements)", dialect) from error
    finally:
        # A line that broke takes no settings; asked for one, it would hide why.
        if dialect.driver == _PIPELINED and not connection.closed:
            connection.autocommit = False


@contextmanager
def together(session: Session) -> Iterator[None]:
    """What is said inside travels as one message where the database is a server. Nothing comes back
    before the end: no rows, no counts, and a fault is raised there."""
    connection, dialect = _driver(session)
    if dialect.driver != _PIPELINED or session.info.get(_TOGETHER):
        yield
        return
    session.info[_TOGETHER] = True
    try:
        with connection.pipeline():
            yield
    except dialect.dbapi.Error as error:
        raise _fault(error, "(several statements)", dialect) from error
    finally:
        session.info.pop(_TOGETHER)


def end(session: Session) -> None:
    """Commits in the same message as what was said before, inside `together`, where the database is
    a server; elsewhere the session's own commit does, which finds nothing left to do here."""
    connection, dialect = _driver(session)
    if dialect.driver == _PIPELINED:
        connection.commit()


def change(session: Session, statement: ClauseElement, values: Values) -> int:
    """How many rows were changed. Names that the statement does not know are columns to set."""
    return int(_run(session, statement, values).rowcount)


def change_each(session: Session, statement: ClauseElement, values: Sequence[Values]) -> None:
    """The same for many; all of them have the same names."""
    if len(values) == 1:
        _run(session, statement, values[0])
        return
    connection, dialect = _driver(session)
    text, order = _text(statement, dialect, tuple(values[0]))
    given = [[one[name] for name in order] for one in values] if order is not None else values
    try:
        connection.cursor().executemany(text, given)
    except dialect.dbapi.Error as error:
        raise _fault(error, text, dialect) from error


def _run(session: Session, statement: ClauseElement, values: Values) -> Any:
    connection, dialect = _driver(session)
    text, order = _text(statement, dialect, tuple(values))
    given = [values[name] for name in order] if order is not None else values
    cursor = connection.cursor()
    try:
        cursor.execute(text, given)
    except dialect.dbapi.Error as error:
        raise _fault(error, text, dialect) from error
    return cursor


def on(transaction: object, connection: Any, dialect: Any) -> dict[str, Any]:
    """The `info` of a session whose transaction this is, on a connection of the driver."""
    return {_KEY: (transaction, connection, dialect)}


def _driver(session: Session) -> tuple[Any, Any]:
    """The driver's connection of the session's transaction, looked up once for each transaction."""
    transaction = session.get_transaction()
    kept = session.info.get(_KEY)
    if kept is not None and kept[0] is transaction and transaction is not None:
        return kept[1], kept[2]
    connection = session.connection()
    raw, dialect = connection.connection.dbapi_connection, connection.dialect
    session.info[_KEY] = (session.get_transaction(), raw, dialect)
    return raw, dialect


def _text(
    statement: ClauseElement, dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Sequence[str] | None]:
    """In the words of the database, and the order of the values where they have no names."""
    key = (statement, dialect.name, names)
    found = _written.get(key)
    if found is None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=names)
        found = _written[key] = (compiled.string, compiled.positiontup)
    return found


def _fault(error: Exception, text: str, dialect: Any) -> BaseException:
    """As SQLAlchemy tells it, without the values: they are patients."""
    return DBAPIError.instance(
        text, None, error, dialect.dbapi.Error, hide_parameters=True, dialect=dialect
    )
