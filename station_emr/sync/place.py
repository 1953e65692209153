"""How far this database has come in the province's sequence (docs/sync.md, "The exchange")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from station_emr.services.ports import Work

EPOCH: Final = "sync.epoch"
CURSOR: Final = "sync.cursor"


@dataclass(frozen=True, slots=True)
class Place:
    """``epoch`` is empty before the first contact."""

    epoch: str = ""
    cursor: int = 0


def read_place(work: Work) -> Place:
    return Place(work.settings.get(EPOCH) or "", int(work.settings.get(CURSOR) or "0"))


def write_place(work: Work, place: Place) -> None:
    """To be called in the transaction that applied what lies before the cursor."""
    work.settings.put(EPOCH, place.epoch)
    work.settings.put(CURSOR, str(place.cursor))
