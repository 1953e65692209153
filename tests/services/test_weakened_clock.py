"""Games with the clock of the PC, by its settings and by raw SQL, twice: they gain nothing or are told, and gain
what they were for where exactly their guard is gone.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from station_emr.db import audit
from station_emr.db import connection as connections
from station_emr.domain.errors import PermissionDenied, StateError
from station_emr.services import access_rules, timekeeping
from station_emr.services import door as doors

from .conftest import KEY
from .test_door import RealDoor, door
from .visit_samples import sign, visit

__all__ = ["door"]


def opens(door: RealDoor) -> bool:
    """Whether somebody who has not been here for 46 days comes in."""
    try:
        door("ddmai")
    except PermissionDenied:
        return False
    return True


def believes_the_clock(weak: pytest.MonkeyPatch) -> None:
    for module in (doors, access_rules):
        weak.setattr(module, "station_time", lambda _work, now: now)


def forgets_by_raw_sql(door: RealDoor) -> None:
    """Whoever has the key takes out what is known of time without the clock."""
    raw = connections.connect(door.station.path, KEY)
    assert raw.execute("DELETE FROM setting WHERE key LIKE 'clock.%'").rowcount
    raw.close()


@pytest.mark.parametrize("is_weak", [False, True])
def test_a_clock_set_back_keeps_an_account_open_where_its_word_is_taken(
    door, is_weak: bool, monkeypatch
) -> None:
    door("ddmai")
    door.use_on(46)
    door.station.clock.forward(days=-40)
    if is_weak:
        believes_the_clock(monkeypatch)
    assert opens(door) is is_weak


def steps(door: RealDoor) -> int:
    """How often the log says that the time went back."""
    with door.station.store.read() as work:
        return work.audit.check().step_count


def test_the_same_by_raw_sql_is_told_by_the_log_unless_nobody_reads_its_times(
    door, monkeypatch
) -> None:
    """It cannot be kept from happening: who has the key writes what the program remembers."""
    door("ddmai")
    door.use_on(46)
    with door.station.store.write() as work:
        work.audit.append(None, "patient.view", door.station.clock.now())
    door.station.clock.forward(days=-40)
    forgets_by_raw_sql(door)

    assert opens(door)
    door.station.services.accounts.log_in("ddmai", "Máy 1")
    assert steps(door) == 1
    monkeypatch.setattr(audit, "_SAME_MOMENT", timedelta(days=10_000))
    assert steps(door) == 0


@pytest.mark.parametrize("is_weak", [False, True])
def test_a_paper_is_dated_back_where_the_last_signature_is_not_asked(
    station, is_weak: bool, monkeypatch
) -> None:
    sign(station, visit(station, station.register()))
    encounter = visit(station, station.register(full_name="Kpă Thử"))
    station.clock.forward(days=-3)
    if is_weak:
        monkeypatch.setattr(timekeeping, "clock_problem", lambda _work, _now: "")
    try:
        sign(station, encounter)
    except StateError:
        dated = None
    else:
        dated = station.services.encounters.get(station.doctor, encounter.id).record.signature.at
    assert (dated is not None and dated.day == 17) is is_weak
