"""Staff and the station itself: small records whose every saved state is a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from station_emr.db.codec import decode, encode, maybe_moment, stamp
from station_emr.db.models import FacilityHead, RecordVersion, UserHead
from station_emr.db.statements import text
from station_emr.domain.errors import NotFound
from station_emr.domain.operation import Operation, Origin, VersionNode
from station_emr.domain.record import (
    Changed,
    PractitionerSnapshot,
    RecordKind,
    RecordStatus,
    StationProfile,
)
from station_emr.domain.user import User

from . import replicas
from .records import not_found, read_content, write_version

_STATION: Final = "station.facility_id"
_USERS: Final = (
    select(
        RecordVersion.content,
        UserHead.last_login_utc,
        UserHead.last_login_offset,
    )
    .join(
        UserHead,
        (RecordVersion.record_id == UserHead.id) & (RecordVersion.version == UserHead.version),
    )
    .where(RecordVersion.kind == RecordKind.PRACTITIONER.value)
    .order_by(UserHead.row_id)
)
_STATION_CONTENT: Final = (
    select(RecordVersion.content)
    .join(
        FacilityHead,
        (RecordVersion.record_id == FacilityHead.id)
        & (RecordVersion.version == FacilityHead.version),
    )
    .where(
        RecordVersion.kind == RecordKind.FACILITY.value,
        FacilityHead.id == bindparam("id"),
    )
)


def _user(row: Any) -> User:
    user = decode(row.content, User)
    return replace(user, last_login_at=maybe_moment(row.last_login_utc, row.last_login_offset))


def _next_status(version: int) -> RecordStatus:
    return RecordStatus.SIGNED if version == 1 else RecordStatus.AMENDED


class UserRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: str) -> User:
        row = self._connection.execute(_USERS.where(UserHead.id == user_id)).one_or_none()
        if row is None:
            raise not_found(RecordKind.PRACTITIONER)
        return _user(row)

    def at_version(self, user_id: str, version: int) -> User:
        kind = RecordKind.PRACTITIONER
        return decode(read_content(self._connection, kind, user_id, version), User)

    def by_username(self, username: str) -> User | None:
        row = self._connection.execute(
            _USERS.where(UserHead.username == username.strip().lower())
        ).one_or_none()
        return None if row is None else _user(row)

    def all(self) -> tuple[User, ...]:
        return tuple(_user(row) for row in self._connection.execute(_USERS))

    def save(self, user: User, *, author: PractitionerSnapshot | None, at: datetime) -> Changed:
        """A log-in moves only the head: it is no news for the province."""
        head = self._connection.execute(
            select(UserHead.version, UserHead.status).where(UserHead.id == user.id)
        ).one_or_none()
        login = stamp("last_login", user.last_login_at)
        content = encode(replace(user, last_login_at=None))
        if head is not None and encode(replace(self.get(user.id), last_login_at=None)) == content:
            self._connection.execute(update(UserHead).where(UserHead.id == user.id).values(**login))
            return Changed(
                RecordKind.PRACTITIONER, user.id, head.version, RecordStatus(head.status)
            )
        author = author or user.snapshot
        version = 1 + replicas.last_version(self._connection, RecordKind.PRACTITIONER, user.id)
        changed = write_version(
            self._connection,
            kind=RecordKind.PRACTITIONER,
            record_id=user.id,
            patient_id="",
            version=version,
            status=_next_status(version),
            content=content,
            author=(author.user_id, author.full_name),
            at=at,
            parents=() if head is None else (head.version,),
        )
        self._move_head(user, changed, at, is_new=head is None)
        return changed

    @replicas.must_fit()
    def add_replica(
        self,
        user: User,
        operation: Operation,
        parents: Sequence[int],
        *,
        move_head: bool = True,
    ) -> Changed:
        envelope = operation.envelope
        known = self._connection.execute(_USERS.where(UserHead.id == user.id)).one_or_none()
        if known is None:
            kept = replace(
                user, username=self._placeholder(user.id), active=False, last_login_at=None
            )
        else:
            here = _user(known)
            kept = replace(
                user,
                username=here.username,
                active=here.active,
                last_login_at=here.last_login_at,
            )
        changed = write_version(
            self._connection,
            kind=RecordKind.PRACTITIONER,
            record_id=user.id,
            patient_id="",
            version=1 + replicas.last_version(self._connection, RecordKind.PRACTITIONER, user.id),
            status=envelope.status,
            content=encode(replace(kept, last_login_at=None)),
            author=(envelope.author_id, envelope.author_name),
            at=envelope.at,
            reason=envelope.reason,
            parents=parents,
            open_fields=envelope.open_fields,
            origin=Origin.REPLICA,
            written_on=(envelope.device, envelope.skew),
        )
        if move_head or known is None:  # who was ever written has a head
            self._move_head(kept, changed, envelope.at, is_new=known is None)
        return changed

    def lineage(self, record_id: str) -> tuple[VersionNode, ...]:
        return replicas.lineage(self._connection, RecordKind.PRACTITIONER, record_id)

    def _placeholder(self, user_id: str) -> str:
        """A log-in name that nobody chose: a colleague known from another machine only."""
        wanted = f"nv-{user_id[-6:].lower()}"
        name, number = wanted, 1
        while self.by_username(name) is not None:
            number += 1
            name = f"{wanted}-{number}"
        return name

    def _move_head(self, user: User, changed: Changed, at: datetime, *, is_new: bool) -> None:
        values = {
            "version": changed.version,
            "status": changed.status.value,
            "username": user.username.strip().lower(),
            **stamp("last_login", user.last_login_at),
            **stamp("saved", at),
        }
        if is_new:
            self._connection.execute(insert(UserHead).values(id=user.id, **values))
        else:
            self._connection.execute(
                update(UserHead).where(UserHead.id == user.id).values(**values)
            )


class SettingRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        found: str | None = self._connection.execute(
            text("SELECT value FROM setting WHERE key = :key"), {"key": key}
        ).scalar_one_or_none()
        return found

    def put(self, key: str, value: str) -> None:
        self._connection.execute(
            text(
                "INSERT INTO setting (key, value) VALUES (:key, :value) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
            ),
            {"key": key, "value": value},
        )
        replicas.forget_here(self._connection)

    def station(self) -> StationProfile:
        content: str | None = self._connection.execute(
            _STATION_CONTENT, {"id": self.get(_STATION)}
        ).scalar_one_or_none()
        if content is None:
            raise NotFound(
                "Máy này chưa khai báo thông tin trạm. Hãy mở phần cài đặt và khai báo trạm trước."
            )
        return decode(content, StationProfile)

    def station_at(self, facility_id: str, version: int) -> StationProfile:
        kind = RecordKind.FACILITY
        return decode(read_content(self._connection, kind, facility_id, version), StationProfile)

    def save_station(self, profile: StationProfile, at: datetime) -> None:
        head = self._connection.execute(
            select(FacilityHead.version).where(FacilityHead.id == profile.facility_id)
        ).one_or_none()
        current = head is not None and self.get(_STATION) == profile.facility_id
        if current and self.station() == profile:
            return
        version = 1 + replicas.last_version(
            self._connection, RecordKind.FACILITY, profile.facility_id
        )
        status = _next_status(version)
        write_version(
            self._connection,
            kind=RecordKind.FACILITY,
            record_id=profile.facility_id,
            patient_id="",
            version=version,
            status=status,
            content=encode(profile),
            author=("", profile.name),
            at=at,
            parents=() if head is None else (head.version,),
            written_on=(profile.device_name, replicas.written_here(self._connection)[1]),
        )
        values = {
            "version": version,
            "status": status.value,
            "code": profile.code,
            "name": profile.name,
            **stamp("saved", at),
        }
        if head is None:
            self._connection.execute(insert(FacilityHead).values(id=profile.facility_id, **values))
        else:
            self._connection.execute(
                update(FacilityHead).where(FacilityHead.id == profile.facility_id).values(**values)
            )
        self.put(_STATION, profile.facility_id)
