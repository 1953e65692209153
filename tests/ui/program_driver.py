"""The whole program over a copy of a small station, driven as a person does."""

from __future__ import annotations

import shutil
import sys
import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.app import Program
from station_emr.demo.clock import DemoClock
from station_emr.demo.people import People
from station_emr.demo.scripted import NURSE, actor_named, create_demo_station
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.permissions import Role
from station_emr.domain.user import User
from station_emr.services.guards import confirmation_key
from station_emr.station import open_station
from station_emr.ui.kit import Message
from tests.security.stations import cheap_passwords
from tests.services.conftest import MORNING
from tests.ui.keys import press, type_text

# The sync thread asks the system for its own address by this one (RFC 5737); nothing is sent.
own_address = pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost", "192.0.2.1"])


@pytest.fixture(scope="module", autouse=True)
def _cheap():
    with cheap_passwords():
        yield


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory):
    """A station with its people, an administrator and one patient who has come today."""
    folder = tmp_path_factory.mktemp("demo") / "station"
    with cheap_passwords():
        create_demo_station(folder)
        clock = DemoClock(MORNING, seed=5)
        station = open_station(folder, "giamdoc", DEMO_PASSWORD, clock)
        admin = User(id="", username="admin", full_name="Quản Trị Mẫu", role=Role.ADMINISTRATOR)
        station.services.accounts.add_user(station.actor, admin, DEMO_PASSWORD)
        nurse = actor_named(station, NURSE)
        person = replace(People(9, MORNING.date()).next(), full_name="Siu Y Mẫu")
        yes = [confirmation_key(problem) for problem in station.services.patients.check(person)]
        made = station.services.patients.register(nurse, person, yes)
        station.services.encounters.check_in(nurse, made.items[0].record_id, "Ho")
        station.close()
    return folder


class Driver:
    """Drives the window as a person does."""

    def __init__(self, qtbot, program) -> None:
        self.qtbot = qtbot
        self.program = program
        self.window = program.window

    @property
    def page(self):
        return self.program.desk.log_in_page

    def log_in(self, username="bshoa", password=DEMO_PASSWORD) -> None:
        self.page.choose(username)
        type_text(self.page.password.editor, password)
        with self.qtbot.waitSignal(self.program.desk.ready):
            press(self.page.password.editor, key=Qt.Key.Key_Return)

    def try_password(self, password: str) -> str:
        """A password that does not open; gives the sentence shown."""
        self.page.password.set_value(password)
        press(self.page.password.editor, key=Qt.Key.Key_Return)
        self.qtbot.waitUntil(lambda: bool(self.page.password.problem))
        return self.page.password.problem

    @property
    def patient(self):
        services, actor = self.services, self.program.desk.session.actor
        return services.patients.search(actor, "siu mau")[0]

    @property
    def services(self):
        return self.program.desk.session.services

    @property
    def toast(self) -> Message | None:
        return self.window.toast.message


@pytest.fixture
def start(qtbot, demo_folder, tmp_path):
    """``start()`` opens the program over a copy of the station; ``start(empty=True)`` over nothing."""
    programs = []

    def start(*, empty: bool = False, spoil=None, demo: bool = False) -> Driver:
        folder = tmp_path / "data"
        if not empty:
            shutil.copytree(demo_folder, folder)
        if spoil is not None:
            spoil(folder)
        program = Program(QApplication.instance(), folder, DemoClock(MORNING, seed=6), demo=demo)
        programs.append(program)
        program.window.show()
        qtbot.waitActive(program.window)
        program.desk.start()
        return Driver(qtbot, program)

    hooks = sys.excepthook, threading.excepthook
    yield start
    for program in programs:
        program.window.close()
        program.end()
    sys.excepthook, threading.excepthook = hooks
    qtbot.waitUntil(lambda: threads().isdisjoint({"database", "work", "sync"}))
    for program in programs:  # not before: a thread may still tell it something
        program.window.deleteLater()
        program.deleteLater()


def threads() -> set[str]:
    return {thread.name.split("_")[0] for thread in threading.enumerate()}
