"""When a rule keeps quiet: before its day, over a short list, about what follows from another fault."""

from __future__ import annotations

from station_emr.domain.claim import ClaimFile
from station_emr.interop.bhyt.checks import check
from tests.interop.checks.clean_claims import (
    ARRIVED,
    DOCTOR,
    LISTS,
    OUTPATIENT,
    Lists,
    changed,
    with_rows,
)
from tests.interop.checks.plants_money import PLANTS as MONEY
from tests.interop.checks.plants_whole import PLANTS as WHOLE


def found(claim: ClaimFile, lists: Lists = LISTS) -> list[str]:
    return [one.rule for one in check(claim, lists)]


def test_a_rule_judges_no_visit_from_before_its_day() -> None:
    claim = with_rows(with_rows(OUTPATIENT, "XML11", []), "XML14", [])
    claim = changed(claim, "XML1", MA_BENH_CHINH="B95.6")
    assert "tt06-not-main" in found(claim)
    earlier = {"NGAY_VAO": "202606300730", "NGAY_RA": "202606300910"}
    assert "tt06-not-main" not in found(changed(claim, "XML1", **earlier))


def test_a_short_list_proves_nothing() -> None:
    claim = changed(OUTPATIENT, "XML1", MA_DKBD="ZZZZ9")
    assert found(claim) == ["gdh-9"]
    assert found(claim, Lists(short=True)) == []
    assert "icd-other" in found(MONEY["icd-other"])
    assert "icd-other" not in found(MONEY["icd-other"], Lists(short=True))


def test_a_short_list_still_knows_what_no_code_looks_like() -> None:
    claim = changed(OUTPATIENT, "XML1", MA_DKBD="12")
    assert found(claim, Lists(short=True)) == ["gdh-9"]


def test_of_a_wrong_row_only_the_first_amount_is_told_and_no_total() -> None:
    wrong = changed(OUTPATIENT, "XML2", SO_LUONG="11", T_BHTT="1", T_BNTT="7")
    assert found(changed(wrong, "XML1", T_THUOC="1", T_BNTT="3")) == ["gdh-47"]


def test_one_dong_apart_is_the_same() -> None:
    assert found(changed(OUTPATIENT, "XML1", T_TONGCHI_BV="89856")) == []
    assert found(changed(OUTPATIENT, "XML1", T_TONGCHI_BV="89856.01")) == ["sum-tongchi-bv"]


def test_help_of_others_may_be_counted_in_each_lawful_way() -> None:
    help_ = {"T_NGUONKHAC_CL": "855", "T_NGUONKHAC": "855"}
    to_person = changed(OUTPATIENT, "XML2", T_BHTT="26000", **help_)
    totals = {"T_NGUONKHAC": "855", "T_BHTT": "89000", "T_BHTT_GDV": "89000"}
    assert found(changed(to_person, "XML1", **totals)) == []
    to_station = changed(to_person, "XML2", THANH_TIEN_BH="26000")
    totals |= {"T_TONGCHI_BH": "89000"}
    assert found(changed(to_station, "XML1", **totals)) == []


def test_nobody_is_born_after_the_visit() -> None:
    assert found(changed(ARRIVED, "XML0", NGAY_SINH="202610060000")) == ["gdh-15"]
    assert found(changed(ARRIVED, "XML0", NGAY_SINH="198500000000")) == []


def test_fewer_days_of_rest_than_from_first_to_last_are_wrong_too() -> None:
    assert found(changed(OUTPATIENT, "XML11", SO_NGAY_NGHI="2")) == ["tt25-days"]


def test_two_people_may_work_at_the_same_time() -> None:
    both = WHOLE["stay-overlap"]
    assert found(both) == ["stay-overlap"]
    assert found(changed(both, "XML3", 3, NGUOI_THUC_HIEN=DOCTOR)) == []


def test_values_in_a_sentence_are_cut() -> None:
    (finding,) = check(changed(OUTPATIENT, "XML1", SO_CCCD="9" * 300), LISTS)
    assert len(finding.message) < 250


def test_nothing_is_raised_over_a_claim_without_its_summary() -> None:
    bare = with_rows(OUTPATIENT, "XML1", [])
    rules = found(bare)
    assert "cross-summary" in rules
    assert found(ClaimFile(facility_code="", made_on=OUTPATIENT.made_on, version="1931")) == []
