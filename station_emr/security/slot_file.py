"""The text form of the key slots: JSON with a checksum, read strictly."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from station_emr.domain.errors import DatabaseTooNew
from station_emr.security.key_wrap import (
    KEY_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    TIE_BYTES,
    KdfCost,
    KeyBox,
)

FORMAT: Final = "station-emr-keyslots"
VERSION: Final = 1
MACHINE_VERSION: Final = 2  # written only where a slot is tied to its machine
_TAG: Final = 16


class Damaged(ValueError):
    """The text is no whole key slot file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One person who may open the database. ``machine`` names the secret in a machine's own store that
    is needed besides the password; empty where none is.
    """

    username: str
    display_name: str
    role_label: str
    box: KeyBox
    failed_attempts: int = 0
    locked_at: datetime | None = None
    machine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFile:
    """Everything in the file. ``previous`` holds earlier data keys, newest first; ``machine`` is what
    new slots are tied to.
    """

    station_name: str
    database_id: str
    fingerprint: bytes
    previous: tuple[bytes, ...]
    slots: tuple[Slot, ...]
    recovery: KeyBox
    machine: str = ""


def dump(content: SlotFile) -> bytes:
    """The bytes to write. A file without ties is one that the first release reads, too."""
    tied = bool(content.machine or any(slot.machine for slot in content.slots))
    version = MACHINE_VERSION if tied else VERSION
    body: dict[str, Any] = {
        **({"machine": content.machine} if tied else {}),
        "station_name": content.station_name,
        "database_id": content.database_id,
        "fingerprint": _b64(content.fingerprint),
        "previous": [_b64(wrapped) for wrapped in content.previous],
        "slots": [
            {
                "username": slot.username,
                "display_name": slot.display_name,
                "role_label": slot.role_label,
                "failed_attempts": slot.failed_attempts,
                "locked_at": slot.locked_at.isoformat() if slot.locked_at else None,
                **({"machine": slot.machine} if slot.machine else {}),
                **_box(slot.box),
            }
            for slot in content.slots
        ],
        "recovery": _box(content.recovery),
    }
    document = {
        "format": FORMAT,
        "version": version,
        "checksum": _checksum(version, body),
        "body": body,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def parse(data: bytes) -> SlotFile:
    """Read :func:`dump` again. Raises :class:`Damaged`, or DatabaseTooNew for a later version."""
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise Damaged("another format")
        version, body = document["version"], document["body"]
        if document["checksum"] != _checksum(version, body):
            raise Damaged("checksum")
        if type(version) is int and version > MACHINE_VERSION:
            raise DatabaseTooNew(
                "Tệp khóa của trạm do phiên bản phần mềm mới hơn ghi. Dữ liệu còn nguyên. "
                "Hãy cài phiên bản mới rồi mở lại."
            )
        return _read(body)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Damaged("unreadable") from error


def _read(body: dict[str, Any]) -> SlotFile:
    content = SlotFile(
        station_name=_str(body["station_name"]),
        database_id=_str(body["database_id"]),
        fingerprint=_bytes(body["fingerprint"], 32),
        previous=tuple(
            _bytes(wrapped, NONCE_BYTES + KEY_BYTES + _TAG) for wrapped in body["previous"]
        ),
        slots=tuple(_read_slot(row) for row in body["slots"]),
        recovery=_read_box(body["recovery"]),
        machine=_str(body.get("machine", "")),
    )
    names = [slot.username for slot in content.slots]
    if not names or len(set(names)) != len(names):
        raise Damaged("user names")
    return content


def _read_slot(row: dict[str, Any]) -> Slot:
    failed, locked_at = row["failed_attempts"], row["locked_at"]
    if type(failed) is not int or failed < 0:
        raise Damaged("counter")
    machine = _str(row.get("machine", ""))
    return Slot(
        username=_str(row["username"]),
        display_name=_str(row["display_name"]),
        role_label=_str(row["role_label"]),
        box=_read_box(row, TIE_BYTES if machine else 0),
        failed_attempts=failed,
        locked_at=datetime.fromisoformat(locked_at) if locked_at is not None else None,
        machine=machine,
    )


def _box(box: KeyBox) -> dict[str, Any]:
    return {
        "kdf": {
            "name": "argon2id",
            "memory_kib": box.cost.memory_kib,
            "iterations": box.cost.iterations,
            "lanes": box.cost.lanes,
            "salt": _b64(box.salt),
        },
        "wrapped_private": _b64(box.wrapped_private),
        "public": _b64(box.public),
        "sealed": _b64(box.sealed),
        "binding": _b64(box.binding),
    }


def _read_box(row: dict[str, Any], longer: int = 0) -> KeyBox:
    kdf = row["kdf"]
    figures = [kdf["memory_kib"], kdf["iterations"], kdf["lanes"]]
    if kdf["name"] != "argon2id" or any(type(figure) is not int for figure in figures):
        raise Damaged("key derivation")
    cost = KdfCost(memory_kib=figures[0], iterations=figures[1], lanes=figures[2])
    if not cost.sensible():
        raise Damaged("key derivation")
    return KeyBox(
        cost=cost,
        salt=_bytes(kdf["salt"], SALT_BYTES),
        wrapped_private=_bytes(
            row["wrapped_private"], NONCE_BYTES + KEY_BYTES + 32 + _TAG + longer
        ),
        public=_bytes(row["public"], KEY_BYTES),
        sealed=_bytes(row["sealed"], KEY_BYTES + NONCE_BYTES + KEY_BYTES + _TAG),
        binding=_bytes(row["binding"], 32),
    )


def _checksum(version: Any, body: Any) -> str:
    """Every version keeps this rule, so that a later file is told from a damaged one."""
    text = json.dumps([version, body], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes_of(text: Any) -> bytes:
    return base64.b64decode(_str(text), validate=True)


def _bytes(text: Any, size: int) -> bytes:
    data = _bytes_of(text)
    if len(data) != size:
        raise Damaged("length")
    return data


def _str(text: Any) -> str:
    if type(text) is not str:
        raise Damaged("type")
    return text
