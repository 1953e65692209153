"""The demo station with a year behind it: made once, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from station_emr.domain.errors import StateError
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.station import KEY_SLOTS, open_station, station_exists

from .bills import bill_visits
from .books import close_months
from .claims import fill_in_claims
from .clock import DemoClock
from .foreign import take_from_elsewhere
from .notices import give_leave, tell_cases
from .scripted import DIRECTOR, DOCTOR, NURSE, actor_named, create_demo_station
from .seed import Seeder, SeedPlan
from .station import DEMO_PASSWORD, demo_people, demo_profile

Progress = Callable[[int, int], None]


def make_filled_station(
    folder: Path, progress: Progress, plan: SeedPlan | None = None, now: datetime | None = None
) -> None:
    """Fill a station beside ``folder`` and move it there at the end.

    ``progress(done, total)`` may raise to cancel; then, as after a power cut, nothing is left in
    ``folder`` and the next start begins afresh. Does nothing when the demo is there already.
    Raises StateError for the folder of a real station: the demo would try its passwords there.
    """
    if station_exists(folder):
        _only_demo(folder)
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


def _only_demo(folder: Path) -> None:
    slots = KeySlots.load(folder / KEY_SLOTS, clock=SystemClock().now)
    known = {person.user.username for person in demo_people()}
    if slots.station_name != demo_profile("").name or not known <= {
        person.username for person in slots.people()
    }:
        raise StateError(
            f"Thư mục {folder} có dữ liệu của {slots.station_name}, không phải trạm dùng thử. "
            "Không có gì bị đụng tới. Hãy chọn thư mục khác cho bản dùng thử."
        )


def _fill(folder: Path, progress: Progress, plan: SeedPlan, now: datetime) -> None:
    create_demo_station(folder)
    clock = DemoClock(now, plan.seed)
    station = open_station(folder, DOCTOR, DEMO_PASSWORD, clock)
    try:
        nurse = actor_named(station, NURSE)
        Seeder(station.store, station.services, clock, station.actor, nurse).fill(plan, progress)
        fill_in_claims(station)
        bill_visits(station.services, nurse)
        take_from_elsewhere(station.services, nurse)
        tell_cases(station.services, nurse)
        give_leave(station.store, station.services, station.actor)
        close_months(station.services, actor_named(station, DIRECTOR), clock.now(), months=2)
    finally:
        station.close()
