"""Joins the log of who did what with its evidence: the witness beside the database, and the province."""

from __future__ import annotations

from station_emr.db.store import EncryptedStore
from station_emr.machine_identity import MachineIdentity, province
from station_emr.printing.audit_papers import PdfAuditPapers
from station_emr.security.audit_witness import AuditWitnessFile
from station_emr.services.audit_evidence import Anchoring, AnchorLine, WitnessWatch
from station_emr.services.audit_trail import AuditTrail
from station_emr.services.ports import Clock, Work
from station_emr.services.sharing import Sharing
from station_emr.sync.anchor_line import AnchorsOverHttp
from station_emr.sync.carried_letters import LettersOverHttp, carry
from station_emr.sync.client import FhirClient
from station_emr.sync.engine import SyncEngine


def witness_of(store: EncryptedStore, clock: Clock, identity: MachineIdentity) -> WitnessWatch:
    """What watches the end of this database's log from outside."""
    return WitnessWatch(store, clock, AuditWitnessFile(identity.folder))


def build_trail(
    store: EncryptedStore, clock: Clock, identity: MachineIdentity, sharing: Sharing
) -> AuditTrail:
    def line(work: Work) -> AnchorLine | None:
        client = province(work, identity.keys, clock)
        return AnchorsOverHttp(client, clock) if client is not None else None

    witness = witness_of(store, clock, identity)
    return AuditTrail(store, clock, PdfAuditPapers(), witness, line, sharing)


def anchor_after_runs(
    engine: SyncEngine,
    store: EncryptedStore,
    clock: Clock,
    client: FhirClient | None,
    witness: WitnessWatch,
) -> None:
    """Once a day the end of the log goes to the province, with a sync that happens anyway."""
    if client is None:
        return
    line = AnchorsOverHttp(client, clock)
    anchoring = Anchoring(store, clock)

    def show() -> None:
        anchoring.run(line)
        carry(store, LettersOverHttp(client))
        witness.note()

    engine.do_after_runs(show)
