"""Visits at other facilities, as files told of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from station_emr.db.codec import decode, encode, utc_text
from station_emr.db.models import ForeignVisitRow, table_of
from station_emr.db.statements import text
from station_emr.domain.errors import NotFound
from station_emr.domain.foreign_visit import ForeignVisit

_OF_PATIENT: Final = text(
    "SELECT content FROM foreign_visit WHERE patient_id IN "
    "(SELECT patient_id FROM patient_identity WHERE survivor_id = coalesce("
    "(SELECT survivor_id FROM patient_identity WHERE patient_id = :patient), :patient) "
    "UNION SELECT :patient) ORDER BY arrived_utc DESC, row_id DESC"
)
_KNOWN: Final = text(
    "SELECT 1 FROM foreign_visit WHERE facility_code = :facility AND link_code = :link"
)
_ORIGINAL: Final = text("SELECT original FROM foreign_visit WHERE id = :id")


class ForeignVisitRepository:
    """Implements :class:`station_emr.services.foreign_visit_ports.ForeignVisitStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, visit: ForeignVisit, original: bytes) -> None:
        self._connection.execute(
            insert(table_of(ForeignVisitRow)).values(
                id=visit.id,
                patient_id=visit.patient_id,
                facility_code=visit.facility_code,
                link_code=visit.link_code,
                arrived_utc=utc_text(visit.arrived_at),
                content=encode(visit),
                original=original,
            )
        )

    def knows(self, facility_code: str, link_code: str) -> bool:
        found = self._connection.execute(_KNOWN, {"facility": facility_code, "link": link_code})
        return found.first() is not None

    def of_patient(self, patient_id: str) -> tuple[ForeignVisit, ...]:
        rows = self._connection.execute(_OF_PATIENT, {"patient": patient_id}).scalars()
        return tuple(decode(one, ForeignVisit) for one in rows)

    def original(self, visit_id: str) -> bytes:
        found = self._connection.execute(_ORIGINAL, {"id": visit_id}).scalar()
        if found is None:
            raise NotFound("Không thấy tệp của lượt khám này trên máy.")
        return bytes(found)
