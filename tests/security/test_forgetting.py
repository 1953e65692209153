"""A program after its log-out is searched for the key, in a process of its own: what an attacker's debugger sees.

Best effort: the test shows that the key is there while the record is open (so the search works) and not
after the log-out. Behind the lock page the record stays open, so the key is there. Swap files and
hibernation are beyond the test.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.security.forgetting import overwrite
from station_emr.station import create_station
from tests.security.stations import cheap_passwords

SEARCH = """
import re, sys
from pathlib import Path
from station_emr.security import forgetting
from station_emr.station import open_station

MASK = 0x5A
masked = lambda data: bytes(one ^ MASK for one in data)

def search(needles):
    found = {}
    for line in Path("/proc/self/maps").read_text().splitlines():
        area = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw\\S* \\S+ \\S+ \\S+ *(.*)", line)
        if area is None or area[3].startswith("[v"):
            continue
        first, last = int(area[1], 16), int(area[2], 16)
        with open("/proc/self/mem", "rb", 0) as memory:
            memory.seek(first)
            content = memory.read(last - first)
        for name, needle in needles.items():
            found[name] = found.get(name, 0) + content.count(masked(needle))
        del content
    return found

if sys.argv[4] == "careless":
    forgetting.overwrite = forgetting.scrub = lambda *_: None
station = open_station(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
key = station.store._key
needles = {
    "bytes": masked(key),
    "digits": masked(key.hex().encode()),
}
if sys.argv[4] == "careless":
    kept = key
del key
station.services.keys.state(station.actor)
print(search(needles))
station.close()
print(search(needles))
"""


def _search(folder: Path, how: str) -> list[dict[str, int]]:
    ended = subprocess.run(
        [sys.executable, "-c", SEARCH, folder, demo_people()[0].user.username, DEMO_PASSWORD, how],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return [eval(line) for line in ended.stdout.splitlines()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory through /proc")
def test_after_the_log_out_the_program_holds_no_data_key(tmp_path) -> None:
    folder = tmp_path / "station"
    with cheap_passwords():
        create_station(folder, demo_profile(""), demo_people()[0].user, DEMO_PASSWORD)
    while_open, closed = _search(folder, "careful")
    assert while_open["bytes"]
    assert while_open["digits"]
    assert closed == {"bytes": 0, "digits": 0}
    _, careless = _search(folder, "careless")
    assert careless["bytes"], "without the forgetting the search would have found it"


def test_overwriting_reaches_every_holder() -> None:
    secret = bytes(range(1, 33))
    copy = secret[:16] + secret[16:]
    held = {"key": copy}
    overwrite(copy)
    assert held["key"] == bytes(32)
    assert secret != copy
    overwrite(b"")
