"""The demo station with a year behind it: made once, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from station_emr.services.clock import SystemClock
from station_emr.station import open_station, station_exists

from .clock import DemoClock
from .scripted import DOCTOR, NURSE, actor_named, create_demo_station
from .seed import Seeder, SeedPlan
from .station import DEMO_PASSWORD

Progress = Callable[[int, int], None]


def make_filled_station(
    folder: Path, progress: Progress, plan: SeedPlan | None = None, now: datetime | None = None
) -> None:
    """Fill a station beside ``folder`` and move it there at the end.

    ``progress(done, total)`` may raise to cancel; then, as after a power cut, nothing is left in
    ``folder`` and the next start begins afresh. Does nothing when a station is there already.
    """
    if station_exists(folder):
        return
    now = now or SystemClock().now()
    plan = plan or SeedPlan(today=now.date(), now=now)
    building = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(building, ignore_errors=True)
    try:
        _fill(building, progress, plan, now)
        folder.mkdir(parents=True, exist_ok=True)
        for made in building.iterdir():
            made.replace(folder / made.name)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fill(folder: Path, progress: Progress, plan: SeedPlan, now: datetime) -> None:
    create_demo_station(folder)
    clock = DemoClock(now, plan.seed)
    station = open_station(folder, DOCTOR, DEMO_PASSWORD, clock)
    try:
        nurse = actor_named(station, NURSE)
        Seeder(station.store, station.services, clock, station.actor, nurse).fill(plan, progress)
    finally:
        station.close()
