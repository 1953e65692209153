"""Letters of the station's other PCs to the province and its answers, as a relay keeps them: unread.

Each is a courier file, encrypted to its reader and signed by its writer, so a relay can lose one, not
change it. One of each PC is kept, the newest.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

import msgspec

from station_emr.domain.errors import NetworkFailure
from station_emr.services.ports import Store, Work

from .client import FhirClient
from .peer import Busy

LETTERS: Final = "relay.letters"
ANSWERS: Final = "relay.answers"
_LARGEST: Final = 64 * 1024
_MOST: Final = 20
_PATH: Final = "/$log-letter"
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/fhir+json"}
_BUSY: Final = "Máy chủ tỉnh đang bận. Thư của máy khác sẽ được chuyển ở lần đồng bộ sau."
NOT_TAKEN: Final = "Máy chủ tỉnh không nhận thư của máy khác. Thư được giữ lại để chuyển sau."


class LetterLine(Protocol):
    """The way to the province. Raises NetworkFailure, also where the server takes no letters."""

    def deliver(self, letter: bytes) -> bytes:
        """What the province answers; empty when it refused this letter for good."""


class LettersOverHttp:
    """See :class:`LetterLine`."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    def deliver(self, letter: bytes) -> bytes:
        body = {"letter": base64.b64encode(letter).decode("ascii")}
        answer = self._client.post(_PATH, msgspec.json.encode(body), _HEADERS)
        if answer.status in {400, 403, 422}:
            return b""
        if answer.status in {408, 425, 429} or answer.status >= 500:
            raise Busy(_BUSY, answer.retry_after)
        try:
            return base64.b64decode(answer.body["reply"], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise NetworkFailure(NOT_TAKEN) from error


def pass_on(work: Work, writer: str, letter: bytes) -> bytes:
    """Keep a letter for the next run to the province; what came for its writer meanwhile. ``writer`` is
    the incarnation of the asking database.
    """
    if letter and len(letter) <= _LARGEST:
        _put(work, LETTERS, writer, letter)
    return _read(work, ANSWERS).get(writer, b"")


def carry(store: Store, line: LetterLine) -> int:
    """Deliver what waits, keep what the province says to it. How many went."""
    with store.read() as work:
        waiting = _read(work, LETTERS)
    for writer, letter in waiting.items():
        answer = line.deliver(letter)
        with store.write() as work:
            if _read(work, LETTERS).get(writer) == letter:
                _put(work, LETTERS, writer, b"")
            if answer:
                _put(work, ANSWERS, writer, answer)
    return len(waiting)


def _read(work: Work, name: str) -> Mapping[str, bytes]:
    with suppress(ValueError, TypeError, AttributeError):
        kept = json.loads(work.settings.get(name) or "{}")
        return {key: base64.b64decode(value) for key, value in kept.items()}
    return {}


def _put(work: Work, name: str, writer: str, letter: bytes) -> None:
    kept = {key: value for key, value in _read(work, name).items() if key != writer}
    if letter:
        kept = dict(list(kept.items())[1 - _MOST :]) | {writer: letter}
    said = {key: base64.b64encode(value).decode("ascii") for key, value in kept.items()}
    work.settings.put(name, json.dumps(said))
