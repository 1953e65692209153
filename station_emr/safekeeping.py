"""Joins what keeps the record safe: who may open it, and its copies."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.db.store import EncryptedStore
from station_emr.founding import DATABASE, KEY_SLOTS
from station_emr.machine_identity import MachineIdentity
from station_emr.security.backup_register import RegisterFile
from station_emr.security.backup_shelf import FolderShelf
from station_emr.services.accounts import Accounts, KeyRing
from station_emr.services.backups import Backups
from station_emr.services.ports import Clock
from station_emr.services.retention import Retention


@dataclass(frozen=True, slots=True)
class Safekeeping:
    """Fields as in :class:`StationServices`."""

    accounts: Accounts
    backups: Backups
    retention: Retention


def build_safekeeping(
    store: EncryptedStore, clock: Clock, keys: KeyRing, identity: MachineIdentity
) -> Safekeeping:
    shelf = FolderShelf(store, DATABASE, store.path.with_name(KEY_SLOTS))
    return Safekeeping(
        accounts=Accounts(store, clock, keys),
        backups=Backups(
            store,
            clock,
            shelf,
            RegisterFile(store.path.parent),
            lambda: identity.lives.copied(store),
        ),
        retention=Retention(store, clock),
    )
