"""How many visits a second the provincial server takes, and what one costs when it holds many.

The same FHIR transactions (one visit each, about 15 resources) go to our server on SQLite and on
PostgreSQL and to sekmet-fhir, from 1, 8 and 64 stations at once; then the same visits in pages of
the exchange, which is how our stations send. Every commit is on the disk before the answer. Each
figure is the median of ``--rounds`` rounds, in which the servers take turns, each with a fresh database: how
quickly a shared disk flushes changes from one second to the next. ``--grow`` stores so many resources first and says what a visit costs
then, against a small database (``flat``), and what a page of 1,000 changes takes to read.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks import server_load, servers
from benchmarks.machine import median, milliseconds, report
from benchmarks.server_load import Call, Sender, measured, send_all
from benchmarks.servers import Serving
from provincial_server.database import Database
from provincial_server.exchange import feed, protocol
from provincial_server.store import EVERY_FACILITY, Facility, ResourceHead

STATIONS = (1, 8, 64)
VISITS = 640
"""In all, whatever the number of stations."""
_PAGE_VISITS = 3_840
_SMALL, _CHANGES = 10_000, 1_000
_SAMPLES, _SAMPLE = 5, 200
_PER_VISIT = 12
"""Resources of a visit, so that growing knows how many visits to send."""
_PART, _STATION_PAGE, _LARGE_PAGE = 4_000, 60, 400

Make = Callable[[int, int], tuple[list[Call], list[Call]]]
Open = Callable[[Path, int], AbstractContextManager[Serving]]


def rate(opened: Open, make: Make, stations: int, visits: int) -> dict[str, float]:
    """Of one fresh server."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name), stations) as serving:
        senders = []
        for number in range(stations):
            first, calls = make(number, visits // stations)
            senders.append(Sender(serving.tokens[number], first, calls))
        seconds = send_all(serving.port, senders)
        return {**measured(senders, seconds), "peak_mb": serving.peak_megabytes}


def in_turns(
    peers: Mapping[str, Open], make: Make, stations: int, visits: int, rounds: int
) -> dict[str, float]:
    """The median of each figure of each server."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, opened in peers.items():
            for part, value in rate(opened, make, stations, visits).items():
                found.setdefault(f"{name}_{part}", []).append(value)
    return {name: median(values) for name, values in found.items()}


def on_sqlite(
    folder: Path, stations: int, *, limited: bool = False
) -> AbstractContextManager[Serving]:
    return servers.provincial(folder, servers.sqlite_url(folder), stations, limited=limited)


@contextmanager
def on_postgres(folder: Path, stations: int, *, limited: bool = False) -> Iterator[Serving]:
    programs = servers.postgres_programs()
    assert programs is not None
    with (
        servers.postgres(programs) as url,
        servers.provincial(folder, url, stations, limited=limited) as serving,
    ):
        yield serving


def on_sekmet(folder: Path, stations: int) -> AbstractContextManager[Serving]:
    program = servers.sekmet_program()
    assert program is not None
    return servers.sekmet(folder, program, stations)


# --- many resources ------------------------------------------------------------------------------


def grown(opened: Open, resources: int) -> dict[str, Any]:
    """Milliseconds of the server's processor for a visit, at a small size and at ``resources``."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name), 2) as serving:
        database = Database(serving.database_url)
        try:
            return _grown(serving, database, resources)
        finally:
            database.close()


def _grown(serving: Serving, database: Database, resources: int) -> dict[str, Any]:
    growth = server_load.Growth(0, database.epoch)
    token = serving.tokens[0]
    send_all(serving.port, [Sender(token, growth.first, ())])

    def send(visits: int, page: int) -> float:
        """Seconds of the server's processor, the index included."""
        before = serving.cpu_seconds
        while visits > 0:  # in parts: the bodies of a million resources do not fit the memory
            some = min(visits, _PART)
            send_all(serving.port, [Sender(token, (), growth.calls(some, page=page))])
            _await_index(database)
            visits -= some
        return serving.cpu_seconds - before

    def cost() -> float:
        """Of a visit, in pages as a station sends them; the median, because others' work on the machine
        makes single ones a tenth dearer."""
        return median([send(_SAMPLE, _STATION_PAGE) / _SAMPLE for _ in range(_SAMPLES)])

    send(_SMALL // _PER_VISIT, _LARGE_PAGE)
    small = cost()
    began = time.perf_counter()
    while (lacking := resources - _stored(database)) > 0:
        send(lacking // _PER_VISIT + 1, _LARGE_PAGE)
    grew = time.perf_counter() - began
    large = cost()
    return {
        "resources": _stored(database),
        "grew_s": round(grew),
        "visit_cpu_ms_small": milliseconds(small),
        "visit_cpu_ms_large": milliseconds(large),
        "flat": round(large / small, 2),
        "changes_ms": milliseconds(_thousand_changes(database)),
    }


def _stored(database: Database) -> int:
    with database.read(EVERY_FACILITY) as session:
        return session.scalar(select(func.count()).select_from(ResourceHead)) or 0


def _await_index(database: Database) -> None:
    """Until every operation can be found as resources."""
    while True:
        with database.read(EVERY_FACILITY) as session:
            behind = session.scalar(
                select(func.sum(Facility.operation_sequence - Facility.indexed_sequence))
            )
        if not behind:
            return
        time.sleep(0.05)


def _thousand_changes(database: Database) -> float:
    """Seconds to read 1,000 operations from the middle of the log and to join them to an answer,
    median of nine. A page holds 8 MB, so a thousand long lines are more than one."""
    seconds = []
    for _ in range(9):
        began = time.perf_counter()
        count = 0
        with database.read("BENCH0") as session:
            newest = _newest(session)
            cursor, room = newest // 2, 1 << 30
            while count < _CHANGES:
                page = feed.read_page(
                    session,
                    "BENCH0",
                    cursor=cursor,
                    newest=newest,
                    room=room,
                    want=(),
                    without="",
                )
                lines = page.lines[: _CHANGES - count]
                protocol.write_answer({"cursor": page.cursor}, lines, short=False)
                cursor, count = page.cursor, count + len(lines)
                room = page.used // len(page.lines) * (_CHANGES - count)
                if not page.more:
                    break
        seconds.append(time.perf_counter() - began)
        if count != _CHANGES:
            raise RuntimeError(f"{count} changes")
    return median(seconds)


def _newest(session: Any) -> int:
    return int(session.get_one(Facility, "BENCH0").operation_sequence)


# --- the whole -----------------------------------------------------------------------------------


def _peers() -> dict[str, Open]:
    found: dict[str, Open] = {"sqlite": on_sqlite}
    if servers.postgres_programs():
        found["postgres"] = on_postgres
    if servers.sekmet_program():
        found["sekmet"] = on_sekmet
    for name in sorted({"postgres", "sekmet"} - found.keys()):
        servers.say_absent(name)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--visits", type=int, default=VISITS)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--grow", type=int, default=0, help="resources to store first")
    asked.add_argument("--only", choices=("sqlite", "postgres"), help="of --grow")
    chosen = asked.parse_args(arguments)
    peers = _peers()
    if chosen.grow:
        for name, opened in peers.items():
            if name != "sekmet" and chosen.only in {None, name}:
                report("server_grown", database=name, **grown(opened, chosen.grow))
        return
    found: dict[str, Any] = {}
    for stations in STATIONS:
        rounds = chosen.rounds
        alone = in_turns(peers, server_load.transactions, stations, chosen.visits, rounds)
        many = chosen.visits * _PAGE_VISITS // VISITS
        own = {name: opened for name, opened in peers.items() if name != "sekmet"}
        paged = in_turns(own, server_load.pages, stations, many, rounds)
        for what, figures in (("", alone), ("exchange_", paged)):
            for name, value in figures.items():
                server, _, part = name.partition("_")
                found[f"{server}_{what}{stations}_{part}"] = value
        for name in ("sqlite", "postgres"):
            if name in peers and "sekmet" in peers:
                ours, theirs = (
                    found[f"{name}_{stations}_per_second"],
                    found[f"sekmet_{stations}_per_second"],
                )
                found[f"{name}_{stations}_ratio"] = round(ours / theirs, 1)
    absent = sorted({"postgres", "sekmet"} - peers.keys())
    report("server_ingest", visits=chosen.visits, absent=absent, **found)


if __name__ == "__main__":
    main()
