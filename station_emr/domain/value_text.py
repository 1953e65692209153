"""The value of a field in the words of the people who decide about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from .birth import BirthDate
from .encounter import Diagnosis, DiagnosisRole, PatientSnapshot, Procedure, ProgressNote
from .merge import ANSWERS, TOGETHER
from .patient import Address, Allergy, ChronicCondition, Coverage, Guardian
from .permissions import Action, Role
from .prescription import PrescriptionLine, quantity_text
from .record import PractitionerSnapshot, RecordStatus, StationProfile
from .referral import PriorCare
from .sensitive import SensitiveRange
from .station_rights import GivenRight, RightCell
from .vitals import SIGNS, VitalSigns


def describe(path: str, value: Any) -> str:
    """A value as people read it; empty for "nothing written"."""
    if path == "status":
        return "Đã hủy" if value is RecordStatus.VOIDED else "Đang có giá trị"
    if path == "shut":
        word, at, by = value
        return _joined("Đang ngừng" if word else "Đang mở", _text(at), by)
    if path == "closes_on":
        return _joined(
            *(f"{word} {_text(on)}" for word, on in zip(("từ", "đến"), value, strict=False) if on),
            by=" ",
        )
    if path in _CODED:  # code, name and perhaps a level
        return _joined(_joined(str(value[1]), _bracketed(str(value[0])), by=" "), *value[2:])
    if path == "no_known_allergy":
        return "Đã hỏi, chưa ghi nhận dị ứng nào" if value else ""
    if path in ANSWERS:
        told = zip(_TOLD[path], map(_text, value), strict=True)
        return _joined(*(f"{label} {text}".strip() for label, text in told if text), by="; ")
    return _text(value)


_TOLD: Final = {
    "given_answer": ("", "nội dung:", "người trả lời:", "phản hồi lúc", "kết thúc lúc"),
    "given_report": ("nơi nhận:", "báo lúc"),
}
_CODED: Final = frozenset(TOGETHER) - ANSWERS.keys()


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Có" if value else "Không"
    if isinstance(value, datetime):
        return f"{value:%H:%M %d/%m/%Y}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",")
    if isinstance(value, (tuple, list)):
        return "\n".join(text for text in map(_text, value) if text)
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return str(writer(value))
    label = getattr(value, "label", None)
    if isinstance(label, str):
        return label
    if is_dataclass(value):
        parts = (_text(getattr(value, field.name)) for field in fields(value))
        return ", ".join(part for part in parts if part)
    return str(value)


def _joined(*parts: str, by: str = ", ") -> str:
    return by.join(part for part in parts if part)


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""


def _coverage(card: Coverage) -> str:
    dates = ""
    if card.valid_from is not None or card.valid_to is not None:
        dates = _joined(
            f"từ {_text(card.valid_from)}" if card.valid_from else "",
            f"đến {_text(card.valid_to)}" if card.valid_to else "",
            by=" ",
        )
    place = _joined(card.initial_facility_name, card.initial_facility, by=" ")
    five = f"đủ 5 năm từ {_text(card.five_year_on)}" if card.five_year_on else ""
    exempt = f"miễn cùng chi trả từ {_text(card.copay_exempt_on)}" if card.copay_exempt_on else ""
    return _joined(
        card.number, dates, f"nơi đăng ký {place}" if place else "", card.living_area, five, exempt
    )


_CATEGORIES: Final = {
    "drug": "thuốc",
    "food": "thức ăn",
    "chemical": "hóa chất",
    "other": "khác",
}


def _allergy(allergy: Allergy) -> str:
    detail = _joined(
        _CATEGORIES[allergy.category.value],
        allergy.ingredient,
        allergy.group,
        "nặng" if allergy.severe else "",
        f"ghi ngày {_text(allergy.noted_on)}" if allergy.noted_on else "",
    )
    return f"{_joined(allergy.substance, allergy.reaction, by=': ')} ({detail})"


def _condition(condition: ChronicCondition) -> str:
    since = f"(từ {condition.since_year})" if condition.since_year else ""
    return _joined(condition.icd_code, condition.title, since, by=" ")


def _guardian(guardian: Guardian) -> str:
    return _joined(
        guardian.full_name,
        guardian.relationship,
        f"điện thoại {guardian.phone}" if guardian.phone else "",
        f"số định danh {guardian.national_id}" if guardian.national_id else "",
    )


def _address(address: Address) -> str:
    codes = _joined(address.commune_code, address.province_code)
    return _joined(address.text, f"(mã {codes})" if codes else "", by=" ")


def _diagnosis(diagnosis: Diagnosis) -> str:
    role = "Bệnh chính" if diagnosis.role is DiagnosisRole.MAIN else "Bệnh kèm theo"
    return f"{role}: {diagnosis.label}"


def _procedure(procedure: Procedure) -> str:
    result = _joined(procedure.result, procedure.unit, by=" ")
    result += " (bất thường)" if procedure.abnormal else ""
    when = _joined(_text(procedure.started_at), _text(procedure.ended_at), by=" đến ")
    name = _joined(procedure.name or procedure.code, result, by=": ")
    return _joined(
        name,
        f"mã chỉ số {procedure.indicator}" if procedure.indicator else "",
        procedure.conclusion,
        f"chỉ định {_text(procedure.ordered_at)}" if procedure.ordered_at else "",
        when,
        _joined(procedure.performed_by, _bracketed(procedure.performer_licence), by=" "),
        procedure.note,
    )


def _progress(note: ProgressNote) -> str:
    """One line of a person kept at the station."""
    who = _joined(note.written_by, _bracketed(note.licence_no), by=" ")
    return _joined(
        f"{_text(note.at)}: {note.text}",
        f"hội chẩn: {note.consultation}" if note.consultation else "",
        f"thủ thuật: {note.procedure}" if note.procedure else "",
        who,
    )


def _vitals(vitals: VitalSigns) -> str:
    signs = _joined(
        *(
            f"{sign.label} {_text(getattr(vitals, sign.name))} {sign.unit}"
            for sign in SIGNS.values()
            if getattr(vitals, sign.name) is not None
        )
    )
    taken = _joined(_text(vitals.measured_at), vitals.measured_by, by=", ")
    return _joined(signs, f"(đo {taken})" if taken else "", by=" ")


def _line(line: PrescriptionLine) -> str:
    why = f"lý do dùng: {line.override_reason}" if line.override_reason else ""
    dose = f"mỗi lần {_text(line.dose)} {line.unit}, ngày {line.times_per_day} lần"
    return _joined(
        line.label,
        f"{line.days} ngày",
        f"số lượng {quantity_text(line)} {line.unit}",
        dose,
        line.sentence,
        why,
    )


def _prior_care(care: PriorCare) -> str:
    when = _joined(_text(care.start), _text(care.end), by=" đến ")
    return _joined(care.facility, care.level, when)


def _person(snapshot: PatientSnapshot) -> str:
    return _joined(
        snapshot.full_name,
        snapshot.birth.display(),
        snapshot.sex.label,
        snapshot.chart_number,
        snapshot.national_id,
        snapshot.phone,
        snapshot.address,
        snapshot.ethnic_name,
        snapshot.nationality_name,
        snapshot.occupation_name,
        snapshot.workplace,
        _joined(snapshot.guardian_name, snapshot.guardian_relationship, by=" "),
        _text(snapshot.coverage),
        _joined(*snapshot.allergies),
        f"{snapshot.weight_kg} kg" if snapshot.weight_kg else "",
    )


def _practitioner(person: PractitionerSnapshot) -> str:
    return _joined(person.printed_name, person.licence_no)


def _right_cell(cell: RightCell) -> str:
    """One cell as a sentence; a word of a newer program as it is."""
    role = next((one.label for one in Role if one.value == cell.role), cell.role)
    return f"{role}: {'được' if cell.granted else 'không được'} {_right(cell.action)}"


def _right(action: str) -> str:
    return next((one.label for one in Action if one.value == action), action)


def _given_right(given: GivenRight) -> str:
    until = given.ended_at or given.until
    return _joined(*map(_right, given.actions), f"đến {_text(until)}", given.reason)


_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = MappingProxyType(
    {
        BirthDate: BirthDate.display,
        Address: _address,
        Guardian: _guardian,
        Coverage: _coverage,
        Allergy: _allergy,
        ChronicCondition: _condition,
        Diagnosis: _diagnosis,
        Procedure: _procedure,
        ProgressNote: _progress,
        VitalSigns: _vitals,
        PrescriptionLine: _line,
        PriorCare: _prior_care,
        PatientSnapshot: _person,
        PractitionerSnapshot: _practitioner,
        SensitiveRange: lambda one: f"{one.first}-{one.last} {one.what}, từ {_text(one.since)}",
        RightCell: _right_cell,
        GivenRight: _given_right,
        StationProfile: lambda station: _joined(station.name, station.code, station.site),
    }
)
