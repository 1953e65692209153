"""A station made for pictures: the same people at the same minute, whenever the pictures are made.

The province held everything until the line went down at 08:40; three newcomers wait to be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from station_emr.domain.user import Actor
from station_emr.services.clock import VIETNAM
from station_emr.services.guards import confirmation_key
from station_emr.station import OpenStation, open_station

from .clock import DemoClock
from .filled import make_filled_station
from .people import People
from .province import DemoProvince
from .scripted import DIRECTOR, DOCTOR, NURSE, actor_named, configure_province
from .seed import SeedPlan
from .station import DEMO_PASSWORD, demo_profile

MOMENT: Final = datetime(2026, 11, 20, 9, 12, 33, tzinfo=VIETNAM)  # a Friday morning
_LINE_DOWN: Final = MOMENT.replace(hour=8, minute=40, second=0)
_BACKUP: Final = (MOMENT - timedelta(days=1)).replace(hour=17, minute=2, second=0)
_SEED: Final = 2026
_NEWCOMERS: Final = 3
# An address that answers nobody: the picture's station is offline.
_NOWHERE: Final = "http://127.0.0.1:9/fhir"


class StillClock(DemoClock):
    """Stays at one minute, so that every picture says the same."""

    def now(self) -> datetime:
        return self._now


def picture_clock() -> StillClock:
    return StillClock(MOMENT, _SEED)


def make_pictured_station(folder: Path, people: int = 120) -> None:
    """Fill ``folder``, send all to a province, back up, lose the line, take in three people."""
    plan = SeedPlan(today=MOMENT.date(), people=people, days=180, seed=_SEED)
    make_filled_station(folder, lambda _done, _total: None, plan, MOMENT)
    with DemoProvince(folder.parent / "province", demo_profile("").code) as province:
        address = province.start()
        configure_province(folder, address.url, address.token)
        _at(folder, DIRECTOR, _LINE_DOWN - timedelta(minutes=2), _send_everything)
        _at(folder, DIRECTOR, _BACKUP, lambda station: _back_up(station, folder.parent))
    configure_province(folder, _NOWHERE, address.token)
    _at(folder, DOCTOR, _LINE_DOWN, _lose_the_line)


def _at(folder: Path, username: str, moment: datetime, work: Callable[[OpenStation], None]) -> None:
    clock = DemoClock(moment, _SEED)
    station = open_station(folder, username, DEMO_PASSWORD, clock)
    try:
        work(station)
    finally:
        station.close()


def _send_everything(station: OpenStation) -> None:
    for _attempt in range(20):
        if station.sync_now().outcome == "complete":
            return


def _back_up(station: OpenStation, folder: Path) -> None:
    station.services.backups.make(station.actor, str(folder / "backups"))


def _lose_the_line(station: OpenStation) -> None:
    station.sync_now()
    nurse: Actor = actor_named(station, NURSE)
    people = People(_SEED + 1, MOMENT.date())
    for _count in range(_NEWCOMERS):
        person = replace(people.next(), national_id="")
        yes = [confirmation_key(p) for p in station.services.patients.check(person)]
        station.services.patients.register(nurse, person, yes)
