"""The scripted day, run once as a person would, for every test that looks at its outcome."""

import json
import os
import subprocess
import sys

import pytest


def station_emr(*arguments, password=None, check=True):
    """Run the command line in a process of its own."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("STATION_EMR_PASSWORD", None)
    if password is not None:
        environment["STATION_EMR_PASSWORD"] = password
    finished = subprocess.run(
        [sys.executable, "-m", "station_emr", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=110,
        check=False,
    )
    if check:
        assert finished.returncode == 0, finished.stderr[-3000:]
    return finished


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
    return Day(folder, station_emr("demo", "--script", "--json", "--data-dir", folder))
