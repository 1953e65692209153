"""The rules all aggregates share: drafts change in place, signed content only grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from station_emr.db.codec import decode, digest, encode, moment, offset_of, stamp, utc_text
from station_emr.db.models import Head, RecordVersion, table_of
from station_emr.db.outbox_events import enqueue
from station_emr.domain.errors import Conflict, NotFound, StateError
from station_emr.domain.operation import Operation, Origin, VersionNode
from station_emr.domain.record import (
    Changed,
    PractitionerSnapshot,
    RecordKind,
    RecordStatus,
    VersionInfo,
)
from station_emr.services.ports import Stored

from . import firsts, replicas

_LABELS = {
    RecordKind.PATIENT: "hồ sơ người bệnh",
    RecordKind.ENCOUNTER: "lượt khám",
    RecordKind.PRESCRIPTION: "đơn thuốc",
    RecordKind.REFERRAL: "phiếu chuyển",
    RecordKind.APPOINTMENT: "phiếu hẹn khám lại",
    RecordKind.LINK: "lần gộp hồ sơ",
    RecordKind.FEEDBACK: "phản hồi chuyển tuyến",
    RecordKind.SIGNATURE: "chữ ký",
    RecordKind.CONSENT: "sự đồng ý",
    RecordKind.CERTIFICATE: "giấy nghỉ việc hưởng BHXH",
    RecordKind.NOTIFICATION: "phiếu báo bệnh truyền nhiễm",
    RecordKind.BILL: "bảng kê chi phí",
    RecordKind.RIGHTS: "bảng quyền của trạm",
    RecordKind.STANDING: "tình trạng tài khoản",
    RecordKind.REQUEST: "yêu cầu về hồ sơ",
    RecordKind.BREACH: "sự cố dữ liệu",
    RecordKind.PRACTITIONER: "nhân viên",
    RecordKind.FACILITY: "thông tin trạm",
}


_versions: Final = table_of(RecordVersion)
_WRITE: Final = insert(_versions)
_CONTENT: Final = select(_versions.c.content).where(
    _versions.c.kind == bindparam("kind"),
    _versions.c.record_id == bindparam("id"),
    _versions.c.version == bindparam("version"),
)


class _HeadStatements:
    """The statements of one head table, built once."""

    def __init__(self, head: type[Head]) -> None:
        table = table_of(head)
        by_row = table.c.row_id == bindparam("at_row")
        self.find = select(table).where(table.c.id == bindparam("id"))
        self.insert = insert(table)
        self.update = update(table).where(by_row)
        self.delete = delete(table).where(by_row)
        self.firsts = firsts.FirstHeads(table)


class Identified(Protocol):
    """A record with its own id."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)


def not_found(kind: RecordKind) -> NotFound:
    return NotFound(f"Không tìm thấy {_LABELS[kind]} này trên máy. Hãy tìm lại từ danh sách.")


def write_version(
    connection: Connection,
    *,
    kind: RecordKind,
    record_id: str,
    patient_id: str,
    version: int,
    status: RecordStatus,
    content: str,
    author: tuple[str, str],
    at: datetime,
    reason: str = "",
    parents: Sequence[int] = (),
    open_fields: Sequence[str] = (),
    origin: Origin = Origin.HERE,
    written_on: tuple[str, int | None] | None = None,
    restores: int | None = None,
) -> Changed:
    """Append a version and, unless it came from elsewhere, queue it for the province. The head
    moves after this, never before. ``written_on`` is the writing machine's name and clock
    difference; this machine's own when it is not given.
    """
    device, skew = written_on or replicas.written_here(connection)
    connection.execute(
        _WRITE,
        {
            "kind": kind.value,
            "record_id": record_id,
            "version": version,
            "status": status.value,
            "content": content,
            "content_sha256": digest(content),
            "author_id": author[0],
            "author_name": author[1],
            "reason": reason,
            "parents": replicas.as_list(parents),
            "origin": origin.value,
            "open_fields": replicas.as_list(open_fields),
            "device": device,
            "skew": skew,
            "restores": restores,
            **stamp("at", at),
        },
    )
    if origin is not Origin.REPLICA:
        enqueue(connection, kind, record_id, version, status, patient_id, at)
    return Changed(kind, record_id, version, status)


def read_content(connection: Connection, kind: RecordKind, record_id: str, version: int) -> str:
    """JSON of one version. Raises NotFound."""
    content: str | None = connection.execute(
        _CONTENT, {"kind": kind.value, "id": record_id, "version": version}
    ).scalar_one_or_none()
    if content is None:
        raise not_found(kind)
    return content


class RecordRepository(Generic[T]):
    """Subclasses name the tables and say what their head shows of a record."""

    kind: ClassVar[RecordKind]
    head: ClassVar[type[Head]]
    record_type: type[T]
    _statements: ClassVar[_HeadStatements]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "head"):
            cls._statements = _HeadStatements(cls.head)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def columns(self, record: T) -> dict[str, Any]:
        """What lists and queues show without opening the record."""
        raise NotImplementedError

    def patient_of(self, record: T) -> str:
        raise NotImplementedError

    def written(self, record: T) -> None:
        """Called after the head of ``record`` was written, in the same transaction."""

    def all_written(self, records: Sequence[T]) -> None:
        """The same for many that were not here before."""
        for record in records:
            self.written(record)

    def restore(self, record: T, row: Any) -> T:
        """Overlay what moves outside the content; ``row`` is the head."""
        del row
        return record

    # reading

    def find(self, record_id: str) -> Stored[T] | None:
        row = self._head(record_id)
        return None if row is None else self._stored(row)

    def get(self, record_id: str) -> Stored[T]:
        found = self.find(record_id)
        if found is None:
            raise not_found(self.kind)
        return found

    def at_version(self, record_id: str, version: int) -> T:
        return decode(
            read_content(self._connection, self.kind, record_id, version), self.record_type
        )

    def versions(self, record_id: str) -> tuple[VersionInfo, ...]:
        rows = self._connection.execute(
            select(
                RecordVersion.version,
                RecordVersion.status,
                RecordVersion.author_id,
                RecordVersion.author_name,
                RecordVersion.at_utc,
                RecordVersion.at_offset,
                RecordVersion.reason,
            )
            .where(
                RecordVersion.kind == self.kind.value,
                RecordVersion.record_id == record_id,
            )
            .order_by(RecordVersion.version)
        )
        return tuple(
            VersionInfo(
                kind=self.kind,
                record_id=record_id,
                version=row.version,
                status=RecordStatus(row.status),
                author_id=row.author_id,
                author_name=row.author_name,
                at=moment(row.at_utc, row.at_offset),
                reason=row.reason,
            )
            for row in rows
        )

    def _head(self, record_id: str) -> Any:
        return self._connection.execute(self._statements.find, {"id": record_id}).one_or_none()

    def _stored(self, row: Any) -> Stored[T]:
        content = row.draft
        if row.version:
            content = read_content(self._connection, self.kind, row.id, row.version)
        return Stored(
            record=self.restore(decode(content, self.record_type), row),
            version=row.version,
            status=RecordStatus(row.status),
            saved_at=moment(row.saved_utc, row.saved_offset),
        )

    # writing

    def save_draft(self, record: T, at: datetime) -> None:
        row = self._head(record.id)
        if row is not None and row.version:
            raise StateError(
                f"Nội dung {_LABELS[self.kind]} đã ký nên không sửa trực tiếp được. "
                "Hãy dùng chức năng sửa đổi và ghi lý do."
            )
        self._write_head(
            record, row, version=0, status=RecordStatus.DRAFT, at=at, draft=encode(record)
        )

    def discard_draft(self, record_id: str) -> None:
        row = self._head(record_id)
        if row is None:
            raise not_found(self.kind)
        if row.version:
            raise StateError(
                f"Nội dung {_LABELS[self.kind]} đã ký nên không xóa được. "
                "Hãy hủy và ghi lý do, nội dung cũ vẫn được lưu."
            )
        try:
            self._connection.execute(self._statements.delete, {"at_row": row.row_id})
        except IntegrityError as error:
            raise StateError(
                f"Chưa bỏ được bản nháp {_LABELS[self.kind]} vì đã có giấy tờ khác dựa vào nó. "
                "Hãy bỏ các giấy tờ đó trước."
            ) from error
        self.discarded(row)

    def discarded(self, row: Any) -> None:
        """Called after a draft head was removed, in the same transaction."""

    def add_version(
        self,
        record: T,
        status: RecordStatus,
        *,
        author: PractitionerSnapshot,
        at: datetime,
        reason: str = "",
        expected_version: int,
        open_fields: Sequence[str] = (),
        restores: int | None = None,
    ) -> Changed:
        if status is RecordStatus.DRAFT:
            raise StateError("Bản nháp không phải là một phiên bản đã ký.")
        row = self._head(record.id)
        current = 0 if row is None else row.version
        if current != expected_version:
            raise Conflict(
                f"Có người vừa lưu bản mới của {_LABELS[self.kind]} này. Bản của bạn chưa được ghi. "
                "Hãy mở lại để xem bản mới rồi nhập lại phần cần đổi."
            )
        if (
            row is not None
            and row.status == RecordStatus.VOIDED.value
            and restores is None
            and not replicas.may_follow_voided(
                self._connection, self.kind, record.id, current, opens=bool(open_fields)
            )
        ):
            raise StateError(f"Đã hủy {_LABELS[self.kind]} này nên không thay đổi được nữa.")
        version = 1
        if current:
            version += replicas.last_version(self._connection, self.kind, record.id)
        changed = write_version(
            self._connection,
            kind=self.kind,
            record_id=record.id,
            patient_id=self.patient_of(record),
            version=version,
            status=status,
            content=encode(record),
            author=(author.user_id, author.full_name),
            at=at,
            reason=reason,
            parents=(current,) if current else (),
            open_fields=open_fields,
            restores=restores,
        )
        self._write_head(record, row, version=version, status=status, at=at, draft=None)
        return changed

    @replicas.must_fit()
    def add_replica(
        self,
        record: T,
        status: RecordStatus,
        *,
        author: tuple[str, str],
        at: datetime,
        parents: Sequence[int],
        origin: Origin,
        reason: str = "",
        device: str = "",
        skew: int | None = None,
        open_fields: Sequence[str] = (),
        move_head: bool = True,
    ) -> Changed:
        if status is RecordStatus.DRAFT or origin is Origin.HERE:
            raise ValueError("a replica is a version that was written elsewhere or by the rule")
        row = self._head(record.id)
        shown = 0 if row is None else row.version
        if row is not None and not shown:
            replicas.keep_displaced(self._connection, self.kind, row)
        last = 0  # what was ever written has a head
        if shown:
            last = replicas.last_version(self._connection, self.kind, record.id)
        changed = write_version(
            self._connection,
            kind=self.kind,
            record_id=record.id,
            patient_id=self.patient_of(record),
            version=last + 1,
            status=status,
            content=encode(record),
            author=author,
            at=at,
            reason=reason,
            parents=parents,
            open_fields=open_fields,
            origin=origin,
            written_on=(device, skew),
        )
        if move_head or not shown:
            self._write_head(record, row, version=last + 1, status=status, at=at, draft=None)
        return changed

    def show(self, record_id: str, version: int) -> Changed:
        record = self.at_version(record_id, version)
        node = replicas.node(self._connection, self.kind, record_id, version)
        row = self._head(record_id)
        if node is None or row is None:
            raise not_found(self.kind)
        self._write_head(
            record, row, version=version, status=node.status, at=node.at, draft=row.draft
        )
        return Changed(self.kind, record_id, version, node.status)

    @replicas.must_fit()
    def add_firsts(self, operations: Sequence[Operation]) -> tuple[Changed, ...]:
        changed = firsts.add(
            self._connection, self.kind, self._statements.firsts, self.columns, operations
        )
        self.all_written([one.record for one in operations])
        return changed

    def heads(self, record_ids: Iterable[str]) -> dict[str, int]:
        return self._statements.firsts.known(self._connection, record_ids)

    def lineage(self, record_id: str) -> tuple[VersionNode, ...]:
        return replicas.lineage(self._connection, self.kind, record_id)

    def _write_head(
        self,
        record: T,
        row: Any,
        *,
        version: int,
        status: RecordStatus,
        at: datetime,
        draft: str | None,
    ) -> None:
        values = {
            "version": version,
            "status": status.value,
            "draft": draft,
            "saved_utc": utc_text(at),
            "saved_offset": offset_of(at),
            **self.columns(record),
        }
        if row is None:
            self._connection.execute(self._statements.insert, {"id": record.id, **values})
        else:
            self._connection.execute(self._statements.update, {"at_row": row.row_id, **values})
        self.written(record)
