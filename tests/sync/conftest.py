"""A real encrypted station on one side, a real provincial server process on the other."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from provincial_server import auth
from station_emr.db.store import EncryptedStore
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.services.clock import SystemClock
from station_emr.sync.client import FhirClient, Patience
from station_emr.sync.engine import SyncEngine
from station_emr.sync.fhir_peer import FhirPeer
from tests import databases
from tests.databases import database_url, open_database
from tests.interop import fhir_records as sample
from tests.sync.faults import FaultyLine
from tests.sync.fresh import fresh_store
from tests.warm import Forked, Warm

DEMO_TOKEN = "demo-token-for-tests"
STALL = 60.0
"""Seconds of silence after which a line is given up: so many that only a test of silence, which says its
own, ever waits for them."""
_numbers = itertools.count(1)
_province = Warm("provincial_server", "provincial_server.serving", "tests.sync.rehearsal")


class Server:
    """The provincial server as a process of its own, as one facility's device sees it."""

    def __init__(
        self, folder: Path, port: int = 0, token: str = DEMO_TOKEN, facility: str = ""
    ) -> None:
        self.folder = folder
        self.facility = facility
        self.port = port
        self.token = token
        self._process: Forked | subprocess.Popen[bytes] | None = None
        self._ending = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def for_another_facility(self) -> Server:
        """The same process, seen by the device of a facility of its own: it holds nothing yet."""
        code, token = f"DEMO{next(_numbers):04d}", f"token-of-a-test-{next(_numbers)}"
        database = open_database(self.folder / "province.db")
        with database.write() as session:
            auth.add_facility(session, code, f"Trạm mẫu {code}", 0)
            auth.enrol_device(session, code, "Máy 1", 0, token=token)
        database.close()
        return Server(self.folder, self.port, token, code)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    def start(self) -> None:
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        arguments = ["serve", "--port", str(self.port), "--port-file", str(port_file)]
        arguments += ["--database", database_url(self.folder / "province.db")]
        arguments += ["--demo-facility", sample.STATION.code]
        environment = {**os.environ, "PROVINCIAL_SERVER_DEMO_TOKEN": DEMO_TOKEN}
        log = self.folder / "log"
        self._process = _province.start(arguments, environment, log, log)
        until = time.monotonic() + 60
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text(encoding="utf-8"))
            time.sleep(0.02)
        self.port = int(port_file.read_text(encoding="ascii"))

    def stop(self) -> None:
        with self._ending:  # a fault may be stopping it in a thread of its own
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None

    def read(self, path: str) -> requests.Response:
        return self._session.get(f"{self.url}/{path}", timeout=30)

    def put(self, resource: dict[str, Any]) -> None:
        """Somebody else's write, such as a receiving hospital's."""
        path = f"{self.url}/{resource['resourceType']}/{resource['id']}"
        kept = {name: value for name, value in resource.items() if name != "meta"}
        answer = self._session.put(path, json=kept, timeout=30)
        assert answer.ok, answer.text

    def count(self, kind: str) -> int:
        return int(self.read(f"{kind}?_summary=count").json()["total"])

    def held(self) -> dict[str, str]:
        """``Type/id`` → version of everything the station could have sent."""
        found = {}
        for kind in [
            "Patient",
            "Coverage",
            "AllergyIntolerance",
            "Condition",
            "Encounter",
            "Observation",
            "Procedure",
            "MedicationRequest",
            "ServiceRequest",
            "Task",
            "DocumentReference",
            "Appointment",
            "Practitioner",
            "PractitionerRole",
            "Organization",
            "Location",
        ]:
            page = self.read(f"{kind}?_count=500").json()
            for entry in page.get("entry", ()):
                resource = entry["resource"]
                found[f"{kind}/{resource['id']}"] = resource["meta"]["versionId"]
        return found


class Station:
    """One machine of the station: the encrypted store and the commands the tests need."""

    def __init__(self, store: EncryptedStore) -> None:
        self.store = store
        self.clock = SystemClock()

    def sign(
        self, record: Any, status: RecordStatus = RecordStatus.SIGNED, *, version: int = 1
    ) -> None:
        with self.store.write() as work:
            found = {
                "Patient": work.patients,
                "Encounter": work.encounters,
                "Prescription": work.prescriptions,
                "Referral": work.referrals,
                "Appointment": work.appointments,
            }[type(record).__name__]
            found.add_version(
                record,
                status,
                author=sample.DOCTOR,
                at=sample.AT,
                reason="" if version == 1 else "Sửa theo người bệnh",
                expected_version=version - 1,
            )

    def work_a_day(self) -> None:
        """Staff, station, one person, and one of every kind of paper."""
        with self.store.write() as work:
            work.settings.save_station(sample.STATION, sample.AT)
            work.users.save(sample.USER, author=None, at=sample.AT)
        for record in (
            sample.PATIENT,
            sample.ENCOUNTER,
            sample.PRESCRIPTION,
            sample.REFERRAL,
            sample.APPOINTMENT,
        ):
            self.sign(record)

    def another(self, number: int, **changes: Any) -> Any:
        """Sign a second, third … person; returns the record."""
        person = replace(
            sample.PATIENT,
            id=sample.made_id(1000 + number),
            full_name=f"Người Mẫu {number}",
            national_id=f"0640991{number:05d}",
            chart_number=f"DEMO1.A.{number:06d}",
            old_national_id="",
            coverages=(),
            **changes,
        )
        self.sign(person)
        return person

    def waiting(self) -> list[tuple[RecordKind, str]]:
        with self.store.read() as work:
            return [(item.kind, item.record_id) for item in work.outbox.waiting(1000)]

    def quarantined(self) -> dict[str, str]:
        with self.store.read() as work:
            return {item.record_id: item.reason for item in work.outbox.quarantined()}

    def requeue_all(self) -> int:
        with self.store.write() as work:
            return work.outbox.requeue_all()

    def engine(
        self,
        to: Any,
        *,
        token: str = "",
        build: Any = build_unit,
        stall: float = STALL,
    ) -> SyncEngine:
        """A fresh process of the program, so to speak: nothing is remembered but the database.

        ``to`` is anything with a ``url`` and a ``token``: a server, or a line to one.
        """
        patience = Patience(connect=STALL, stall=stall)
        client = FhirClient(to.url, token or to.token, self.clock, patience=patience)
        return SyncEngine(self.store, self.clock, build, FhirPeer(client), batch=5)

    def now(self) -> datetime:
        return self.clock.now()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    store = fresh_store(tmp_path / "station.db")
    yield Station(store)
    store.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A process for one test, not started yet: a day at a station begins without a line."""
    folder = tmp_path / "province"
    folder.mkdir()
    made = Server(folder)
    yield made
    made.stop()


@pytest.fixture(scope="session", autouse=True)
def _closed() -> Iterator[None]:
    with databases.ending():
        yield
        _province.close()


@pytest.fixture(autouse=True)
def _forget_databases(tmp_path: Path) -> Iterator[None]:
    yield
    databases.forget(tmp_path)


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("province"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def running(_shared: Server) -> Server:
    """A running server that holds nothing of this test's facility yet."""
    return _shared.for_another_facility()


@pytest.fixture
def line(running: Server) -> Iterator[FaultyLine]:
    with FaultyLine(running.port, running.token) as made:
        yield made


@pytest.fixture
def refuse() -> Callable[..., Any]:
    """A mapping that spoils chosen records, so that the server refuses exactly those."""

    def spoiling(*record_ids: str, **elements: Any) -> Any:
        def build(kind: Any, record: Any, status: Any, earlier: Any = ()) -> Any:
            unit = build_unit(kind, record, status, earlier)
            if getattr(record, "id", "") in record_ids:
                return ({**unit[0], **elements}, *unit[1:])
            return unit

        return build

    return spoiling
