"""Every page of the director built and shown once, on the offscreen platform, in an empty station.

The times are of the processor and of the window's own thread alone: what a page asks of the database
runs elsewhere. The first round, which also loads the code of each page, is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.machine import median, milliseconds, report
from station_emr.demo.station import demo_people, demo_profile
from station_emr.services.clock import SystemClock
from station_emr.station import create_station, open_station
from station_emr.ui.kit import apply_theme, use_memory
from station_emr.ui.kit.memory import Forgetful
from station_emr.ui.models.session import Session
from station_emr.ui.shell.registry import screens_for
from station_emr.ui.shell.window import Identity, MainWindow
from station_emr.ui.tasks import TaskRunner

PASSWORD = "Do-Toc-Do-2026!"  # of a made-up station
IDENTITY = Identity(station="Trạm Y tế xã Mẫu", place="Xã Mẫu", user="Giám đốc Mẫu")


class Round:
    """Seconds that each page took, by its key."""

    def __init__(self) -> None:
        self.built: dict[str, float] = {}
        self.shown: dict[str, float] = {}
        self.widgets: dict[str, int] = {}


def settle(app: QApplication) -> None:
    """What was asked for until now, and nothing more."""
    QTimer.singleShot(0, app.quit)
    app.exec()


def one_round(app: QApplication, session: Session) -> Round:
    """A new frame and in it every page, one after the other."""
    found = Round()
    window = MainWindow()
    specs = screens_for(session)
    window.open(IDENTITY, specs)
    window.show()
    settle(app)
    for spec in specs:
        if spec.key == window.screen_key:
            continue  # it came with the frame
        began = time.thread_time()
        screen = window.screen_of(spec.key)
        found.built[spec.key] = time.thread_time() - began
        window.go(spec.key)
        settle(app)  # lays it out and paints it
        found.shown[spec.key] = time.thread_time() - began
        found.widgets[spec.key] = len(screen.findChildren(QWidget))
    while session.runner.busy:  # what a page still waits for would arrive in the next round
        settle(app)
    window.close_frame()
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    return found


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: median([one[key] for one in rounds]) for key in rounds[0]}


def measure(folder: Path, count: int, *, pages: bool) -> None:
    clock = SystemClock()
    person = demo_people()[0].user
    create_station(folder, demo_profile(""), person, PASSWORD, clock)
    station = open_station(folder, person.username, PASSWORD, clock)
    app = QApplication([])
    apply_theme(app, "light")
    use_memory(Forgetful())
    runner = TaskRunner()
    session = Session(station.services, station.actor, runner)
    try:
        one_round(app, session)
        rounds = [one_round(app, session) for _ in range(count)]
    finally:
        runner.close()
        station.close()
    built = medians([one.built for one in rounds])
    shown = medians([one.shown for one in rounds])
    slowest = max(built, key=lambda key: built[key])
    more = {"page_ms": {key: milliseconds(value) for key, value in built.items()}} if pages else {}
    report(
        "screens",
        build_ms=milliseconds(sum(built.values())),
        shown_ms=milliseconds(sum(shown.values())),
        slowest=slowest,
        slowest_ms=milliseconds(built[slowest]),
        pages=len(built),
        widgets=sum(rounds[0].widgets.values()),
        rounds=count,
        **more,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=7, help="rounds to take the median of")
    parser.add_argument("--pages", action="store_true", help="also what each page took")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="station-screens-") as temporary:
        measure(Path(temporary) / "station", options.count, pages=options.pages)


if __name__ == "__main__":
    main()
