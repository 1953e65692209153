"""How long the window stands still while thousands of records leave for the province, or arrive.

The program's own window (offscreen) with the sync page in front, which reads everything again after
every change of the status; the engine in its own thread against the reference server in a process of
its own. A timer of one millisecond on the GUI thread is asked how late it comes: ``max_block_ms`` and
``p99_block_ms`` are over the whole run, ``idle_…`` over two seconds before it, which is what the
machine does to any program: the page of names, before anybody has logged in. ``pull_…`` is the same of
a new PC that fetches a station from the province. ``own_…`` leaves out how long the GUI thread could have
run and was given no processor (Linux tells; the server has to share the two that there are).
``longest_cpu_ms`` is the most processor time that the GUI thread itself used between two beats: what the
program costs, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from benchmarks.machine import milliseconds, percentile, report
from benchmarks.population import DOCTOR
from benchmarks.sync_content import day_of, people
from benchmarks.sync_new_pc import fill
from benchmarks.sync_stage import TOKEN, WRITTEN, flat, province
from station_emr.app import GIVE_WAY, Program, make_application
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.record import RecordStatus
from station_emr.domain.sync import UnitState
from station_emr.services.clock import SystemClock
from station_emr.services.enrolment import SERVER_TOKEN, SERVER_URL
from station_emr.station import create_station, open_station
from station_emr.ui.models import routes

PASSWORD: Final = "Do-Toc-Do-2026!"  # of a made-up station
USERNAME: Final = "giamdoc"
IDLE_SECONDS: Final = 2.0
PATIENCE: Final = 600.0
FRAME: Final = 0.016
_DRAWN_MS: Final = 500


def prepare(folder: Path, encounters: int) -> int:
    """A station with signed visits that nobody has sent; gives the number of waiting records."""

    create_station(folder, demo_profile(""), demo_people()[0].user, PASSWORD)
    station = open_station(folder, USERNAME, PASSWORD)
    patients = people(max(1, encounters // 4))
    records = [*patients, *flat(day_of(patients, encounters))]
    try:
        for start in range(0, len(records), 500):
            with station.store.write() as work:
                stores: dict[str, Any] = {
                    "Patient": work.patients,
                    "Encounter": work.encounters,
                    "Prescription": work.prescriptions,
                }
                for record in records[start : start + 500]:
                    signature = getattr(record, "signature", None)
                    stores[type(record).__name__].add_version(
                        record,
                        RecordStatus.SIGNED,
                        author=DOCTOR,
                        at=signature.at if signature else WRITTEN,
                        reason="",
                        expected_version=0,
                    )
        with station.store.read() as work:
            return work.outbox.count(UnitState.WAITING)
    finally:
        station.close()


def join(folder: Path, url: str, token: str) -> None:

    station = open_station(folder, USERNAME, PASSWORD)
    try:
        with station.store.write() as work:
            work.settings.put(SERVER_URL, url)
            work.settings.put(SERVER_TOKEN, token)
    finally:
        station.close()


class _Queued:
    """How long this thread waited for a processor."""

    def __init__(self) -> None:
        path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._file = path.open("rb", buffering=0) if path.exists() else None
        self.known = self._file is not None
        self._last = 0.0

    def since(self) -> float:
        """Seconds since the last call."""
        if self._file is None:
            return 0.0
        self._file.seek(0)
        last, self._last = self._last, int(self._file.read().split()[1]) / 1e9
        return self._last - last


class Watch(QObject):
    """Idle on the page of names, then log-in, then the run; prints what it found."""

    def __init__(self, app: QApplication, program: Program) -> None:
        super().__init__()
        self.app, self.program = app, program
        self.late: list[float] = []
        self.own: list[float] = []
        self.cpu: list[float] = []
        self.queued = _Queued()
        self.found: dict[str, Any] = {}
        self.last = self.began = self.used = 0.0
        self.beat = self._timer(1, self.tick)
        self.beat.setTimerType(Qt.TimerType.PreciseTimer)
        self.look = self._timer(200, self.seek_end)

    def _timer(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(milliseconds)
        timer.timeout.connect(call)
        return timer

    def tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        queued = self.queued.since()
        if self.last:
            late = max(0.0, now - self.last - 0.001)
            self.late.append(late)
            self.own.append(max(0.0, late - queued))
            self.cpu.append(used - self.used)
        self.last, self.used = now, used

    def idle(self) -> None:
        self.beat.start()
        QTimer.singleShot(round(IDLE_SECONDS * 1000), self.log_in)

    def log_in(self) -> None:
        self.note("idle_")
        page = self.program.desk.log_in_page
        if page is None:
            self.app.exit(1)
            return
        page.choose(USERNAME)
        page.password.set_value(PASSWORD)
        page.enter.click()

    def logged_in(self) -> None:
        self.began = time.perf_counter()  # the engine began with the log-in
        self.program.window.go(routes.SYNC)
        QTimer.singleShot(_DRAWN_MS, self.begin)

    def begin(self) -> None:
        self.last = 0.0
        self.late.clear()
        self.own.clear()
        self.cpu.clear()
        self.beat.start()
        self.look.start()

    def seek_end(self) -> None:
        session = self.program.desk.session
        status = session.services.sync.status() if session is not None else None
        seconds = time.perf_counter() - self.began
        if seconds > PATIENCE or status is None:
            self.app.exit(1)
        elif status.verified_at is not None and not status.waiting and not status.running:
            self.found["seconds"] = round(seconds, 2)
            self.found["verified"] = status.verified_at is not None
            self.note("")
            self.look.stop()
            print(json.dumps(self.found), flush=True)
            QTimer.singleShot(0, self.program.window.close)

    def note(self, prefix: str) -> None:
        self.beat.stop()
        self.found[f"{prefix}max_block_ms"] = milliseconds(max(self.late))
        self.found[f"{prefix}p99_block_ms"] = milliseconds(percentile(self.late, 99))
        self.found[f"{prefix}blocks_over_16_ms"] = sum(late > FRAME for late in self.late)
        if self.queued.known:
            self.found[f"{prefix}own_max_block_ms"] = milliseconds(max(self.own))
            self.found[f"{prefix}own_blocks_over_16_ms"] = sum(late > FRAME for late in self.own)
        self.found[f"{prefix}longest_cpu_ms"] = milliseconds(max(self.cpu))
        self.found[f"{prefix}beats"] = len(self.late)


def child(folder: Path) -> None:
    """One start of the program in a process of its own."""
    sys.setswitchinterval(GIVE_WAY)  # as the program's own start does
    app = make_application()
    program = Program(app, folder, SystemClock(), demo=False)
    watch = Watch(app, program)
    program.desk.log_in_shown.connect(lambda: QTimer.singleShot(1000, watch.idle))
    program.desk.ready.connect(lambda: QTimer.singleShot(0, app, watch.logged_in))
    QTimer.singleShot(0, program.start)
    status = app.exec()
    program.end()
    sys.exit(status)


def watched(folder: Path, province_folder: Path) -> dict[str, Any]:
    """What the window of ``folder`` lived through in one run against this province."""
    with province(province_folder) as port:
        join(folder, f"http://127.0.0.1:{port}/fhir", TOKEN)
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.sync_ui", "--child", str(folder)],
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def measure(encounters: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sync-ui-") as temporary:
        folder = Path(temporary)
        waiting = prepare(folder / "station", encounters)
        pushed = watched(folder / "station", folder / "province")
        prepare(folder / "new", 0)
        arriving = fill(folder / "full", encounters)
        pulled = watched(folder / "new", folder / "full")
    found = {f"pull_{name}": value for name, value in pulled.items() if "idle" not in name}
    return {"operations": waiting, **pushed, "pull_operations": arriving, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encounters", type=int, default=3_000)
    parser.add_argument("--quick", action="store_true", help="300 visits")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.child)
        return
    report("sync_ui", **measure(300 if options.quick else options.encounters))


if __name__ == "__main__":
    main()
