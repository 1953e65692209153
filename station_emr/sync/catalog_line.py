"""The province's lists over HTTP (docs/catalogs.md): what is offered, and a version piece by piece."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.catalog_pack import CatalogPack
from station_emr.domain.errors import NetworkFailure

from .client import Answer, FhirClient
from .courier_file import verifies
from .peer import Busy, Refused, Traffic, VerdictKind
from .province_key import ProvinceKey
from .verdicts import COME_BACK, NOT_ALLOWED, UNREADABLE, kind_of_status

MEDIA_TYPE: Final = "application/vnd.station-emr.catalog"
SIGNED_PACK: Final = b"station-emr catalog pack\x00"
SIGNED_NOTICE: Final = b"station-emr program notice\x00"
LARGEST_CONTENT: Final = 64 * 1024 * 1024
_FORMAT: Final = 1
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_KINDS: Final = {kind.value for kind in CatalogKind}


class NotSigned(Exception):
    """Words that the province did not sign, or that say nothing a station can use."""


@dataclass(frozen=True, slots=True)
class SignedWords:
    """``manifest`` is the very text that was signed."""

    manifest: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """``tag`` names this state of the offer; ``key`` is the province's, where it was replaced."""

    tag: str
    packs: tuple[SignedWords, ...]
    program: SignedWords | None
    key: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """``total`` bytes there are of what ``tag`` names: the difference to ``base``, or all (0)."""

    content: bytes
    start: int
    total: int
    tag: str
    base: int


class CatalogLine(Protocol):
    """Raises NetworkFailure when no usable answer came, Refused or Busy."""

    @property
    def traffic(self) -> Traffic: ...
    def offer(self, known: str) -> Offer | None:
        """None when nothing changed since ``known``, and where the server offers no lists."""

    def piece(self, pack: CatalogPack, base: int, start: int, size: int) -> Piece | None:
        """None when the server has no such bytes: the version is to be fetched from the start."""


class CatalogsOverHttp:
    """See :class:`CatalogLine`; on the same connection as everything else."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    @property
    def traffic(self) -> Traffic:
        return self._client.traffic

    def offer(self, known: str) -> Offer | None:
        answer = self._client.get("/$catalogs", **({"known": known} if known else {}))
        if answer.status in {204, 400, 404, 405, 501}:
            return None
        _raise_for(answer)
        try:
            said: dict[str, Any] = answer.body
            program = said.get("program")
            return Offer(
                answer.etag.strip('"'),
                tuple(_words(one) for one in said["catalogs"]),
                _words(program) if program is not None else None,
                said.get("key"),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NetworkFailure(UNREADABLE) from error

    def piece(self, pack: CatalogPack, base: int, start: int, size: int) -> Piece | None:
        path = f"/$catalogs/{pack.kind.value}/{pack.number}"
        headers = {"Range": f"bytes={start}-{start + size - 1}"}
        answer = self._client.fetch(path, MEDIA_TYPE, headers, **{"from": str(base)})
        if answer.status in {404, 410, 416}:
            return None
        _raise_for(answer)
        if answer.raw is None:
            raise NetworkFailure(UNREADABLE)
        return _piece(answer, answer.raw)


def _piece(answer: Answer, content: bytes) -> Piece:
    base = str(answer.headers.get("X-Catalog-From", "0"))
    tag = str(answer.headers.get("ETag", "")).strip('"')
    found = _RANGE.fullmatch(str(answer.headers.get("Content-Range", "")))
    if not base.isdecimal() or len(base) > 9 or not tag:
        raise NetworkFailure(UNREADABLE)
    if answer.status != 206:
        return Piece(content, 0, len(content), tag, int(base))
    if found is None or int(found[2]) - int(found[1]) + 1 != len(content):
        raise NetworkFailure(UNREADABLE)
    return Piece(content, int(found[1]), int(found[3]), tag, int(base))


def _words(said: Any) -> SignedWords:
    manifest, signature = said["manifest"], said["signature"]
    if not isinstance(manifest, str) or not isinstance(signature, str):
        raise TypeError("not a signed text")
    return SignedWords(manifest, b64decode(signature, validate=True))


def _raise_for(answer: Answer) -> None:
    kind = kind_of_status(answer.status, answer.body)
    if kind is VerdictKind.ACCEPTED:
        return
    if kind is VerdictKind.REFUSED:
        raise Refused(NOT_ALLOWED)
    raise Busy(COME_BACK, answer.retry_after)


def read_pack(words: SignedWords, key: ProvinceKey) -> CatalogPack | None:
    """None for a list that this program does not know. Raises NotSigned."""
    said = _signed(words, key, SIGNED_PACK)
    try:
        if said["name"] not in _KINDS:
            return None
        pack = CatalogPack(
            kind=CatalogKind(said["name"]),
            number=_count(said["number"], 1_000_000),
            version=_text(said["version"], 40),
            effective=date.fromisoformat(said["effective"]),
            sha256=_text(said["sha256"], 64),
            size=_count(said["size"], LARGEST_CONTENT),
            rows=_count(said["rows"], LARGEST_CONTENT),
            source=str(said.get("source") or "")[:120],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotSigned from error
    return pack


def check_notice(words: SignedWords, key: ProvinceKey) -> str:
    """The words of an announcement. Raises NotSigned."""
    _signed(words, key, SIGNED_NOTICE)
    return words.manifest


def _signed(words: SignedWords, key: ProvinceKey, kind: bytes) -> dict[str, Any]:
    if len(words.signature) != 96 or not verifies(
        key.sign, words.signature, kind + words.manifest.encode("utf-8", "surrogatepass")
    ):
        raise NotSigned
    try:
        said = json.loads(words.manifest)
    except (ValueError, RecursionError) as error:
        raise NotSigned from error
    if not isinstance(said, dict) or said.get("format") != _FORMAT:
        raise NotSigned
    return said


def _count(value: Any, most: int) -> int:
    if type(value) is not int or not 0 < value <= most:
        raise ValueError("not a count")
    return value


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError("not a text")
    return value
