"""A scripted day of planted people in a process of its own, ended without a chance to tidy up.

``python -m tests.e2e.leaking_day FOLDER [weak]``: ``weak`` is a build with three leaks in it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from station_emr.app import Program, make_application
from station_emr.demo.clock import DemoClock
from station_emr.demo.day import ScriptedDay
from station_emr.demo.people import People
from station_emr.demo.scripted import NURSE, actor_named, create_demo_station
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.birth import BirthDate
from station_emr.domain.record import RecordKind
from station_emr.services import prints
from station_emr.services.guards import confirmation_key
from station_emr.station import open_station
from station_emr.ui.models import routes
from station_emr.ui.tasks import problems
from tests.e2e.planted import NAME, NUMBER, PHONE, REASON
from tests.security.stations import cheap_passwords
from tests.services.conftest import MORNING
from tests.ui.keys import press, type_text

GIVEN = "giay-to"  # what a person asked to be written, where the person said


def weaken() -> None:
    """Three ways in which programs leak: the text of an error, a file for the printer, a log."""
    told = problems.report_text
    problems.report_text = lambda error, number: f"{told(error, number)}{error}\n"
    printed = prints.Prints.print

    def kept(self, actor, kind, record_id):
        made = printed(self, actor, kind, record_id)
        with tempfile.NamedTemporaryFile(suffix=".spl", delete=False) as spool:
            spool.write(made.pdf)
        return made

    prints.Prints.print = kept
    got = prints.Prints.preview

    def logged(self, actor, kind, record_id):
        with self._store.read() as work:
            letter = work.referrals.get(record_id).record
        log = Path(os.environ["XDG_STATE_HOME"])
        log.mkdir(parents=True, exist_ok=True)
        (log / "app.log").write_bytes(f"preview {letter.patient.full_name}".encode("utf-16-le"))
        return got(self, actor, kind, record_id)

    prints.Prints.preview = logged


def plant(folder: Path, clock: DemoClock) -> str:
    """A station with a day behind it and a planted person who waits; gives the letter's id."""
    create_demo_station(folder)
    station = open_station(folder, "bshoa", DEMO_PASSWORD, clock)
    nurse = actor_named(station, NURSE)
    services = station.services
    day = ScriptedDay(services, station.actor, nurse)
    papers = day.work()
    day.print_all(papers, folder.parent / GIVEN)
    person = replace(
        People(9, MORNING.date()).next(),
        full_name=NAME,
        national_id=NUMBER,
        birth=BirthDate(1992, 3, 12),
        phone=PHONE,
    )
    yes = [confirmation_key(problem) for problem in services.patients.check(person)]
    made = services.patients.register(nurse, person, [*yes, "national_id:duplicate"])
    services.encounters.check_in(nurse, made.id_of(RecordKind.PATIENT), REASON)
    (folder.parent / "sao-luu").mkdir()
    services.backups.make(station.actor, str(folder.parent / "sao-luu"))
    station.close()
    return papers.referral_id


class Window:
    """The window, driven without a test framework."""

    def __init__(self, app: QApplication, folder: Path, clock: DemoClock) -> None:
        self.app = app
        self.program = Program(app, folder, clock, demo=False)
        self.program.start()
        self.until(lambda: self.program.desk.log_in_page is not None)

    def until(self, reached) -> None:
        """Let the program run until it is so; 100 seconds at most."""
        limit = time.monotonic() + 100
        watch = QTimer()
        watch.timeout.connect(
            lambda: self.app.quit() if reached() or time.monotonic() > limit else None
        )
        watch.start(20)
        self.app.exec()
        watch.stop()
        if not reached():
            raise SystemExit(f"waited in vain for {reached.__code__.co_firstlineno}")

    def log_in(self) -> None:
        page = self.program.desk.log_in_page
        page.choose("bshoa")
        type_text(page.password.editor, DEMO_PASSWORD)
        press(page.password.editor, key=Qt.Key.Key_Return)
        self.until(lambda: self.program.desk.log_in_page is None)

    def titles(self) -> str:
        return " ".join(one.windowTitle() for one in self.app.topLevelWidgets())


def work(window: Window, letter: str) -> None:
    """Look, type, preview, print, copy, crash, lock."""
    desk, main = window.program.desk, window.program.window
    services, actor = desk.session.services, desk.session.actor
    person = services.patients.search(actor, NAME)[0]
    main.go(routes.PATIENTS, routes.PatientRoute(person.id))
    window.until(lambda: main.screen_key == routes.PATIENTS)
    visit = services.encounters.queue(actor)[-1].encounter_id
    main.go(routes.ENCOUNTER, routes.EncounterRoute(visit))
    window.until(lambda: main.screen_key == routes.ENCOUNTER)
    main.go(routes.PREVIEW, routes.PreviewRoute(RecordKind.REFERRAL, letter))
    window.until(lambda: main.screen_key == routes.PREVIEW)
    services.prints.preview(actor, RecordKind.REFERRAL, letter)
    services.prints.print(actor, RecordKind.REFERRAL, letter)
    seen = window.titles()
    clipboard = window.app.clipboard()
    clipboard.setText(f"{NAME}\t{NUMBER}")
    bug = ValueError(f"{NAME} {NUMBER} {REASON}")
    sys.excepthook(type(bug), bug, bug.__traceback__)
    folder = window.program._folder / "problems"
    window.until(lambda: folder.is_dir() and any(folder.iterdir()))
    main.lock()
    window.until(lambda: desk.log_in_page is not None)
    print(f"clipboard={clipboard.text()!r}")
    print(f"titles={seen} {window.titles()}")


def main() -> None:
    root = Path(sys.argv[1])
    if "weak" in sys.argv:
        weaken()
    clock = DemoClock(MORNING, seed=5)
    with cheap_passwords():
        letter = plant(root / "data", clock)
        window = Window(make_application(), root / "data", clock)
        window.log_in()
        work(window, letter)
    sys.stdout.flush()
    os._exit(0)  # a power cut: nothing is tidied up


if __name__ == "__main__":
    main()
