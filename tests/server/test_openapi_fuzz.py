"""Every path, method, parameter and header of /openapi.json with values that were made up for it:
whatever comes, the answer is JSON that says what is wrong, and no fault of the server.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from zlib import crc32

import fhirkit
import pytest
import zstandard
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from provincial_server.store import ResourceVersion
from provincial_server.structure import STORED_TYPES
from tests.server.direct import Answer, Direct, running
from tests.server.samples import CCCD, entry, patient, unit

EXAMPLES = 12
FORM_ID = "0197a000-0000-7000-8000-000000000001-b0123456789abcdef"
HOSTILE = [
    *("", " ", "*", "'", '"', "\\", "%", "%00", "\x00", "\ufeff", "ÿþ", "null", "NaN", "Infinity"),
    *("' OR 1=1 --", "1; DROP TABLE resource", "<script>alert(1)</script>", "{{7*7}}", "${x}"),
    *("../../etc/passwd", "..%2f", "/", "//", "?", "#", "a" * 300, "9" * 40, "-1", "0", "1e999"),
    *(
        "\U0001d518",
        "Nguyễn Thị Mẫu",
        "\u202e",
        "[]",
        "{}",
        "Patient/p1",
        "p1",
        "Patient",
        "_history",
    ),
]
VALUES = {
    "Accept": ["*/*", "application/fhir+json", "text/html", "application/fhir+json;q=x"],
    "Accept-Encoding": ["gzip", "zstd", "br", "gzip;q=0, *", "zstd, gzip"],
    "Content-Encoding": ["gzip", "zstd", "br", "gzip, gzip", "identity"],
    "If-Match": ['W/"1"', '"1"', "*", 'W/"999999999999999999999"'],
    "If-None-Match": ['W/"1"', "*", 'W/"1", W/"2"'],
    "If-Modified-Since": ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 +9999"],
    "If-None-Exist": [f"identifier={CCCD}|1", "identifier=1", "?identifier=a|b&identifier=c|d"],
    "Prefer": ["return=minimal", "handling=lenient", "return=OperationOutcome, handling=strict"],
    "Content-Range": ["bytes 0-9/10", "bytes 9-0/1", "bytes 0-999999999/999999999", "bytes */1"],
    "Repr-Digest": ["sha-256=:" + "A" * 44 + ":", "sha-256=::", "md5=:x:"],
    "X-Exchange-Dictionary": ["0", "1", "999", "-1", "²"],
    "resource_type": ["Patient", "Patient", "Encounter", "Binary", "Bundle"],
    "resource_id": ["p1", "e1", "a" * 65],
    "binary_id": [FORM_ID, "p1"],
    "version": ["1", "2", "0", "9" * 18, "9" * 30],
    "_lastUpdated": ["ge2026-01-01", "gt2026-02-30", "ge0001-01-01T00:00:00+14:00", "le9999"],
    "_since": ["2026-01-01", "9999-12-31T23:59:59-14:00", "0001"],
    "_count": ["1", "0", "999999999", "9999999999"],
    "_cursor": ["1~p1", "999999999999999999~x", "1"],
    "_include": ["Encounter:subject", "*"],
    "identifier": [f"{CCCD}|1", "|1", "|", "a|b|c"],
    "_format": ["json", "xml"],
    "mode": ["full", "terminology"],
    "record": [FORM_ID[:36]],
}


@dataclass(frozen=True)
class Operation:
    path: str
    method: str
    parameters: tuple[tuple[str, str], ...]
    """Place and name."""
    media: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(spec: dict[str, Any]) -> list[Operation]:
    return [
        Operation(
            path,
            method.upper(),
            tuple((item["in"], item["name"]) for item in operation.get("parameters", [])),
            next(iter(operation.get("requestBody", {}).get("content", {"": None}))),
        )
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.fixture(scope="module")
def direct(tmp_path_factory) -> Iterator[Direct]:
    with running(tmp_path_factory.mktemp("fuzz")) as one:
        yield one


@pytest.fixture(scope="module")
def token(direct) -> str:
    given_token = direct.device("FUZZ")
    assert direct.call("POST", "/fhir", unit(), token=given_token).status == 200
    return given_token


text = st.sampled_from(HOSTILE) | st.text(max_size=12)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | text
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            text | st.sampled_from(["resourceType", "id", "entry", "request"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def value_of(name: str) -> st.SearchStrategy[str]:
    known = st.sampled_from(VALUES[name]) if name in VALUES else text
    return st.one_of(known, known, known, text)


@st.composite
def resources(draw: st.DrawFn) -> Any:
    """A resource of a stored type that may be one, with something in it that may not."""
    kind = draw(st.sampled_from(sorted(STORED_TYPES)))
    samples = [patient("p1"), patient("p1"), {"resourceType": kind, "id": "p1"}]
    body = draw(st.sampled_from(samples))
    return {**body, **draw(st.dictionaries(st.sampled_from([*body, "meta", "text"]), values))}


@st.composite
def bodies(draw: st.DrawFn, media: str) -> tuple[bytes, str]:
    """A body and how it is packed."""
    if media == "application/x-www-form-urlencoded":
        names = st.sampled_from(["grant_type", "client_assertion", "_id", "identifier"])
        form = draw(st.lists(st.tuples(names | text, text), max_size=4))
        return urlencode(form, errors="surrogatepass").encode(), ""
    shaped = resources().map(entry_of) if media.endswith("fhir+json") else values
    value = draw(st.one_of(resources(), resources(), shaped, values))
    plain = json.dumps(value).encode() if draw(st.integers(0, 5)) else draw(st.binary(max_size=40))
    packed = [(plain, ""), (gzip.compress(plain), "gzip"), (zstandard.compress(plain), "zstd")]
    return draw(st.sampled_from(packed))


def entry_of(resource: dict[str, Any]) -> dict[str, Any]:
    named = {"id": "p1", **resource}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry(named)]}


@st.composite
def requests(draw: st.DrawFn, operation: Operation) -> dict[str, Any]:
    path = operation.path
    query, headers = [], []
    for place, name in operation.parameters:
        if place == "path":
            path = path.replace(f"{{{name}}}", quote(draw(value_of(name)), safe=":/?#"))
        elif draw(st.integers(0, 3)) == 0:
            (query if place == "query" else headers).append((name, draw(value_of(name))))
    if draw(st.integers(0, 5)) == 0:
        query.append((draw(text), draw(text)))
    sent = [
        (name, value.encode("utf-8", "surrogatepass").replace(b"\x00", b"0"))
        for name, value in headers
    ]
    media = draw(
        st.sampled_from([operation.media] * 12 + ["application/json", "text/html", "\xff"])
    )
    body, packing = draw(bodies(operation.media)) if operation.media else (b"", "")
    if packing and not any(name == "Content-Encoding" for name, _ in headers):
        sent.append(("Content-Encoding", packing.encode()))
    if media:
        sent.append(("Content-Type", media.encode("latin-1")))
    asked = urlencode(query, errors="surrogatepass")
    method = draw(st.sampled_from([operation.method] * 20 + ["HEAD", "DELETE", "PATCH", "BREW"]))
    return {
        "method": method,
        "path": f"{path}?{asked}" if asked else path,
        "body": body,
        "headers": sent,
        "known": draw(st.integers(0, 9)) > 0,
    }


def versions(direct: Direct) -> int:
    with direct.database.read() as session:
        return session.scalar(select(func.count()).select_from(ResourceVersion)) or 0


def check(request: dict[str, Any], answer: Answer) -> None:
    assert answer.status < 500, (request, answer.body)
    assert answer.headers["x-content-type-options"] == "nosniff"
    if request["method"] == "HEAD" or answer.status in {204, 304} or not answer.body:
        return
    if "content-encoding" in answer.headers or not answer.headers["content-type"].endswith("json"):
        return
    found = answer.json()
    if answer.status >= 400 and "error" not in found:
        assert answer.outcome
        assert not fhirkit.validate(answer.body.decode())
        assert "Traceback" not in answer.body.decode()


tried: dict[str, int] = {}
statuses: Counter[int] = Counter()


def test_every_address_stands_whatever_comes(direct, token, capsys):
    """One search for counter-examples per operation of the description."""
    found = operations(direct.app.openapi())
    assert len(found) >= 20
    for operation in found:
        attack(direct, token, operation)
    assert set(tried) == {str(operation) for operation in found}
    # It gets in and it is turned away, each in many ways: else it would prove little.
    assert {200, 400, 401, 404, 405, 406, 415, 422} <= set(statuses)
    with capsys.disabled():
        shown = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        print(f"\n{sum(tried.values())} requests made up for {len(tried)} operations ({shown})")


def attack(direct: Direct, token: str, operation: Operation) -> None:
    @seed(crc32(str(operation).encode()))  # the same inputs whatever other operations there are
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(request=requests(operation))
    def search(request: dict[str, Any]) -> None:
        tried[str(operation)] = tried.get(str(operation), 0) + 1
        before = versions(direct)
        answer = direct.call(
            request["method"],
            request["path"],
            request["body"],
            request["headers"],
            token=token if request["known"] else "",
        )
        statuses[answer.status] += 1
        check(request, answer)
        if answer.status >= 400:
            assert versions(direct) == before

    search()
