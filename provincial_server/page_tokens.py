"""The next page of a search whose conditions came in a form: they hold names and numbers of cards,
and what stands in an address is kept in logs of proxies. So the link carries them sealed: nobody reads
them, nobody changes them, and a link that is found a day later opens nothing.

Nothing is remembered between two pages. The key lies in the database, as the province's other keys do,
so that every process of the server opens what another has sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from provincial_server.database import Database
from provincial_server.faults import FhirFault, refuse
from provincial_server.negotiation import GENERAL, Pairs
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY, ServerFact, lock_facts

PARAMETER = "_page"
_KEY = "page_key"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_VALID = 24 * 3_600_000
_ROOM = 300
"""Letters of the longest address that are not the token's."""


class PageTokens:
    """Of one application."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._clock = settings.clock
        self._most = settings.limits.address_letters - _ROOM
        self._cipher: AESGCM | None = None

    def seal(self, facility_code: str, resource_type: str, asked: Pairs) -> str:
        """The parameter that stands for all of these. 413 where no address could hold it."""
        content = json.dumps([self._clock() + _VALID, asked], ensure_ascii=False)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        packed = zlib.compress(content.encode(), 9)
        sealed = self._key().encrypt(nonce, packed, _bound_to(facility_code, resource_type))
        token = base64.urlsafe_b64encode(nonce + sealed).decode("ascii").rstrip("=")
        if len(token) > self._most:
            problem = "the search is too long for a second page; ask for fewer values at once"
            raise refuse(413, "too-long", problem, "http.body")
        return f"{PARAMETER}={token}"

    def open(self, facility_code: str, resource_type: str, asked: Pairs) -> Pairs:
        """What was sealed, with the general parameters beside it; 400 for anything else."""
        tokens = [value for name, value in asked if name == PARAMETER]
        beside = [(name, value) for name, value in asked if name in GENERAL]
        if len(tokens) != 1 or len(asked) != 1 + len(beside):
            raise _refused("stands alone: the link holds the whole search")
        try:
            padded = tokens[0] + "=" * (-len(tokens[0]) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
            nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            packed = self._key().decrypt(nonce, sealed, _bound_to(facility_code, resource_type))
        except (InvalidTag, ValueError, binascii.Error):
            raise _refused("is not from a next link of this server") from None
        until, fields = json.loads(zlib.decompress(packed))
        if until < self._clock():
            raise _refused("has run out", "Trang kết quả này đã hết hạn. Hãy tìm lại từ đầu.")
        known = [(name, value) for name, value in fields if name not in GENERAL]
        return known + (beside or [(name, value) for name, value in fields if name in GENERAL])

    def _key(self) -> AESGCM:
        if self._cipher is None:
            with self._database.read(EVERY_FACILITY) as session:
                fact = session.get(ServerFact, _KEY)
                text = fact.value if fact else None
            self._cipher = AESGCM(bytes.fromhex(text or self._make_key()))
        return self._cipher

    def _make_key(self) -> str:
        with self._database.write(EVERY_FACILITY) as session:
            lock_facts(session)  # the first two who need it must not each make one
            fact = session.get(ServerFact, _KEY)
            if fact is None:
                fact = ServerFact(name=_KEY, value=secrets.token_hex(_KEY_BYTES))
                session.add(fact)
            return fact.value


def _bound_to(facility_code: str, resource_type: str) -> bytes:
    return f"search-page\x00{facility_code}\x00{resource_type}".encode()


def _refused(problem: str, text: str | None = None) -> FhirFault:
    problem = f"search parameter {PARAMETER} {problem}"
    return refuse(400, "value", problem, f"http.{PARAMETER}", text)
