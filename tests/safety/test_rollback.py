"""Yesterday's files in the place of today's: found out by what stands outside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from station_emr.demo.clock import DemoClock
from station_emr.demo.people import People
from station_emr.demo.province import DemoProvince, ProvinceAddress
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.audit import EvidenceKind
from station_emr.domain.record import RecordKind
from station_emr.services.audit_evidence import MISMATCH
from station_emr.services.clock import VIETNAM, SystemClock
from station_emr.services.enrolment import SERVER_TOKEN, SERVER_URL
from station_emr.services.incarnation import LIFE_ACTION
from station_emr.station import DATABASE, OpenStation, create_station, open_station
from tests.security.stations import cheap_passwords

DIRECTOR = demo_people()[0].user


class Day:
    """A station from one day to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = DemoClock(SystemClock().now().astimezone(VIETNAM), seed=4)
        self._people = People(3, date(2026, 11, 20))

    @contextmanager
    def open(self) -> Iterator[OpenStation]:
        station = open_station(self.folder, DIRECTOR.username, DEMO_PASSWORD, self.clock)
        try:
            yield station
        finally:
            station.close()

    def register(self, station: OpenStation) -> str:
        patient = replace(self._people.next(), national_id="", coverages=(), phone="")
        yes = [f"{one.field}:{one.code}" for one in station.services.patients.check(patient)]
        made = station.services.patients.register(station.actor, patient, yes)
        return made.id_of(RecordKind.PATIENT)

    def keep(self, place: Path) -> Path:
        return Path(shutil.copytree(self.folder, place))


def told(station: OpenStation) -> list[str]:
    with station.store.read() as work:
        return [row.action for row in work.audit.rows(500)]


@pytest.fixture
def day(tmp_path: Path) -> Day:
    with cheap_passwords():
        create_station(tmp_path / "station", demo_profile(""), DIRECTOR, DEMO_PASSWORD)
    return Day(tmp_path / "station")


@pytest.fixture
def province(tmp_path: Path) -> Iterator[ProvinceAddress]:
    with DemoProvince(tmp_path / "province", "DEMO1") as server:
        yield server.start()


def test_the_whole_folder_of_yesterday(day: Day, province: ProvinceAddress, tmp_path: Path) -> None:
    """Nothing on the machine remembers; the province does, at the next contact."""
    with day.open() as station, station.store.write() as work:
        work.settings.put(SERVER_URL, province.url)
        work.settings.put(SERVER_TOKEN, province.token)
    with day.open() as station:
        day.register(station)
        assert station.sync_now().outcome == "complete"
    copy = day.keep(tmp_path / "yesterday")
    day.clock.forward(hours=25)
    with day.open() as station:
        hidden = day.register(station)
        assert station.sync_now().outcome == "complete"
        assert not station.services.trail.alarm(station.actor)

    shutil.rmtree(day.folder)
    shutil.copytree(copy, day.folder)
    day.clock.forward(hours=1)
    with day.open() as station:
        assert MISMATCH not in told(station), "the folder alone cannot know"
        station.sync_now()

        assert MISMATCH in told(station)
        assert LIFE_ACTION in told(station), "no number is given a second time"
        assert station.services.trail.alarm(station.actor)
        report = station.services.trail.verify(station.actor)
        assert EvidenceKind.PROVINCE in {one.evidence.kind for one in report.disagreeing}
        held = station.services.patients.get(station.actor, hidden)
        assert held.record.id == hidden, "what the province had is here again"


@pytest.mark.parametrize("name", [DATABASE, "all but the witnesses"])
def test_the_database_of_yesterday_beside_todays_witness(
    day: Day, tmp_path: Path, name: str
) -> None:
    with day.open() as station:
        day.register(station)
    copy = day.keep(tmp_path / "yesterday")
    with day.open() as station:
        day.register(station)

    for file in copy.iterdir():
        if file.name == name or (name != DATABASE and "witness" not in file.name):
            shutil.copy(file, day.folder / file.name)
    with day.open() as station:
        assert MISMATCH in told(station)
        assert LIFE_ACTION in told(station), "no number is given a second time"
        assert station.services.trail.alarm(station.actor)
        report = station.services.trail.verify(station.actor, ask_province=False)
        assert EvidenceKind.WITNESS in {one.evidence.kind for one in report.disagreeing}


def test_today_as_it_was_left_raises_no_alarm(day: Day) -> None:
    """Else nobody would listen to the others."""
    for _ in range(2):
        with day.open() as station:
            day.register(station)
    with day.open() as station:
        assert MISMATCH not in told(station)
        assert LIFE_ACTION not in told(station)
        assert not station.services.trail.alarm(station.actor)
        assert station.services.trail.verify(station.actor, ask_province=False).is_whole
