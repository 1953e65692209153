"""Train the protocol's zstd dictionary on synthetic operations.

The dictionary holds the form of what travels (element names, systems, codes, the shape of ids and
times), never anybody's words: free text in the samples is made of random syllables, people and
stations are invented anew for every day, and nothing is read from a record. The same seed gives the
same file. A dictionary that was shipped is never replaced: a new one gets a new number.

    python packaging/train_dictionary.py --number 1
    python packaging/train_dictionary.py --number 1 --measure
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from station_emr.domain.record import RecordKind
from station_emr.sync.short_lines import shorten

sys.path.insert(0, str(Path(__file__).resolve().parent))
from synthetic_day import SEED, Day

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "resources" / "sync"
SERVER_COPY = ROOT / "provincial_server" / "exchange"
FIRST_ID = 0x53454D00  # the protocol's number is added: the id tells a frame's dictionary
SIZE = 64 * 1024


def samples(seed: int, days: int) -> list[bytes]:
    found: list[bytes] = []
    for number in range(days):
        day = Day(seed + number)
        found += [shorten(line) for line in day.lines()] + day.headers()
    return found


def train(number: int, size: int, days: int) -> bytes:
    trained = zstandard.train_dictionary(
        size,
        list[Any](samples(SEED, days)),
        d=8,
        k=1024,
        dict_id=FIRST_ID + number,
        level=19,
    )
    return trained.as_bytes()


def measure(content: bytes) -> dict[str, Any]:
    """Bytes of one visit and of forty with their prescriptions, never seen in training."""
    words = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_FULLDICT)
    hard = zstandard.ZstdCompressor(level=19, dict_data=words, write_checksum=False)
    bare = zstandard.ZstdCompressor(level=19)
    day = Day(7)
    visits = [day.encounter(day.patient()) for _ in range(40)]
    papers = [day.prescription(visit, 3, 5) for visit in visits]
    one = day.line(RecordKind.ENCOUNTER, visits[0])
    lines = [day.line(RecordKind.ENCOUNTER, v) for v in visits]
    lines += [day.line(RecordKind.PRESCRIPTION, p) for p in papers]
    sent = [shorten(line) for line in lines]
    resources = sum(len(msgspec.json.decode(line)["resources"]) for line in lines)
    head = day.headers()[0]
    compact = msgspec.json.encode([visits, papers])
    forty = len(hard.compress(b"\n".join([head, *sent])))
    small = len(bare.compress(compact))
    return {
        "dictionary": len(content),
        "noop": len(hard.compress(head)),
        "one": len(hard.compress(b"\n".join([head, shorten(one)]))),
        "one_with_prescription": len(hard.compress(b"\n".join([head, shorten(one), sent[40]]))),
        "resources": resources,
        "forty": forty,
        "forty_without": len(bare.compress(b"\n".join([head, *sent]))),
        "compact": small,
        "ratio": round(forty / small, 3),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--number", type=int, default=1)
    asked.add_argument("--size", type=int, default=SIZE)
    asked.add_argument("--days", type=int, default=150)
    asked.add_argument(
        "--measure", action="store_true", help="measure what is there; train nothing"
    )
    chosen = asked.parse_args()
    path = HOME / f"dictionary-{chosen.number}.zdict"
    if not chosen.measure:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(train(chosen.number, chosen.size, chosen.days))
        SERVER_COPY.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, SERVER_COPY / path.name)
    print(measure(path.read_bytes()))


if __name__ == "__main__":
    main()
