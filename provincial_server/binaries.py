"""Printed forms of records (FHIR Binary), which arrive in pieces over lines that break.

An id is `<uuid of the record>-b<first 16 hexadecimal digits of the SHA-256 of its bytes>`: the same
id is the same bytes, so a piece that comes twice is harmless and nothing is ever replaced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from provincial_server import database, wire  # the module: it imports this one first
from provincial_server.auth import Caller
from provincial_server.exchange.tables import Operation
from provincial_server.faults import refuse
from provincial_server.records import ROOT_TYPES, UUID
from provincial_server.store import FACILITY_CODE, RESOURCE_ID, Base, ResourceHead, append_only

LARGEST = 5 * 1024 * 1024
LARGEST_PIECE = 64 * 1024
UNFINISHED_OF_DEVICE = 4
"""Beginning another gives up the one that was touched longest ago."""
FORMS_OF_RECORD = 50
PATIENCE = 30 * 24 * 3_600_000
"""Milliseconds after which an unfinished file is forgotten; its station begins again."""

FORM_ID = re.compile(rf"{UUID.pattern}-b[0-9a-f]{{16}}")
_TYPES = {"application/pdf"}


class Binary(Base):
    """A whole file, whose bytes were seen to fit its hash."""

    __tablename__ = "binary"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    record_id: Mapped[str] = mapped_column(RESOURCE_ID)
    content_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"))
    received_at: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column()
    content: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (
        Index(None, "facility_code", "record_id"),
        Index(None, "facility_code", "device_id", "sha256"),  # a tally reads this alone
    )


class BinaryUpload(Base):
    """A file of which the first `received` bytes are here."""

    __tablename__ = "binary_upload"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    content_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    size: Mapped[int] = mapped_column()
    received: Mapped[int] = mapped_column()
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("device.id"))
    touched_at: Mapped[int] = mapped_column(BigInteger)


class BinaryPiece(Base):
    __tablename__ = "binary_piece"
    facility_code: Mapped[str] = mapped_column(
        FACILITY_CODE, ForeignKey("facility.code"), primary_key=True
    )
    id: Mapped[str] = mapped_column(RESOURCE_ID, primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


append_only(Binary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`content` stands at `start` in a file of `size` bytes with the hash `sha256`."""

    content_type: str
    sha256: bytes
    size: int
    start: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """How much of a file is here; `whole` once its hash was seen to fit."""

    received: int
    whole: bool = False
    created: bool = False

    def as_fhir(self) -> str:
        said = [
            {"name": "received", "valueInteger": self.received},
            {"name": "whole", "valueBoolean": self.whole},
        ]
        return wire.canonical({"resourceType": "Parameters", "parameter": said})


def received(session: Session, facility: str, binary_id: str, now: int) -> Received:
    """What to go on from."""
    size = session.scalar(
        select(Binary.size).where(Binary.facility_code == facility, Binary.id == binary_id)
    )
    if size is not None:
        return Received(size, whole=True)
    begun = session.get(BinaryUpload, (facility, binary_id))
    if begun is None or now - begun.touched_at > PATIENCE:
        return Received(0)
    return Received(begun.received)


def take(session: Session, caller: Caller, binary_id: str, piece: Piece, now: int) -> Received:
    """Append a piece, in the caller's transaction. One that was taken already changes nothing; one
    behind a gap is refused with 416, so that the sender asks how much is here.

    The last piece is judged with the whole: bytes of another hash are forgotten and refused.
    """
    record_id = record_of_binary(binary_id)
    _check(binary_id, piece)
    facility = caller.facility_code
    database.lock_facility(session, facility)
    known = received(session, facility, binary_id, now)
    if known.whole:
        return known
    begun = session.get(BinaryUpload, (facility, binary_id))
    if begun is not None and (begun.sha256, begun.size, begun.content_type) != (
        piece.sha256,
        piece.size,
        piece.content_type,
    ):
        forget(session, facility, [binary_id])
        begun, known = None, Received(0)
    if piece.start > known.received:
        raise refuse(416, "conflict", f"{known.received} bytes are here, the piece begins behind")
    if piece.start < known.received:
        return known
    if begun is None or known.received == 0:
        _check_record(session, facility, record_id)
        begun = _begin(session, caller, binary_id, piece, now)
    session.add(
        BinaryPiece(facility_code=facility, id=binary_id, start=piece.start, content=piece.content)
    )
    begun.received = piece.start + len(piece.content)
    begun.device_id, begun.touched_at = caller.device_id, now
    session.flush()
    if begun.received < piece.size:
        return Received(begun.received)
    return _finish(session, caller, begun, record_id, now)


def take_whole(
    session: Session, caller: Caller, binary_id: str, body: object, now: int
) -> Received:
    """A Binary resource as FHIR has it, of any length up to the largest."""
    record_id = record_of_binary(binary_id)
    content_type, content = _read_resource(body, binary_id)
    piece = Piece(
        content_type=content_type,
        sha256=hashlib.sha256(content).digest(),
        size=len(content),
        start=0,
        content=content,
    )
    _check(binary_id, piece)
    database.lock_facility(session, caller.facility_code)
    known = received(session, caller.facility_code, binary_id, now)
    if known.whole:
        return known
    _check_record(session, caller.facility_code, record_id)
    forget(session, caller.facility_code, [binary_id])
    return _keep(session, caller, binary_id, record_id, piece, now)


def find(session: Session, facility: str, binary_id: str) -> Binary:
    found = session.get(Binary, (facility, binary_id))
    if found is None:
        raise refuse(404, "not-found", "no such file, or not the whole of it yet")
    return found


def of_record(session: Session, facility: str, record_id: str) -> Sequence[Binary]:
    """The whole files of a record, the oldest first."""
    asked = select(Binary).where(Binary.facility_code == facility, Binary.record_id == record_id)
    return session.scalars(asked.order_by(Binary.received_at, Binary.id)).all()


def as_fhir(session: Session, found: Binary, *, data: bool) -> dict[str, Any]:
    """The Binary resource. `securityContext` names the record whose printed form it is."""
    resource: dict[str, Any] = {
        "resourceType": "Binary",
        "id": found.id,
        "meta": {"versionId": "1", "lastUpdated": wire.instant(found.received_at)},
        "contentType": found.content_type,
    }
    root = session.scalar(
        select(ResourceHead.resource_type).where(
            ResourceHead.facility_code == found.facility_code,
            ResourceHead.record_id == found.record_id,
            ResourceHead.resource_id == found.record_id,
            ResourceHead.resource_type.in_(ROOT_TYPES.values()),
        )
    )
    if root:
        resource["securityContext"] = {"reference": f"{root}/{found.record_id}"}
    if data:
        resource["data"] = base64.b64encode(found.content).decode("ascii")
    return resource


def forget(session: Session, facility: str, ids: Sequence[str]) -> None:
    """Give up unfinished files."""
    for model in (BinaryPiece, BinaryUpload):
        session.execute(
            delete(model).where(model.facility_code == facility, model.id.in_(ids)),
            execution_options={"synchronize_session": "fetch"},
        )


def record_of_binary(binary_id: str) -> str:
    """The record whose printed form it is."""
    return binary_id.rpartition("-b")[0]


def _check(binary_id: str, piece: Piece) -> None:
    if piece.size > LARGEST:
        raise refuse(413, "too-long", f"a file may have {LARGEST} bytes")
    if piece.content_type not in _TYPES:
        raise refuse(415, "not-supported", "this kind of file is not taken")
    if not piece.content or piece.start + len(piece.content) > piece.size:
        raise refuse(400, "value", "the piece does not lie within its file")
    if not binary_id.endswith(f"-b{piece.sha256.hex()[:16]}"):
        raise refuse(422, "business-rule", "the id does not fit the hash", "Binary.id")


def _check_record(session: Session, facility: str, record_id: str) -> None:
    """Only forms of what the facility has sent: this is no place to store things."""
    for model in (Operation, ResourceHead):
        known = select(model.record_id).where(
            model.facility_code == facility, model.record_id == record_id
        )
        if session.execute(known.limit(1)).first() is not None:
            break
    else:
        raise refuse(422, "not-found", "the record of this file is not here", "Binary.id")
    count = select(func.count()).where(
        Binary.facility_code == facility, Binary.record_id == record_id
    )
    if (session.scalar(count) or 0) >= FORMS_OF_RECORD:
        raise refuse(422, "too-costly", "this record has too many files")


def _begin(
    session: Session, caller: Caller, binary_id: str, piece: Piece, now: int
) -> BinaryUpload:
    """Room for a new file: what is too old and what the device gave up is forgotten first."""
    facility = caller.facility_code
    rows = session.execute(
        select(BinaryUpload.id, BinaryUpload.device_id, BinaryUpload.touched_at)
        .where(BinaryUpload.facility_code == facility)
        .order_by(BinaryUpload.touched_at.desc())
    ).all()
    old = [row.id for row in rows if now - row.touched_at > PATIENCE]
    own = [row.id for row in rows if row.device_id == caller.device_id]
    forget(session, facility, [*old, *own[UNFINISHED_OF_DEVICE - 1 :], binary_id])
    begun = BinaryUpload(
        facility_code=facility,
        id=binary_id,
        content_type=piece.content_type,
        sha256=piece.sha256,
        size=piece.size,
        received=0,
        device_id=caller.device_id,
        touched_at=now,
    )
    session.add(begun)
    return begun


def _finish(
    session: Session, caller: Caller, begun: BinaryUpload, record_id: str, now: int
) -> Received:
    pieces = session.scalars(
        select(BinaryPiece.content)
        .where(BinaryPiece.facility_code == begun.facility_code, BinaryPiece.id == begun.id)
        .order_by(BinaryPiece.start)
    )
    content = b"".join(pieces)
    whole = Piece(
        content_type=begun.content_type,
        sha256=begun.sha256,
        size=begun.size,
        start=0,
        content=content,
    )
    binary_id = begun.id
    forget(session, caller.facility_code, [binary_id])
    if len(content) != whole.size or hashlib.sha256(content).digest() != whole.sha256:
        return Received(0)
    return _keep(session, caller, binary_id, record_id, whole, now)


def _keep(
    session: Session, caller: Caller, binary_id: str, record_id: str, whole: Piece, now: int
) -> Received:
    session.add(
        Binary(
            facility_code=caller.facility_code,
            id=binary_id,
            record_id=record_id,
            content_type=whole.content_type,
            sha256=whole.sha256,
            device_id=caller.device_id,
            received_at=now,
            size=whole.size,
            content=whole.content,
        )
    )
    session.flush()
    return Received(whole.size, whole=True, created=True)


def _read_resource(body: object, binary_id: str) -> tuple[str, bytes]:
    if not isinstance(body, dict) or body.get("resourceType") != "Binary":
        raise refuse(422, "structure", "the body is not a Binary")
    if body.get("id") != binary_id:
        raise refuse(422, "value", "the id differs from the address", "Binary.id")
    data, content_type = body.get("data"), body.get("contentType")
    if not isinstance(data, str) or not isinstance(content_type, str):
        raise refuse(422, "required", "contentType and data are needed", "Binary.data")
    try:
        return content_type, base64.b64decode(data, validate=True)
    except binascii.Error:
        raise refuse(422, "value", "the data is not base64", "Binary.data") from None
