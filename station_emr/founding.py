"""Sets a station up in a folder: database, first account, letter key, starter lists."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Final

from station_emr.catalogs.starter import starter_rows
from station_emr.db import DATABASE_FILE
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import Problem, StateError
from station_emr.domain.permissions import Role
from station_emr.domain.record import StationProfile
from station_emr.domain.text import clean
from station_emr.domain.user import Actor, User
from station_emr.security import durable_file, restore_files, set_up
from station_emr.security.keyslots import KeySlots
from station_emr.security.passwords import PasswordPolicy, password_problems
from station_emr.services.account_rules import check_user
from station_emr.services.clock import SystemClock
from station_emr.services.guards import refuse
from station_emr.services.letterhead_rules import check_station
from station_emr.services.ports import Clock

DATABASE: Final = DATABASE_FILE
KEY_SLOTS: Final = "keyslots.json"
LETTER_KEY: Final = "letter.private_key"
_STATION_FILES: Final = (
    KEY_SLOTS,
    f"{KEY_SLOTS}.bak",
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
)
_TAKEN: Final = (
    "Thư mục này đã có dữ liệu của một trạm. Hãy chọn thư mục khác hoặc đăng nhập vào trạm đó."
)


def station_exists(folder: Path) -> bool:
    """Whether the folder holds a station (both the database and its key slots)."""
    restore_files.clear_unfinished(folder, DATABASE)
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


def furnish(store: EncryptedStore, profile: StationProfile, director: User, clock: Clock) -> None:
    """Put into a fresh database what every station starts with."""
    now = clock.now()
    with store.write() as work:
        work.settings.save_station(profile, now)
        work.users.save(director, author=None, at=now)
        work.settings.put(LETTER_KEY, clock.random(32).hex())
        work.catalogs.load_starter(starter_rows(), now)
        work.audit.append(Actor(user=director, device=profile.device_name), "station.create", now)
