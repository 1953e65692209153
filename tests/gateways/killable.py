"""A process that sends what waits, to be killed while it does: ``killable.py FOLDER``."""

import sys
from pathlib import Path

from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.claim_desk import build_claims
from station_emr.db.store import EncryptedStore
from station_emr.gateway_desk import build_gateways
from station_emr.machine_identity import identity_of
from station_emr.services.clock import SystemClock
from station_emr.sync.gateways.loop import GatewayLoop
from tests.services.conftest import KEY


class _NoKey:
    def sign_xmls(self, *_args, **_named):
        raise AssertionError("nothing is signed here")


def main(folder: Path) -> None:
    clock = SystemClock()
    store = EncryptedStore.open(folder / "station.db", KEY)
    identity = identity_of(folder, "DEMO-STATION", KEY, clock)
    key = _NoKey()
    claims = build_claims(store, clock, key, StationCatalogs(store))
    loop = GatewayLoop(clock)
    build_gateways(store, clock, identity, claims.files, claims.checks, claims.claims, key, loop)
    loop.run_now()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
