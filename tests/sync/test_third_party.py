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
from tests.sync.conftest import Station
from tests.sync.faults import Fault, FaultyLine

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
        _await_ready(made, process, folder / "log")
        yield made
    finally:
        process.kill()
        process.wait()


def _await_ready(server: Foreign, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while True:
        try:
            if server.read("metadata").ok:
                return
        except requests.ConnectionError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(log.read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.1)


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
