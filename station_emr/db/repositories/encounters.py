"""Visits: the queue, the timeline and the trend are answered from the heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import bindparam, update

from station_emr.db.codec import decode, encode, maybe_moment, moment, stamp
from station_emr.db.models import EncounterHead
from station_emr.db.statements import text
from station_emr.domain.encounter import Encounter, Priority, Stage
from station_emr.domain.identity import BirthDate
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.domain.text import fold
from station_emr.domain.vitals import VitalSigns
from station_emr.services.views import QueueRow, VisitRow, VitalPoint

from .links import group_of, note_last_visit, note_last_visits
from .records import RecordRepository, not_found

# The paper of a visit that counts: not voided before voided, the newest first.
_PAPER: Final = (
    "(SELECT x.row_id FROM {table} AS x WHERE x.encounter_id = e.id "
    "ORDER BY x.status = 'voided', x.row_id DESC LIMIT 1)"
)
_RX: Final = _PAPER.format(table="prescription")
_LETTER: Final = _PAPER.format(table="referral")
_SLIP: Final = _PAPER.format(table="appointment")

_MEASURED: Final = (
    "AND b.blood_pressure <> '' AND b.status <> 'voided' AND b.arrived_utc <= e.arrived_utc "
    "ORDER BY b.arrived_utc DESC LIMIT 1"
)
# Joined charts are one person: the face of the chart that stays, the allergies of all of them.
_QUEUE: Final = f"""
SELECT e.*, p.id AS shown_id, p.full_name, p.birth, p.sex, p.address_line, p.commune_name,
  p.allergies, p.chronic,
  CASE WHEN i.survivor_id IS NULL THEN
    (SELECT b.blood_pressure FROM encounter AS b WHERE b.patient_id = e.patient_id {_MEASURED})
  ELSE
    (SELECT b.blood_pressure FROM encounter AS b WHERE b.patient_id IN
      (SELECT patient_id FROM patient_identity WHERE survivor_id = i.survivor_id) {_MEASURED})
  END AS last_blood_pressure,
  CASE WHEN i.survivor_id IS NOT NULL THEN
    (SELECT json_group_array(g.allergies) FROM patient_identity AS j
      JOIN patient AS g ON g.id = j.patient_id WHERE j.survivor_id = i.survivor_id)
  END AS joined_allergies,
  rx.status AS rx_status, json_array_length(rx.drugs) AS drug_count,
  r.to_facility, r.status AS referral_status, a.on_day, a.status AS slip_status
FROM (
  SELECT * FROM encounter WHERE day = :day
  UNION ALL
  SELECT * FROM encounter WHERE version = 0 AND day < :day
  UNION ALL
  SELECT * FROM encounter WHERE version = 0 AND day > :day
) AS e
LEFT JOIN patient_identity AS i ON i.patient_id = e.patient_id
JOIN patient AS p ON p.id = coalesce(i.survivor_id, e.patient_id)
LEFT JOIN prescription AS rx ON rx.row_id = {_RX}
LEFT JOIN referral AS r ON r.row_id = {_LETTER}
LEFT JOIN appointment AS a ON a.row_id = {_SLIP}
ORDER BY e.arrived_utc, e.row_id
"""  # noqa: S608  # fixed texts only
_TIMELINE: Final = text(
    f"""
SELECT e.id, e.arrived_utc, e.arrived_offset, e.status, e.stage, e.reason, e.diagnoses,
  e.practitioner, rx.id AS rx_id, rx.drugs, rx.status AS rx_status,
  r.id AS referral_id, r.to_facility, r.status AS referral_status,
  a.id AS slip_id, a.on_day, a.status AS slip_status
FROM (
  SELECT * FROM encounter WHERE patient_id IN :charts ORDER BY arrived_utc DESC LIMIT :limit
) AS e
LEFT JOIN prescription AS rx ON rx.row_id = {_RX}
LEFT JOIN referral AS r ON r.row_id = {_LETTER}
LEFT JOIN appointment AS a ON a.row_id = {_SLIP}
ORDER BY e.arrived_utc DESC, e.row_id DESC
"""  # noqa: S608  # fixed texts only
).bindparams(bindparam("charts", expanding=True))
_VITALS: Final = text(
    "SELECT arrived_utc, arrived_offset, vitals FROM encounter "
    "WHERE patient_id IN :charts AND status <> 'voided' AND vitals <> '[]' "
    "ORDER BY arrived_utc DESC LIMIT :limit"
).bindparams(bindparam("charts", expanding=True))
_OPEN: Final = text(
    "SELECT id FROM encounter WHERE patient_id IN :charts AND day = :day "
    "AND version = 0 ORDER BY arrived_utc DESC LIMIT 1"
).bindparams(bindparam("charts", expanding=True))
_VOIDED: Final = RecordStatus.VOIDED.value


class EncounterRepository(RecordRepository[Encounter]):
    kind = RecordKind.ENCOUNTER
    head = EncounterHead
    record_type = Encounter

    def columns(self, record: Encounter) -> dict[str, Any]:
        vitals = record.current_vitals
        return {
            "patient_id": record.patient_id,
            "day": record.arrived_at.date().isoformat(),
            **stamp("arrived", record.arrived_at),
            **stamp("started", record.started_at),
            **stamp("ended", record.ended_at),
            "stage": record.stage.value,
            "priority": record.priority.value,
            "reason": record.reason,
            "practitioner": record.practitioner.printed_name if record.practitioner else "",
            "diagnoses": encode([diagnosis.label for diagnosis in record.diagnoses]),
            "vitals": encode(record.vitals),
            "blood_pressure": _blood_pressure(vitals),
            "weight": _number(vitals.weight) if vitals else "",
        }

    def patient_of(self, record: Encounter) -> str:
        return record.patient_id

    def restore(self, record: Encounter, row: Any) -> Encounter:
        stage = Stage(row.stage)
        return record if record.stage is stage else replace(record, stage=stage)

    def written(self, record: Encounter) -> None:
        note_last_visit(self._connection, record.patient_id)

    def all_written(self, records: Sequence[Encounter]) -> None:
        note_last_visits(self._connection, (record.patient_id for record in records))

    def discarded(self, row: Any) -> None:
        note_last_visit(self._connection, row.patient_id)

    def set_stage(self, encounter_id: str, stage: Stage) -> None:
        done = self._connection.execute(
            update(EncounterHead).where(EncounterHead.id == encounter_id).values(stage=stage.value)
        )
        if done.rowcount == 0:
            raise not_found(self.kind)

    def open_of(self, patient_id: str, day: date) -> str | None:
        found: str | None = self._connection.execute(
            _OPEN, {"charts": self._charts(patient_id), "day": day.isoformat()}
        ).scalar_one_or_none()
        return found

    def _charts(self, patient_id: str) -> tuple[str, ...]:
        """A person's visits are those of every chart that was joined to this one."""
        return group_of(self._connection, patient_id)

    def queue(self, day: date) -> tuple[QueueRow, ...]:
        rows = self._connection.execute(text(_QUEUE), {"day": day.isoformat()})
        return tuple(_queue_row(row) for row in rows)

    def timeline(self, patient_id: str, limit: int) -> tuple[VisitRow, ...]:
        rows = self._connection.execute(
            _TIMELINE, {"charts": self._charts(patient_id), "limit": limit}
        )
        return tuple(_visit_row(row) for row in rows)

    def vitals_of(self, patient_id: str, limit: int) -> tuple[VitalPoint, ...]:
        rows = self._connection.execute(
            _VITALS, {"charts": self._charts(patient_id), "limit": limit}
        )
        points = [
            VitalPoint(
                at=vitals.measured_at or moment(row.arrived_utc, row.arrived_offset),
                systolic=vitals.systolic,
                diastolic=vitals.diastolic,
                weight=vitals.weight,
                height=vitals.height,
                glucose=vitals.glucose,
            )
            for row in rows
            for vitals in decode(row.vitals, tuple[VitalSigns, ...])
        ]
        return tuple(sorted(points, key=lambda point: point.at)[-limit:])


def _queue_row(row: Any) -> QueueRow:
    return QueueRow(
        encounter_id=row.id,
        patient_id=row.shown_id,
        full_name=row.full_name,
        birth=BirthDate.from_iso(row.birth),
        sex=Sex(row.sex),
        address_line=row.address_line or row.commune_name,
        stage=Stage(row.stage),
        priority=Priority(row.priority),
        status=RecordStatus(row.status),
        arrived_at=moment(row.arrived_utc, row.arrived_offset),
        started_at=maybe_moment(row.started_utc, row.started_offset),
        ended_at=maybe_moment(row.ended_utc, row.ended_offset),
        reason=row.reason,
        practitioner=row.practitioner,
        has_vitals=row.vitals != "[]",
        allergies=_allergies(row),
        chronic=bool(row.chronic),
        last_blood_pressure=row.last_blood_pressure or "",
        drug_count=row.drug_count or 0 if row.rx_status != _VOIDED else 0,
        prescription_status=RecordStatus(row.rx_status) if row.rx_status else None,
        referred_to=_unless_voided(row.to_facility, row.referral_status),
        follow_up_on=_day(_unless_voided(row.on_day, row.slip_status)),
        weight=row.weight,
    )


def _allergies(row: Any) -> str:
    """Those of the chart that is shown first, then what only a joined chart knows."""
    if row.joined_allergies is None:
        return str(row.allergies)
    joined = [row.allergies, *sorted(decode(row.joined_allergies, tuple[str, ...]))]
    named = [name for text in joined for name in text.split(", ") if name]
    return ", ".join(
        {fold(name): name for name in reversed(named)}[key]
        for key in dict.fromkeys(map(fold, named))
    )


def _visit_row(row: Any) -> VisitRow:
    drugs = _unless_voided(row.drugs, row.rx_status)
    return VisitRow(
        encounter_id=row.id,
        on=moment(row.arrived_utc, row.arrived_offset),
        status=RecordStatus(row.status),
        stage=Stage(row.stage),
        reason=row.reason,
        diagnoses=decode(row.diagnoses, tuple[str, ...]),
        drugs=decode(drugs, tuple[str, ...]) if drugs else (),
        practitioner=row.practitioner,
        referred_to=_unless_voided(row.to_facility, row.referral_status),
        referral_id=row.referral_id or "",
        prescription_id=row.rx_id or "",
        appointment_id=row.slip_id or "",
        follow_up_on=_day(_unless_voided(row.on_day, row.slip_status)),
    )


def _unless_voided(value: str | None, status: str | None) -> str:
    return value if value and status != _VOIDED else ""


def _day(value: str) -> date | None:
    return date.fromisoformat(value) if value else None


def _blood_pressure(vitals: VitalSigns | None) -> str:
    if vitals is None or vitals.systolic is None or vitals.diastolic is None:
        return ""
    return f"{vitals.systolic}/{vitals.diastolic}"


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}".replace(".", ",")
