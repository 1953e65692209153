"""Claims of the demo station: what its director filled in once, and the days that were sent already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from station_emr.domain.signature import KeySource, KeySourceKind
from station_emr.services.secret import Secret
from station_emr.station import OpenStation

from .scripted import DIRECTOR, actor_named
from .station import DEMO_PASSWORD
from .trial_key import write_trial_key

DEPARTMENT: Final = "K01"
KEY_FILE: Final = "khoa-dung-thu.p12"
_DAYS: Final = 4


def fill_in_claims(station: OpenStation) -> None:
    """The department and the head's licence, without which every claim would lack them."""
    director = actor_named(station, DIRECTOR)
    desk = station.services.gateways.settings
    settings = replace(desk.read(), department=DEPARTMENT, head_code=director.user.licence_no)
    desk.save(director, settings)


def send_claims(station: OpenStation, of_today: int = 0) -> int:
    """Sign what is ready of the days before today, and so many of today's, and let it go; gives how
    many. The rest waits for whoever tries the demo: the password of its key is that of its people.
    """
    director = actor_named(station, DIRECTOR)
    _choose_key(station, station.folder / KEY_FILE)
    day = station.services.gateways.day
    today = station.services.clock.now().date()
    lines = day.lines(director, today - timedelta(days=_DAYS), today)
    ready = [line for line in lines if line.ready]
    wanted = [line for line in ready if line.arrived_at.date() < today]
    wanted += [line for line in ready if line.arrived_at.date() == today][:of_today]
    if not wanted:
        return 0
    made = day.sign(director, Secret(DEMO_PASSWORD), [line.encounter_id for line in wanted])
    station.send_to_gateways()
    return len(made.queued)


def _choose_key(station: OpenStation, path: Path) -> None:
    """Unless somebody has chosen another key meanwhile."""
    signing = station.services.signing
    if signing.source() is not None:
        return
    write_trial_key(path, DEMO_PASSWORD, station.services.clock.now())
    director = actor_named(station, DIRECTOR)
    signing.save_source(director, KeySource(kind=KeySourceKind.FILE, path=str(path)))
