"""Stations of the last two releases talk to this server, and it answers as it always did.

A fixture is written once, when its release is made (its row is there, its folder is not): run this
file with ``RECORD_WIRE=0.3``. The first release's own steps stand in test_exchange_first_release.py.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest

from provincial_server.exchange import protocol
from tests.server.conftest import Station
from tests.server.exchange_client import MEDIA_TYPE, encode, envelope, op_id
from tests.server.samples import encounter, patient
from tests.server.wire_versions import SUPPORTED, WireVersion

PERSON, VISIT = "0197a000-0000-7000-8000-0000000000a1", "0197a000-0000-7000-8000-0000000000a2"
INC, OTHER = "00000000000000aa", "00000000000000bb"
MOVES = {"epoch", "lastModified", "lastUpdated", "details", "diagnostics", "location"}
"""What differs from one run to the next, and words that people read."""


def line(kind: str, record: str, resource: dict[str, Any], number: int, **keys: Any) -> bytes:
    return encode({**envelope(kind, record, resource, inc=INC, **keys), "n": number})


def requests_of_0_2() -> list[list[bytes]]:
    """A day of a station of the second release: header and lines of each exchange."""
    person = line("patient", PERSON, patient(PERSON), 1)
    visit = line("encounter", VISIT, encounter(VISIT, PERSON), 2)
    amended = line(
        "patient", PERSON, patient(PERSON, name="Nguyễn Thị Mẫu Hai"), 3,
        base=[op_id(person)], status="amended", reason="Sửa họ tên",
    )  # fmt: skip
    orphan = line("encounter", VISIT[:-1] + "9", encounter(VISIT[:-1] + "9", VISIT), 4)
    header = {"v": 1, "inc": INC, "cursor": 0, "room": 100_000}
    return [
        [encode({**header, "rid": "r1", "n": 2}), person, visit],
        [encode({**header, "rid": "r2", "n": 2}), person, visit],
        [encode({**header, "rid": "r3", "n": 4}), amended, orphan, b"{"],
        [encode({**header, "rid": "r4", "n": 4, "buckets": True})],
        [encode({**header, "rid": "r5", "n": 0, "inc": OTHER})],
        [encode({**header, "rid": "r6", "n": 4, "v": 99})],
    ]


def exchange(station: Station, body: bytes) -> dict[str, Any]:
    answer = station.call("POST", "$exchange", body, content_type=MEDIA_TYPE, accept=MEDIA_TYPE)
    own = answer.headers["Content-Type"].startswith(MEDIA_TYPE)
    parts = answer.content.split(b"\n") if own else [answer.content]
    return {
        "status": answer.status_code,
        "versions": answer.headers.get("X-Exchange-Versions"),
        "header": settled(json.loads(parts[0])),
        "lines": [base64.b64encode(part).decode() for part in parts[1:]],
    }


def settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "" if key in MOVES else settled(item)
            for key, item in value.items()
            if key != "size"  # it follows from the rest
        }
    return [settled(item) for item in value] if isinstance(value, list) else value


def record(version: WireVersion, station: Station) -> None:
    """Write what this server answers; refuses to touch a fixture that exists."""
    version.fixture.mkdir()
    for number, parts in enumerate(requests_of_0_2(), 1):
        body = b"\n".join(parts)
        row = {"body": base64.b64encode(body).decode(), "answer": exchange(station, body)}
        text = json.dumps(row, indent=1, sort_keys=True, ensure_ascii=False)
        (version.fixture / f"{number}.json").write_text(f"{text}\n", encoding="utf-8")


def grown_from(told: Any, then: Any) -> bool:
    """Everything that was said then is said now; more may be said, for programs that know it."""
    if isinstance(then, dict):
        return isinstance(told, dict) and all(
            key in told and grown_from(told[key], item) for key, item in then.items()
        )
    return bool(told == then)


def test_the_last_two_versions_have_their_fixture() -> None:
    assert len(SUPPORTED) == 2
    assert SUPPORTED[-1].exchange == protocol.VERSION  # a new one needs a row and a fixture
    for version in SUPPORTED:
        assert len(list(version.fixture.glob("*.json"))) >= 6


@pytest.mark.parametrize(
    "version",
    [one for one in SUPPORTED if one.exchange is not None],
    ids=lambda version: version.program,
)
def test_an_exchange_is_answered_as_it_was(version: WireVersion, station: Station) -> None:
    if os.environ.get("RECORD_WIRE") == version.program:
        record(version, station)
        pytest.skip("recorded: look at the fixture before it is kept")
    for step in sorted(version.fixture.glob("*.json")):
        row = json.loads(step.read_text(encoding="utf-8"))
        told = exchange(station, base64.b64decode(row["body"]))
        assert grown_from(told, settled(row["answer"])), (step.name, told)
