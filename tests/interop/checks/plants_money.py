"""One planted violation for each rule about money, lists and diagnoses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from station_emr.domain.claim import ClaimFile
from tests.interop.checks.clean_claims import (
    EXAM,
    OUTPATIENT,
    changed,
    paid,
    row_of,
    with_rows,
)
from tests.interop.checks.plants_field import drug, exam, rapid_test, summary

_OUT_OF_SCOPE: Final = {
    **paid("0"),
    "STT": "3",
    "PHAM_VI": "2",
    "MA_DICH_VU": "DEMO-NGOAI",
    "MA_NHOM": "19",
    "TEN_DICH_VU": "Dịch vụ mẫu",
    "DON_VI_TINH": "lần",
    "SO_LUONG": "1",
    "DON_GIA_BV": "0",
    "DON_GIA_BH": "0",
    "TYLE_TT_DV": "100",
    "MA_BENH": "J20.9",
    "NGAY_YL": "202610050735",
}
MATERIAL: Final = {
    **paid("900"),
    "STT": "3",
    "MA_DICH_VU": "VD.KHAM-BENH",
    "MA_VAT_TU": "VD.BOM-TIEM-5ML",
    "MA_NHOM": "10",
    "TEN_VAT_TU": "Bơm tiêm dùng một lần 5 ml (giá ví dụ)",
    "TEN_DICH_VU": "Khám bệnh tại trạm y tế (giá ví dụ)",
    "DON_VI_TINH": "cái",
    "SO_LUONG": "1",
    "DON_GIA_BV": "900",
    "DON_GIA_BH": "900",
    "TYLE_TT_DV": "100",
    "TT_THAU": "0/QĐ-DEMO;G1;N0;2026",
    "MA_BENH": "J20.9",
    "NGAY_YL": "202610050735",
}
_ALL_TOTALS: Final = ("T_TONGCHI_BV", "T_TONGCHI_BH", "T_BHTT", "T_BHTT_GDV")


def more(claim: ClaimFile, row: Mapping[str, str], **totals: str) -> ClaimFile:
    """The claim with one more row of table 3, and the totals that go with it."""
    rows = [*claim.rows("XML3"), row_of("1931", "XML3", **row)]
    return changed(with_rows(claim, "XML3", rows), "XML1", **totals)


def _material(**values: str) -> ClaimFile:
    totals = dict.fromkeys(_ALL_TOTALS, "90755") | {"T_VTYT": "900"}
    return more(OUTPATIENT, {**MATERIAL, **values}, **totals)


def _second_exam() -> ClaimFile:
    """Two examinations, both counted wholly."""
    return more(OUTPATIENT, {**EXAM, "STT": "3"}, **dict.fromkeys(_ALL_TOTALS, "119855"))


def _diagnosis(main: str = "J20.9", others: str = "I10", **values: str) -> ClaimFile:
    """The same diagnoses in the summary and the slip, and in no other paper."""
    claim = with_rows(OUTPATIENT, "XML11", [])
    claim = changed(claim, "XML14", MA_BENH_CHINH=main, MA_BENH_KT=others)
    shared = {name: text for name, text in values.items() if name in claim.rows("XML14")[0]}
    claim = changed(claim, "XML14", **shared)
    return changed(claim, "XML1", MA_BENH_CHINH=main, MA_BENH_KT=others, **values)


def _imaging() -> ClaimFile:
    return rapid_test(MA_NHOM="2")


PLANTS: Final[Mapping[str, ClaimFile]] = {
    # rows
    "gdh-47": drug(SO_LUONG="11"),
    "row-insured-drug": drug(TYLE_TT_BH="50"),
    "gdh-48": drug(T_BHTT="20000", T_BNCCT="6855"),
    "gdh-49": drug(T_BNCCT="500"),
    "gdh-50": drug(T_BNTT="500"),
    "gdh-51": drug(T_NGUONKHAC="30000", T_NGUONKHAC_CL="30000"),
    "gdh-41": drug(T_BNTT="0.9", T_BNCCT="0.9"),
    "gdh-52": exam(SO_LUONG="2"),
    "row-insured-service": exam(DON_GIA_BH="20000"),
    "gdh-53": exam(T_BHTT="20000", T_BNCCT="10000"),
    "gdh-54": exam(T_BNCCT="500"),
    "gdh-55": exam(T_BNTT="500"),
    "gdh-56": exam(T_NGUONKHAC="40000", T_NGUONKHAC_CL="40000"),
    "gdh-45": exam(T_BNTT="0.9", T_BNCCT="0.9"),
    "row-sources": drug(T_NGUONKHAC_NSNN="500"),
    "row-rate": drug(MUC_HUONG="120"),
    "row-scope": more(OUTPATIENT, _OUT_OF_SCOPE),
    "row-exam-rate": _second_exam(),
    # sums
    "gdh-31": summary(T_BHTT="80000"),
    "gdh-11": summary(T_BHTT="0"),
    "sum-thuoc": summary(T_THUOC="20000"),
    "sum-vtyt": summary(T_VTYT="20000"),
    "sum-tongchi-bv": summary(T_TONGCHI_BV="80000"),
    "sum-tongchi-bh": summary(T_TONGCHI_BH="80000"),
    "sum-bntt": summary(T_BNTT="500"),
    "sum-bncct": summary(T_BNCCT="500"),
    "sum-nguonkhac": summary(T_NGUONKHAC="500"),
    "sum-bhtt-gdv": summary(T_BHTT_GDV="80000"),
    "gdh-34": summary(T_BNTT="0.9", T_BNCCT="0.9"),
    # general lists
    "list-province": summary(MATINH_CU_TRU="99"),
    "list-commune": summary(MAXA_CU_TRU="99999"),
    "list-occupation": summary(MA_NGHE_NGHIEP="99"),
    "list-ethnic": summary(MA_DANTOC="98"),
    "list-route": drug(DUONG_DUNG="9.99"),
    "card-benefit": _diagnosis(MA_THE_BHYT="DN2520000000001"),
    # diagnoses
    "icd-main": _diagnosis(main="J99.99"),
    "icd-other": exam(MA_BENH="J99.99"),
    "icd-many": _diagnosis(others=";".join(["I10"] * 13)),
    "icd-traditional": _diagnosis(others="U62.392"),
    "icd-weak": _diagnosis(main="Z00.0"),
    "tt06-not-main": _diagnosis(main="B95.6"),
    "tt06-death": _diagnosis(others="R99.9"),
    "tt06-female": _diagnosis(others="B37.3", GIOI_TINH="1"),
    "tt06-male": _diagnosis(others="N40"),
    "tt06-discouraged": _diagnosis(main="B90.9"),
    "tt06-specific": _diagnosis(others="A01"),
    # approved lists
    "approved-drug": drug(MA_THUOC="40.99999"),
    "approved-drug-price": drug(SO_LUONG="5", DON_GIA="5371"),
    "approved-drug-match": drug(HAM_LUONG="650 mg"),
    "approved-service": exam(MA_DICH_VU="DEMO-LA"),
    "approved-service-price": exam(SO_LUONG="0.5", DON_GIA_BV="60000", DON_GIA_BH="60000"),
    "approved-material": _material(MA_VAT_TU="DEMO-LA"),
    "approved-material-price": _material(SO_LUONG="0.5", DON_GIA_BV="1800", DON_GIA_BH="1800"),
    "gw-tt-thau-vtyt": _material(TT_THAU=""),
    "approved-unit": drug(DON_VI_TINH="hộp"),
    "approved-tender": drug(TT_THAU="0/QĐ-DEMO"),
    "approved-staff": drug(MA_BAC_SI="000009/DM-GPHN"),
    "approved-head": summary(MA_TTDV="000009/DM-GPHN"),
    "row-device": rapid_test(MA_MAY=""),
    "row-bed": rapid_test(MA_NHOM="16"),
    "row-dose": drug(LIEU_DUNG="Ngày uống hai lần"),
    "row-conclusion": _imaging(),
    "row-reader": changed(OUTPATIENT, "XML4", MA_BS_DOC_KQ=""),
}
