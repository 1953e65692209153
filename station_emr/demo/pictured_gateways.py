"""For pictures: a morning with the gateways. Some of it arrived, one answer was lost, one prescription
was refused, cards were looked up, and since 08:40 nothing gets through.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from station_emr.domain.errors import UserError
from station_emr.services.claim_settings import KEY, read_claim_settings, written
from station_emr.station import OpenStation

from .claims import send_claims
from .clock import DemoClock
from .gateways import DemoGateways
from .gateways_serving import Fault

_CARDS: Final = 4
_OF_TODAY: Final = 2
_HOUR_AGO: Final = 60


def use_gateways(station: OpenStation) -> None:
    """A few messages and look-ups of the morning, then both gateways go away."""
    clock = station.services.clock
    if not isinstance(clock, DemoClock):
        raise TypeError("pictures are taken of a station with a clock of its own")
    end = clock.now()
    clock.forward(minutes=-_HOUR_AGO)
    with DemoGateways(clock.now) as gateways:
        gateways.fill_in(station)
        _since_yesterday(station)
        gateways.bhxh.fail(Fault.CUT)
        gateways.donthuoc.fail(Fault.REFUSED)
        station.send_to_gateways()
        clock.forward(minutes=5)
        station.send_to_gateways()
        _sign_some(station)
        clock.forward(minutes=5)
        _look_up(station, _CARDS)
        gateways.bhxh.down = gateways.donthuoc.down = True
        clock.set(end)
        _look_up(station, 1)
        station.send_to_gateways()


def _sign_some(station: OpenStation) -> None:
    """With a file, because the token of the other pictures is in nobody's machine."""
    signing = station.services.signing
    token = signing.source()
    signing.save_source(station.actor, None)
    send_claims(station, _OF_TODAY)
    signing.save_source(station.actor, token)


def _since_yesterday(station: OpenStation) -> None:
    """The demo's visits were written before anybody filled the accounts in."""
    with station.store.write() as work:
        since = station.services.clock.now() - timedelta(days=1)
        settings = replace(
            read_claim_settings(work), insurance_since=since, prescription_since=since
        )
        work.settings.put(KEY, written(settings))


def _look_up(station: OpenStation, count: int) -> None:
    cards = station.services.gateways.cards
    with station.store.read() as work:
        people = [
            row.patient_id for row in work.encounters.queue(station.services.clock.now().date())
        ]
    for patient_id in people:
        with suppress(UserError):
            cards.look_up(station.actor, patient_id)
            count -= 1
        if not count:
            return
