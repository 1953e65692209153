"""Writes of several facilities share one transaction of PostgreSQL, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from provincial_server import auth, bundles
from provincial_server.auth import Caller, hash_secret
from provincial_server.exchange import log
from provincial_server.exchange.indexing import catch_up
from provincial_server.exchange.tables import (
    REST,
    Incarnation,
    Operation,
    OperationBucket,
    OperationRecord,
    as_signed,
    as_unsigned,
    bucket_of,
    weight,
)
from provincial_server.postgres.gathering import Gathering
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY, Facility, ResourceHead
from tests import databases
from tests.databases import OperatorDatabase, open_database
from tests.server.exchange_client import record_id
from tests.server.samples import bundle, encounter, entry, patient

DATABASES = [databases.POSTGRESQL]
CODES = ("DEMO01", "DEMO02", "DEMO03")
TOKEN = "token-of-a-test"
PATIENT = 60
"""Seconds: the longest that a test waits for something that must come."""


class Province:
    """Three facilities whose first record is there, and writers that wait for one another."""

    def __init__(self, database: OperatorDatabase) -> None:
        self.database = database
        self.settings = Settings("")
        self.callers: dict[str, Caller] = {}
        with database.write() as session:
            for code in CODES:
                auth.add_facility(session, code, "Trạm mẫu", 0)
                device = auth.enrol_device(session, code, "Máy 1", 0, token=TOKEN + code)
                self.callers[code] = Caller(device.device_id, code, "Trạm mẫu", "Máy 1")
        for code in CODES:
            self.send(code, bundle(entry(patient(record_id()))))

    def send(self, code: str, body: Any) -> bundles.Answer:
        return bundles.process(
            body, self.database, self.settings, self.callers[code], returning=None
        )

    def at_once(self, *sent: tuple[str, Any]) -> Sequence[Future[bundles.Answer]]:
        """The first is about to write when the others come."""
        gathering = self.database.gathering
        assert gathering is not None
        with ThreadPoolExecutor(len(sent) + 1) as pool, held_up(gathering) as first:
            futures = [pool.submit(self.send, *one) for one in sent[:1]]
            assert first.wait(PATIENT)
            futures += [pool.submit(self.send, *one) for one in sent[1:]]
            end = time.monotonic() + PATIENT
            while len(gathering._waiting) < len(sent) - 1:
                assert time.monotonic() < end
                time.sleep(0.002)
        return futures

    def rows(self, model: Any, code: str) -> list[Any]:
        with self.database.read(code) as session:
            return list(session.scalars(select(model)))

    def facility(self, code: str) -> Facility:
        (found,) = self.rows(Facility, code)
        assert isinstance(found, Facility)
        return found


@contextmanager
def held_up(gathering: Gathering[Any]) -> Iterator[threading.Event]:
    """Whoever leads first waits until the end of the block."""
    began, go, together = threading.Event(), threading.Event(), gathering._do_together

    def wait(jobs: Any) -> Any:
        began.set()
        assert go.wait(PATIENT)
        return together(jobs)

    gathering._do_together = wait  # type: ignore[method-assign]
    try:
        yield began
    finally:
        gathering._do_together = together  # type: ignore[method-assign]
        go.set()


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    database = open_database(tmp_path / "server.db")
    try:
        yield Province(database)
    finally:
        database.close()


@pytest.fixture
def groups(province: Province, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The facilities of each shared transaction."""
    found: list[list[str]] = []
    together = Gathering._do_together

    def note(self: Gathering[Any], jobs: Any) -> Any:
        found.append([job.work.facility for job in jobs])
        return together(self, jobs)

    monkeypatch.setattr(Gathering, "_do_together", note)
    return found


def test_who_comes_meanwhile_shares_a_transaction_and_everybody_gets_what_is_his(province, groups):
    own = {code: record_id() for code in CODES}
    futures = province.at_once(
        (CODES[1], bundle(entry(patient(own[CODES[1]])))),
        (CODES[2], bundle(entry(patient(own[CODES[2]])))),
        (CODES[0], bundle(entry(patient(own[CODES[0]])))),
    )
    assert [future.result().taken for future in futures] == [1, 1, 1]
    assert groups == [[CODES[1]], [CODES[0], CODES[2]]]
    catch_up(province.database, province.settings.clock)
    for code in CODES:
        newest = province.rows(Operation, code)[-1]
        assert (newest.facility_code, newest.record_id, newest.sequence) == (code, own[code], 2)
        assert newest.device_id == province.callers[code].device_id
        heads = province.rows(ResourceHead, code)
        assert {head.facility_code for head in heads} == {code}
        assert own[code] in {head.resource_id for head in heads}


def test_one_statement_leaves_behind_what_several_do(province):
    for number in range(6):
        province.send(CODES[0], bundle(entry(patient(record_id()))))
        if number % 2:  # two records: statement by statement
            someone = record_id()
            body = bundle(entry(patient(someone)), entry(encounter(record_id(), someone)))
            province.send(CODES[0], body)
    lines = province.rows(Operation, CODES[0])
    assert [line.sequence for line in lines] == list(range(1, 14))
    assert [line.number for line in lines] == list(range(1, 14))
    assert {(line.incarnation, line.sender) for line in lines} == {(REST, REST)}
    assert [line.shown_sequence for line in lines] == list(range(1, 14))
    times = [line.received_at for line in lines]
    assert times == sorted(set(times))
    facility = province.facility(CODES[0])
    assert (facility.operation_sequence, facility.last_write_at) == (13, times[-1])
    (incarnation,) = [row for row in province.rows(Incarnation, CODES[0]) if row.id == REST]
    assert incarnation.highest_number == 13
    shown = {row.record_id: row for row in province.rows(OperationRecord, CODES[0])}
    assert {row.shown_op_id for row in shown.values()} == {line.op_id for line in lines}
    assert all(row.is_newest for row in shown.values())
    buckets = {
        row.bucket: (row.count, row.total) for row in province.rows(OperationBucket, CODES[0])
    }
    expected: dict[int, list[int]] = {}
    for line in lines:
        expected.setdefault(bucket_of(line.op_id), []).append(weight(line.op_id))
    assert buckets == {
        bucket: (len(all_), as_signed(as_unsigned(sum(all_)))) for bucket, all_ in expected.items()
    }


def test_a_facility_that_somebody_holds_keeps_nobody_else_waiting(province, groups):
    held, free = CODES[0], CODES[1]
    with ThreadPoolExecutor(2) as pool:
        with province.database.write(held) as session:
            session.execute(select(Facility).where(Facility.code == held).with_for_update())
            waits = pool.submit(province.send, held, bundle(entry(patient(record_id()))))
            done = pool.submit(province.send, free, bundle(entry(patient(record_id()))))
            assert done.result(PATIENT).taken == 1
            assert not waits.done()
        assert waits.result(PATIENT).taken == 1
    assert province.facility(held).operation_sequence == 2


def test_two_devices_of_one_facility_are_both_written(province):
    bodies = [bundle(entry(patient(record_id()))) for _ in range(4)]
    futures = province.at_once((CODES[2], bodies[0]), *[(CODES[0], body) for body in bodies[1:]])
    assert [future.result(PATIENT).taken for future in futures] == [1] * 4
    assert [line.sequence for line in province.rows(Operation, CODES[0])] == [1, 2, 3, 4]


def test_a_known_record_goes_the_usual_way_while_the_others_are_taken(province):
    (known,) = province.rows(OperationRecord, CODES[0])
    changed = patient(known.record_id) | {"gender": "other"}
    futures = province.at_once(
        (CODES[2], bundle(entry(patient(record_id())))),
        (CODES[0], bundle(entry(changed))),
        (CODES[1], bundle(entry(patient(record_id())))),
    )
    assert [future.result(PATIENT).taken for future in futures] == [1, 1, 1]
    lines = province.rows(Operation, CODES[0])
    assert [line.record_id for line in lines] == [known.record_id] * 2
    assert '/_history/2"' in futures[1].result().text


def test_who_spoils_the_transaction_is_done_alone_and_the_others_too(province, monkeypatch):
    append, spoilt = log.append_one, []

    def spoil(session: Any, code: str, sequence: int, item: Any) -> None:
        if code == CODES[0]:
            spoilt.append(code)
            sequence = 1  # there already
        append(session, code, sequence, item)

    monkeypatch.setattr(log, "append_one", spoil)
    futures = province.at_once(
        (CODES[2], bundle(entry(patient(record_id())))),
        (CODES[0], bundle(entry(patient(record_id())))),
        (CODES[1], bundle(entry(patient(record_id())))),
    )
    assert [future.result(PATIENT).taken for future in futures] == [1, 1, 1]
    assert spoilt
    for code in CODES:
        assert [line.sequence for line in province.rows(Operation, code)] == [1, 2]
        assert [line.number for line in province.rows(Operation, code)] == [1, 2]


@pytest.mark.parametrize("change", ["revoked", "token", "elsewhere"])
def test_who_is_remembered_is_not_written_for_unless_he_still_may(province, change):
    """The errand itself declines; whoever sent it is then looked up."""
    code = CODES[0]
    caller = province.callers[code]
    token = TOKEN + (CODES[1] if change == "elsewhere" else code)
    if change == "token":
        token = "another"
    remembered = Caller(
        caller.device_id, code, "Trạm mẫu", "Máy 1", remembered_by=hash_secret(token)
    )
    if change == "revoked":
        with province.database.write() as session:
            assert auth.revoke_device(session, caller.device_id, 1)
    province.callers[code] = remembered

    class Out(Exception):
        pass

    def refuse() -> None:
        raise Out

    with pytest.raises(Out):
        bundles.process(
            bundle(entry(patient(record_id()))),
            province.database,
            province.settings,
            remembered,
            returning=None,
            confirm=refuse,
        )
    assert province.facility(code).operation_sequence == 1


def test_who_is_remembered_and_still_may_is_not_looked_up(province):
    code = CODES[0]
    caller = province.callers[code]
    remembered = Caller(
        caller.device_id, code, "Trạm mẫu", "Máy 1", remembered_by=hash_secret(TOKEN + code)
    )

    def never() -> None:
        raise AssertionError

    answer = bundles.process(
        bundle(entry(patient(record_id()))),
        province.database,
        province.settings,
        remembered,
        returning=None,
        confirm=never,
    )
    assert answer.taken == 1
    with province.database.read(EVERY_FACILITY) as session:
        assert len(list(session.scalars(select(Operation)))) == len(CODES) + 1
