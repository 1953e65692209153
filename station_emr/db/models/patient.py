"""What the patient search shows without opening the record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import STRICT, Base, Head


class PatientHead(Head):
    __tablename__ = "patient"

    full_name: Mapped[str]
    folded_name: Mapped[str]
    birth: Mapped[str]
    birth_year: Mapped[int]
    sex: Mapped[str]
    address_line: Mapped[str]
    commune_name: Mapped[str]
    phone: Mapped[str]
    national_id: Mapped[str]
    insurance_number: Mapped[str]
    chart_number: Mapped[str]
    allergies: Mapped[str]
    chronic: Mapped[int]
    last_visit_on: Mapped[str | None]

    @classmethod
    def indexes(cls) -> tuple[Any, ...]:
        return (
            Index("patient_birth_year", "birth_year", "folded_name"),
            Index(
                "patient_last_visit",
                "last_visit_on",
                "folded_name",
                sqlite_where=text("last_visit_on IS NOT NULL"),
            ),
            Index("patient_open", "saved_utc", sqlite_where=text("version = 0")),
        )


class PatientNumber(Base):
    """Every number a person may show, so that one index answers a scan of any card."""

    __tablename__ = "patient_number"
    __table_args__ = (
        Index("patient_number_row", "patient_row"),  # a chart saved again forgets its old numbers
        {**STRICT, "sqlite_with_rowid": False},
    )

    number: Mapped[str] = mapped_column(Text, primary_key=True)
    patient_row: Mapped[int] = mapped_column(primary_key=True)
