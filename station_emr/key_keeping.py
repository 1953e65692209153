"""Joins the key slots with the database they open, and finishes changes of keys in the background."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path
from typing import Final

from station_emr.db import connection as connections
from station_emr.db import failures, rekey
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged, NotFound, StateError, StationError
from station_emr.security.key_ring import SlotKeyRing
from station_emr.security.keyslots import KeySlots
from station_emr.services.keys import (
    Cancelled,
    Keys,
    Progress,
    accept_old_slots,
    is_older,
    note_generation,
    refuse_old_slots,
)
from station_emr.services.ports import Clock

_log = logging.getLogger(__name__)
_KEY_BYTES: Final = 32


class StationKeyChain:
    """See :class:`station_emr.services.keys.KeyChain`. One change at a time."""

    def __init__(self, store: EncryptedStore, ring: SlotKeyRing, clock: Clock) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._turn = threading.Lock()

    def generation(self) -> int:
        return self._ring.generation

    def settled(self) -> bool:
        return self._store.is_under(self._ring.data_key)

    def need_room(self) -> None:
        rekey.need_room(self._store.path)

    def begin(self) -> None:
        with self._turn:
            if self.settled():
                self._ring.change_data_key(self._clock.random(_KEY_BYTES))

    def encrypt(self, progress: Progress, cancelled: Cancelled) -> float | None:
        with self._turn:
            if self.settled():
                return 0.0
            try:
                return self._store.change_key(self._ring.data_key, progress, cancelled)
            except rekey.Stopped:
                return None

    def check_recovery(self, code: str) -> None:
        self._ring.check_recovery(code)

    def can_tie(self) -> bool:
        return self._ring.can_tie()

    def machine_state(self) -> tuple[bool, tuple[str, ...]]:
        return self._ring.machine_state()

    def tie(self) -> None:
        self._ring.tie_to_machine()

    def untie(self) -> None:
        self._ring.untie_from_machine()


class KeyKeeper:
    """A thread that sleeps until somebody leaves, and does then what :meth:`Keys.catch_up` says."""

    def __init__(self, keys: Keys, ring: SlotKeyRing) -> None:
        self._keys = keys
        self._wanted = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._ring = ring
        ring.left = self._wanted.set

    def start(self) -> None:
        if self._thread is None:
            self._wanted.set()  # what an earlier run left
            self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends a change under way; it is carried on after the next log-in."""
        self._ending.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def forget(self) -> None:
        """Once everything is closed: no data key stays in memory (best effort)."""
        self._ring.forget()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._ending.wait(1.0):  # the transaction in which somebody leaves ends first
                return
            try:
                self._keys.catch_up(self._ending.is_set)
            except StationError as error:  # no room, another window: at the next log-in
                _log.warning("the change of keys waits: %s", type(error).__name__)


def open_store(path: Path, slots: KeySlots, data_key: bytes) -> EncryptedStore:
    """The database under the key of the slots, or under an earlier one after an interrupted change."""
    try:
        return EncryptedStore.open(path, data_key, slots.previous_keys(data_key))
    except DatabaseDamaged:
        if connections.fits(path, data_key):
            raise
        raise failures.no_key_fits() from None  # rather two files of different days or stations


def compare_slots(store: EncryptedStore, slots: KeySlots, clock: Clock, *, recovery: bool) -> None:
    """A slot file of before the last change of keys opens nothing with a password: it may hold the
    slot of somebody who has left. The recovery code may bring it back into use, without them.
    """
    generation = slots.generation
    with store.write() as work:
        if not recovery:
            refuse_old_slots(work, generation)
        if not is_older(work, generation):
            note_generation(work, generation)
            return
        left = accept_old_slots(work, generation, clock.now())
    for username in left:
        with contextlib.suppress(NotFound, StateError):  # no slot, or the last one of all
            slots.remove(username)
