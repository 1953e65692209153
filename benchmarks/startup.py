"""From process start to a usable log-in window, and from the password to today's screen.

The station holds 100,000 encounters. Each run is a fresh process on the offscreen platform; the
line printed gives medians of time and the highest memory of any run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.machine import median, report

PASSWORD = "Do-Toc-Do-2026!"  # of a made-up station
USERNAME = "giamdoc"
PATIENTS, ENCOUNTERS = 20_000, 100_000
_SEED_VERSION = 1


def prepare(folder: Path, encounters: int) -> Path:
    """A station with a crowd in it, kept between runs."""
    from benchmarks import population  # noqa: PLC0415 - a child measures its imports
    from station_emr.db import connection  # noqa: PLC0415
    from station_emr.demo.station import demo_people, demo_profile  # noqa: PLC0415
    from station_emr.security.keyslots import KeySlots  # noqa: PLC0415
    from station_emr.services.clock import SystemClock  # noqa: PLC0415
    from station_emr.station import DATABASE, KEY_SLOTS, create_station  # noqa: PLC0415

    size = population.Size(min(PATIENTS, encounters // 5), encounters)
    name = population.cached(folder, size, f"startup{_SEED_VERSION}").stem
    station = folder / name
    if (station / "ready").exists():
        return station
    shutil.rmtree(station, ignore_errors=True)
    clock = SystemClock()
    create_station(station, demo_profile(""), demo_people()[0].user, PASSWORD, clock)
    slots = KeySlots.load(station / KEY_SLOTS, clock=clock.now)
    raw = connection.connect(station / DATABASE, slots.unlock(USERNAME, PASSWORD))
    population.fill(raw, size)
    raw.close()
    (station / "ready").touch()
    return station


def child(station: Path, started: float) -> None:
    """One start of the program; prints the moments it reached."""
    from PySide6.QtCore import QTimer  # noqa: PLC0415

    from station_emr.app import Program, make_application  # noqa: PLC0415
    from station_emr.domain.ids import uuid7  # noqa: PLC0415

    class Morning:
        """Ten o'clock on the last day of the made-up data, so that the queue has people."""

        def now(self) -> datetime:
            # As benchmarks.population.LAST_DAY; importing it here would be part of the measure.
            return datetime.fromisoformat("2026-06-30T10:00:00+07:00")

        def random(self, count: int) -> bytes:
            return os.urandom(count)

        def new_id(self) -> str:
            return uuid7(time.time_ns() // 1_000_000, os.urandom(10))

    app = make_application()
    program = Program(app, station, Morning(), demo=False)
    moments: dict[str, float] = {}

    def log_in_usable() -> None:
        moments["login_s"] = time.time() - started
        page = program.desk.log_in_page
        if page is None:
            app.exit(1)
            return
        page.choose(USERNAME)
        page.password.set_value(PASSWORD)
        moments["typed"] = time.time()
        page.enter.click()

    def today_usable() -> None:
        moments["today_s"] = time.time() - moments.pop("typed")
        queue = program.window.screen_now
        if queue is None or queue.objectName() != "today":
            app.exit(1)
            return
        print(json.dumps({**moments, "peak_mb": peak_megabytes()}), flush=True)
        QTimer.singleShot(0, program.window.close)

    # Behind the paint that showing asked for: what is measured has been drawn.
    program.desk.log_in_shown.connect(lambda: QTimer.singleShot(0, app, log_in_usable))
    program.desk.ready.connect(lambda: QTimer.singleShot(0, app, today_usable))
    QTimer.singleShot(0, program.start)
    status = app.exec()
    program.end()
    sys.exit(status)


def peak_megabytes() -> float:
    """The most memory this process ever held."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - Windows only
        from ctypes import wintypes  # noqa: PLC0415

        class Counters(ctypes.Structure):
            _fields_ = [
                ("cb", wintypes.DWORD),
                ("PageFaultCount", wintypes.DWORD),
                ("PeakWorkingSetSize", ctypes.c_size_t),
                ("WorkingSetSize", ctypes.c_size_t),
                ("rest", ctypes.c_size_t * 6),
            ]

        counters = Counters(cb=ctypes.sizeof(Counters))
        ctypes.windll.psapi.GetProcessMemoryInfo(
            ctypes.windll.kernel32.GetCurrentProcess(), ctypes.byref(counters), counters.cb
        )
        return float(counters.PeakWorkingSetSize) / 2**20
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: that also counts the parent's memory from before exec.
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource  # noqa: PLC0415 - not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def run_once(station: Path) -> dict[str, float]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    started = time.time()
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.startup", "--child", str(station), str(started)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=timedelta(minutes=2).seconds,
        check=True,
    )
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=2, metavar=("STATION", "STARTED"), default=None)
    parser.add_argument("--quick", action="store_true", help="a small station, for a smoke run")
    parser.add_argument("--count", type=int, default=7, help="starts to take the median of")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "station-bench")
    options = parser.parse_args()
    if options.child is not None:
        child(Path(options.child[0]), float(options.child[1]))
        return
    options.cache.mkdir(parents=True, exist_ok=True)
    encounters = 2_000 if options.quick else ENCOUNTERS
    station = prepare(options.cache, encounters)
    run_once(station)  # the files into the system's cache
    runs = [run_once(station) for _ in range(options.count)]
    report(
        "startup",
        login_s=round(median([run["login_s"] for run in runs]), 3),
        today_s=round(median([run["today_s"] for run in runs]), 3),
        peak_mb=round(max(run["peak_mb"] for run in runs), 1),
        runs=len(runs),
        encounters=encounters,
    )


if __name__ == "__main__":
    main()
