"""Dates, ages and titles in the words of Vietnamese forms. No abbreviations (TT 32/2023 art. 52)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from station_emr.domain.encounter import Diagnosis, PatientSnapshot
from station_emr.domain.identity import age_months, age_on
from station_emr.domain.record import PractitionerSnapshot, Signature
from station_emr.domain.text import clean, clean_lines

from .fonts import BOLD
from .typeset import Blank, Fill, Inline, Text

CHILD_MONTHS: Final = 72  # TT 26/2025: below this a prescription gives months, weight, companion
_TITLES: Final = {
    "BS": "Bác sĩ",
    "BSCKI": "Bác sĩ chuyên khoa I",
    "BSCKII": "Bác sĩ chuyên khoa II",
    "BS.CKI": "Bác sĩ chuyên khoa I",
    "BS.CKII": "Bác sĩ chuyên khoa II",
    "YS": "Y sĩ",
    "ĐD": "Điều dưỡng",
    "HS": "Hộ sinh",
    "NHS": "Nữ hộ sinh",
    "DS": "Dược sĩ",
}


def value(text: str) -> str:
    """What a person typed, as one line fit for print."""
    return clean(text)


def values(text: str) -> str:
    """What a person typed over several lines; empty lines between are dropped."""
    return "\n".join(line for line in clean_lines(text).split("\n") if line)


def labelled(label: str, text: str, *, lines: int = 1, face: str | None = None) -> list[Inline]:
    """``label`` and what was filled in, or dotted lines to write on as on the paper form."""
    shown = values(text)
    if shown:
        return [Text(f"{label} "), Text(shown, face) if face else Text(shown)]
    empty: list[Inline] = [Text(label), Fill()]
    for _ in range(lines - 1):
        empty += [Text("\n"), Fill()]
    return empty


def day_inlines(day: date | None, *, lead: str = "ngày") -> list[Inline]:
    """``ngày 22 tháng 11 năm 2026``, with blanks to write on when it is not known."""
    if day is not None:
        return [Text(f"{lead} {day:%d} tháng {day:%m} năm {day:%Y}")]
    return [
        Text(f"{lead} "),
        Blank(24),
        Text(" tháng "),
        Blank(24),
        Text(" năm "),
        Blank(34),
    ]


def moment_inlines(at: datetime | None) -> list[Inline]:
    """``08 giờ 46 phút, ngày 22 tháng 11 năm 2026``, or blanks."""
    if at is not None:
        return [Text(f"{at:%H} giờ {at:%M} phút, "), *day_inlines(at.date())]
    return [Blank(24), Text(" giờ "), Blank(24), Text(" phút, "), *day_inlines(None)]


def full_title(person: PractitionerSnapshot) -> str:
    """The name with the title written out: "Bác sĩ Nguyễn Thị Hoa"."""
    title = value(person.title)
    known = _TITLES.get(title.rstrip(".").replace(" ", "").upper())
    return f"{known or title} {value(person.full_name)}".strip()


def spelled(name: str) -> str:
    """A printed name with its title written out: "BS. Trần Văn Mẫu" is "Bác sĩ Trần Văn Mẫu"."""
    title, _space, rest = value(name).partition(" ")
    known = _TITLES.get(title.rstrip(".").upper()) if title.endswith(".") else None
    return f"{known} {rest}" if known and rest else value(name)


def signer(signature: Signature | None, author: PractitionerSnapshot | None) -> str:
    if signature is not None:
        return full_title(signature.by)
    return full_title(author) if author is not None else ""


def confirmation(signature: Signature | None) -> str:
    """The line that says how the electronic record was signed, empty for a draft."""
    if signature is None:
        return ""
    verb = {
        "digital_cert": "Đã ký số",
        "biometric": "Đã xác nhận sinh trắc học",
        "paper": "Đã ký trên giấy",
    }.get(signature.method, "Đã ký xác nhận điện tử")
    return f"{verb} lúc {signature.at:%H:%M} ngày {signature.at:%d/%m/%Y}"


def diagnosis_text(diagnosis: Diagnosis) -> str:
    return value(diagnosis.label)


def diagnoses_text(diagnoses: tuple[Diagnosis, ...]) -> str:
    return "; ".join(diagnosis_text(diagnosis) for diagnosis in diagnoses)


def is_child(patient: PatientSnapshot, day: date) -> bool:
    """Under 72 months; when only the year of birth is known, under six years."""
    months = age_months(patient.birth, day)
    if months is None:
        return age_on(patient.birth, day) < CHILD_MONTHS // 12
    return months < CHILD_MONTHS


def age_words(patient: PatientSnapshot, day: date) -> str:
    """``58``, or ``23 tháng`` for a child under 72 months."""
    months = age_months(patient.birth, day)
    if months is not None and months < CHILD_MONTHS:
        return f"{max(months, 0)} tháng"
    return str(max(age_on(patient.birth, day), 0))


def strong(text: str) -> Text:
    return Text(text, BOLD)
