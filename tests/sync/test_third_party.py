"""The same units to a FHIR server that somebody else wrote: FHIR, not luck, carries them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.sync.conflicts import content
from tests.interop import fhir_records as sample
from tests.sync import every_kind
from tests.sync.closing import said
from tests.sync.conftest import Station
from tests.sync.faults import Fault, FaultyLine
from tests.sync.fresh import fresh_store
from tests.sync.plain_machines import FEW, PlainMachine

SEKMET = shutil.which("sekmet", path=str(Path(sys.executable).parent))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SEKMET is None, reason="sekmet-fhir is not installed (extra dev)"),
]
SETTINGS = """
base_url: http://127.0.0.1:{port}/fhir
host: 127.0.0.1
port: {port}
data_dir: {data}
server_auth: {{types: [none]}}
validation: {{inbound: strict}}
simulator: {{enabled: false}}
log_inbound: false
"""


@dataclass
class Foreign:
    """Looks like our own server to :meth:`Station.engine`."""

    port: int
    token: str = "none"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    def read(self, path: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{self.url}/{path}", timeout=30)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    for left in reversed(range(5)):  # between the choice of a port and its use somebody may take it
        folder = tmp_path_factory.mktemp("sekmet")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS.format(port=port, data=folder / "data"), encoding="utf-8")
        environment = {**os.environ, "SEKMET_CONFIG": str(settings), "PYTHONUTF8": "1"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(SEKMET), "serve"], env=environment, cwd=folder, stdout=log, stderr=log
            )
        made = Foreign(port)
        try:
            if not _is_ready(made, process):
                assert left, (folder / "log").read_text(encoding="utf-8", errors="replace")
                continue
            yield made
        finally:
            process.kill()
            process.wait()
        return


def _is_ready(server: Foreign, process: subprocess.Popen[bytes]) -> bool:
    """False when it ended instead."""
    until = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < until:
        try:
            if server.read("metadata").ok and process.poll() is None:
                return True
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    return False


RECORDS: dict[RecordKind, Any] = {
    RecordKind.FACILITY: sample.STATION,
    RecordKind.PRACTITIONER: sample.USER,
    RecordKind.PATIENT: sample.PATIENT,
    RecordKind.ENCOUNTER: sample.ENCOUNTER,
    RecordKind.PRESCRIPTION: sample.PRESCRIPTION,
    RecordKind.REFERRAL: sample.REFERRAL,
    RecordKind.APPOINTMENT: sample.APPOINTMENT,
}


def test_every_unit_arrives_and_reads_back_as_it_was_sent(
    station: Station, foreign: Foreign
) -> None:
    station.work_a_day()

    run = station.engine(foreign).run_once()

    assert (run.outcome, run.sent, run.quarantined) == ("complete", 7, 0), station.quarantined()
    for kind, record in RECORDS.items():
        for resource in build_unit(kind, record, RecordStatus.SIGNED):
            path = f"{resource['resourceType']}/{resource['id']}"
            assert content(foreign.read(path).json()) == content(resource)


def test_a_replay_adds_nothing(station: Station, foreign: Foreign) -> None:
    station.work_a_day()
    engine = station.engine(foreign)
    engine.run_once()
    kinds = ("Patient", "Coverage", "Encounter", "Observation", "Condition", "MedicationRequest")
    before = engine.count_on_server(kinds)
    station.requeue_all()

    run = engine.run_once()

    assert (run.outcome, run.sent) == ("complete", 7)
    assert engine.count_on_server(kinds) == before


def test_what_was_learnt_is_remembered_after_a_restart(station: Station, foreign: Foreign) -> None:
    """This server answers 500 to a compressed body; it is asked only once."""
    station.work_a_day()
    with FaultyLine(foreign.port, foreign.token) as line:
        station.engine(line).run_once()
        with station.store.read() as work:
            assert '"gzip":false' in (work.settings.get("sync.server_facts") or "")
        station.requeue_all()
        line.requests.clear()

        station.engine(line).run_once()

        assert len(line.requests) == 1 + 7


def test_a_lost_reply_heals_although_the_server_counts_every_write(
    station: Station, foreign: Foreign
) -> None:
    """A write of equal content gives a new ETag here: the old one is refused, then settled."""
    station.sign(sample.PATIENT)
    station.engine(foreign).run_once()
    station.sign(replace(sample.PATIENT, phone="0900000009"), RecordStatus.AMENDED, version=2)
    with FaultyLine(foreign.port, foreign.token) as line:
        line.plan = [None, Fault(drop_reply=True)]
        engine = station.engine(line)
        assert engine.run_once().outcome == "offline"
        station.sign(replace(sample.PATIENT, phone="0900000010"), RecordStatus.AMENDED, version=3)

        run = engine.run_once()

    assert (run.outcome, run.quarantined) == ("complete", 0)
    telecom = foreign.read(f"Patient/{sample.PATIENT_ID}").json()["telecom"]
    assert telecom[0]["value"] == "0900000010"


# --- the way back --------------------------------------------------------------------------------


@pytest.fixture
def pair(
    tmp_path: Path, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[PlainMachine, PlainMachine]]:
    """Two PCs of one station; whatever other tests left on the server is none of their business
    but for the sample's own records.
    """
    monkeypatch.setattr("station_emr.sync.plain_pull.GROUPS", FEW)
    made = [
        PlainMachine(fresh_store(tmp_path / f"{name}.db"), foreign) for name in ("one", "other")
    ]
    for machine in made:
        machine.belong()
        machine.sync()
    yield made[0], made[1]
    for machine in made:
        machine.store.close()


def to_rest(*machines: PlainMachine) -> None:
    for _ in range(6):
        runs = [machine.sync() for machine in machines]
        if not any(run.sent or run.received for run in runs):
            assert [(run.outcome, run.detail) for run in runs] == [("complete", "")] * len(runs)
            return
    raise AssertionError(f"it does not come to rest: {runs}")


def visit_of(person: Any, number: int) -> Any:
    return replace(
        sample.ENCOUNTER,
        id=sample.made_id(6000 + number),
        patient_id=person.id,
        number=f"2026.A.{600 + number}",
    )


def test_two_machines_of_a_station_meet_over_it(pair: tuple[PlainMachine, PlainMachine]) -> None:
    one, other = pair
    person = one.another(501)
    visit = visit_of(person, 1)
    one.sign(visit)
    to_rest(one, other)
    assert (other.shown(person), said(other.shown(visit))) == (person, said(visit))

    there = other.amend(person, phone="0900000051")
    advised = other.amend(visit, advice="Uống nhiều nước ấm.")
    to_rest(other, one)

    assert one.shown(person) == there
    assert said(one.shown(visit)) == said(advised)
    assert len(one.graph(person)) == 2


def test_both_changed_offline_over_it(pair: tuple[PlainMachine, PlainMachine]) -> None:
    one, other = pair
    person = one.another(502)
    to_rest(one, other)
    one.amend(person, phone="0900000061")
    other.amend(person, note="Nhà ở cuối làng.")

    to_rest(one, other)

    for machine in pair:
        shown = machine.shown(person)
        assert (shown.phone, shown.note) == ("0900000061", "Nhà ở cuối làng.")


def test_a_correction_made_there_arrives(
    pair: tuple[PlainMachine, PlainMachine], foreign: Foreign
) -> None:
    one, _ = pair
    person = one.another(503)
    to_rest(one)
    held = foreign.read(f"Patient/{person.id}").json()
    with requests.Session() as session:
        session.trust_env = False
        answer = session.put(
            f"{foreign.url}/Patient/{person.id}",
            json=held | {"birthDate": "1990-05-04"},
            headers={"Content-Type": "application/fhir+json"},
            timeout=30,
        )
    assert answer.ok

    to_rest(one)

    assert one.shown(person) == replace(person, birth=replace(person.birth, day=4))


STAY = frozenset({RecordKind.LINK, RecordKind.CERTIFICATE})
"""Its statement names neither Linkage nor QuestionnaireResponse."""
COME = [kind for kind in every_kind.COME if kind not in STAY]


@pytest.fixture(scope="module")
def journey(
    foreign: Foreign, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[every_kind.Journey]:
    folder = tmp_path_factory.mktemp("kinds")
    machines = [
        PlainMachine(fresh_store(folder / f"{name}.db"), foreign) for name in ("one", "other")
    ]
    try:
        for machine in machines:
            machine.belong()
        yield every_kind.travel(*machines, number=2, stay=STAY)
    finally:
        for machine in machines:
            machine.store.close()


@pytest.mark.parametrize("kind", [*COME, RecordKind.RIGHTS, RecordKind.STANDING])
def test_every_kind_stands_there_as_it_was_last_written(
    journey: every_kind.Journey, foreign: Foreign, kind: RecordKind
) -> None:
    newest = journey.changed.get(kind)
    record = journey.written[kind] if newest is None else newest

    for resource in build_unit(kind, record, RecordStatus.SIGNED):
        path = f"{resource['resourceType']}/{resource['id']}"
        assert content(foreign.read(path).json()) == content(resource)


@pytest.mark.parametrize("kind", COME)
def test_every_kind_arrives_at_another_pc(journey: every_kind.Journey, kind: RecordKind) -> None:
    found = journey.arrived[kind]

    assert found is not None
    assert said(found.record) == said(journey.written[kind])


@pytest.mark.parametrize("kind", [kind for kind in every_kind.CHANGED if kind not in STAY])
def test_a_change_of_every_kind_comes_home(journey: every_kind.Journey, kind: RecordKind) -> None:
    found = journey.home[kind]

    assert found is not None
    assert said(found.record) == said(journey.changed[kind])


def test_kinds_that_its_statement_does_not_name_stay_and_are_told(
    journey: every_kind.Journey, station: Station, foreign: Foreign
) -> None:
    engine = station.engine(foreign)
    engine.run_once()

    assert set(engine.kinds_stay) == STAY
    for kind in STAY:
        assert journey.arrived[kind] is None
        (resource,) = build_unit(kind, journey.written[kind], RecordStatus.SIGNED)
        assert foreign.read(f"{resource['resourceType']}/{resource['id']}").status_code == 404
