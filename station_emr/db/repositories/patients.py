"""People: the head the search shows, their numbers, and the full-text row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, literal_column, select

from station_emr.db.chunks import chunks
from station_emr.db.models import PatientHead, PatientNumber
from station_emr.db.search import (
    ROW_COLUMNS,
    numbers_of,
    patient_row,
    search_patients,
    search_words,
    shown_rows,
)
from station_emr.db.statements import text
from station_emr.domain.patient import Patient
from station_emr.domain.record import RecordKind
from station_emr.domain.text import fold
from station_emr.services.views import PatientRow

from .records import RecordRepository, not_found

_WORDS: Final = "INSERT INTO patient_search(rowid, words) VALUES (?, ?)"
_NUMBERS: Final = "INSERT INTO patient_number (number, patient_row) VALUES (?, ?)"
_ROW_IDS: Final = text("SELECT row_id, id FROM patient WHERE id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)


class PatientRepository(RecordRepository[Patient]):
    kind = RecordKind.PATIENT
    head = PatientHead
    record_type = Patient

    def columns(self, record: Patient) -> dict[str, Any]:
        return {
            "full_name": record.full_name,
            "folded_name": fold(record.full_name),
            "birth": record.birth.to_iso(),
            "birth_year": record.birth.year,
            "sex": record.sex.value,
            "address_line": record.address.line,
            "commune_name": record.address.commune_name,
            "phone": record.phone,
            "national_id": record.national_id,
            "insurance_number": record.coverages[-1].number if record.coverages else "",
            "chart_number": record.chart_number,
            "allergies": ", ".join(allergy.substance for allergy in record.allergies),
            "chronic": int(bool(record.conditions)),
        }

    def patient_of(self, record: Patient) -> str:
        return record.id

    def written(self, record: Patient) -> None:
        row_id = self._row_id(record.id)
        self._forget(row_id)
        self._find_by({row_id: record})

    def all_written(self, records: Sequence[Patient]) -> None:
        by_id = {record.id: record for record in records}
        rows = [
            row for ids in chunks(by_id) for row in self._connection.execute(_ROW_IDS, {"ids": ids})
        ]
        self._find_by({row.row_id: by_id[row.id] for row in rows})

    def _find_by(self, records: Mapping[int, Patient]) -> None:
        """Words and numbers of charts that the index does not hold, by their rows."""
        run = self._connection.exec_driver_sql
        run(_WORDS, [(row_id, search_words(record)) for row_id, record in records.items()])
        numbers = [
            (number, row_id) for row_id, record in records.items() for number in numbers_of(record)
        ]
        if numbers:
            run(_NUMBERS, numbers)

    def discarded(self, row: Any) -> None:
        self._forget(row.row_id)

    def _forget(self, row_id: int) -> None:
        self._connection.execute(
            text("DELETE FROM patient_search WHERE rowid = :row"), {"row": row_id}
        )
        self._connection.execute(delete(PatientNumber).where(PatientNumber.patient_row == row_id))

    def _row_id(self, patient_id: str) -> int:
        row_id: int = self._connection.execute(
            select(PatientHead.row_id).where(PatientHead.id == patient_id)
        ).scalar_one()
        return row_id

    # searching

    def search(self, text: str, limit: int) -> tuple[PatientRow, ...]:
        return search_patients(self._connection, text, limit)

    def by_number(self, number: str) -> tuple[PatientRow, ...]:
        wanted = fold(number).replace(" ", "")
        if not wanted:
            return ()
        rows = self._connection.execute(
            select(PatientHead.row_id)
            .join(PatientNumber, PatientNumber.patient_row == PatientHead.row_id)
            .where(PatientNumber.number == wanted)
            .order_by(PatientHead.row_id)
        ).scalars()
        return shown_rows(self._connection, rows.all(), None)

    def same_birth_year(
        self, year: int, folded_last_word: str, limit: int
    ) -> tuple[PatientRow, ...]:
        padded: Any = literal_column("' ' || patient.folded_name || ' '")
        rows = self._connection.execute(
            select(PatientHead.row_id)
            .where(
                PatientHead.birth_year.between(year - 1, year + 1),
                func.instr(padded, f" {folded_last_word} ") > 0,
            )
            .order_by(func.abs(PatientHead.birth_year - year), PatientHead.row_id.desc())
            .limit(limit)
        ).scalars()
        return shown_rows(self._connection, rows.all(), limit)

    def row(self, patient_id: str) -> PatientRow:
        """The chart itself, also when lists show another one for it."""
        row = self._connection.execute(
            select(*ROW_COLUMNS).where(PatientHead.id == patient_id)
        ).one_or_none()
        if row is None:
            raise not_found(self.kind)
        return patient_row(row)

    def written_between(self, after: int, before: int, limit: int) -> tuple[tuple[int, str], ...]:
        rows = self._connection.execute(
            text(
                "SELECT seq, record_id FROM record_version INDEXED BY version_patient "
                "WHERE kind = 'patient' AND seq > :after AND seq < :before "
                "ORDER BY seq DESC LIMIT :limit"
            ),
            {"after": after, "before": before, "limit": limit},
        )
        return tuple((row.seq, row.record_id) for row in rows)
