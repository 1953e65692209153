"""For pictures: a token was bought this week, and the letters of the last days wait for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from station_emr.domain.signature import KeySource, KeySourceKind
from station_emr.station import OpenStation

_LIBRARY: Final = "C:/Windows/System32/token_mau_csp11.dll"  # of no real vendor
_DAYS: Final = 2


def wait_for_token(station: OpenStation) -> None:
    signing, director = station.services.signing, station.actor
    signing.save_source(director, KeySource(kind=KeySourceKind.TOKEN, path=_LIBRARY))
    signing.collect(director, station.services.clock.now() - timedelta(days=_DAYS))
