"""The provincial server is killed again and again while stations write: what it answered, it has."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests import databases
from tests.databases import database_url, open_database
from tests.provincial_command import main
from tests.server.conftest import Station
from tests.server.samples import unit
from tests.server.test_durability import finish, sequences, start

KILLS = 2  # each start of the process costs two seconds
WRITERS = 2


@databases.once
def test_killed_again_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(7)
    numbers = itertools.count(1)
    answered: list[int] = []
    tried: list[int] = []

    def write(address: str) -> None:
        station = Station(address, "DEMO01", "demo-token")
        with station.session:
            for number in numbers:
                tried.append(number)
                try:
                    answer = station.send(unit(number))
                except requests.RequestException:
                    return
                assert answer.status_code == 200
                answered.append(number)

    for _ in range(KILLS):
        process, station = start(tmp_path)
        station.session.close()
        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, station.base) for _ in range(WRITERS)]
            before = len(answered)
            while len(answered) < before + 4 and not any(one.done() for one in writers):
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.1))
            os.kill(process.pid, signal.SIGKILL)
        for writer in writers:
            writer.result()
        finish(process)

    database = open_database(tmp_path / "server.db")
    given = sequences(database, "DEMO01")
    database.close()
    assert given == list(range(1, len(given) + 1)), "no number twice, none missing"
    assert len(given) % 3 == 0, "whole units only"
    assert len(answered) <= len(given) // 3 <= len(tried)
    process, station = start(tmp_path)
    with station.session:
        missing = [n for n in answered if station.get(f"Encounter/e{n}").status_code != 200]
    process.terminate()
    finish(process)
    assert missing == []
    assert main(["verify", "--database", database_url(tmp_path / "server.db")]) == 0, (
        capsys.readouterr().err
    )
