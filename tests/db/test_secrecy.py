"""Nobody without the key reads anything: not from the file, its log, nor from an error."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from station_emr.db import connection as connections
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import DatabaseDamaged

from .records import KEY, NOW, encounter, patient, sign

SECRETS = (
    "Nguyễn Thị Bí Mật",
    "bi mat",
    "064190000001",
    "GD4660000000001",
    "Tăng huyết áp vô căn",
    "Đau đầu nhiều ngày",
    "record_version",
)


@pytest.fixture
def written(store: EncryptedStore) -> EncryptedStore:
    with store.write() as work:
        sign(work.patients, patient(name="Nguyễn Thị Bí Mật"))
        sign(work.encounters, encounter())
        work.audit.append(None, "x", NOW, detail={"a": "Nguyễn Thị Bí Mật"})
    return store


def files(store: EncryptedStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(store.path.parent.iterdir())}


def readable(content: bytes) -> list[str]:
    return [
        secret
        for secret in SECRETS
        for encoding in ("utf-8", "utf-16-le", "utf-16-be")
        if secret.encode(encoding) in content
    ]


def test_the_file_and_its_log_hold_nothing_readable(written: EncryptedStore) -> None:
    found = files(written)

    assert {"station.db", "station.db-wal", "station.db-shm"} <= set(found)
    assert len(found["station.db-wal"]) > 4096
    assert {name: readable(content) for name, content in found.items() if readable(content)} == {}


def test_nothing_readable_is_left_after_closing(written: EncryptedStore) -> None:
    written.close()
    content = written.path.read_bytes()

    assert readable(content) == []
    assert not content.startswith(b"SQLite format 3")
    share = Counter(content)
    entropy = -sum(n / len(content) * math.log2(n / len(content)) for n in share.values())
    assert entropy > 7.99


def test_the_search_for_secrets_can_find_them(written: EncryptedStore, tmp_path: Path) -> None:
    """The same record in an unencrypted file is found, so the two tests above can fail."""
    raw = connections.connect(written.path, KEY)
    raw.execute("ATTACH ? AS plain KEY ''", (str(tmp_path / "plain.db"),))
    raw.execute("SELECT sqlcipher_export('plain')").fetchall()
    raw.close()

    assert set(readable((tmp_path / "plain.db").read_bytes())) == set(SECRETS)


def test_a_wrong_key_opens_nothing_and_says_nothing(written: EncryptedStore) -> None:
    written.close()
    before = files(written)
    wrong = bytes(reversed(KEY))

    with pytest.raises(DatabaseDamaged) as caught:
        EncryptedStore.open(written.path, wrong)

    assert files(written) == before
    told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert wrong.hex() not in told
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_another_size_is_refused_without_being_shown(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        EncryptedStore.create(tmp_path / "x.db", key)
    assert list(tmp_path.iterdir()) == []


def test_the_store_does_not_show_its_key(written: EncryptedStore) -> None:
    assert KEY.hex() not in repr(written)
    assert repr(KEY) not in repr(written)
    with written.read() as work:
        assert KEY.hex() not in repr(work)


def test_a_bug_report_holds_no_patient_data(written: EncryptedStore) -> None:
    """Statement parameters stay out of exceptions, whatever fails."""
    with pytest.raises(IntegrityError, match="hidden") as caught, written.write() as work:
        work.settings.put("Nguyễn Thị Bí Mật", None)  # type: ignore[arg-type]
    assert "Bí Mật" not in str(caught.value)


def test_settings_of_every_connection(written: EncryptedStore) -> None:
    raw = connections.connect(written.path, KEY)
    try:
        seen = {
            name: raw.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "recursive_triggers",
                "secure_delete",
                "temp_store",
                "trusted_schema",
            )
        }
    finally:
        raw.close()
    assert seen == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "secure_delete": 1,
        "temp_store": 2,
        "trusted_schema": 0,
    }
