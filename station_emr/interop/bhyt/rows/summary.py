"""The check-in and the summary: tables 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from station_emr.domain.billing import Bill, BillItem, ItemKind
from station_emr.domain.money import ZERO
from station_emr.interop.bhyt.values import day_text, local, minute_text, number_text

from .facts import Facts

_NO_ACCIDENT = "0"


def check_in_row(facts: Facts) -> dict[str, str]:
    """Table 0, by the cost that arose first."""
    visit = facts.encounter
    card = facts.cards[0] if facts.cards else None
    first = _first_cost(facts.source.bill)
    cost = {"NGAY_YL": minute_text(visit.started_at or visit.arrived_at)}
    if first is not None:
        cost["NGAY_YL"] = minute_text(_ordered(first, facts))
        cost |= _named(first)
    return {
        "MA_BN": facts.chart,
        "HO_TEN": facts.patient.full_name,
        "SO_CCCD": facts.identity_number,
        "NGAY_SINH": facts.birth,
        "GIOI_TINH": facts.sex,
        "MA_THE_BHYT": card.number if card else "",
        "MA_DKBD": card.initial_facility if card else "",
        "GT_THE_TU": day_text(card.valid_from) if card else "",
        "GT_THE_DEN": day_text(card.valid_to) if card else "",
        "MA_DOITUONG_KCB": visit.visit_object,
        "NGAY_VAO": minute_text(visit.arrived_at),
        "NGAY_VAO_NOI_TRU": minute_text(visit.admitted_at),
        "LY_DO_VNT": visit.admission_reason if visit.admitted_at else "",
        "MA_LOAI_KCB": visit.care_kind,
        "MA_CSKCB": facts.options.facility_code,
        **cost,
    }


def summary_row(facts: Facts) -> dict[str, str]:
    """Table 1."""
    visit, patient, options = facts.encounter, facts.patient, facts.options
    cards = facts.cards
    letter = facts.source.referral if facts.referred else None
    main = visit.main_diagnosis
    return {
        "MA_BN": facts.chart,
        "HO_TEN": patient.full_name,
        "SO_CCCD": facts.identity_number,
        "NGAY_SINH": facts.birth,
        "GIOI_TINH": facts.sex,
        "NHOM_MAU": patient.blood_type,
        "MA_QUOCTICH": patient.nationality_code,
        "MA_DANTOC": patient.ethnic_code,
        "MA_NGHE_NGHIEP": facts.occupation,
        "DIA_CHI": patient.address.text,
        "MATINH_CU_TRU": patient.address.province_code,
        "MAHUYEN_CU_TRU": options.district,
        "MAXA_CU_TRU": patient.address.commune_code,
        "DIEN_THOAI": patient.phone,
        "MA_THE_BHYT": facts.of_cards(card.number for card in cards),
        "MA_DKBD": facts.of_cards(card.initial_facility for card in cards),
        "GT_THE_TU": facts.of_cards(day_text(card.valid_from) for card in cards),
        "GT_THE_DEN": facts.of_cards(day_text(card.valid_to) for card in cards),
        "NGAY_MIEN_CCT": _first_day(card.copay_exempt_on for card in cards),
        "LY_DO_VV": visit.reason,
        "LY_DO_VNT": visit.admission_reason if visit.admitted_at else "",
        "CHAN_DOAN_VAO": visit.preliminary_diagnosis or (main.title if main else ""),
        "CHAN_DOAN_RV": facts.final_diagnosis,
        "MA_BENH_CHINH": facts.main_icd,
        "MA_BENH_KT": ";".join(one.icd_code for one in visit.secondary_diagnoses),
        "MA_DOITUONG_KCB": visit.visit_object,
        "MA_NOI_DI": visit.came_from,
        "MA_NOI_DEN": letter.to_facility_code if letter else "",
        "MA_TAI_NAN": visit.accident or _NO_ACCIDENT,
        "NGAY_VAO": minute_text(visit.arrived_at),
        "NGAY_VAO_NOI_TRU": minute_text(visit.admitted_at),
        "NGAY_RA": minute_text(facts.discharged_at),
        "GIAY_CHUYEN_TUYEN": visit.came_with,
        "SO_NGAY_DTRI": str(facts.treatment_days),
        "PP_DIEU_TRI": visit.treatment,
        "KET_QUA_DTRI": visit.result,
        "MA_LOAI_RV": visit.discharge,
        "GHI_CHU": visit.advice,
        "MA_LOAI_KCB": visit.care_kind,
        "MA_KHOA": options.department,
        "MA_CSKCB": options.facility_code,
        "MA_KHUVUC": next((card.living_area for card in cards if card.living_area), ""),
        "CAN_NANG": _weight(facts),
        "NAM_NAM_LIEN_TUC": _first_day(card.five_year_on for card in cards),
        "NGAY_TAI_KHAM": facts.next_visit,
        "MA_HSBA": visit.number,
        "MA_TTDV": options.head_code,
        **_money(facts),
    }


def _money(facts: Facts) -> dict[str, str]:
    bill = facts.source.bill
    if bill is None:
        return {}
    sums = bill.totals
    paid = local(bill.closed_at or facts.discharged_at)
    amounts: dict[str, Decimal] = {
        "T_THUOC": sums.t_thuoc,
        "T_VTYT": sums.t_vtyt,
        "T_TONGCHI_BV": sums.t_tongchi_bv,
        "T_TONGCHI_BH": sums.t_tongchi_bh,
        "T_BNTT": sums.t_bntt,
        "T_BNCCT": sums.t_bncct,
        "T_BHTT": sums.t_bhtt,
        "T_NGUONKHAC": sums.t_nguonkhac,
        "T_BHTT_GDV": sums.t_bhtt_gdv,
    }
    return {
        "NGAY_TTOAN": minute_text(bill.closed_at),
        "NAM_QT": f"{paid.year:04d}",
        "THANG_QT": str(paid.month),
        **{name: number_text(amount) for name, amount in amounts.items()},
    }


def _weight(facts: Facts) -> str:
    signs = facts.encounter.latest_vitals
    return number_text(signs.weight) if signs is not None and signs.weight is not None else ""


def _first_day(days: Iterable[date | None]) -> str:
    return day_text(next((day for day in days if day is not None), None))


def _first_cost(bill: Bill | None) -> BillItem | None:
    """The cost that arose first; the bill's own order decides between those without a time."""
    if bill is None or not bill.items:
        return None
    timed = [item for item in bill.items if item.ordered_at is not None and item.quantity > ZERO]
    return min(timed, key=_when) if timed else bill.items[0]


def _when(item: BillItem) -> float:
    return item.ordered_at.timestamp() if item.ordered_at else 0.0


def _ordered(item: BillItem, facts: Facts) -> datetime:
    visit = facts.encounter
    return item.ordered_at or visit.started_at or visit.arrived_at


def _named(item: BillItem) -> dict[str, str]:
    names = {
        ItemKind.SERVICE: ("MA_DICH_VU", "TEN_DICH_VU"),
        ItemKind.DRUG: ("MA_THUOC", "TEN_THUOC"),
        ItemKind.MATERIAL: ("MA_VAT_TU", "TEN_VAT_TU"),
    }[item.kind]
    return dict(zip(names, (item.code, item.name), strict=True))
