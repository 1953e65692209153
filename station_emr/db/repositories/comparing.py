"""The newest signed version of every record, to hold two databases against each other."""

from __future__ import annotations

from sqlalchemy import Connection

from station_emr.db.codec import moment
from station_emr.db.statements import text
from station_emr.domain.record import RecordKind
from station_emr.services.restore_preview import NewestVersion

# SQLite takes the other columns from the row that has the maximum.
_NEWEST = """
SELECT record_id, max(version), content_sha256, at_utc, at_offset
FROM record_version WHERE kind = :kind GROUP BY record_id
"""


class ComparisonRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self, kind: RecordKind) -> dict[str, NewestVersion]:
        rows = self._connection.execute(text(_NEWEST), {"kind": kind.value})
        return {row[0]: NewestVersion(sha256=row[2], at=moment(row[3], row[4])) for row in rows}
