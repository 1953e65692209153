"""The schema of release 0.1.

Frozen: raw SQL, nothing of the program is imported. A test compares it with a fresh database.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPLICATION_ID = 0x53454D52  # "SEMR"

TABLES = (
    """
    CREATE TABLE audit_entry ( seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at_utc TEXT
      NOT NULL, at_offset INTEGER NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,
      role TEXT NOT NULL, device TEXT NOT NULL, action TEXT NOT NULL, kind TEXT NOT NULL,
      record_id TEXT NOT NULL, patient_id TEXT NOT NULL, detail TEXT NOT NULL, prev_hash
      TEXT NOT NULL, hash TEXT NOT NULL ) STRICT
""",
    """
    CREATE TABLE catalog_list ( kind TEXT NOT NULL, version INTEGER NOT NULL, source TEXT
      NOT NULL, loaded_utc TEXT NOT NULL, loaded_offset INTEGER NOT NULL, PRIMARY KEY (kind)
      ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE catalog_row ( kind TEXT NOT NULL, code TEXT NOT NULL, valid_from TEXT NOT
      NULL, valid_to TEXT, name TEXT NOT NULL, folded TEXT NOT NULL, attributes TEXT NOT
      NULL, source TEXT NOT NULL, list_version INTEGER NOT NULL, PRIMARY KEY (kind, code,
      valid_from) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE counter ( name TEXT NOT NULL, series TEXT NOT NULL, year INTEGER NOT NULL,
      value INTEGER NOT NULL, PRIMARY KEY (name, series, year) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE facility ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      code TEXT NOT NULL, name TEXT NOT NULL, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id)
      ) STRICT
""",
    """
    CREATE TABLE form_draft ( row_id INTEGER NOT NULL, "key" TEXT NOT NULL, user_id TEXT NOT
      NULL, content TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      PRIMARY KEY (row_id), UNIQUE ("key") ) STRICT
""",
    """
    CREATE TABLE outbox ( seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, op_id TEXT NOT
      NULL, kind TEXT NOT NULL, record_id TEXT NOT NULL, version INTEGER NOT NULL, status
      TEXT NOT NULL, patient_id TEXT NOT NULL, created_utc TEXT NOT NULL, created_offset
      INTEGER NOT NULL, state TEXT DEFAULT 'waiting' NOT NULL, attempts INTEGER DEFAULT 0
      NOT NULL, reason TEXT DEFAULT '' NOT NULL ) STRICT
""",
    """
    CREATE TABLE patient ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      full_name TEXT NOT NULL, folded_name TEXT NOT NULL, birth TEXT NOT NULL, birth_year
      INTEGER NOT NULL, sex TEXT NOT NULL, address_line TEXT NOT NULL, commune_name TEXT NOT
      NULL, phone TEXT NOT NULL, national_id TEXT NOT NULL, insurance_number TEXT NOT NULL,
      chart_number TEXT NOT NULL, allergies TEXT NOT NULL, chronic INTEGER NOT NULL,
      last_visit_on TEXT, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id) ) STRICT
""",
    """
    CREATE TABLE patient_number ( number TEXT NOT NULL, patient_row INTEGER NOT NULL,
      PRIMARY KEY (number, patient_row) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE print_log ( seq INTEGER NOT NULL, kind TEXT NOT NULL, record_id TEXT NOT
      NULL, version INTEGER NOT NULL, copy INTEGER NOT NULL, at_utc TEXT NOT NULL, at_offset
      INTEGER NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL, sha256 TEXT NOT
      NULL, PRIMARY KEY (seq) ) STRICT
""",
    """
    CREATE TABLE record_version ( seq INTEGER NOT NULL, kind TEXT NOT NULL, record_id TEXT
      NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL, content TEXT NOT NULL,
      content_sha256 TEXT NOT NULL, author_id TEXT NOT NULL, author_name TEXT NOT NULL,
      at_utc TEXT NOT NULL, at_offset INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY
      (seq), UNIQUE (kind, record_id, version) ) STRICT
""",
    """
    CREATE TABLE setting ( "key" TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key") )
      WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE sync_run ( seq INTEGER NOT NULL, started_utc TEXT NOT NULL, started_offset
      INTEGER NOT NULL, ended_utc TEXT NOT NULL, ended_offset INTEGER NOT NULL, outcome TEXT
      NOT NULL, sent INTEGER NOT NULL, changed INTEGER NOT NULL, quarantined INTEGER NOT
      NULL, bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, detail TEXT NOT NULL,
      verified INTEGER NOT NULL, PRIMARY KEY (seq) ) STRICT
""",
    """
    CREATE TABLE synced_record ( kind TEXT NOT NULL, record_id TEXT NOT NULL, version
      INTEGER NOT NULL, at_utc TEXT NOT NULL, at_offset INTEGER NOT NULL, PRIMARY KEY (kind,
      record_id) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE synced_resource ( record_id TEXT NOT NULL, resource TEXT NOT NULL, etag
      TEXT NOT NULL, PRIMARY KEY (record_id, resource) ) WITHOUT ROWID, STRICT
""",
    """
    CREATE TABLE user ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
      status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL, username
      TEXT NOT NULL, last_login_utc TEXT, last_login_offset INTEGER, draft TEXT, PRIMARY KEY
      (row_id), UNIQUE (id), UNIQUE (username) ) STRICT
""",
    """
    CREATE TABLE encounter ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      patient_id TEXT NOT NULL, day TEXT NOT NULL, arrived_utc TEXT NOT NULL, arrived_offset
      INTEGER NOT NULL, started_utc TEXT, started_offset INTEGER, ended_utc TEXT,
      ended_offset INTEGER, stage TEXT NOT NULL, priority TEXT NOT NULL, reason TEXT NOT
      NULL, practitioner TEXT NOT NULL, diagnoses TEXT NOT NULL, vitals TEXT NOT NULL,
      blood_pressure TEXT NOT NULL, weight TEXT NOT NULL, draft TEXT, PRIMARY KEY (row_id),
      UNIQUE (id), FOREIGN KEY(patient_id) REFERENCES patient (id) ) STRICT
""",
    """
    CREATE TABLE appointment ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER
      NOT NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT
      NULL, patient_id TEXT NOT NULL, encounter_id TEXT NOT NULL, number TEXT NOT NULL,
      on_day TEXT, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id), FOREIGN KEY(patient_id)
      REFERENCES patient (id), FOREIGN KEY(encounter_id) REFERENCES encounter (id) ) STRICT
""",
    """
    CREATE TABLE prescription ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER
      NOT NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT
      NULL, patient_id TEXT NOT NULL, encounter_id TEXT NOT NULL, code TEXT NOT NULL,
      written_on TEXT NOT NULL, drugs TEXT NOT NULL, draft TEXT, PRIMARY KEY (row_id),
      UNIQUE (id), FOREIGN KEY(patient_id) REFERENCES patient (id), FOREIGN
      KEY(encounter_id) REFERENCES encounter (id) ) STRICT
""",
    """
    CREATE TABLE referral ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      patient_id TEXT NOT NULL, encounter_id TEXT NOT NULL, number TEXT NOT NULL,
      to_facility TEXT NOT NULL, diagnosis TEXT NOT NULL, reason TEXT, emergency INTEGER NOT
      NULL, signed_utc TEXT, signed_offset INTEGER, draft TEXT, PRIMARY KEY (row_id), UNIQUE
      (id), FOREIGN KEY(patient_id) REFERENCES patient (id), FOREIGN KEY(encounter_id)
      REFERENCES encounter (id) ) STRICT
""",
    """
    CREATE INDEX outbox_patient ON outbox (patient_id)
""",
    """
    CREATE INDEX outbox_record ON outbox (kind, record_id, seq)
""",
    """
    CREATE INDEX patient_birth_year ON patient (birth_year, folded_name)
""",
    """
    CREATE INDEX patient_last_visit ON patient (last_visit_on, folded_name) WHERE
      last_visit_on IS NOT NULL
""",
    """
    CREATE INDEX patient_open ON patient (saved_utc) WHERE version = 0
""",
    """
    CREATE UNIQUE INDEX print_record ON print_log (kind, record_id, copy)
""",
    """
    CREATE INDEX encounter_day ON encounter (day)
""",
    """
    CREATE INDEX encounter_open ON encounter (day) WHERE version = 0
""",
    """
    CREATE INDEX encounter_patient ON encounter (patient_id, arrived_utc)
""",
    """
    CREATE INDEX appointment_day ON appointment (on_day)
""",
    """
    CREATE INDEX appointment_encounter ON appointment (encounter_id)
""",
    """
    CREATE INDEX appointment_open ON appointment (saved_utc) WHERE version = 0
""",
    """
    CREATE INDEX appointment_patient ON appointment (patient_id)
""",
    """
    CREATE INDEX prescription_encounter ON prescription (encounter_id)
""",
    """
    CREATE INDEX prescription_open ON prescription (saved_utc) WHERE version = 0
""",
    """
    CREATE INDEX prescription_patient ON prescription (patient_id, written_on)
""",
    """
    CREATE INDEX referral_encounter ON referral (encounter_id)
""",
    """
    CREATE INDEX referral_open ON referral (saved_utc) WHERE version = 0
""",
    """
    CREATE INDEX referral_patient ON referral (patient_id)
""",
    """
    CREATE INDEX referral_written ON referral (coalesce(signed_utc, saved_utc))
""",
    """
    CREATE VIRTUAL TABLE patient_search USING fts5( words, content='', contentless_delete=1,
      detail=none, prefix='1 2 3 4 5 6', tokenize='unicode61 remove_diacritics 0' )
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
WRITTEN_ONCE = ("record_version", "audit_entry", "print_log")

HEAD_TRIGGERS = (
    """CREATE TRIGGER {table}_insert BEFORE INSERT ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: id already used')
    WHERE EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id);
  SELECT RAISE(ABORT, '{table}: a new record is a draft or its first written version')
    WHERE NOT (NEW.version = 0 AND NEW.status = 'draft' AND NEW.draft IS NOT NULL)
      AND NOT (NEW.version = 1 AND NEW.status <> 'draft' AND NEW.draft IS NULL AND EXISTS (SELECT 1 FROM record_version AS v WHERE v.kind = '{kind}'
      AND v.record_id = NEW.id AND v.version = NEW.version AND v.status = NEW.status));
END""",
    """CREATE TRIGGER {table}_update
BEFORE UPDATE OF row_id, id, version, status, draft ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: an id never changes')
    WHERE NEW.id <> OLD.id OR NEW.row_id <> OLD.row_id;
  SELECT RAISE(ABORT, '{table}: status and version move only with a written version')
    WHERE (NEW.version <> OLD.version OR NEW.status <> OLD.status)
      AND NOT (NEW.version = OLD.version + 1 AND EXISTS (SELECT 1 FROM record_version AS v WHERE v.kind = '{kind}'
      AND v.record_id = NEW.id AND v.version = NEW.version AND v.status = NEW.status));
  SELECT RAISE(ABORT, '{table}: signed content has no draft')
    WHERE NEW.version > 0 AND NEW.draft IS NOT NULL;
END""",
    """CREATE TRIGGER {table}_delete BEFORE DELETE ON "{table}" WHEN OLD.version > 0 BEGIN
  SELECT RAISE(ABORT, '{table}: a signed record is never deleted');
END""",
)

ONCE_TRIGGERS = (
    """CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: written once');
END""",
    """CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} BEGIN
  SELECT RAISE(ABORT, '{table}: never deleted');
END""",
)

TRIGGERS = (
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


def upgrade() -> None:
    connection = op.get_bind()
    for statement in TABLES:
        connection.exec_driver_sql(statement)
    for table, kind in HEADS.items():
        for trigger in HEAD_TRIGGERS:
            connection.exec_driver_sql(trigger.format(table=table, kind=kind))
    for table in WRITTEN_ONCE:
        for trigger in ONCE_TRIGGERS:
            connection.exec_driver_sql(trigger.format(table=table))
    for trigger in TRIGGERS:
        connection.exec_driver_sql(trigger)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql("PRAGMA user_version = 1")


def downgrade() -> None:
    raise NotImplementedError("a record is never turned back into an empty database")
