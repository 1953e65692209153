"""How many rows and bytes a person and a visit leave in the province's database, table by table.

The real server takes people, then visits with their prescriptions, as pages of the exchange; what the
tables and indexes have grown by is divided by what was sent, and so is the server's processor time
(PostgreSQL's own not counted). Then reads are asked, for the lines of
the access log and of the server's own log. ``docs/scale.md`` reckons from these figures.
"""

from __future__ import annotations

import argparse
import http.client
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from benchmarks import servers
from benchmarks.machine import milliseconds, report
from benchmarks.server_load import Sender, records_in_pages, send_one_by_one
from benchmarks.servers import Serving
from benchmarks.sync_content import day_of, people
from provincial_server.database import Database
from provincial_server.people.matching import match_people
from provincial_server.settings import system_clock
from provincial_server.stations.counting import count_all
from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.web.access_log import AccessEntry
from station_emr.domain.record import RecordKind

STATIONS, PEOPLE, VISITS, READS = 4, 100, 250, 500
"""People and visits of each station; reads in all."""
_BOUNDED = {"operation_bucket"}
"""At most 256 rows of a facility, however many visits."""


@dataclass(frozen=True)
class Size:
    rows: int
    table: int
    """Bytes of the rows, overflow pages included."""
    indexes: int


Sizes = dict[str, Size]


def postgres_sizes(url: str) -> Sizes:
    made = make_url(url)
    with psycopg.connect(
        host=made.host, port=made.port, user="benchmark", dbname=made.database, autocommit=True
    ) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' "
                "AND relnamespace = 'public'::regnamespace ORDER BY relname"
            )
        ]
        found = {}
        for name in names:
            row = connection.execute(
                f'SELECT (SELECT count(*) FROM "{name}"), pg_table_size(%s), pg_indexes_size(%s)',
                (name, name),
            ).fetchone()
            assert row is not None
            found[name] = Size(*row)
        return found


def sqlite_sizes(path: Path) -> Sizes:
    with closing(sqlite3.connect(path)) as connection:
        bytes_of = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {}
        for name in tables:
            (rows,) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            indexes = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (name,)
            )
            index_bytes = sum(bytes_of.get(index, 0) for (index,) in indexes)
            found[name] = Size(rows, bytes_of.get(name, 0), index_bytes)
        return found


def grown(before: Sizes, after: Sizes, units: int) -> dict[str, dict[str, float]]:
    """What one of so many units added to each table that grows with them."""
    return {
        name: {
            "rows": round((size.rows - before[name].rows) / units, 2),
            "table_bytes": round((size.table - before[name].table) / units),
            "index_bytes": round((size.indexes - before[name].indexes) / units),
        }
        for name, size in sorted(after.items())
        if name not in _BOUNDED and size.rows - before[name].rows >= units / 10
    }


def measure(serving: Serving, log: Path, sizes: Callable[[], Sizes]) -> dict[str, Any]:
    database = Database(serving.database_url)
    try:
        start = sizes()
        crowds = [people(PEOPLE, seed=1000 + number) for number in range(STATIONS)]
        _send(serving, [[(RecordKind.PATIENT, who) for who in crowd] for crowd in crowds], 0)
        _settle(database)
        with_people = sizes()
        visits = [
            [
                pair
                for visit, prescription in day_of(crowd, VISITS, seed=number)
                for pair in (
                    (RecordKind.ENCOUNTER, visit),
                    (RecordKind.PRESCRIPTION, prescription),
                )
            ]
            for number, crowd in enumerate(crowds)
        ]
        spent = serving.cpu_seconds
        _send(serving, visits, PEOPLE)
        _settle(database)
        spent = serving.cpu_seconds - spent
        with_visits = sizes()
        logged, noted = log.stat().st_size, _noted(database)
        _read(serving, READS)
        while _noted(database) < noted + READS:  # the access log is written once a second
            time.sleep(0.1)
        read = sizes()
    finally:
        database.close()
    of_visit = grown(with_people, with_visits, STATIONS * VISITS)
    return {
        "person": grown(start, with_people, STATIONS * PEOPLE),
        "visit": of_visit,
        "visit_bytes": sum(
            int(one["table_bytes"] + one["index_bytes"]) for one in of_visit.values()
        ),
        "visit_cpu_ms": milliseconds(spent / (STATIONS * VISITS)),
        "access_line": grown(with_visits, read, READS).get("access_entry"),
        "log_bytes_a_request": round((log.stat().st_size - logged) / READS),
    }


def _send(serving: Serving, records: Sequence[Sequence[Any]], after: int) -> None:
    for number, some in enumerate(records):
        calls = records_in_pages(number, some, after=after)
        sender = Sender(serving.tokens[number], [], calls)
        send_one_by_one(serving.port, sender)
        if sender.fault or sender.taken != len(some):
            raise RuntimeError(f"{sender.taken} of {len(some)} taken: {sender.fault}")


def _settle(database: Database) -> None:
    """Until every operation can be found as resources, is counted, and its people are compared."""
    behind = 1
    while behind:
        time.sleep(0.1)
        with database.read(EVERY_FACILITY) as session:
            query = select(func.sum(Facility.operation_sequence - Facility.indexed_sequence))
            behind = session.scalar(query) or 0
    count_all(database, system_clock)
    while match_people(database, system_clock).left:
        pass


def _noted(database: Database) -> int:
    with database.read(EVERY_FACILITY) as session:
        return session.scalar(select(func.count()).select_from(AccessEntry)) or 0


def _read(serving: Serving, times: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=60)
    headers = {"Authorization": f"Bearer {serving.tokens[0]}"}
    for _ in range(times):
        connection.request("GET", "/fhir/Patient?_count=1", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def main(arguments: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=("sqlite", "postgres"))
    chosen = asked.parse_args(arguments)
    programs = servers.postgres_programs()
    for name in ("sqlite", "postgres"):
        if chosen.only not in {None, name} or (name == "postgres" and programs is None):
            continue
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if name == "postgres":
                assert programs is not None
                url = stack.enter_context(servers.postgres(programs))
                sizes = partial(postgres_sizes, url)
            else:
                url = servers.sqlite_url(folder)
                sizes = partial(sqlite_sizes, folder / "province.db")
            serving = stack.enter_context(
                servers.provincial(folder, url, STATIONS, log_level="info")
            )
            found = measure(serving, folder / "log", sizes)
        report(
            "server_rows",
            database=name,
            people=STATIONS * PEOPLE,
            visits=STATIONS * VISITS,
            **found,
        )


if __name__ == "__main__":
    main()
