"""Two-way sync: the lines as they travel, the graph of versions, joined charts, attachments.

Frozen: raw SQL, nothing of the program is imported. A test compares it with a fresh database.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = (
    "parents TEXT DEFAULT '[]' NOT NULL",
    "origin TEXT DEFAULT 'here' NOT NULL",
    "open_fields TEXT DEFAULT '[]' NOT NULL",
    "device TEXT DEFAULT '' NOT NULL",
    "skew INTEGER",
)

TABLES = (
    """
    CREATE TABLE attachment ( row_id INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
      record_id TEXT NOT NULL, version INTEGER NOT NULL, title TEXT NOT NULL, content_type
      TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, sent INTEGER NOT NULL,
      state TEXT DEFAULT 'empty' NOT NULL, created_utc TEXT NOT NULL, created_offset INTEGER
      NOT NULL, content BLOB, PRIMARY KEY (row_id), UNIQUE (id) ) STRICT
""",
    """
    CREATE TABLE catalog_pack ( kind TEXT NOT NULL, number INTEGER NOT NULL, version TEXT NOT
      NULL, effective TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, row_count
      INTEGER NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, reason TEXT DEFAULT '' NOT
      NULL, base INTEGER DEFAULT 0 NOT NULL, tag TEXT DEFAULT '' NOT NULL, received BLOB,
      content BLOB, PRIMARY KEY (kind, number) ) STRICT
""",
    """
    CREATE TABLE held_bucket ( bucket INTEGER NOT NULL, count INTEGER NOT NULL, high INTEGER
      NOT NULL, low INTEGER NOT NULL, PRIMARY KEY (bucket) ) STRICT
""",
    """
    CREATE TABLE not_duplicate ( one TEXT NOT NULL, other TEXT NOT NULL, PRIMARY KEY (one,
      other) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE operation ( row_id INTEGER NOT NULL, op_id TEXT NOT NULL, kind TEXT NOT
      NULL, record_id TEXT NOT NULL, version INTEGER NOT NULL, size INTEGER NOT NULL, held
      INTEGER NOT NULL, note TEXT DEFAULT '' NOT NULL, line BLOB NOT NULL, PRIMARY KEY
      (row_id), UNIQUE (op_id) ) STRICT
""",
    """
    CREATE TABLE parked_operation ( op_id TEXT NOT NULL, needs TEXT NOT NULL, PRIMARY KEY
      (op_id, needs) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE patient_identity ( patient_id TEXT NOT NULL, survivor_id TEXT NOT NULL,
      PRIMARY KEY (patient_id) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE traffic_day ( day TEXT NOT NULL, up INTEGER NOT NULL, down INTEGER NOT
      NULL, PRIMARY KEY (day) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE wanted_operation ( op_id TEXT NOT NULL, PRIMARY KEY (op_id) ) WITHOUT
      ROWID, STRICT
""",
    """
    CREATE TABLE link ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
      status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      survivor_id TEXT NOT NULL, duplicate_id TEXT NOT NULL, draft TEXT, PRIMARY KEY
      (row_id), UNIQUE (id), FOREIGN KEY(survivor_id) REFERENCES patient (id), FOREIGN
      KEY(duplicate_id) REFERENCES patient (id) ) STRICT
""",
    """
    CREATE TABLE feedback ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      referral_id TEXT NOT NULL, patient_id TEXT NOT NULL, state TEXT NOT NULL, reason TEXT
      NOT NULL, read_version INTEGER DEFAULT '0' NOT NULL, draft TEXT, PRIMARY KEY (row_id),
      UNIQUE (id), FOREIGN KEY(referral_id) REFERENCES referral (id), FOREIGN
      KEY(patient_id) REFERENCES patient (id) ) STRICT
""",
    """
    CREATE INDEX attachment_due ON attachment (created_utc) WHERE state <> 'done'
""",
    """
    CREATE INDEX operation_held ON operation (substr(op_id, 1, 2)) WHERE held = 1
""",
    """
    CREATE INDEX operation_kept ON operation (kind, record_id) WHERE version = 0
""",
    """
    CREATE UNIQUE INDEX operation_version ON operation (kind, record_id, version) WHERE
      version > 0
""",
    """
    CREATE INDEX parked_needs ON parked_operation (needs)
""",
    """
    CREATE INDEX identity_survivor ON patient_identity (survivor_id)
""",
    """
    CREATE INDEX patient_number_row ON patient_number (patient_row)
""",
    """
    CREATE INDEX version_open ON record_version (kind, record_id, version) WHERE open_fields
      <> '[]'
""",
    """
    CREATE INDEX version_patient ON record_version (seq, record_id) WHERE kind = 'patient'
""",
    """
    CREATE INDEX feedback_referral ON feedback (referral_id)
""",
    """
    CREATE INDEX feedback_unread ON feedback (referral_id) WHERE read_version < version
""",
    """
    CREATE INDEX link_duplicate ON link (duplicate_id)
""",
    """
    CREATE INDEX link_survivor ON link (survivor_id)
""",
)

HEADS = {
    "patient": "patient",
    "encounter": "encounter",
    "prescription": "prescription",
    "referral": "referral",
    "appointment": "appointment",
    "user": "practitioner",
    "facility": "facility",
}

HEAD_INSERT = """CREATE TRIGGER {table}_insert BEFORE INSERT ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: id already used')
    WHERE EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id);
  SELECT RAISE(ABORT, '{table}: a new record is a draft or a written version')
    WHERE NOT (NEW.version = 0 AND NEW.status = 'draft' AND NEW.draft IS NOT NULL)
      AND NOT (NEW.version > 0 AND NEW.status <> 'draft' AND NEW.draft IS NULL AND EXISTS (SELECT 1 FROM record_version AS v WHERE v.kind = '{kind}'
      AND v.record_id = NEW.id AND v.version = NEW.version AND v.status = NEW.status));
END"""
HEAD_UPDATE = """CREATE TRIGGER {table}_update
BEFORE UPDATE OF row_id, id, version, status, draft ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: an id never changes')
    WHERE NEW.id <> OLD.id OR NEW.row_id <> OLD.row_id;
  SELECT RAISE(ABORT, '{table}: status and version move only with a written version')
    WHERE (NEW.version <> OLD.version OR NEW.status <> OLD.status)
      AND NOT (NEW.version > OLD.version AND EXISTS (SELECT 1 FROM record_version AS v WHERE v.kind = '{kind}'
      AND v.record_id = NEW.id AND v.version = NEW.version AND v.status = NEW.status));
  SELECT RAISE(ABORT, '{table}: signed content has no draft')
    WHERE NEW.version > 0 AND NEW.draft IS NOT NULL;
END"""
HEAD_DELETE = """CREATE TRIGGER {table}_delete BEFORE DELETE ON "{table}" WHEN OLD.version > 0 BEGIN
  SELECT RAISE(ABORT, '{table}: a signed record is never deleted');
END"""

TRIGGERS = (
    """CREATE TRIGGER record_version_update BEFORE UPDATE ON record_version BEGIN
  SELECT RAISE(ABORT, 'record_version: written once');
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
  SELECT RAISE(ABORT, 'record_version: a voided record stays voided')
    WHERE NEW.origin = 'here' AND EXISTS (SELECT 1 FROM json_each(NEW.parents) AS p
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
    """CREATE TRIGGER operation_born_held AFTER INSERT ON operation WHEN NEW.held = 1 BEGIN
  INSERT INTO held_bucket (bucket, count, high, low)
  VALUES ((instr('123456789abcdef', substr(NEW.op_id, 1, 1)) << 4) + (instr('123456789abcdef', substr(NEW.op_id, 2, 1)) << 0), 1, 1 * ((instr('123456789abcdef', substr(NEW.op_id, 17, 1)) << 28) + (instr('123456789abcdef', substr(NEW.op_id, 18, 1)) << 24) + (instr('123456789abcdef', substr(NEW.op_id, 19, 1)) << 20) + (instr('123456789abcdef', substr(NEW.op_id, 20, 1)) << 16) + (instr('123456789abcdef', substr(NEW.op_id, 21, 1)) << 12) + (instr('123456789abcdef', substr(NEW.op_id, 22, 1)) << 8) + (instr('123456789abcdef', substr(NEW.op_id, 23, 1)) << 4) + (instr('123456789abcdef', substr(NEW.op_id, 24, 1)) << 0)), 1 * ((instr('123456789abcdef', substr(NEW.op_id, 25, 1)) << 28) + (instr('123456789abcdef', substr(NEW.op_id, 26, 1)) << 24) + (instr('123456789abcdef', substr(NEW.op_id, 27, 1)) << 20) + (instr('123456789abcdef', substr(NEW.op_id, 28, 1)) << 16) + (instr('123456789abcdef', substr(NEW.op_id, 29, 1)) << 12) + (instr('123456789abcdef', substr(NEW.op_id, 30, 1)) << 8) + (instr('123456789abcdef', substr(NEW.op_id, 31, 1)) << 4) + (instr('123456789abcdef', substr(NEW.op_id, 32, 1)) << 0)))
  ON CONFLICT (bucket) DO UPDATE SET count = count + excluded.count,
    high = (high + excluded.high + ((low + excluded.low) >> 32)) & 4294967295,
    low = (low + excluded.low) & 4294967295;
END""",
    """CREATE TRIGGER operation_held AFTER UPDATE OF held ON operation
WHEN NEW.held <> OLD.held BEGIN
  INSERT INTO held_bucket (bucket, count, high, low)
  VALUES ((instr('123456789abcdef', substr(NEW.op_id, 1, 1)) << 4) + (instr('123456789abcdef', substr(NEW.op_id, 2, 1)) << 0), (NEW.held - OLD.held), (NEW.held - OLD.held) * ((instr('123456789abcdef', substr(NEW.op_id, 17, 1)) << 28) + (instr('123456789abcdef', substr(NEW.op_id, 18, 1)) << 24) + (instr('123456789abcdef', substr(NEW.op_id, 19, 1)) << 20) + (instr('123456789abcdef', substr(NEW.op_id, 20, 1)) << 16) + (instr('123456789abcdef', substr(NEW.op_id, 21, 1)) << 12) + (instr('123456789abcdef', substr(NEW.op_id, 22, 1)) << 8) + (instr('123456789abcdef', substr(NEW.op_id, 23, 1)) << 4) + (instr('123456789abcdef', substr(NEW.op_id, 24, 1)) << 0)), (NEW.held - OLD.held) * ((instr('123456789abcdef', substr(NEW.op_id, 25, 1)) << 28) + (instr('123456789abcdef', substr(NEW.op_id, 26, 1)) << 24) + (instr('123456789abcdef', substr(NEW.op_id, 27, 1)) << 20) + (instr('123456789abcdef', substr(NEW.op_id, 28, 1)) << 16) + (instr('123456789abcdef', substr(NEW.op_id, 29, 1)) << 12) + (instr('123456789abcdef', substr(NEW.op_id, 30, 1)) << 8) + (instr('123456789abcdef', substr(NEW.op_id, 31, 1)) << 4) + (instr('123456789abcdef', substr(NEW.op_id, 32, 1)) << 0)))
  ON CONFLICT (bucket) DO UPDATE SET count = count + excluded.count,
    high = (high + excluded.high + ((low + excluded.low) >> 32)) & 4294967295,
    low = (low + excluded.low) & 4294967295;
END""",
)


def upgrade() -> None:
    connection = op.get_bind()
    for trigger in ("record_version_insert", "record_version_update"):
        connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    for column in COLUMNS:
        connection.exec_driver_sql(f"ALTER TABLE record_version ADD COLUMN {column}")
    # Until now every version was written on the one before it.
    connection.exec_driver_sql(
        "UPDATE record_version SET parents = '[' || (version - 1) || ']' WHERE version > 1"
    )
    for statement in TABLES:
        connection.exec_driver_sql(statement)
    for table, kind in HEADS.items():
        for name, trigger in (("insert", HEAD_INSERT), ("update", HEAD_UPDATE)):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_{name}")
            connection.exec_driver_sql(trigger.format(table=table, kind=kind))
    for trigger in (HEAD_INSERT, HEAD_UPDATE, HEAD_DELETE):
        for table in ("link", "feedback"):
            connection.exec_driver_sql(trigger.format(table=table, kind=table))
    for trigger in TRIGGERS:
        connection.exec_driver_sql(trigger)
    connection.exec_driver_sql("PRAGMA user_version = 2")


def downgrade() -> None:
    raise NotImplementedError("a record is never turned back into an older shape")
