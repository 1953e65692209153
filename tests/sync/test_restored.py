"""A database or a server that went back in time, and two programs over one data folder."""

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.security.durable_file import turn
from station_emr.sync.client import FhirClient
from station_emr.sync.engine import SyncEngine
from station_emr.sync.fhir_peer import FhirPeer
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import FaultyLine, canned

AMENDED = RecordStatus.AMENDED


class Restorable(Station):
    """A station whose database can be put back to what a backup held."""

    def __init__(self, folder: Path) -> None:
        self.key = os.urandom(32)
        self.path = folder / "restorable.db"
        super().__init__(EncryptedStore.create(self.path, self.key))

    def backup(self) -> Path:
        target = self.path.with_suffix(".backup")
        self.store.backup(str(target))
        return target

    def versions(self) -> tuple[object, ...]:
        with self.store.read() as work:
            return work.patients.versions(sample.PATIENT_ID)

    def restore(self, backup: Path) -> None:
        self.store.close()
        backup.replace(self.path)
        self.store = EncryptedStore.open(self.path, self.key)


@pytest.fixture
def station(tmp_path):
    made = Restorable(tmp_path)
    yield made
    made.store.close()


def test_a_station_restored_from_before_the_first_sending_does_not_overwrite_the_province(
    station: Restorable, running: Server
) -> None:
    station.work_a_day()
    backup = station.backup()
    station.engine(running).run_once()
    later = replace(sample.ENCOUNTER, advice="Lời dặn của lần sửa đổi")
    station.sign(later, AMENDED, version=2)
    station.engine(running).run_once()
    before = running.held()

    station.restore(backup)
    run = station.engine(running).run_once()

    assert running.held() == before
    assert run.quarantined == 1
    assert "mới hơn bản sao lưu" in station.quarantined()[sample.ENCOUNTER.id]


def test_a_station_restored_from_an_old_backup_does_not_overwrite_the_province(
    station: Restorable, running: Server
) -> None:
    station.work_a_day()
    station.engine(running).run_once()
    backup = station.backup()
    station.sign(replace(sample.ENCOUNTER, advice="Lời dặn mới"), AMENDED, version=2)
    station.engine(running).run_once()
    before = running.held()

    station.restore(backup)
    station.requeue_all()
    station.engine(running).run_once()

    assert running.held() == before
    assert set(station.quarantined()) == {sample.ENCOUNTER.id}


@pytest.mark.parametrize("retried", [False, True])
def test_a_record_saved_again_after_the_question_leaves_by_itself(
    station: Restorable, running: Server, retried: bool
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(running)
    engine.run_once()
    theirs = running.read(f"Patient/{sample.PATIENT_ID}").json()
    running.put({**theirs, "telecom": [{"system": "phone", "value": "0911111111"}]})
    station.sign(replace(sample.PATIENT, phone="0922222222"), AMENDED, version=2)
    assert engine.run_once().quarantined == 1
    if retried:  # asking for another try is no decision
        with station.store.write() as work:
            work.outbox.release_quarantined()
        assert engine.run_once().quarantined == 1

    station.sign(replace(sample.PATIENT, phone="0933333333"), AMENDED, version=3)
    run = engine.run_once()

    assert (run.outcome, run.sent) == ("complete", 1)
    assert station.quarantined() == {}
    held = running.read(f"Patient/{sample.PATIENT_ID}").json()
    assert held["telecom"][0]["value"] == "0933333333"


def test_a_version_signed_before_the_question_is_no_answer_to_it(
    station: Restorable, line: FaultyLine, running: Server
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(line)
    engine.run_once()
    theirs = running.read(f"Patient/{sample.PATIENT_ID}").json()
    running.put({**theirs, "telecom": [{"system": "phone", "value": "0911111111"}]})
    station.sign(replace(sample.PATIENT, phone="0922222222"), AMENDED, version=2)

    def sign_in_flight(kind, record, status, earlier=()):
        if record.phone == "0922222222" and len(station.versions()) == 2:
            station.sign(replace(sample.PATIENT, phone="0944444444"), AMENDED, version=3)
        return build_unit(kind, record, status, earlier)

    engine._build = sign_in_flight
    engine.run_once()
    engine._build = build_unit
    engine.run_once()

    held = running.read(f"Patient/{sample.PATIENT_ID}").json()
    assert held["telecom"][0]["value"] == "0911111111"
    assert sample.PATIENT_ID in station.quarantined()


def test_a_server_that_lost_a_person_is_given_that_person_again(
    station: Restorable, running: Server
) -> None:
    station.work_a_day()
    station.another(1)
    station.engine(running).run_once()
    restored = running.for_another_facility()  # holds nothing, as after an empty backup
    assert station.waiting() == []
    station.sign(replace(sample.APPOINTMENT, id=sample.made_id(77)))

    run = station.engine(restored).run_once()

    assert run.outcome == "complete"
    assert station.waiting() == []
    assert restored.count("Patient") == 1  # the other one is offered when something of theirs goes
    assert restored.count("Encounter") == 1
    assert restored.count("Appointment") == 2


def engine_over(folder: Path, station: Station, to: Server) -> SyncEngine:
    peer = FhirPeer(FhirClient(to.url, to.token, station.clock))
    return SyncEngine(
        station.store, station.clock, build_unit, peer, turn=partial(turn, folder / "sync.lock")
    )


def test_only_one_program_sends_from_a_data_folder(
    station: Restorable, running: Server, tmp_path: Path
) -> None:
    station.work_a_day()
    with turn(tmp_path / "sync.lock") as other:
        assert other
        run = engine_over(tmp_path, station, running).run_once()
    assert (run.outcome, run.sent) == ("elsewhere", 0)
    assert "đang gửi" in run.detail
    assert running.count("Patient") == 0

    assert engine_over(tmp_path, station, running).run_once().outcome == "complete"


def test_answers_in_another_order_are_no_answer(station: Restorable, line: FaultyLine) -> None:
    station.sign(sample.PATIENT)
    unit = build_unit(RecordKind.PATIENT, sample.PATIENT, RecordStatus.SIGNED)
    assert len(unit) > 1
    entries = [
        {
            "response": {
                "status": "201 Created",
                "etag": 'W/"1"',
                "location": f"{one['resourceType']}/{one['id']}/_history/1",
            }
        }
        for one in reversed(unit)
    ]
    body = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    line.plan = [None, canned("200 OK", json.dumps(body))]

    run = station.engine(line).run_once()

    assert (run.outcome, run.sent) == ("offline", 0)
    assert station.waiting()


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Bundle", "type": "transaction-response", "entry": 7},
        {"resourceType": "Bundle", "type": ["transaction-response"], "entry": []},
        {
            "resourceType": "Bundle",
            "type": "transaction-response",
            "entry": [{"response": {"status": "200", "outcome": {"issue": [{"details": 3}]}}}],
        },
        {
            "resourceType": "Bundle",
            "type": "transaction-response",
            "entry": [{"response": {"status": "200", "outcome": [1]}}],
        },
    ],
)
def test_json_of_no_known_shape_is_no_answer(
    station: Restorable, line: FaultyLine, body: object
) -> None:
    with station.store.write() as work:
        work.users.save(sample.USER, author=None, at=sample.AT)
    entries = body["entry"]
    if isinstance(entries, list) and entries:
        unit = build_unit(RecordKind.PRACTITIONER, sample.USER, RecordStatus.SIGNED)
        body = {**body, "entry": entries * len(unit)}
    line.plan = [None, canned("200 OK", json.dumps(body))]

    run = station.engine(line).run_once()

    assert (run.outcome, run.sent) == ("offline", 0)
    assert len(station.waiting()) == 1
