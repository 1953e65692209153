"""What the first release's program sent, word for word, and what its server answered then."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.server.conftest import RunningServer, Station

_STEPS = sorted((Path(__file__).parent / "wire_0_1").glob("*.json"))
_TIMES = re.compile(r'"(lastModified|lastUpdated)":"[^"]*"')


def judged(text: str) -> Any:
    """The answer without the moment at which it was given."""
    return json.loads(_TIMES.sub(r'"\1":""', text)) if text else None


def offers(rest: dict[str, Any]) -> set[tuple[str, ...]]:
    """What a station may rely on: interactions, types, their searches and what a write may be."""
    found = {("system", one["code"]) for one in rest["interaction"]}
    for one in rest["resource"]:
        kind = one["type"]
        found |= {(kind, "does", each["code"]) for each in one["interaction"]}
        found |= {(kind, "finds", each["name"], each["type"]) for each in one["searchParam"]}
        found |= {(kind, name, str(one[name])) for name in ("versioning", "updateCreate")}
    return found


def replay(station: Station, row: dict[str, Any]) -> None:
    headers = {name.replace("-", "_"): value for name, value in row["headers"].items()}
    headers.pop("content_encoding", None)
    body = row["body"].encode() or None
    answer = station.call(row["method"], row["path"].removeprefix("/"), body, **headers)
    assert answer.status_code == row["status"], answer.text
    if row["path"] == "/metadata":
        told, then = answer.json(), json.loads(row["answer"])
        assert told["fhirVersion"] == then["fhirVersion"]
        [told_rest], [then_rest] = told["rest"], then["rest"]
        assert offers(then_rest) <= offers(told_rest)
        return
    assert judged(answer.text) == judged(row["answer"])
    for name, value in row["answer_headers"].items():
        assert answer.headers[name] == value


def test_every_step_is_answered_as_it_was(server: RunningServer, station: Station) -> None:
    assert len(_STEPS) == 7
    for step in _STEPS:
        for row in json.loads(step.read_text(encoding="utf-8")):
            replay(station, row)
    assert station.count("Patient") == 1
