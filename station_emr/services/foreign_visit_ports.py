"""What taking over visits of other facilities needs of the store."""

from __future__ import annotations

from typing import Protocol

from station_emr.domain.foreign_visit import ForeignVisit


class ForeignVisitStore(Protocol):
    """Written once; nothing is changed or deleted."""

    def add(self, visit: ForeignVisit, original: bytes) -> None:
        """``original`` is the visit's own file."""

    def knows(self, facility_code: str, link_code: str) -> bool: ...
    def of_patient(self, patient_id: str) -> tuple[ForeignVisit, ...]:
        """Of every chart of this person, newest first."""

    def original(self, visit_id: str) -> bytes:
        """Raises NotFound."""
