"""Composition root without Qt: joins the adapters and hands out one open station."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from station_emr import __version__
from station_emr.catalogs.importers import FileImporter
from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.claim_desk import build_claims
from station_emr.clinical import build_clinical
from station_emr.db.store import EncryptedStore
from station_emr.domain.audit import Source
from station_emr.domain.door import Credentials
from station_emr.domain.errors import DatabaseMissing
from station_emr.domain.sync import SyncRun
from station_emr.domain.user import Actor
from station_emr.dossier_desk import build_dossiers
from station_emr.founding import (
    DATABASE,
    KEY_SLOTS,
    LETTER_KEY,
    create_station,
    furnish,
    station_exists,
)
from station_emr.gateway_desk import build_gateways
from station_emr.interop.archive import ZipArchives
from station_emr.interop.fhir.shared_history import SharedHistory
from station_emr.interop.visit_files import VisitFiles
from station_emr.key_keeping import KeyKeeper, StationKeyChain, compare_slots, open_store
from station_emr.machine_identity import (
    MachineIdentity,
    enrolments,
    history_line,
    identity_of,
    province,
)
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.qr import matrix
from station_emr.privacy_desk import build_privacy
from station_emr.register_desk import build_registers
from station_emr.safekeeping import build_safekeeping
from station_emr.security.key_ring import SlotKeyRing
from station_emr.security.keyslots import KeySlots
from station_emr.security.letters import (
    StationLetterSigner,
    TrustedStation,
    public_key_of,
    signing_key_from_bytes,
)
from station_emr.security.passwords import PasswordPolicy, password_problems
from station_emr.services.access_rules import sweep_daily
from station_emr.services.account_rules import active_user
from station_emr.services.audit_evidence import WitnessWatch
from station_emr.services.catalog_packs import CatalogPacks
from station_emr.services.catalogs import Catalogs
from station_emr.services.clock import SystemClock
from station_emr.services.door import Door, refuse_closed
from station_emr.services.duplicate_watch import DuplicateWatch
from station_emr.services.elsewhere import Elsewhere
from station_emr.services.exports import Exports
from station_emr.services.failed_attempts import bring_in
from station_emr.services.gateway_sending import GatewayTurn
from station_emr.services.guards import refuse
from station_emr.services.journal import Journal
from station_emr.services.keys import Keys
from station_emr.services.matching import NameMatcher
from station_emr.services.people import build_people
from station_emr.services.ports import Clock
from station_emr.services.rebuild import ProvinceLine
from station_emr.services.station_services import StationServices
from station_emr.services.synchronisation import SyncControl, Synchronisation
from station_emr.services.veil import Veil
from station_emr.signing_desk import build_signing
from station_emr.sync.catalog_content import rows_of
from station_emr.sync.engine import SyncEngine
from station_emr.sync.gateways.loop import GatewayLoop
from station_emr.sync.scheduler import SyncScheduler
from station_emr.trail import anchor_after_runs, build_trail, witness_of
from station_emr.two_way import (
    build_courier,
    build_engine,
    build_rebuild,
    build_record_check,
)

__all__ = [
    "DATABASE",
    "KEY_SLOTS",
    "LETTER_KEY",
    "OpenStation",
    "build_services",
    "create_station",
    "furnish",
    "open_station",
    "open_with_recovery",
    "station_exists",
]


@dataclass(slots=True)
class OpenStation:
    """An open encrypted station and the person who opened it."""

    folder: Path
    store: EncryptedStore
    services: StationServices
    actor: Actor
    scheduler: SyncScheduler
    engine: SyncEngine
    identity: MachineIdentity
    witness: WitnessWatch
    keeper: KeyKeeper
    gateway_loop: GatewayLoop
    fresh_codes: tuple[str, ...] = ()
    """Recovery codes of a telephone that was joined at this log-in; shown once."""

    def sync_now(self) -> SyncRun:
        """One attempt in this thread; the run says what happened."""
        return self.engine.run_once()

    def send_to_gateways(self) -> GatewayTurn:
        """One turn of the national gateways in this thread."""
        return self.gateway_loop.run_now()

    def count_on_server(self) -> dict[str, int]:
        """What the province itself says it holds. Raises NetworkFailure."""
        held = self.engine.count_on_server(("Patient", "Encounter", "ServiceRequest"))
        return {
            "patients": held["Patient"],
            "encounters": held["Encounter"],
            "referrals": held["ServiceRequest"],
        }

    def letter_key(self) -> TrustedStation:
        """The public half of the key under this station's letters, for those who check them."""
        with self.store.read() as work:
            seed = bytes.fromhex(work.settings.get(LETTER_KEY) or "")
            profile = work.settings.station()
        return TrustedStation(
            facility_code=profile.code,
            name=profile.name,
            public_key=public_key_of(signing_key_from_bytes(seed)),
        )

    def recovery_sheet(self, code: str) -> bytes:
        """The page with the recovery code, for a sealed envelope."""
        return PdfDocuments().recovery_sheet(
            self.services.accounts.station().name, code, self.services.clock.now()
        )

    def start_background(self) -> None:
        self.scheduler.start()
        # After every commit and every run, whether the province was there or not.
        self.scheduler.listen(lambda _status: self.gateway_loop.notify())
        self.gateway_loop.start()
        self.keeper.start()

    def close(self) -> None:
        self.scheduler.stop()
        self.gateway_loop.stop()
        self.keeper.stop()
        self.identity.lives.note(self.store)
        self.witness.note()
        self.store.close()
        self.keeper.forget()


def open_station(
    folder: Path,
    username: str,
    password: str,
    clock: Clock | None = None,
    *,
    source: Source = Source.WINDOW,
    code: str = "",
    new_password: str = "",
) -> OpenStation:
    """Log in: open the key slot, the database, and join the use cases. ``source`` is by which door;
    ``code`` and ``new_password`` answer what the door asked for.

    Raises DatabaseMissing, WrongPassword, AccountLocked, DatabaseDamaged, DatabaseTooNew, and what
    :mod:`station_emr.domain.door` names.
    """
    clock = clock or SystemClock()
    _need_station(folder)
    slots = KeySlots.load(folder / KEY_SLOTS, clock=clock.now)
    given = Credentials(password=password, code=code, new_password=new_password)
    return _open(folder, slots, slots.unlock(username, password), username, clock, source, given)


def open_with_recovery(
    folder: Path, username: str, code: str, new_password: str, clock: Clock | None = None
) -> OpenStation:
    """Open with the printed recovery code and give ``username`` a new password.

    The database is opened first: nothing is changed for a person who has left, for a password
    that is refused, or when the record itself cannot be opened.
    """
    clock = clock or SystemClock()
    _need_station(folder)
    slots = KeySlots.load(folder / KEY_SLOTS, clock=clock.now)
    data_key = slots.unlock_with_recovery(code)
    store = open_store(folder / DATABASE, slots, data_key)
    try:
        with store.read() as work:
            user = active_user(work, username)
            refuse_closed(work, user, clock.now())
        refuse(password_problems(new_password, user.username, user.full_name, PasswordPolicy()))
        compare_slots(store, slots, clock, recovery=True)
        SlotKeyRing(slots, data_key).reset_password(
            user.username, user.snapshot.printed_name, user.role.label, new_password
        )
        given = Credentials(new_password=new_password)
        return _join(folder, store, slots, data_key, user.username, clock, given, recovery=True)
    except BaseException:
        store.close()
        raise


def _need_station(folder: Path) -> None:
    if not station_exists(folder):
        raise DatabaseMissing(
            f"Không thấy dữ liệu của trạm trong thư mục {folder}. "
            "Hãy kiểm tra ổ đĩa, hoặc khôi phục từ bản sao lưu."
        )


def _open(
    folder: Path,
    slots: KeySlots,
    data_key: bytes,
    username: str,
    clock: Clock,
    source: Source,
    given: Credentials,
) -> OpenStation:
    store = open_store(folder / DATABASE, slots, data_key)
    try:
        compare_slots(store, slots, clock, recovery=False)
        return _join(folder, store, slots, data_key, username, clock, given, source=source)
    except BaseException:
        store.close()
        raise


def _join(
    folder: Path,
    store: EncryptedStore,
    slots: KeySlots,
    data_key: bytes,
    username: str,
    clock: Clock,
    given: Credentials,
    *,
    recovery: bool = False,
    source: Source = Source.WINDOW,
) -> OpenStation:
    earlier = slots.previous_keys(data_key)
    identity = identity_of(folder, slots.database_id, data_key, clock, earlier)
    identity.lives.opened(store)
    witness = witness_of(store, clock, identity)
    witness.opened()
    with store.read() as work:
        client = province(work, identity.keys, clock)
        device = work.settings.station().device_name
    engine = build_engine(store, clock, client, identity)
    store.do_before_commit(engine.at_save)
    scheduler = SyncScheduler(engine, store, clock)
    scheduler.do_after_runs(DuplicateWatch(store, NameMatcher()).look)
    keys = SlotKeyRing(slots, data_key)
    loop = GatewayLoop(clock)
    services = build_services(store, clock, keys, scheduler, identity, engine, loop)

    def chores() -> None:
        services.packs.apply_due()
        bring_in(store, clock, slots.attempts)  # somebody tried to unlock the screen meanwhile
        services.signatures.recheck()
        with store.write() as work:
            sweep_daily(work, clock.now())

    engine.do_before_runs(chores)
    anchor_after_runs(engine, store, clock, client, witness)
    bring_in(store, clock, slots.attempts)
    passed = Door(store, clock, keys, matrix).enter(username, given, device, recovery=recovery)
    return OpenStation(
        folder=folder,
        store=store,
        services=services,
        actor=services.accounts.log_in(username, device, recovery=recovery, source=source),
        scheduler=scheduler,
        engine=engine,
        identity=identity,
        witness=witness,
        keeper=KeyKeeper(services.keys, keys),
        gateway_loop=loop,
        fresh_codes=passed.codes,
    )


def build_services(
    store: EncryptedStore,
    clock: Clock,
    keys: SlotKeyRing,
    sync: SyncControl,
    identity: MachineIdentity,
    line: ProvinceLine | None = None,
    loop: GatewayLoop | None = None,
) -> StationServices:
    """The use cases over one open store."""
    with store.read() as work:
        letter_key = bytes.fromhex(work.settings.get(LETTER_KEY) or "")
    catalogs = StationCatalogs(store)
    signer = StationLetterSigner(signing_key_from_bytes(letter_key))
    clinical = build_clinical(store, clock, catalogs, signer)
    desk = build_signing(store, clock, keys)
    claim_desk = build_claims(store, clock, desk.signing, catalogs)
    safe = build_safekeeping(store, clock, keys, identity)
    books = build_registers(store, clock, keys)
    elsewhere = Elsewhere(
        store, clock, lambda work: history_line(work, identity.keys, clock), SharedHistory()
    )
    services = StationServices(
        clock=clock,
        accounts=safe.accounts,
        people=build_people(store, clock, safe.accounts, clinical.patients, matrix),
        backups=safe.backups,
        dossier=build_dossiers(store, clock, keys, safe.backups, sync),
        retention=safe.retention,
        keys=Keys(store, clock, StationKeyChain(store, keys, clock)),
        patients=clinical.patients,
        encounters=clinical.encounters,
        prescriptions=clinical.prescriptions,
        referrals=clinical.referrals,
        appointments=clinical.appointments,
        certificates=clinical.certificates,
        billing=clinical.billing,
        notifications=clinical.notifications,
        visit_forms=clinical.visit_forms,
        claims=claim_desk.claims,
        foreign_visits=claim_desk.foreign_visits,
        claim_checks=claim_desk.inspection,
        gateways=build_gateways(
            store,
            clock,
            identity,
            claim_desk.files,
            claim_desk.checks,
            claim_desk.claims,
            desk.signing,
            loop or GatewayLoop(clock),
            line.link_cost if isinstance(line, SyncEngine) else None,
        ),
        visits=clinical.visits,
        prints=clinical.prints,
        drafts=clinical.drafts,
        signing=desk.signing,
        signatures=desk.signatures,
        conflicts=clinical.conflicts,
        duplicates=clinical.duplicates,
        versions=clinical.versions,
        record_check=build_record_check(store, clock),
        exports=Exports(store, clock, VisitFiles(), claim_desk.files, ZipArchives(), __version__),
        registers=books.registers,
        reports=books.reports,
        catalogs=Catalogs(store, clock, catalogs, FileImporter()),
        packs=CatalogPacks(store, clock, catalogs, FileImporter(), rows_of),
        sync=Synchronisation(store, clock, sync),
        enrolments=enrolments(store, clock, identity.keys),
        courier=build_courier(store, clock, identity),
        rebuild=build_rebuild(store, clock, identity, line),
        elsewhere=elsewhere,
        trail=build_trail(store, clock, identity, elsewhere.sharing),
        privacy=build_privacy(store, clock, catalogs),
    )
    return Journal(store, clock).watch(Veil(store, clock).watch(services))
