"""A tester of web APIs, written by others, reads /openapi.json and asks what it makes up from it: no
answer is a fault of the server, and each is as the description says.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from provincial_server.exchange.packing import MEDIA_TYPE
from tests.server.samples import encounter, patient

EXAMPLES = 3
STORED = [
    {"resource_type": "Patient", "resource_id": "p1", "version": "1"},
    {"resource_type": "Encounter", "resource_id": "e1", "version": "1"},
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Lines of JSON behind a header; what is in them, test_exchange_hostile.py makes up.
HEADER = json.dumps(
    {"v": 1, "inc": "0123456789abcdef", "n": 0, "rid": "r", "cursor": 0, "epoch": ""}
)
schemathesis.openapi.media_type(
    MEDIA_TYPE, st.sampled_from([HEADER.encode()]) | st.binary(max_size=20)
)


@pytest.fixture
def known(station):
    """The station has something to be found."""
    station.put(patient("p1"))
    station.put(encounter("e1", "p1"))
    return station


def test_every_answer_is_as_the_description_says(server, known):
    described = known.get(f"{server.root}/openapi.json").json()
    api = schemathesis.openapi.from_dict(described)
    api.config.update(base_url=server.root)
    statuses: Counter[int] = Counter()
    tried = set()
    for result in api.get_all_operations():
        operation = result.ok()
        tried.add(operation.label)
        attack(operation, known.token, statuses)
    assert len(tried) == sum(len(methods) for methods in described["paths"].values())
    assert {200, 400, 404} <= set(statuses), statuses
    # That a made-up resource is nearly one is luck.
    case = api["/fhir/{resource_type}/{resource_id}"]["PUT"].Case(
        path_parameters={"resource_type": "Patient", "resource_id": "p1"},
        body=patient("p1") | {"gender": "x"},
        media_type="application/fhir+json",
    )
    answer = case.call(headers={"Authorization": f"Bearer {known.token}"})
    assert answer.status_code == 422
    case.validate_response(answer, checks=CHECKS)


def attack(operation: Any, token: str, statuses: Counter[int]) -> None:
    @seed(len(operation.label))
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), stored=st.sampled_from([None, *STORED]))
    def search(case: schemathesis.Case, stored: dict[str, Any] | None) -> None:
        if stored and operation.method == "get":  # what is made up is hardly ever there
            case.query = {}
            case.path_parameters.update(
                (name, value) for name, value in stored.items() if name in case.path_parameters
            )
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    search()
