"""Plain transactions of new records: answered from the line alone, and nobody can tell."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from provincial_server import auth, bundles, wire
from provincial_server.auth import Caller
from provincial_server.exchange import feed, log, new_records
from provincial_server.exchange.indexing import catch_up
from provincial_server.exchange.tables import (
    REST,
    Operation,
    as_unsigned,
    bucket_of,
    table_of,
    unpack_line,
    weight,
)
from provincial_server.faults import FhirFault
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY, Facility, ResourceVersion
from tests import databases
from tests.databases import OperatorDatabase, open_database
from tests.server.exchange_client import record_id
from tests.server.samples import bundle, encounter, entry, observation, patient

DATABASES = databases.BOTH
CODE = "DEMO01"
_START = 1_763_600_000_000


class Province:
    """One facility, and a clock that goes on by a second at each look."""

    def __init__(self, database: OperatorDatabase) -> None:
        self.database = database
        ticks = itertools.count(_START, 1000)
        self.settings = Settings("", clock=lambda: next(ticks))
        with database.write() as session:
            auth.add_facility(session, CODE, "Trạm mẫu", 0)
            device = auth.enrol_device(session, CODE, "Máy 1", 0).device_id
        self.caller = Caller(device, CODE, "Trạm mẫu", "Máy 1")

    def send(self, *resources: dict[str, Any], returning: str | None = None) -> list[Any]:
        body = json.dumps(bundle(*map(entry, resources)))
        parsed = wire.parse(body.encode(), depth=32)
        answer = bundles.process(
            parsed, self.database, self.settings, self.caller, returning=returning
        )
        found: list[Any] = json.loads(answer.text)["entry"]
        return found

    def lines(self) -> list[bytes]:
        with self.database.read() as session:
            query = select(Operation.line).order_by(Operation.sequence)
            return [unpack_line(packed) for packed in session.scalars(query)]

    def behind(self) -> int:
        with self.database.read() as session:
            row = session.get_one(Facility, CODE)
            return row.operation_sequence - row.indexed_sequence

    def versions(self) -> list[tuple[Any, ...]]:
        """Once the index has followed, in the order in which a reader meets them."""
        catch_up(self.database, self.settings.clock)
        table = table_of(ResourceVersion)
        columns = (table.c.last_updated, table.c.resource_id, table.c.version, table.c.content)
        with self.database.read() as session:
            return [tuple(row) for row in session.execute(select(*columns).order_by(*columns[:3]))]

    def exchange(self, line: bytes) -> None:
        """As a station sends it, its resources still to come."""
        content = json.loads(line)
        with self.database.write() as session:
            facility = session.get_one(Facility, CODE)
            operation = log.NewOperation(
                op_id=new_records.operation_id(line),
                kind=content["kind"],
                record_id=content["id"],
                base=(),
                incarnation=content["inc"],
                number=content["n"],
                line=line,
                device_id=self.caller.device_id,
                sender=content["inc"],
            )
            log.append(session, facility, [operation], self.settings.clock())


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    database = open_database(tmp_path / "province.db")
    yield Province(database)
    database.close()


def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_records, "take", lambda *_, **__: None)


def _visit(record: str, person: str) -> list[dict[str, Any]]:
    findings = [observation(f"{record}-v{number}", person, record) for number in (1, 2)]
    return [encounter(record, person), *findings]


def test_the_answer_comes_before_the_resources_and_says_what_they_will_be(
    province: Province,
) -> None:
    person = record_id()
    (answered,) = province.send(patient(person))
    assert answered["response"]["status"] == "201 Created"
    assert answered["response"]["location"] == f"Patient/{person}/_history/1"
    assert province.behind() == 1
    ((at, name, version, _),) = province.versions()
    assert (name, version) == (person, 1)
    assert answered["response"]["lastModified"] == wire.instant(at)
    assert province.behind() == 0


@pytest.mark.parametrize("returning", [None, "representation", "OperationOutcome"])
def test_answers_lines_and_resources_are_those_of_the_usual_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returning: str | None
) -> None:
    person, visit, other = record_id(), record_id(), record_id()
    sent = [
        [patient(person)],
        _visit(visit, person),
        [patient(other), *_visit(record_id(), other)],
        [{**encounter(record_id(), person), "status": "entered-in-error"}],
    ]
    seen = []
    for way in ("quick", "usual"):
        database = open_database(tmp_path / f"{way}.db")
        one = Province(database)
        device = one.caller.device_id
        answers = [one.send(*resources, returning=returning) for resources in sent]
        assert (one.behind() == 0) is (way == "usual")
        lines = [_without_time(line, device) for line in one.lines()]
        rows = [row[1:] for row in one.versions()]
        with database.read() as session:
            assert [row for row in feed.read_tallies(session, CODE) if row[0]] == _tallies(one)
        seen.append(([[_without_moment(item) for item in each] for each in answers], lines, rows))
        database.close()
        _slowly(monkeypatch)
    assert [sorted(part, key=str) for part in seen[0]] == [
        sorted(part, key=str) for part in seen[1]
    ]
    assert seen[0][1] == seen[1][1]


def _without_time(line: bytes, device: str) -> str:
    content = json.loads(line)
    assert wire.canonical(wire.reread(line)).encode() == line
    assert content.pop("at").startswith("2025-11-20T")
    assert content["by"].pop("id") == device
    return json.dumps(content)


def _without_moment(item: dict[str, Any]) -> dict[str, Any]:
    del item["response"]["lastModified"]
    item.get("resource", {}).get("meta", {}).pop("lastUpdated", None)
    return item


def _tallies(province: Province) -> list[tuple[int, int]]:
    ids = [new_records.operation_id(line) for line in province.lines()]
    found: dict[int, tuple[int, int]] = {}
    for op_id in ids:
        count, total = found.get(bucket_of(op_id), (0, 0))
        found[bucket_of(op_id)] = (count + 1, as_unsigned(total + weight(op_id)))
    return [found[bucket] for bucket in sorted(found)]


def test_a_second_sending_changes_nothing(province: Province) -> None:
    person, visit = record_id(), record_id()
    province.send(patient(person))
    first = province.send(*_visit(visit, person))
    again = province.send(*_visit(visit, person))
    assert {item["response"]["status"] for item in again} == {"200 OK"}
    assert [item["response"]["lastModified"] for item in again] == [
        item["response"]["lastModified"] for item in first
    ]
    assert len(province.lines()) == 2


def test_a_change_of_what_has_not_been_indexed_is_its_second_version(province: Province) -> None:
    person = record_id()
    province.send(patient(person))
    (answered,) = province.send(patient(person, name="Trần Văn Mẫu"))
    assert answered["response"]["location"].endswith("/_history/2")
    assert [json.loads(line)["status"] for line in province.lines()] == ["signed", "amended"]
    assert [row[2] for row in province.versions()] == [1, 2]


def test_a_resource_added_to_a_known_record_is_an_amendment(province: Province) -> None:
    person, visit = record_id(), record_id()
    province.send(patient(person), encounter(visit, person))
    province.send(observation(f"{visit}-v1", person, visit))
    last = json.loads(province.lines()[-1])
    assert (last["status"], len(last["resources"])) == ("amended", 2)


def test_nothing_is_taken_without_its_person(province: Province) -> None:
    visit = record_id()
    with pytest.raises(FhirFault) as refusal:
        province.send(*_visit(visit, record_id()))
    assert refusal.value.status == 422
    assert refusal.value.issues[0].expression == "Bundle.entry[0].resource.subject.reference"
    assert province.lines() == []


def test_times_grow_although_lines_of_a_station_wait_for_the_index(province: Province) -> None:
    first, second, third, fourth = (record_id() for _ in range(4))
    province.send(patient(first))
    line = province.lines()[0].replace(b'"inc":"rest"', b'"inc":"00000000000000aa"')
    province.exchange(line.replace(first.encode(), second.encode()))
    assert province.behind() == 2
    province.send(patient(third))  # the index had to follow first
    assert province.behind() == 0
    province.send(patient(fourth))
    assert province.behind() == 1
    assert [row[1] for row in province.versions()] == [first, second, third, fourth]


def test_times_grow_although_the_clock_goes_back(province: Province) -> None:
    people = [record_id() for _ in range(3)]
    province.send(patient(people[0]))
    province.settings = Settings("", clock=lambda: 5)
    for person in people[1:]:
        province.send(patient(person))
    rows = province.versions()
    assert [row[1] for row in rows] == people
    assert len({row[0] for row in rows}) == len(people)


def test_numbers_are_never_given_twice(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [record_id() for _ in range(6)]
    province.send(patient(people[0]), patient(people[1]))
    with pytest.raises(FhirFault):
        province.send(patient(people[2]), *_visit(record_id(), record_id()))
    province.send(patient(people[3]))
    _slowly(monkeypatch)
    province.send(patient(people[4]))
    monkeypatch.undo()
    province.send(patient(people[5]))
    numbers = [json.loads(line)["n"] for line in province.lines()]
    assert numbers == sorted(set(numbers))
    assert {json.loads(line)["inc"] for line in province.lines()} == {REST}


def test_a_name_like_the_place_of_the_number_is_no_number(province: Province) -> None:
    said = '"n":0,"resources":'
    person = record_id()
    province.caller = Caller(province.caller.device_id, CODE, "Trạm mẫu", said)
    province.send(patient(person, name=said))
    (line,) = province.lines()
    content = json.loads(line)
    assert (content["n"], content["device"]) == (1, said)
    assert wire.canonical(wire.reread(line)).encode() == line


def test_sums_wrap_as_unsigned_numbers_do(province: Province) -> None:
    random.seed(4)
    odd = ["0" * 16, "f" * 16, "8" + "0" * 15, "7" + "f" * 15, "0" * 15 + "1"]
    tails = [*odd, *(f"{random.getrandbits(64):016x}" for _ in range(60))]
    random.shuffle(tails)
    ids = [
        f"{'ab' if number % 2 else 'cd'}{number:014x}{tail}" for number, tail in enumerate(tails)
    ]
    wanted: dict[int, int] = {}
    for place in range(0, len(ids), 3):
        some = ids[place : place + 3]
        with province.database.write() as session:
            log._write_tally(session, CODE, some)
        for op_id in some:
            wanted[bucket_of(op_id)] = as_unsigned(wanted.get(bucket_of(op_id), 0) + weight(op_id))
        with province.database.read() as session:
            table = feed.read_tallies(session, CODE)
        assert {number: table[number][1] for number in wanted} == wanted
    assert sum(count for count, _ in table) == len(ids)


def test_what_was_answered_is_there_after_the_process_was_killed(
    province: Province, tmp_path: Path
) -> None:
    person = record_id()
    province.send(patient(person))
    again = open_database(tmp_path / "province.db")  # nothing was closed
    try:
        catch_up(again, province.settings.clock, CODE)
        with again.read(EVERY_FACILITY) as session:
            assert session.scalars(select(ResourceVersion.resource_id)).all() == [person]
    finally:
        again.close()


def test_a_line_that_cannot_be_written_takes_its_number_and_its_answer_along(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = str(log._ADD_TALLY).replace(":count, :total)", "NULL, :total)")
    monkeypatch.setattr(log, "_ADD_TALLY", text(broken))
    with pytest.raises(IntegrityError) as fault:
        province.send(patient(record_id()))
    assert fault.value.params is None  # they are patients
    monkeypatch.undo()
    assert province.lines() == []
    province.send(patient(record_id()))
    assert json.loads(province.lines()[0])["n"] == 1
