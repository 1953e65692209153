"""What the visit cost: drugs (table 2), services and materials (table 3), row by row of the bill."""

from __future__ import annotations

from datetime import datetime

from station_emr.domain.billing import BillItem, ItemKind
from station_emr.domain.prescription import PrescriptionLine
from station_emr.interop.bhyt.values import minute_text, number_text

from .facts import Facts


def drug_rows(facts: Facts) -> list[dict[str, str]]:
    """Table 2."""
    bill = facts.source.bill
    return [
        _drug(item, facts) for item in (bill.items if bill else ()) if item.kind is ItemKind.DRUG
    ]


def service_rows(facts: Facts) -> list[dict[str, str]]:
    """Table 3."""
    bill = facts.source.bill
    return [
        _service(item, facts)
        for item in (bill.items if bill else ())
        if item.kind is not ItemKind.DRUG
    ]


def dose_text(line: PrescriptionLine) -> str:
    """LIEU_DUNG of an out-patient: ``2 viên/lần * 2 lần/ngày * 5 ngày [4 viên/ngày]``."""
    per_day = number_text(line.dose * line.times_per_day)
    return (
        f"{number_text(line.dose)} {line.unit}/lần * {line.times_per_day} lần/ngày * "
        f"{line.days} ngày [{per_day} {line.unit}/ngày]"
    )


def _drug(item: BillItem, facts: Facts) -> dict[str, str]:
    line = _line_of(item, facts)
    ordered = _moment(item, facts)
    return {
        "MA_THUOC": item.code,
        "MA_NHOM": item.group,
        "TEN_THUOC": item.name,
        "DON_VI_TINH": item.unit,
        "HAM_LUONG": item.strength or (line.strength if line else ""),
        "DUONG_DUNG": item.route_code or (line.route_code if line else ""),
        "DANG_BAO_CHE": item.form or (line.form if line else ""),
        "LIEU_DUNG": item.dosage or (dose_text(line) if line else ""),
        "CACH_DUNG": item.instruction or (line.sentence if line else ""),
        "SO_DANG_KY": item.registration.replace(" ", ""),
        "TT_THAU": item.tender,
        "PHAM_VI": item.scope,
        "TYLE_TT_BH": number_text(item.insured_ratio),
        "SO_LUONG": number_text(item.quantity),
        "DON_GIA": number_text(item.price),
        "MA_DICH_VU": item.service_code,
        "NGAY_TH_YL": minute_text(item.done_at),
        "NGUON_CTRA": item.funding,
        **_shared(item, facts, ordered),
    }


def _service(item: BillItem, facts: Facts) -> dict[str, str]:
    material = item.kind is ItemKind.MATERIAL
    performer = item.done_by or _performer(item, facts)
    return {
        "MA_DICH_VU": item.service_code if material else item.code,
        "MA_VAT_TU": item.code if material else "",
        "MA_NHOM": item.group,
        "GOI_VTYT": item.package,
        "TEN_VAT_TU": item.name if material else "",
        "TEN_DICH_VU": _service_name(item, facts) if material else item.name,
        "DON_VI_TINH": item.unit,
        "PHAM_VI": item.scope,
        "SO_LUONG": number_text(item.quantity),
        "DON_GIA_BV": number_text(item.price),
        "DON_GIA_BH": number_text(item.insured_price),
        "TT_THAU": item.tender,
        "TYLE_TT_DV": number_text(item.service_ratio),
        "TYLE_TT_BH": number_text(item.insured_ratio),
        "NGUOI_THUC_HIEN": performer,
        "MA_BENH": facts.main_icd,
        "NGAY_TH_YL": minute_text(item.done_at or _done_at(item, facts)),
        "NGAY_KQ": minute_text(item.result_at or _result_at(item, facts)),
        "MA_MAY": item.device,
        **_shared(item, facts, _moment(item, facts)),
    }


def _shared(item: BillItem, facts: Facts, ordered: datetime) -> dict[str, str]:
    """What both tables say in the same words; the money is the bill's own."""
    split = item.split
    nsnn, vtnn, vttn, cl = item.sources.amounts
    return {
        "THANH_TIEN_BV": number_text(split.amount_bv),
        "THANH_TIEN_BH": number_text(split.amount_bh),
        "T_NGUONKHAC_NSNN": number_text(nsnn),
        "T_NGUONKHAC_VTNN": number_text(vtnn),
        "T_NGUONKHAC_VTTN": number_text(vttn),
        "T_NGUONKHAC_CL": number_text(cl),
        "T_NGUONKHAC": number_text(split.other),
        "MUC_HUONG": number_text(item.benefit),
        "T_BNTT": number_text(split.self_pay),
        "T_BNCCT": number_text(split.copay),
        "T_BHTT": number_text(split.fund_pays),
        "MA_KHOA": facts.options.department,
        "MA_BAC_SI": item.ordered_by or facts.writer,
        "NGAY_YL": minute_text(ordered),
        "MA_PTTT": item.payment_method,
    }


def _moment(item: BillItem, facts: Facts) -> datetime:
    """When it was ordered: as the bill says, else the paper or the examination it comes from."""
    visit, prescription = facts.encounter, facts.source.prescription
    if item.ordered_at is not None:
        return item.ordered_at
    if item.procedure is not None and item.procedure < len(visit.procedures):
        done = visit.procedures[item.procedure]
        if (moment := done.ordered_at or done.started_at) is not None:
            return moment
    if item.kind is ItemKind.DRUG and prescription is not None and prescription.written_at:
        return prescription.written_at
    return visit.started_at or visit.arrived_at


def _line_of(item: BillItem, facts: Facts) -> PrescriptionLine | None:
    prescription, place = facts.source.prescription, item.prescription_line
    if prescription is None or place is None or place >= len(prescription.lines):
        return None
    if item.prescription_id not in {"", prescription.id}:
        return None
    return prescription.lines[place]


def _service_name(material: BillItem, facts: Facts) -> str:
    """Of the service that the material was used in; the bill knows it."""
    bill = facts.source.bill
    return next(
        (
            item.name
            for item in (bill.items if bill else ())
            if item.kind is ItemKind.SERVICE and item.code == material.service_code
        ),
        "",
    )


def _performer(item: BillItem, facts: Facts) -> str:
    procedures = facts.encounter.procedures
    if item.procedure is None or item.procedure >= len(procedures):
        return ""
    return procedures[item.procedure].performer_licence


def _done_at(item: BillItem, facts: Facts) -> datetime | None:
    procedures = facts.encounter.procedures
    if item.procedure is None or item.procedure >= len(procedures):
        return None
    return procedures[item.procedure].started_at


def _result_at(item: BillItem, facts: Facts) -> datetime | None:
    procedures = facts.encounter.procedures
    if item.procedure is None or item.procedure >= len(procedures):
        return None
    done = procedures[item.procedure]
    return done.ended_at if done.is_test else None
