"""Composition root without Qt: joins the adapters and hands out one open station."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from pathlib import Path

from station_emr.catalogs.importers import FileImporter
from station_emr.catalogs.starter import starter_rows
from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.db import DATABASE_FILE
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseMissing, Problem, StateError
from station_emr.domain.permissions import Role
from station_emr.domain.record import StationProfile
from station_emr.domain.sync import SyncRun
from station_emr.domain.text import clean
from station_emr.domain.user import Actor, User
from station_emr.interop.fhir.shared_history import SharedHistory
from station_emr.machine_identity import (
    MachineIdentity,
    MarkingShelf,
    enrolments,
    history_line,
    identity_of,
    province,
)
from station_emr.printing.documents import PdfDocuments
from station_emr.security import durable_file, set_up
from station_emr.security.backup_shelf import FolderShelf
from station_emr.security.keyslots import KeySlots
from station_emr.security.letters import (
    StationLetterSigner,
    TrustedStation,
    public_key_of,
    signing_key_from_bytes,
)
from station_emr.security.passwords import PasswordPolicy, password_problems
from station_emr.services.accounts import (
    Accounts,
    KeyRing,
    active_user,
    check_station,
    check_user,
)
from station_emr.services.appointments import Appointments
from station_emr.services.backups import Backups
from station_emr.services.catalog_packs import CatalogPacks
from station_emr.services.catalogs import Catalogs
from station_emr.services.clock import SystemClock
from station_emr.services.conflicts import Conflicts
from station_emr.services.drafts import Drafts
from station_emr.services.duplicates import Duplicates
from station_emr.services.elsewhere import Elsewhere
from station_emr.services.encounters import Encounters
from station_emr.services.form_rules import FormRules
from station_emr.services.guards import refuse
from station_emr.services.matching import NameMatcher
from station_emr.services.patients import Patients
from station_emr.services.ports import Clock
from station_emr.services.prescriptions import Prescriptions
from station_emr.services.prints import Prints
from station_emr.services.rebuild import ProvinceLine
from station_emr.services.referrals import Referrals
from station_emr.services.station_services import StationServices
from station_emr.services.synchronisation import SyncControl, Synchronisation
from station_emr.services.visits import Visits
from station_emr.sync.catalog_content import rows_of
from station_emr.sync.engine import SyncEngine
from station_emr.sync.scheduler import SyncScheduler
from station_emr.two_way import build_courier, build_engine, build_rebuild

DATABASE = DATABASE_FILE
KEY_SLOTS = "keyslots.json"
_STATION_FILES = (
    KEY_SLOTS,
    f"{KEY_SLOTS}.bak",
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
)
_TAKEN = "Thư mục này đã có dữ liệu của một trạm. Hãy chọn thư mục khác hoặc đăng nhập vào trạm đó."
LETTER_KEY = "letter.private_key"


def station_exists(folder: Path) -> bool:
    """Whether the folder holds a station (both the database and its key slots)."""
    try:
        return (folder / DATABASE).exists() and (folder / KEY_SLOTS).exists()
    except OSError as error:  # a folder of another account
        raise durable_file.explain(error) from error


def create_station(
    folder: Path,
    profile: StationProfile,
    director: User,
    password: str,
    clock: Clock | None = None,
) -> str:
    """Set up a station: database, first account, letter key, starter lists; whole or not at all.

    Gives the recovery code, shown and printed once. Raises InvalidRecord with every field at
    fault, StateError when the folder already holds a station. Nothing stays behind on failure,
    and after a power cut :func:`set_up.clear_unfinished` takes away what was begun.
    """
    clock = clock or SystemClock()
    set_up.clear_unfinished(folder, DATABASE)
    if _holds_station(folder):
        raise StateError(_TAKEN)
    director = replace(
        director,
        username=director.username.strip().lower(),
        full_name=clean(director.full_name),
    )
    problems: list[Problem] = [*check_station(profile), *check_user(director)]
    problems += password_problems(password, director.username, director.full_name, PasswordPolicy())
    refuse(problems)
    with durable_file.locked(folder / KEY_SLOTS):
        if _holds_station(folder):  # another program was faster
            raise StateError(_TAKEN)
        try:
            staging = set_up.begin(folder)
            recovery_code = _build(staging, profile, director, password, clock)
            set_up.publish(folder, DATABASE)
        except BaseException as error:
            set_up.roll_back(folder, DATABASE)
            if isinstance(error, OSError):
                raise durable_file.explain(error) from error
            raise
        return recovery_code


def _holds_station(folder: Path) -> bool:
    return any((folder / name).exists() for name in _STATION_FILES)


def _build(
    staging: Path, profile: StationProfile, director: User, password: str, clock: Clock
) -> str:
    """The whole station in a folder of its own; gives the recovery code."""
    database_id = profile.facility_id or clock.new_id()
    profile = replace(profile, facility_id=database_id)
    director = replace(
        director, id=director.id or clock.new_id(), role=director.role or Role.DIRECTOR
    )
    _, data_key, recovery_code = KeySlots.create(
        staging / KEY_SLOTS,
        station_name=profile.name,
        database_id=database_id,
        username=director.username,
        display_name=director.snapshot.printed_name,
        password=password,
        role_label=director.role.label,
        clock=clock.now,
    )
    store = EncryptedStore.create(staging / DATABASE, data_key)
    try:
        furnish(store, profile, director, clock)
    finally:
        store.close()
    log = staging / f"{DATABASE}-wal"
    if log.exists() and log.stat().st_size:  # closing could not fold it in
        raise OSError(errno.ENOSPC, "the write-ahead log was not folded in")
    return recovery_code


class _SlotKeyRing:
    """Key slots with the open data key, as the accounts service needs them."""

    def __init__(self, slots: KeySlots, data_key: bytes) -> None:
        self._slots = slots
        self._data_key = data_key

    def add(self, username: str, display_name: str, role_label: str, password: str) -> None:
        """A slot for somebody new to the record. One that is there already was left when the power
        went between the slot and the record; it is given anew, so that the name can be used.
        """
        if self._has(username):
            self._slots.remove(username)
        self._slots.add(username, display_name, password, self._data_key, role_label=role_label)

    def describe(self, username: str, display_name: str, role_label: str) -> None:
        if self._has(username):
            self._slots.describe(username, display_name=display_name, role_label=role_label)

    def change_password(self, username: str, old: str, new: str) -> None:
        self._slots.change_password(username, old, new)

    def reset_password(self, username: str, display_name: str, role_label: str, new: str) -> None:
        if self._has(username):
            self._slots.reset_password(username, new, self._data_key)
        else:  # a person who had left and is back
            self.add(username, display_name, role_label, new)

    def unlock_account(self, username: str) -> None:
        self._slots.unlock_account(username)

    def remove(self, username: str) -> None:
        self._slots.remove(username)

    def new_recovery_code(self) -> str:
        return self._slots.new_recovery_code(self._data_key)

    def _has(self, username: str) -> bool:
        return any(person.username == username for person in self._slots.people())

    def is_locked(self, username: str) -> bool:
        return any(p.username == username and p.locked for p in self._slots.people())

    def password_problems(
        self, password: str, username: str, full_name: str
    ) -> tuple[Problem, ...]:
        return tuple(password_problems(password, username, full_name, PasswordPolicy()))


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

    def sync_now(self) -> SyncRun:
        """One attempt in this thread; the run says what happened."""
        return self.engine.run_once()

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

    def close(self) -> None:
        self.scheduler.stop()
        self.identity.lives.note(self.store)
        self.store.close()


def open_station(
    folder: Path,
    username: str,
    password: str,
    clock: Clock | None = None,
) -> OpenStation:
    """Log in: open the key slot, the database, and join the use cases.

    Raises DatabaseMissing, WrongPassword, AccountLocked, DatabaseDamaged, DatabaseTooNew.
    """
    clock = clock or SystemClock()
    _need_station(folder)
    slots = KeySlots.load(folder / KEY_SLOTS, clock=clock.now)
    return _open(folder, slots, slots.unlock(username, password), username, clock)


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
    store = EncryptedStore.open(folder / DATABASE, data_key)
    try:
        with store.read() as work:
            user = active_user(work, username)
        refuse(password_problems(new_password, user.username, user.full_name, PasswordPolicy()))
        _SlotKeyRing(slots, data_key).reset_password(
            user.username, user.snapshot.printed_name, user.role.label, new_password
        )
        return _join(folder, store, slots, data_key, user.username, clock, recovery=True)
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
    folder: Path, slots: KeySlots, data_key: bytes, username: str, clock: Clock
) -> OpenStation:
    store = EncryptedStore.open(folder / DATABASE, data_key)
    try:
        return _join(folder, store, slots, data_key, username, clock)
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
    *,
    recovery: bool = False,
) -> OpenStation:
    identity = identity_of(folder, slots.database_id, data_key, clock)
    identity.lives.opened(store)
    with store.read() as work:
        client = province(work, identity.keys, clock)
        device = work.settings.station().device_name
    engine = build_engine(store, clock, client, identity)
    scheduler = SyncScheduler(engine, store, clock)
    services = build_services(
        store, clock, _SlotKeyRing(slots, data_key), scheduler, identity, engine
    )
    engine.do_before_runs(services.packs.apply_due)
    return OpenStation(
        folder=folder,
        store=store,
        services=services,
        actor=services.accounts.log_in(username, device, recovery=recovery),
        scheduler=scheduler,
        engine=engine,
        identity=identity,
    )


def build_services(
    store: EncryptedStore,
    clock: Clock,
    keys: KeyRing,
    sync: SyncControl,
    identity: MachineIdentity,
    line: ProvinceLine | None = None,
) -> StationServices:
    """The use cases over one open store."""
    with store.read() as work:
        letter_key = bytes.fromhex(work.settings.get(LETTER_KEY) or "")
    catalogs = StationCatalogs(store)
    signer = StationLetterSigner(signing_key_from_bytes(letter_key))
    patients = Patients(store, clock, NameMatcher())
    encounters = Encounters(store, clock, catalogs)
    prescriptions = Prescriptions(store, clock, catalogs)
    appointments = Appointments(store, clock, catalogs)
    referrals = Referrals(store, clock, catalogs, signer)
    return StationServices(
        clock=clock,
        accounts=Accounts(store, clock, keys),
        patients=patients,
        encounters=encounters,
        prescriptions=prescriptions,
        referrals=referrals,
        appointments=appointments,
        visits=Visits(store, encounters, prescriptions, appointments, referrals),
        prints=Prints(store, clock, PdfDocuments()),
        catalogs=Catalogs(store, clock, catalogs, FileImporter()),
        packs=CatalogPacks(store, clock, catalogs, FileImporter(), rows_of),
        drafts=Drafts(store, clock),
        sync=Synchronisation(store, clock, sync),
        backups=Backups(
            store,
            clock,
            MarkingShelf(
                FolderShelf(store, DATABASE, store.path.with_name(KEY_SLOTS)),
                lambda: identity.lives.copied(store),
            ),
        ),
        enrolments=enrolments(store, clock, identity.keys),
        conflicts=Conflicts(
            store,
            clock,
            signer,
            FormRules(patients, encounters, (prescriptions, appointments, referrals)),
        ),
        duplicates=Duplicates(store, clock, NameMatcher()),
        courier=build_courier(store, clock, identity),
        rebuild=build_rebuild(store, clock, identity, line),
        elsewhere=Elsewhere(
            store, clock, lambda work: history_line(work, identity.keys, clock), SharedHistory()
        ),
    )


def furnish(store: EncryptedStore, profile: StationProfile, director: User, clock: Clock) -> None:
    """Put into a fresh database what every station starts with."""
    now = clock.now()
    with store.write() as work:
        work.settings.save_station(profile, now)
        work.users.save(director, author=None, at=now)
        work.settings.put(LETTER_KEY, clock.random(32).hex())
        work.catalogs.load_starter(starter_rows(), now)
        work.audit.append(Actor(user=director, device=profile.device_name), "station.create", now)
