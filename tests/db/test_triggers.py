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
    "iif({version} = 1, '[]', '[' || ({version} - 1) || ']'), 'here', '[]'"
)
FORGED = (
    "INSERT INTO audit_entry (seq, at_utc, at_offset, user_id, user_name, role, device, action, "
    "kind, record_id, patient_id, detail, prev_hash, hash) "
    "SELECT 2, at_utc, at_offset, user_id, user_name, role, device, "
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


LINK = records.record_id(501)
OP_ID = "0a" + "f" * 30
NEW_LINK = f"""
INSERT INTO link (id, version, status, saved_utc, saved_offset, survivor_id, duplicate_id)
VALUES ('{LINK}', 1, 'signed', '', 0, '{HEADS["patient"]}', '{HEADS["patient"]}')
"""
OPERATION = (
    "INSERT INTO operation (op_id, kind, record_id, version, size, held, line) "
    "VALUES ('{op_id}', 'patient', 'p', {version}, 1, {held}, x'00')"
)
OPERATION_RULES = [
    ("UPDATE operation SET op_id = '0b' || substr(op_id, 3)", "never changes"),
    ("UPDATE operation SET line = x'01'", "never changes"),
    ("UPDATE operation SET size = 2", "never changes"),
    ("UPDATE operation SET kind = 'encounter'", "never changes"),
    ("UPDATE operation SET record_id = 'q'", "never changes"),
    ("UPDATE operation SET row_id = row_id + 9", "never changes"),
    ("UPDATE operation SET version = 2", "it wrote never changes"),
    ("UPDATE operation SET version = 0", "it wrote never changes"),
    ("UPDATE operation SET held = 2", "held or not"),
    ("UPDATE operation SET held = -1", "held or not"),
    ("DELETE FROM operation", "never deleted"),
    ("REPLACE INTO operation SELECT * FROM operation", "never deleted"),
    (OPERATION.format(op_id="0b" + "F" * 30, version=0, held=0), "32 hexadecimal"),
    (OPERATION.format(op_id="0b", version=0, held=0), "32 hexadecimal"),
    (OPERATION.format(op_id="0b" + "f" * 30, version=0, held=7), "held or not"),
    (OPERATION.format(op_id="0b" + "f" * 30, version=1, held=0), "UNIQUE"),
]
VERSION_RULES = [
    # version, status, parents, origin, open fields, reason
    (2, "amended", "[1]", "elsewhere", "[]", "here, elsewhere or by the rule"),
    (2, "amended", "1", "here", "[]", "based on earlier"),
    (2, "amended", "[1", "here", "[]", "are lists"),
    (2, "amended", "[1]", "here", "name", "are lists"),
    (2, "amended", "[2]", "here", "[]", "based on earlier"),
    (2, "amended", "[0]", "replica", "[]", "based on earlier"),
    (2, "amended", '["1"]', "merge", "[]", "based on earlier"),
    (2, "amended", "[]", "here", "[]", "based on earlier"),
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


def add(raw, version, status, parents, origin="here", open_fields="[]") -> None:
    raw.execute(
        "INSERT INTO record_version (kind, record_id, version, status, content, content_sha256, "
        "author_id, author_name, at_utc, at_offset, reason, parents, origin, open_fields) "
        "VALUES ('patient', ?, ?, ?, '{}', '', '', '', '', 0, '', ?, ?, ?)",
        (HEADS["patient"], version, status, parents, origin, open_fields),
    )


@pytest.mark.parametrize(("sql", "reason"), HEAD_RULES)
def test_a_link_moves_only_with_a_version(raw, sql: str, reason: str) -> None:
    with pytest.raises(sqlcipher.IntegrityError, match="draft or a written version"):
        raw.execute(NEW_LINK)
    raw.execute(VERSION.format(kind="link", id=LINK, version=1, status="signed"))
    raw.execute(NEW_LINK)

    with pytest.raises(sqlcipher.IntegrityError, match=reason):
        raw.execute(sql.format(table="link", id=LINK))


@pytest.mark.parametrize("rule", VERSION_RULES)
def test_a_version_says_truly_what_it_is_based_on(raw, rule) -> None:
    *values, reason = rule
    before = everything(raw)

    with pytest.raises(sqlcipher.IntegrityError, match=reason):
        add(raw, *values)

    assert everything(raw) == before


@pytest.mark.parametrize(("sql", "reason"), OPERATION_RULES)
def test_a_line_stays(raw, sql: str, reason: str) -> None:
    raw.execute(OPERATION.format(op_id=OP_ID, version=1, held=1))
    before = raw.execute("SELECT * FROM operation").fetchall()

    with pytest.raises(sqlcipher.IntegrityError, match=reason):
        raw.execute(sql)

    assert raw.execute("SELECT * FROM operation").fetchall() == before
    assert raw.execute("SELECT bucket, count FROM held_bucket").fetchall() == [(10, 1)]


def test_a_line_may_write_its_version_later_and_be_held(raw) -> None:
    raw.execute(OPERATION.format(op_id=OP_ID, version=0, held=0))
    raw.execute("UPDATE operation SET version = 3, note = ''")
    assert raw.execute("SELECT count(*) FROM held_bucket").fetchall() == [(0,)]

    raw.execute("UPDATE operation SET held = 1")
    assert raw.execute("SELECT * FROM held_bucket").fetchall() == [(10, 1, 2**32 - 1, 2**32 - 1)]
    raw.execute("UPDATE operation SET held = 0")
    assert raw.execute("SELECT * FROM held_bucket").fetchall() == [(10, 0, 0, 0)]


def test_a_line_that_arrived_is_wanted_no_longer(raw) -> None:
    raw.execute("INSERT INTO wanted_operation VALUES (?), ('other')", (OP_ID,))

    raw.execute(OPERATION.format(op_id=OP_ID, version=0, held=0))

    assert raw.execute("SELECT op_id FROM wanted_operation").fetchall() == [("other",)]


def test_the_first_head_may_show_any_written_version(raw) -> None:
    other = records.record_id(9)
    for version in (1, 2):
        raw.execute(VERSION.format(kind="link", id=other, version=version, status="signed"))

    raw.execute(NEW_LINK.replace(LINK, other).replace("1, 'signed'", "2, 'signed'"))

    assert raw.execute("SELECT version FROM link").fetchall() == [(2,)]


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


@pytest.mark.parametrize("parents", ["[2]", "[1, 2]"])
@pytest.mark.parametrize("open_fields", ["[]", '["name"]'])
def test_a_voided_record_takes_no_further_version(raw, parents: str, open_fields: str) -> None:
    add(raw, 2, "voided", "[1]")

    for status in ("amended", "signed", "voided"):
        with pytest.raises(sqlcipher.IntegrityError, match="stays voided"):
            add(raw, 3, status, parents, "here", open_fields)


@pytest.mark.parametrize("origin", ["replica", "merge"])
def test_what_others_wrote_over_a_voided_record_is_kept(raw, origin: str) -> None:
    add(raw, 2, "voided", "[1]")
    add(raw, 3, "amended", "[2]", origin)

    with pytest.raises(sqlcipher.IntegrityError, match="stays voided"):
        add(raw, 4, "amended", "[2]")
    add(raw, 4, "amended", "[3]")


def test_a_conflict_about_voiding_can_be_decided_and_undone(raw) -> None:
    add(raw, 2, "voided", "[1]", "replica")
    add(raw, 3, "amended", "[1]", "replica")
    add(raw, 4, "voided", "[2, 3]", "merge", '["status"]')
    add(raw, 5, "voided", "[4]")
    with pytest.raises(sqlcipher.IntegrityError, match="stays voided"):
        add(raw, 6, "amended", "[5]")
    add(raw, 6, "voided", "[5]", "here", '["status"]')
    add(raw, 7, "amended", "[6]")
    add(raw, 8, "voided", "[7]")

    with pytest.raises(sqlcipher.IntegrityError, match="stays voided"):
        add(raw, 9, "amended", "[8]", "here", '["status"]')


def test_the_head_follows_its_version_and_only_then(raw) -> None:
    raw.execute(VERSION.format(kind="patient", id=HEADS["patient"], version=2, status="amended"))
    with pytest.raises(sqlcipher.IntegrityError, match="only with a written version"):
        raw.execute("UPDATE patient SET version = 2, status = 'voided'")

    raw.execute("UPDATE patient SET version = 2, status = 'amended'")

    assert raw.execute("SELECT version, status FROM patient").fetchall() == [(2, "amended")]


def test_the_head_stands_at_any_written_version_and_at_no_other(raw) -> None:
    """It comes back to an older one when the province takes late what it had refused."""
    for version in (2, 3):
        raw.execute(
            VERSION.format(kind="patient", id=HEADS["patient"], version=version, status="amended")
        )
    for version, status in ((3, "amended"), (1, "signed"), (2, "amended")):
        raw.execute("UPDATE patient SET version = ?, status = ?", (version, status))

    for version, status in ((4, "amended"), (1, "amended"), (0, "draft"), (-1, "signed")):
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

    assert sorted(names) == sorted(one.split()[2] for one in schema.TRIGGERS)
    assert len(names) >= 3 * (len(HEADS) + 2) + 2 * 3 + 12
