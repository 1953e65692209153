"""Numbers over the whole record for the station's file; no line of it leaves the database."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from station_emr.db.codec import utc_text
from station_emr.db.statements import text
from station_emr.services.dossier_ports import RecordFigures

_FIGURES: Final = """
SELECT
  (SELECT count(*) FROM patient WHERE national_id = ''),
  (SELECT count(*) FROM (
     SELECT national_id FROM patient WHERE national_id <> '' AND status <> 'voided'
     GROUP BY national_id HAVING count(*) > 1
  )),
  (SELECT count(*) FROM encounter WHERE version > 0),
  (SELECT count(*) FROM encounter WHERE version = 0),
  (SELECT count(*) FROM encounter WHERE version = 0 AND arrived_utc < :older),
  (SELECT count(*) FROM signed_document)
"""


class FigureRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, older_than: datetime) -> RecordFigures:
        """Visits that were begun before ``older_than`` and are not signed are the late ones."""
        found = self._connection.execute(text(_FIGURES), {"older": utc_text(older_than)}).one()
        return RecordFigures(
            without_identity=found[0],
            shared_identity=found[1],
            signed_visits=found[2],
            open_visits=found[3],
            late_visits=found[4],
            signed_files=found[5],
        )
