"""What a token endpoint, or a box on the way to it, may answer to a device that shows its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from station_emr.domain.errors import NetworkFailure
from station_emr.sync.peer import Busy, Refused
from station_emr.sync.tokens import NO_TOKEN, NOT_UNDERSTOOD, REVOKED, KeyTokens

NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@dataclass
class _Answer:
    status: int
    body: Any = None
    retry_after: float | None = None


class _Line:
    base = "http://127.0.0.1/fhir"

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer

    def corrected_now(self) -> datetime:
        return NOW

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        del method, url, body, headers
        return self._answer


class _Key:
    def sign(self, claims: Mapping[str, Any]) -> str:
        return str(len(claims))


def _asked(status: int, body: Any = None) -> str:
    line = _Line(_Answer(status, body))
    return KeyTokens("device", _Key(), "http://127.0.0.1/token").current(line)


def test_a_token_is_taken() -> None:
    assert _asked(200, {"access_token": "made-up", "expires_in": 300}) == "made-up"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 418])
def test_a_refusal_that_names_no_error_is_not_the_provinces(status: int) -> None:
    """A proxy that wants a password says nothing of the key of this machine."""
    with pytest.raises(NetworkFailure, match=NO_TOKEN):
        _asked(status)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_of_the_province_names_one(status: int) -> None:
    with pytest.raises(Refused, match=REVOKED):
        _asked(status, {"error": "invalid_client"})
    with pytest.raises(Refused, match=NOT_UNDERSTOOD):
        _asked(status, {"error": "invalid_request"})


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_one_is_asked_later(status: int) -> None:
    with pytest.raises(Busy):
        _asked(status)
