"""Machines of one facility that speak the exchange with a real server, each with its own store."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

from provincial_server import auth
from station_emr.db.store import EncryptedStore
from station_emr.domain.operation import Tally
from station_emr.domain.patient import Patient
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import SyncRun, UnitState
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import Applier
from station_emr.sync.client import FhirClient, Patience
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.databases import open_database
from tests.interop import fhir_records as sample
from tests.sync import fresh
from tests.sync.conftest import STALL, Server, Station

KEY = fresh.KEY
_numbers = itertools.count(1)


class Machine(Station):
    """One PC of a station."""

    def __init__(self, store: EncryptedStore, to: Any) -> None:
        super().__init__(store)
        self.to = to

    def engine(self, to: Any = None, **options: Any) -> SyncEngine:
        """A fresh start of the program: nothing is remembered but the database."""
        to = to or self.to
        build = options.pop("build", build_unit)
        patience = Patience(connect=STALL, stall=options.pop("stall", STALL))
        client = FhirClient(to.url, to.token, self.clock, patience=patience)
        forms = options.pop("forms", lambda _client: None)(client)
        lists = options.pop("catalogs", lambda _client: None)(client)
        sealer = Sealer(build, carry_over, StoredIncarnation(self.clock.random))
        applier = Applier(read_unit, apply_operation, sealer, self.clock.now)
        exchange = Exchange(
            self.store,
            self.clock,
            ExchangeOverHttp(client, self.clock.random),
            sealer,
            applier,
            program=options.pop("program", "station-emr 0.1.0"),
            **options,
        )
        peer = FhirPeer(client)
        return SyncEngine(
            self.store, self.clock, build, peer, exchange=exchange, forms=forms, catalogs=lists
        )

    def sync(self, to: Any = None, **options: Any) -> SyncRun:
        return self.engine(to, **options).run_once()

    def patient(self, number: int = 1, **changes: Any) -> Patient:
        """Register somebody; returns the record."""
        return self.another(number, **changes)

    def amend(self, record: Any, **changes: Any) -> Any:
        """The next version of what is shown here."""
        with self.store.read() as work:
            store = store_of(work, record)
            shown = store.get(record.id)
        changed = replace(shown.record, **changes)
        with self.store.write() as work:
            store_of(work, record).add_version(
                changed,
                RecordStatus.AMENDED,
                author=sample.DOCTOR,
                at=self.clock.now(),
                reason="Sửa theo người bệnh",
                expected_version=shown.version,
            )
        return changed

    def shown(self, record: Any) -> Any:
        with self.store.read() as work:
            found = store_of(work, record).find(record.id)
        return found.record if found else None

    def graph(self, record: Any) -> set[tuple[str, tuple[str, ...]]]:
        """Operations of a record with what they were written on."""
        with self.store.read() as work:
            nodes = store_of(work, record).lineage(record.id)
        ids = {node.version: node.op_id for node in nodes}
        return {(n.op_id, tuple(sorted(ids[p] for p in n.parents))) for n in nodes}

    def conflicts(self) -> list[tuple[RecordKind, str]]:
        with self.store.read() as work:
            return list(work.operations.conflicts())

    def tally(self) -> Tally:
        with self.store.read() as work:
            return work.operations.tally()

    def setting(self, key: str) -> str | None:
        with self.store.read() as work:
            return work.settings.get(key)

    def put(self, key: str, value: str) -> None:
        with self.store.write() as work:
            work.settings.put(key, value)

    def count(self, state: UnitState = UnitState.WAITING) -> int:
        with self.store.read() as work:
            return work.outbox.count(state)


def store_of(work: Any, record: Any) -> Any:
    return {
        "Patient": work.patients,
        "Encounter": work.encounters,
        "Prescription": work.prescriptions,
        "Referral": work.referrals,
        "Appointment": work.appointments,
    }[type(record).__name__]


def second_device(server: Server) -> Server:
    """Another PC of the facility whose device ``server`` speaks for."""
    database = open_database(server.folder / "province.db")
    token = f"token-of-another-machine-{next(_numbers)}"
    with database.write() as session:
        device = auth.authenticate(session, server.token, 0)
        auth.enrol_device(session, device.facility_code, "Máy 2", 0, token=token)
    database.close()
    return Server(server.folder, server.port, token)


def new_machine(folder: Path, to: Any, name: str = "station") -> Machine:
    return Machine(fresh.fresh_store(folder / f"{name}.db"), to)
