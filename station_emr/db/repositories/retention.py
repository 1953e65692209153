"""Signed visits by the year they ended in, with what their time of keeping depends on."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection

from station_emr.db.statements import text
from station_emr.services.retention import EndedVisit

# The codes lead the labels that the queue shows; the outcome stands in the signed content alone.
_ENDED = """
SELECT substr(coalesce(e.ended_utc, e.day), 1, 4), e.diagnoses,
  coalesce(json_extract(v.content, '$.result'), ''),
  (SELECT count(*) FROM prescription WHERE encounter_id = e.id AND version > 0)
  + (SELECT count(*) FROM referral WHERE encounter_id = e.id AND version > 0)
  + (SELECT count(*) FROM appointment WHERE encounter_id = e.id AND version > 0)
FROM encounter AS e
JOIN record_version AS v
  ON v.kind = 'encounter' AND v.record_id = e.id AND v.version = e.version
WHERE e.version > 0
"""


class RetentionRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ended_visits(self) -> Iterator[EndedVisit]:
        for year, labels, result, papers in self._connection.execute(text(_ENDED)):
            yield EndedVisit(
                year=int(year),
                codes=tuple(label.partition(" ")[0] for label in json.loads(labels)),
                result=result,
                papers=papers,
            )
