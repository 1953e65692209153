"""What it costs to guess a password from a stolen slot file, on this machine.

One guess is one Argon2id with the station's figures. ``years_*`` is half of the search on average, for
the whole machine given, and for a thousand such machines: a thief with money. A password of 14 random
characters of the four kinds, eight such characters, and one of the ten million words of the lists that
go round.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Final

from benchmarks.machine import report
from station_emr.security import key_wrap
from station_emr.security.key_wrap import DEFAULT_COST

_YEAR: Final = 365.25 * 86_400
_SIGNS: Final = 95  # printable signs of a keyboard
_LISTED: Final = 10_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guesses", type=int, default=12)
    options = parser.parse_args()
    box = key_wrap.lock("mật khẩu mẫu", bytes(32), b"where", DEFAULT_COST, os.urandom)
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(options.guesses):
        try:
            key_wrap.unlock(f"đoán {number}", box, b"where")
        except key_wrap.Unopened:
            continue
    wall = (time.perf_counter() - began) / options.guesses
    core = (time.process_time() - cpu) / options.guesses
    per_core = 1 / core
    per_machine = per_core * (os.cpu_count() or 1)
    report(
        "slot_brute_force",
        memory_mib=DEFAULT_COST.memory_kib // 1024,
        iterations=DEFAULT_COST.iterations,
        lanes=DEFAULT_COST.lanes,
        seconds_a_guess=round(wall, 3),
        guesses_per_second_per_core=round(per_core, 2),
        years_14_random=f"{years(_SIGNS**14, per_machine * 1000):.1e}",
        years_8_random=f"{years(_SIGNS**8, per_machine * 1000):.1e}",
        days_listed_word_one_machine=round(years(_LISTED, per_machine) * 365.25, 1),
        years_recovery_code=f"{years(2**115, per_machine * 1000):.1e}",
    )


def years(candidates: int, per_second: float) -> float:
    """Until half of them were tried."""
    return candidates / 2 / per_second / _YEAR


if __name__ == "__main__":
    main()
