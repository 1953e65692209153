"""The database itself refuses what the program must never do: each rule by trying to break it."""

from __future__ import annotations

import pytest
import sqlcipher3.dbapi2 as sqlcipher

from station_emr.db import schema

from . import records

VERSION = (
    "INSERT INTO record_version (kind, record_id, version, status, content, content_sha256, "
    "author_id, author_name, at_utc, at_offset, reason, parents, origin, open_fields) "
    "SELECT '{kind}', '{id}', {version}, '{status}', '{{}}', '', '', '', '', 0, '', "
    "'[' || ({version} - 1) || ']', 'here', '[]'"
)
FORGED = (
    "INSERT INTO audit_entry SELECT 2, at_utc, at_offset, user_id, user_name, role, device, "
    "action, kind, record_id, patient_id, detail, 'forged', hash FROM audit_entry"
)
SKIPPED = (
    "INSERT INTO print_log SELECT 9, kind, record_id, version, 5, at_utc, at_offset, user_id, "
    "user_name, sha256 FROM print_log"
)
HEADS = {
    "patient": records.record_id(1),
    "encounter": records.record_id(101),
    "prescription": records.record_id(201),
    "referral": records.record_id(301),
    "appointment": records.record_id(401),
    "user": records.DOCTOR.id,
    "facility": records.STATION.facility_id,
}

HEAD_RULES = [
    ("DELETE FROM {table}", "never deleted"),
    ("DELETE FROM {table} WHERE id = '{id}'", "never deleted"),
    ("UPDATE {table} SET status = 'draft'", "only with a written version"),
    ("UPDATE {table} SET status = 'voided'", "only with a written version"),
    ("UPDATE {table} SET version = 2", "only with a written version"),
    ("UPDATE {table} SET version = 2, status = 'amended'", "only with a written version"),
    ("UPDATE {table} SET version = 0, status = 'draft'", "only with a written version"),
    ("UPDATE {table} SET draft = '{{}}'", "signed content has no draft"),
    ("UPDATE {table} SET id = 'other'", "an id never changes"),
    ("UPDATE {table} SET row_id = row_id + 1000", "an id never changes"),
    ("REPLACE INTO {table} SELECT * FROM {table} WHERE id = '{id}'", "id already used"),
    ("UPDATE OR REPLACE {table} SET version = 2", "only with a written version"),
]

OTHER_RULES = [
    ("UPDATE record_version SET content = '{}'", "written once"),
    ("UPDATE record_version SET reason = 'x' WHERE seq = 1", "written once"),
    ("DELETE FROM record_version", "never deleted"),
    ("REPLACE INTO record_version SELECT * FROM record_version WHERE seq = 3", "follow one"),
    (VERSION.format(kind="patient", id=HEADS["patient"], version=3, status="amended"), "follow"),
    (VERSION.format(kind="patient", id=HEADS["patient"], version=1, status="amended"), "follow"),
    (VERSION.format(kind="patient", id=HEADS["patient"], version=2, status="draft"), "is signed"),
    ("UPDATE audit_entry SET action = 'nothing'", "written once"),
    ("DELETE FROM audit_entry", "never deleted"),
    ("REPLACE INTO audit_entry SELECT * FROM audit_entry", "follow one another"),
    (FORGED, "follow one another"),
    ("UPDATE print_log SET copy = 0", "written once"),
    ("DELETE FROM print_log", "never deleted"),
    (SKIPPED, "counted one by one"),
    ("UPDATE counter SET value = value - 1", "follow one another"),
    ("UPDATE counter SET value = value", "follow one another"),
    ("UPDATE counter SET value = value + 2", "follow one another"),
    ("UPDATE counter SET value = value + 1, year = 2027", "follow one another"),
    ("DELETE FROM counter", "never deleted"),
    ("REPLACE INTO counter SELECT name, series, year, 1 FROM counter", "starts at 1"),
    ("INSERT INTO counter VALUES ('referral', 'A', 2026, 7)", "starts at 1"),
]


def everything(raw) -> list[tuple]:
    tables = [*HEADS, "record_version", "audit_entry", "print_log", "counter"]
    return [tuple(row) for table in tables for row in raw.execute(f'SELECT * FROM "{table}"')]


@pytest.mark.parametrize("table", HEADS)
@pytest.mark.parametrize(("sql", "reason"), HEAD_RULES)
def test_a_signed_head_moves_only_with_a_version(raw, table: str, sql: str, reason: str) -> None:
    before = everything(raw)

    with pytest.raises(sqlcipher.IntegrityError, match=reason):
        raw.execute(sql.format(table=f'"{table}"', id=HEADS[table]))

    assert everything(raw) == before


@pytest.mark.parametrize(("sql", "reason"), OTHER_RULES)
def test_what_is_written_once_stays(raw, sql: str, reason: str) -> None:
    before = everything(raw)

    with pytest.raises(sqlcipher.IntegrityError, match=reason):
        raw.execute(sql)

    assert everything(raw) == before


def test_a_head_may_not_be_born_signed_without_its_version(raw) -> None:
    with pytest.raises(sqlcipher.IntegrityError, match="draft or a written version"):
        raw.execute(
            "INSERT INTO facility (id, version, status, saved_utc, saved_offset, code, name) "
            "VALUES ('new', 1, 'signed', '', 0, '', '')"
        )
    with pytest.raises(sqlcipher.IntegrityError, match="draft or a written version"):
        raw.execute(
            "INSERT INTO facility (id, version, status, saved_utc, saved_offset, code, name) "
            "VALUES ('new', 0, 'signed', '', 0, '', '')"
        )


def test_a_voided_record_takes_no_further_version(raw) -> None:
    void = VERSION.format(kind="patient", id=HEADS["patient"], version=2, status="voided")
    raw.execute(void)

    with pytest.raises(sqlcipher.IntegrityError, match="stays voided"):
        raw.execute(
            VERSION.format(kind="patient", id=HEADS["patient"], version=3, status="amended")
        )


def test_the_head_follows_its_version_and_only_then(raw) -> None:
    raw.execute(VERSION.format(kind="patient", id=HEADS["patient"], version=2, status="amended"))
    with pytest.raises(sqlcipher.IntegrityError, match="only with a written version"):
        raw.execute("UPDATE patient SET version = 2, status = 'voided'")

    raw.execute("UPDATE patient SET version = 2, status = 'amended'")

    assert raw.execute("SELECT version, status FROM patient").fetchall() == [(2, "amended")]


def test_the_head_may_pass_over_a_version_but_never_goes_back(raw) -> None:
    for version in (2, 3):
        raw.execute(
            VERSION.format(kind="patient", id=HEADS["patient"], version=version, status="amended")
        )
    with pytest.raises(sqlcipher.IntegrityError, match="only with a written version"):
        raw.execute("UPDATE patient SET version = 4, status = 'amended'")
    raw.execute("UPDATE patient SET version = 3, status = 'amended'")

    for version, status in ((2, "amended"), (1, "signed")):
        with pytest.raises(sqlcipher.IntegrityError, match="only with a written version"):
            raw.execute("UPDATE patient SET version = ?, status = ?", (version, status))


def test_queue_columns_of_a_signed_visit_may_move(raw) -> None:
    raw.execute("UPDATE encounter SET stage = 'finished'")
    raw.execute("UPDATE patient SET last_visit_on = '2026-03-05'")

    assert set(raw.execute("SELECT stage FROM encounter")) == {("finished",)}
    assert set(raw.execute("SELECT last_visit_on FROM patient")) == {("2026-03-05",)}


def test_a_visit_needs_its_person(raw) -> None:
    with pytest.raises(sqlcipher.IntegrityError, match="FOREIGN KEY"):
        raw.execute("UPDATE encounter SET patient_id = 'nobody'")


def test_no_trigger_is_missing(raw) -> None:
    names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type='trigger'")]

    assert len(names) == len(schema.TRIGGERS) == 3 * (len(HEADS) + 1) + 2 * 3 + 11
