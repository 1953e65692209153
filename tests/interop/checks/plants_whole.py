"""One planted violation for each rule about the stay, the tables together, papers and the station."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from station_emr.domain.claim import ClaimFile
from tests.interop.checks.clean_claims import (
    KEPT,
    OUTPATIENT,
    REFERRED,
    TEST,
    changed,
    paid,
    row_of,
    with_rows,
)
from tests.interop.checks.plants_field import (
    check_in,
    discharge,
    drug,
    exam,
    leave,
    letter,
    slip,
    summary,
)
from tests.interop.checks.plants_money import MATERIAL, more

_PLAIN: Final = with_rows(with_rows(OUTPATIENT, "XML11", []), "XML14", [])
"""An examination without papers: changes of the summary touch nothing else."""


def plain(**values: str) -> ClaimFile:
    return changed(_PLAIN, "XML1", **values)


def kept(**values: str) -> ClaimFile:
    return changed(KEPT, "XML1", **values)


def _as_kind(kind: str, **values: str) -> ClaimFile:
    """The kept person under another kind of care."""
    claim = changed(KEPT, "XML8", MA_LOAI_KCB=kind)
    return changed(claim, "XML1", MA_LOAI_KCB=kind, **values)


def _overlap() -> ClaimFile:
    """Two things done by one person at the same time."""
    first = {**TEST, **paid("0"), "STT": "3", "MA_NHOM": "18", "MA_DICH_VU": "VD.THAY-BANG"}
    first |= {"DON_GIA_BV": "0", "DON_GIA_BH": "0", "TEN_DICH_VU": "Thay băng"}
    second = {**first, "STT": "4", "NGAY_TH_YL": "202610050803", "NGAY_KQ": "202610050810"}
    return more(more(OUTPATIENT, first), second)


def _sick(days: str, until: str, **values: str) -> ClaimFile:
    return leave(SO_NGAY_NGHI=days, DEN_NGAY=until, **values)


def _tuberculosis() -> ClaimFile:
    claim = _sick("200", "20270422", CHAN_DOAN_RV="A15.0 Lao phổi")
    claim = changed(claim, "XML14", MA_BENH_CHINH="A15.0")
    return changed(claim, "XML1", MA_BENH_CHINH="A15.0")


def _child(**values: str) -> ClaimFile:
    claim = changed(OUTPATIENT, "XML14", NGAY_SINH="202203120000")
    return changed(claim, "XML1", NGAY_SINH="202203120000", **values)


def _tuberculosis_table() -> ClaimFile:
    row = {
        "STT": "1",
        "MA_BN": "DEMO-000001",
        "HO_TEN": "Người Mẫu Hai",
        "NGAYBD_DTRI_LAO": "20261001",
        "PHACDO_DTRI_LAO": "1",
        "KET_QUA_DTRI_LAO": "1",
        "BDDT_ARV": "20261001",
        "NGAY_BAT_DAU_DT_CTX": "20261001",
        **dict.fromkeys(("PHANLOAI_LAO_VITRI", "PHANLOAI_LAO_TS", "PHANLOAI_LAO_HIV"), "1"),
        **dict.fromkeys(("PHANLOAI_LAO_VK", "PHANLOAI_LAO_KT", "LOAI_DTRI_LAO"), "1"),
    }
    return with_rows(OUTPATIENT, "XML15", [row_of("1931", "XML15", **row)])


PLANTS: Final[Mapping[str, ClaimFile]] = {
    # stay
    "stay-order": plain(NGAY_RA="202610050700", NGAY_TTOAN="202610050912"),
    "gw-ngay-vnt": summary(NGAY_VAO_NOI_TRU="202610050700"),
    "gw-ngay-th-yl": drug(NGAY_TH_YL="202610050800"),
    "gw-ngay-kq": exam(NGAY_KQ="202610050700"),
    "gw-so-ngay-dtri": summary(SO_NGAY_DTRI="1"),
    "gdh-103": summary(NAM_QT="2025"),
    "stay-order-time": drug(NGAY_YL="202610051200"),
    "stay-progress": changed(KEPT, "XML5", THOI_DIEM_DBLS="202610070800"),
    "stay-paid": summary(NGAY_TTOAN="202610050700"),
    "stay-medicine-end": plain(MA_LOAI_KCB="07"),
    "stay-overlap": _overlap(),
    "stay-card": plain(GT_THE_DEN="20261001"),
    # tables together
    "cross-summary": with_rows(OUTPATIENT, "XML1", [OUTPATIENT.summary, OUTPATIENT.summary]),
    "cross-ma-lk": drug(MA_LK="DEMO0000000000000002"),
    "cross-facility": check_in(MA_CSKCB="DEMO2"),
    "cross-xml4": with_rows(
        OUTPATIENT,
        "XML4",
        [
            *OUTPATIENT.rows("XML4"),
            {**OUTPATIENT.rows("XML4")[0], "STT": "2", "MA_DICH_VU": "VD.KHAC"},
        ],
    ),
    "cross-xml3-result": with_rows(OUTPATIENT, "XML4", []),
    "gdh-102": more(
        OUTPATIENT,
        {**MATERIAL, "MA_DICH_VU": "VD.THAY-BANG"},
        T_VTYT="900",
        **dict.fromkeys(("T_TONGCHI_BV", "T_TONGCHI_BH", "T_BHTT", "T_BHTT_GDV"), "90755"),
    ),
    "gw-xml8": _as_kind("10"),
    "cross-xml8": changed(KEPT, "XML8", NGAY_VAO="202610050731"),
    "cross-xml7": discharge(NGAY_VAO="202610050731"),
    "gw-xml13": letter(HO_TEN="Người Mẫu Hai"),
    "gw-xml14": slip(HO_TEN="Người Mẫu Hai"),
    "gw-xml15": _tuberculosis_table(),
    "cross-xml13": changed(changed(REFERRED, "XML1", MA_LOAI_RV="1"), "XML13", MA_LOAI_RV="1"),
    "cross-no-xml13": summary(MA_LOAI_RV="2"),
    "gw-ngay-hen": changed(
        changed(OUTPATIENT, "XML1", NGAY_TAI_KHAM="20261004"), "XML14", NGAY_HEN_KL="20261004"
    ),
    "cross-hen-sau": changed(
        changed(OUTPATIENT, "XML1", NGAY_TAI_KHAM="20261005"), "XML14", NGAY_HEN_KL="20261005"
    ),
    "gw-ngay-ct-hen": slip(NGAY_CT="20261004"),
    "cross-tai-kham": summary(NGAY_TAI_KHAM="20261013"),
    "cross-no-xml5": plain(MA_LOAI_KCB="08", SO_NGAY_DTRI="1"),
    "cross-no-xml7": with_rows(_as_kind("04"), "XML7", []),
    "cross-no-exam": with_rows(
        changed(
            OUTPATIENT,
            "XML1",
            **dict.fromkeys(("T_TONGCHI_BV", "T_TONGCHI_BH", "T_BHTT", "T_BHTT_GDV"), "59855"),
        ),
        "XML3",
        [OUTPATIENT.rows("XML3")[1]],
    ),
    # sick leave
    "tt25-outpatient": with_rows(
        KEPT,
        "XML11",
        [{**OUTPATIENT.rows("XML11")[0], "NGAY_CT": "20261006"}],
    ),
    "tt25-from": _sick("3", "20261008", TU_NGAY="20261006"),
    "tt25-issued": leave(NGAY_CT="20261006"),
    "tt25-days": leave(SO_NGAY_NGHI="4"),
    "tt25-nghi-30": _sick("31", "20261104"),
    "tt25-nghi-50": _sick(
        "51",
        "20261124",
        MA_DINH_CHI_THAI="1",
        TUOI_THAI="13",
        NGUYENNHAN_DINHCHI="Thai lưu",
    ),
    "tt25-nghi-180": _tuberculosis(),
    "tt25-parents": _child(),
    "tt25-diagnosis": leave(CHAN_DOAN_RV="Viêm phế quản"),
    "tt25-treatment": leave(PP_DIEUTRI="Nghỉ ngơi"),
    "tt25-number": leave(MA_BHXH="12345"),
    "tt25-card": leave(MA_THE_BHYT="0000000001"),
    "tt25-signer": leave(MA_BS="000009/DM-GPHN"),
    "gw-xml11-to": leave(DEN_NGAY="20261004"),
    # the station
    "tyt-weight": summary(CAN_NANG=""),
    "tyt-weight-high": summary(CAN_NANG="525"),
    "tyt-record-number": summary(MA_HSBA=""),
    "tyt-object": check_in(MA_DOITUONG_KCB="1.1"),
    "gdh-101": plain(MA_DOITUONG_KCB="1.12"),
    "gdh-60": _as_kind("03"),
    "object-114": plain(MA_DOITUONG_KCB="1.14", MA_LOAI_KCB="10"),
    "object-115": plain(MA_DOITUONG_KCB="1.15"),
    "tyt-benefit": changed(
        drug(MUC_HUONG="80", T_BHTT="21484", T_BNCCT="5371"),
        "XML1",
        T_BNCCT="5371",
        T_BHTT="84484",
        T_BHTT_GDV="84484",
    ),
    "tyt-kept-progress": with_rows(KEPT, "XML5", []),
    "tyt-kept-summary": with_rows(KEPT, "XML8", []),
    "tyt-staff-code": exam(MA_BAC_SI="(NV01"),
    "tyt-id": summary(SO_CCCD=""),
    "tyt-district": summary(MAHUYEN_CU_TRU="540"),
    "tyt-came-from": plain(MA_DOITUONG_KCB="1.3"),
    "tyt-came-with": plain(MA_NOI_DI="DEMO2"),
    "gdh-104": KEPT,
}
