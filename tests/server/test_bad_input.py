"""Hostile bodies, headers and tokens at every address that takes one: refused with an explanation,
nothing stored, and the next honest request is served as if nothing had happened.
"""

from __future__ import annotations

import copy
import functools
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import zstandard
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select

from provincial_server import auth
from provincial_server.settings import Limits
from provincial_server.store import Base, Device
from provincial_server.tokens import ASSERTION_TYPE
from tests.server.direct import Answer, Direct, running
from tests.server.exchange_client import MEDIA_TYPE, envelope, new_incarnation, record_id
from tests.server.rich_samples import RICH
from tests.server.samples import CCCD, entry, patient

LIMITS = Limits(received_bytes=300_000, body_bytes=600_000, entries=400)
FORM_ID = "0197a000-0000-7000-8000-000000000001-b0123456789abcdef"
ROUTES = [
    ("POST", "/fhir"),
    ("POST", "/fhir/Patient"),
    ("PUT", "/fhir/Patient/p9"),
    ("PUT", f"/fhir/Patient?identifier={CCCD}%7C9"),
    ("PUT", f"/fhir/Binary/{FORM_ID}"),
    ("POST", "/enrol"),
    ("POST", "/enrol-key"),
]
LONG = 'a"' + "b" * 700_000
MANY_FIELDS = "&".join([f"identifier={CCCD}%7C9"] * 21)
BODIES = {
    "empty": b"",
    "cut short": b'{"resourceType":"Patient","id":"p9"',
    "no object": b"[1,2]",
    "null": b"null",
    "text": b'"Patient"',
    "number": b"7",
    "two documents": b"{}{}",
    "a tail": b'{"resourceType":"Patient"} x',
    "a comment": b'{"resourceType":"Patient"/* x */}',
    "single quotes": b"{'resourceType':'Patient'}",
    "no quotes": b"{resourceType:1}",
    "a page": "<html>Cổng đăng nhập mạng</html>".encode(),
    "an entity": b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><Patient>&y;</Patient>',
    "bytes": bytes(range(256)),
    "byte order mark": b'\xef\xbb\xbf{"resourceType":"Patient","id":"p9"}',
    "utf-16": '{"resourceType":"Patient"}'.encode("utf-16"),
    "overlong utf-8": b'{"a":"\xc0\xaf"}',
    "surrogate as utf-8": b'{"a":"\xed\xa0\x80"}',
    "nul": b'{"resourceType":"Patient","id":"p9","language":"\\u0000"}',
    "lone surrogate": b'{"resourceType":"Patient","id":"p9","name":[{"text":"\\ud83d"}]}',
    "lone surrogate as key": b'{"resourceType":"Patient","id":"p9","\\udc00":1}',
    "same key twice": b'{"resourceType":"Patient","id":"p9","id":"p8"}',
    "same key twice inside": b'{"resourceType":"Patient","id":"p9","name":[{"text":"a","text":"b"}]}',
    "infinity": b'{"resourceType":"Patient","id":"p9","multipleBirthInteger":Infinity}',
    "minus infinity": b'{"a":-Infinity}',
    "not a number": b'{"a":NaN}',
    "too large a number": b'{"resourceType":"Patient","id":"p9","multipleBirthInteger":1e999}',
    "digits without end": b'{"a":' + b"9" * 100_000 + b"}",
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a little too deep": b'{"a":' * 40 + b"1" + b"}" * 40,
    "deep extensions": json.dumps(
        {
            "resourceType": "Patient",
            "id": "p9",
            "extension": [{"url": "x", "extension": [{"url": "y", "extension": [{"url": "z"}]}]}],
        }
    ).encode(),
    "wrong types": json.dumps(
        {"resourceType": "Patient", "id": 9, "name": {"text": []}, "gender": ["female"]}
    ).encode(),
    "no type": b'{"id":"p9"}',
    "odd type": b'{"resourceType":{"$gt":""},"id":"p9"}',
    "prototype": b'{"resourceType":"Patient","id":"p9","__proto__":{"admin":true}}',
    "odd id": b'{"resourceType":"Patient","id":"../../p9"}',
    "too large": json.dumps({"resourceType": "Patient", "id": "p9", "language": LONG}).encode(),
    "odd code": json.dumps({"code": {"$ne": 1}, "device_name": ["x"], "public_key": 7}).encode(),
    "wrong code": json.dumps({"code": "' OR 1=1 --", "device_name": "<b>x</b>"}).encode(),
    "private key": json.dumps(
        {"code": "x", "device_name": "x", "public_key": {"kty": "EC", "crv": "P-384", "d": "x"}}
    ).encode(),
    "many entries": json.dumps(
        {"resourceType": "Bundle", "type": "batch", "entry": [{}] * 401}
    ).encode(),
    "a bundle of bundles": json.dumps(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": {"resourceType": "Bundle", "type": "transaction"},
                    "request": {"method": "POST", "url": "Bundle"},
                }
            ],
        }
    ).encode(),
    "odd requests": json.dumps(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {"resource": patient("p9"), "request": {"method": "DELETE", "url": "Patient/p9"}},
                {
                    "resource": patient("p9"),
                    "request": {"method": "PUT", "url": "http://x/Patient"},
                },
                {"resource": patient("p9"), "request": {"method": "PUT", "url": "//[/Patient/p9"}},
                {"resource": patient("p9"), "request": {"method": ["PUT"], "url": {}}},
                {"resource": "p9", "request": {"method": "PUT", "url": "Patient/p9"}},
            ],
        }
    ).encode(),
    **{
        f"odd condition {number}": json.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"resource": patient("p9"), "request": {"method": "POST", **request}}],
            }
        ).encode()
        for number, request in enumerate(
            (
                {"url": "Patient", "ifNoneExist": MANY_FIELDS},
                {"url": "Patient", "ifNoneExist": f"http://[?identifier={CCCD}|9"},
                {"url": "Patient", "ifNoneExist": f"identifier={CCCD}|%00"},
                {"url": "Patient", "ifNoneExist": ""},
                {"url": f"Patient?{MANY_FIELDS}", "method": "PUT"},
            )
        )
    },
}
PACKED = {
    "zstd window": ("zstd", b"\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00"),
    "cut gzip": ("gzip", gzip.compress(b"{}")[:-3]),
    "gzip and a tail": ("gzip", gzip.compress(b"{}") + b"x"),
    "two gzip members": ("gzip", gzip.compress(b"{}") * 2),
    "cut zstd": ("zstd", zstandard.compress(b"{}")[:-1]),
    "two zstd frames": ("zstd", zstandard.compress(b"{}") * 2),
    "no gzip": ("gzip", b"{}"),
    "no zstd": ("zstd", b"{}"),
    "unknown": ("br", b"{}"),
    "a list": ("gzip, gzip", b"{}"),
}
HOSTILE_TEXTS = [
    "'; DROP TABLE resource; --",
    '<img src=x onerror=alert(1)>"><script>alert(1)</script>',
    "\x00",
    "\x1b[31m\x07",
    "a" * 2000,
    " \t\n",
    {"$gt": ""},
    [None],
    1e308,
    True,
]

tried: dict[str, int] = {}


def count(kind: str, number: int = 1) -> None:
    tried[kind] = tried.get(kind, 0) + number


@pytest.fixture(scope="module", autouse=True)
def say_how_many(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        shown = ", ".join(f"{kind}: {number}" for kind, number in tried.items())
        print(f"\n{sum(tried.values())} hostile inputs tried ({shown})")


@pytest.fixture(scope="module")
def direct(tmp_path_factory) -> Iterator[Direct]:
    with running(tmp_path_factory.mktemp("bad"), limits=LIMITS) as one:
        yield one


@pytest.fixture(scope="module")
def token(direct) -> str:
    return direct.device("BAD")


@pytest.fixture
def unharmed(direct, token) -> Iterator[None]:
    """Nothing may be stored, and an honest request is served after all that."""
    assert direct.call("GET", "/fhir/Patient", token=token).status == 200  # waits for the index
    before = stored(direct)
    yield
    assert direct.call("GET", "/fhir/Patient", token=token).status == 200
    assert stored(direct) == before


BACKGROUND = {
    *("access_entry", "access_counter", "daily_count", "counted_up_to", "compared_up_to"),
    *("person", "person_key", "person_proposal", "server_fact"),
}
"""The log of who asked, and what is counted and compared in quiet hours of what was stored before."""


def stored(direct: Direct) -> dict[str, int]:
    """Rows of every table that a request may write to."""
    with direct.database.read() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in BACKGROUND
        }


def refused(answer: Answer, what: object) -> None:
    assert 400 <= answer.status < 500, (what, answer.status, answer.body[:300])
    assert answer.outcome["severity"] == "error", what
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_malformed_bodies(direct, token, unharmed, method, path):
    for name, body in BODIES.items():
        count("bodies")
        refused(direct.call(method, path, body, token=token), name)
    for name, (encoding, body) in {**bombs(), **PACKED}.items():
        count("packed bodies")
        headers = [("content-encoding", encoding)]
        answer = direct.call(method, path, body, headers, token=token)
        refused(answer, name)
        assert answer.status == 413 or "bomb" not in name, name


@functools.cache
def bombs() -> dict[str, tuple[str, bytes]]:
    """Made only for who throws them: each is 200 MB."""
    zeros = b"0" * 200_000_000
    packed = gzip.compress(zeros, 9)
    unknown = zstandard.ZstdCompressor(write_content_size=False)
    return {
        "gzip bomb": ("gzip", packed),
        "gzip in gzip": ("gzip", gzip.compress(packed)),
        "zstd bomb": ("zstd", zstandard.compress(zeros)),
        "zstd bomb of unknown size": ("zstd", unknown.compress(zeros)),
    }


def exchange(direct: Direct, token: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    sent = [("content-type", MEDIA_TYPE), *headers]
    return direct.call("POST", "/fhir/$exchange", body, sent, token=token)


def test_malformed_exchanges(direct, token, unharmed):
    for name, body in BODIES.items():
        count("exchanges")
        refused(exchange(direct, token, body), name)
    for name, (encoding, body) in {**bombs(), **PACKED}.items():
        count("exchanges")
        refused(exchange(direct, token, body, ("content-encoding", encoding)), name)


def test_malformed_lines_of_an_exchange_are_poison_one_by_one(direct, token):
    head = {"v": 1, "inc": new_incarnation(), "n": 99, "rid": "r", "cursor": 0, "epoch": ""}
    lines = [body for body in BODIES.values() if body and b"\n" not in body and len(body) < 90_000]
    odd = envelope("patient", record_id(), patient(record_id()))
    odd_values = ("'; DROP TABLE operation; --", "\x00", {"$gt": ""}, -1, None)
    lines += [json.dumps({**odd, key: value}).encode() for key in odd for value in odd_values]
    before = stored(direct)
    for start in range(0, len(lines), 40):
        some = lines[start : start + 40]
        count("lines", len(some))
        body = b"\n".join([json.dumps({**head, "room": 9000}).encode(), *some])
        answer = exchange(direct, token, body)
        assert answer.status == 200, answer.body
        said = json.loads(answer.body.split(b"\n")[0])
        kinds = {item["kind"] for item in said["refused"]}
        assert kinds <= {"poison", "base", "parent"}
        assert len(said["refused"]) + said.get("new", 0) == len(some)
    changed = {name for name, number in stored(direct).items() if number != before[name]}
    assert changed <= {"incarnation"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))
    else:
        yield path


def changed(resource: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    body = copy.deepcopy(resource)
    holder: Any = body
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return body


def test_hostile_text_in_every_field_of_every_type(direct, token):
    """Where a text may stand it is kept as text, letter for letter; everywhere else it is refused
    by the field's name. Each kind of hostile text meets each field in some type."""
    whole = {"resourceType": "Bundle", "type": "transaction", "entry": list(map(entry, RICH))}
    assert direct.call("POST", "/fhir", whole, token=token).status == 200
    mangled = [
        changed(resource, path, HOSTILE_TEXTS[(number + turn) % len(HOSTILE_TEXTS)])
        for number, (resource, path) in enumerate(
            (resource, path) for resource in RICH for path in places(resource)
        )
        for turn in (0, 1)
    ]
    count("fields", len(mangled))
    taken = []
    for start in range(0, len(mangled), 100):
        entries = [
            {
                "resource": {**body, "id": f"h{start + place}"} if body.get("id") else body,
                "request": {"method": "PUT", "url": f"{body['resourceType']}/h{start + place}"},
            }
            if isinstance(body["resourceType"], str) and body["resourceType"].isalpha()
            else {"resource": body, "request": {"method": "POST", "url": "Patient"}}
            for place, body in enumerate(mangled[start : start + 100])
        ]
        sent = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        packed = zstandard.compress(json.dumps(sent).encode())
        answer = direct.call("POST", "/fhir", packed, [("content-encoding", "zstd")], token=token)
        assert answer.status == 200, answer.body[:300]
        for item, reply in zip(entries, answer.json()["entry"], strict=True):
            status = int(reply["response"]["status"][:3])
            assert status in {200, 201, 400, 422}, reply
            if status >= 400:
                assert reply["response"]["outcome"]["issue"][0]["expression"]
            else:
                taken.append(item)
    assert len(taken) > 50
    for item in taken[::7]:
        found = direct.call("GET", f"/fhir/{item['request']['url']}", token=token)
        assert found.headers["content-type"].startswith("application/fhir+json")
        body = found.json()
        del body["meta"]
        assert body == {key: value for key, value in item["resource"].items() if key != "meta"}


@pytest.mark.parametrize(
    "name",
    [
        *("accept", "prefer", "if-match", "if-none-match", "if-none-exist", "if-modified-since"),
        *("content-type", "content-encoding", "authorization", "user-agent", "x-forwarded-for"),
        *("host", "cookie", "range", "content-range", "repr-digest", "accept-encoding"),
        *("x-exchange-dictionary", "expect", "x-http-method-override"),
    ],
)
def test_hostile_headers(direct, token, name):
    values = ["", " ", "\x00", "\xff\xfe", "a" * 30_000, "'; DROP TABLE x; --", "{}", "*/*;q=∞"]
    values += [MANY_FIELDS, f"http://[?identifier={CCCD}|%00"]
    values += ["bytes 0-9/10", "W/", '"' * 999, ",".join(["gzip"] * 999), "Bearer a.b.c", "%0d%0a"]
    for method, path, body in (
        ("GET", "/fhir/Patient/nobody", b""),
        ("PUT", "/fhir/Patient/p9", b'{"resourceType":"Patient"'),
        ("PUT", f"/fhir/Patient?{MANY_FIELDS}", b"{}"),
        ("POST", "/fhir/Patient", b'{"resourceType":"Patient"'),
        ("PUT", f"/fhir/Binary/{FORM_ID}", b"{}"),
        ("POST", "/fhir/$exchange", b"x"),
        ("POST", "/token", b"x"),
        ("POST", "/enrol", b"{}"),
    ):
        for value in values:
            count("headers")
            headers = [(name, value.encode("utf-8"))]
            known = "" if name == "authorization" else token
            answer = direct.call(method, path, body, headers, token=known)
            assert 400 <= answer.status < 500, (method, path, value[:30], answer.body[:200])
            if path != "/token":
                assert answer.outcome


def key_of(direct: Direct, facility: str) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """A key and the id of the device that enrolled it."""
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with direct.database.write() as session:
        auth.add_facility(session, facility, "Trạm mẫu", 0)
        device = auth.enrol_device(session, facility, "Máy", 0, public_key=pem.decode())
    return key, device.device_id


FORM = [("content-type", "application/x-www-form-urlencoded")]


def ask_token(direct: Direct, assertion: str) -> Answer:
    body = (
        f"grant_type=client_credentials&client_assertion_type={ASSERTION_TYPE.replace(':', '%3A')}"
    )
    return direct.call("POST", "/token", f"{body}&client_assertion={assertion}".encode(), FORM)


def test_forged_and_replayed_tokens(direct, token):
    key, device = key_of(direct, "BAD")
    other_key, _ = key_of(direct, "OTHER")
    now = int(time.time())
    claims = {"iss": device, "sub": device, "aud": "http://127.0.0.1:8080/token", "exp": now + 200}

    def signed(**changes: Any) -> str:
        return jwt.encode({**claims, "jti": f"j{len(tried)}", **changes}, key, algorithm="ES384")

    good = signed(jti="good")
    granted = ask_token(direct, good)
    assert granted.status == 200, granted.body
    access = granted.json()["access_token"]
    before = stored(direct)
    head, body, signature = good.split(".")
    forged = [
        good,  # once more
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.{signature}.x",
        jwt.encode({**claims, "jti": "a"}, None, algorithm="none"),
        jwt.encode({**claims, "jti": "b"}, "k" * 64, algorithm="HS384"),
        jwt.encode({**claims, "jti": "c"}, other_key, algorithm="ES384"),
        signed(sub="' OR 1=1 --"),
        signed(sub={"$ne": ""}),
        signed(sub="\x00"),
        signed(sub="\ud800"),
        signed(iss="\ud800\x00", jti="\ud800\x00"),
        signed(aud="https://elsewhere.example/token"),
        signed(exp=now - 900),
        signed(exp=now + 90_000),
        signed(jti=""),
        signed(jti=["x"]),
        signed(exp="soon"),
        signed(exp=10**30),
        "",
        "a.b.c",
        "." * 2000,
        "%ff%00",
    ]
    for assertion in forged:
        count("assertions")
        answer = ask_token(direct, assertion)
        assert 400 <= answer.status < 500, (assertion[:50], answer.body)
        assert answer.json()["error"] in {"invalid_client", "invalid_request"}
    for place in range(len(access)):
        count("tokens")
        letter = "A" if access[place] != "A" else "B"
        guess = f"{access[:place]}{letter}{access[place + 1 :]}"
        refused(direct.call("GET", "/fhir/Patient", token=guess), place)
    for guess in (good, device, access.swapcase(), access[:-1], access + "x", token[::-1]):
        count("tokens")
        refused(direct.call("GET", "/fhir/Patient", token=guess), guess[:20])
    assert stored(direct) == before
    with direct.database.write() as session:
        auth.revoke_device(session, device, 1)
        assert session.get_one(Device, device).revoked_at == 1
    refused(direct.call("GET", "/fhir/Patient", token=access), "revoked")
    assert ask_token(direct, signed(jti="later")).json()["error"] == "invalid_client"


def test_malformed_token_forms(direct, token, unharmed):
    for name, body in BODIES.items():
        count("forms")
        answer = direct.call("POST", "/token", body, FORM)
        assert 400 <= answer.status < 500, name
        assert set(answer.json()) == {"error", "error_description"}


@pytest.mark.parametrize(
    "address",
    [
        "/fhir/Binary/%24forms?record=' OR 1=1 --",
        "/fhir/Binary/$forms?record=%00",
        f"/fhir/Binary/{FORM_ID}/$received?x=1",
        f"/fhir/Binary/{FORM_ID}%00",
        "/fhir/Binary/..%2f..%2fetc%2fpasswd",
        "/courier-key/../overview",
        "/courier-key/%2e%2e/overview",
        "/overview",
        "/fhir/Patient?identifier=%ff%fe%00",
        "/fhir/Patient?_id=" + "a," * 500,
        "/fhir/Patient?_lastUpdated=" + "9" * 500,
        "/fhir/Patient?" + "&".join(["_id=a"] * 200),
        "/fhir/Patient/" + "a" * 8000,
        "/fhir/" + "%2e%2e%2f" * 200,
        "/fhir/Patient/p1/_history/" + "9" * 300,
    ],
)
def test_hostile_addresses(direct, token, unharmed, address):
    count("addresses")
    refused(direct.call("GET", address, token=token), address)
