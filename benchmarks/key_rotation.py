"""A new key for a database of 200 MB while somebody saves: how long it takes, and the longest wait.

``longest_save_ms`` is the slowest of the saves that ran without a pause all the time, ``exchange_ms`` for
how long nobody could work at all: the last pages, the reading back of the whole copy and one rename.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.machine import median, milliseconds, report
from station_emr.db import connection as connections
from station_emr.db.store import EncryptedStore

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
_ROW = 64 * 1024


def fill(path: Path, megabytes: int) -> None:
    """Made-up bytes in a table that nothing else reads: only their volume matters here."""
    EncryptedStore.create(path, OLD).close()
    raw = connections.connect(path, OLD)
    raw.execute("CREATE TABLE ballast (number INTEGER PRIMARY KEY, content BLOB)")
    for _ in range(megabytes):
        raw.execute("BEGIN")
        rows = [(os.urandom(_ROW - 200),) for _ in range(1024 * 1024 // _ROW)]
        raw.executemany("INSERT INTO ballast (content) VALUES (?)", rows)
        raw.execute("COMMIT")
    raw.close()


def save_on(store: EncryptedStore, stop: threading.Event, took: list[float]) -> None:
    """One small save after another, as at a desk with a tenth of a second between."""
    while not stop.wait(0.02):
        before = time.perf_counter()
        with store.write() as work:
            work.settings.put("benchmark.count", str(len(took)))
        took.append(time.perf_counter() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "station.db"
        fill(path, options.megabytes)
        store = EncryptedStore.open(path, OLD)
        seconds = outcome = 0.0
        quiet: list[float] = []
        busy: list[float] = []
        for took, work in ((quiet, rest), (busy, lambda: change(store))):
            stop = threading.Event()
            thread = threading.Thread(target=save_on, args=(store, stop, took))
            thread.start()
            began = time.perf_counter()
            outcome = work()
            seconds = time.perf_counter() - began
            stop.set()
            thread.join()
        store.close()
        report(
            "key_rotation",
            megabytes=round(path.stat().st_size / 1e6),
            seconds=round(seconds, 1),
            exchange_ms=milliseconds(outcome),
            longest_save_ms=milliseconds(max(busy)),
            save_ms=milliseconds(median(busy)),
            save_before_ms=milliseconds(median(quiet)),
            saves=len(busy),
        )


def rest() -> float:
    time.sleep(2.0)
    return 0.0


def change(store: EncryptedStore) -> float:
    return store.change_key(NEW)


if __name__ == "__main__":
    main()
