"""The chain of who did what shows every kind of tampering, even by somebody with the key."""

from __future__ import annotations

from datetime import timedelta

import pytest

from station_emr.db import connection as connections
from station_emr.db.audit import chain_hash
from station_emr.db.store import EncryptedStore

from .records import ACTOR, KEY, NOW, record_id

LINES = 6


@pytest.fixture
def chained(store: EncryptedStore) -> EncryptedStore:
    with store.write() as work:
        for number in range(LINES):
            work.audit.append(
                ACTOR if number else None,
                "patient.view",
                NOW + timedelta(minutes=number),
                kind="patient",
                record_id=record_id(number),
                patient_id=record_id(number),
                detail={"lý do": f"xem hồ sơ {number}"},
            )
    return store


def tamper(store: EncryptedStore, *statements: str) -> None:
    """Like a person with the key and a database tool: the triggers are simply removed."""
    raw = connections.connect(store.path, KEY)
    for name in ("update", "delete", "insert"):
        raw.execute(f"DROP TRIGGER audit_entry_{name}")
    for statement in statements:
        raw.execute(statement)
    raw.close()


def verdict(store: EncryptedStore) -> int | None:
    with store.read() as work:
        return work.audit.verify()


def test_an_untouched_chain_is_whole(chained: EncryptedStore) -> None:
    assert verdict(chained) is None
    with chained.read() as work:
        rows = work.audit.rows(2)
        older = work.audit.rows(10, before=rows[-1].seq)
    assert [row.seq for row in rows] == [6, 5]
    assert [row.seq for row in older] == [4, 3, 2, 1]
    assert (rows[0].user_name, rows[0].role, rows[0].at) == (
        ACTOR.user.full_name,
        "doctor",
        NOW + timedelta(minutes=5),
    )
    assert rows[0].detail == "lý do: xem hồ sơ 5"
    assert (older[-1].user_name, older[-1].role) == ("", "")


def test_an_empty_chain_is_whole(store: EncryptedStore) -> None:
    assert verdict(store) is None


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("UPDATE audit_entry SET user_name = 'ai khác' WHERE seq = 3", 3),
        ("UPDATE audit_entry SET detail = '{}' WHERE seq = 4", 4),
        ("UPDATE audit_entry SET at_utc = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", 1),
        ("UPDATE audit_entry SET hash = 'x' WHERE seq = 2", 2),
        ("DELETE FROM audit_entry WHERE seq = 2", 2),
        ("DELETE FROM audit_entry WHERE seq = 1", 1),
        ("DELETE FROM audit_entry WHERE seq >= 5", 5),
        ("DELETE FROM audit_entry", 1),
        ("UPDATE audit_entry SET seq = seq + 10 WHERE seq = 6", 6),
    ],
)
def test_tampering_shows_where(chained: EncryptedStore, statement: str, first_broken: int) -> None:
    tamper(chained, statement)

    assert verdict(chained) == first_broken


def test_a_line_forged_with_a_matching_hash_breaks_the_next(chained: EncryptedStore) -> None:
    """Whoever knows the formula would have to write every later line anew."""
    raw = connections.connect(chained.path, KEY)
    names = [column[1] for column in raw.execute("PRAGMA table_info(audit_entry)")]
    (values,) = raw.execute("SELECT * FROM audit_entry WHERE seq = 3")
    raw.close()
    line = {**dict(zip(names, values, strict=True)), "user_name": "ai khác"}
    forged = chain_hash(line["prev_hash"], 3, line)
    tamper(
        chained,
        f"UPDATE audit_entry SET user_name = 'ai khác', hash = '{forged}' WHERE seq = 3",
        f"UPDATE audit_entry SET prev_hash = '{forged}' WHERE seq = 4",
    )

    assert verdict(chained) == 4


def test_two_lines_swapped_show(chained: EncryptedStore) -> None:
    tamper(
        chained,
        "UPDATE audit_entry SET seq = 99 WHERE seq = 3",
        "UPDATE audit_entry SET seq = 3 WHERE seq = 4",
        "UPDATE audit_entry SET seq = 4 WHERE seq = 99",
    )

    assert verdict(chained) == 3
