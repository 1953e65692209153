"""The morning after three days without a line: 135 stations come back within one minute.

Each has 120 sealed visits to send, in pages as a station sends them, and ends as a station does:
when everything it sent was taken and the count and sum of its operations are those of the province.
The server holds the stations to its rates; a 429 is honoured, any other refusal ends the benchmark.
In the end the log of each facility must hold every operation once.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks import server_load, servers
from benchmarks.machine import milliseconds, percentile, report
from benchmarks.server_ingest import on_postgres, on_sqlite
from benchmarks.server_load import Sender, send_one_by_one
from provincial_server.database import Database
from provincial_server.exchange.tables import Operation
from provincial_server.store import EVERY_FACILITY

STATIONS, VISITS, WITHIN, PATIENTS = 135, 120, 60.0, 20
_PAGE = 60
"""Visits in a page: what a station sends before it has measured the line."""


def morning(opened: Any, stations: int, visits: int, within: float) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as name,
        opened(Path(name), stations, limited=True) as serving,
    ):
        chance = random.Random(20261123)
        senders = []
        for number in range(stations):
            first, calls = server_load.pages(number, visits, page=_PAGE, patients=PATIENTS)
            # People registered in the three days go with the rest.
            senders.append(Sender(serving.tokens[number], (), (*first, *calls)))
        ends = [0.0] * stations
        began = time.perf_counter()

        def come_back(number: int, after: float) -> None:
            time.sleep(after)
            start = time.perf_counter()
            send_one_by_one(serving.port, senders[number])
            ends[number] = time.perf_counter() - start

        delays = [chance.uniform(0, within) for _ in senders]
        threads = [
            threading.Thread(target=come_back, args=one, daemon=True) for one in enumerate(delays)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        faults = [sender.fault for sender in senders if sender.fault]
        if faults:
            raise RuntimeError(f"{len(faults)} stations were refused: {faults[0]}")
        _check(serving.database_url, stations, visits)
        return {
            "seconds": round(seconds, 1),
            "after_the_last_came_s": round(seconds - max(delays), 1),
            "station_p50_ms": milliseconds(percentile(ends, 50)),
            "station_p95_ms": milliseconds(percentile(ends, 95)),
            "asked_to_wait": sum(sender.waits for sender in senders),
            "peak_mb": serving.peak_megabytes,
        }


def _check(url: str, stations: int, visits: int) -> None:
    """Every operation once, and the server's own tally says the same."""
    database = Database(url)
    try:
        with database.read(EVERY_FACILITY) as session:
            rows = session.execute(
                select(
                    Operation.facility_code,
                    func.count(),
                    func.count(func.distinct(Operation.op_id)),
                ).group_by(Operation.facility_code)
            ).all()
    finally:
        database.close()
    wanted = visits + PATIENTS
    wrong = [row for row in rows if row[1] != wanted or row[2] != wanted]
    if len(rows) != stations or wrong:
        raise RuntimeError(f"lost or doubled: {len(rows)} facilities, {wrong[:3]}")


def main(arguments: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--stations", type=int, default=STATIONS)
    asked.add_argument("--visits", type=int, default=VISITS, help="of each station")
    asked.add_argument("--within", type=float, default=WITHIN, help="seconds")
    chosen = asked.parse_args(arguments)
    peers: dict[str, Any] = {"sqlite": on_sqlite}
    if servers.postgres_programs():
        peers["postgres"] = on_postgres
    else:
        servers.say_absent("postgres")
    for name, opened in peers.items():
        found = morning(opened, chosen.stations, chosen.visits, chosen.within)
        counts = {"stations": chosen.stations, "visits": chosen.visits}
        report("server_morning", database=name, **counts, **found)


if __name__ == "__main__":
    main()
