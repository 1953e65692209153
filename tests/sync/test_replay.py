"""Cut between two commits, the same unit sent twice, somebody else in between: nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from station_emr.domain.errors import DiskFull
from station_emr.domain.record import RecordStatus
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import Fault, FaultyLine


def test_a_lost_reply_is_sent_again_and_harms_nothing(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.work_a_day()
    # metadata, facility, practitioner arrive; the patient is stored, its answer is lost
    line.plan = [None, None, None, Fault(drop_reply=True)]
    engine = station.engine(line)

    broken = engine.run_once()
    arrived = running.held()
    healed = engine.run_once()

    assert (broken.outcome, broken.sent) == ("partial", 2)
    assert f"Patient/{sample.PATIENT_ID}" in arrived
    assert (healed.outcome, healed.sent) == ("complete", 5)
    assert running.held().items() >= arrived.items()
    assert station.waiting() == []


def test_a_record_amended_after_a_lost_reply_is_our_own_and_no_conflict(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(line)
    engine.run_once()
    station.sign(replace(sample.PATIENT, phone="0900000009"), RecordStatus.AMENDED, version=2)
    line.plan = [Fault(drop_reply=True)]
    engine.run_once()
    station.sign(replace(sample.PATIENT, phone="0900000010"), RecordStatus.AMENDED, version=3)

    run = engine.run_once()

    assert (run.outcome, run.quarantined) == ("complete", 0)
    telecom = running.read(f"Patient/{sample.PATIENT_ID}").json()["telecom"]
    assert telecom[0]["value"] == "0900000010"


def test_killed_between_the_servers_commit_and_the_acknowledgement(
    station: Station, running: Server
) -> None:
    station.work_a_day()
    engine = station.engine(running)
    killed = station.engine(running)
    killed._plain._apply = die  # type: ignore[method-assign]  # the process ends right after the answer

    with pytest.raises(KeyboardInterrupt):
        killed.run_once()
    assert len(station.waiting()) == 7
    stored = running.held()
    assert stored != {}
    run = engine.run_once()

    assert (run.outcome, run.sent) == ("complete", 7)
    assert running.held().items() >= stored.items()


def test_the_server_dies_between_its_commit_and_its_reply(station: Station, server: Server) -> None:
    server.start()
    station.work_a_day()
    with FaultyLine(server.port, server.token) as line:
        line.plan = [None, None, None, Fault(after=server.stop, drop_reply=True)]
        engine = station.engine(line)
        broken = engine.run_once()
        server.start()  # the same port, the same database file

        run = engine.run_once()

    assert (broken.outcome, broken.sent) == ("partial", 2)
    assert (run.outcome, run.sent) == ("complete", 5)
    assert server.read(f"Patient/{sample.PATIENT_ID}").json()["meta"]["versionId"] == "1"


def die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_patient_changed_elsewhere_is_kept_for_a_person_to_decide(
    station: Station, running: Server
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(running)
    engine.run_once()
    theirs = running.read(f"Patient/{sample.PATIENT_ID}").json()
    running.put({**theirs, "telecom": [{"system": "phone", "value": "0911111111"}]})
    station.sign(replace(sample.PATIENT, phone="0922222222"), RecordStatus.AMENDED, version=2)

    run = engine.run_once()

    assert run.quarantined == 1
    assert "nơi khác sửa" in station.quarantined()[sample.PATIENT_ID]
    held = running.read(f"Patient/{sample.PATIENT_ID}").json()
    assert held["telecom"][0]["value"] == "0911111111"


def test_the_receiving_hospitals_answer_survives_our_amendment(
    station: Station, running: Server
) -> None:
    station.work_a_day()
    engine = station.engine(running)
    engine.run_once()
    task = running.read(f"Task/{sample.REFERRAL.id}-t1").json()
    running.put({**task, "status": "accepted"})
    station.sign(replace(sample.REFERRAL, plan="Khám lại"), RecordStatus.AMENDED, version=2)

    run = engine.run_once()

    assert (run.outcome, run.sent) == ("complete", 1)
    assert running.read(f"Task/{sample.REFERRAL.id}-t1").json()["status"] == "accepted"
    letter = running.read(f"ServiceRequest/{sample.REFERRAL.id}").text
    assert "Khám lại" in letter


def test_a_full_disk_while_acknowledging_loses_nothing(
    station: Station, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.sign(sample.PATIENT)
    engine = station.engine(running)
    with monkeypatch.context() as full:

        def no_room() -> Any:
            raise DiskFull("Ổ đĩa đã đầy.")

        full.setattr(station.store, "write", no_room)
        run = engine.run_once()
    assert (run.outcome, run.detail) == ("partial", "Ổ đĩa đã đầy.")
    assert len(station.waiting()) == 1

    assert engine.run_once().outcome == "complete"
