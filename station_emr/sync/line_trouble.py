"""What ended a run, told apart for people: a line that is away is not a server that says no."""

from __future__ import annotations

from typing import Final

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.sync import LinkTrouble

from .client import PORTAL, UNTRUSTED
from .peer import Busy, Refused
from .tokens import KEY_NOT_HERE, NO_TOKEN, REVOKED
from .verdicts import NOT_ALLOWED, UNREADABLE

_ANSWERED: Final = {
    PORTAL: LinkTrouble.PORTAL,
    UNTRUSTED: LinkTrouble.UNTRUSTED,
    UNREADABLE: LinkTrouble.STRANGE,
    NO_TOKEN: LinkTrouble.STRANGE,
}
_REFUSED: Final = {
    REVOKED: LinkTrouble.REVOKED,
    KEY_NOT_HERE: LinkTrouble.KEY_LOST,
    NOT_ALLOWED: LinkTrouble.REFUSED,
}


def trouble_of(error: EnvironmentFailure) -> LinkTrouble:
    """Of a NetworkFailure, Busy or Refused, by its sentence; a technical code may follow that."""
    if isinstance(error, Busy):
        return LinkTrouble.BUSY
    sentence = str(error).partition(" [")[0]
    if isinstance(error, Refused):
        return _REFUSED.get(sentence, LinkTrouble.STRANGE)
    return _ANSWERED.get(sentence, LinkTrouble.AWAY)
