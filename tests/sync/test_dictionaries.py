"""Which dictionary goes: the highest that both ends know, and gzip where there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from station_emr.services.resources import resource_path
from station_emr.sync import dictionaries
from station_emr.sync.capabilities import ServerFacts, read_statement
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine
from tests.sync.faults import Fault, FaultyLine
from tests.sync.test_exchange_answers import HEAD_END, without_exchange


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A station that ships a second dictionary."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    shutil.copy(resource_path("sync", "dictionary-1.zdict"), folder)
    words = [
        b'{"resourceType":"Patient","n":%d,"name":"Ten %d"}' % (n, n * 7919) for n in range(2000)
    ]
    made = zstandard.train_dictionary(4096, words)
    (folder / "dictionary-2.zdict").write_bytes(made.as_bytes())
    cached = (dictionaries.dictionary, dictionaries.shipped, dictionaries.compressor)
    for one in cached:
        one.cache_clear()
    monkeypatch.setattr(dictionaries, "resource_path", lambda *parts: folder / parts[-1])
    monkeypatch.setattr(dictionaries, "NEWEST", 2)
    yield
    for one in cached:
        one.cache_clear()


@pytest.fixture
def machine(tmp_path: Path, line: FaultyLine) -> Iterator[Machine]:
    made = new_machine(tmp_path, line, "station")
    yield made
    made.store.close()


class Said:
    """The headers of every exchange that went over the line."""

    def __init__(self, line: FaultyLine) -> None:
        self.packed: list[tuple[str, str]] = []
        line.always = self

    def __call__(self, request: bytes) -> None:
        head = request.partition(HEAD_END)[0].decode("latin-1").split("\r\n")
        if head[0].startswith("POST /fhir/$exchange"):
            named = dict(line.lower().split(": ", 1) for line in head[1:])
            self.packed.append(
                (named.get("content-encoding", ""), named.get("x-exchange-dictionary", ""))
            )


@pytest.mark.usefixtures("two", "running")
def test_a_server_with_the_first_dictionary_alone_is_sent_that(
    machine: Machine, line: FaultyLine
) -> None:
    """Neither a 415 nor gzip: the statement says what the server has."""
    machine.another(1)
    said = Said(line)

    runs = [machine.sync()]
    machine.another(2)
    runs.append(machine.sync())

    assert [run.outcome for run in runs] == ["complete"] * 2
    assert ("zstd", "1") in said.packed
    assert {number for _, number in said.packed} == {"1"}
    assert "gzip" not in {encoding for encoding, _ in said.packed}


def test_a_server_that_offers_no_dictionary_is_sent_gzip(
    machine: Machine, line: FaultyLine, running: Server
) -> None:
    said = Said(line)
    line.plan = [Fault(spoil=lambda reply: offering(reply, []))]
    machine.sync()
    machine.another(1)
    machine.sync()

    assert {number for _, number in said.packed} == {""}
    assert "gzip" in {encoding for encoding, _ in said.packed}
    assert running.count("Patient") == 1


def offering(reply: bytes, numbers: list[int]) -> bytes:
    """The statement with other dictionaries."""
    head, _, body = without_exchange(reply).partition(HEAD_END)
    statement = json.loads(body)
    statement["rest"][0]["operation"] = [exchange(*numbers)]
    body = json.dumps(statement).encode()
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*kept, b"Content-Length: %d" % len(body)]) + HEAD_END + body


def exchange(*numbers: Any) -> dict[str, Any]:
    said = [{"url": "urn:x/exchange-version", "valueInteger": 1}]
    said += [{"url": "urn:x/exchange-dictionary", "valueInteger": one} for one in numbers]
    return {"name": "exchange", "extension": said}


@pytest.mark.parametrize(
    ("offered", "best"),
    [(None, 1), ((), 0), ((1,), 1), ((1, 2), 2), ((2,), 2), ((1, 3), 1), ((3,), 0)],
)
@pytest.mark.usefixtures("two")
def test_the_highest_that_both_know(offered: tuple[int, ...] | None, best: int) -> None:
    assert dictionaries.best_of(offered) == best


@pytest.mark.usefixtures("two")
def test_a_body_for_a_server_with_both_is_packed_with_the_second() -> None:
    class Client:
        facts = ServerFacts(url="", dictionaries=(1, 2))

    packing = ExchangeOverHttp(Client(), bytes)._best()  # type: ignore[arg-type]

    assert (packing.encoding, packing.dictionary) == ("zstd", 2)


def test_the_statement_names_the_dictionaries_and_they_are_remembered() -> None:
    rest = {"mode": "server", "operation": [exchange(2, 1, 2, 0, -1, True, "3", None, [4])]}
    body = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}

    found = read_statement(body, frozenset())

    assert found is not None
    assert found.dictionaries == (1, 2)
    facts = ServerFacts(url="https://x.example", dictionaries=found.dictionaries)
    assert ServerFacts.from_text(facts.to_text(), facts.url) == facts
    assert ServerFacts.from_text('{"url":"https://x.example"}', facts.url).dictionaries is None
