"""Bills: papers of a visit, with their sums beside them for lists and reports."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from station_emr.db.codec import moment
from station_emr.db.models import BillHead
from station_emr.db.statements import text
from station_emr.domain.billing import Bill
from station_emr.domain.identity import BirthDate
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.services.billing_ports import BillRow, BillSums
from station_emr.services.ports import Stored

from .papers import PaperRepository

_STANDS: Final = "version > 0 AND status <> 'voided' AND closed_on BETWEEN :since AND :until"
_BETWEEN: Final = text(f"SELECT id FROM bill WHERE {_STANDS} ORDER BY closed_on, row_id")  # noqa: S608  # fixed words
_SUMS: Final = text(
    "SELECT count(*) AS many, coalesce(sum(amount), 0) AS amount, coalesce(sum(fund), 0) AS fund, "  # noqa: S608  # fixed words
    "coalesce(sum(copay), 0) AS copay, coalesce(sum(self_pay), 0) AS self_pay, "
    f"coalesce(sum(other), 0) AS other FROM bill WHERE {_STANDS}"
)
_ROWS: Final = text(
    "SELECT e.id, e.arrived_utc, e.arrived_offset, e.status AS visit_status, e.practitioner, "
    "p.id AS shown_id, p.full_name, p.birth, p.sex, b.id AS bill_id, b.number, b.card, "
    "b.status, b.amount, b.fund, b.copay + b.self_pay AS patient_pays "
    "FROM (SELECT * FROM encounter WHERE day BETWEEN :since AND :until "
    "  AND status <> 'voided' ORDER BY arrived_utc DESC, row_id DESC LIMIT :limit) AS e "
    "LEFT JOIN patient_identity AS i ON i.patient_id = e.patient_id "
    "JOIN patient AS p ON p.id = coalesce(i.survivor_id, e.patient_id) "
    "LEFT JOIN bill AS b ON b.row_id = (SELECT x.row_id FROM bill AS x "
    "  WHERE x.encounter_id = e.id ORDER BY x.status = 'voided', x.row_id DESC LIMIT 1) "
    "ORDER BY e.arrived_utc DESC, e.row_id DESC"
)
_NAMED: Final = text(
    "SELECT id FROM bill WHERE number = :name OR id = :name OR encounter_id = :name "
    "ORDER BY status = 'voided', row_id DESC LIMIT 1"
)
_CENTS: Final = 100
_MOST: Final = 2**62  # what a draft may hold is not judged, what SQLite can hold is


class BillRepository(PaperRepository[Bill]):
    kind = RecordKind.BILL
    head = BillHead
    record_type = Bill

    def columns(self, record: Bill) -> dict[str, Any]:
        sums = record.totals
        return {
            "patient_id": record.patient_id,
            "encounter_id": record.encounter_id,
            "number": record.number,
            "card": record.coverage.number if record.coverage else "",
            "closed_on": record.closed_at.date().isoformat() if record.closed_at else None,
            "amount": _cents(sums.t_tongchi_bv),
            "fund": _cents(sums.t_bhtt),
            "copay": _cents(sums.t_bncct),
            "self_pay": _cents(sums.t_bntt),
            "other": _cents(sums.t_nguonkhac),
        }

    def rows(self, since: date, until: date, limit: int) -> tuple[BillRow, ...]:
        rows = self._connection.execute(_ROWS, {**_days(since, until), "limit": limit})
        return tuple(
            BillRow(
                encounter_id=row.id,
                patient_id=row.shown_id,
                full_name=row.full_name,
                birth=BirthDate.from_iso(row.birth),
                sex=Sex(row.sex),
                arrived_at=moment(row.arrived_utc, row.arrived_offset),
                visit_status=RecordStatus(row.visit_status),
                practitioner=row.practitioner,
                bill_id=row.bill_id or "",
                number=row.number or "",
                card=row.card or "",
                status=RecordStatus(row.status) if row.status else None,
                amount=_amount(row.amount or 0),
                fund=_amount(row.fund or 0),
                patient_pays=_amount(row.patient_pays or 0),
            )
            for row in rows
        )

    def named(self, name: str) -> str | None:
        found: str | None = self._connection.execute(_NAMED, {"name": name}).scalar_one_or_none()
        return found

    def between(self, since: date, until: date) -> tuple[Stored[Bill], ...]:
        found = self._connection.execute(_BETWEEN, _days(since, until)).scalars()
        return tuple(self.get(one) for one in found)

    def sums(self, since: date, until: date) -> BillSums:
        row = self._connection.execute(_SUMS, _days(since, until)).one()
        return BillSums(
            count=row.many,
            amount=_amount(row.amount),
            fund=_amount(row.fund),
            copay=_amount(row.copay),
            self_pay=_amount(row.self_pay),
            other=_amount(row.other),
        )


def _days(since: date, until: date) -> dict[str, str]:
    return {"since": since.isoformat(), "until": until.isoformat()}


def _cents(amount: Decimal) -> int:
    return max(-_MOST, min(int(amount * _CENTS), _MOST))


def _amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
