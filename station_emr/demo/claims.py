"""What the director of the demo station has filled in for claims; the gateways are another matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from station_emr.station import OpenStation

from .scripted import DIRECTOR, actor_named

DEPARTMENT: Final = "K01"


def fill_in_claims(station: OpenStation) -> None:
    """The department and the head's licence, without which every claim would lack them."""
    director = actor_named(station, DIRECTOR)
    desk = station.services.gateways.settings
    settings = replace(desk.read(), department=DEPARTMENT, head_code=director.user.licence_no)
    desk.save(director, settings)
