"""What the models cannot say: full-text search, and the triggers that keep signed content."""

from __future__ import annotations

from typing import Final

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from .connection import RawConnection
from .models import Base

SCHEMA_VERSION: Final = 1  # PRAGMA user_version
REVISION: Final = "0001"  # the Alembic revision that builds this version
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
  SELECT RAISE(ABORT, '{table}: a new record is a draft or its first written version')
    WHERE NOT (NEW.version = 0 AND NEW.status = 'draft' AND NEW.draft IS NOT NULL)
      AND NOT (NEW.version = 1 AND NEW.status <> 'draft' AND NEW.draft IS NULL AND {written});
END""",  # noqa: S608  # table names of this module
        f"""CREATE TRIGGER {table}_update
BEFORE UPDATE OF row_id, id, version, status, draft ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: an id never changes')
    WHERE NEW.id <> OLD.id OR NEW.row_id <> OLD.row_id;
  SELECT RAISE(ABORT, '{table}: status and version move only with a written version')
    WHERE (NEW.version <> OLD.version OR NEW.status <> OLD.status)
      AND NOT (NEW.version = OLD.version + 1 AND {written});
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


TRIGGERS: Final[tuple[str, ...]] = (
    *(trigger for table, kind in _HEADS for trigger in _head_triggers(table, kind)),
    *_append_only("record_version"),
    *_append_only("audit_entry"),
    *_append_only("print_log"),
    """CREATE TRIGGER record_version_insert BEFORE INSERT ON record_version BEGIN
  SELECT RAISE(ABORT, 'record_version: versions follow one another')
    WHERE NEW.version <> 1 + coalesce((SELECT max(version) FROM record_version
      WHERE kind = NEW.kind AND record_id = NEW.record_id), 0);
  SELECT RAISE(ABORT, 'record_version: a voided record stays voided')
    WHERE EXISTS (SELECT 1 FROM record_version WHERE kind = NEW.kind
      AND record_id = NEW.record_id AND version = NEW.version - 1 AND status = 'voided');
  SELECT RAISE(ABORT, 'record_version: a version is signed, amended or voided')
    WHERE NEW.status NOT IN ('signed', 'amended', 'voided');
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


def statements() -> tuple[str, ...]:
    """The whole schema as SQL, in a fixed order."""
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
