"""One line in the access log for every request that saw or changed records, or was refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from provincial_server import audit, auth
from provincial_server.audit import Access, AccessBuffer
from provincial_server.database import Database
from provincial_server.settings import Rate, Rates
from provincial_server.web.access_log import PROVINCE, AccessEntry
from tests.server.direct import Direct, running
from tests.server.exchange_client import new_incarnation, person, record_id
from tests.server.samples import CCCD, bundle, encounter, entry, patient


@pytest.fixture
def direct(tmp_path) -> Iterator[Direct]:
    with running(tmp_path) as one:
        yield one


def lines(direct: Direct, facility: str | None = None) -> list[AccessEntry]:
    """What the log holds once the last second's lines are written."""
    buffer_of(direct).flush()
    with direct.database.read() as session:
        query = select(AccessEntry).order_by(AccessEntry.facility_code, AccessEntry.sequence)
        if facility is not None:
            query = query.where(AccessEntry.facility_code == facility)
        return list(session.scalars(query))


def buffer_of(direct: Direct) -> AccessBuffer:
    for layer in direct.app.user_middleware:
        if layer.cls is audit.Audited:
            return layer.kwargs["buffer"]
    raise AssertionError


def shown(entry: AccessEntry) -> tuple[str, str, str, str]:
    return entry.action, entry.object_type, entry.object_id, entry.result


def test_every_request_of_a_device_leaves_one_line(direct):
    token = direct.device("A")
    for method, path, body in (
        ("PUT", "/Patient/p1", patient("p1", cccd="064099100001")),
        ("GET", "/Patient/p1", b""),
        ("HEAD", "/Patient/p1", b""),
        ("GET", "/Patient/p1/_history/1", b""),
        ("GET", "/Patient/p1/_history", b""),
        ("GET", "/Patient/_history", b""),
        ("GET", "/_history", b""),
        ("GET", f"/Patient?identifier={CCCD}%7C064099100001", b""),
        ("GET", "/Patient/nobody", b""),
        ("POST", "", bundle(entry(patient("p2")), entry(encounter("e1", "x")), kind="batch")),
        ("POST", "/Patient", {"resourceType": "Patient", "gender": "x"}),
        ("GET", "/Binary/$forms?record=0197a000-0000-7000-8000-000000000001", b""),
        ("DELETE", "/Patient/p1", b""),
    ):
        direct.call(method, f"/fhir{path}", body, token=token)
    assert [shown(line) for line in lines(direct, "A")] == [
        ("update", "Patient", "p1", "ok"),
        ("read", "Patient", "p1", "ok"),
        ("read", "Patient", "p1", "ok"),
        ("vread", "Patient", "p1", "ok"),
        ("history", "Patient", "p1", "ok given=1"),
        ("history", "Patient", "", "ok given=1"),
        ("history", "/fhir/_history", "", "ok given=1"),
        ("search", "Patient", "", "ok given=1"),
        ("read", "Patient", "nobody", "refused 404"),
        ("bundle", "/fhir", "", "ok taken=1 refused=1"),
        ("create", "Patient", "", "refused 422"),
        ("search", "Binary", "", "ok"),
        ("delete", "Patient", "p1", "refused 405"),
    ]
    found = lines(direct, "A")
    assert [line.sequence for line in found] == list(range(1, 14))
    assert {(line.actor_kind, line.purpose) for line in found} == {("device", "đồng bộ")}
    everything = " ".join(str(vars(line)) for line in found)
    for secret in ("064099100001", "Nguyễn", token):
        assert secret not in everything


def test_an_exchange_is_one_line_with_counts(direct):
    def exchange(token: str, *sent: bytes) -> None:
        head = {"v": 1, "inc": new_incarnation(), "n": 9, "rid": "r1", "cursor": 0, "epoch": ""}
        first = json.dumps({**head, "room": 9000}).encode()
        headers = [("content-type", "application/vnd.station-emr.exchange")]
        body = b"\n".join([first, *sent])
        answer = direct.call("POST", "/fhir/$exchange", body, headers, token=token)
        assert answer.status == 200, answer.body

    exchange(direct.device("A"), person(record_id()), person(record_id()), b"{}")
    exchange(direct.device("A", "Máy 2"))
    assert [shown(line) for line in lines(direct, "A")] == [
        ("exchange", "/fhir/$exchange", "", "ok taken=2 new=2 refused=1 given=0"),
        ("exchange", "/fhir/$exchange", "", "ok taken=0 new=0 refused=0 given=2"),
    ]


def test_whoever_is_refused_at_the_door_leaves_a_line_too(direct):
    token = direct.device("A")
    with direct.database.write() as session:
        device = auth.authenticate(session, token, 0)
        auth.revoke_device(session, device.device_id, 1)
    direct.call("GET", "/fhir/Patient/p1", token=token)
    direct.call("POST", "/enrol", {"code": "X", "device_name": "Y"})
    direct.call("GET", "/overview", token="wrong")
    assert [(line.actor_kind, line.actor_id, *shown(line)) for line in lines(direct)] == [
        ("address", "127.0.0.1", "enrol", "/enrol", "", "refused 403"),
        ("address", "127.0.0.1", "overview", "/overview", "", "refused 401"),
        ("device", device.device_id, "read", "Patient", "p1", "refused 401"),
    ]


def test_who_tries_a_method_that_nobody_offers_is_noted(direct):
    token = direct.device("A")
    secret = "NGUYEN-064099100001"  # a word that only a hostile client would send
    for method, path, given in (
        ("DELETE", "/fhir/Patient/p1", token),
        ("PATCH", "/fhir/Patient/p1", token),
        ("PUT", "/people/access-log", token),
        (secret, "/fhir/Patient", token),
        ("DELETE", "/fhir/Patient/p1", ""),
        ("DELETE", "/fhir/Patient/p1", "wrong"),
        ("DELETE", "/fhir/metadata", ""),
    ):
        answer = direct.call(method, path, token=given)
        assert answer.status == 405, path
        assert answer.headers["allow"]
    assert [(line.actor_kind, *shown(line)) for line in lines(direct, "A")] == [
        ("device", "delete", "Patient", "p1", "refused 405"),
        ("device", "patch", "Patient", "p1", "refused 405"),
        ("device", "put", "/people/access-log", "", "refused 405"),
        ("device", "?", "Patient", "", "refused 405"),
    ]
    strangers = lines(direct, PROVINCE)
    assert [(line.actor_kind, line.actor_id, *shown(line)) for line in strangers] == [
        ("address", "127.0.0.1", "delete", "Patient", "p1", "refused 405"),
        ("address", "127.0.0.1", "delete", "Patient", "p1", "refused 405"),
    ]


LONG = "name=" + "Nguyen" * 2000
TWICE = [("Content-Type", "application/fhir+json"), ("Content-Type", "text/plain")]


def test_what_is_refused_before_it_is_read_leaves_a_line_without_what_was_asked(direct):
    token = direct.device("A")
    asked = [
        ("GET", f"/fhir/Patient?{LONG}", (), 414),
        ("GET", f"/fhir/Patient/{'Nguyen' * 2000}", (), 414),
        ("GET", f"/fhir/Patient/p1/_history/1?{LONG}", (), 414),
        ("GET", f"/nowhere/at/all/of/it?{LONG}", (), 414),
        ("POST", "/fhir/$exchange", TWICE, 400),
    ]
    for method, path, headers, status in asked:
        assert direct.call(method, path, headers=headers, token=token).status == status
    assert [(line.actor_kind, *shown(line)) for line in lines(direct, "A")] == [
        ("device", "search", "Patient", "", "refused 414"),
        ("device", "read", "Patient", "?", "refused 414"),
        ("device", "vread", "Patient", "p1", "refused 414"),
        ("device", "get", "?", "", "refused 414"),
        ("device", "exchange", "/fhir/$exchange", "", "refused 400"),
    ]


def test_a_stranger_who_is_refused_unread_is_one_line_in_a_second(direct):
    token = direct.device("A")
    for _ in range(3):
        direct.call("GET", f"/fhir/Patient?{LONG}")
    direct.call("GET", f"/web/inbox?{LONG}")
    both = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer other")]
    assert direct.call("GET", "/fhir/Patient/p1", headers=both).status == 400
    found = [(line.actor_kind, line.actor_id, *shown(line)) for line in lines(direct)]
    assert sorted(found) == [
        ("address", "127.0.0.1", "list", "/web/inbox", "", "refused 414"),
        ("address", "127.0.0.1", "read", "Patient", "p1", "refused 400"),
        ("address", "127.0.0.1", "search", "Patient", "", "refused 414 times=3"),
    ]


def test_a_long_address_counts_as_asking(tmp_path):
    rates = Rates(device=Rate(0.001, 2))
    with running(tmp_path, rates=rates, rates_on_loopback=True) as direct:
        token = direct.device("A")
        tried = [direct.call("GET", f"/fhir/Patient?{LONG}", token=token) for _ in range(4)]
        assert [answer.status for answer in tried] == [414, 414, 429, 429]
        assert [line.result for line in lines(direct, "A")][-1] == "refused 429"


def test_trying_other_methods_counts_as_asking(tmp_path):
    rates = Rates(device=Rate(0.001, 2))
    with running(tmp_path, rates=rates, rates_on_loopback=True) as direct:
        token = direct.device("A")
        tried = [direct.call("DELETE", "/fhir/Patient/p1", token=token) for _ in range(4)]
        assert [answer.status for answer in tried] == [405, 405, 429, 429]
        assert [line.result for line in lines(direct, "A")][-1] == "refused 429"


def test_every_address_that_asks_for_a_token_has_a_word_of_its_own(direct):
    silent = {"/health", "/ready", "/openapi.json", "/courier-key", "/fhir/metadata"}
    unnamed = {
        (method, route.path)
        for route in direct.app.routes
        if isinstance(route, APIRoute) and not route.path.startswith("/web")
        for method in route.methods - {"HEAD"}
        if (method, route.path) not in audit._ACTIONS
        and route.path not in silent
        and ".well-known" not in route.path
    }
    assert unnamed == set()


def test_the_administrators_acts_and_enrolments_are_noted(direct):
    with direct.database.write() as session:
        admin = auth.new_admin_token(session)
        auth.add_facility(session, "A", "Trạm mẫu A", 0)
        code = auth.new_enrolment_code(session, "A", 0, 24 * 365 * 100)
    assert direct.call("GET", "/overview", token=admin).status == 200
    enrolled = direct.call("POST", "/enrol", {"code": code, "device_name": "Máy 1"})
    assert enrolled.status == 201
    assert [(line.facility_code, line.actor_kind, *shown(line)) for line in lines(direct)] == [
        ("-", "administrator", "overview", "/overview", "", "ok"),
        ("A", "device", "enrol", "/enrol", "", "ok"),
    ]
    assert lines(direct, "A")[0].actor_id == enrolled.json()["device_id"]


def test_what_concerns_nobody_leaves_nothing(direct):
    for path in ("/fhir/metadata", "/health", "/ready", "/courier-key", "/nowhere", "/web/login"):
        direct.call("GET", path)
    direct.call("OPTIONS", "/fhir/Patient")
    assert lines(direct) == []


def test_stopping_writes_what_waits(tmp_path):
    with running(tmp_path) as direct:
        token = direct.device("A")
        direct.call("GET", "/fhir/Patient", token=token)
        url = direct.database.engine.url
    database = Database(url.render_as_string(hide_password=False))
    with database.read("A") as session:
        assert len(list(session.scalars(select(AccessEntry)))) == 1
    database.close()


def test_the_log_cannot_be_changed(direct):
    direct.call("GET", "/fhir/Patient", token=direct.device("A"))
    assert len(lines(direct)) == 1
    for statement in ("DELETE FROM access_entry", "UPDATE access_entry SET result = 'x'"):
        with (
            pytest.raises(Exception, match=r"append-only|permission denied"),
            direct.database.write() as session,
        ):
            session.execute(text(statement))


def test_nothing_more_is_shown_than_can_be_noted(direct, monkeypatch):
    """A full disk: the lines are kept, and before they are lost the server refuses."""
    token = direct.device("A")
    monkeypatch.setattr(audit, "_MOST_WAITING", 2)

    def broken(*_):
        raise OperationalError("x", None, Exception())

    real = audit.write
    monkeypatch.setattr(audit, "write", broken)
    seen = [direct.call("GET", "/fhir/Patient", token=token) for _ in range(4)]
    assert [answer.status for answer in seen] == [200, 200, 503, 503]
    assert seen[-1].outcome["code"] == "transient"
    monkeypatch.setattr(audit, "write", real)
    assert len(lines(direct, "A")) == 2
    assert direct.call("GET", "/fhir/Patient", token=token).status == 200


def test_numbers_have_no_gap_when_many_write_at_once(direct):
    def access(code: str) -> Access:
        return Access(code, 1, "device", "d", "read", "Patient", "p", "đồng bộ", "ok")

    buffers = [AccessBuffer(direct.database) for _ in range(4)]

    def work(buffer: AccessBuffer) -> None:
        for turn in range(10):
            for number in range(5):
                buffer.add(access("AB"[(turn + number) % 2]))
            buffer.flush()

    threads = [threading.Thread(target=work, args=(buffer,)) for buffer in buffers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines(direct)
    assert len(found) == 200
    for code in "AB":
        numbers = [line.sequence for line in found if line.facility_code == code]
        assert numbers == list(range(1, 101))
