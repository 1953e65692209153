"""The station's outbox against the real server over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from station_emr.domain.encounter import Diagnosis
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server, Station
from tests.sync.faults import Fault, FaultyLine


def test_a_day_offline_arrives_whole_when_the_server_is_back(
    station: Station, server: Server
) -> None:
    server.port = 9  # nobody listens there
    station.work_a_day()
    lonely = station.engine(server).run_once()
    server.port = 0
    server.start()
    engine = station.engine(server)

    run = engine.run_once()

    assert (lonely.outcome, lonely.sent) == ("offline", 0)
    assert (run.outcome, run.sent, run.quarantined) == ("complete", 7, 0)
    assert run.changed == len(server.held())
    assert station.waiting() == []
    assert engine.link() is LinkState.ONLINE
    assert engine.count_on_server(["Patient", "Encounter", "ServiceRequest"]) == {
        "Patient": 1,
        "Encounter": 1,
        "ServiceRequest": 1,
    }
    assert server.read(f"Patient/{sample.PATIENT_ID}").json()["name"] == [
        {"text": sample.PATIENT.full_name}
    ]


def test_a_second_sync_is_one_small_request_and_changes_nothing(
    station: Station, running: Server, line: FaultyLine
) -> None:
    station.work_a_day()
    engine = station.engine(line)
    engine.run_once()
    before = running.held()
    line.requests.clear()

    run = engine.run_once()

    assert (run.outcome, run.sent, run.changed) == ("complete", 0, 0)
    assert line.requests == ["GET /fhir/Patient?_summary=count"]
    assert run.bytes_up + run.bytes_down < 500
    assert running.held() == before


def test_replaying_everything_changes_nothing(station: Station, running: Server) -> None:
    station.work_a_day()
    engine = station.engine(running)
    engine.run_once()
    before = running.held()
    assert station.requeue_all() == 7

    run = engine.run_once()

    assert (run.outcome, run.sent, run.changed) == ("complete", 7, 0)
    assert running.held() == before
    assert station.waiting() == []


def test_an_amendment_made_in_flight_stays_queued(
    station: Station, running: Server, line: FaultyLine
) -> None:
    """Acknowledged by number: the answer to version 1 says nothing about version 2."""
    station.sign(sample.PATIENT)
    changed = replace(sample.PATIENT, phone="0900000009")

    def edit() -> None:
        station.sign(changed, RecordStatus.AMENDED, version=2)

    line.plan = [None, Fault(after=edit)]
    engine = station.engine(line)
    sent: list[int] = []
    engine._on_progress = lambda progress: sent.append(len(station.waiting()))

    run = engine.run_once()

    assert sent == [1, 0]  # after the first answer version 2 still waits
    assert run.sent == 2
    telecom = running.read(f"Patient/{sample.PATIENT_ID}").json()["telecom"]
    assert telecom[0]["value"] == "0900000009"


def test_what_an_amendment_took_back_is_in_error_on_the_server(
    station: Station, running: Server
) -> None:
    station.sign(sample.PATIENT)
    station.sign(sample.ENCOUNTER)
    engine = station.engine(running)
    engine.run_once()
    shorter = replace(
        sample.ENCOUNTER, diagnoses=(Diagnosis(icd_code="J00", title="Viêm mũi họng cấp"),)
    )
    station.sign(shorter, RecordStatus.AMENDED, version=2)

    engine.run_once()

    gone = running.read(f"Condition/{sample.ENCOUNTER_ID}-d3").json()
    assert gone["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    kept = running.read(f"Condition/{sample.ENCOUNTER_ID}-d1").json()
    assert kept["code"]["coding"][0]["code"] == "J00"


def test_a_voided_visit_is_in_error_and_not_deleted(station: Station, running: Server) -> None:
    station.sign(sample.PATIENT)
    station.sign(sample.ENCOUNTER)
    engine = station.engine(running)
    engine.run_once()
    count = running.count("Observation")
    station.sign(sample.ENCOUNTER, RecordStatus.VOIDED, version=2)

    run = engine.run_once()

    assert run.outcome == "complete"
    visit = running.read(f"Encounter/{sample.ENCOUNTER_ID}").json()
    assert visit["status"] == "entered-in-error"
    assert running.count("Observation") == count


def test_a_poisoned_record_is_set_aside_and_the_others_pass(
    station: Station, running: Server, refuse: Callable[..., Any]
) -> None:
    station.work_a_day()
    bad = station.another(1)
    good = station.another(2)

    run = station.engine(running, build=refuse(bad.id, gender="mẫu")).run_once()

    assert (run.outcome, run.sent, run.quarantined) == ("partial", 8, 1)
    assert station.waiting() == []
    reason = station.quarantined()[bad.id]
    assert reason.startswith("Máy chủ tỉnh không nhận người bệnh: ")
    assert "giới tính" in reason
    assert running.read(f"Patient/{good.id}").ok
    assert running.read(f"Patient/{bad.id}").status_code == 404


def test_dependants_of_a_poisoned_person_wait_and_leave_with_its_correction(
    station: Station, running: Server, refuse: Callable[..., Any]
) -> None:
    station.work_a_day()
    good = station.another(1)
    first = station.engine(running, build=refuse(sample.PATIENT_ID, gender="mẫu"))

    run = first.run_once()

    assert list(station.quarantined()) == [sample.PATIENT_ID]
    assert {kind for kind, _ in station.waiting()} == {
        RecordKind.ENCOUNTER,
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
        RecordKind.APPOINTMENT,
    }
    assert run.outcome == "partial"
    assert running.read(f"Patient/{good.id}").ok

    station.sign(replace(sample.PATIENT, phone=""), RecordStatus.AMENDED, version=2)
    healed = station.engine(running).run_once()

    assert (healed.outcome, healed.sent) == ("complete", 5)
    assert station.quarantined() == {}
    assert station.waiting() == []


def test_a_refused_change_of_a_known_person_holds_nobody_back(
    station: Station, running: Server, refuse: Callable[..., Any]
) -> None:
    station.sign(sample.PATIENT)
    station.engine(running).run_once()
    station.sign(replace(sample.PATIENT, phone=""), RecordStatus.AMENDED, version=2)
    station.sign(sample.ENCOUNTER)

    run = station.engine(running, build=refuse(sample.PATIENT_ID, gender="mẫu")).run_once()

    assert (run.sent, run.quarantined) == (1, 1)
    assert running.read(f"Encounter/{sample.ENCOUNTER_ID}").ok


def test_a_paper_signed_before_its_visit_waits_for_it(station: Station, line: FaultyLine) -> None:
    station.sign(sample.PATIENT)
    with station.store.write() as work:
        work.encounters.save_draft(sample.ENCOUNTER, sample.AT)
    station.sign(sample.REFERRAL)
    engine = station.engine(line)

    early = engine.run_once()
    asked = list(line.requests)
    station.sign(sample.ENCOUNTER)
    late = engine.run_once()

    assert (early.outcome, early.sent, early.quarantined) == ("partial", 1, 0)
    assert asked == ["GET /fhir/metadata", "POST /fhir"]  # the paper was not even tried
    assert (late.outcome, late.sent) == ("complete", 2)


def test_many_held_records_do_not_hide_what_can_go(station: Station, running: Server) -> None:
    station.sign(sample.PATIENT)
    for number in range(12):  # more than two batches of visits whose person is unknown there
        station.sign(
            replace(
                sample.ENCOUNTER,
                id=sample.made_id(500 + number),
                number=f"2026.A.{500 + number}",
                patient_id=sample.PATIENT_ID,
            )
        )
    with station.store.write() as work:
        person = next(i for i in work.outbox.waiting(1) if i.kind is RecordKind.PATIENT)
        work.outbox.quarantine(person, "thử", sample.AT)
    good = station.another(1)

    run = station.engine(running).run_once()

    assert run.sent == 1
    assert running.read(f"Patient/{good.id}").ok
    assert len(station.waiting()) == 12


class SlowClock:
    """Every look at it finds a minute gone, as on a line of one request a minute."""

    def __init__(self, station: Station) -> None:
        self._clock = station.clock
        self._looks = 0

    def now(self) -> datetime:
        self._looks += 1
        return self._clock.now() + timedelta(minutes=self._looks)

    def random(self, count: int) -> bytes:
        return self._clock.random(count)

    def new_id(self) -> str:
        return self._clock.new_id()


def test_a_letter_written_meanwhile_overtakes_what_waits(
    station: Station, running: Server, line: FaultyLine
) -> None:
    for number in range(4):
        station.another(number)

    def write_a_letter() -> None:
        station.sign(sample.PATIENT)
        station.sign(sample.ENCOUNTER)
        station.sign(sample.REFERRAL)

    line.plan = [None, Fault(after=write_a_letter)]
    engine = station.engine(line)
    engine._clock = SlowClock(station)
    steps: list[tuple[int, RecordKind | None]] = []
    engine._on_progress = lambda progress: steps.append((progress.done, progress.kind))

    run = engine.run_once()

    assert run.outcome == "complete"
    patient = RecordKind.PATIENT
    assert steps == [
        (1, patient),
        (2, patient),
        (3, RecordKind.ENCOUNTER),
        (4, RecordKind.REFERRAL),
        (5, patient),
        (6, patient),
        (7, patient),
    ]


def test_a_mapping_fault_in_one_record_does_not_stop_the_others(
    station: Station, running: Server
) -> None:
    from station_emr.interop.fhir.units import build_unit

    station.sign(sample.PATIENT)
    good = station.another(1)

    def faulty(kind: Any, record: Any, status: Any, earlier: Any = ()) -> Any:
        if record.id == sample.PATIENT_ID:
            raise KeyError("a bug of ours")
        return build_unit(kind, record, status, earlier)

    run = station.engine(running, build=faulty).run_once()

    assert (run.sent, run.quarantined) == (1, 1)
    assert "bộ phận hỗ trợ" in station.quarantined()[sample.PATIENT_ID]
    assert running.read(f"Patient/{good.id}").ok


def test_a_demo_station_without_a_server_says_so(station: Station) -> None:
    from station_emr.sync.engine import SyncEngine

    engine = SyncEngine(station.store, station.clock, lambda *_: (), None)

    run = engine.run_once()

    assert (run.outcome, engine.link()) == ("offline", LinkState.UNCONFIGURED)
    assert run.detail.endswith("Hãy ghi danh trong Quản trị, phần Máy chủ của tỉnh.")
