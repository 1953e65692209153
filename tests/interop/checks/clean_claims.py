"""Made-up claims in which no rule finds anything, and the lists that they are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from types import MappingProxyType

from station_emr.catalogs.starter import starter_rows
from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.domain.claim import ClaimFile, ClaimRow
from station_emr.domain.price_list import ApprovedItem, approved_of
from station_emr.interop.bhyt.schema import schema

FACILITY = "DEMO1"
DOCTOR = "000001/DM-GPHN"
NURSE = "000002/DM-GPHN"
_OFFICIAL = 20_000


@dataclass(frozen=True)
class Lists:
    """The starter lists, as long as the official ones unless ``short``."""

    short: bool = False

    def find(self, kind: CatalogKind, code: str, day: date) -> CatalogRow | None:
        row = _rows(kind).get(code)
        return row if row is not None and row.in_force(day) else None

    def size(self, kind: CatalogKind) -> int:
        return 5 if self.short else _OFFICIAL

    def approved(self, kind: CatalogKind, code: str, day: date) -> Sequence[ApprovedItem]:
        items = (approved_of(row) for row in _rows(kind).values() if row.in_force(day))
        return [one for one in items if one.code == code]

    def staff(self) -> frozenset[str]:
        return frozenset({DOCTOR, NURSE})


@cache
def _rows(kind: CatalogKind) -> Mapping[str, CatalogRow]:
    rows = {row.code: row for row in starter_rows(kind)}
    if kind is CatalogKind.ICD10:  # the starter list has no code for deaths alone
        rows["R99.9"] = replace(rows["I10"], code="R99.9", attributes={"death_only": True})
    return MappingProxyType(rows)


LISTS = Lists()


def row_of(version: str, table: str, /, **values: str) -> ClaimRow:
    return schema(version).table(table).row({"MA_LK": "DEMO0000000000000001", **values})


_PERSON = {
    "HO_TEN": "Người Mẫu Một",
    "NGAY_SINH": "198503120000",
    "GIOI_TINH": "2",
    "DIA_CHI": "Thôn Mẫu, xã Mẫu",
    "MA_THE_BHYT": "DN4520000000001",
    "GT_THE_DEN": "20261231",
}
_STAY = {"NGAY_VAO": "202610050730", "NGAY_RA": "202610050910"}
_SUMMARY = {
    **_PERSON,
    **_STAY,
    "STT": "1",
    "MA_BN": "DEMO-000001",
    "SO_CCCD": "052000000001",
    "MA_QUOCTICH": "000",
    "MA_DANTOC": "01",
    "MA_NGHE_NGHIEP": "63",
    "MATINH_CU_TRU": "52",
    "MAXA_CU_TRU": "21553",
    "MA_DKBD": FACILITY,
    "GT_THE_TU": "20260101",
    "LY_DO_VV": "Ho, sốt",
    "CHAN_DOAN_VAO": "Viêm họng",
    "CHAN_DOAN_RV": "Viêm phế quản cấp tính, không xác định",
    "MA_BENH_CHINH": "J20.9",
    "MA_BENH_KT": "I10",
    "MA_DOITUONG_KCB": "1.2",
    "MA_TAI_NAN": "0",
    "SO_NGAY_DTRI": "0",
    "PP_DIEU_TRI": "Điều trị nội khoa",
    "KET_QUA_DTRI": "2",
    "MA_LOAI_RV": "1",
    "NGAY_TTOAN": "202610050912",
    "T_THUOC": "26855",
    "T_VTYT": "0",
    "T_TONGCHI_BV": "89855",
    "T_TONGCHI_BH": "89855",
    "T_BNTT": "0",
    "T_BNCCT": "0",
    "T_BHTT": "89855",
    "T_NGUONKHAC": "0",
    "T_BHTT_GDV": "89855",
    "NAM_QT": "2026",
    "THANG_QT": "10",
    "MA_LOAI_KCB": "01",
    "MA_KHOA": "K01",
    "MA_CSKCB": FACILITY,
    "CAN_NANG": "52.5",
    "NGAY_TAI_KHAM": "20261012",
    "MA_HSBA": "2026-000001",
    "MA_TTDV": DOCTOR,
}
_NO_HELP = {
    "T_NGUONKHAC_NSNN": "0",
    "T_NGUONKHAC_VTNN": "0",
    "T_NGUONKHAC_VTTN": "0",
    "T_NGUONKHAC_CL": "0",
    "T_NGUONKHAC": "0",
}


def paid(amount: str) -> dict[str, str]:
    """What the fund pays wholly."""
    return {
        **_NO_HELP,
        "MUC_HUONG": "100",
        "TYLE_TT_BH": "100",
        "THANH_TIEN_BV": amount,
        "THANH_TIEN_BH": amount,
        "T_BNTT": "0",
        "T_BNCCT": "0",
        "T_BHTT": amount,
        "PHAM_VI": "1",
        "MA_PTTT": "1",
        "MA_KHOA": "K01",
        "MA_BAC_SI": DOCTOR,
    }


DRUG = {
    **paid("26855"),
    "STT": "1",
    "MA_THUOC": "40.48",
    "MA_NHOM": "4",
    "TEN_THUOC": "Paracetamol 500 mg (giá ví dụ)",
    "DON_VI_TINH": "viên",
    "HAM_LUONG": "500 mg",
    "DUONG_DUNG": "1.01",
    "DANG_BAO_CHE": "Viên nén",
    "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 5 ngày [2 viên/ngày]",
    "SO_DANG_KY": "VD-87319-DEMO",
    "TT_THAU": "0/QĐ-DEMO;G1;N4;2026",
    "SO_LUONG": "10",
    "DON_GIA": "2685.5",
    "NGAY_YL": "202610050850",
    "NGUON_CTRA": "1",
}
EXAM = {
    **paid("30000"),
    "STT": "1",
    "MA_DICH_VU": "VD.KHAM-BENH",
    "MA_NHOM": "13",
    "TEN_DICH_VU": "Khám bệnh tại trạm y tế (giá ví dụ)",
    "DON_VI_TINH": "lần",
    "SO_LUONG": "1",
    "DON_GIA_BV": "30000",
    "DON_GIA_BH": "30000",
    "TYLE_TT_DV": "100",
    "MA_BENH": "J20.9",
    "NGAY_YL": "202610050735",
}
TEST_PRICE = "33000"
TEST = {
    **EXAM,
    **paid(TEST_PRICE),
    "STT": "2",
    "MA_DICH_VU": "VD.GLUCOSE-MAO-MACH",
    "MA_NHOM": "1",
    "TEN_DICH_VU": "Đường huyết mao mạch (giá ví dụ)",
    "DON_GIA_BV": TEST_PRICE,
    "DON_GIA_BH": TEST_PRICE,
    "NGUOI_THUC_HIEN": NURSE,
    "NGAY_TH_YL": "202610050800",
    "NGAY_KQ": "202610050805",
    "MA_MAY": "XN.1.DEMO",
}
RESULT = {
    "STT": "1",
    "MA_DICH_VU": "VD.GLUCOSE-MAO-MACH",
    "TEN_CHI_SO": "Đường huyết mao mạch",
    "GIA_TRI": "5.4",
    "DON_VI_DO": "mmol/L",
    "NGAY_KQ": "202610050805",
    "MA_BS_DOC_KQ": NURSE,
}
LEAVE = {
    "SO_CT": "DEMO-01",
    "SO_SERI": "DEMO-01",
    "SO_KCB": "2026-000001",
    "DON_VI": "Công ty Mẫu",
    "MA_BHXH": "0000000001",
    "MA_THE_BHYT": "DN4520000000001",
    "CHAN_DOAN_RV": "J20.9 Viêm phế quản cấp tính, không xác định",
    "PP_DIEUTRI": "Điều trị nội khoa",
    "SO_NGAY_NGHI": "3",
    "TU_NGAY": "20261005",
    "DEN_NGAY": "20261007",
    "MA_TTDV": DOCTOR,
    "MA_BS": DOCTOR,
    "NGAY_CT": "20261005",
    "MAU_SO": "CT07",
}
SLIP = {
    **_PERSON,
    **_STAY,
    "SO_GIAYHEN_KL": "DEMO-01",
    "MA_CSKCB": FACILITY,
    "NGAY_HEN_KL": "20261012",
    "CHAN_DOAN_RV": _SUMMARY["CHAN_DOAN_RV"],
    "MA_BENH_CHINH": "J20.9",
    "MA_BENH_KT": "I10",
    "MA_DOITUONG_KCB": "1.2",
    "MA_BAC_SI": DOCTOR,
    "MA_TTDV": DOCTOR,
    "NGAY_CT": "20261005",
}
CHECK_IN = {
    **_PERSON,
    "STT": "1",
    "MA_BN": "DEMO-000001",
    "MA_DKBD": FACILITY,
    "GT_THE_TU": "20260101",
    "MA_DOITUONG_KCB": "1.2",
    "NGAY_VAO": "202610050730",
    "MA_LOAI_KCB": "01",
    "MA_CSKCB": FACILITY,
    "MA_DICH_VU": "VD.KHAM-BENH",
    "TEN_DICH_VU": "Khám bệnh tại trạm y tế (giá ví dụ)",
    "NGAY_YL": "202610050735",
}
del CHECK_IN["DIA_CHI"]
_KEPT_END = "202610061000"
LETTER = {
    **{name: _SUMMARY[name] for name in ("MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP")},
    **_PERSON,
    **_STAY,
    "SO_HOSO": "DEMO-01",
    "SO_CHUYENTUYEN": "DEMO-01",
    "GIAY_CHUYEN_TUYEN": "DEMO-01",
    "MA_CSKCB": FACILITY,
    "MA_CSKCB_DEN": "DEMO2",
    "DAU_HIEU_LS": "Sốt cao",
    "CHAN_DOAN_RV": _SUMMARY["CHAN_DOAN_RV"],
    "QT_BENHLY": "Sốt ba ngày",
    "PP_DIEUTRI": "Điều trị nội khoa",
    "MA_BENH_CHINH": "J20.9",
    "MA_BENH_KT": "I10",
    "TINH_TRANG_CT": "Tỉnh",
    "MA_LOAI_RV": "2",
    "MA_LYDO_CT": "1",
    "HUONG_DIEU_TRI": "Điều trị tuyến trên",
    "PHUONGTIEN_VC": "Xe máy",
    "MA_BAC_SI": DOCTOR,
    "MA_TTDV": DOCTOR,
}
DISCHARGE = {
    "SO_LUU_TRU": "DEMO-01",
    "MA_YTE": "DEMO-000001",
    "MA_KHOA_RV": "K01",
    "NGAY_VAO": "202610050730",
    "NGAY_RA": _KEPT_END,
    "CHAN_DOAN_RV": _SUMMARY["CHAN_DOAN_RV"],
    "PP_DIEUTRI": "Điều trị nội khoa",
    "MA_TTDV": DOCTOR,
    "MA_BS": DOCTOR,
    "TEN_BS": "Bác sĩ Mẫu",
    "NGAY_CT": "20261006",
}
STAY_SUMMARY = {
    "MA_LOAI_KCB": "06",
    "NGAY_VAO": "202610050730",
    "NGAY_RA": _KEPT_END,
    "CHAN_DOAN_VAO": "Viêm họng",
    "CHAN_DOAN_RV": _SUMMARY["CHAN_DOAN_RV"],
    "QT_BENHLY": "Sốt ba ngày",
    "TOMTAT_KQ": "Không làm",
    "PP_DIEUTRI": "Điều trị nội khoa",
    "KET_QUA_DTRI": "2",
    "MA_TTDV": DOCTOR,
    "NGAY_CT": "20261006",
}
NOTE = {
    "STT": "1",
    "DIEN_BIEN_LS": "Tỉnh, còn ho ít",
    "THOI_DIEM_DBLS": "202610052000",
    "NGUOI_THUC_HIEN": NURSE,
}


def claim(tables: Mapping[str, Sequence[Mapping[str, str]]], *, version: str = "1931") -> ClaimFile:
    return ClaimFile(
        facility_code=FACILITY,
        made_on=date(2026, 10, 6),
        version=version,
        tables=MappingProxyType(
            {
                name: tuple(row_of(version, name, **row) for row in rows)
                for name, rows in tables.items()
            }
        ),
    )


OUTPATIENT = claim(
    {
        "XML1": [_SUMMARY],
        "XML2": [DRUG],
        "XML3": [EXAM, TEST],
        "XML4": [RESULT],
        "XML11": [LEAVE],
        "XML14": [SLIP],
    }
)
KEPT = claim(
    {
        "XML1": [{**_SUMMARY, "MA_LOAI_KCB": "06", "SO_NGAY_DTRI": "2", "NGAY_RA": _KEPT_END}],
        "XML2": [DRUG],
        "XML3": [EXAM, TEST],
        "XML4": [RESULT],
        "XML5": [NOTE],
        "XML7": [DISCHARGE],
        "XML8": [STAY_SUMMARY],
    }
)
REFERRED = claim(
    {
        "XML1": [{**_SUMMARY, "MA_LOAI_RV": "2", "MA_NOI_DEN": "DEMO2"}],
        "XML2": [DRUG],
        "XML3": [EXAM, TEST],
        "XML4": [RESULT],
        "XML13": [LETTER],
    }
)
ARRIVED = claim({"XML0": [CHECK_IN]})
OLD = claim(
    {
        "XML1": [
            {
                **_SUMMARY,
                "MA_NGHE_NGHIEP": "00000",
                "MAHUYEN_CU_TRU": "540",
                "MA_TTDV": "0000000001",
                "T_TONGCHI_BV": "56855",
                "T_TONGCHI_BH": "56855",
                "T_BHTT": "56855",
                "T_BHTT_GDV": "56855",
            }
        ],
        "XML2": [DRUG],
        "XML3": [EXAM],
    },
    version="4750",
)
CLEAN = MappingProxyType(
    {"outpatient": OUTPATIENT, "kept": KEPT, "referred": REFERRED, "arrived": ARRIVED, "old": OLD}
)


def changed(claim_: ClaimFile, table: str, row: int = 0, /, **values: str) -> ClaimFile:
    """The same claim with other texts in one row."""
    rows = list(claim_.rows(table))
    rows[row] = {**rows[row], **values}
    return with_rows(claim_, table, rows)


def with_rows(claim_: ClaimFile, table: str, rows: Sequence[ClaimRow]) -> ClaimFile:
    """The same claim with other rows in a table; without it when there are none."""
    tables = {name: kept for name, kept in claim_.tables.items() if name != table}
    if rows:
        tables[table] = tuple(rows)
    order = sorted(tables, key=lambda name: int(name[3:]))
    return replace(claim_, tables=MappingProxyType({name: tables[name] for name in order}))
