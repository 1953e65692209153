"""What an exchange must refuse, and what nothing may bring it to: a 500, or a row in a table."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from typing import Any

import pytest
import zstandard
from sqlalchemy import func, select

from provincial_server.exchange import packing
from provincial_server.exchange.tables import Operation
from provincial_server.faults import FhirFault
from tests.server.conftest import RunningServer, Station
from tests.server.exchange_client import (
    MEDIA_TYPE,
    Machine,
    encode,
    envelope,
    person,
    record_id,
    visit,
)
from tests.server.rich_samples import RICH
from tests.server.samples import patient

_LIMIT = 600_000  # bytes of an unpacked body, as the test server is set up


@pytest.fixture
def machine(station: Station) -> Machine:
    return Machine(station)


def kept(server: RunningServer, machine: Machine) -> int:
    with server.database.read() as session:
        own = Operation.facility_code == machine.station.facility
        return session.scalar(select(func.count()).where(own)) or 0


def outcome(response: Any) -> str:
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    assert all(issue["diagnostics"] and issue["details"]["text"] for issue in body["issue"])
    return str(body["issue"][0]["code"])


# --- packing ------------------------------------------------------------------------------------


def zstd(plain: bytes, dictionary: int = 0) -> bytes:
    words = packing.dictionary(dictionary)
    return zstandard.ZstdCompressor(level=19, dict_data=words).compress(plain)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd", "zstd with dictionary"])
def test_every_packing_is_understood_both_ways(machine: Machine, encoding: str) -> None:
    lines = [person(record_id()) for _ in range(3)]
    plain = machine.body(*lines, want=[])
    name = encoding.split(maxsplit=1)[0]
    number = 1 if encoding.endswith("dictionary") else 0
    body = {"identity": plain, "gzip": gzip.compress(plain), "zstd": zstd(plain, number)}[name]
    headers = {"content_encoding": name, "accept_encoding": name}
    if number:
        headers["x_exchange_dictionary"] = "1"
    assert machine.raw(body, **headers).status_code == 200

    reader = Machine(machine.station)
    response = reader.station.session.post(
        f"{machine.station.base}/$exchange",
        data=reader.body(),
        headers={
            "Authorization": f"Bearer {machine.station.token}",
            "Content-Type": MEDIA_TYPE,
            "Accept-Encoding": name,
            **({"X-Exchange-Dictionary": "1"} if number else {}),
        },
        stream=True,
        timeout=60,
    )
    came = response.raw.read(decode_content=False)
    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert response.headers.get("Content-Encoding", "identity") == name
    assert response.headers.get("X-Exchange-Dictionary", "0") == str(number)
    if name == "gzip":
        came = gzip.decompress(came)
    if name == "zstd":
        words = packing.dictionary(number)
        came = zstandard.ZstdDecompressor(dict_data=words).decompress(came)
    assert came.split(b"\n")[1:] == lines


def test_an_exchange_of_nothing_is_small(machine: Machine) -> None:
    machine.exchange()
    response = machine.raw(machine.body(), accept_encoding="identity")
    assert json.loads(response.content)["count"] == 0
    assert len(machine.body()) + len(response.content) < 400


def test_the_dictionary_is_offered_where_it_is_known(machine: Machine) -> None:
    [rest] = machine.station.get("metadata").json()["rest"]
    operation = rest["operation"][0]
    assert operation["name"] == "exchange"
    numbers = {
        item["url"].rsplit("/", 1)[1]: item["valueInteger"] for item in operation["extension"]
    }
    assert numbers["exchange-version"] == 1
    assert numbers["exchange-dictionary"] == 1


def bombs() -> dict[str, bytes]:
    zeros = bytes(40 * _LIMIT)
    sized = zstandard.ZstdCompressor(level=3).compress(zeros)
    unsized = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(zeros)
    return {"gzip": gzip.compress(zeros), "zstd": sized, "zstd ": unsized}


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "zstd "])
def test_a_bomb_is_refused_before_it_unfolds(machine: Machine, encoding: str) -> None:
    response = machine.raw(bombs()[encoding], content_encoding=encoding.strip())
    assert response.status_code == 413
    assert outcome(response) == "too-long"


def test_unpacking_stops_at_the_limit_whatever_a_frame_says() -> None:
    """A frame without a size is unpacked in slices; memory stays near the limit."""
    bomb = zstandard.ZstdCompressor(level=19, write_content_size=False).compress(bytes(2 * 10**8))
    tracemalloc.start()
    with pytest.raises(FhirFault):
        packing.unpack(bomb, packing.Packing("zstd"), _LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * 10**6


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "zstd", "x_exchange_dictionary": "9"}, 415),
        ({"content_encoding": "zstd", "x_exchange_dictionary": "one"}, 415),
        ({"content_type": "application/json"}, 415),
        ({"accept": "text/html"}, 406),
        ({"authorization": "Bearer nobody"}, 401),
        ({"content_encoding": "gzip"}, 400),
        ({"content_encoding": "zstd"}, 400),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    machine: Machine, headers: dict[str, str], status: int
) -> None:
    response = machine.raw(machine.body(), **headers)
    assert response.status_code == status
    outcome(response)


def test_an_answer_never_uses_a_dictionary_that_the_asker_did_not_name(machine: Machine) -> None:
    machine.exchange(*(person(record_id()) for _ in range(3)))
    for named in ("", "9", "x"):
        response = machine.raw(
            Machine(machine.station).body(), accept_encoding="zstd", x_exchange_dictionary=named
        )
        assert response.status_code == 200
        assert "X-Exchange-Dictionary" not in response.headers


# --- the header ---------------------------------------------------------------------------------


def test_an_unknown_version_is_told_which_ones_are_known(machine: Machine) -> None:
    response = machine.raw(machine.body(v=2))
    assert response.status_code == 400
    assert response.headers["X-Exchange-Versions"] == "1"


@pytest.mark.parametrize(
    "change",
    [
        {"v": "1"},
        {"rid": 5},
        {"rid": "x" * 101},
        {"inc": "rest"},
        {"inc": "ABCDEF0123456789"},
        {"n": -1},
        {"n": 2**63},
        {"n": 1.5},
        {"cursor": -1},
        {"cursor": "0"},
        {"room": -1},
        {"want": ["x"]},
        {"want": "ab" * 16},
        {"buckets": [256]},
        {"buckets": [-1]},
        {"buckets": 5},
        {"state": []},
        {"epoch": 7},
    ],
    ids=str,
)
def test_a_header_out_of_order_is_refused_whole(
    server: RunningServer, machine: Machine, change: dict[str, Any]
) -> None:
    response = machine.raw(machine.body(person(record_id()), **change))
    assert response.status_code == 400
    assert outcome(response) == "structure"
    assert kept(server, machine) == 0


def test_a_key_of_a_later_protocol_is_passed_over(machine: Machine) -> None:
    assert machine.exchange(person(record_id()), later={"x": [1]}).taken == [0]


@pytest.mark.parametrize(
    "body",
    [b"", b"\n", b"[]", b"{}", b"\xff\xfe", b"null\n{}", b'{"v":1}', b"[" * 100_000],
    ids=lambda body: repr(body[:8]),
)
def test_a_body_without_a_header_is_refused(machine: Machine, body: bytes) -> None:
    response = machine.raw(body)
    assert response.status_code == 400
    outcome(response)


def test_a_request_that_was_cut_short_is_refused_whole(
    server: RunningServer, machine: Machine
) -> None:
    lines = [person(record_id()) for _ in range(3)]
    size = len(b"\n".join(lines))
    assert machine.raw(machine.body(*lines[:2], size=size)).status_code == 400
    assert kept(server, machine) == 0
    assert machine.exchange(*lines, size=size).taken == [0, 1, 2]
    answer = Machine(machine.station).ask()
    assert answer.header["size"] == size


def test_an_empty_line_is_refused_whole(server: RunningServer, machine: Machine) -> None:
    response = machine.raw(machine.body(b"", person(record_id())))
    assert response.status_code == 400
    assert kept(server, machine) == 0


# --- the lines ----------------------------------------------------------------------------------


def damaged(chance: random.Random, lines: list[bytes]) -> bytes:
    line = bytearray(chance.choice(lines))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(line))
        piece = chance.choice(
            [b"", b"\x00", b"\xff", b'"', b"{", b"[", b"}", b"9" * 60, b"1e999", b"-", b"\\ud800"]
        )
        line[at : at + chance.randint(0, 3)] = piece
    return bytes(line).replace(b"\n", b"")


def test_damaged_lines_are_poison_or_nothing(server: RunningServer, machine: Machine) -> None:
    """Some hundred of them: never a 500, and what is stored has been judged."""
    chance = random.Random(20261120)
    record = record_id()
    good = [person(record), visit(record_id(), record, findings=2)]
    good += [encode(envelope("encounter", record, {**resource, "id": record})) for resource in RICH]
    machine.exchange(good[0])
    for _ in range(12):
        lines = [line for line in (damaged(chance, good) for _ in range(30)) if line]
        answer = machine.exchange(*lines)
        assert set(answer.taken) | set(answer.refused) == set(range(len(lines)))
        assert not set(answer.taken) & set(answer.refused)
    assert machine.station.get(f"Patient/{record}").status_code == 200
    assert machine.station.get("Encounter").status_code == 200
    overview = machine.station.call(
        "GET", f"{server.root}/overview", authorization=f"Bearer {server.admin_token}"
    ).json()
    skipped = {item["code"]: item["skipped_operations"] for item in overview["facilities"]}
    assert skipped[machine.station.facility] == 0


def test_damaged_bodies_never_meet_a_fault(server: RunningServer, machine: Machine) -> None:
    chance = random.Random(20261121)
    for number in range(150):
        body = bytearray(machine.body(person(record_id())))
        packed = number % 3
        if packed:
            body = bytearray(gzip.compress(bytes(body)) if packed == 1 else zstd(bytes(body)))
        for _ in range(chance.randint(1, 3)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        encoding = ("identity", "gzip", "zstd")[packed]
        assert machine.raw(bytes(body), content_encoding=encoding).status_code in {200, 400, 413}
    assert kept(server, machine) < 150


@pytest.mark.parametrize(
    "line",
    [
        b"{" * 5000,
        b'{"a":' * 5000,
        b"[" * 200_000,
        b'"text"',
        b"null",
        b"12",
        b'{"kind":{}}',
        b'{"n":' + b"9" * 5000 + b"}",
        b"\xed\xa0\x80",
        b"\x00",
    ],
    ids=lambda line: repr(line[:8]),
)
def test_a_line_that_is_no_operation_is_poison(machine: Machine, line: bytes) -> None:
    answer = machine.exchange(line, person(record_id()))
    assert answer.refused == {0: "poison"}
    assert answer.taken == [1]


@pytest.mark.parametrize("key", ["kind", "id", "inc", "status", "at", "base", "by", "resources"])
@pytest.mark.parametrize("value", [[], {}, [[]], {"a": 1}, 10**30, "\x00", "\ud800", None, True])
def test_an_envelope_of_odd_types_is_poison(machine: Machine, key: str, value: Any) -> None:
    if key == "base" and value is None:
        value = [None]
    one = record_id()
    content = envelope("patient", one, patient(one)) | {key: value}
    line = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert machine.exchange(line).refused == {0: "poison"}


def test_a_key_that_stands_twice_is_poison(machine: Machine) -> None:
    line = person(record_id())
    assert machine.exchange(line.replace(b'"gender"', b'"gender":"male","gender"')).refused == {
        0: "poison"
    }


def test_too_many_resources_in_one_line_are_poison(machine: Machine) -> None:
    one = record_id()
    line = encode(envelope("patient", one, *(patient(f"{one}-{n}") for n in range(61))))
    assert machine.exchange(line).refused == {0: "poison"}


def test_a_body_over_the_limit_is_refused(server: RunningServer, machine: Machine) -> None:
    response = machine.raw(machine.body(b"x" * _LIMIT))
    assert response.status_code == 413
    assert outcome(response) == "too-long"
    assert kept(server, machine) == 0
