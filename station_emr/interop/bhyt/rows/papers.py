"""What the person is handed: sick leave (11), referral (13), next visit (14); and tuberculosis (15)."""

from __future__ import annotations

from collections.abc import Mapping

from station_emr.domain.billing import ItemKind
from station_emr.domain.record import Signature
from station_emr.interop.bhyt.schema import schema
from station_emr.interop.bhyt.values import day_text, local

from .care import course, tests_text
from .facts import Facts

_FORM = "CT07"


def sick_leave_rows(facts: Facts, top: Mapping[str, str]) -> list[dict[str, str]]:
    """Table 11: the certificate that was issued in this visit."""
    paper = facts.source.sick_leave
    if paper is None:
        return []
    return [
        {
            "SO_CT": paper.number,
            "SO_SERI": paper.serial,
            "SO_KCB": paper.number,
            "DON_VI": paper.workplace,
            "MA_BHXH": paper.social_insurance_no,
            "MA_THE_BHYT": top["MA_THE_BHYT"],
            "CHAN_DOAN_RV": paper.diagnosis_text,
            "PP_DIEUTRI": paper.treatment,
            "MA_DINH_CHI_THAI": "1" if paper.pregnancy_ended else "0",
            "NGUYENNHAN_DINHCHI": paper.termination_cause if paper.pregnancy_ended else "",
            "TUOI_THAI": str(paper.gestation_weeks) if paper.gestation_weeks else "",
            "SO_NGAY_NGHI": str(paper.days) if paper.days is not None else "",
            "TU_NGAY": day_text(paper.first_day),
            "DEN_NGAY": day_text(paper.last_day),
            "HO_TEN_CHA": paper.father_name,
            "HO_TEN_ME": paper.mother_name,
            "MA_TTDV": paper.head_code or facts.options.head_code,
            "MA_BS": paper.practitioner_code or facts.writer,
            "NGAY_CT": day_text(paper.issued_on),
            "MA_THE_TAM": paper.temporary_card,
            "MAU_SO": _FORM,
        }
    ]


def referral_rows(facts: Facts, top: Mapping[str, str]) -> list[dict[str, str]]:
    """Table 13. What it shares with the summary is the summary's own text: the gateway compares."""
    letter = facts.source.referral
    if letter is None or not facts.referred:
        return []
    who, _comma, title = letter.escort.partition(",")
    row = {
        "SO_HOSO": letter.record_number,
        "SO_CHUYENTUYEN": letter.register_number,
        "GIAY_CHUYEN_TUYEN": letter.number,
        "DAU_HIEU_LS": letter.clinical_signs,
        "QT_BENHLY": course(facts) or letter.clinical_signs,
        "TOMTAT_KQ": letter.test_results or tests_text(facts),
        "PP_DIEUTRI": top["PP_DIEU_TRI"],
        "MA_LYDO_CT": letter.reason.value if letter.reason else "",
        "HUONG_DIEU_TRI": letter.plan,
        "PHUONGTIEN_VC": letter.transport,
        "HOTEN_NGUOI_HT": who,
        "CHUCDANH_NGUOI_HT": title,
        "MA_BAC_SI": facts.options.staff_code(letter.referrer) or facts.writer,
    }
    if facts.old_tables:
        row |= {
            "PP_DIEU_TRI": top["PP_DIEU_TRI"],
            "TEN_DICH_VU": _names(facts, ItemKind.SERVICE),
            "TEN_THUOC": _names(facts, ItemKind.DRUG),
        }
    else:
        row |= {
            "MA_CSKCB_DI": top["MA_NOI_DI"],
            "MA_CSKCB_DEN": top["MA_NOI_DEN"],
            "TINH_TRANG_CT": letter.condition_on_transfer,
        }
    return [_like_summary(facts, "XML13", top) | row]


def appointment_rows(facts: Facts, top: Mapping[str, str]) -> list[dict[str, str]]:
    """Table 14. Until QĐ 3176 the day carries a time, which the slip does not say: zeros."""
    slip = facts.source.appointment
    if slip is None or slip.on is None:
        return []
    day = day_text(slip.on)
    row = {
        "SO_GIAYHEN_KL": slip.number,
        "NGAY_HEN_KL": f"{day}0000" if facts.old_tables else day,
        "MA_BAC_SI": facts.options.staff_code(slip.practitioner) or facts.writer,
        "NGAY_CT": _signed_on(slip.signature) or day_text(local(facts.left_at)),
    }
    return [_like_summary(facts, "XML14", top) | row]


def tuberculosis_rows(facts: Facts, top: Mapping[str, str]) -> list[dict[str, str]]:
    """Table 15: what the treatment register gave, with the person's own facts beside it."""
    given = facts.source.tuberculosis
    if not given:
        return []
    shared = {name: top[name] for name in ("MA_BN", "HO_TEN", "SO_CCCD", "MA_CSKCB")}
    return [shared | dict(given)]


def _like_summary(facts: Facts, table: str, top: Mapping[str, str]) -> dict[str, str]:
    names = schema(facts.options.version).table(table).names
    return {name: top[name] for name in names if name in top}


def _names(facts: Facts, kind: ItemKind) -> str:
    bill = facts.source.bill
    names = [item.name for item in (bill.items if bill else ()) if item.kind is kind]
    return "; ".join(dict.fromkeys(names))


def _signed_on(signature: Signature | None) -> str:
    return day_text(local(signature.at)) if signature is not None else ""
