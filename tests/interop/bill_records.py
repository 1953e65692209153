"""A bill with something in most fields."""

from __future__ import annotations

from decimal import Decimal

from station_emr.domain.billing import Bill, BillItem, Help, ItemKind, Sources
from station_emr.domain.patient import Coverage
from tests.interop import fhir_records as sample

CARD = Coverage(number="DN4520000000001", valid_from=sample.AT.date())
BILL = Bill(
    id=sample.made_id(15),
    patient_id=sample.PATIENT_ID,
    encounter_id=sample.ENCOUNTER.id,
    number="A-0001/2026/BK",
    coverage=CARD,
    more_coverages=(Coverage(number="GD4520000000002"),),
    items=(
        BillItem(
            kind=ItemKind.SERVICE,
            code="VD.KHAM",
            name="Khám bệnh",
            unit="lần",
            group="13",
            price=Decimal("30000.500"),
            insured_price=Decimal(30000),
            ordered_at=sample.AT,
            ordered_by="000001/XX-CCHN",
            procedure=0,
        ),
        BillItem(
            kind=ItemKind.DRUG,
            code="40.491",
            name="Amlodipin 5 mg",
            unit="viên",
            group="4",
            quantity=Decimal("28.5"),
            price=Decimal("312.125"),
            insured_price=Decimal("312.125"),
            insured_ratio=50,
            benefit=Decimal("47.5"),
            sources=Sources(vttn=Decimal("100.25")),
            help=Help.FACILITY,
            card="GD4520000000002",
            tender="0/QĐ-DEMO;G1;N4;2026",
            registration="VD-00001-DEMO",
            prescription_line=0,
        ),
    ),
    visit_number="A-0001",
    care_kind="07",
    visit_object="10",
    arrived_at=sample.AT,
    diagnoses=sample.ENCOUNTER.diagnoses,
    closed_at=sample.AT,
    station=sample.STATION,
)
