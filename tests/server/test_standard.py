"""The server's own table of R4 and its answers, against two independent implementations.

One rich resource of every stored type: the independent validator finds it valid, the server takes
it and gives it back unchanged, and every kind of answer is valid R4 too.
"""

from __future__ import annotations

import copy
import json
from decimal import Decimal

import fhirkit
import pytest

from provincial_server import wire
from provincial_server.search_values import read_values
from provincial_server.structure import STORED_TYPES
from provincial_server.validation import Checked, check
from tests.server import r4_table
from tests.server.rich_samples import RICH
from tests.server.samples import bundle, encounter, entry, patient, unit


def judge(text: str) -> None:
    issues = fhirkit.validate(text)
    assert not issues, [str(issue) for issue in issues]


def test_the_table_of_elements_is_the_standards():
    assert r4_table.TABLE.read_text("utf-8") == r4_table.render()


def test_every_stored_type_has_a_rich_example():
    assert {resource["resourceType"] for resource in RICH} == set(STORED_TYPES)


@pytest.mark.parametrize("resource", RICH, ids=lambda item: f"{item['resourceType']}-{item['id']}")
def test_what_the_standard_allows_is_accepted(resource):
    text = json.dumps(resource)
    judge(text)
    assert isinstance(check(wire.parse(text.encode(), depth=32)), Checked)


def test_everything_comes_back_as_it_was_sent(station):
    answer = station.send(bundle(*map(entry, RICH)))
    assert answer.status_code == 200, answer.text
    judge(answer.text)
    for resource in RICH:
        got = station.get(f"{resource['resourceType']}/{resource['id']}")
        judge(got.text)
        body = got.json()
        meta = body.pop("meta")
        assert {key: meta[key] for key in meta if key not in {"versionId", "lastUpdated"}} == (
            resource.get("meta", {})
        )
        assert body == {key: item for key, item in resource.items() if key != "meta"}
    for name in STORED_TYPES:
        judge(station.get(name).text)
    again = station.send(bundle(*map(entry, RICH)))
    judge(again.text)
    assert server_says_unchanged(again.json()) == len(RICH)


def server_says_unchanged(body) -> int:
    return sum("outcome" in item["response"] for item in body["entry"])


def test_every_kind_of_answer_is_valid_r4(station):
    station.send(unit())
    broken = unit()
    broken["entry"][0]["resource"]["gender"] = "x"
    mixed = bundle(entry(patient("p1")), entry(encounter("e9", "nobody")), kind="batch")
    for answer in (
        station.get("metadata"),
        station.send(bundle()),
        station.get("Patient/p1/_history"),
        station.get("Patient?_summary=count"),
        station.get("Patient?_elements=id"),
        station.get("Patient?_count=1"),
        station.get("Patient/nobody"),
        station.get("Patient?name=x"),
        station.send(broken),
        station.send(mixed),
        station.send(unit(), prefer="return=representation"),
        station.put(patient("p1"), prefer="return=OperationOutcome"),
    ):
        judge(answer.text)


LEAVES = [
    None,
    True,
    0,
    -1,
    Decimal("1.5"),
    "",
    "x",
    "Patient/p1",
    "2026",
    [],
    {},
    [None],
    [{}],
    {"id": "x"},
]


def places(value, path=()):
    yield path
    pairs = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else pairs:
        yield from places(item, (*path, key))


@pytest.mark.parametrize("resource", RICH, ids=lambda item: f"{item['resourceType']}-{item['id']}")
def test_any_mangled_element_is_judged_and_what_passes_is_readable(resource):
    """Every element is replaced by every leaf: the check never breaks, and what it lets pass can
    be indexed and stored."""
    text = json.dumps(resource)
    refused = 0
    for path in [path for path in places(resource) if path]:
        for value in LEAVES:
            sent = wire.parse(text.encode(), depth=32)
            holder = sent
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = copy.deepcopy(value)
            result = check(wire.parse(wire.canonical(sent).encode(), depth=32))
            if isinstance(result, Checked):
                read_values(result.resource)
                assert all(isinstance(part, str) for part in wire.split(result.resource))
            else:
                refused += 1
                assert all(issue.diagnostics for issue in result)
    assert refused > len(LEAVES)
