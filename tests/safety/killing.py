"""Ends a busy session at random moments, again and again on the same folder, and counts.

``python -m tests.safety.killing --kills 250 --seed 1`` prints what it counted as one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from station_emr.db import connection as connections
from station_emr.db.audit import chain_hash
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.signature import KeySource, KeySourceKind, SigningPolicy, SignMethod
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.services.signing_rules import read_policy
from station_emr.station import DATABASE, KEY_SLOTS, LETTER_KEY, create_station, open_station
from tests.db import records
from tests.safety.session import Order
from tests.security.stations import CHEAP, cheap_passwords
from tests.signing_authority import Authority, rsa_key

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / "tests/db/data/golden-0.2.db"
DIRECTOR = demo_people()[0].user
LONGEST = 0.35  # seconds of a session, once it is open
OPENING = 0.3  # seconds within which it is open
MIGRATING = 0.6  # seconds within which an old database is open
PATIENCE = 60


@dataclass
class Counts:
    """What came of it. ``during`` tells what was going on at the kill."""

    kills: int = 0
    acknowledged: int = 0
    in_flight: int = 0
    faults: list[str] = field(default_factory=list)
    during: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        self.kills += other.kills
        self.acknowledged += other.acknowledged
        self.in_flight += other.in_flight
        self.faults += other.faults
        self.during += other.during

    @property
    def line(self) -> str:
        return json.dumps(
            {
                "kills": self.kills,
                "acknowledged": self.acknowledged,
                "in_flight": self.in_flight,
                "lost_half_or_double": len(self.faults),
                "faults": self.faults[:20],
                "during": dict(self.during.most_common()),
            },
            ensure_ascii=False,
        )


def make_station(folder: Path) -> Path:
    """A station with a director whose papers are signed with a key in a file."""
    with cheap_passwords():
        create_station(folder, demo_profile(""), DIRECTOR, DEMO_PASSWORD)
    authority = Authority(SystemClock().now())
    certificate = authority.issue(rsa_key("doctor"), online=False)
    key = authority.file(folder.parent / "khoa.p12", rsa_key("doctor"), certificate)
    station = open_station(folder, DIRECTOR.username, DEMO_PASSWORD)
    signing = station.services.signing
    signing.save_source(station.actor, KeySource(kind=KeySourceKind.FILE, path=str(key)))
    with station.store.read() as work:
        policy = read_policy(work)
    methods = dict.fromkeys(policy.methods, SignMethod.DIGITAL_CERT)
    signing.save_policy(station.actor, SigningPolicy(methods=methods, reentry=policy.reentry))
    station.close()
    return folder


def make_old_station(folder: Path) -> Path:
    """The database of an earlier release with key slots beside it, for its doctor."""
    folder.mkdir()
    keys = iter([records.KEY])
    KeySlots.create(
        folder / KEY_SLOTS,
        station_name=records.STATION.name,
        database_id=records.STATION.facility_id,
        username=records.DOCTOR.username,
        display_name=records.DOCTOR.full_name,
        password=DEMO_PASSWORD,
        clock=SystemClock().now,
        rng=lambda count: next(keys, None) or os.urandom(count),
        cost=CHEAP,
    )
    shutil.copy(OLD, folder / DATABASE)
    raw = connections.connect(folder / DATABASE, records.KEY)
    raw.execute("INSERT INTO setting (key, value) VALUES (?, ?)", (LETTER_KEY, "00" * 32))
    _log_the_founding(raw)
    raw.close()
    return folder


def _log_the_founding(raw: Any) -> None:
    """The line behind its doctor, as the program of that release wrote one at the set-up."""
    last, before = raw.execute("SELECT max(seq), hash FROM audit_entry").fetchone()
    line = {
        "at_utc": "2026-03-04T02:00:00.000000Z",
        "at_offset": 420,
        "user_id": records.DOCTOR.id,
        "user_name": records.DOCTOR.full_name,
        "role": records.DOCTOR.role.value,
        "device": "Máy 1",
        "action": "station.create",
        "kind": "",
        "record_id": "",
        "patient_id": "",
        "detail": "{}",
    }
    kept = {
        "seq": last + 1,
        **line,
        "prev_hash": before,
        "hash": chain_hash(before, last + 1, line),
    }
    names, places = ", ".join(kept), ", ".join("?" * len(kept))
    raw.execute(f"INSERT INTO audit_entry ({names}) VALUES ({places})", tuple(kept.values()))


class Sessions:
    """The process that starts sessions. Use as a context; several stations may share it."""

    def __enter__(self) -> Self:
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.safety.session"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def start(self, order: Order) -> int:
        """The process that began."""
        assert self._process.stdin is not None
        self._process.stdin.write(order.line)
        self._process.stdin.flush()
        return int(self.until("pid")[-1]["pid"])

    def until(self, word: str) -> list[dict[str, Any]]:
        """What is said up to this word, or up to the end of the session."""
        lines = []
        while True:
            lines.append(self._said.get(timeout=PATIENCE))
            if word in lines[-1] or ("ended" in lines[-1] and word != "pid"):
                return lines


class Executioner:
    """Starts lives of the session on one folder and ends them."""

    def __init__(self, sessions: Sessions, folder: Path, seed: int, mistake: str = "") -> None:
        self._sessions = sessions
        self._folder = folder
        self._draw = random.Random(seed)
        self._seed = seed
        self._mistake = mistake
        self._turn = 0
        self.counts = Counts()

    # One life ----------------------------------------------------------------------------

    def work(self, name: str = "station") -> None:
        """A life on the folder that goes on from kill to kill."""
        opening = self._draw.random() < 0.15
        longest = OPENING if opening else LONGEST
        self._live(name, DIRECTOR.username, kill_while_opening=opening, longest=longest)

    def migrate(self, template: Path) -> None:
        """A life that begins with the database of an earlier release, and the next start after it."""
        name = f"old-{self._turn}"
        shutil.copytree(template, self._folder / name)
        user = records.DOCTOR.username
        self._live(name, user, kill_while_opening=True, longest=MIGRATING, whole=False)
        self.look(name, user, whole=False)
        shutil.rmtree(self._folder / name)

    def look(self, name: str = "station", user: str = DIRECTOR.username, **more: Any) -> None:
        """A start that nobody ends: it looks, does a little, and closes."""
        self._start(name, user, calls=1, **more)
        lines = self._sessions.until("ended")
        self._judge(lines, name)
        if lines[-1]["ended"] != 0:
            self.counts.faults.append(f"turn {self._turn}: ended with {lines[-1]['ended']}")
        self._keep(lines, name)

    def _live(
        self, name: str, user: str, *, kill_while_opening: bool, longest: float, whole: bool = True
    ) -> None:
        pid = self._start(name, user, whole=whole)
        lines: list[dict[str, Any]] = []
        if not kill_while_opening:
            lines += self._sessions.until("found")
        moment = self._draw.uniform(0, longest)
        if not lines or "ended" not in lines[-1]:
            time.sleep(moment)
            with suppress(ProcessLookupError):  # it has failed by itself
                os.kill(pid, signal.SIGKILL)
            lines += self._sessions.until("ended")
        self.counts.kills += 1
        self._judge(lines, name)
        begun = [line for line in lines if "begin" in line or "done" in line]
        if not begun:
            opened = any("opened" in line for line in lines)
            self.counts.during["looking" if opened else "opening" if whole else "migration"] += 1
        elif "begin" in begun[-1]:
            self.counts.during[begun[-1]["within"] or begun[-1]["begin"]] += 1
            self.counts.in_flight += 1
        else:
            self.counts.during["between"] += 1
        self._keep(lines, name)

    def _start(self, name: str, user: str, *, whole: bool = True, calls: int | None = None) -> int:
        self._turn += 1
        order = Order(
            folder=str(self._folder / name),
            user=user,
            password=DEMO_PASSWORD,
            seed=self._seed * 10_000 + self._turn,
            turn=self._turn,
            ledger=str(self._ledger(name)),
            copies=str(self._folder / f"{name}-copies"),
            whole=whole,
            calls=calls,
            mistake=self._mistake,
        )
        return self._sessions.start(order)

    def _judge(self, lines: list[dict[str, Any]], name: str) -> None:
        for line in lines:
            for fault in line.get("found", ()):
                self.counts.faults.append(f"{name}, turn {self._turn}: {fault}")
            if "failed" in line:
                self.counts.faults.append(f"{name}, turn {self._turn}: {line['failed']}")

    def _ledger(self, name: str) -> Path:
        return self._folder / f"{name}.ledger"

    def _keep(self, lines: list[dict[str, Any]], name: str) -> None:
        said = [line for line in lines if "begin" in line or "done" in line]
        self.counts.acknowledged += sum("done" in line for line in said)
        with self._ledger(name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in said)
        whole = [line["copy"] for line in said if "copy" in line and "done" in line]
        for line in said:
            if "copy" in line and line["copy"] not in whole[-1:]:
                shutil.rmtree(line["copy"], ignore_errors=True)


def make(folder: Path) -> Path:
    """A new station and one of an earlier release, to be copied."""
    make_station(folder / "station")
    make_old_station(folder / "old")
    return folder


def run(
    sessions: Sessions,
    made: Path,
    folder: Path,
    kills: int,
    seed: int,
    *,
    mistake: str = "",
    every: int = 10,
    enough: int = 0,
) -> Counts:
    """So many kills in ``folder``, on copies of what was ``made``; one of ``every`` meets a migration.
    ``enough`` faults end it early.
    """
    shutil.copytree(made / "station", folder / "station")
    executioner = Executioner(sessions, folder, seed, mistake)
    for number in range(kills):
        if enough and len(executioner.counts.faults) >= enough:
            return executioner.counts
        if every and number % every == every - 1:
            executioner.migrate(made / "old")
        else:
            executioner.work()
    executioner.look()
    return executioner.counts


def _alone(kills: int, seed: int, mistake: str) -> Counts:
    with tempfile.TemporaryDirectory() as kept, Sessions() as sessions:
        made, folder = Path(kept, "made"), Path(kept, "folder")
        made.mkdir()
        folder.mkdir()
        return run(sessions, make(made), folder, kills, seed, mistake=mistake)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--mistake", default="")
    given = parser.parse_args()
    counts = Counts()
    share = -(-given.kills // given.workers)
    with ThreadPoolExecutor(given.workers) as pool:
        for one in pool.map(
            lambda number: _alone(share, given.seed + number, given.mistake), range(given.workers)
        ):
            counts.add(one)
    print(counts.line)
    sys.exit(bool(counts.faults))


if __name__ == "__main__":
    main()
