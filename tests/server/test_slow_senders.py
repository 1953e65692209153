"""A device that is revoked while its request is still coming writes and learns nothing with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.requests import Request

from provincial_server.store import AccessToken, Device, ResourceVersion
from tests import databases
from tests.server.direct import Direct, running
from tests.server.exchange_client import MEDIA_TYPE
from tests.server.samples import bundle, entry, patient

DATABASES = databases.BOTH
SENT = bundle(entry(patient("p1"), method="PUT", url="Patient/p1"))
GREETING = b'{"v":1,"rid":"r","inc":"00000000000000aa","n":1,"cursor":0,"room":9,"size":0}\n'
REQUESTS = [
    ("PUT", "/fhir/Patient/p1", patient("p1"), "application/fhir+json"),
    ("POST", "/fhir/Patient", {"resourceType": "Patient"}, "application/fhir+json"),
    ("POST", "/fhir", SENT, "application/fhir+json"),
    ("POST", "/fhir/$exchange", GREETING, MEDIA_TYPE),
    ("POST", "/fhir/Patient/_search", b"_count=1", "application/x-www-form-urlencoded"),
]


@pytest.fixture
def direct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Direct]:
    """To this server everybody is slow."""
    monkeypatch.setattr("provincial_server.context._SLOW_SECONDS", -1.0)
    with running(tmp_path) as found:
        yield found


def _meanwhile(direct: Direct, monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    """The change is made after the request was let in and before its body is whole."""
    stream = Request.stream

    async def slow(request: Request) -> AsyncIterator[bytes]:
        with direct.database.write() as session:
            session.execute(change)  # type: ignore[call-overload]
        async for chunk in stream(request):
            yield chunk

    monkeypatch.setattr(Request, "stream", slow)


@pytest.mark.parametrize(("method", "path", "body", "media"), REQUESTS)
def test_a_revocation_bites_before_the_body_is_whole(
    direct: Direct,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: object,
    media: str,
) -> None:
    token = direct.device("SLOW1")
    _meanwhile(direct, monkeypatch, update(Device).values(revoked_at=1))
    answer = direct.call(method, path, body, [("content-type", media)], token=token)
    assert (answer.status, answer.outcome["code"]) == (401, "login")
    with direct.database.read() as session:
        assert session.scalars(select(ResourceVersion.resource_id)).all() == []


def test_a_token_that_runs_out_during_a_long_upload_is_good_to_its_end(
    direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = direct.device("SLOW1")
    _meanwhile(direct, monkeypatch, update(AccessToken).values(expires_at=1))
    assert direct.call("PUT", "/fhir/Patient/p1", patient("p1"), token=token).status == 201
