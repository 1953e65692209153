"""Notices of infectious diseases, and the visits that still need one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from station_emr.db.codec import decode, moment, utc_text
from station_emr.db.models import NotificationHead
from station_emr.db.statements import text
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.record import RecordKind
from station_emr.services.form_ports import CodedVisit
from station_emr.services.ports import Stored

from .papers import PaperRepository

_SINCE: Final = text(
    "SELECT id FROM notification WHERE status <> 'voided' "
    "AND (reported = 0 OR detected_utc IS NULL OR detected_utc >= :since) "
    "ORDER BY detected_utc DESC, row_id DESC"
)
_OPEN: Final = text(
    "SELECT id FROM notification WHERE reported = 0 AND status <> 'voided' ORDER BY due_utc, row_id"
)
_OF_VISIT: Final = text(
    "SELECT id FROM notification WHERE encounter_id = :visit AND status <> 'voided' ORDER BY row_id"
)
# A chart that was joined to another is shown under the one that is kept.
_CODED: Final = text(
    "SELECT e.id, p.id AS patient_id, p.full_name, e.arrived_utc, e.arrived_offset, e.diagnoses, "
    "(SELECT json_group_array(n.disease_code) FROM notification AS n WHERE n.encounter_id = e.id "
    "AND n.status <> 'voided') AS told "
    "FROM encounter AS e LEFT JOIN patient_identity AS i ON i.patient_id = e.patient_id "
    "JOIN patient AS p ON p.id = coalesce(i.survivor_id, e.patient_id) "
    "WHERE e.day >= :since AND e.status <> 'voided' AND e.diagnoses <> '[]' "
    "ORDER BY e.arrived_utc"
)


class NotificationRepository(PaperRepository[CommunicableDiseaseNotification]):
    kind = RecordKind.NOTIFICATION
    head = NotificationHead
    record_type = CommunicableDiseaseNotification

    def columns(self, record: CommunicableDiseaseNotification) -> dict[str, Any]:
        due = record.due_at
        return {
            "patient_id": record.patient_id,
            "encounter_id": record.encounter_id,
            "number": record.number,
            "disease_code": record.disease_code,
            "detected_utc": utc_text(record.detected_at) if record.detected_at else None,
            "due_utc": utc_text(due) if due else None,
            "reported": int(record.reported_at is not None),
        }

    def since(self, at: datetime) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        found = self._connection.execute(_SINCE, {"since": utc_text(at)}).scalars()
        return tuple(self.get(one) for one in found)

    def untold(self) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        return tuple(self.get(one) for one in self._connection.execute(_OPEN).scalars())

    def of_visit(self, encounter_id: str) -> tuple[Stored[CommunicableDiseaseNotification], ...]:
        found = self._connection.execute(_OF_VISIT, {"visit": encounter_id}).scalars()
        return tuple(self.get(one) for one in found)

    def coded_visits(self, since: date) -> tuple[CodedVisit, ...]:
        rows = self._connection.execute(_CODED, {"since": since.isoformat()})
        return tuple(
            CodedVisit(
                encounter_id=row.id,
                patient_id=row.patient_id,
                patient_name=row.full_name,
                arrived_at=moment(row.arrived_utc, row.arrived_offset),
                diagnoses=decode(row.diagnoses, tuple[str, ...]),
                told=frozenset(decode(row.told, tuple[str, ...])),
            )
            for row in rows
        )
