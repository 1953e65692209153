"""What a station can learn of another's records: nothing. For every address, a record that another
facility has is answered exactly as one that nobody has: the same status, the same words, the same
statements to the database, so that neither an answer nor its time tells them apart.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import event

from provincial_server import auth, ready
from tests.server.direct import Answer, Direct, running
from tests.server.exchange_client import (
    MEDIA_TYPE,
    encode,
    envelope,
    new_incarnation,
    op_id,
    person,
    record_id,
)
from tests.server.samples import CCCD, bundle, encounter, entry, observation, patient

THEIRS, NOBODYS = "064099100001", "064099100002"
RECORD, MISSING = record_id(), record_id()
NOT_TOLD = {"date", "last-modified", "location", "content-location"}


@pytest.fixture(scope="module")
def direct(tmp_path_factory) -> Iterator[Direct]:
    with running(tmp_path_factory.mktemp("isolation")) as one:
        owner = one.device("OWNER")
        parts = [
            entry(patient(RECORD, cccd=THEIRS)),
            entry(encounter("e1", RECORD)),
            entry(observation("e1-o1", RECORD, "e1")),
        ]
        assert one.call("POST", "/fhir", bundle(*parts), token=owner).status == 200
        for turn in range(3):
            changed = patient(RECORD, cccd=THEIRS, name=f"Lần {turn}")
            assert one.call("PUT", f"/fhir/Patient/{RECORD}", changed, token=owner).status == 200
        yield one


_numbers = iter(range(1000))


@pytest.fixture
def token(direct) -> str:
    """Of another facility, new for each test; its contact has been noted."""
    return known(direct, f"OTHER{next(_numbers):03d}")


def known(direct: Direct, facility: str) -> str:
    token = direct.device(facility)
    assert direct.call("GET", "/fhir/Patient", token=token).status == 200
    return token


class Asked:
    """An answer, and what the database was asked for it."""

    def __init__(self, direct: Direct, token: str, *request: Any, **options: Any) -> None:
        self.statements: list[str] = []
        engine = direct.served.engine

        def note(_connection, _cursor, statement, *_rest):
            # The index and the log of accesses are written at their own time, in their own threads.
            if threading.current_thread().name.startswith("AnyIO"):
                self.statements.append(statement)

        written = ready._text

        def note_ready(*given):  # those that stand ready go past SQLAlchemy
            text, order = written(*given)
            note(None, None, text)
            return text, order

        event.listen(engine, "before_cursor_execute", note)
        try:
            with patch.object(ready, "_text", note_ready):
                self.answer: Answer = direct.call(*request, token=token, **options)
        finally:
            event.remove(engine, "before_cursor_execute", note)

    def told(self, *hidden: str) -> tuple[int, dict[str, str], str]:
        """Everything that the asker sees, without what he sent himself and without the time."""
        text = self.answer.body.decode()
        for word in hidden:
            text = text.replace(word, "*")
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "*", text)
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", text)
        headers = {
            name: value for name, value in self.answer.headers.items() if name not in NOT_TOLD
        }
        return self.answer.status, headers, text


def same(direct: Direct, token: str, build: Any) -> Asked:
    """`build` makes the request of an id and a number; both answers must be the same."""
    theirs = Asked(direct, token, *build(RECORD, THEIRS))
    nobodys = Asked(direct, token, *build(MISSING, NOBODYS))
    hidden = (RECORD, MISSING, THEIRS, NOBODYS)
    assert theirs.told(*hidden) == nobodys.told(*hidden)
    assert theirs.statements == nobodys.statements != []
    assert theirs.answer.status != 403
    return theirs


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Patient/{id}", 404),
        ("/Patient/{id}/_history", 404),
        ("/Patient/{id}/_history/1", 404),
        ("/Patient/{id}/_history/9", 404),
        ("/Patient?_id={id}", 200),
        ("/Patient?identifier={number}", 200),
        (f"/Patient?identifier={CCCD}%7C{{number}}&_summary=count", 200),
        ("/Encounter?patient={id}", 200),
        ("/Encounter?patient.identifier={number}", 200),
        ("/Observation?subject=Patient/{id}&_include=Observation:subject", 200),
        ("/Binary/{id}-b0123456789abcdef", 404),
        ("/Binary/{id}-b0123456789abcdef/$received", 200),
        ("/Binary/$forms?record={id}", 200),
    ],
)
def test_reading_tells_nothing(direct, token, path, status):
    asked = same(
        direct,
        token,
        lambda name, number: ("GET", f"/fhir{path.format(id=name, number=number)}"),
    )
    assert asked.answer.status == status
    if status == 200 and "$received" not in path:
        assert asked.answer.json()["total"] == 0


@pytest.mark.parametrize(
    "headers",
    [{}, {"if-none-match": 'W/"4"'}, {"if-modified-since": "Fri, 31 Dec 2100 23:59:59 GMT"}],
)
def test_a_condition_on_a_read_tells_nothing(direct, token, headers):
    for method in ("GET", "HEAD"):
        asked = same(
            direct,
            token,
            lambda name, _, method=method: (
                method,
                f"/fhir/Patient/{name}",
                b"",
                list(headers.items()),
            ),
        )
        assert asked.answer.status == 404


@pytest.mark.parametrize("version", ['W/"1"', 'W/"4"', "*"])
def test_a_version_cannot_be_guessed_by_writing(direct, token, version):
    def build(name: str, number: str) -> tuple[Any, ...]:
        body = patient(name, cccd=number)
        return "PUT", f"/fhir/Patient/{name}", body, [("if-match", version)]

    assert same(direct, token, build).answer.status == 412


def test_an_id_that_another_has_can_be_used_and_harms_nobody(direct):
    """Two stations, so that the second write does not meet the first."""
    seen = []
    for name, number in ((RECORD, THEIRS), (MISSING, NOBODYS)):
        fresh = known(direct, f"FRESH{number}")
        request = ("PUT", f"/fhir/Patient/{name}", patient(name, cccd=number))
        seen.append(Asked(direct, fresh, *request, headers=[("if-none-match", "*")]))
    hidden = (RECORD, MISSING, THEIRS, NOBODYS)
    assert seen[0].told(*hidden) == seen[1].told(*hidden)
    assert seen[0].answer.status == 201
    owner = direct.device("OWNER")
    body = direct.call("GET", f"/fhir/Patient/{RECORD}", token=owner).json()
    assert (body["name"][0]["text"], body["meta"]["versionId"]) == ("Lần 2", "4")


def test_a_shared_id_lends_nothing_of_the_others_record(direct, token):
    """Both have a person of this id: what only theirs has does not find ours."""
    ours = {"resourceType": "Patient", "id": RECORD, "name": [{"text": "Trần Văn Thử"}]}
    assert direct.call("PUT", f"/fhir/Patient/{RECORD}", ours, token=token).status == 201
    visit = encounter("mine", RECORD)
    assert direct.call("PUT", "/fhir/Encounter/mine", visit, token=token).status == 201
    for query, total in (
        (f"Patient?identifier={THEIRS}", 0),
        (f"Encounter?patient.identifier={THEIRS}", 0),
        ("Patient?name=L%E1%BA%A7n", 0),
        ("Encounter?patient.name=lan", 0),
        ("Encounter?patient.name=thu", 1),
        (f"Patient/{RECORD}/_history", 1),
        ("Observation?patient=" + RECORD, 0),
    ):
        found = direct.call("GET", f"/fhir/{query}", token=token)
        assert found.json()["total"] == total, query
        assert "Lần" not in found.body.decode()


def test_a_conditional_write_finds_only_ones_own(direct):
    seen = []
    for number in (THEIRS, NOBODYS):
        fresh = known(direct, f"COND{number}")
        body = {key: item for key, item in patient("x", cccd=number).items() if key != "id"}
        condition = f"identifier={CCCD}|{number}"
        created = Asked(
            direct, fresh, "POST", "/fhir/Patient", body, [("if-none-exist", condition)]
        )
        updated = Asked(
            direct, fresh, "PUT", f"/fhir/Patient?identifier={CCCD}%7C{number}", {**body}
        )
        seen.append((created, updated))
    for theirs, nobodys in zip(*seen, strict=True):
        assert theirs.told(THEIRS, NOBODYS) == nobodys.told(THEIRS, NOBODYS)
    assert [asked.answer.status for asked in seen[0]] == [201, 200]


def test_a_reference_tells_nothing(direct, token):
    def single(name: str, _: str) -> tuple[Any, ...]:
        return "PUT", "/fhir/Encounter/mine", encounter("mine", name)

    def whole(name: str, _: str) -> tuple[Any, ...]:
        return "POST", "/fhir", bundle(entry(encounter("mine", name)))

    def batch(name: str, _: str) -> tuple[Any, ...]:
        return "POST", "/fhir", bundle(entry(encounter("mine", name)), kind="batch")

    assert same(direct, token, single).answer.status == 422
    assert same(direct, token, whole).answer.status == 422
    reply = same(direct, token, batch).answer.json()["entry"][0]["response"]
    assert reply["status"] == "422"


def test_an_exchange_tells_nothing(direct):
    owner = direct.device("OWNER")
    kept = record_id()
    line = person(kept)
    assert exchange(direct, owner, line)["taken"] == [[0, 0]]
    answers = []
    for base, name in ((op_id(line), kept), (op_id(b"nobody's"), record_id())):
        fresh = known(direct, f"EX{base[:6]}")
        parent = encode(envelope("encounter", record_id(), encounter(record_id(), name)))
        said = exchange(direct, fresh, person(name, base=[base]), parent)
        del said["epoch"], said["rid"]
        answers.append(said)
    assert answers[0] == answers[1]
    assert {item["kind"] for item in answers[0]["refused"]} <= {"base", "parent", "poison"}
    assert len(answers[0]["refused"]) == 2
    assert (answers[0]["cursor"], answers[0]["count"]) == (0, 0)


def exchange(direct: Direct, token: str, *lines: bytes) -> dict[str, Any]:
    head = {"v": 1, "inc": new_incarnation(), "n": 10**9, "rid": "r", "cursor": 0, "epoch": ""}
    first = json.dumps({**head, "room": 90_000}).encode()
    answer = direct.call(
        "POST",
        "/fhir/$exchange",
        b"\n".join([first, *lines]),
        [("content-type", MEDIA_TYPE)],
        token=token,
    )
    assert answer.status == 200, answer.body
    return json.loads(answer.body.split(b"\n")[0])  # type: ignore[no-any-return]


def test_nothing_can_be_enumerated(direct, token):
    """Histories, searches of every type and guessed cursors show a new station nothing at all."""
    statement = direct.call("GET", "/fhir/metadata").json()
    types = [item["type"] for item in statement["rest"][0]["resource"]]
    paths = ["/_history", "/_history?_cursor=1", "/_history?_cursor=999999999"]
    paths += [f"/{name}/_history" for name in types]
    paths += [f"/{name}" for name in types]
    paths += [f"/{name}?_cursor=1~{RECORD[:-1]}0" for name in types]
    for path in paths:
        found = direct.call("GET", f"/fhir{path}", token=token).json()
        assert found.get("total", 0) == 0, path
        assert "entry" not in found, path
        assert [link["relation"] for link in found["link"]] == ["self"], path


def test_a_revoked_device_is_out_at_every_address_with_the_next_request(direct, token):
    addresses = [
        ("GET", "/fhir/Patient"),
        ("GET", f"/fhir/Patient/{RECORD}"),
        ("GET", "/fhir/_history"),
        ("POST", "/fhir/Patient/_search"),
        ("POST", "/fhir"),
        ("POST", "/fhir/Patient"),
        ("PUT", "/fhir/Patient/p1"),
        ("PUT", "/fhir/Patient"),
        ("GET", f"/fhir/Binary/{RECORD}-b0123456789abcdef"),
        ("PUT", f"/fhir/Binary/{RECORD}-b0123456789abcdef"),
        ("GET", "/fhir/Binary/$forms"),
    ]
    exchange(direct, token)
    for method, path in addresses:
        assert direct.call(method, path, b"{}", token=token).status != 401, path
    with direct.database.write() as session:
        device = auth.authenticate(session, token, 0)
        auth.revoke_device(session, device.device_id, 1)
    for method, path in addresses:
        answer = direct.call(method, path, b"{}", token=token)
        assert (answer.status, answer.outcome["code"]) == (401, "login"), path
    headers = [("content-type", MEDIA_TYPE)]
    assert direct.call("POST", "/fhir/$exchange", b"{}", headers, token=token).status == 401
