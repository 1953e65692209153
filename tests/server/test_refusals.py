"""Bad input: a 4xx with an OperationOutcome, nothing stored, never a 500."""

from __future__ import annotations

import copy
import gzip
import json
import logging
import socket
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provincial_server import wire
from provincial_server.faults import FhirFault
from provincial_server.structure import STORED_TYPES
from provincial_server.transport import gunzip
from provincial_server.validation import Checked, check
from tests.server.samples import bundle, encounter, entry, observation, patient, unit


def outcome(answer) -> dict:
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    assert body["issue"][0]["details"]["text"]
    return body["issue"][0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"5",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"resourceType":"Patient","resourceType":"Patient"}',
        b'{"resourceType":"Bundle","type":"transaction","entry":{}}',
        b'{"resourceType":"Bundle","type":"collection"}',
        b'{"resourceType":"Bundle","type":"transaction","entries":[]}',
        b'{"resourceType":"Bundle","type":["transaction"]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[null]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":[]}]}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999999999999999999999999999999999999999999999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[" * 60 + b"]" * 60,
        "phản hồi của cổng <html>".encode(),
    ],
)
def test_malformed_bodies(server, station, body):
    answer = station.call("POST", "", body, content_type="application/fhir+json")
    assert answer.status_code == 400
    assert outcome(answer)["code"] in {"structure", "value"}
    put = station.call("PUT", "Patient/p1", body, content_type="application/fhir+json")
    assert 400 <= put.status_code < 500
    outcome(put)
    assert server.versions(station) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"resourceType":"Patient","id":"p1","gender":"male","gender":"female"}', "twice"),
        ('{"resourceType":"Patient","id":"p1","multipleBirthInteger":NaN}', "NaN"),
        ('{"resourceType":"Patient","id":"p1","name":[{"text":"\\ud83d"}]}', "surrogate"),
    ],
)
def test_json_that_readers_would_read_differently_is_refused(server, station, text, words):
    answer = station.call("PUT", "Patient/p1", text, content_type="application/json")
    assert answer.status_code == 400
    assert words in outcome(answer)["diagnostics"]
    assert server.versions(station) == 0


PATIENT_FAULTS = [
    ({"gender": "nữ"}, "code-invalid", "Patient.gender"),
    ({"birthDate": "2026-02-30"}, "value", "Patient.birthDate"),
    ({"birthDate": "17/05/1990"}, "value", "Patient.birthDate"),
    ({"birthDate": 1990}, "value", "Patient.birthDate"),
    ({"name": {"text": "một người"}}, "structure", "Patient.name"),
    ({"name": []}, "structure", "Patient.name"),
    ({"name": [{}]}, "structure", "Patient.name[0]"),
    ({"name": ["x"]}, "structure", "Patient.name[0]"),
    ({"name": [None]}, "structure", "Patient.name[0]"),
    ({"name": [{"text": ""}]}, "value", "Patient.name[0].text"),
    ({"name": [{"text": "a\x00b"}]}, "value", "Patient.name[0].text"),
    ({"name": [{"family": ["a"]}]}, "value", "Patient.name[0].family"),
    ({"active": "true"}, "value", "Patient.active"),
    ({"multipleBirthInteger": 1, "multipleBirthBoolean": True}, "structure", None),
    ({"multipleBirthInteger": 1.5}, "value", "Patient.multipleBirthInteger"),
    ({"deceasedDateTime": "2026-01-01T10:00:00"}, "value", "Patient.deceasedDateTime"),
    ({"colour": "x"}, "structure", "Patient"),
    ({"name": [{"text": "x", "nick": "y"}]}, "structure", "Patient.name[0]"),
    ({"_name": [{"id": "x"}]}, "structure", "Patient"),
    ({"_birthDate": {"value": "x"}}, "structure", "Patient.birthDate"),
    ({"_birthDate": {"extension": [{"valueCode": "x"}]}}, "required", None),
    ({"extension": [{"url": "http://x", "valueString": "a", "valueCode": "b"}]}, "structure", None),
    ({"managingOrganization": {"reference": "Patient/p2"}}, "invariant", None),
    ({"managingOrganization": {"reference": "Organization/a b"}}, "value", None),
    ({"managingOrganization": {"reference": "https://x.example/Organization/1"}}, "value", None),
    ({"managingOrganization": {"reference": "#o"}}, "invariant", None),
    ({"managingOrganization": {"type": "Organization"}}, "required", None),
    ({"generalPractitioner": [{"reference": "urn:uuid:0"}]}, "value", None),
    ({"contained": [{"resourceType": "Bundle", "id": "b"}]}, "not-supported", None),
    ({"contained": [{"resourceType": "Organization"}]}, "required", "Patient.contained[0].id"),
    ({"contained": ["x"]}, "structure", "Patient.contained[0]"),
    ({"text": {"status": "generated", "div": "<div><script>x</script></div>"}}, "value", None),
    ({"text": {"status": "generated", "div": "<div onclick=x></div>"}}, "value", None),
    ({"photo": [{"data": "không phải base64"}]}, "value", "Patient.photo[0].data"),
    ({"identifier": [{"value": "9" * 201}]}, "value", "Patient.identifier[0]"),
    ({"identifier": [{"period": {"start": "2026", "end": "x"}}]}, "value", None),
    ({"meta": {"profile": "x"}}, "structure", "Patient.meta.profile"),
    ({"meta": []}, "structure", "Patient.meta"),
    ({"id": ["p1"]}, "value", "Patient.id"),
    ({"resourceType": "Group"}, "not-supported", None),
    ({"resourceType": ["Patient"]}, "not-supported", None),
]


@pytest.mark.parametrize(("change", "code", "expression"), PATIENT_FAULTS)
def test_poison_is_named(server, station, change, code, expression):
    sent = patient("p1") | change
    answer = station.call("PUT", "Patient/p1", json.dumps(sent), content_type="application/json")
    assert answer.status_code == 422
    issue = outcome(answer)
    assert issue["code"] == code
    if expression:
        assert issue["expression"] == [expression]
    assert server.versions(station) == 0
    whole = station.send(
        bundle({"resource": sent, "request": {"method": "PUT", "url": "Patient/p1"}})
    )
    assert whole.status_code == 422
    assert outcome(whole)["expression"][0].startswith("Bundle.entry[0].resource")


@pytest.mark.parametrize(
    ("resource", "expression"),
    [
        (observation("o", "p", "e") | {"dataAbsentReason": {"text": "x"}}, None),
        (
            {
                "resourceType": "Condition",
                "id": "c",
                "subject": {"reference": "Patient/p"},
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
            },
            "clinicalStatus",
        ),
    ],
)
def test_invariants(resource, expression):
    issues = check(wire.parse(json.dumps(resource).encode(), depth=32))
    assert [issue.code for issue in issues] == ["invariant"]
    assert expression is None or issues[0].expression.endswith(expression)


def test_a_visit_during_which_the_clock_was_put_back_is_stored(station):
    station.put(patient("p1"))
    visit = encounter("e1", "p1")
    visit["period"] = {"start": "2030-01-01T08:00:00+07:00", "end": "2026-11-20T08:10:00+07:00"}
    assert station.put(visit).status_code == 201
    assert station.get("Encounter?date=ge2026").json()["total"] == 1


def test_missing_required_elements_of_every_type():
    """An empty resource is refused wherever the standard requires anything at all."""
    free = {"Patient", "Practitioner", "PractitionerRole", "Organization", "Location"}
    for name in STORED_TYPES:
        result = check({"resourceType": name, "id": "x"})
        if name in free:
            assert isinstance(result, Checked), name
        else:
            assert {issue.code for issue in result} == {"required"}, name


def test_a_value_given_by_an_extension_is_accepted(station):
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "unknown",
    }
    sent = patient("p1") | {"_birthDate": {"extension": [reason]}}
    del sent["birthDate"]
    assert station.put(sent).status_code == 201


def test_too_many_entries(server, station):
    sent = bundle(*(entry(patient(f"p{number}")) for number in range(61)))
    answer = station.send(sent)
    assert answer.status_code == 413
    assert outcome(answer)["code"] == "too-costly"
    assert server.versions(station) == 0


def test_too_large_a_body(server, station):
    sent = patient("p1", name="x" * 400_000)
    answer = station.put(sent)
    assert answer.status_code == 413
    assert server.versions(station) == 0


def test_gzip_bodies(server, station):
    packed = gzip.compress(json.dumps(unit()).encode())
    headers = {"content_encoding": "gzip", "content_type": "application/fhir+json"}
    assert station.call("POST", "", packed, **headers).status_code == 200
    assert server.versions(station) == 3
    for broken in (packed[:-9], packed + b"x", b"not gzip", b""):
        answer = station.call("POST", "", broken, **headers)
        assert answer.status_code == 400
        outcome(answer)
    answer = station.call("POST", "", packed, content_encoding="br")
    assert answer.status_code == 415


def test_a_gzip_bomb_is_stopped_at_the_limit(server, station):
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    answer = station.call("POST", "", bomb, content_encoding="gzip")
    assert answer.status_code == 413
    assert outcome(answer)["code"] == "too-long"


def test_a_gzip_bomb_is_never_unpacked_into_memory():
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(FhirFault):
            gunzip(bomb, 600_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_other_media_types(station):
    answer = station.call("PUT", "Patient/p1", b"<Patient/>", content_type="application/fhir+xml")
    assert answer.status_code == 415
    outcome(answer)


@pytest.mark.parametrize("header", ["1", 'W/"', "W/1", ""])
def test_malformed_if_match(station, header):
    answer = station.put(patient("p1"), if_match=header)
    assert answer.status_code in {400, 412}
    outcome(answer)


@pytest.mark.parametrize(
    "path",
    [
        "Patient/p1/x",
        "Patient/a%20b",
        "Patient/" + "a" * 65,
        "Patient/%2e%2e%2fx",
        "Patient/p1/_history/0",
        "Patient/p1/_history/x",
        "Nothing/p1",
        "patient/p1",
        "Patient/%00",
    ],
)
def test_addresses_that_lead_nowhere(station, path):
    answer = station.get(path)
    assert answer.status_code == 404
    outcome(answer)


def test_hostile_text_is_kept_as_text(station):
    name = "Robert'); DROP TABLE resource;-- <img src=x onerror=alert(1)>"
    station.put(patient("p1", name=name))
    assert station.get("Patient/p1").json()["name"][0]["text"] == name
    assert station.get("Patient?identifier=' OR 1=1 --").json()["total"] == 0


def test_logs_hold_no_patient(station, caplog):
    caplog.set_level(logging.DEBUG, logger="provincial_server")
    station.put(patient("p1", cccd="064099100001"))
    station.get("Patient?identifier=064099100001")
    bad = patient("p1", cccd="064099100001") | {"birthDate": "tuổi 36"}
    station.put(bad)
    text = caplog.text
    assert "PUT /fhir/{resource_type}/{resource_id} 201" in text
    for secret in ("Nguyễn", "064099100001", "1990", "tuổi 36"):
        assert secret not in text


def test_a_line_that_breaks_during_an_upload_is_no_fault(server, station, caplog):
    caplog.set_level(logging.INFO, logger="provincial_server")
    host, port = server.root.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            "POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n"
            f"Authorization: Bearer {station.token}\r\n\r\n"
        )
        line.sendall(head.encode() + b'{"resourceType"')
    deadline = time.monotonic() + 20
    while "POST /fhir 499" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "POST /fhir 499" in caplog.text
    assert "fault" not in caplog.text
    assert station.send(unit()).status_code == 200


def test_a_fault_of_ours_tells_nothing(station, caplog, monkeypatch):
    def explode(*_args, **_kwargs):
        raise RuntimeError("Nguyễn Thị Mẫu")

    monkeypatch.setattr("provincial_server.search.run", explode)
    answer = station.get("Patient")
    assert answer.status_code == 500
    assert outcome(answer)["severity"] == "fatal"
    assert "Nguyễn" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Patient", "Encounter", "Bundle", "transaction", "PUT", "Patient/p1", "#x"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(value, path=()):
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from places(item, (*path, key))


UNIT_PLACES = [path for path in places(unit()) if path]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=st.sampled_from(UNIT_PLACES), value=json_values, replace_key=st.booleans())
def test_a_mangled_unit_is_judged_never_a_crash(station, path, value, replace_key):
    sent = copy.deepcopy(unit())
    holder = sent
    for step in path[:-1]:
        holder = holder[step]
    if replace_key and isinstance(holder, dict):
        holder[str(value)[:20]] = holder.pop(path[-1])
    else:
        holder[path[-1]] = value
    body = json.dumps(sent, ensure_ascii=True)
    answer = station.call("POST", "", body, content_type="application/fhir+json")
    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    if answer.status_code == 200:
        assert {item["response"]["status"][:3] for item in answer.json().get("entry", [])} <= {
            "200",
            "201",
        }
    else:
        outcome(answer)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_judged_never_a_crash(station, body):
    for method, path in (("POST", ""), ("PUT", "Patient/p1"), ("POST", "Observation")):
        answer = station.call(method, path, body, content_type="application/fhir+json")
        assert 400 <= answer.status_code < 500
        outcome(answer)


@given(value=json_values)
def test_canonical_text_is_stable(value):
    try:
        parsed = wire.parse(json.dumps(value).encode(), depth=32)
    except FhirFault:
        return
    once = wire.canonical(parsed)
    assert wire.canonical(wire.parse(once.encode(), depth=32)) == once
