"""A real station joined to both imitations."""

from __future__ import annotations

from pathlib import Path

from station_emr.claim_desk import build_claims
from station_emr.domain.gateway import MessageKind
from station_emr.domain.signature import KeySource, KeySourceKind
from station_emr.gateway_desk import build_gateways
from station_emr.machine_identity import identity_of
from station_emr.services.claim_settings import ClaimSettings
from station_emr.services.secret import Secret
from station_emr.sync.gateways.loop import GatewayLoop
from tests.services.conftest import KEY
from tests.services.test_billing import closed, treated
from tests.services.visit_samples import prescription, sign, visit
from tests.signing_authority import PASSWORD, Authority, rsa_key

__all__ = ["Desk", "closed", "treated"]


class Desk:
    """``send`` is one turn of the loop, in the thread of the test."""

    def __init__(self, station, bhyt, rx, patience) -> None:
        self.station = station
        self.bhyt, self.rx = bhyt, rx
        self.identity = identity_of(station.path.parent, "DEMO-STATION", KEY, station.clock)
        self.loop = GatewayLoop(station.clock)
        catalogs = station.services.catalogs._search  # its lists are in memory already
        claims = build_claims(station.store, station.clock, station.services.signing, catalogs)
        self.gateways = build_gateways(
            station.store,
            station.clock,
            self.identity,
            claims.files,
            claims.checks,
            claims.claims,
            station.services.signing,
            self.loop,
            patience=patience,
        )
        self.turn_on()

    def turn_on(self, **changes) -> None:
        desk = self.gateways.settings
        filled = {
            "insurance_on": True,
            "insurance_host": self.bhyt.url,
            "insurance_account": "DEMO1_BV",
            "clerk_name": "Trần Thị Mai",
            "clerk_id": "000000000001",
            "prescriptions_on": True,
            "prescription_host": self.rx.url,
            "prescription_facility": "CS-MAU-1",
            "prescribers": {self.station.doctor.user.id: "BS-MAU-1"},
            "department": "K01",
        }
        desk.save(self.station.director, ClaimSettings(**{**filled, **changes}))
        desk.set_insurance_password(self.station.director, Secret("mat khau"))
        desk.set_facility_password(self.station.director, Secret("mat khau"))
        desk.set_prescriber_password(
            self.station.director, self.station.doctor.user.id, Secret("mat khau bs")
        )

    def send(self):
        return self.loop.run_now()

    def prescribed(self) -> str:
        """A signed prescription; gives its id."""
        station = self.station
        encounter = visit(station, station.register())
        sign(station, encounter, prescription=prescription(station, encounter))
        with station.store.read() as work:
            return work.prescriptions.of_encounter(encounter.id).record.id

    def billed(self) -> str:
        """A signed visit of an insured person with a closed bill; gives its id."""
        return closed(self.station).record.encounter_id

    def message(self, kind: MessageKind, record_id: str):
        with self.station.store.read() as work:
            return work.gateways.newest(kind, record_id)

    def later(self, **delta: int) -> None:
        self.station.clock.forward(**delta)

    def use_key(self, folder: Path) -> None:
        authority = Authority(self.station.clock.now())
        path = authority.file(
            folder / "khoa.p12", rsa_key("doctor"), authority.issue(rsa_key("doctor"))
        )
        self.station.services.signing.save_source(
            self.station.director, KeySource(kind=KeySourceKind.FILE, path=str(path))
        )

    def sign_day(self, *visits: str):
        return self.gateways.day.sign(self.station.doctor, Secret(PASSWORD), visits)

    def audit(self) -> list[str]:
        with self.station.store.read() as work:
            return [row.action for row in work.audit.rows(50)]
