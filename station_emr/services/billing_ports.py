"""What bills need of the store and of the files that decisions fill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from station_emr.domain.billing import Bill
from station_emr.domain.birth import BirthDate
from station_emr.domain.record import RecordStatus, Sex

from .record_ports import PaperStore, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRow:
    """One visit in the list of bills; ``bill_id`` is empty while nobody has begun one."""

    encounter_id: str
    patient_id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    arrived_at: datetime
    visit_status: RecordStatus
    practitioner: str = ""
    bill_id: str = ""
    number: str = ""
    card: str = ""
    status: RecordStatus | None = None
    amount: Decimal = Decimal(0)
    fund: Decimal = Decimal(0)
    patient_pays: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSums:
    """What a period's closed bills add up to."""

    count: int
    amount: Decimal
    fund: Decimal
    copay: Decimal
    self_pay: Decimal
    other: Decimal


class BillStore(PaperStore[Bill], Protocol):
    def rows(self, since: date, until: date, limit: int) -> tuple[BillRow, ...]:
        """Visits of these days with their bill, the last arrival first."""

    def named(self, name: str) -> str | None:
        """The id of the bill with this number, this id or of this visit; the one that counts."""

    def between(self, since: date, until: date) -> tuple[Stored[Bill], ...]:
        """Bills closed on these days that stand."""

    def sums(self, since: date, until: date) -> BillSums: ...
