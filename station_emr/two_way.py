"""Joins the parts of sync: mapping, merging, sealing and the line to the province."""

from __future__ import annotations

from station_emr import __version__
from station_emr.domain.operation import Operation
from station_emr.interop.fhir.carry import carry_over
from station_emr.interop.fhir.read_units import read_unit
from station_emr.interop.fhir.units import build_unit
from station_emr.machine_identity import MachineIdentity
from station_emr.printing.documents import PdfDocuments
from station_emr.services.attachments import FormMaker
from station_emr.services.courier import Courier
from station_emr.services.ports import Clock, Store
from station_emr.services.rebuild import ProvinceLine, Rebuild
from station_emr.services.record_check import RecordCheck
from station_emr.services.replication import apply_operation
from station_emr.sync.allowance import Allowance, LinkCost
from station_emr.sync.applying import Applier
from station_emr.sync.attachment_line import FormsOverHttp
from station_emr.sync.attachments import FormSender
from station_emr.sync.catalog_fetching import CatalogFetcher
from station_emr.sync.catalog_line import CatalogsOverHttp
from station_emr.sync.client import FhirClient
from station_emr.sync.courier import CourierDesk, CourierMeans
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import Exchange
from station_emr.sync.exchange_fhir_peer import ExchangeOverHttp
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.opening import open_operation
from station_emr.sync.operation_line import op_id
from station_emr.sync.plain_pull import PlainPull
from station_emr.sync.sealing import Incarnation, Sealer
from station_emr.sync.snapshot import SnapshotReader

PROGRAM = f"station-emr {__version__}"


def build_sealer(incarnation: Incarnation) -> Sealer:
    """Makes the lines of this database."""
    return Sealer(build_unit, carry_over, incarnation)


def build_applier(sealer: Sealer, clock: Clock) -> Applier:
    """Takes lines into this database."""
    return Applier(read_unit, apply_operation, sealer, clock.now)


def build_engine(
    store: Store, clock: Clock, client: FhirClient | None, identity: MachineIdentity
) -> SyncEngine:
    """The engine over one line, without one where no server is set: by the exchange where the
    server offers it, else the plain way.
    """
    if client is None:
        return SyncEngine(store, clock, build_unit, None)
    sealer = build_sealer(identity.lives)
    applier = build_applier(sealer, clock)
    peer = FhirPeer(client)
    link_cost = LinkCost()
    exchange = Exchange(
        store,
        clock,
        ExchangeOverHttp(client, clock.random),
        sealer,
        applier,
        program=PROGRAM,
        metered=link_cost,
    )
    return SyncEngine(
        store,
        clock,
        build_unit,
        peer,
        exchange=exchange,
        pull=PlainPull(store, clock, peer, sealer, applier),
        turn=lambda: identity.turn(store),
        program=PROGRAM,
        link_cost=link_cost,
        forms=FormSender(
            store,
            clock,
            FormsOverHttp(client),
            FormMaker(store, PdfDocuments()),
            Allowance(store, clock, link_cost),
        ),
        catalogs=CatalogFetcher(
            store, clock, CatalogsOverHttp(client), Allowance(store, clock, link_cost)
        ),
    )


def build_courier(store: Store, clock: Clock, identity: MachineIdentity) -> Courier:
    """Sending by a stick."""
    sealer = build_sealer(identity.lives)
    means = CourierMeans(
        sealer=sealer,
        applier=build_applier(sealer, clock),
        signers=identity.keys,
        identity=identity.courier.secret,
        public=identity.courier.public,
        clock=clock,
    )
    return Courier(store, clock, CourierDesk(store, means))


def build_rebuild(
    store: Store, clock: Clock, identity: MachineIdentity, line: ProvinceLine | None
) -> Rebuild:
    """Filling a new PC from a file or over the line."""
    applier = build_applier(build_sealer(identity.lives), clock)
    return Rebuild(store, clock, SnapshotReader(store, applier, identity.courier.secret), line)


def build_record_check(store: Store, clock: Clock) -> RecordCheck:
    """Holds every version against the line it travelled as."""

    def read(line: bytes) -> tuple[str, Operation | None]:
        name = op_id(line)
        return name, open_operation(read_unit, name, line).operation

    return RecordCheck(store, clock, read)
