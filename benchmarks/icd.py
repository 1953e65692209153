"""Search-as-you-type in ICD-10: the shipped starter list, and the official list when it is near.

Every key stroke of a code, of one to four words with and without marks, and of words in any order
is one query; the time is from the text to the rows for the screen. The official list (15,844
codes of TT 06/2026/TT-BYT) is not part of this project: it is read from ``../shared/catalogs``
when that folder exists, and its absence is said in the line that is printed.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.machine import milliseconds, percentile, report
from station_emr.catalogs.importers import preview, read_list
from station_emr.catalogs.search import CatalogIndex
from station_emr.catalogs.starter import starter_rows
from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.domain.text import strip_marks

SEED = 2026
TODAY = date(2026, 11, 22)
LIMIT = 20
OFFICIAL = Path(__file__).resolve().parents[2] / "shared" / "catalogs" / "icd10_tt06_2026.csv"


def typed(rows: Sequence[CatalogRow], count: int) -> list[str]:
    """What a person has typed after each key on the way to some row."""
    rng = random.Random(SEED)
    texts: list[str] = []
    while len(texts) < count:
        row = rng.choice(rows)
        words = row.name.split()[: rng.randint(1, 4)]
        if rng.random() < 0.3:
            rng.shuffle(words)
        whole = row.code if rng.random() < 0.2 else " ".join(words)
        if rng.random() < 0.6:
            whole = strip_marks(whole)
        texts += [whole[:length] for length in range(1, len(whole) + 1)]
    return texts[:count]


def measure(rows: Sequence[CatalogRow], count: int) -> tuple[list[float], float]:
    """Seconds of every query, and seconds to build the index."""
    start = time.perf_counter()
    index = CatalogIndex(rows)
    index.search("sot", LIMIT, TODAY)  # its words are made for the first that are typed
    built = time.perf_counter() - start
    queries = typed(rows, count)
    for text in queries[:200]:
        index.search(text, LIMIT, TODAY)
    spent: list[float] = []
    for text in queries:
        start = time.perf_counter()
        index.search(text, LIMIT, TODAY)
        spent.append(time.perf_counter() - start)
    return spent, built


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--queries", type=int, default=5000)
    count = parser.parse_args().queries
    starter = tuple(starter_rows(CatalogKind.ICD10))
    spent, built = measure(starter, count)
    starter_p95 = percentile(spent, 95)
    rows: Sequence[CatalogRow] = starter
    full_list = "absent: ../shared/catalogs/icd10_tt06_2026.csv, measured on the starter list"
    if OFFICIAL.exists():
        read = read_list(CatalogKind.ICD10, OFFICIAL, TODAY, starter)
        result = preview(CatalogKind.ICD10, starter, read.rows, TODAY)
        closed = {row.code for row in result.closed}
        changed = {new.code: new for _, new in result.changed}
        kept = [changed.get(row.code, row) for row in starter if row.code not in closed]
        rows = (*kept, *result.added)
        full_list = "measured"
        spent, built = measure(rows, count)
    report(
        "icd",
        p95_ms=milliseconds(percentile(spent, 95)),
        p50_ms=milliseconds(percentile(spent, 50)),
        max_ms=milliseconds(max(spent)),
        codes=len(rows),
        index_ms=milliseconds(built),
        starter_p95_ms=milliseconds(starter_p95),
        starter_codes=len(starter),
        queries=count,
        full_list=full_list,
    )


if __name__ == "__main__":
    main()
