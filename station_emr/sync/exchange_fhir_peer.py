"""The exchange over HTTP: one POST on the kept-alive connection of the FHIR client.

What the client refuses to believe (a portal's page, a redirect, half an answer, a wrong certificate)
is a network error here too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from station_emr.domain.errors import NetworkFailure

from .client import Answer, FhirClient
from .dictionaries import best_of
from .exchange_peer import ExchangeReply, ExchangeRequest, PageRefused
from .exchange_wire import (
    DICTIONARY_HEADER,
    GZIP,
    MEDIA_TYPE,
    PLAIN,
    Body,
    Garbled,
    Packing,
    decode_reply,
    encode_request,
    pack,
    unpack,
)
from .peer import Busy, Refused, Traffic, VerdictKind
from .verdicts import COME_BACK, NOT_ALLOWED, NOT_AS_SAID, UNREADABLE, kind_of_status

_PATH: Final = "/$exchange"
_HARDEST: Final = 19
_WORTH_SHORTENING: Final = 9


@dataclass(frozen=True, slots=True)
class _Packed:
    """A request as bytes; ``best`` is None where the server has no dictionary of ours, or was seen to
    refuse it.
    """

    rid: str
    plain: bytes
    best: Body | None
    packing: Packing


class ExchangeOverHttp:
    """See :class:`station_emr.sync.exchange_peer.ExchangePeer`. ``random`` names requests."""

    def __init__(self, client: FhirClient, random: Callable[[int], bytes]) -> None:
        self._client = client
        self._random = random
        self.level = _HARDEST
        """How hard the next request is packed; the engine measures the line."""
        self._ready: tuple[ExchangeRequest, _Packed] | None = None

    @property
    def name(self) -> str:
        return self._client.base

    @property
    def traffic(self) -> Traffic:
        return self._client.traffic

    @property
    def clock_skew(self) -> timedelta | None:
        return self._client.clock_skew

    @property
    def software(self) -> str:
        return self._client.facts.software

    @property
    def offered(self) -> bool:
        """Whether the server's statement, as remembered, names the exchange."""
        return self._client.facts.exchange

    def is_fresh(self, now: datetime) -> bool:
        """Whether the statement was read lately enough to go by it."""
        return self._client.facts.exchange and self._client.facts.is_fresh(now)

    def get_ready(self, request: ExchangeRequest) -> None:
        """Pack a request that may go next, while the answer before it is awaited."""
        self._ready = request, self._encoded(request)

    def _encoded(self, request: ExchangeRequest) -> _Packed:
        rid = self._random(8).hex()
        # On a quick line the time to shorten is worth more than the bytes.
        short = self._client.facts.short and self.level >= _WORTH_SHORTENING
        plain = encode_request(request, rid, short=short)
        packing = self._best()
        best = pack(plain, packing, self.level) if packing.dictionary else None
        return _Packed(rid, plain, best, packing)

    def _best(self) -> Packing:
        facts = self._client.facts
        number = 0 if facts.zstd is False else best_of(facts.dictionaries)
        return Packing(dictionary=number) if number else GZIP

    def exchange(self, request: ExchangeRequest) -> ExchangeReply:
        ready, self._ready = self._ready, None
        made = ready[1] if ready and ready[0] is request else self._encoded(request)
        rid = made.rid
        answer = self._post(made)
        if answer.raw is None or answer.status >= 300:
            self._raise_for(answer, len(request.lines))
        try:
            return decode_reply(_unpacked(answer), rid, len(request.lines))
        except Garbled as error:
            raise NetworkFailure(UNREADABLE) from error

    def _post(self, made: _Packed) -> Answer:
        """Packed the best way that this server was not seen to refuse."""
        plain = made.plain
        facts = self._client.facts
        if made.best is not None:
            answer = self._send_packed(made.best, made.packing)
            if answer.status != 415:
                return answer
            self._client.facts = facts = replace(facts, zstd=False)
        answer = self._send(plain, GZIP if facts.gzip is not False else PLAIN)
        if answer.status == 415 and facts.gzip is not False:
            answer = self._send(plain, PLAIN)
            if answer.status != 415:
                self._client.facts = replace(facts, gzip=False)
        return answer

    def _send(self, plain: bytes, packing: Packing) -> Answer:
        return self._send_packed(pack(plain, packing, self.level), packing)

    def _send_packed(self, body: Body, packing: Packing) -> Answer:
        headers = {**body.headers, "Accept": MEDIA_TYPE, "Accept-Encoding": "gzip"}
        if packing.dictionary:
            headers["Accept-Encoding"] = "zstd, gzip"
            headers[DICTIONARY_HEADER] = str(packing.dictionary)
        return self._client.post(_PATH, body.content, headers)

    def _raise_for(self, answer: Answer, lines: int) -> None:
        """Anything but an answer of the exchange ends this run, unless it may be for the lines."""
        kind = kind_of_status(answer.status, answer.body)
        if kind is VerdictKind.ACCEPTED:
            raise NetworkFailure(UNREADABLE)
        if kind is VerdictKind.REFUSED:
            raise Refused(NOT_ALLOWED)
        busy = Busy(COME_BACK, answer.retry_after)
        not_as_said = Refused(f"{NOT_AS_SAID} [{answer.status}]")
        if lines and kind in {VerdictKind.POISON, VerdictKind.RETRY, VerdictKind.PARENT_MISSING}:
            lasting = kind is VerdictKind.POISON
            end = not_as_said if lasting else busy
            raise PageRefused(answer.status, answer.body, lasting=lasting, end=end)
        if kind in {VerdictKind.BUSY, VerdictKind.RETRY, VerdictKind.CONFLICT}:
            raise busy
        # It does not work the way it said, so what is remembered of it is worth nothing.
        self._client.facts = replace(self._client.facts, exchange=False, seen_at=None, zstd=None)
        raise not_as_said


def _unpacked(answer: Answer) -> bytes:
    encoding = answer.headers.get("Content-Encoding", "")
    number = answer.headers.get(DICTIONARY_HEADER, "0")
    if not (number.isascii() and number.isdigit() and len(number) < 4):
        raise Garbled("no number of a dictionary")
    return unpack(answer.raw or b"", encoding, int(number))
