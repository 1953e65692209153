"""Printed forms over HTTP (docs/sync.md, "Printed forms"): how much is there, a piece, or all at once."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from station_emr.domain.errors import NetworkFailure, StationError

from .client import Answer, FhirClient
from .peer import Busy, Refused, Traffic, VerdictKind
from .verdicts import COME_BACK, NOT_ALLOWED, UNREADABLE, kind_of_status

_FHIR: Final = "application/fhir+json"
_GAP: Final = frozenset({409, 416})


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
