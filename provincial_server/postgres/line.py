"""A connection to PostgreSQL on which all that is said at once is one message.

The driver's own way there sends each statement by itself, waits for BEGIN, and asks once more whether
the end has come: four ways there and back for a visit where two will do, with many times the work. A
line is a stand-in for the driver's connection and offers what `ready.py` asks of one.

Its statements are prepared once and kept, so the connection is the line's alone until something goes
wrong. Then it is closed, which undoes whatever had not been committed.
"""

from __future__ import annotations

import re
import select
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus

HAS_LINES = hasattr(select, "poll")
"""Not on Windows: there every write goes alone, over the driver's own way."""
_BEGIN, _COMMIT = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", b"COMMIT"
_NAMED = re.compile(r"%(?:\((\w+)\)s|%)")
_ANY, _BOOL, _BYTES, _NUMBER, _TEXTS = 0, 16, 17, 20, 1015
"""Types as PostgreSQL numbers them; texts are whatever their place in the statement says."""
_TEXT_FORMAT, _BINARY = 0, 1
_pack_number = struct.Struct("!q").pack
_numbers = count(1)
_written: dict[str, tuple[bytes, tuple[str, ...]]] = {}
_names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
Given = tuple[int, bytes | None, int]
"""Type, value and its format."""


class Said:
    """One statement on its way, and its rows once the message has been answered."""

    rowcount = -1
    """Nobody knows before the answer."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.answer: Any = None

    def execute(self, text: str, values: Mapping[str, Any]) -> None:
        self._line.say(text, values, self)

    def executemany(self, text: str, values: Any) -> None:
        for one in values:
            self._line.say(text, one, self)

    def fetchall(self) -> list[Any]:
        reader = Transformer(self._line.connection)
        reader.set_pgresult(self.answer)
        return reader.load_rows(0, self.answer.ntuples, tuple)


class Line:
    """Of one thread at a time."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._pg = connection.pgconn
        self._pg.enter_pipeline_mode()
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._prepared: set[bytes] = set()
        self._expected: list[Said | None] = []
        """Who wants the answer of each thing that was said since the last one."""
        self._is_begun = False

    def close(self) -> None:
        self.connection.close()

    def is_silent(self) -> bool:
        """Nothing has arrived that nobody asked for: no farewell and no end."""
        return not self._poll.poll(0)

    def cursor(self) -> Said:
        return Said(self)

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """What is said inside is sent at the end, and answered there. A fault of the database is
        raised; then nobody may use the line any more."""
        yield
        self._pg.pipeline_sync()
        self._send()
        self._read()

    def say(self, text: str, values: Mapping[str, Any], said: Said) -> None:
        """Waits inside `pipeline` for the end of the message. The first statement begins a transaction."""
        if not self._is_begun:
            self._is_begun = True
            self._say(_BEGIN, (), None)
        found = _written.get(text)
        if found is None:
            found = _written[text] = _numbered(text)
        statement, order = found
        self._say(statement, [_given(values[name]) for name in order], said)

    def commit(self) -> None:
        """At the end of what is being said."""
        if self._is_begun:
            self._is_begun = False
            self._say(_COMMIT, (), None)

    def _say(self, statement: bytes, given: Any, said: Said | None) -> None:
        kinds = tuple([one[0] for one in given])
        name = _names.get((statement, kinds))
        if name is None:
            name = _names[statement, kinds] = b"line_%d" % next(_numbers)
        if name not in self._prepared:
            self._prepared.add(name)
            self._pg.send_prepare(name, statement, kinds)
            self._expected.append(None)
        self._pg.send_query_prepared(name, [one[1] for one in given], [one[2] for one in given])
        self._expected.append(said)

    def _send(self) -> None:
        """A message may be longer than what the line holds: then both sides have to be listened to."""
        while self._pg.flush():
            self._poll.modify(self._pg.socket, select.POLLIN | select.POLLOUT)
            for _, event in self._poll.poll():
                if event & ~select.POLLOUT:
                    self._pg.consume_input()
            self._poll.modify(self._pg.socket, select.POLLIN)

    def _read(self) -> None:
        fault: psycopg.Error | None = None
        expected = iter(self._expected)
        while (result := self._next()) is None or result.status != ExecStatus.PIPELINE_SYNC:
            if result is None:  # the end of one answer
                continue
            said = next(expected)
            if result.status == ExecStatus.FATAL_ERROR and fault is None:
                fault = errors.error_from_result(result)
            elif said is not None:
                said.answer = result
        self._expected.clear()
        if fault is not None:
            raise fault

    def _next(self) -> pq.abc.PGresult | None:
        while self._pg.is_busy():
            self._poll.poll()
            self._pg.consume_input()
        return self._pg.get_result()


def _numbered(text: str) -> tuple[bytes, tuple[str, ...]]:
    """With places in the words of PostgreSQL instead of the driver's."""
    order: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        return f"${order.setdefault(found[1], len(order) + 1)}"

    return _NAMED.sub(place, text).encode(), tuple(order)


def _given(value: Any) -> Given:
    if type(value) is str:  # in binary form, whose end no letter can be taken for
        return _ANY, value.encode(), _BINARY
    if type(value) is int:
        return _NUMBER, _pack_number(value), _BINARY
    if type(value) is bytes:
        return _BYTES, value, _BINARY
    if value is None:
        return _ANY, None, _TEXT_FORMAT
    if type(value) is bool:
        return _BOOL, b"\x01" if value else b"\x00", _BINARY
    if type(value) is list:
        return _TEXTS, _listed(value), _TEXT_FORMAT
    raise TypeError(type(value).__name__)


def _listed(texts: list[str]) -> bytes:
    said = "\x01".join(texts)
    if "\x00" in said:
        raise psycopg.DataError("a text of PostgreSQL holds no character 0")
    if "\\" in said or '"' in said:
        texts = [one.replace("\\", "\\\\").replace('"', '\\"') for one in texts]
    return '{{"{}"}}'.format('","'.join(texts)).encode() if texts else b"{}"
