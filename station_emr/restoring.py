"""Joins what puts a copy in the place of the database: keys, databases, files, the person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from station_emr.db import DATABASE_FILE
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import EnvironmentFailure, PermissionDenied, StationError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.user import Actor
from station_emr.security import backup_manifest, restore_files
from station_emr.security.backup_register import RegisterFile
from station_emr.security.backup_shelf import facts_of
from station_emr.security.keyslots import FILE_NAME, KeySlots
from station_emr.security.window_claim import WindowClaim
from station_emr.services.account_rules import active_user
from station_emr.services.backup_ports import FoundCopy
from station_emr.services.guards import allow
from station_emr.services.ports import Clock
from station_emr.services.restore_preview import RestorePreview, preview

_KEPT: Final = "truoc-khoi-phuc-{:%Y%m%d-%H%M%S}"
_LEFT: Final = (
    "Tài khoản này không còn quyền khôi phục ở trạm. Chưa có gì thay đổi. Hãy để giám đốc hoặc người "
    "quản trị đang làm việc đăng nhập."
)
_OTHER: Final = (
    "Bản sao này của một trạm khác ({there}), còn máy này đang giữ hồ sơ của {here}. Chưa có gì thay "
    "đổi. Hãy chọn bản sao của đúng trạm, hoặc khôi phục vào một máy chưa thiết lập."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """``kept`` is the folder with what was here before; empty when there was nothing."""

    kept: str
    station: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A copy that was opened and compared. ``accept`` puts it in the place of what is here."""

    copy: FoundCopy
    actor: Actor
    preview: RestorePreview
    accept: Callable[[], Restored]


def newest_copy(folder: Path) -> FoundCopy | None:
    """The newest copy of this folder's station that can be seen now, for the moment the database
    cannot be opened. Needs no password.
    """
    return next(iter(copies_for(folder)), None)


def copies_for(folder: Path, others: Sequence[Path] = ()) -> tuple[FoundCopy, ...]:
    """Copies in the places this machine knows and in ``others``, newest first. A folder that is no
    place any more still counts when a copy was made into it.
    """
    own_id = ""
    with suppress(StationError):
        own_id = KeySlots.load(folder / FILE_NAME, clock=_no_clock).database_id
    book = RegisterFile(folder).read()
    looked = [*map(str, others), *(one.path for one in book.places)]
    looked += [str(Path(copy.place).parent) for copy in book.copies]
    found: dict[str, FoundCopy] = {}
    for place in dict.fromkeys(looked):
        for copy in backup_manifest.found_in(place, own_id):
            if copy.own or Path(place) in others or not own_id:
                found[copy.place] = copy
    return tuple(sorted(found.values(), key=lambda one: one.at, reverse=True))


@contextmanager
def proposed(
    folder: Path,
    place: Path,
    clock: Clock,
    *,
    username: str = "",
    password: str = "",
    code: str = "",
    claimed: bool = False,
) -> Iterator[Proposal]:
    """Open the copy with a password of its time, or with the recovery code, and compare it with what
    is here. Only ``accept`` changes anything, and what is here is then kept aside. ``claimed`` when
    the caller's window holds the folder.

    Raises WrongPassword, PermissionDenied, DatabaseDamaged and what a disk may do.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        if not claimed:
            claim = WindowClaim(folder)
            claim.take()
            held.callback(claim.release)
        staging = held.enter_context(restore_files.staged(folder, place, DATABASE_FILE))
        slots = KeySlots.load(staging / FILE_NAME, clock=clock.now)
        _same_station(folder, slots)
        name = slots.station_name
        key = slots.unlock_with_recovery(code) if code else slots.unlock(username, password)
        there = EncryptedStore.open(staging / DATABASE_FILE, key, slots.previous_keys(key))
        held.callback(there.close)
        there.check()
        actor = _person(there, username, by_code=bool(code))
        here = _present(folder, key, clock, username, password)
        if here is not None:
            held.callback(here.close)
            if not code:
                _still_there(here, username)
        copy = next(iter(backup_manifest.found_in(str(place), slots.database_id)))
        told = preview(actor, here, there)

        def accept() -> Restored:
            now = clock.now()
            kept = _KEPT.format(now) if (folder / DATABASE_FILE).exists() else ""
            with there.write() as work:
                work.audit.append(
                    actor,
                    "backup.restore",
                    now,
                    detail={
                        "at": f"{copy.at:%Y-%m-%d %H:%M}",
                        "to": kept or folder.name,
                        "count": str(told.lost),
                    },
                )
            facts_of(there)  # the last look before it counts
            there.close()
            if here is not None:
                here.close()
            for suffix in ("-wal", "-shm"):
                (staging / f"{DATABASE_FILE}{suffix}").unlink(missing_ok=True)
            restore_files.publish(folder, DATABASE_FILE, kept or _KEPT.format(now))
            if not kept:
                with suppress(OSError):
                    (folder / _KEPT.format(now)).rmdir()
            return Restored(kept=kept, station=name, at=copy.at)

        yield Proposal(copy=copy, actor=actor, preview=told, accept=accept)


def _same_station(folder: Path, there: KeySlots) -> None:
    """What is here may be spoilt; then nothing contradicts."""
    with suppress(EnvironmentFailure):
        here = KeySlots.load(folder / FILE_NAME, clock=_no_clock)
        if here.database_id != there.database_id:
            raise PermissionDenied(_OTHER.format(there=there.station_name, here=here.station_name))


def _person(there: EncryptedStore, username: str, *, by_code: bool) -> Actor:
    """Whoever holds the recovery code acts as the director: the code opens everything anyway."""
    with there.read() as work:
        device = work.settings.station().device_name
        if by_code and not username:
            user = next(
                (one for one in work.users.all() if one.active and one.role is Role.DIRECTOR), None
            )
            if user is None:
                raise PermissionDenied(_LEFT)
        else:
            user = active_user(work, username)
    actor = Actor(user=user, device=device)
    allow(actor, Action.STATION_SETUP)
    return actor


def _present(
    folder: Path, key: bytes, clock: Clock, username: str, password: str
) -> EncryptedStore | None:
    """The database that is here, under the key of the copy or its own; None when it cannot be
    opened. It is only read.
    """
    path = folder / DATABASE_FILE
    if not path.exists():
        return None
    keys = [key]
    with suppress(StationError):
        if password:
            own = KeySlots.load(folder / FILE_NAME, clock=clock.now)
            keys.append(own.unlock(username, password))
    for one in dict.fromkeys(keys):
        with suppress(EnvironmentFailure):
            store = EncryptedStore.open(path, one)
            try:
                store.check()
            except EnvironmentFailure:
                store.close()
                raise
            return store
    return None


def _still_there(here: EncryptedStore, username: str) -> None:
    """Somebody who has left since must not come back by an old copy."""
    with here.read() as work:
        user = work.users.by_username(username)
        device = work.settings.station().device_name
    if user is None or not user.active:
        raise PermissionDenied(_LEFT)
    allow(Actor(user=user, device=device), Action.STATION_SETUP)


def _no_clock() -> datetime:
    raise RuntimeError("reading key slots asks no clock")
