"""The scripted day, run once as a person would, for every test that looks at its outcome."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from station_emr.demo.station import demo_people, demo_profile
from station_emr.station import create_station
from tests.security.stations import cheap_passwords
from tests.warm import Warm

_warm = Warm("station_emr")


def station_emr(*arguments, password=None, check=True, cold=False):
    """Run the command line in a process of its own; ``cold``: one that also imports it itself."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("STATION_EMR_PASSWORD", None)
    if password is not None:
        environment["STATION_EMR_PASSWORD"] = password
    finished = (_started_cold if cold else _started_warm)([*map(str, arguments)], environment)
    if check:
        assert finished.returncode == 0, finished.stderr[-3000:]
    return finished


def _started_cold(arguments, environment):
    return subprocess.run(
        [sys.executable, "-m", "station_emr", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=500,
        check=False,
    )


def _started_warm(arguments, environment):
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder, "stdout"), Path(folder, "stderr")
        status = _warm.start(arguments, environment, said, complained).wait(timeout=500)
        texts = [path.read_text(encoding="utf-8") for path in (said, complained)]
    return subprocess.CompletedProcess(arguments, status, *texts)


@pytest.fixture(scope="session", autouse=True)
def _closed():
    yield
    _warm.close()


@pytest.fixture(scope="session")
def _directors_station(tmp_path_factory):
    """With the shipped lists in it, and slots that open at once: every command asks for a password."""
    folder = tmp_path_factory.mktemp("founded") / "station"
    director = demo_people()[0]
    with cheap_passwords():
        create_station(folder, demo_profile(""), director.user, director.password)
    return folder


@pytest.fixture
def found(_directors_station):
    """``found(folder)``: a station of the test's own, with its director and nobody else."""
    return lambda folder: Path(shutil.copytree(_directors_station, folder))


class Day:
    """The folder of the day, the words said on the way and the figures of its last line."""

    def __init__(self, folder, finished):
        self.folder = folder
        self.said = finished.stderr
        self.lines = finished.stdout.strip().splitlines()
        self.figures = json.loads(self.lines[-1])

    def run(self, command, *arguments, check=True):
        """Another command on the same station, as the demo's doctor."""
        return station_emr(
            *command.split(),
            "--data-dir",
            self.folder,
            "--user",
            self.figures["user"],
            "--json",
            *arguments,
            password=self.figures["password"],
            check=check,
        )

    def answer(self, command, *arguments):
        return json.loads(self.run(command, *arguments).stdout)


@pytest.fixture(scope="session")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("e2e") / "station"
    return Day(folder, station_emr("demo", "--script", "--json", "--data-dir", folder, cold=True))
