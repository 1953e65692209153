"""Numbers and dates that identify a person: citizen card, insurance card, phone, birth date.

Every ``parse_*`` function takes what a person typed and returns the stored form, or raises
:class:`InvalidRecord` with one sentence for the field. Cross-checks between fields are warnings
(severity ``confirm``): cards with mistakes exist, and the person in front of the nurse is right.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from station_emr.domain.birth import (
    BirthDate,
    age_months,
    age_on,
    age_text,
    months_old,
    parse_birth,
)
from station_emr.domain.errors import InvalidRecord, Problem

__all__ = [
    "BENEFIT_PERCENT",
    "BirthDate",
    "age_months",
    "age_on",
    "age_text",
    "benefit_level",
    "group_number",
    "insurance_number_problem",
    "mask_number",
    "months_old",
    "national_id_birth_years",
    "national_id_problem",
    "national_id_warnings",
    "normalise_phone",
    "old_id_problem",
    "parse_birth",
    "parse_insurance_number",
    "parse_national_id",
    "parse_old_id",
    "parse_phone",
    "phone_problem",
]

_SEPARATORS: Final = re.compile(r"[\s.\-()/]+")
_NATIONAL_ID: Final = re.compile(r"[0-9]{12}")
_OLD_ID: Final = re.compile(r"[0-9]{9}")
_INSURANCE_15: Final = re.compile(r"[A-Z]{2}[1-5][0-9]{12}")
_INSURANCE_10: Final = re.compile(r"[0-9]{10}")
_MOBILE: Final = re.compile(r"0[35789][0-9]{8}")
_LANDLINE: Final = re.compile(r"02[0-9]{9}")

# QĐ 1351/QĐ-BHXH 2015: the third character of the card is the benefit level, 1 to 5.
BENEFIT_PERCENT: Final = {1: 100, 2: 100, 3: 95, 4: 80, 5: 100}

# Eleven-digit mobile numbers ended in 2018; village notebooks still hold them.
_OLD_MOBILE_PREFIXES: Final = {
    **{f"016{n}": f"03{n}" for n in range(2, 10)},
    "0120": "070",
    "0121": "079",
    "0122": "077",
    "0126": "076",
    "0128": "078",
    "0123": "083",
    "0124": "084",
    "0125": "085",
    "0127": "081",
    "0129": "082",
    "0186": "056",
    "0188": "058",
    "0199": "059",
}


def _squeeze(text: str) -> str:
    return _SEPARATORS.sub("", text)


def _checked(number: str, problem: Problem | None, field: str) -> str:
    if problem is not None:
        raise InvalidRecord((replace(problem, field=field),))
    return number


def national_id_problem(number: str) -> Problem | None:
    """Why ``number`` is no stored citizen number (12 digits)."""
    if _NATIONAL_ID.fullmatch(number):
        return None
    if number.isascii() and number.isdigit():
        return Problem(
            field="national_id",
            code="national-id-length",
            message=f"Số căn cước phải đủ 12 chữ số, đang có {len(number)}. Hãy gõ lại hoặc quét mã QR trên thẻ.",
        )
    return Problem(
        field="national_id",
        code="national-id-characters",
        message="Số căn cước chỉ gồm 12 chữ số. Hãy gõ lại hoặc quét mã QR trên thẻ.",
    )


def parse_national_id(text: str, *, field: str = "national_id") -> str:
    """The 12 digits of a citizen card (CCCD, thẻ căn cước, số định danh cá nhân)."""
    number = _squeeze(text)
    return _checked(number, national_id_problem(number), field)


def old_id_problem(number: str) -> Problem | None:
    """Why ``number`` is no stored number of an old identity card (9 digits)."""
    if _OLD_ID.fullmatch(number):
        return None
    return Problem(
        field="old_national_id",
        code="old-id-form",
        message="Số CMND cũ gồm 9 chữ số. Hãy gõ lại hoặc để trống.",
    )


def parse_old_id(text: str, *, field: str = "old_national_id") -> str:
    """The 9 digits of the identity card used before the citizen card (CMND)."""
    number = _squeeze(text)
    return _checked(number, old_id_problem(number), field)


def national_id_birth_years(number: str) -> tuple[int, str] | None:
    """Birth year and sex written into a citizen number, or None when the digit is not in use.

    Digit 4 holds century and sex (0/1 = 1900s male/female, 2/3 = 2000s), digits 5-6 the year.
    """
    if not _NATIONAL_ID.fullmatch(number):
        return None
    century, female = divmod(int(number[3]), 2)
    if century > 1:
        return None
    return 1900 + 100 * century + int(number[4:6]), "female" if female else "male"


def national_id_warnings(
    number: str, birth: BirthDate | None, sex: str, *, field: str = "national_id"
) -> tuple[Problem, ...]:
    """Questions for the nurse when the citizen number disagrees with birth year or sex."""
    read = national_id_birth_years(number)
    if read is None:
        return ()
    year, number_sex = read
    found: list[Problem] = []
    if birth is not None and birth.year != year:
        found.append(
            Problem(
                field=field,
                code="national-id-birth-year",
                message=f"Số căn cước thường ứng với năm sinh {year}, nhưng năm sinh đã nhập là {birth.year}. Hãy so lại với thẻ.",
                severity="confirm",
            )
        )
    if sex in {"male", "female"} and sex != number_sex:
        said = "nữ" if number_sex == "female" else "nam"
        found.append(
            Problem(
                field=field,
                code="national-id-sex",
                message=f"Số căn cước thường ứng với giới tính {said}, khác với giới tính đã nhập. Hãy so lại với thẻ.",
                severity="confirm",
            )
        )
    return tuple(found)


def insurance_number_problem(number: str) -> Problem | None:
    """Why ``number`` is no stored BHYT number (15 characters, or the 10-digit BHXH number)."""
    if _INSURANCE_15.fullmatch(number) or _INSURANCE_10.fullmatch(number):
        return None
    if len(number) == 15 and re.match(r"[A-Z]{2}[06-9]", number):
        return Problem(
            field="insurance_number",
            code="insurance-number-benefit",
            message="Ký tự thứ ba của số thẻ BHYT là mức hưởng, từ 1 đến 5. Hãy so lại với thẻ.",
        )
    return Problem(
        field="insurance_number",
        code="insurance-number-form",
        message="Số thẻ BHYT gồm 2 chữ cái và 13 chữ số (thẻ cũ) hoặc 10 chữ số (thẻ mới). Hãy so lại với thẻ.",
    )


def parse_insurance_number(text: str, *, field: str = "insurance_number") -> str:
    """A BHYT card number: 15 characters as on old cards, or the 10-digit BHXH number."""
    number = _squeeze(text).upper()
    return _checked(number, insurance_number_problem(number), field)


def benefit_level(number: str) -> int | None:
    """Benefit level 1 to 5 of a 15-character card; None for the 10-digit form."""
    return int(number[2]) if _INSURANCE_15.fullmatch(number) else None


def phone_problem(number: str) -> Problem | None:
    """Why ``number`` is no stored phone number (mobile 10 digits, landline 11)."""
    if _MOBILE.fullmatch(number) or _LANDLINE.fullmatch(number):
        return None
    return Problem(
        field="phone",
        code="phone-form",
        message="Số điện thoại di động gồm 10 chữ số, bắt đầu bằng 03, 05, 07, 08 hoặc 09; số máy bàn gồm 11 chữ số, bắt đầu bằng 02. Hãy gõ lại.",
    )


def normalise_phone(text: str) -> str:
    """``text`` without separators, +84 turned into 0, an eleven-digit mobile into its new form."""
    number = _squeeze(text)
    if number.startswith("+84"):
        number = "0" + number[3:].removeprefix("0")
    elif number.startswith("0084"):
        number = "0" + number[4:].removeprefix("0")
    elif number.startswith("84") and len(number) in {11, 12}:
        number = "0" + number[2:]
    if len(number) == 11 and number[:4] in _OLD_MOBILE_PREFIXES:
        number = _OLD_MOBILE_PREFIXES[number[:4]] + number[4:]
    return number


def parse_phone(text: str, *, field: str = "phone") -> str:
    """A Vietnamese phone number as stored: leading zero, mobile 10 digits, landline 11."""
    number = normalise_phone(text)
    return _checked(number, phone_problem(number), field)


def _cut(text: str, *sizes: int) -> str:
    parts: list[str] = []
    start = 0
    for size in sizes:
        parts.append(text[start : start + size])
        start += size
    return " ".join(part for part in (*parts, text[start:]) if part)


def group_number(number: str) -> str:
    """Spaces where the eye and the voice need them; unknown shapes come back unchanged.

    >>> group_number("GD4520000000001")
    'GD 4 52 0000 000 001'
    >>> group_number("064099100001")
    '064 099 100 001'
    """
    if _INSURANCE_15.fullmatch(number):
        return _cut(number, 2, 1, 2, 4, 3, 3)
    if _NATIONAL_ID.fullmatch(number):
        return _cut(number, 3, 3, 3, 3)
    if _OLD_ID.fullmatch(number):
        return _cut(number, 3, 3, 3)
    if _LANDLINE.fullmatch(number):
        return _cut(number, 4, 3, 4)
    if _INSURANCE_10.fullmatch(number):
        return _cut(number, 4, 3, 3)
    return number


def mask_number(number: str) -> str:
    """Everything hidden but the last four characters; short numbers are hidden whole.

    >>> mask_number("064099100001")
    '••••••••0001'
    """
    if len(number) <= 4:
        return "•" * len(number)
    return "•" * (len(number) - 4) + number[-4:]
