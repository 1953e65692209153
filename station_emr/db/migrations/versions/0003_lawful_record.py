"""A lawful record: signatures, anchors of the audit, grants of access, consents.

Frozen: raw SQL, nothing of the program is imported. A test compares it with a fresh database.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SIGNATURES: tuple[str, ...] = ()
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
PEOPLE: tuple[str, ...] = ()
PRIVACY: tuple[str, ...] = ()
BACKUP: tuple[str, ...] = ()


def upgrade() -> None:
    connection = op.get_bind()
    for statement in (*SIGNATURES, *AUDIT, *PEOPLE, *PRIVACY, *BACKUP):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("PRAGMA user_version = 3")


def downgrade() -> None:
    raise NotImplementedError("a record is never turned back into an older shape")
