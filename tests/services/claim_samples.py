"""Visits that can be claimed, at the station of these tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from station_emr.domain.patient import Address, Coverage
from station_emr.domain.record import RecordKind
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.services.claim_settings import KEY

from .visit_samples import VITALS, prescription, sign, visit

CARD = Coverage(
    number="DN4520000000001",
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    initial_facility="52000",
)
OTHER_CARD = replace(CARD, number="DN4520000000002")
HOME = Address(
    line="Làng Mẫu",
    commune_code="23563",
    commune_name="xã Mẫu",
    province_code="52",
    province_name="tỉnh Gia Lai",
)
SIGNS = replace(VITALS, weight=Decimal("58.5"))


def fill_in(station, text: str = '{"department": "K01", "head_code": "000001/MAU-GPHN"}') -> None:
    """What the director fills in once."""
    with station.store.write() as work:
        work.settings.put(KEY, text)


def seen(station, *, vitals=SIGNS, signed: bool = True, icd: str = "", card: Coverage = CARD):
    """A visit with a prescription, signed; nobody has made its bill yet."""
    fill_in(station)
    person = station.register(coverages=(card,), address=HOME)
    encounter = visit(station, person, vitals)
    if icd:
        one = replace(encounter.diagnoses[0], icd_code=icd, title="Bệnh mẫu")
        encounter = replace(encounter, diagnoses=(one,))
    encounter = replace(encounter, treatment="Điều trị nội khoa")
    station.services.encounters.save_draft(station.doctor, encounter)
    if signed:
        sign(station, encounter, prescription=prescription(station, encounter))
    return encounter


def billed(station, **changes):
    """The same with a closed bill: ready to be claimed."""
    encounter = seen(station, **changes)
    close_bill(station, encounter)
    return encounter


def close_bill(station, encounter) -> str:
    billing = station.services.billing
    bill = billing.prepare(station.doctor, encounter.id)
    return billing.sign(station.doctor, bill).id_of(RecordKind.BILL)


def elsewhere(station, encounter, **changes: str) -> bytes:
    """A file as another facility would have written it of the same person."""
    claim = station.services.claims.preview(station.doctor, encounter.id).claim
    link = changes.pop("MA_LK", "khac-0001")
    facility = changes.get("MA_CSKCB", "52099")
    names = {"XML1": {"MA_CSKCB": facility, **changes}}
    tables = {
        name: tuple(dict(row) | {"MA_LK": link} | names.get(name, {}) for row in rows)
        for name, rows in claim.tables.items()
    }
    return InsuranceFormat().write(
        replace(claim, facility_code=facility, tables=MappingProxyType(tables))
    )
