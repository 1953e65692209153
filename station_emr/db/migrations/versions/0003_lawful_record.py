"""A lawful record: signatures, anchors of the audit, grants of access, consents.

Frozen: raw SQL, nothing of the program is imported. A test compares it with a fresh database.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _written(kind: str) -> str:
    return f"""EXISTS (SELECT 1 FROM record_version AS v WHERE v.kind = '{kind}'
      AND v.record_id = NEW.id AND v.version = NEW.version AND v.status = NEW.status)"""  # noqa: S608  # names of this file


def _moves(table: str, kind: str) -> str:
    """A version that the province takes late can make an older merge the newest again."""
    return f"""CREATE TRIGGER {table}_update
BEFORE UPDATE OF row_id, id, version, status, draft ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: an id never changes')
    WHERE NEW.id <> OLD.id OR NEW.row_id <> OLD.row_id;
  SELECT RAISE(ABORT, '{table}: status and version move only with a written version')
    WHERE (NEW.version <> OLD.version OR NEW.status <> OLD.status)
      AND NOT (NEW.version > 0 AND {_written(kind)});
  SELECT RAISE(ABORT, '{table}: signed content has no draft')
    WHERE NEW.version > 0 AND NEW.draft IS NOT NULL;
END"""


def _head_triggers(table: str) -> tuple[str, ...]:
    """As every head has them; its table is called by the kind of the record."""
    return (
        f"""CREATE TRIGGER {table}_insert BEFORE INSERT ON "{table}" BEGIN
  SELECT RAISE(ABORT, '{table}: id already used')
    WHERE EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id);
  SELECT RAISE(ABORT, '{table}: a new record is a draft or a written version')
    WHERE NOT (NEW.version = 0 AND NEW.status = 'draft' AND NEW.draft IS NOT NULL)
      AND NOT (NEW.version > 0 AND NEW.status <> 'draft' AND NEW.draft IS NULL AND {_written(table)});
END""",  # noqa: S608  # names of this file
        _moves(table, table),
        f"""CREATE TRIGGER {table}_delete BEFORE DELETE ON "{table}" WHEN OLD.version > 0 BEGIN
  SELECT RAISE(ABORT, '{table}: a signed record is never deleted');
END""",
    )


SIGNATURES: tuple[str, ...] = (
    """
    CREATE TABLE signing_evidence ( seq INTEGER NOT NULL, kind TEXT NOT NULL, record_id TEXT NOT
      NULL, version INTEGER NOT NULL, content_sha256 TEXT NOT NULL, method TEXT NOT NULL, proof
      TEXT NOT NULL, proven_utc TEXT, proven_offset INTEGER, user_id TEXT NOT NULL, user_name
      TEXT NOT NULL, role TEXT NOT NULL, device TEXT NOT NULL, session TEXT NOT NULL, at_utc
      TEXT NOT NULL, at_offset INTEGER NOT NULL, skew INTEGER, PRIMARY KEY (seq) ) STRICT
""",
    """
    CREATE TABLE sign_request ( row_id INTEGER NOT NULL, kind TEXT NOT NULL, record_id TEXT NOT
      NULL, version INTEGER NOT NULL, patient_id TEXT NOT NULL, content_sha256 TEXT NOT NULL,
      user_id TEXT NOT NULL, user_name TEXT NOT NULL, number TEXT NOT NULL, created_utc TEXT NOT
      NULL, created_offset INTEGER NOT NULL, attempts INTEGER DEFAULT '0' NOT NULL, reason TEXT
      DEFAULT '' NOT NULL, state TEXT DEFAULT 'waiting' NOT NULL, PRIMARY KEY (row_id), UNIQUE
      (kind, record_id, version), FOREIGN KEY(patient_id) REFERENCES patient (id) ) STRICT
""",
    """
    CREATE TABLE signature ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      patient_id TEXT NOT NULL, target_kind TEXT NOT NULL, target_id TEXT NOT NULL,
      content_sha256 TEXT NOT NULL, method TEXT NOT NULL, draft TEXT, PRIMARY KEY (row_id),
      UNIQUE (id), FOREIGN KEY(patient_id) REFERENCES patient (id) ) STRICT
""",
    """
    CREATE TABLE signature_finding ( seq INTEGER NOT NULL, signature_id TEXT NOT NULL, standing
      TEXT NOT NULL, source TEXT NOT NULL, checked_utc TEXT NOT NULL, checked_offset INTEGER NOT
      NULL, revoked_utc TEXT, evidence BLOB NOT NULL, chain TEXT NOT NULL, PRIMARY KEY (seq),
      FOREIGN KEY(signature_id) REFERENCES signature (id) ) STRICT
""",
    """
    CREATE TABLE signed_document ( row_id INTEGER NOT NULL, signature_id TEXT NOT NULL,
      media_type TEXT NOT NULL, sha256 TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY
      (row_id), UNIQUE (signature_id), FOREIGN KEY(signature_id) REFERENCES signature (id) )
      STRICT
""",
    "CREATE INDEX operation_unheld ON operation (held) WHERE held = 0",
    "CREATE INDEX evidence_record ON signing_evidence (kind, record_id)",
    "CREATE INDEX sync_run_outcome ON sync_run (outcome)",
    "CREATE INDEX request_waiting ON sign_request (row_id) WHERE state = 'waiting'",
    "CREATE INDEX signature_target ON signature (target_kind, target_id)",
    "CREATE INDEX finding_signature ON signature_finding (signature_id)",
    """
    CREATE INDEX finding_revoked ON signature_finding (signature_id) WHERE standing = 'revoked'
""",
    "CREATE INDEX finding_unknown ON signature_finding (seq) WHERE standing = 'unknown'",
    *_head_triggers("signature"),
    """CREATE TRIGGER signed_document_update BEFORE UPDATE ON signed_document BEGIN
  SELECT RAISE(ABORT, 'signed_document: written once');
END""",
    """CREATE TRIGGER signed_document_delete BEFORE DELETE ON signed_document BEGIN
  SELECT RAISE(ABORT, 'signed_document: never deleted');
END""",
    """CREATE TRIGGER signature_finding_update BEFORE UPDATE ON signature_finding BEGIN
  SELECT RAISE(ABORT, 'signature_finding: written once');
END""",
    """CREATE TRIGGER signature_finding_delete BEFORE DELETE ON signature_finding BEGIN
  SELECT RAISE(ABORT, 'signature_finding: never deleted');
END""",
    """CREATE TRIGGER signing_evidence_update BEFORE UPDATE ON signing_evidence BEGIN
  SELECT RAISE(ABORT, 'signing_evidence: written once');
END""",
    """CREATE TRIGGER signing_evidence_delete BEFORE DELETE ON signing_evidence BEGIN
  SELECT RAISE(ABORT, 'signing_evidence: never deleted');
END""",
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
)
AUDIT: tuple[str, ...] = (
    "ALTER TABLE audit_entry ADD COLUMN form INTEGER DEFAULT 1 NOT NULL",
    "ALTER TABLE audit_entry ADD COLUMN source TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE audit_entry ADD COLUMN account TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE audit_entry ADD COLUMN purpose TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE audit_entry ADD COLUMN result TEXT DEFAULT 'ok' NOT NULL",
    "ALTER TABLE audit_entry ADD COLUMN skew INTEGER",
    """
    CREATE TABLE audit_anchor ( row_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, kind TEXT NOT
      NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL, incarnation TEXT NOT NULL, at_utc TEXT NOT
      NULL, at_offset INTEGER NOT NULL ) STRICT
""",
    "CREATE INDEX audit_action ON audit_entry (action)",
    "CREATE INDEX audit_at ON audit_entry (at_utc)",
    "CREATE INDEX audit_patient ON audit_entry (patient_id) WHERE patient_id <> ''",
    "CREATE INDEX audit_result ON audit_entry (result) WHERE result <> 'ok'",
    "CREATE INDEX audit_user ON audit_entry (user_id)",
    """CREATE TRIGGER audit_anchor_update BEFORE UPDATE ON audit_anchor BEGIN
  SELECT RAISE(ABORT, 'audit_anchor: written once');
END""",
    """CREATE TRIGGER audit_anchor_delete BEFORE DELETE ON audit_anchor BEGIN
  SELECT RAISE(ABORT, 'audit_anchor: never deleted');
END""",
)
_OLDER_HEADS = (
    ("patient", "patient"),
    ("encounter", "encounter"),
    ("prescription", "prescription"),
    ("referral", "referral"),
    ("appointment", "appointment"),
    ("link", "link"),
    ("feedback", "feedback"),
    ("user", "practitioner"),
    ("facility", "facility"),
)
VERSIONS: tuple[str, ...] = (
    *(f"DROP TRIGGER {table}_update" for table, _ in _OLDER_HEADS),
    *(_moves(table, kind) for table, kind in _OLDER_HEADS),
    "ALTER TABLE record_version ADD COLUMN restores INTEGER",
    "DROP TRIGGER record_version_insert",
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
)
PEOPLE: tuple[str, ...] = (
    """
    CREATE TABLE access_end ( grant_id TEXT NOT NULL, at_utc TEXT NOT NULL, at_offset INTEGER
      NOT NULL, by_id TEXT NOT NULL, PRIMARY KEY (grant_id) ) STRICT
""",
    """
    CREATE TABLE access_grant ( row_id INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
      user_id TEXT NOT NULL, until_utc TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY
      (row_id), UNIQUE (id) ) STRICT
""",
    """
    CREATE TABLE access_review ( grant_id TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY
      (grant_id) ) STRICT
""",
    """
    CREATE TABLE account_state ( user_id TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY
      (user_id) ) STRICT
""",
    """
    CREATE TABLE rights_review ( row_id INTEGER NOT NULL, user_id TEXT NOT NULL, content TEXT
      NOT NULL, PRIMARY KEY (row_id) ) STRICT
""",
    """
    CREATE TABLE role_change ( row_id INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY
      (row_id) ) STRICT
""",
    "CREATE INDEX grant_user ON access_grant (user_id, until_utc)",
    """CREATE TRIGGER access_grant_update BEFORE UPDATE ON access_grant BEGIN
  SELECT RAISE(ABORT, 'access_grant: written once');
END""",
    """CREATE TRIGGER access_grant_delete BEFORE DELETE ON access_grant BEGIN
  SELECT RAISE(ABORT, 'access_grant: never deleted');
END""",
    """CREATE TRIGGER access_end_update BEFORE UPDATE ON access_end BEGIN
  SELECT RAISE(ABORT, 'access_end: written once');
END""",
    """CREATE TRIGGER access_end_delete BEFORE DELETE ON access_end BEGIN
  SELECT RAISE(ABORT, 'access_end: never deleted');
END""",
    """CREATE TRIGGER access_review_update BEFORE UPDATE ON access_review BEGIN
  SELECT RAISE(ABORT, 'access_review: written once');
END""",
    """CREATE TRIGGER access_review_delete BEFORE DELETE ON access_review BEGIN
  SELECT RAISE(ABORT, 'access_review: never deleted');
END""",
    """CREATE TRIGGER role_change_update BEFORE UPDATE ON role_change BEGIN
  SELECT RAISE(ABORT, 'role_change: written once');
END""",
    """CREATE TRIGGER role_change_delete BEFORE DELETE ON role_change BEGIN
  SELECT RAISE(ABORT, 'role_change: never deleted');
END""",
    """CREATE TRIGGER rights_review_update BEFORE UPDATE ON rights_review BEGIN
  SELECT RAISE(ABORT, 'rights_review: written once');
END""",
    """CREATE TRIGGER rights_review_delete BEFORE DELETE ON rights_review BEGIN
  SELECT RAISE(ABORT, 'rights_review: never deleted');
END""",
)
STATION_RIGHTS: tuple[str, ...] = (
    """
    CREATE TABLE rights ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
      status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL, draft TEXT,
      PRIMARY KEY (row_id), UNIQUE (id) ) STRICT
""",
    """
    CREATE TABLE standing ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      user_id TEXT NOT NULL, shut TEXT NOT NULL, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id) )
      STRICT
""",
    "CREATE INDEX standing_user ON standing (user_id)",
    *_head_triggers("rights"),
    *_head_triggers("standing"),
)
PRIVACY: tuple[str, ...] = (
    """
    CREATE TABLE breach ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
      status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      noticed_utc TEXT NOT NULL, reported INTEGER NOT NULL, draft TEXT, PRIMARY KEY (row_id),
      UNIQUE (id) ) STRICT
""",
    """
    CREATE TABLE consent ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      patient_id TEXT NOT NULL, purpose TEXT NOT NULL, withdrawn INTEGER NOT NULL,
      answered INTEGER NOT NULL, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id), FOREIGN
      KEY(patient_id) REFERENCES patient (id) ) STRICT
""",
    """
    CREATE TABLE request ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT
      NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      patient_id TEXT NOT NULL, state TEXT NOT NULL, received_utc TEXT NOT NULL, draft TEXT,
      PRIMARY KEY (row_id), UNIQUE (id), FOREIGN KEY(patient_id) REFERENCES patient (id) )
      STRICT
""",
    "CREATE INDEX consent_patient ON consent (patient_id)",
    "CREATE INDEX request_patient ON request (patient_id)",
    *_head_triggers("consent"),
    *_head_triggers("request"),
    *_head_triggers("breach"),
)
BILLS: tuple[str, ...] = (
    """
    CREATE TABLE bill ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
      status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT NULL,
      patient_id TEXT NOT NULL, encounter_id TEXT NOT NULL, number TEXT NOT NULL, card TEXT
      NOT NULL, closed_on TEXT, amount INTEGER NOT NULL, fund INTEGER NOT NULL, copay
      INTEGER NOT NULL, self_pay INTEGER NOT NULL, other INTEGER NOT NULL, draft TEXT,
      PRIMARY KEY (row_id), UNIQUE (id), FOREIGN KEY(patient_id) REFERENCES patient (id),
      FOREIGN KEY(encounter_id) REFERENCES encounter (id) ) STRICT
""",
    "CREATE INDEX bill_closed ON bill (closed_on)",
    "CREATE INDEX bill_encounter ON bill (encounter_id)",
    "CREATE INDEX bill_number ON bill (number)",
    "CREATE INDEX bill_open ON bill (saved_utc) WHERE version = 0",
    "CREATE INDEX bill_patient ON bill (patient_id)",
    *_head_triggers("bill"),
)
FORMS: tuple[str, ...] = (
    *BILLS,
    """
    CREATE TABLE notification ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER
      NOT NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT
      NULL, patient_id TEXT NOT NULL, encounter_id TEXT NOT NULL, number TEXT NOT NULL,
      disease_code TEXT NOT NULL, detected_utc TEXT, due_utc TEXT, reported INTEGER NOT
      NULL, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id), FOREIGN KEY(patient_id)
      REFERENCES patient (id) ) STRICT
""",
    """
    CREATE TABLE certificate ( row_id INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER
      NOT NULL, status TEXT NOT NULL, saved_utc TEXT NOT NULL, saved_offset INTEGER NOT
      NULL, patient_id TEXT NOT NULL, encounter_id TEXT NOT NULL, number TEXT NOT NULL,
      first_day TEXT, last_day TEXT, draft TEXT, PRIMARY KEY (row_id), UNIQUE (id), FOREIGN
      KEY(patient_id) REFERENCES patient (id), FOREIGN KEY(encounter_id) REFERENCES
      encounter (id) ) STRICT
""",
    "CREATE INDEX notification_detected ON notification (detected_utc)",
    "CREATE INDEX notification_encounter ON notification (encounter_id)",
    """
    CREATE INDEX notification_open ON notification (due_utc) WHERE reported = 0 AND status
      <> 'voided'
""",
    "CREATE INDEX notification_patient ON notification (patient_id)",
    "CREATE INDEX certificate_day ON certificate (first_day)",
    "CREATE INDEX certificate_encounter ON certificate (encounter_id)",
    "CREATE INDEX certificate_open ON certificate (saved_utc) WHERE version = 0",
    "CREATE INDEX certificate_patient ON certificate (patient_id)",
    *_head_triggers("certificate"),
    *_head_triggers("notification"),
)
GATEWAYS: tuple[str, ...] = (
    """
    CREATE TABLE card_look_up ( row_id INTEGER NOT NULL, patient_id TEXT NOT NULL, card TEXT
      NOT NULL, asked_utc TEXT NOT NULL, asked_offset INTEGER NOT NULL, answered INTEGER NOT
      NULL, content TEXT NOT NULL, PRIMARY KEY (row_id), FOREIGN KEY(patient_id) REFERENCES
      patient (id) ) STRICT
""",
    """
    CREATE TABLE gateway_attempt ( seq INTEGER NOT NULL, gateway TEXT NOT NULL, kind TEXT
      NOT NULL, message_id TEXT NOT NULL, started_utc TEXT NOT NULL, started_offset INTEGER
      NOT NULL, ended_utc TEXT NOT NULL, ended_offset INTEGER NOT NULL, outcome TEXT NOT
      NULL, code TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (seq) ) STRICT
""",
    """
    CREATE TABLE gateway_message ( row_id INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT
      NULL, encounter_id TEXT NOT NULL, patient_id TEXT NOT NULL, record_id TEXT NOT NULL,
      version INTEGER NOT NULL, name TEXT NOT NULL, standard TEXT NOT NULL, state TEXT NOT
      NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, created_utc TEXT NOT NULL,
      created_offset INTEGER NOT NULL, signed_utc TEXT, signed_offset INTEGER, sent_utc
      TEXT, sent_offset INTEGER, answered_utc TEXT, answered_offset INTEGER, next_try_utc
      TEXT, next_try_offset INTEGER, attempts INTEGER DEFAULT 0 NOT NULL, code TEXT DEFAULT
      '' NOT NULL, receipt TEXT DEFAULT '' NOT NULL, received_at TEXT DEFAULT '' NOT NULL,
      reason TEXT DEFAULT '' NOT NULL, faults TEXT DEFAULT '[]' NOT NULL, due_on TEXT,
      replaces TEXT DEFAULT '' NOT NULL, content BLOB NOT NULL, PRIMARY KEY (row_id), UNIQUE
      (id), FOREIGN KEY(patient_id) REFERENCES patient (id) ) STRICT
""",
    "CREATE INDEX card_patient ON card_look_up (patient_id, card, asked_utc)",
    "CREATE INDEX card_waiting ON card_look_up (asked_utc) WHERE answered = 0",
    "CREATE INDEX gateway_record ON gateway_message (kind, record_id)",
    "CREATE INDEX gateway_receipt ON gateway_message (receipt) WHERE receipt <> ''",
    "CREATE INDEX gateway_state ON gateway_message (state)",
    "CREATE INDEX gateway_visit ON gateway_message (encounter_id)",
    """CREATE TRIGGER gateway_message_insert BEFORE INSERT ON gateway_message BEGIN
  SELECT RAISE(ABORT, 'gateway_message: id already used')
    WHERE EXISTS (SELECT 1 FROM gateway_message WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'gateway_message: begins as a draft or signed')
    WHERE NEW.state NOT IN ('draft', 'signed') OR length(NEW.sha256) <> 64;
END""",
    """CREATE TRIGGER gateway_message_update BEFORE UPDATE ON gateway_message BEGIN
  SELECT RAISE(ABORT, 'gateway_message: what it is never changes')
    WHERE NEW.row_id <> OLD.row_id OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind
      OR NEW.patient_id <> OLD.patient_id OR NEW.encounter_id <> OLD.encounter_id
      OR NEW.record_id <> OLD.record_id OR NEW.version <> OLD.version OR NEW.name <> OLD.name;
  SELECT RAISE(ABORT, 'gateway_message: signed bytes never change')
    WHERE OLD.state <> 'draft' AND (NEW.content <> OLD.content OR NEW.sha256 <> OLD.sha256);
  SELECT RAISE(ABORT, 'gateway_message: states follow one another')
    WHERE NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN (
      'draft>signed', 'draft>withdrawn', 'signed>withdrawn', 'signed>sent', 'sent>signed',
      'sent>accepted', 'sent>refused', 'sent>unknown', 'unknown>signed', 'unknown>accepted',
      'unknown>refused', 'unknown>withdrawn', 'refused>signed', 'refused>withdrawn');
END""",
    """CREATE TRIGGER gateway_message_delete BEFORE DELETE ON gateway_message BEGIN
  SELECT RAISE(ABORT, 'gateway_message: never deleted');
END""",
    """CREATE TRIGGER gateway_attempt_update BEFORE UPDATE ON gateway_attempt BEGIN
  SELECT RAISE(ABORT, 'gateway_attempt: written once');
END""",
    """CREATE TRIGGER gateway_attempt_delete BEFORE DELETE ON gateway_attempt BEGIN
  SELECT RAISE(ABORT, 'gateway_attempt: never deleted');
END""",
    """CREATE TRIGGER card_look_up_update BEFORE UPDATE ON card_look_up BEGIN
  SELECT RAISE(ABORT, 'card_look_up: written once');
END""",
    """CREATE TRIGGER card_look_up_delete BEFORE DELETE ON card_look_up BEGIN
  SELECT RAISE(ABORT, 'card_look_up: never deleted');
END""",
)
REGISTERS: tuple[str, ...] = (
    """
    CREATE TABLE register_closing ( row_id INTEGER NOT NULL, id TEXT NOT NULL, month TEXT NOT
      NULL, times INTEGER NOT NULL, closed_utc TEXT NOT NULL, closed_offset INTEGER NOT NULL,
      user_id TEXT NOT NULL, user_name TEXT NOT NULL, method TEXT NOT NULL, lines INTEGER NOT
      NULL, unsigned INTEGER NOT NULL, marks INTEGER NOT NULL, content_sha256 TEXT NOT NULL,
      content BLOB NOT NULL, PRIMARY KEY (row_id), UNIQUE (month, times), UNIQUE (id) ) STRICT
""",
    """
    CREATE TABLE register_reopening ( row_id INTEGER NOT NULL, closing_id TEXT NOT NULL, at_utc
      TEXT NOT NULL, at_offset INTEGER NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,
      reason TEXT NOT NULL, PRIMARY KEY (row_id), UNIQUE (closing_id) ) STRICT
""",
    """CREATE TRIGGER register_closing_insert BEFORE INSERT ON register_closing BEGIN
  SELECT RAISE(ABORT, 'register_closing: closings of a month follow one another')
    WHERE NEW.times <> 1 + (SELECT count(*) FROM register_closing WHERE month = NEW.month)
      OR EXISTS (SELECT 1 FROM register_closing WHERE id = NEW.id OR row_id = NEW.row_id);
  SELECT RAISE(ABORT, 'register_closing: the month is closed')
    WHERE EXISTS (SELECT 1 FROM register_closing AS c WHERE c.month = NEW.month
      AND NOT EXISTS (SELECT 1 FROM register_reopening AS o WHERE o.closing_id = c.id));
  SELECT RAISE(ABORT, 'register_closing: known by its hash')
    WHERE length(NEW.content_sha256) <> 64 OR NEW.content_sha256 GLOB '*[^0-9a-f]*';
END""",
    """CREATE TRIGGER register_reopening_insert BEFORE INSERT ON register_reopening BEGIN
  SELECT RAISE(ABORT, 'register_reopening: opened once, with a reason')
    WHERE trim(NEW.reason) = ''
      OR NOT EXISTS (SELECT 1 FROM register_closing WHERE id = NEW.closing_id)
      OR EXISTS (SELECT 1 FROM register_reopening
        WHERE closing_id = NEW.closing_id OR row_id = NEW.row_id);
END""",
    """CREATE TRIGGER register_closing_update BEFORE UPDATE ON register_closing BEGIN
  SELECT RAISE(ABORT, 'register_closing: written once');
END""",
    """CREATE TRIGGER register_closing_delete BEFORE DELETE ON register_closing BEGIN
  SELECT RAISE(ABORT, 'register_closing: never deleted');
END""",
    """CREATE TRIGGER register_reopening_update BEFORE UPDATE ON register_reopening BEGIN
  SELECT RAISE(ABORT, 'register_reopening: written once');
END""",
    """CREATE TRIGGER register_reopening_delete BEFORE DELETE ON register_reopening BEGIN
  SELECT RAISE(ABORT, 'register_reopening: never deleted');
END""",
)
FOREIGN: tuple[str, ...] = (
    """
    CREATE TABLE foreign_visit ( row_id INTEGER NOT NULL, id TEXT NOT NULL, patient_id TEXT NOT
      NULL, facility_code TEXT NOT NULL, link_code TEXT NOT NULL, arrived_utc TEXT NOT NULL,
      content TEXT NOT NULL, original BLOB NOT NULL, PRIMARY KEY (row_id), UNIQUE
      (facility_code, link_code), UNIQUE (id), FOREIGN KEY(patient_id) REFERENCES patient (id) )
      STRICT
""",
    "CREATE INDEX foreign_visit_patient ON foreign_visit (patient_id)",
    """CREATE TRIGGER foreign_visit_update BEFORE UPDATE ON foreign_visit BEGIN
  SELECT RAISE(ABORT, 'foreign_visit: written once');
END""",
    """CREATE TRIGGER foreign_visit_delete BEFORE DELETE ON foreign_visit BEGIN
  SELECT RAISE(ABORT, 'foreign_visit: never deleted');
END""",
)
BACKUP: tuple[str, ...] = ()


def upgrade() -> None:
    connection = op.get_bind()
    parts = (SIGNATURES, AUDIT, VERSIONS, PEOPLE, PRIVACY, FORMS, REGISTERS, FOREIGN, BACKUP)
    for statement in (one for part in (*parts, STATION_RIGHTS) for one in part):
        connection.exec_driver_sql(statement)
    for statement in GATEWAYS:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("PRAGMA user_version = 3")


def downgrade() -> None:
    raise NotImplementedError("a record is never turned back into an older shape")
