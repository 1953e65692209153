"""Stations with a stick, the province's desk in this process, and its server on a real socket."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provincial_server import auth
from provincial_server.courier.keys import courier_keys, key_file
from provincial_server.courier.snapshot import write_snapshot
from provincial_server.courier.units import CourierDesk as ProvinceDesk
from provincial_server.courier.units import Import
from provincial_server.settings import Settings
from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.permissions import Role
from station_emr.domain.user import Actor, User
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.security.courier_key import courier_identity
from station_emr.security.device_key import DeviceKeys
from station_emr.services.courier import PROVINCE_KEY, Courier
from station_emr.services.enrolment import DEVICE_ID, KEY_ID
from station_emr.services.rebuild import Rebuild
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import Applier
from station_emr.sync.client import FhirClient, Patience
from station_emr.sync.courier import CourierDesk, CourierMeans
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.sealing import Sealer, StoredIncarnation
from station_emr.sync.snapshot import SnapshotReader
from station_emr.sync.tokens import KeyTokens
from tests.databases import open_database
from tests.interop import fhir_records as sample
from tests.sync.conftest import STALL, Server
from tests.sync.exchange_machines import Machine
from tests.sync.fresh import fresh_store

_numbers = itertools.count(1)
DIRECTOR = Actor(
    user=User(
        id=sample.made_id(9), username="giamdoc", full_name="Giám Đốc Mẫu", role=Role.DIRECTOR
    ),
    device="Máy mẫu",
)


class Province:
    """The province: its database, its desk for sticks, and its server when there is one."""

    def __init__(self, folder: Path, server: Server | None = None) -> None:
        self.folder = folder
        self.server = server
        home = server.folder if server else folder
        self.database = open_database(home / "province.db")
        self.desk = ProvinceDesk(Settings("sqlite://"), self.database)

    def close(self) -> None:
        self.database.close()

    def facility(self) -> str:
        code = f"DEMC{next(_numbers):04d}"
        with self.database.write() as session:
            auth.add_facility(session, code, f"Trạm mẫu {code}", 0)
        return code

    def key_text(self) -> str:
        with self.database.write() as session:
            return key_file(courier_keys(session)).decode("ascii")

    def answer(self, path: str | Path, **options: Any) -> tuple[Path, Import]:
        reply = self.folder / f"tra-loi-{next(_numbers)}.semr"
        return reply, self.desk.import_units(Path(path), reply, **options)

    def snapshot(self, code: str, recipient: str) -> Path:
        path = self.folder / f"ho-so-{next(_numbers)}.semr"
        write_snapshot(Settings("sqlite://"), self.database, code, recipient, path)
        return path

    def revoke(self, device: str) -> None:
        with self.database.write() as session:
            assert auth.revoke_device(session, device, 1)


class CourierMachine(Machine):
    """One PC of a station, enrolled with its own key."""

    def __init__(
        self, folder: Path, province: Province, facility: str, *, enrolled: bool = True
    ) -> None:
        store = fresh_store(folder / f"tram-{next(_numbers)}.db")
        super().__init__(store, province.server)
        self.folder = folder
        self.facility = facility
        self.province = province
        self.keys = DeviceKeys(
            folder / f"may-{next(_numbers)}",
            facility,
            os.urandom(32),
            machine="may-mau",
            random=os.urandom,
        )
        self.pair = courier_identity(os.urandom(32), "may-mau")
        self.sealer = Sealer(build_unit, carry_over, StoredIncarnation(self.clock.random))
        self.applier = Applier(read_unit, apply_operation, self.sealer, self.clock.now)
        self.desk = CourierDesk(
            store,
            CourierMeans(
                sealer=self.sealer,
                applier=self.applier,
                signers=self.keys,
                identity=self.pair.secret,
                public=self.pair.public,
                clock=self.clock,
            ),
        )
        self.courier = Courier(store, self.clock, self.desk)
        profile = replace(sample.STATION, code=facility, facility_id=self.clock.new_id())
        with store.write() as work:
            work.settings.save_station(profile, sample.AT)
        self.put(PROVINCE_KEY, province.key_text())
        self.device = ""
        if enrolled:
            self.enrol()

    def enrol(self) -> None:
        key = self.keys.candidate("")
        with self.province.database.write() as session:
            made = auth.enrol_device(
                session, self.facility, "Máy mẫu", 0, public_key=key.public_pem
            )
        self.device = made.device_id
        self.put(DEVICE_ID, self.device)
        self.put(KEY_ID, key.key_id)

    def work_a_day(self) -> None:
        """As the base does, but at this station."""
        with self.store.write() as work:
            work.users.save(sample.USER, author=None, at=sample.AT)
        for record in (
            sample.PATIENT,
            sample.ENCOUNTER,
            sample.PRESCRIPTION,
            sample.REFERRAL,
            sample.APPOINTMENT,
        ):
            self.sign(record)

    def rebuild(self, step: int = 7) -> Rebuild:
        reader = SnapshotReader(self.store, self.applier, self.pair.secret, step=step)
        return Rebuild(self.store, self.clock, reader, self.engine())

    def engine(self, to: Any = None, **options: Any) -> SyncEngine:
        server = to or self.to
        if server is None:
            return SyncEngine(self.store, self.clock, build_unit, None)
        key = self.keys.find(self.setting(KEY_ID) or "")
        assert key is not None
        client = FhirClient(
            server.url,
            KeyTokens(self.device, key),
            self.clock,
            patience=Patience(connect=STALL, stall=STALL),
        )
        exchange = Exchange(
            self.store,
            self.clock,
            ExchangeOverHttp(client, self.clock.random),
            self.sealer,
            self.applier,
            program="station-emr 0.1.0",
            **options,
        )
        return SyncEngine(self.store, self.clock, build_unit, FhirPeer(client), exchange=exchange)

    def write(self) -> Path:
        return Path(self.courier.export(DIRECTOR, str(self.folder)).path)

    def round_trip(self) -> Any:
        """Out, to the province, and back."""
        return self.courier.import_reply(DIRECTOR, str(self.province.answer(self.write())[0]))

    def everything(self) -> dict[str, bytes]:
        """Every operation this machine keeps, by its id."""
        with self.store.read() as work:
            return dict(work.operations.all_lines("", 100_000))

    def newest(self) -> dict[str, Any]:
        """What is shown of every record that travels; the place in the queue is each desk's own."""
        lines = [json.loads(line) for line in self.everything().values()]
        with self.store.read() as work:
            stores = {
                "patient": work.patients,
                "encounter": work.encounters,
                "prescription": work.prescriptions,
                "referral": work.referrals,
                "appointment": work.appointments,
            }
            shown = [
                stores[line["kind"]].get(line["id"]).record
                for line in lines
                if line["kind"] in stores
            ]
        return {
            record.id: replace(record, stage=Stage.FINISHED)
            if isinstance(record, Encounter)
            else record
            for record in shown
        }


Make = Callable[..., CourierMachine]


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.close()


@pytest.fixture
def make(tmp_path: Path, province: Province) -> Iterator[Make]:
    machines: list[CourierMachine] = []

    def one(facility: str = "", **options: object) -> CourierMachine:
        facility = facility or province.facility()
        machines.append(CourierMachine(tmp_path, province, facility, **options))  # type: ignore[arg-type]
        return machines[-1]

    yield one
    for machine in machines:
        machine.store.close()
