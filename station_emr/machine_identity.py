"""Joins what one machine is: its key, its place at the province, and the life of its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from station_emr.domain.errors import UserError
from station_emr.security import durable_file, machine
from station_emr.security.authority import read_authority
from station_emr.security.courier_key import CourierIdentity, courier_identity
from station_emr.security.device_key import DeviceKeys
from station_emr.security.gateway_secrets import GatewaySecrets
from station_emr.security.witness import WitnessFile
from station_emr.services.enrolment import (
    AUTHORITY,
    DEVICE_ID,
    KEY_ID,
    SERVER_TOKEN,
    SERVER_URL,
    TOKEN_URL,
    Enrolments,
)
from station_emr.services.incarnation import Lives
from station_emr.services.ports import Clock, Store, Work
from station_emr.sync.client import FhirClient
from station_emr.sync.enrolment import Registrar, root_of
from station_emr.sync.history_line import HistoryOverHttp
from station_emr.sync.tokens import KeyTokens, LostKey, TokenSource

SYNC_TURN: Final = "sync.lock"
GATEWAY_TURN: Final = "gateway.lock"


@dataclass(frozen=True, slots=True)
class MachineIdentity:
    """``keys`` sign for this machine, ``lives`` watches over its database, ``courier`` opens files
    that were meant for it, ``secrets`` keeps the passwords of the national gateways.
    """

    folder: Path
    keys: DeviceKeys
    lives: Lives
    courier: CourierIdentity
    secrets: GatewaySecrets

    @contextmanager
    def gateway_turn(self) -> Iterator[bool]:
        """The claim of a turn of sending to the national gateways."""
        with durable_file.turn(self.folder / GATEWAY_TURN) as mine:
            yield mine

    @contextmanager
    def turn(self, store: Store) -> Iterator[bool]:
        """The claim of a sync run on this folder; the witness is told when the run is over."""
        with durable_file.turn(self.folder / SYNC_TURN) as mine:
            yield mine
            if mine:
                self.lives.note(store)


def identity_of(
    folder: Path,
    database_id: str,
    data_key: bytes,
    clock: Clock,
    earlier: tuple[bytes, ...] = (),
) -> MachineIdentity:
    """What stands beside the database in ``folder``. ``earlier`` data keys open what was sealed
    before the last change of keys.
    """
    here = machine.fingerprint()
    return MachineIdentity(
        folder,
        DeviceKeys(
            folder, database_id, data_key, machine=here, random=clock.random, earlier=earlier
        ),
        Lives(clock, WitnessFile(folder), here),
        courier_identity(data_key, here, earlier),
        GatewaySecrets(
            folder, database_id, data_key, machine=here, random=clock.random, earlier=earlier
        ),
    )


def enrolments(store: Store, clock: Clock, keys: DeviceKeys) -> Enrolments:
    return Enrolments(store, clock, keys, Registrar(clock), read_authority)


def province(work: Work, keys: DeviceKeys, clock: Clock) -> FhirClient | None:
    """The line to the province as the settings say, or None when no usable address is set: nobody is
    kept from the record by it.
    """
    url = work.settings.get(SERVER_URL) or ""
    try:
        return (
            FhirClient(
                url, _tokens(work, keys, url), clock, authority=work.settings.get(AUTHORITY) or ""
            )
            if url
            else None
        )
    except (UserError, OSError):  # OSError: an authority that the TLS library cannot read
        return None


def history_line(work: Work, keys: DeviceKeys, clock: Clock) -> HistoryOverHttp | None:
    """A connection for one question to the province's own desks, which stand beside its FHIR part."""
    url = work.settings.get(SERVER_URL) or ""
    try:
        if not url:
            return None
        authority = work.settings.get(AUTHORITY) or ""
        tokens = _tokens(work, keys, url)
        return HistoryOverHttp(FhirClient(root_of(url), tokens, clock, authority=authority))
    except (UserError, OSError):
        return None


def _tokens(work: Work, keys: DeviceKeys, url: str) -> str | TokenSource:
    key_id = work.settings.get(KEY_ID) or ""
    if not key_id:
        return work.settings.get(SERVER_TOKEN) or ""
    key = keys.find(key_id)
    if key is None:
        return LostKey()
    token_url = work.settings.get(TOKEN_URL) or ""
    if urlsplit(token_url)[:2] != urlsplit(url)[:2]:
        token_url = ""  # the address was changed since: the server there says where it gives tokens
    return KeyTokens(work.settings.get(DEVICE_ID) or "", key, token_url)
