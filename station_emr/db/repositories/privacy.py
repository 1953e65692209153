"""Consents, what people ask of their own record, leaks; which visits are restricted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam

from station_emr.db.codec import decode, utc_text
from station_emr.db.models import BreachHead, ConsentHead, RequestHead
from station_emr.db.statements import text
from station_emr.domain.consent import Consent
from station_emr.domain.privacy_request import DataBreach, PrivacyRequest
from station_emr.domain.record import RecordKind
from station_emr.services.ports import Stored
from station_emr.services.privacy_ports import VisitFacts

from .records import RecordRepository

_OF_PATIENT: Final = text(
    "SELECT id FROM consent WHERE version > 0 AND status <> 'voided' AND patient_id IN "
    "(SELECT patient_id FROM patient_identity WHERE survivor_id = coalesce("
    "(SELECT survivor_id FROM patient_identity WHERE patient_id = :patient), :patient) "
    "UNION SELECT :patient) ORDER BY row_id DESC"
)
_UNANSWERED: Final = text(
    "SELECT id FROM consent WHERE version > 0 AND status <> 'voided' AND withdrawn = 1 "
    "AND answered = 0 ORDER BY row_id"
)
# What an amendment took back stays readable in the earlier version, so every version counts.
_VISITS: Final = text(
    "SELECT e.id, e.patient_id, e.version, e.diagnoses, (SELECT group_concat(DISTINCT v.author_id) "
    "FROM record_version AS v WHERE v.kind = 'encounter' AND v.record_id = e.id) AS authors, "
    "(SELECT group_concat(d.value ->> 'icd_code') FROM record_version AS v, "
    "json_each(v.content, '$.diagnoses') AS d "
    "WHERE v.kind = 'encounter' AND v.record_id = e.id) AS written "
    "FROM encounter AS e WHERE e.id IN :ids"
).bindparams(bindparam("ids", expanding=True))
_VISIT_OF: Final = {
    RecordKind.PRESCRIPTION: text("SELECT encounter_id FROM prescription WHERE id = :id"),
    RecordKind.REFERRAL: text("SELECT encounter_id FROM referral WHERE id = :id"),
    RecordKind.APPOINTMENT: text("SELECT encounter_id FROM appointment WHERE id = :id"),
    RecordKind.CERTIFICATE: text("SELECT encounter_id FROM certificate WHERE id = :id"),
    RecordKind.NOTIFICATION: text("SELECT encounter_id FROM notification WHERE id = :id"),
    RecordKind.BILL: text("SELECT encounter_id FROM bill WHERE id = :id"),
    RecordKind.FEEDBACK: text(
        "SELECT r.encounter_id FROM feedback AS f JOIN referral AS r ON r.id = f.referral_id "
        "WHERE f.id = :id"
    ),
}
_EVERY_REQUEST: Final = text(
    "SELECT id FROM request WHERE version > 0 AND status <> 'voided' "
    "ORDER BY received_utc DESC, id DESC"
)
_REQUESTS_OF: Final = text(
    "SELECT id FROM request WHERE version > 0 AND status <> 'voided' AND patient_id IN "
    "(SELECT patient_id FROM patient_identity WHERE survivor_id = coalesce("
    "(SELECT survivor_id FROM patient_identity WHERE patient_id = :patient), :patient) "
    "UNION SELECT :patient) ORDER BY received_utc DESC, id DESC"
)
_EVERY_BREACH: Final = text(
    "SELECT id FROM breach WHERE version > 0 AND status <> 'voided' "
    "ORDER BY noticed_utc DESC, id DESC"
)


class ConsentRepository(RecordRepository[Consent]):
    kind = RecordKind.CONSENT
    head = ConsentHead
    record_type = Consent

    def columns(self, record: Consent) -> dict[str, Any]:
        return {
            "patient_id": record.patient_id,
            "purpose": record.purpose,
            "withdrawn": int(record.withdrawn_at is not None),
            "answered": int(record.answered_at is not None),
        }

    def patient_of(self, record: Consent) -> str:
        return record.patient_id

    def of_patient(self, patient_id: str) -> tuple[Stored[Consent], ...]:
        rows = self._connection.execute(_OF_PATIENT, {"patient": patient_id}).scalars()
        return tuple(self.get(one) for one in rows)

    def unanswered(self) -> tuple[Stored[Consent], ...]:
        return tuple(self.get(one) for one in self._connection.execute(_UNANSWERED).scalars())


class RequestRepository(RecordRepository[PrivacyRequest]):
    kind = RecordKind.REQUEST
    head = RequestHead
    record_type = PrivacyRequest

    def columns(self, record: PrivacyRequest) -> dict[str, Any]:
        return {
            "patient_id": record.patient_id,
            "state": record.state.value,
            "received_utc": utc_text(record.received_at),
        }

    def patient_of(self, record: PrivacyRequest) -> str:
        return record.patient_id

    def every(self) -> tuple[Stored[PrivacyRequest], ...]:
        return tuple(self.get(one) for one in self._connection.execute(_EVERY_REQUEST).scalars())

    def of_patient(self, patient_id: str) -> tuple[Stored[PrivacyRequest], ...]:
        rows = self._connection.execute(_REQUESTS_OF, {"patient": patient_id}).scalars()
        return tuple(self.get(one) for one in rows)


class BreachRepository(RecordRepository[DataBreach]):
    kind = RecordKind.BREACH
    head = BreachHead
    record_type = DataBreach

    def columns(self, record: DataBreach) -> dict[str, Any]:
        return {
            "noticed_utc": utc_text(record.noticed_at),
            "reported": int(record.reported_at is not None),
        }

    def patient_of(self, record: DataBreach) -> str:
        del record  # a leak is the station's, whoever's data it was
        return ""

    def every(self) -> tuple[Stored[DataBreach], ...]:
        return tuple(self.get(one) for one in self._connection.execute(_EVERY_BREACH).scalars())


class PrivacyRepository:
    """Which visits are restricted."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def visits(self, encounter_ids: Collection[str]) -> Mapping[str, VisitFacts]:
        rows = self._connection.execute(_VISITS, {"ids": list(encounter_ids)})
        return {
            row.id: VisitFacts(
                patient_id=row.patient_id,
                signed=row.version > 0,
                codes=tuple(
                    {one.split(" ", 1)[0] for one in decode(row.diagnoses, tuple[str, ...])}
                    | set((row.written or "").split(","))
                ),
                authors=frozenset((row.authors or "").split(",")) - {""},
            )
            for row in rows
        }

    def visit_of(self, kind: RecordKind, record_id: str) -> str:
        if kind is RecordKind.ENCOUNTER:
            return record_id
        found = _VISIT_OF.get(kind)
        if found is None:
            return ""
        return str(self._connection.execute(found, {"id": record_id}).scalar() or "")
