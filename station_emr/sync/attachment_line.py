"""Printed forms over HTTP (docs/sync.md, "Printed forms"): how much is there, a piece, or all at once."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from station_emr.domain.errors import NetworkFailure, StationError

from .client import Answer, FhirClient
from .peer import Busy, Refused, Traffic, VerdictKind
from .verdicts import COME_BACK, NOT_ALLOWED, UNREADABLE, kind_of_status

_FHIR: Final = "application/fhir+json"
_GAP: Final = frozenset({409, 416})
_TALLY: Final = "/Binary/$tally"
NAMED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A file with the name that its bytes give it; ``about`` is the record's own resource."""

    id: str
    content_type: str
    sha256: str
    content: bytes
    about: str


@dataclass(frozen=True, slots=True)
class Got:
    """What the server says it has of a file. ``whole``: with a hash that fits."""

    received: int
    whole: bool


@dataclass(frozen=True, slots=True)
class FormTally:
    """Of the forms that this device brought, in the server's words: how many, and the sum of the first
    eight bytes of their hashes.
    """

    count: int = 0
    total: int = 0

    def plus(self, sha256: str) -> FormTally:
        return FormTally(self.count + 1, (self.total + int(sha256[:16], 16)) % (1 << 64))

    def to_text(self) -> str:
        return f"{self.count} {self.total:016x}"

    @classmethod
    def from_text(cls, text: str) -> FormTally:
        """As it was remembered; of none where nothing was."""
        count, _space, total = text.partition(" ")
        return cls(int(count), int(total, 16)) if total else cls()


class FormRefused(StationError):
    """The server does not take this file; others may pass."""


class FormLine(Protocol):
    """Raises NetworkFailure when no usable answer came, Refused or Busy, FormRefused."""

    @property
    def traffic(self) -> Traffic: ...
    @property
    def largest_piece(self) -> int:
        """Bytes; 0 where the server takes no pieces."""

    @property
    def takes_whole(self) -> bool: ...
    @property
    def stays(self) -> bool:
        """Whether the server is known to take neither."""

    @property
    def compares(self) -> bool:
        """Whether the server says which forms it holds."""

    def tally(self) -> FormTally: ...
    def missing(self, form_ids: Sequence[str]) -> frozenset[str]:
        """Those of at most :data:`NAMED_AT_ONCE` that the server does not hold."""

    def received(self, form_id: str) -> Got: ...
    def piece(self, form: Form, start: int, size: int) -> Got | None:
        """None when the server has less than ``start`` bytes: ask it how much."""

    def whole(self, form: Form) -> None: ...


class FormsOverHttp:
    """See :class:`FormLine`; on the same connection as everything else."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    @property
    def traffic(self) -> Traffic:
        return self._client.traffic

    @property
    def largest_piece(self) -> int:
        return self._client.facts.pieces

    @property
    def takes_whole(self) -> bool:
        return self._client.facts.binaries

    @property
    def stays(self) -> bool:
        facts = self._client.facts
        return facts.seen_at is not None and not (facts.pieces or facts.binaries)

    @property
    def compares(self) -> bool:
        return self._client.facts.tally

    def tally(self) -> FormTally:
        answer = self._client.get(_TALLY)
        self._raise_for(answer)
        return _tally(answer.body)

    def missing(self, form_ids: Sequence[str]) -> frozenset[str]:
        named = [{"name": "id", "valueString": one} for one in form_ids]
        body = msgspec.json.encode({"resourceType": "Parameters", "parameter": named})
        answer = self._client.post(_TALLY, body, {"Content-Type": _FHIR})
        self._raise_for(answer)
        return _missing(answer.body) & frozenset(form_ids)

    def received(self, form_id: str) -> Got:
        answer = self._client.get(f"/Binary/{form_id}/$received")
        self._raise_for(answer)
        return _got(answer.body)

    def piece(self, form: Form, start: int, size: int) -> Got | None:
        part = form.content[start : start + size]
        digest = b64encode(bytes.fromhex(form.sha256)).decode("ascii")
        headers = {
            "Content-Type": form.content_type,
            "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(form.content)}",
            "Repr-Digest": f"sha-256=:{digest}:",
        }
        answer = self._client.put(f"/Binary/{form.id}", part, headers)
        if answer.status in _GAP:
            return None
        self._raise_for(answer)
        return _got(answer.body)

    def whole(self, form: Form) -> None:
        """For a server that knows no pieces: the resource as FHIR has it."""
        resource = {
            "resourceType": "Binary",
            "id": form.id,
            "contentType": form.content_type,
            "securityContext": {"reference": form.about},
            "data": b64encode(form.content).decode("ascii"),
        }
        headers = {"Content-Type": _FHIR, "Prefer": "return=minimal"}
        body = msgspec.json.encode(resource)
        self._raise_for(self._client.put(f"/Binary/{form.id}", body, headers))

    def _raise_for(self, answer: Answer) -> None:
        kind = kind_of_status(answer.status, answer.body)
        if kind is VerdictKind.ACCEPTED:
            return
        if kind is VerdictKind.REFUSED:
            raise Refused(NOT_ALLOWED)
        if kind in {VerdictKind.BUSY, VerdictKind.RETRY}:
            raise Busy(COME_BACK, answer.retry_after)
        raise FormRefused(f"[{answer.status}]")


def _got(body: Any) -> Got:
    """Raises NetworkFailure for anything but the server's own count."""
    try:
        said = {one["name"]: one for one in body["parameter"]}
        received, whole = said["received"]["valueInteger"], said["whole"]["valueBoolean"]
    except (TypeError, KeyError, AttributeError) as error:
        raise NetworkFailure(UNREADABLE) from error
    if type(received) is not int or type(whole) is not bool or received < 0:
        raise NetworkFailure(UNREADABLE)
    return Got(received, whole)


def _tally(body: Any) -> FormTally:
    """Raises NetworkFailure for anything but the server's own count and sum."""
    try:
        said = {one["name"]: one for one in body["parameter"]}
        count, total = said["count"]["valueInteger"], int(said["sum"]["valueString"], 16)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise NetworkFailure(UNREADABLE) from error
    if type(count) is not int or count < 0 or not 0 <= total < 1 << 64:
        raise NetworkFailure(UNREADABLE)
    return FormTally(count, total)


def _missing(body: Any) -> frozenset[str]:
    try:
        said = [one["valueString"] for one in body["parameter"] if one["name"] == "missing"]
    except (TypeError, KeyError, AttributeError) as error:
        raise NetworkFailure(UNREADABLE) from error
    return frozenset(name for name in said if isinstance(name, str))
