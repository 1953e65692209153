"""While PostgreSQL cannot be reached everybody is asked to come again: programs as FHIR says it, people
on a page in their language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import databases
from tests.server.direct import Direct, running
from tests.server.exchange_client import MEDIA_TYPE
from tests.server.samples import bundle, entry, patient

DATABASES = [databases.POSTGRESQL]
FORM = "application/x-www-form-urlencoded"


@contextmanager
def away(name: str) -> Iterator[None]:
    """The database takes nobody in, and whoever is there is gone."""
    with databases.cluster().administrator() as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )
        yield
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    """A server of its own, whose threads complain of it."""
    with running(tmp_path_factory.mktemp("away")) as found:
        yield found


def test_programs_are_asked_to_come_again(direct: Direct) -> None:
    token = direct.device("AWAY1")
    one = patient("p1")
    assert direct.call("PUT", "/fhir/Patient/p1", one, token=token).status == 201
    sent = bundle(entry(patient("p2"), method="PUT", url="Patient/p2"))
    header = b'{"v":1,"rid":"r","inc":"00000000000000aa","n":1,"cursor":0,"room":9,"size":0}\n'
    name = direct.database.engine.url.database or ""
    with away(name):
        for method, path, body in (
            *(
                ("GET", "/ready", b""),
                ("GET", "/fhir/Patient/p1", b""),
                ("GET", "/fhir/Patient", b""),
            ),
            *(("PUT", "/fhir/Patient/p1", one), ("POST", "/fhir", sent)),
            ("GET", "/fhir/$catalogs", b""),
        ):
            answer = direct.call(method, path, body, token=token)
            assert (answer.status, answer.outcome["code"]) == (503, "transient"), (method, path)
            assert int(answer.headers["retry-after"]) > 0
        kind = [("content-type", MEDIA_TYPE)]
        answer = direct.call("POST", "/fhir/$exchange", header, kind, token=token)
        assert (answer.status, answer.outcome["code"]) == (503, "transient")
        assert direct.call("GET", "/health").status == 200
    assert direct.call("GET", "/fhir/Patient/p1", token=token).status == 200


def test_people_are_asked_to_come_again(direct: Direct) -> None:
    cookies = [("cookie", "web_session=abc; web_form=" + "w" * 30)]
    form = b"csrf=" + b"w" * 30 + b"&username=mau.mau&password=x"
    with away(direct.database.engine.url.database or ""):
        for method, path, body in (
            *(("GET", "/web/inbox", b""), ("GET", "/web/nowhere", b"")),
            *(("POST", "/web/login", form), ("GET", "/web/tong-quan/xuat.xlsx", b"")),
        ):
            answer = direct.call(method, path, body, [*cookies, ("content-type", FORM)])
            assert answer.status == (404 if path == "/web/nowhere" else 503)
            assert answer.headers["content-type"].startswith("text/html")
            assert 'lang="vi"' in answer.body.decode()
            if answer.status == 503:
                assert "Máy chủ đang bận" in answer.body.decode()
                assert int(answer.headers["retry-after"]) > 0


def test_a_fault_of_ours_is_told_to_people_on_a_page(
    direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("provincial_server.web.accounts.find_session", broken)
    for path, media in (("/web/inbox", "text/html"), ("/webinbox", "application/fhir+json")):
        answer = direct.call("GET", path, headers=[("cookie", "web_session=abc")])
        assert answer.status == (500 if path == "/web/inbox" else 404)
        assert answer.headers["content-type"].startswith(media)
        assert "on purpose" not in answer.body.decode()


def test_what_is_refused_before_it_is_read_is_told_on_a_page_too(direct: Direct) -> None:
    twice = [("content-type", FORM), ("content-type", "text/plain")]
    answer = direct.call("POST", "/web/login", b"x", twice)
    assert answer.status == 400
    assert "Chưa làm được" in answer.body.decode()
