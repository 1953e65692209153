"""What hangs on a visit: prescriptions, referral letters and follow-up slips."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol, TypeVar

from sqlalchemy import select

from station_emr.db.codec import decode, encode, moment, stamp
from station_emr.db.models import AppointmentHead, PrescriptionHead, RecordVersion, ReferralHead
from station_emr.db.statements import text
from station_emr.domain.appointment import Appointment
from station_emr.domain.identity import BirthDate
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.domain.referral_feedback import FeedbackState
from station_emr.services.ports import Stored
from station_emr.services.views import ReferralRow

from .links import group_of
from .records import RecordRepository


class Paper(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def patient_id(self) -> str: ...


P = TypeVar("P", bound=Paper)


class PaperRepository(RecordRepository[P]):
    """A record written during a visit; the newest that is not voided is the one that counts."""

    def patient_of(self, record: P) -> str:
        return record.patient_id

    def of_encounter(self, encounter_id: str) -> Stored[P] | None:
        table = self.head.__table__
        row = self._connection.execute(
            select(table)
            .where(table.c.encounter_id == encounter_id)
            .order_by(table.c.status == RecordStatus.VOIDED.value, table.c.row_id.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else self._stored(row)


class PrescriptionRepository(PaperRepository[Prescription]):
    kind = RecordKind.PRESCRIPTION
    head = PrescriptionHead
    record_type = Prescription

    def columns(self, record: Prescription) -> dict[str, Any]:
        written = record.written_at or (record.signature.at if record.signature else None)
        return {
            "patient_id": record.patient_id,
            "encounter_id": record.encounter_id,
            "code": record.code,
            "written_on": written.date().isoformat() if written else "",
            "drugs": encode([line.label for line in record.lines]),
        }

    def signed_of(self, patient_id: str, since: date) -> tuple[Prescription, ...]:
        head = PrescriptionHead
        contents = self._connection.execute(
            select(RecordVersion.content)
            .join(
                head,
                (RecordVersion.record_id == head.id) & (RecordVersion.version == head.version),
            )
            .where(
                RecordVersion.kind == self.kind.value,
                head.patient_id.in_(group_of(self._connection, patient_id)),
                head.written_on >= since.isoformat(),
                head.version > 0,
                head.status != RecordStatus.VOIDED.value,
            )
            .order_by(head.written_on.desc(), head.row_id.desc())
        ).scalars()
        return tuple(decode(content, Prescription) for content in contents)


class ReferralRepository(PaperRepository[Referral]):
    kind = RecordKind.REFERRAL
    head = ReferralHead
    record_type = Referral

    def columns(self, record: Referral) -> dict[str, Any]:
        main = record.main_diagnosis
        return {
            "patient_id": record.patient_id,
            "encounter_id": record.encounter_id,
            "number": record.number,
            "to_facility": record.to_facility_name,
            "diagnosis": main.label if main else "",
            "reason": record.reason.value if record.reason else None,
            "emergency": int(record.emergency),
            **stamp("signed", record.signature.at if record.signature else None),
        }

    def rows(self, limit: int) -> tuple[ReferralRow, ...]:
        return self._rows("ORDER BY coalesce(r.signed_utc, r.saved_utc) DESC, r.row_id DESC", limit)

    def row(self, referral_id: str) -> ReferralRow | None:
        found = self._rows("WHERE r.id = :id", 1, id=referral_id)
        return found[0] if found else None

    def _rows(self, which: str, limit: int, **values: str) -> tuple[ReferralRow, ...]:
        rows = self._connection.execute(
            text(
                "SELECT r.*, p.id AS shown_id, p.full_name, p.birth, p.sex, "  # noqa: S608  constant tails only
                "coalesce(r.signed_utc, r.saved_utc) AS written_utc, "
                "coalesce(r.signed_offset, r.saved_offset) AS written_offset, "
                "EXISTS (SELECT 1 FROM print_log AS l WHERE l.kind = 'referral' "
                "  AND l.record_id = r.id) AS printed, "
                "EXISTS (SELECT 1 FROM synced_record AS s WHERE s.kind = 'referral' "
                "  AND s.record_id = r.id AND s.version = r.version) "
                "OR EXISTS (SELECT 1 FROM operation AS o WHERE o.kind = 'referral' "
                "  AND o.record_id = r.id AND o.version = r.version AND o.version > 0 "
                "  AND o.held = 1) AS sent, "
                "f.state AS answer, f.reason AS answer_reason, "
                "f.read_version < f.version AS answer_new "
                "FROM referral AS r "
                "LEFT JOIN feedback AS f ON f.id = (SELECT a.id FROM feedback AS a "
                "  WHERE a.referral_id = r.id AND a.version > 0 AND a.status <> 'voided' "
                "  ORDER BY a.saved_utc DESC, a.row_id DESC LIMIT 1) "
                "LEFT JOIN patient_identity AS i ON i.patient_id = r.patient_id "
                "JOIN patient AS p ON p.id = coalesce(i.survivor_id, r.patient_id) "
                f"{which} LIMIT :limit"
            ),
            {"limit": limit, **values},
        )
        return tuple(
            ReferralRow(
                id=row.id,
                encounter_id=row.encounter_id,
                patient_id=row.shown_id,
                full_name=row.full_name,
                birth=BirthDate.from_iso(row.birth),
                sex=Sex(row.sex),
                number=row.number,
                to_facility=row.to_facility,
                diagnosis=row.diagnosis,
                status=RecordStatus(row.status),
                written_at=moment(row.written_utc, row.written_offset),
                reason=ReferralReason(row.reason) if row.reason else None,
                printed=bool(row.printed),
                sent=bool(row.sent),
                emergency=bool(row.emergency),
                answer=FeedbackState(row.answer) if row.answer else None,
                answer_reason=row.answer_reason or "",
                answer_new=bool(row.answer_new),
            )
            for row in rows
        )


class AppointmentRepository(PaperRepository[Appointment]):
    kind = RecordKind.APPOINTMENT
    head = AppointmentHead
    record_type = Appointment

    def columns(self, record: Appointment) -> dict[str, Any]:
        return {
            "patient_id": record.patient_id,
            "encounter_id": record.encounter_id,
            "number": record.number,
            "on_day": record.on.isoformat() if record.on else None,
        }
