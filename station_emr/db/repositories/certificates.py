"""Sick-leave certificates: papers of a visit."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from station_emr.db.models import CertificateHead
from station_emr.db.statements import text
from station_emr.domain.certificate import SickLeave
from station_emr.domain.record import RecordKind
from station_emr.services.ports import Stored

from .papers import PaperRepository

_BETWEEN: Final = text(
    "SELECT id FROM certificate WHERE version > 0 AND first_day BETWEEN :since AND :until "
    "ORDER BY first_day, row_id"
)


class CertificateRepository(PaperRepository[SickLeave]):
    kind = RecordKind.CERTIFICATE
    head = CertificateHead
    record_type = SickLeave

    def columns(self, record: SickLeave) -> dict[str, Any]:
        return {
            "patient_id": record.patient_id,
            "encounter_id": record.encounter_id,
            "number": record.number,
            "first_day": record.first_day.isoformat() if record.first_day else None,
            "last_day": record.last_day.isoformat() if record.last_day else None,
        }

    def between(self, since: date, until: date) -> tuple[Stored[SickLeave], ...]:
        found = self._connection.execute(
            _BETWEEN, {"since": since.isoformat(), "until": until.isoformat()}
        ).scalars()
        return tuple(self.get(one) for one in found)
