"""Search as you type in a station of 200,000 people and 1,000,000 visits.

Every measure is from the typed text to rows ready for the screen, on a warm program. The peer is
the same library without a key: the same schema, queries and data in an unencrypted file.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Engine

from benchmarks.machine import median, milliseconds, percentile, report
from benchmarks.population import FULL, QUICK, SEED, Size, cached, fill, people
from station_emr.db import connection as connections
from station_emr.db import schema
from station_emr.db.connection import RawConnection
from station_emr.db.search import search_patients
from station_emr.domain.text import fold_words

KEY = bytes(range(32))  # the data is made up
LIMIT = 30
ROUNDS = 3
KINDS = ("1 word", "2 words", "3 words", "4 words", "chart", "phone", "card")


def plain_connection(path: Path, *, read_only: bool = False) -> RawConnection:
    raw = sqlcipher.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connections.tune(raw, read_only=read_only, cache_kib=connections.READ_CACHE_KIB)
    return raw


def prepare(path: Path, size: Size, opener: Callable[[Path], RawConnection]) -> None:
    if path.exists():
        return
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    raw = opener(fresh)
    schema.build(raw)
    fill(raw, size)
    raw.close()
    fresh.replace(path)


def queries(size: Size, count: int) -> dict[str, list[str]]:
    """What people type, cut after a random letter: the program answers at every key."""
    chance = random.Random(SEED + 1)
    crowd = people(size)
    typed: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        while len(typed[kind]) < count:
            patient = chance.choice(crowd)
            if kind.endswith(("word", "words")):
                wanted = int(kind[0])
                words = list(fold_words(patient.full_name))
                if len(words) < wanted:
                    continue
                if wanted == 1 or chance.random() < 0.3:
                    chance.shuffle(words)
                words = words[:wanted]
                words[-1] = words[-1][: chance.randint(1, len(words[-1]))]
                typed[kind].append(" ".join(words))
                continue
            number = {
                "chart": patient.chart_number,
                "phone": patient.phone,
                "card": chance.choice(
                    (patient.national_id, *(card.number for card in patient.coverages))
                ),
            }[kind]
            if number:
                typed[kind].append(number[: chance.randint(1, len(number))])
    return typed


def once(engine: Engine, text: str) -> float:
    start = time.perf_counter()
    with engine.begin() as connection:
        search_patients(connection, text, LIMIT)
    return time.perf_counter() - start


def measure(engines: dict[str, Engine], texts: list[str]) -> dict[str, list[float]]:
    """Per engine and query the median of the rounds.

    A round asks every query, so each finds the cache as the others left it; the peers take turns
    within it, so a busy moment of the machine falls on both.
    """
    rounds: dict[str, list[list[float]]] = {name: [[] for _ in texts] for name in engines}
    for _ in range(ROUNDS):
        for index, text in enumerate(texts):
            for name, engine in engines.items():
                rounds[name][index].append(once(engine, text))
    return {name: [median(times) for times in spent] for name, spent in rounds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small commune, for a smoke run")
    parser.add_argument("--count", type=int, default=300, help="queries of each kind")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "station-bench")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    options.cache.mkdir(parents=True, exist_ok=True)

    locked, plain = (cached(options.cache, size, name) for name in ("encrypted", "plain"))
    prepare(locked, size, lambda path: connections.connect(path, KEY, create=True))
    prepare(plain, size, plain_connection)
    engines = {
        "encrypted": connections.engine(
            lambda: connections.connect(
                locked, KEY, read_only=True, cache_kib=connections.READ_CACHE_KIB
            ),
            begin="BEGIN",
            size=1,
        ),
        "plain": connections.engine(
            lambda: plain_connection(plain, read_only=True), begin="BEGIN", size=1
        ),
    }
    typed = queries(size, options.count)
    texts = [(kind, text) for kind, some in typed.items() for text in some]
    random.Random(SEED + 2).shuffle(texts)
    spent = measure(engines, [text for _, text in texts])
    p95 = {name: percentile(times, 95) for name, times in spent.items()}
    encrypted = spent["encrypted"]
    by_kind = {
        kind: [seconds for (k, _), seconds in zip(texts, encrypted, strict=True) if k == kind]
        for kind in KINDS
    }
    report(
        "search",
        p95_ms=milliseconds(p95["encrypted"]),
        median_ms=milliseconds(median(encrypted)),
        max_ms=milliseconds(max(encrypted)),
        ratio_plain=round(p95["encrypted"] / p95["plain"], 2),
        plain_p95_ms=milliseconds(p95["plain"]),
        p95_ms_by_kind={
            kind: milliseconds(percentile(times, 95)) for kind, times in by_kind.items()
        },
        queries=len(encrypted),
        patients=size.patients,
        encounters=size.encounters,
    )


if __name__ == "__main__":
    main()
