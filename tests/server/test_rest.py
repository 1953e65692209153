"""FHIR REST as R4 says it, beyond reading and writing: methods, formats, preferences, histories."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import fhirkit
import pytest
import zstandard

from tests.server.direct import Direct, running
from tests.server.samples import CCCD, bundle, encounter, entry, observation, patient, unit


class Station:
    def __init__(self, direct: Direct, facility: str) -> None:
        self.direct = direct
        self.token = direct.device(facility)

    def __call__(self, method, path, body=b"", **headers):
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self.direct.call(method, f"/fhir{path}", body, named, token=self.token)

    def ids(self, path):
        answer = self("GET", path)
        assert answer.status == 200, answer.body
        assert not fhirkit.validate(answer.body.decode())
        return [item["resource"]["id"] for item in answer.json().get("entry", [])]


@pytest.fixture(scope="module")
def direct(tmp_path_factory) -> Iterator[Direct]:
    with running(tmp_path_factory.mktemp("rest")) as one:
        yield one


_numbers = iter(range(1000))


@pytest.fixture
def station(direct) -> Station:
    return Station(direct, f"REST{next(_numbers):03d}")


def test_head_is_get_without_its_body(station):
    station("PUT", "/Patient/p1", patient("p1"))
    for path in ("/Patient/p1", "/Patient", "/metadata", "/Patient/nobody", "/Patient/p1/_history"):
        full, bare = station("GET", path), station("HEAD", path)
        assert (bare.status, bare.body) == (full.status, b"")
        for name in ("etag", "content-type", "content-length", "last-modified"):
            assert bare.headers.get(name) == full.headers.get(name), (path, name)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/Patient", "GET, HEAD, OPTIONS, POST, PUT"),
        ("/Patient/p1", "GET, HEAD, OPTIONS, PUT"),
        ("/Patient/p1/_history", "GET, HEAD, OPTIONS"),
        ("/Patient/_search", "GET, HEAD, OPTIONS, POST, PUT"),
        ("", "OPTIONS, POST"),
        ("/$exchange", "GET, HEAD, OPTIONS, POST, PUT"),
        ("/metadata", "GET, HEAD, OPTIONS, POST, PUT"),
    ],
)
def test_a_method_that_is_not_offered_is_told_which_are(station, path, methods):
    for method in ("DELETE", "PATCH", "TRACE"):
        refused = station(method, path, b"{}")
        assert (refused.status, refused.headers["allow"]) == (405, methods)
        assert refused.outcome["expression"] == ["http.method"]
    asked = station("OPTIONS", path)
    assert (asked.status, asked.headers["allow"], asked.body) == (204, methods, b"")


def test_no_address_is_sent_elsewhere(station):
    for path in ("/Patient/", "/Patient/p1/", "//Patient", "/Patient//p1", "/../health"):
        answer = station("GET", path)
        assert answer.status == 404, path
        assert answer.outcome["code"] in {"not-found", "not-supported"}


def test_a_known_version_is_not_sent_again(station):
    first = station("PUT", "/Patient/p1", patient("p1"))
    for path in ("/Patient/p1", "/Patient/p1/_history/1"):
        for headers in (
            {"if_none_match": first.headers["etag"]},
            {"if_none_match": "*"},
            {"if_modified_since": first.headers["last-modified"]},
            {"if_modified_since": "Fri, 31 Dec 2100 23:59:59 GMT"},
        ):
            answer = station("GET", path, **headers)
            assert (answer.status, answer.body) == (304, b""), headers
            assert answer.headers["etag"] == first.headers["etag"]
        for headers in (
            {"if_none_match": 'W/"2"'},
            {"if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
            {"if_modified_since": "gần đây".encode()},
            {"if_modified_since": "Fri, 99 Foo 99999 23:59:59 GMT"},
            {"if_none_match": 'W/"2"', "if_modified_since": "Fri, 31 Dec 2100 23:59:59 GMT"},
        ):
            assert station("GET", path, **headers).status == 200, headers


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"accept": "application/fhir+xml"}, "", 406),
        ({"accept": "application/fhir+json; fhirVersion=5.0"}, "", 406),
        ({"accept": "application/fhir+json;q=0, text/html"}, "", 406),
        ({"accept": "application/fhir+json; fhirVersion=4.0"}, "", 200),
        ({"accept": "text/html, */*;q=0.1"}, "", 200),
        ({"accept": "application/fhir+xml"}, "?_format=json", 200),
        ({}, "?_format=application%2Ffhir%2Bjson%3BfhirVersion%3D4.0", 200),
        ({}, "?_format=xml", 406),
        ({}, "?_pretty=true", 200),
        ({}, "?_elements=name", 400),
        ({"prefer": "handling=lenient"}, "?_elements=name", 200),
    ],
)
def test_formats_and_parameters_of_a_read(station, headers, query, status):
    station("PUT", "/Patient/p1", patient("p1"))
    answer = station("GET", f"/Patient/p1{query}", **headers)
    assert answer.status == status
    if status >= 400:
        assert answer.outcome["expression"][0].startswith("http.")
        assert answer.outcome["location"] == answer.outcome["expression"]


@pytest.mark.parametrize(
    "media",
    ["application/fhir+xml", "text/plain", "application/fhir+json; fhirVersion=5.0", "; =", ""],
)
def test_a_body_of_another_kind_is_refused(station, media):
    answer = station("PUT", "/Patient/p1", b"{}", content_type=media)
    assert (answer.status, answer.outcome["expression"]) == (415, ["http.content-type"])


def test_what_comes_back_of_a_write_is_as_preferred(station):
    minimal = station("PUT", "/Patient/p1", patient("p1"), prefer="return=minimal")
    assert (minimal.status, minimal.body) == (201, b"")
    assert minimal.headers["preference-applied"] == "return=minimal"
    outcome = station(
        "PUT", "/Patient/p1", patient("p1", name="Sửa"), prefer="return=OperationOutcome"
    )
    assert outcome.json()["resourceType"] == "OperationOutcome"
    whole = station("PUT", "/Patient/p1", patient("p1", name="Sửa"), prefer="respond-async")
    assert whole.json()["name"][0]["text"] == "Sửa"
    sent = bundle(entry(patient("p2")), entry(patient("p3")))
    replies = station("POST", "", sent, prefer="return=OperationOutcome").json()["entry"]
    assert all(
        item["response"]["outcome"]["resourceType"] == "OperationOutcome" for item in replies
    )


def test_an_unknown_parameter_is_refused_or_named_as_the_client_prefers(station):
    station("PUT", "/Patient/p1", patient("p1"))
    path = "/Patient?_id=p1&favourite-colour=blue"
    for prefer in ("", "handling=strict"):
        refused = station("GET", path, prefer=prefer)
        assert (refused.status, refused.outcome["expression"]) == (400, ["http.favourite-colour"])
    answer = station("GET", path, prefer="handling=lenient")
    assert not fhirkit.validate(answer.body.decode())
    found = answer.json()
    assert "favourite" not in found["link"][0]["url"]
    modes = [item["search"]["mode"] for item in found["entry"]]
    assert (modes, found["total"]) == (["match", "outcome"], 1)
    for bad in ("_id:missing=true", "_lastUpdated=soon", "_count=x", "_id:exact=p1"):
        assert station("GET", f"/Patient?{bad}", prefer="handling=lenient").status == 400, bad


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=http://hl7.org/fhir/encounter-status|finished", ["e1"]),
        ("status=|finished", ["e1"]),
        ("status=http://example.org|finished", []),
        ("status=http://hl7.org/fhir/encounter-status|", []),
        ("patient:Patient=p1", ["e1"]),
        ("subject=Patient/p1", ["e1"]),
        ("patient.identifier=7", ["e1"]),
        (f"subject:Patient.identifier={CCCD}|7", ["e1"]),
        ("patient.identifier=8", []),
        ("subject:Patient.name=mau", ["e1"]),
        ("patient.name=M%E1%BA%AAU", ["e1"]),
        ("patient.name=ng,x", ["e1"]),
        ("patient.name=au", []),
        ("patient.name=%22", []),
        ("patient.family=ng", []),
        ("_id=a\\,b", []),
        ("_total=none", ["e1"]),
    ],
)
def test_searches(station, query, found):
    station("POST", "", bundle(entry(patient("p1", cccd="7")), entry(encounter("e1", "p1"))))
    assert station.ids(f"/Encounter?{query}") == found


def test_people_come_along_where_they_are_asked_for(station):
    person = patient("p1")
    person["name"] = [{"family": "Nguyễn", "given": ["Thị", "Mẫu"]}]
    parts = [entry(person), entry(encounter("e1", "p1")), entry(observation("o1", "p1", "e1"))]
    station("POST", "", bundle(*parts, entry(encounter("e2", "p1"))))
    answer = station("GET", "/Encounter?_include=Encounter:subject&patient.family=nguyen").json()
    modes = [(item["resource"]["id"], item["search"]["mode"]) for item in answer["entry"]]
    assert modes == [("e1", "match"), ("e2", "match"), ("p1", "include")]
    assert answer["total"] == 2
    assert station.ids("/Patient?family=NGUY") == ["p1"]
    for bad in ("Encounter:location", "Patient:subject", "*", "Encounter", ""):
        assert station("GET", f"/Encounter?_include={bad}").status == 400, bad


def test_a_search_by_form_keeps_numbers_out_of_addresses(station):
    station("PUT", "/Patient/p1", patient("p1", cccd="7"))
    form = {"content_type": "application/x-www-form-urlencoded"}
    found = station("POST", "/Patient/_search", f"identifier={CCCD}%7C7".encode(), **form)
    assert found.json()["total"] == 1
    assert station("POST", "/Patient/_search?_id=p2", b"identifier=7", **form).json()["total"] == 0
    assert station("POST", "/Patient/_search", b"", **form).json()["total"] == 1
    for body, headers, status in (
        (b"{}", {}, 415),
        (b"x" * 9000, form, 413),
        ("tên=1".encode(), form, 400),
        (b"&".join([b"_id=a"] * 80), form, 400),
    ):
        answer = station("POST", "/Patient/_search", body, **headers)
        assert answer.status == status, body[:20]
        assert answer.outcome


def pages(station, path):
    found = []
    while path:
        answer = station("GET", path)
        assert answer.status == 200
        assert not fhirkit.validate(answer.body.decode())
        body = answer.json()
        found += [
            (item["resource"]["id"], item["resource"]["meta"]["versionId"])
            for item in body.get("entry", [])
        ]
        links = {item["relation"]: item["url"] for item in body["link"]}
        path = links["next"].partition("/fhir")[2] if "next" in links else None
    return found


def test_the_history_of_a_type_and_of_everything(station, direct):
    other = Station(direct, "RESTX")
    other("PUT", "/Patient/p1", patient("p1", name="Của trạm khác"))
    station("POST", "", unit(1))
    station("PUT", "/Patient/p1", patient("p1", name="Sửa một"))
    moment = station("GET", "/Patient/p1").json()["meta"]["lastUpdated"]
    station("PUT", "/Patient/p2", patient("p2"))
    newest = [("p2", "1"), ("p1", "2"), ("e1-o1", "1"), ("e1", "1"), ("p1", "1")]
    assert pages(station, "/_history?_count=2") == newest
    assert pages(station, "/Patient/_history?_count=1") == [("p2", "1"), ("p1", "2"), ("p1", "1")]
    assert pages(station, f"/_history?_since={moment}") == newest[:2]
    assert pages(station, f"/Patient/p1/_history?_since={moment}") == [("p1", "2")]
    assert pages(station, "/Patient/p1/_history?_count=1") == [("p1", "2"), ("p1", "1")]
    assert pages(station, "/Task/_history") == []
    for bad in ("_count=x", "_count=-1", "_since=soon", "_cursor=a", "_at=2026", "_sort=x"):
        refused = station("GET", f"/_history?{bad}")
        assert (refused.status, refused.outcome["expression"][0][:6]) == (400, "http._"), bad
    assert station("GET", "/_history?_at=2026", prefer="handling=lenient").status == 200
    assert station("GET", "/Nothing/_history").status == 404


def test_bodies_are_packed_both_ways(station):
    plain = json.dumps(bundle(*(entry(patient(f"p{n}")) for n in range(30)))).encode()
    for encoding, packed in (
        ("gzip", gzip.compress(plain)),
        ("zstd", zstandard.compress(plain)),
        ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress(plain)),
        ("identity", plain),
    ):
        assert station("POST", "", packed, content_encoding=encoding).status == 200
    for encoding, unpack in (("gzip", gzip.decompress), ("zstd", zstandard.decompress)):
        answer = station("GET", "/Patient", accept_encoding=encoding)
        assert answer.headers["content-encoding"] == encoding
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert "Accept-Encoding" in answer.headers["vary"]
        assert json.loads(unpack(answer.body))["total"] == 30
    assert "content-encoding" not in station("GET", "/Patient", accept_encoding="br").headers
    assert "content-encoding" not in station("GET", "/Patient/p1", accept_encoding="zstd").headers


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("br", b"{}", 415),
        ("gzip, zstd", b"{}", 415),
        ("zstd", b"{}", 400),
        ("gzip", b"{}", 400),
        ("zstd", zstandard.compress(b"{}")[:-1], 400),
        ("zstd", zstandard.compress(b"{}") + b"x", 400),
        ("zstd", zstandard.compress(b"0" * 30_000_000), 413),
        ("gzip", gzip.compress(b"0" * 30_000_000), 413),
    ],
)
def test_packings_that_are_refused(station, encoding, body, status):
    answer = station("PUT", "/Patient/p1", body, content_encoding=encoding)
    assert answer.status == status
    assert answer.outcome["expression"][0] in {"http.content-encoding", "http.body"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "expression"),
    [
        ("GET", "/Patient/nobody", b"", {}, 404, "http.path"),
        ("GET", "/Nothing", b"", {}, 404, "http.path"),
        ("GET", "/Patient?" + "a" * 9000, b"", {}, 414, "http.path"),
        ("PUT", "/Patient/p1", patient("p1"), {"if_match": "3"}, 400, "http.if-match"),
        ("PUT", "/Patient/p1", patient("p1"), {"if_match": 'W/"3"'}, 412, "http.if-match"),
        ("PUT", "/Patient?name=x", patient("p1"), {}, 400, "http.identifier"),
        ("POST", "/Patient", patient("p1"), {"if_none_exist": ""}, 400, "http.if-none-exist"),
        ("POST", "/Patient", b"{", {}, 400, "http.body"),
        ("POST", "/Patient", {"resourceType": "Patient", "x": 1}, {}, 422, "Patient"),
        ("PUT", "/Patient/p1", patient("p2"), {}, 400, "Patient.id"),
        ("PUT", "/Patient/p1", {"resourceType": "Patient"}, {}, 400, "Patient.id"),
        ("PUT", "/Patient/p1?x=1", patient("p1"), {}, 400, "http.x"),
        ("POST", "", bundle(kind="message"), {}, 400, "Bundle.type"),
    ],
)
def test_every_refusal_says_what_it_is_about(
    station, method, path, body, headers, status, expression
):
    answer = station(method, path, body, **headers)
    assert (answer.status, answer.outcome["expression"]) == (status, [expression])


def test_conditions_that_fit_nothing_or_too_much(station):
    for name in ("p1", "p2"):
        station("PUT", f"/Patient/{name}", patient(name, cccd="7"))
    condition = f"identifier={CCCD}|7"
    body = {key: item for key, item in patient("p3", cccd="7").items() if key != "id"}
    create = station("POST", "/Patient", body, if_none_exist=condition)
    assert (create.status, create.outcome["expression"]) == (412, ["http.if-none-exist"])
    update = station("PUT", f"/Patient?{condition}", body)
    assert (update.status, update.outcome["expression"]) == (412, ["http.identifier"])
    only_new = station("PUT", "/Patient/p1", patient("p1"), if_none_match="*")
    assert (only_new.status, only_new.outcome["expression"]) == (412, ["http.if-none-match"])
    without = station("PUT", "/Patient/p1", patient("p1", name="Không kèm If-Match"))
    assert (
        without.status == 200
    )  # never 428: the statement says "versioned", not "versioned-update"


def test_a_tag_that_is_none_is_named_for_what_it_is(station):
    station("PUT", "/Patient/p1", patient("p1"))
    for path in ("/Patient/p1", "/Patient/p1/_history/1"):
        answer = station("GET", path, if_none_match="three")
        assert (answer.status, answer.outcome["expression"]) == (400, ["http.if-none-match"])


def test_the_statement_in_its_modes(station):
    for query, status in (
        ("", 200),
        ("?mode=full", 200),
        ("?mode=terminology", 400),
        ("?x=1", 400),
    ):
        assert station("GET", f"/metadata{query}").status == status
