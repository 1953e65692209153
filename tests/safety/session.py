"""The program without a window in processes that can be killed: ``python -m tests.safety.session``.

It imports once, then every line of its input (JSON, :class:`Order`) forks a process that opens the folder as a
new start does, looks whether all that was ever acknowledged is there, says what it found, and works on
until it is killed. ``pid``, ``opened``, ``found`` and ``ended`` lines stand between those of the session.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config  # noqa: F401

from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.domain.catalog import CatalogKind
from station_emr.station import OpenStation, open_station
from tests.safety import ledger, planted, soundness
from tests.safety.scripted import BusyDay, say

_LISTS: dict[CatalogKind, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One life of the session. ``calls`` ends it by itself; ``mistake`` weakens the program."""

    folder: str
    user: str
    password: str
    seed: int
    turn: int
    ledger: str
    copies: str
    whole: bool = True
    calls: int | None = None
    mistake: str = ""

    @property
    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def find_faults(order: Order, station: OpenStation) -> list[str]:
    lines = ledger.read(Path(order.ledger))
    unlock = (order.user, order.password)
    return [
        *soundness.faults_of(station.store, counted=order.whole),
        *ledger.lost(station, lines, unlock),
    ]


def live(order: Order) -> None:
    station = open_station(Path(order.folder), order.user, order.password)
    say({"opened": order.turn})
    station.services.catalogs._search._indexes.update(_LISTS)
    say({"found": find_faults(order, station)})
    planted.plant(order.mistake)
    day = BusyDay(station, order.seed, order.turn, Path(order.copies), whole=order.whole)
    day.go_on(order.calls)
    station.close()


def main() -> None:
    """The first line opens a station whose lists every session then has in memory."""
    for text in sys.stdin:
        order = Order(**json.loads(text))
        if order.whole and not _LISTS:
            _load_lists(order)
        pid = os.fork()
        if pid == 0:
            try:
                live(order)
            except BaseException:  # noqa: BLE001 - told to the test, whatever it is
                say({"failed": traceback.format_exc()[-1500:]})
                os._exit(1)
            os._exit(0)
        say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        say({"ended": os.waitstatus_to_exitcode(status)})


def _load_lists(order: Order) -> None:
    """As in a program that has been open for a while; the file itself is not what is tested here."""
    station = open_station(Path(order.folder), order.user, order.password)
    catalogs = StationCatalogs(station.store)
    _LISTS.update({kind: catalogs._index(kind) for kind in CatalogKind})
    for index in _LISTS.values():
        index.search("sot", 1)  # their words, too
    station.close()


if __name__ == "__main__":
    main()
