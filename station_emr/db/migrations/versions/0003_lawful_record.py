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
AUDIT: tuple[str, ...] = ()
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
