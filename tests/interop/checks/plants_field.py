"""One planted violation for each rule about single elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from station_emr.domain.claim import ClaimFile
from station_emr.interop.bhyt.schema import schema
from tests.interop.checks.clean_claims import (
    ARRIVED,
    FACILITY,
    KEPT,
    OLD,
    OUTPATIENT,
    REFERRED,
    changed,
    row_of,
    with_rows,
)


def summary(**values: str) -> ClaimFile:
    return changed(OUTPATIENT, "XML1", **values)


def drug(**values: str) -> ClaimFile:
    return changed(OUTPATIENT, "XML2", **values)


def exam(**values: str) -> ClaimFile:
    return changed(OUTPATIENT, "XML3", **values)


def rapid_test(**values: str) -> ClaimFile:
    return changed(OUTPATIENT, "XML3", 1, **values)


def leave(**values: str) -> ClaimFile:
    return changed(OUTPATIENT, "XML11", **values)


def slip(**values: str) -> ClaimFile:
    return changed(OUTPATIENT, "XML14", **values)


def check_in(**values: str) -> ClaimFile:
    return changed(ARRIVED, "XML0", **values)


def discharge(**values: str) -> ClaimFile:
    return changed(KEPT, "XML7", **values)


def letter(**values: str) -> ClaimFile:
    return changed(REFERRED, "XML13", **values)


def _without(claim: ClaimFile, table: str, element: str) -> ClaimFile:
    row = {name: text for name, text in claim.rows(table)[0].items() if name != element}
    return with_rows(claim, table, [row, *claim.rows(table)[1:]])


def _hiv() -> ClaimFile:
    """A row of table 6 that lacks one thing which another of its elements asks for."""
    values = {
        element.name: _anything(element.date is not None)
        for element in schema("1931").table("XML6").elements
        if element.mandatory and element.name != "MA_LK"
    }
    values |= {"LOAI_DTRI_LAO": "0", "MA_XU_TRI": "1", "NGAY_KET_THUC_XU_TRI": "20261002"}
    values |= {"SO_NGAY_CAP_THUOC_ARV": "1", "NGAY_SINH": "198503120000"}
    return with_rows(OUTPATIENT, "XML6", [row_of("1931", "XML6", **values)])


def _anything(is_date: bool) -> str:
    return "20261001" if is_date else "1"


PLANTS: Final[Mapping[str, ClaimFile]] = {
    "field-missing": _without(OUTPATIENT, "XML2", "DU_PHONG"),
    "field-unknown": drug(THUA="1"),
    "field-required": summary(LY_DO_VV=""),
    "field-number": exam(T_TRANTT="1,000"),
    "field-decimals": drug(DON_GIA="2685.5000"),
    "field-length": summary(MA_BN="x" * 101),
    "field-long-text": summary(LY_DO_VV="ho " * 1400),
    "field-date": summary(NAM_NAM_LIEN_TUC="20260231"),
    "field-control": summary(GHI_CHU="dặn\u0007dò"),
    "field-list-space": summary(MA_KHOA="K01; K02"),
    "field-order-number": rapid_test(STT="1"),
    "gdh-1": check_in(MA_DOITUONG_KCB="1.99"),
    "gdh-8": check_in(MA_THE_BHYT="ZZ4520000000001"),
    "gdh-9": check_in(MA_DKBD="ZZZZ9"),
    # The envelope says the same code, so that nothing but the list is against it.
    "gdh-10": replace(check_in(MA_CSKCB="ZZZZ9"), facility_code="ZZZZ9"),
    "gdh-15": check_in(NGAY_SINH="19850312"),
    "gdh-16": check_in(GIOI_TINH="4"),
    "gdh-17": check_in(MA_THE_BHYT="DN45200"),
    "gdh-18": check_in(GT_THE_TU="20260230"),
    "gdh-19": check_in(GT_THE_DEN="20261301"),
    "gdh-20": summary(MA_DKBD=f"{FACILITY};{FACILITY}"),
    "gdh-21": summary(NGAY_MIEN_CCT="20260001"),
    "gdh-22": summary(MA_TAI_NAN="9"),
    "gdh-23": check_in(NGAY_VAO="202610052460"),
    "gdh-24": changed(OLD, "XML1", NGAY_RA="20261005"),
    "gdh-25": summary(KET_QUA_DTRI="9"),
    "gdh-26": summary(MA_LOAI_RV="6"),
    "gdh-27": summary(NGAY_TTOAN="20261005"),
    "gdh-35": summary(NAM_QT="2027"),
    "gdh-36": summary(THANG_QT="13"),
    "gdh-37": check_in(MA_LOAI_KCB="99"),
    "gdh-38": summary(MA_KHUVUC="K4"),
    "gdh-39": drug(MA_NHOM="8"),
    "gdh-40": drug(PHAM_VI="4"),
    "gdh-43": rapid_test(MA_NHOM="4"),
    "gdh-44": exam(PHAM_VI="0"),
    "gw-so-cccd": summary(SO_CCCD="05200000000"),
    "gw-ma-ttdv": changed(OLD, "XML1", MA_TTDV="123"),
    "gw-pttt": drug(MA_PTTT="4"),
    "gw-nguon-ctra": drug(NGUON_CTRA="5"),
    "gw-vet-thuong": drug(VET_THUONG_TP="2"),
    "gw-tai-su-dung": exam(TAI_SU_DUNG="0"),
    "gw-vo-cam": exam(PP_VO_CAM="5"),
    "gw-goi-vtyt": exam(GOI_VTYT="G0"),
    "gw-ma-xang-dau": exam(MA_XANG_DAU="A92"),
    "gw-ket-qua-xml8": changed(KEPT, "XML8", KET_QUA_DTRI="9"),
    "gw-dinh-chi-ma": leave(MA_DINH_CHI_THAI="2"),
    "gw-tuoi-thai": leave(TUOI_THAI="43"),
    "gw-ly-do-ct": letter(MA_LYDO_CT="4"),
    "gw-mau-so": leave(MAU_SO="CT08"),
    "gw-ma-bhxh": leave(MA_BHXH="0000000000"),
    "gw-noi-di": summary(MA_NOI_DI="ZZZZ9", GIAY_CHUYEN_TUYEN="DEMO-01"),
    "gw-ma-khoa": drug(MA_KHOA="KHAM"),
    "gw-ly-do-vnt": check_in(NGAY_VAO_NOI_TRU="202610050740"),
    "gw-chi-phi-dau": check_in(MA_DICH_VU="", TEN_DICH_VU=""),
    "gw-ten-chi-phi": check_in(TEN_DICH_VU=""),
    "gw-tt-thau-thuoc": drug(TT_THAU=""),
    "gw-nguoi-thuc-hien": rapid_test(NGUOI_THUC_HIEN=""),
    "gw-gio-thuc-hien": rapid_test(NGAY_TH_YL=""),
    "gw-xang-dau": rapid_test(MA_NHOM="12"),
    "gw-ma-dich-vu": exam(MA_DICH_VU=""),
    "gw-ten-dich-vu": exam(TEN_DICH_VU=""),
    "gw-ma-bac-si": drug(MA_BAC_SI=""),
    "gw-so-dang-ky": drug(SO_DANG_KY=""),
    "gw-ngay-kq-xml4": changed(OUTPATIENT, "XML4", NGAY_KQ=""),
    "gw-dinh-chi": leave(MA_DINH_CHI_THAI="1", TUOI_THAI="10"),
    "gw-nghi-ngoai-tru": discharge(SO_NGAY_NGHI="3", NGOAITRU_TUNGAY="20261007"),
    "gw-xml6": _hiv(),
}
