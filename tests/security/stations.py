"""A key slot file of a made-up station, cheap enough for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station_emr.domain.errors import AccountLocked, WrongPassword
from station_emr.security import durable_file, slot_file
from station_emr.security.key_wrap import KdfCost
from station_emr.security.keyslots import KeySlots

CHEAP = KdfCost(memory_kib=8, iterations=1, lanes=1)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PASSWORD = "Mật khẩu-mẫu 1!"
OTHER = "Một câu khác 2?"


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Stations made meanwhile ask little of the machine to open: for tests of other things."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KeySlots.create.__kwdefaults__, "cost", CHEAP)
        yield


def clock() -> datetime:
    return NOW


def make(path: Path) -> tuple[KeySlots, bytes, str]:
    return KeySlots.create(
        path,
        station_name="Trạm Y tế mẫu",
        database_id="db-1",
        username="ha",
        display_name="BS. Hà Mẫu",
        role_label="Giám đốc trạm",
        password=PASSWORD,
        clock=clock,
        cost=CHEAP,
    )


def reload(path: Path) -> KeySlots:
    return KeySlots.load(path, clock=clock)


def attempts_left(slots: KeySlots, username: str = "ha") -> int:
    return next(p.attempts_left for p in slots.people() if p.username == username)


def fail(slots: KeySlots, times: int, username: str = "ha") -> None:
    for _ in range(times):
        with pytest.raises((WrongPassword, AccountLocked)):
            slots.unlock(username, "sai")


def rewrite(path: Path, change) -> None:
    """Change the body as somebody with an editor and the checksum rule would."""
    body = json.loads(path.read_bytes())["body"]
    change(body)
    document = {
        "format": slot_file.FORMAT,
        "version": slot_file.VERSION,
        "checksum": slot_file._checksum(slot_file.VERSION, body),
        "body": body,
    }
    for target in (path, durable_file.backup_of(path)):
        target.write_text(json.dumps(document), encoding="utf-8")
