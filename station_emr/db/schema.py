"""What the models cannot say: full-text search, and the triggers that keep signed content."""

from __future__ import annotations

from functools import cache
from typing import Final

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from .connection import RawConnection
from .gateway_triggers import GATEWAY_TRIGGERS
from .models import Base
from .register_triggers import REGISTER_TRIGGERS

SCHEMA_VERSION: Final = 3  # PRAGMA user_version
REVISION: Final = "0003"  # the Alembic revision that builds this version
APPLICATION_ID: Final = 0x53454D52  # "SEMR"

# Words arrive folded, so the tokenizer leaves marks alone: a typed mark then matches only itself.
# Without positions and row contents the index of 200,000 people stays small enough to be cached.
SEARCH_TABLE: Final = """
CREATE VIRTUAL TABLE patient_search USING fts5(
  words, content='', contentless_delete=1, detail=none, prefix='1 2 3 4 5 6',
  tokenize='unicode61 remove_diacritics 0'
)
"""

_HEADS: Final = (
    ("patient", "patient"),
    ("encounter", "encounter"),
    ("prescription", "prescription"),
    ("referral", "referral"),
    ("appointment", "appointment"),
    ("link", "link"),
    ("feedback", "feedback"),
    ("signature", "signature"),
    ("consent", "consent"),
    ("certificate", "certificate"),
    ("notification", "notification"),
    ("bill", "bill"),
    ("rights", "rights"),
    ("standing", "standing"),
    ("request", "request"),
    ("breach", "breach"),
    ("user", "practitioner"),
    ("facility", "facility"),
)


def _head_triggers(table: str, kind: str) -> tuple[str, ...]:
    written = f"""EXISTS (SELECT 1 FROM record_version AS v WHERE v.kind = '{kind}'
      AND v.record_id = NEW.id AND v.version = NEW.version AND v.status = NEW.status)"""  # noqa: S608
    return (
        f"""CREATE TRIGGER {table}_insert BEFORE INSERT ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: id already used')
    WHERE EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id);
  SELECT RAISE(ABORT, '{table}: a new record is a draft or a written version')
    WHERE NOT (NEW.version = 0 AND NEW.status = 'draft' AND NEW.draft IS NOT NULL)
      AND NOT (NEW.version > 0 AND NEW.status <> 'draft' AND NEW.draft IS NULL AND {written});
END""",  # noqa: S608  # table names of this module
        f"""CREATE TRIGGER {table}_update
BEFORE UPDATE OF row_id, id, version, status, draft ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: an id never changes')
    WHERE NEW.id <> OLD.id OR NEW.row_id <> OLD.row_id;
  SELECT RAISE(ABORT, '{table}: status and version move only with a written version')
    WHERE (NEW.version <> OLD.version OR NEW.status <> OLD.status)
      AND NOT (NEW.version > 0 AND {written});
  SELECT RAISE(ABORT, '{table}: signed content has no draft')
    WHERE NEW.version > 0 AND NEW.draft IS NOT NULL;
END""",
        f"""CREATE TRIGGER {table}_delete BEFORE DELETE ON "{table}" WHEN OLD.version > 0 BEGIN
  SELECT RAISE(ABORT, '{table}: a signed record is never deleted');
END""",
    )


def _append_only(table: str) -> tuple[str, ...]:
    return (
        f"""CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: written once');
END""",
        f"""CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: never deleted');
END""",
    )


def _number(first: int, digits: int) -> str:
    """SQL for the number in ``digits`` hexadecimal digits of the id; SQLite has no function."""
    return " + ".join(
        f"(instr('123456789abcdef', substr(NEW.op_id, {first + place}, 1)) "
        f"<< {4 * (digits - 1 - place)})"
        for place in range(digits)
    )


def _tallied(share: str) -> str:
    """Add (``1``) or take away (``-1``) an operation's share of its bucket."""
    return f"""INSERT INTO held_bucket (bucket, count, high, low)
  VALUES ({_number(1, 2)}, {share}, {share} * ({_number(17, 8)}), {share} * ({_number(25, 8)}))
  ON CONFLICT (bucket) DO UPDATE SET count = count + excluded.count,
    high = (high + excluded.high + ((low + excluded.low) >> 32)) & 4294967295,
    low = (low + excluded.low) & 4294967295;"""  # noqa: S608  # fixed texts only


_ACCESS: Final = ("access_grant", "access_end", "access_review", "role_change", "rights_review")
TRIGGERS: Final[tuple[str, ...]] = (
    *(trigger for table, kind in _HEADS for trigger in _head_triggers(table, kind)),
    *_append_only("record_version"),
    *_append_only("audit_entry"),
    *_append_only("audit_anchor"),
    *_append_only("print_log"),
    *_append_only("signed_document"),
    *_append_only("signature_finding"),
    *_append_only("signing_evidence"),
    *(t for name in _ACCESS for t in _append_only(name)),
    *_append_only("foreign_visit"),
    *REGISTER_TRIGGERS,
    *GATEWAY_TRIGGERS,
    """CREATE TRIGGER signature_bound BEFORE INSERT ON signature BEGIN
  SELECT RAISE(ABORT, 'signature: bound to a version by its hash')
    WHERE length(NEW.content_sha256) <> 64 OR NEW.content_sha256 GLOB '*[^0-9a-f]*';
END""",
    """CREATE TRIGGER signature_kept BEFORE UPDATE ON signature BEGIN
  SELECT RAISE(ABORT, 'signature: written once');
END""",
    """CREATE TRIGGER sign_request_update BEFORE UPDATE ON sign_request BEGIN
  SELECT RAISE(ABORT, 'sign_request: what waits never changes')
    WHERE NEW.row_id <> OLD.row_id OR NEW.kind <> OLD.kind OR NEW.record_id <> OLD.record_id
      OR NEW.version <> OLD.version OR NEW.content_sha256 <> OLD.content_sha256
      OR NEW.user_id <> OLD.user_id OR OLD.state <> 'waiting';
END""",
    """CREATE TRIGGER sign_request_delete BEFORE DELETE ON sign_request BEGIN
  SELECT RAISE(ABORT, 'sign_request: never deleted');
END""",
    """CREATE TRIGGER record_version_insert BEFORE INSERT ON record_version BEGIN
  SELECT RAISE(ABORT, 'record_version: versions follow one another')
    WHERE NEW.version <> 1 + coalesce((SELECT max(version) FROM record_version
      WHERE kind = NEW.kind AND record_id = NEW.record_id), 0);
  SELECT RAISE(ABORT, 'record_version: a version is signed, amended or voided')
    WHERE NEW.status NOT IN ('signed', 'amended', 'voided');
  SELECT RAISE(ABORT, 'record_version: written here, elsewhere or by the rule')
    WHERE NEW.origin NOT IN ('here', 'replica', 'merge');
  SELECT RAISE(ABORT, 'record_version: parents and open fields are lists')
    WHERE NOT json_valid(NEW.parents) OR NOT json_valid(NEW.open_fields);
  SELECT RAISE(ABORT, 'record_version: a version is based on earlier ones')
    WHERE EXISTS (SELECT 1 FROM json_each(NEW.parents) AS p
      WHERE p.type <> 'integer' OR p.value NOT BETWEEN 1 AND NEW.version - 1)
      OR (NEW.origin = 'here' AND NEW.version > 1 AND json_array_length(NEW.parents) = 0);
  SELECT RAISE(ABORT, 'record_version: what comes back is an earlier version that stood')
    WHERE NEW.restores IS NOT NULL AND (NEW.origin <> 'here' OR NEW.status <> 'amended'
      OR trim(NEW.reason) = '' OR NOT EXISTS (SELECT 1 FROM record_version AS v
        WHERE v.kind = NEW.kind AND v.record_id = NEW.record_id AND v.version = NEW.restores
          AND v.version < NEW.version AND v.status <> 'voided'));
  SELECT RAISE(ABORT, 'record_version: a voided record stays voided')
    WHERE NEW.origin = 'here' AND NEW.restores IS NULL AND EXISTS (SELECT 1 FROM json_each(NEW.parents) AS p
      JOIN record_version AS v ON v.kind = NEW.kind AND v.record_id = NEW.record_id
        AND v.version = p.value
      WHERE v.status = 'voided' AND v.open_fields = '[]'
        AND NOT (NEW.open_fields <> '[]' AND EXISTS (SELECT 1 FROM json_each(v.parents) AS q
          JOIN record_version AS d ON d.kind = NEW.kind AND d.record_id = NEW.record_id
            AND d.version = q.value WHERE d.open_fields <> '[]')));
END""",
    """CREATE TRIGGER operation_insert BEFORE INSERT ON operation BEGIN
  SELECT RAISE(ABORT, 'operation: an id has 32 hexadecimal digits')
    WHERE length(NEW.op_id) <> 32 OR NEW.op_id GLOB '*[^0-9a-f]*';
  SELECT RAISE(ABORT, 'operation: held or not')
    WHERE NEW.held NOT IN (0, 1);
END""",
    """CREATE TRIGGER operation_update BEFORE UPDATE ON operation BEGIN
  SELECT RAISE(ABORT, 'operation: a line never changes')
    WHERE NEW.op_id <> OLD.op_id OR NEW.line <> OLD.line OR NEW.size <> OLD.size
      OR NEW.kind <> OLD.kind OR NEW.record_id <> OLD.record_id OR NEW.row_id <> OLD.row_id;
  SELECT RAISE(ABORT, 'operation: the version it wrote never changes')
    WHERE NEW.version <> OLD.version AND OLD.version <> 0;
  SELECT RAISE(ABORT, 'operation: held or not')
    WHERE NEW.held NOT IN (0, 1);
END""",
    """CREATE TRIGGER operation_delete BEFORE DELETE ON operation BEGIN
  SELECT RAISE(ABORT, 'operation: never deleted');
END""",
    """CREATE TRIGGER operation_arrived AFTER INSERT ON operation BEGIN
  DELETE FROM wanted_operation WHERE op_id = NEW.op_id;
END""",
    f"""CREATE TRIGGER operation_born_held AFTER INSERT ON operation WHEN NEW.held = 1 BEGIN
  {_tallied("1")}
END""",
    f"""CREATE TRIGGER operation_held AFTER UPDATE OF held ON operation
WHEN NEW.held <> OLD.held BEGIN
  {_tallied("(NEW.held - OLD.held)")}
END""",
    """CREATE TRIGGER audit_entry_insert BEFORE INSERT ON audit_entry BEGIN
  SELECT RAISE(ABORT, 'audit_entry: lines follow one another')
    WHERE NEW.prev_hash <> coalesce((SELECT hash FROM audit_entry ORDER BY seq DESC LIMIT 1), '')
      OR EXISTS (SELECT 1 FROM audit_entry WHERE seq = NEW.seq);
END""",
    """CREATE TRIGGER print_log_insert BEFORE INSERT ON print_log BEGIN
  SELECT RAISE(ABORT, 'print_log: copies are counted one by one')
    WHERE NEW.copy <> 1 + (SELECT count(*) FROM print_log
      WHERE kind = NEW.kind AND record_id = NEW.record_id)
      OR EXISTS (SELECT 1 FROM print_log WHERE seq = NEW.seq);
END""",
    """CREATE TRIGGER counter_update BEFORE UPDATE ON counter BEGIN
  SELECT RAISE(ABORT, 'counter: numbers only follow one another')
    WHERE NEW.value <> OLD.value + 1 OR NEW.name <> OLD.name OR NEW.series <> OLD.series
      OR NEW.year <> OLD.year;
END""",
    """CREATE TRIGGER counter_delete BEFORE DELETE ON counter BEGIN
  SELECT RAISE(ABORT, 'counter: never deleted');
END""",
    """CREATE TRIGGER counter_insert BEFORE INSERT ON counter BEGIN
  SELECT RAISE(ABORT, 'counter: a series starts at 1')
    WHERE NEW.value <> 1 OR EXISTS (SELECT 1 FROM counter
      WHERE name = NEW.name AND series = NEW.series AND year = NEW.year);
END""",
)

ALEMBIC_TABLE: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


@cache
def statements() -> tuple[str, ...]:
    """The whole schema as SQL, in a fixed order; written out once."""
    dialect = sqlite.dialect()
    tables = Base.metadata.sorted_tables
    return (
        *(str(CreateTable(table).compile(dialect=dialect)).strip() for table in tables),
        *(
            str(CreateIndex(index).compile(dialect=dialect)).strip()
            for table in tables
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ),
        SEARCH_TABLE.strip(),
        *TRIGGERS,
    )


def build(raw: RawConnection) -> None:
    """Fill an empty database in one transaction, stamped as the newest migration would leave it."""
    raw.execute("BEGIN IMMEDIATE")
    for statement in statements():
        raw.execute(statement)
    raw.execute(ALEMBIC_TABLE)
    raw.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    raw.execute("COMMIT")
