"""The rules behind single elements: days, ends, staff, doses, vital signs, cards, dates of decisions."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.claim_source import ClaimSource
from station_emr.domain.patient import Coverage
from station_emr.domain.record import PractitionerSnapshot
from station_emr.domain.vitals import VitalSigns
from station_emr.interop.bhyt.rows import record_claim
from station_emr.interop.bhyt.rows.care import vitals_text
from station_emr.interop.bhyt.rows.costs import dose_text
from station_emr.interop.bhyt.schema import VERSIONS, schema, version_on
from station_emr.interop.bhyt.values import birth_text, minute_text, number_text, plain
from station_emr.services.claim_settings import ClaimSettings
from tests.interop.bhyt.claim_visits import (
    CARD,
    DOCTOR,
    NURSE,
    at,
    bill,
    kept_and_referred,
    kept_visit,
    options,
    outpatient,
    prescription,
    visit,
)


def summary(source: ClaimSource) -> Any:
    return record_claim(source).summary


@pytest.mark.parametrize(
    ("kind", "days", "left"),
    [
        ("01", "0", "202611130915"),
        ("02", "6", "202611172359"),
        ("03", "2", "202611130915"),
        ("04", "2", "202611130915"),
        ("05", "5", "202611172359"),
        ("06", "2", "202611130915"),
        ("07", "0", "202611172359"),
        ("08", "1", "202611130915"),
        ("09", "0", "202611130915"),
        ("10", "0", "202611130915"),
    ],
)
def test_days_and_end_follow_the_kind_of_care(kind: str, days: str, left: str) -> None:
    """Five days of medicine from the 13th end on the 17th, a minute before midnight."""
    row = summary(kept_and_referred(encounter=kept_visit(care_kind=kind)))
    assert (row["SO_NGAY_DTRI"], row["NGAY_RA"]) == (days, left)


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("01", set()),
        ("02", {"XML5"}),
        ("03", {"XML5", "XML7", "XML8"}),
        ("04", {"XML5", "XML7", "XML8"}),
        ("05", {"XML5"}),
        ("06", {"XML5", "XML8"}),
        ("07", set()),
        ("08", {"XML5"}),
        ("09", {"XML5"}),
    ],
)
def test_which_tables_a_kind_of_care_owes(kind: str, tables: set[str]) -> None:
    claim = record_claim(kept_and_referred(encounter=kept_visit(care_kind=kind)))
    assert {"XML5", "XML7", "XML8"} & set(claim.tables) == tables


@pytest.mark.parametrize(
    ("discharge", "sent"), [("1", False), ("2", True), ("4", False), ("5", True)]
)
def test_a_letter_goes_only_with_a_discharge_that_sends_on(discharge: str, sent: bool) -> None:
    claim = record_claim(kept_and_referred(encounter=kept_visit(discharge=discharge)))
    assert bool(claim.rows("XML13")) is sent
    assert claim.summary["MA_NOI_DEN"] == ("52001" if sent else "")


def test_who_has_no_licence_stands_in_brackets() -> None:
    assert options().staff_code(DOCTOR) == "000000/MAU-GPHN"
    assert options().staff_code(NURSE) == "(NV02)"
    stranger = PractitionerSnapshot(user_id="u9", full_name="Không Ai")
    assert options().staff_code(stranger) == ""
    assert options().staff_code(None) == ""


def test_a_dose_is_written_by_intake_day_and_course() -> None:
    line = prescription().lines[0]
    assert dose_text(line) == "1 viên/lần * 4 lần/ngày * 5 ngày [4 viên/ngày]"
    half = type(line)(
        drug_code="x",
        inn="x",
        label="x",
        unit="ml",
        dose=Decimal("2.50"),
        times_per_day=3,
        days=7,
    )
    assert dose_text(half) == "2.5 ml/lần * 3 lần/ngày * 7 ngày [7.5 ml/ngày]"


def test_vital_signs_are_written_as_agreed_and_nothing_is_made_up() -> None:
    signs = VitalSigns(
        pulse=75,
        temperature=Decimal("37.0"),
        systolic=120,
        diastolic=70,
        respiratory_rate=18,
        spo2=98,
    )
    assert vitals_text(signs) == "CSST<M75_T37_HA120/70_NT18_SP98>"
    assert vitals_text(VitalSigns(pulse=75, systolic=120)) == "CSST<M75>"
    assert not vitals_text(VitalSigns(weight=Decimal(50)))


def test_a_note_carries_the_last_signs_measured_before_it() -> None:
    measured = [
        VitalSigns(measured_at=at(12, hour), pulse=pulse) for hour, pulse in ((15, 90), (16, 88))
    ]
    late = VitalSigns(measured_at=at(13, 8), pulse=70)
    claim = record_claim(kept_and_referred(encounter=kept_visit(vitals=(*measured, late))))
    told = [row["DIEN_BIEN_LS"] for row in claim.rows("XML5")]
    assert told == ["Họng đỏ.", "Ngủ được\nCSST<M88>", "Sốt lại <39,2>"]


def test_two_cards_stand_side_by_side_and_an_uninsured_visit_has_none() -> None:
    second = Coverage(number="GD4520000000001", valid_from=date(2026, 11, 11))
    row = summary(outpatient(bill=bill(more_coverages=(second,))))
    assert row["MA_THE_BHYT"] == "DN4520000000001;GD4520000000001"
    assert row["GT_THE_TU"] == "20260101;20261111"
    assert row["GT_THE_DEN"] == "20261231;"
    outside = summary(outpatient(encounter=visit(visit_object="9")))
    assert [outside[name] for name in ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "MA_KHUVUC")] == [
        ""
    ] * 4


def test_without_a_bill_no_amount_is_made_up() -> None:
    claim = record_claim(outpatient(bill=None))
    assert not claim.rows("XML2")
    assert not claim.rows("XML3")
    assert claim.summary["T_TONGCHI_BV"] == ""
    assert claim.summary["NAM_QT"] == ""


def test_a_price_with_too_many_decimals_is_not_rounded_in_silence() -> None:
    odd = bill().items[0]
    claim = record_claim(
        outpatient(
            bill=bill(
                items=(type(odd)(kind=odd.kind, code="x", name="x", price=Decimal("1.23456")),)
            )
        )
    )
    assert claim.rows("XML3")[0]["DON_GIA_BV"] == "1.23456"


def test_the_link_code_is_the_visits_own_however_often_it_is_made() -> None:
    one, again = record_claim(outpatient()), record_claim(outpatient(options=options("3176")))
    assert one.link_code == again.link_code == visit().id.replace("-", "")
    assert record_claim(kept_and_referred()).link_code != one.link_code
    assert all(row["MA_LK"] == one.link_code for rows in one.tables.values() for row in rows)


def test_times_are_those_of_the_wall_in_viet_nam() -> None:
    noon = at(10, 12)
    assert minute_text(noon.astimezone(UTC)) == minute_text(noon) == "202611101200"
    night = at(10, 0, 30) - timedelta(minutes=31)
    assert minute_text(night.astimezone(UTC)) == "202611092359"


def test_numbers_and_birth_dates_as_the_tables_want_them() -> None:
    assert [number_text(Decimal(text)) for text in ("0.00", "10", "1E+3", "0.10")] == [
        "0",
        "10",
        "1000",
        "0.1",
    ]
    assert birth_text(BirthDate(1950)) == "195000000000"
    assert birth_text(BirthDate(1992, 5, 3)) == "199205030000"
    assert plain(" a\x00\x0bb\r\nc\r ") == "ab\nc"


def test_the_old_occupation_has_five_digits_and_the_new_two() -> None:
    assert summary(outpatient())["MA_NGHE_NGHIEP"] == "63"
    assert summary(outpatient(options=options("4750")))["MA_NGHE_NGHIEP"] == "63000"


def test_the_decision_is_chosen_by_date_and_the_station_may_say_otherwise() -> None:
    assert version_on(date(2024, 12, 31)) == "4750"
    assert version_on(date(2025, 1, 1)) == "3176"
    assert version_on(date(2026, 6, 30)) == "3176"
    assert version_on(date(2026, 7, 1)) == "1931"
    assert version_on(date(2020, 1, 1)) == "4750"
    assert version_on(date(2026, 7, 1), {"1931": date(2027, 1, 1)}) == "3176"


def test_the_settings_and_the_tables_agree_on_the_dates() -> None:
    for version in VERSIONS:
        first = schema(version).valid_from
        assert ClaimSettings().standard_on(first) == version_on(first) == version
        before = first - timedelta(days=1)
        if version != VERSIONS[0]:
            assert ClaimSettings().standard_on(before) == version_on(before)


def test_what_changed_between_the_decisions() -> None:
    old, new, newest = (schema(version) for version in VERSIONS)
    assert {"MA_NOI_DI", "MA_NOI_DEN", "TEN_DICH_VU", "TEN_THUOC", "PP_DIEU_TRI"} == set(
        old.table("XML13").names
    ) - set(new.table("XML13").names)
    assert {"MA_CSKCB_DI", "MA_CSKCB_DEN", "TINH_TRANG_CT"} == set(new.table("XML13").names) - set(
        old.table("XML13").names
    )
    assert [one.table("XML14").by_name["NGAY_HEN_KL"].length for one in (old, new, newest)] == [
        12,
        8,
        8,
    ]
    for table in ("XML2", "XML3"):
        lengths = [one.table(table).by_name["MUC_HUONG"].length for one in (old, new, newest)]
        assert lengths == [3, 3, 4]
    assert CARD.number.startswith("DN4")
