"""Two PCs of a station over a server that does not know the exchange."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from station_emr.domain.record import RecordKind
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.services.replication import apply_operation
from station_emr.sync.applying import Applier
from station_emr.sync.client import FhirClient, Patience
from station_emr.sync.engine import SyncEngine
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.plain_groups import GROUPS
from station_emr.sync.plain_pull import PlainPull
from station_emr.sync.sealing import Sealer, StoredIncarnation
from tests.interop import fhir_records as sample
from tests.sync.conftest import STALL
from tests.sync.exchange_machines import Machine

FEW = [group for group in GROUPS if not group.hangs or RecordKind.FEEDBACK in group.kinds]
"""People and their visits, for tests that are about pages and merges: each type is a request."""


class PlainMachine(Machine):
    """Sends by transactions, fetches by search, as towards anybody else's server."""

    def engine(self, to: Any = None, **options: Any) -> SyncEngine:
        to = to or self.to
        patience = Patience(connect=STALL, stall=options.pop("stall", STALL))
        client = FhirClient(to.url, to.token, self.clock, patience=patience)
        sealer = Sealer(build_unit, carry_over, StoredIncarnation(self.clock.random))
        applier = Applier(read_unit, apply_operation, sealer, self.clock.now)
        peer = FhirPeer(client)
        pull = PlainPull(self.store, self.clock, peer, sealer, applier, every=timedelta())
        return SyncEngine(self.store, self.clock, build_unit, peer, pull=pull, **options)

    def belong(self) -> None:
        """Say whose machine this is; what others keep on the server is not fetched."""
        with self.store.write() as work:
            work.settings.save_station(sample.STATION, sample.AT)
