"""The stage of the sync benchmarks: the provincial server as a process, machines of one station.

Everything is the product's own: the server that a province runs, the encrypted store, the engine.
Both ends flush to the disk before they say so (``synchronous = FULL``).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.population import DOCTOR, STATION, ZONE
from provincial_server import auth
from provincial_server.database import Database
from station_emr.db.store import EncryptedStore
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordStatus
from station_emr.domain.sync import SyncRun, UnitState
from station_emr.domain.user import User
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.clock import SystemClock
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import Applier
from station_emr.sync.client import FhirClient, Patience
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.sealing import Sealer, StoredIncarnation

KEY = bytes(range(32))  # the data is made up
TOKEN = "token-of-a-benchmark"
PROGRAM = "station-emr benchmark"
WRITTEN = datetime(2026, 11, 20, 17, 0, tzinfo=ZONE)
HISTORY = (1_000, 1_000)
"""People and their earlier visits that both ends have before anything is measured."""
_AT_ONCE = 500


@contextmanager
def province(folder: Path, prefix: Sequence[str] = (), host: str = "127.0.0.1") -> Iterator[int]:
    """The server on ``folder``'s database; the port it listens on. ``prefix`` runs it elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    command = [*prefix, sys.executable, "-m", "provincial_server", "serve", "--port", "0"]
    command += ["--host", host, "--port-file", str(port_file), "--log-level", "error"]
    command += ["--database", database_url(folder)]
    enrol(folder)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "log").read_text(encoding="utf-8"))
            time.sleep(0.02)
        yield int(port_file.read_text(encoding="ascii"))
    finally:
        process.kill()
        process.wait()


def database_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'province.db'}"


def enrol(folder: Path) -> None:
    """The station's facility and its one device; harmless when they are there already."""
    database = Database(database_url(folder))
    try:
        with database.write() as session:
            auth.add_facility(session, STATION.code, STATION.name, 0)
            auth.enrol_device(session, STATION.code, "Máy 1", 0, token=TOKEN)
    finally:
        database.close()


class Machine:
    """One PC of the station. ``url`` leads to the server, as a rule over a counted line."""

    def __init__(self, path: Path, url: str) -> None:
        self.store = EncryptedStore.open(path, KEY) if path.exists() else _created(path)
        self.clock = SystemClock()
        self.client = FhirClient(
            f"{url}/fhir", TOKEN, self.clock, patience=Patience(connect=30, stall=60)
        )
        sealer = Sealer(build_unit, carry_over, StoredIncarnation(self.clock.random))
        self.applier = Applier(read_unit, apply_operation, sealer, self.clock.now)
        self.exchange = Exchange(
            self.store,
            self.clock,
            ExchangeOverHttp(self.client, self.clock.random),
            sealer,
            self.applier,
            program=PROGRAM,
        )
        self.engine = SyncEngine(
            self.store,
            self.clock,
            build_unit,
            FhirPeer(self.client),
            exchange=self.exchange,
            program=PROGRAM,
        )
        self.store.do_before_commit(self.engine.at_save)

    def open_station(self) -> None:
        """The station and its doctor, as the set-up page leaves them."""
        doctor = User(
            id=DOCTOR.user_id,
            username="bs.mau",
            full_name=DOCTOR.full_name,
            role=Role.DOCTOR,
            title=DOCTOR.title,
            licence_no=DOCTOR.licence_no,
        )
        with self.store.write() as work:
            work.settings.save_station(replace(STATION, device_name="Máy 1"), WRITTEN)
            work.users.save(doctor, author=None, at=WRITTEN)

    def write(self, records: Iterable[Any], at_once: int = _AT_ONCE) -> None:
        """Signed first versions, ``at_once`` in a transaction: some hundred as an import writes
        them, one as people sign.
        """
        waiting = list(records)
        for start in range(0, len(waiting), at_once):
            with self.store.write() as work:
                for record in waiting[start : start + at_once]:
                    store: Any = {
                        "Patient": work.patients,
                        "Encounter": work.encounters,
                        "Prescription": work.prescriptions,
                    }[type(record).__name__]
                    signature = getattr(record, "signature", None)
                    store.add_version(
                        record,
                        RecordStatus.SIGNED,
                        author=DOCTOR,
                        at=signature.at if signature else WRITTEN,
                        reason="",
                        expected_version=0,
                    )

    def sync(self) -> SyncRun:
        """One run that must end well."""
        run = self.engine.run_once()
        if run.outcome != "complete" or not run.verified:
            raise RuntimeError(f"the run was {run.outcome}: {run.detail}")
        return run

    def waiting(self) -> int:
        with self.store.read() as work:
            return work.outbox.count(UnitState.WAITING)

    def close(self) -> None:
        self.client.close()
        self.store.close()


def _created(path: Path) -> EncryptedStore:
    path.parent.mkdir(parents=True, exist_ok=True)
    return EncryptedStore.create(path, KEY)


@contextmanager
def machine_at(path: Path, url: str) -> Iterator[Machine]:
    """A start of the program: nothing is remembered but the database."""
    made = Machine(path, url)
    try:
        yield made
    finally:
        made.close()


def flat(visits: Iterable[tuple[Any, Any]]) -> list[Any]:
    """Each visit, then its prescription, in the order of writing."""
    return [record for pair in visits for record in pair]
