"""Publishing a list, announcing a program: numbered, signed, kept for ever."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.catalogs import content as contents
from provincial_server.catalogs.content import ListRefused
from provincial_server.catalogs.tables import CatalogPack, ProgramNotice
from provincial_server.courier.file import verifies
from provincial_server.courier.keys import CourierKeys, courier_keys, find_keys

FORMAT = 1
SIGNED_PACK = b"station-emr catalog pack\x00"  # so that it is no signature of anything else
SIGNED_NOTICE = b"station-emr program notice\x00"
NAMES = frozenset(
    [
        "icd10",
        "drug",
        "province",
        "commune",
        "commune_map",
        "ethnic_group",
        "occupation",
        "nationality",
        "route",
        "facility",
        "procedure",
        "rapid_test",
        "one_year_referral",
        "long_prescription",
        "treatment_result",
        "discharge_kind",
        "care_kind",
        "visit_object",
        "referral_reason",
        "accident",
        "living_area",
        "department",
        "sex",
        "card_object",
        "transport",
    ]
)
"""The lists that stations know."""
_LONGEST_NOTE = 500
_LONGEST_VERSION = 40
_PROGRAM = re.compile(r"[0-9]+(\.[0-9]+){1,3}")


def publish(
    session: Session,
    *,
    name: str,
    version: str,
    effective: date,
    content: bytes,
    source: str,
    now: int,
) -> CatalogPack:
    """The next version of a list. Raises ListRefused."""
    if name not in NAMES:
        raise ListRefused(f"Không có danh mục “{name}”. Các danh mục: {', '.join(sorted(NAMES))}.")
    _check_text(version, 40, "phiên bản")
    last = _newest(session, name)
    sha256 = hashlib.sha256(content).hexdigest()
    if last is not None and effective.isoformat() < last.effective:
        raise ListRefused(
            f"Bản trước ({last.version}) có hiệu lực từ {last.effective}, sau ngày đã chọn. "
            "Chưa có gì được công bố. Hãy chọn ngày hiệu lực không sớm hơn."
        )
    if last is not None and last.sha256 == sha256:
        raise ListRefused(f"Nội dung giống hệt bản {last.version}. Chưa có gì được công bố.")
    manifest = wire.canonical(
        {
            "format": FORMAT,
            "name": name,
            "number": last.number + 1 if last is not None else 1,
            "version": version,
            "effective": effective.isoformat(),
            "sha256": sha256,
            "size": len(content),
            "rows": contents.rows_in(content),
            "source": source[:120],
        }
    )
    row = CatalogPack(
        name=name,
        number=last.number + 1 if last is not None else 1,
        version=version,
        effective=effective.isoformat(),
        sha256=sha256,
        manifest=manifest,
        signature=courier_keys(session).sign_message(SIGNED_PACK + manifest.encode("utf-8")),
        published_at=now,
        content=contents.pack(content),
    )
    session.add(row)
    session.flush()
    return row


def announce(session: Session, *, version: str, available: date, note: str, now: int) -> int:
    """Tells stations of a new program; its number. Raises ListRefused."""
    if len(version) > _LONGEST_VERSION or not _PROGRAM.fullmatch(version):
        # Compared by its numbers at every station and on the overview: another word is older than all.
        raise ListRefused(
            "Phiên bản chương trình viết bằng số và dấu chấm, ví dụ 0.5.0. Chưa có gì được báo."
        )
    _check_text(note or "-", _LONGEST_NOTE, "ghi chú")
    number = (session.scalar(select(func.max(ProgramNotice.number))) or 0) + 1
    manifest = wire.canonical(
        {
            "format": FORMAT,
            "number": number,
            "version": version,
            "available": available.isoformat(),
            "note": note,
        }
    )
    signature = courier_keys(session).sign_message(SIGNED_NOTICE + manifest.encode("utf-8"))
    session.add(
        ProgramNotice(number=number, manifest=manifest, signature=signature, announced_at=now)
    )
    session.flush()
    return number


def _check_text(text: str, longest: int, what: str) -> None:
    if not text.strip() or not text.isprintable() or len(text) > longest:
        raise ListRefused(f"Phần {what} phải có từ 1 đến {longest} chữ, trên một dòng.")


def _newest(session: Session, name: str) -> CatalogPack | None:
    return session.scalars(
        select(CatalogPack)
        .where(CatalogPack.name == name)
        .order_by(CatalogPack.number.desc())
        .limit(1)
    ).first()


def index(session: Session) -> str:
    """What is offered, as its signed words."""
    packs = session.execute(
        select(CatalogPack.manifest, CatalogPack.signature).order_by(
            CatalogPack.name, CatalogPack.number
        )
    )
    notice = session.scalars(
        select(ProgramNotice).order_by(ProgramNotice.number.desc()).limit(1)
    ).first()
    keys = find_keys(session)
    said: dict[str, Any] = {"catalogs": [_signed(keys, SIGNED_PACK, *row) for row in packs]}
    if notice is not None:
        said["program"] = _signed(keys, SIGNED_NOTICE, notice.manifest, notice.signature)
    if keys is not None and keys.succession:
        said["key"] = keys.public()
    return wire.canonical(said)


_anew: dict[tuple[str, str], bytes] = {}  # as long as the process runs: signing is slow


def _signed(
    keys: CourierKeys | None, kind: bytes, manifest: str, signature: bytes
) -> dict[str, str]:
    """What was signed before the key was replaced is given under the present one: the rows
    themselves never change.
    """
    if keys is not None and _is_signed(keys.earlier, kind, manifest, signature):
        place = keys.identity, kind.decode("ascii") + manifest
        signature = _anew.get(place) or keys.sign_message(kind + manifest.encode("utf-8"))
        _anew[place] = signature
    return {"manifest": manifest, "signature": base64.b64encode(signature).decode("ascii")}


def body(session: Session, name: str, number: int, known: int) -> tuple[bytes, bool] | None:
    """The packed content of a version, or what is new in it since `known` where that is smaller;
    None when there is no such version. Packed, and whether it is a difference."""
    pack = session.get(CatalogPack, (name, number))
    if pack is None:
        return None
    old = session.get(CatalogPack, (name, known)) if 0 < known < number else None
    if old is not None:
        told = contents.difference(contents.unpack(old.content), contents.unpack(pack.content))
        packed = contents.pack(told)
        if len(packed) < len(pack.content):
            return packed, True
    return pack.content, False


def first_fault(session: Session) -> str | None:
    """The first pack or announcement that is not what the province signed (`verify`)."""
    keys = find_keys(session)
    publics = () if keys is None else (keys.public_der, *keys.earlier)
    for row in session.scalars(select(CatalogPack).execution_options(yield_per=5)):
        plain = contents.unpack(row.content)
        fits = hashlib.sha256(plain).hexdigest() == row.sha256 and row.sha256 in row.manifest
        if not fits or not _is_signed(publics, SIGNED_PACK, row.manifest, row.signature):
            return f"Danh mục {row.name} bản số {row.number} không đúng với chữ ký của tỉnh."
    for notice in session.scalars(select(ProgramNotice)):
        if not _is_signed(publics, SIGNED_NOTICE, notice.manifest, notice.signature):
            return f"Thông báo chương trình số {notice.number} không đúng với chữ ký của tỉnh."
    return None


def _is_signed(publics: Iterable[bytes], kind: bytes, manifest: str, signature: bytes) -> bool:
    message = kind + manifest.encode("utf-8")
    return any(verifies(public, signature, message) for public in publics)
