"""Every named problem of a bill, planted; benefit levels of cards; the way money is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from station_emr.domain.billing import Bill, BillItem, Help, ItemKind, Sources, check_bill
from station_emr.domain.billing_rules import read_rules, rules_on
from station_emr.domain.money import in_words, money_text, parse_money
from station_emr.domain.patient import Coverage
from station_emr.services.billing_settings import shipped_rules

D = Decimal
RULES = shipped_rules()[0]
AT = datetime.fromisoformat("2026-11-20T08:00:00+07:00")
DAY = AT.date()
CARD = Coverage(number="DN4520000000001")
EXAM = BillItem(
    kind=ItemKind.SERVICE,
    code="VD.KHAM",
    name="Khám mẫu",
    unit="lần",
    group="13",
    price=D(30000),
    insured_price=D(30000),
    ordered_at=AT,
    ordered_by="000001/XX-CCHN",
)
TEST = replace(EXAM, code="VD.XN", group="1", done_at=AT, done_by="000001/XX-CCHN", result_at=AT)
DRUG = replace(
    EXAM,
    kind=ItemKind.DRUG,
    code="40.1",
    group="4",
    unit="viên",
    price=D(500),
    insured_price=D(500),
    tender="0/QĐ-DEMO;G1;N4;2026",
)
CLOTH = replace(EXAM, kind=ItemKind.MATERIAL, code="VD.GAC", group="10", tender="0/QĐ-DEMO")


def bill(*items: BillItem, coverage: Coverage | None = CARD) -> Bill:
    return Bill(id="b", encounter_id="e", patient_id="p", coverage=coverage, items=items)


def codes(checked: Bill) -> set[tuple[str, str]]:
    return {(p.field, p.code) for p in check_bill(checked, RULES)}


def test_a_sound_bill_has_nothing_against_it() -> None:
    assert codes(bill(EXAM, TEST, DRUG, CLOTH)) == set()


PLANTED = [
    (replace(EXAM, code=" "), "code", "code-required"),
    (replace(EXAM, name=""), "name", "name-required"),
    (replace(EXAM, unit=""), "unit", "unit-required"),
    (replace(EXAM, quantity=D(0)), "quantity", "quantity-range"),
    (replace(EXAM, quantity=D("1.0001")), "quantity", "quantity-decimals"),
    (replace(EXAM, price=D(-1), insured_price=D(-1)), "price", "price-range"),
    (replace(EXAM, price=D("30000.0001")), "price", "price-decimals"),
    (replace(DRUG, insured_price=D(400)), "insured_price", "drug-one-price"),
    (replace(EXAM, insured_price=D(30001)), "insured_price", "insured-price-over"),
    (replace(DRUG, service_ratio=30), "service_ratio", "service-ratio-range"),
    (replace(TEST, service_ratio=101), "service_ratio", "service-ratio-range"),
    (replace(EXAM, insured_ratio=101), "insured_ratio", "insured-ratio-range"),
    (replace(EXAM, benefit=D(101)), "benefit", "benefit-range"),
    (replace(EXAM, benefit=D("47.55")), "benefit", "benefit-range"),
    (replace(EXAM, scope="4"), "scope", "scope-unknown"),
    (replace(EXAM, scope="2"), "insured_ratio", "out-of-scope-ratio"),
    (replace(EXAM, payment_method="4"), "payment_method", "payment-method-unknown"),
    (replace(DRUG, funding="5"), "funding", "funding-unknown"),
    (replace(CLOTH, package="G0"), "package", "package-form"),
    (replace(CLOTH, package="G1000"), "package", "package-form"),
    (replace(EXAM, sources=Sources(cl=D(-1))), "sources", "sources-amount"),
    (replace(EXAM, sources=Sources(cl=D("1.001"))), "sources", "sources-amount"),
    (replace(EXAM, sources=Sources(cl=D(30001))), "sources", "sources-over"),
    (replace(EXAM, sources=Sources(cl=D(30001))), "sources", "row-balance"),
    (
        replace(EXAM, benefit=D(80), sources=Sources(nsnn=D(5000)), help=Help.COPAY),
        "sources",
        "copay-help",
    ),
    (replace(EXAM, card="GD4520000000009"), "card", "card-unknown"),
    (replace(EXAM, ordered_at=None), "ordered_at", "ordered-required"),
    (replace(EXAM, ordered_by=""), "ordered_by", "orderer-required"),
    (replace(TEST, done_at=AT - timedelta(minutes=1)), "done_at", "done-before-order"),
    (replace(TEST, result_at=AT - timedelta(minutes=1)), "result_at", "result-before-order"),
    (replace(EXAM, group="4"), "group", "group-unknown"),
    (replace(DRUG, group="10"), "group", "group-unknown"),
    (replace(CLOTH, group=""), "group", "group-unknown"),
    (replace(DRUG, tender=""), "tender", "tender-required"),
    (replace(CLOTH, tender=" "), "tender", "tender-required"),
    (replace(TEST, done_by=""), "done_by", "performer-required"),
    (replace(TEST, done_at=None), "done_at", "done-required"),
    (replace(EXAM, service_ratio=30), "service_ratio", "exam-ratio"),
]


@pytest.mark.parametrize(("item", "field", "code"), PLANTED)
def test_a_planted_fault_is_named_where_it_is(item: BillItem, field: str, code: str) -> None:
    assert (f"items.1.{field}", code) in codes(bill(TEST, item))


def test_faults_of_the_whole_are_named() -> None:
    assert codes(bill()) == {("items", "bill-empty")}
    assert ("items.0.card", "card-required") in codes(bill(EXAM, coverage=None))
    outside = replace(TEST, scope="2", insured_ratio=0)
    assert codes(bill(outside)) == {("items", "fund-pays-nothing")}
    assert codes(bill(outside, coverage=None)) == set()
    assert ("items.1.code", "item-twice") in codes(bill(TEST, TEST))
    touched = replace(TEST, benefit=D(80), sources=Sources(cl=D(100)))
    assert ("items", "fund-formula") in codes(bill(touched))
    assert ("items", "too-many-items") in codes(bill(*[DRUG] * 501))


def test_drugs_outside_the_scope_need_no_tender() -> None:
    outside = replace(DRUG, tender="", scope="2", insured_ratio=0)

    assert codes(bill(EXAM, outside)) == set()


def level(number: str, visit_object: str, in_scope: int, **card: date) -> D:
    return RULES.benefit(
        Coverage(number=number, **card),  # type: ignore[arg-type]
        visit_object=visit_object,
        care_kind="07" if visit_object == "7" else "01",
        in_scope=D(in_scope),
        day=DAY,
    )


@pytest.mark.parametrize("third", "12345")
def test_care_at_a_commune_station_is_paid_in_full(third: str) -> None:
    assert level(f"DN{third}520000000001", "1.2", 10**9) == 100
    assert level("0123456789", "1.2", 10**9) == 100


@pytest.mark.parametrize(
    ("third", "percent"), [("1", 100), ("2", 100), ("3", 95), ("4", 80), ("5", 100)]
)
def test_drugs_collected_for_an_upper_level_follow_the_card(third: str, percent: int) -> None:
    number = f"DN{third}520000000001"
    edge = int(RULES.base_salary * 15 / 100)

    assert level(number, "10", edge) == percent
    assert level(number, "10", edge - 1) == 100  # below 15 percent of the base salary
    assert level(number, "7", edge) == percent


def test_cards_whose_level_was_raised_count_by_their_letters_from_its_day() -> None:
    card = Coverage(number="CN3520000000001")
    told = {"visit_object": "10", "care_kind": "01", "in_scope": D(10**9)}
    for day, percent in ((date(2025, 12, 31), 95), (date(2026, 1, 1), 100)):
        rules = rules_on(day, shipped_rules())
        assert rules.benefit(card, day=day, **told) == percent  # type: ignore[arg-type]


def test_a_card_that_tells_no_level_claims_the_least() -> None:
    assert level("0123456789", "10", 10**9) == 80
    assert level("DN9520000000001", "10", 10**9) == 80


def test_a_card_free_of_copayment_is_paid_in_full_from_its_day() -> None:
    free = {"copay_exempt_on": DAY}

    assert level("DN4520000000001", "10", 10**9, **free) == 100
    assert level("DN4520000000001", "10", 10**9, copay_exempt_on=DAY + timedelta(1)) == 80


def test_no_card_and_no_insured_visit_are_paid_by_nobody() -> None:
    nobody = RULES.benefit(None, visit_object="1.2", care_kind="01", in_scope=D(1), day=DAY)

    assert nobody == 0
    assert level("DN4520000000001", "9", 1) == 0


def test_a_later_row_of_the_file_changes_only_what_it_names() -> None:
    first = {
        "valid_from": "2024-07-01", "exam_ratios": [100, 30], "exam_groups": ["13"],
        "drug_groups": ["4"], "service_groups": ["13"], "material_groups": ["10"],
        "performed_groups": [], "tender_groups": [], "base_salary": 100, "small_share": 15,
        "card_levels": {"4": 80}, "letter_levels": {}, "default_level": 100, "object_levels": {"1.6": 95},
        "object_shares": {}, "collect_objects": [], "collect_care_kinds": [],
        "uninsured_objects": ["9"],
    }  # fmt: skip
    second = {"valid_from": "2026-07-01", "base_salary": 200, "object_shares": {"1.13": 50}}

    rules = read_rules([second, first])

    assert [one.base_salary for one in rules] == [100, 200]
    assert rules[1].exam_ratios == (100, 30)
    later = rules_on(date(2026, 7, 1), rules)
    card = Coverage(number="DN4520000000001")
    told = {"care_kind": "01", "in_scope": D(1), "day": DAY}
    assert later.benefit(card, visit_object="1.13", **told) == 40  # type: ignore[arg-type]
    assert later.benefit(card, visit_object="1.6", **told) == 95  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "Không đồng"),
        ("15", "Mười lăm đồng"),
        ("21", "Hai mươi mốt đồng"),
        ("105", "Một trăm lẻ năm đồng"),
        ("1005", "Một nghìn không trăm lẻ năm đồng"),
        ("40055.50", "Bốn mươi nghìn không trăm năm mươi sáu đồng"),
        ("1250000", "Một triệu hai trăm năm mươi nghìn đồng"),
        ("2000000000", "Hai tỷ đồng"),
        ("-24", "Âm hai mươi bốn đồng"),
    ],
)
def test_amounts_are_written_out(amount: str, words: str) -> None:
    assert in_words(D(amount)) == words


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("12.500", "12500"), ("12500", "12500"), ("1.234.567,5", "1234567.5"), ("12.5", "12.5"),
     ("312,125", "312.125"), (" 1 000 đ", "1000"), ("0", "0")],
)  # fmt: skip
def test_amounts_are_read_as_people_type_them(typed: str, amount: str) -> None:
    assert parse_money(typed) == D(amount)


@pytest.mark.parametrize("typed", ["", "abc", "1,2,3", "12.34.567", ".500", "1e5", "١٢", "--1"])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_money(typed)


def test_amounts_are_shown_with_dots_and_a_comma() -> None:
    assert money_text(D("1234567.50")) == "1.234.567,5"
    assert money_text(D("1234567.50"), places=2) == "1.234.567,50"
    assert money_text(D("-1000")) == "-1.000"
    assert money_text(D("2.345"), places=2) == "2,35"
