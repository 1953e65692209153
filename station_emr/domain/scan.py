"""What a scanned or typed code is: citizen card, insurance card, letter, number, or foreign.

Layouts: the citizen card of 2021 has seven fields, the card of 2024 more whose order is not
published (kept raw); the insurance card has up to sixteen with hexadecimal names, old ones end
early with ``$``. Nothing here raises: whatever the scanner sends, the answer is a value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from station_emr.domain import scan_repair
from station_emr.domain.birth import BirthDate
from station_emr.domain.identity import (
    insurance_number_problem,
    normalise_phone,
    phone_problem,
)
from station_emr.domain.text import clean, strip_marks

LETTER_PREFIX: Final = "SEMR1:"
_LONGEST: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenCardScan:
    """A citizen card. ``extra`` holds the newer card's further fields as they were read."""

    national_id: str
    old_id: str = ""
    full_name: str = ""
    birth: BirthDate | None = None
    sex: str = "unknown"
    address: str = ""
    issued_on: date | None = None
    extra: tuple[str, ...] = ()
    name_uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceCardScan:
    """A BHYT card. ``raw`` holds every field as it was read."""

    number: str
    full_name: str = ""
    birth: BirthDate | None = None
    sex: str = "unknown"
    address: str = ""
    initial_facility: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    five_year_on: date | None = None
    issued_on: date | None = None
    living_area: str = ""
    raw: tuple[str, ...] = ()
    name_uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberScan:
    """A bare number: ``kind`` is national_id, old_id, insurance or phone.

    ``also`` lists the other kinds the same digits can be.
    """

    kind: str
    value: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterScan:
    """The code of a referral letter; its signature is not checked here."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignScan:
    """Nothing that the record can use; ``message`` says what to do."""

    message: str


ScanResult = CitizenCardScan | InsuranceCardScan | NumberScan | LetterScan | ForeignScan

_EMPTY: Final = "Chưa đọc được gì. Hãy quét lại, giữ thẻ phẳng và cách máy quét khoảng 10 cm."
_FOREIGN: Final = (
    "Mã này không phải thẻ căn cước, thẻ BHYT hay phiếu chuyển. "
    "Hồ sơ chưa thay đổi. Hãy quét mã trên thẻ hoặc gõ số thẻ."
)
_WEB: Final = (
    "Đây là mã mở trang web, không phải thẻ căn cước hay thẻ BHYT. "
    "Hồ sơ chưa thay đổi. Hãy quét mã trên thẻ hoặc gõ số thẻ."
)
_PAYMENT: Final = (
    "Đây là mã chuyển tiền của ngân hàng, không phải thẻ căn cước hay thẻ BHYT. "
    "Hồ sơ chưa thay đổi. Hãy quét mã trên thẻ hoặc gõ số thẻ."
)
_GARBLED: Final = (
    "Mã thẻ đọc bị lỗi nên không dùng được. Hồ sơ chưa thay đổi. "
    "Hãy tắt bộ gõ tiếng Việt rồi quét lại, hoặc gõ số thẻ."
)

_DATE: Final = re.compile(r"([0-9]{2})[/.\-]?([0-9]{2})[/.\-]?([0-9]{4})")
_YEAR: Final = re.compile(r"(?:00[/.\-]?00[/.\-]?)?([0-9]{4})")
_MONTH: Final = re.compile(r"(?:00[/.\-]?)?([0-9]{2})[/.\-]([0-9]{4})")
_LIVING_AREAS: Final = frozenset({"K1", "K2", "K3"})

# The separator typed through another keyboard layout is still one and the same character.
_CITIZEN: Final = re.compile(
    r"([0-9]{12})([^0-9A-Za-z/.\- ])([0-9]{9})?\2(.+?)\2([0-9/.\-]{4,10})\2(.{1,6}?)\2(.*)\2([0-9/.\-]{8,10})(?:\2(.*))?",
    re.DOTALL,
)
_CITIZEN_NO_SEPARATOR: Final = re.compile(
    r"([0-9]{12})([0-9]{9})?([^0-9]{2,}?)([0-9]{8})(Nam|Nữ|Nu)([^0-9].*?)([0-9]{8})", re.DOTALL
)
_CITIZEN_BROKEN: Final = re.compile(r"([0-9]{12})[^0-9].{10,}", re.DOTALL)
_INSURANCE_START: Final = re.compile(
    r"([A-Z]{2}[1-5][0-9]{12}|[0-9]{10})([^0-9A-Z])", re.IGNORECASE
)
_INSURANCE_NO_SEPARATOR: Final = re.compile(
    r"([A-Z]{2}[1-5][0-9]{12}|[0-9]{10})((?:[0-9A-F]{2}){2,}?)([0-9]{2}/[0-9]{2}/[0-9]{4})"
    r"([12])(-|(?:[0-9A-F]{2})+?)([0-9]{2} ?- ?[0-9]{3})"
    r"([0-9]{2}/[0-9]{2}/[0-9]{4}|-)([0-9]{2}/[0-9]{2}/[0-9]{4}|-)?([0-9]{2}/[0-9]{2}/[0-9]{4})?.*",
    re.IGNORECASE | re.DOTALL,
)


def parse_scan(code: str | bytes) -> ScanResult:
    """Recognise what a scanner sent or a person typed. Never raises."""
    text = scan_repair.decode_bytes(code) if isinstance(code, bytes) else code
    text = scan_repair.strip_wrapping(text[:_LONGEST])
    if not text:
        return ForeignScan(message=_EMPTY)
    if text[: len(LETTER_PREFIX)].upper() == LETTER_PREFIX:
        return LetterScan(text=text)
    number = _bare_number(text)
    if number is not None:
        return number
    for candidate in _repaired(text):
        card = _citizen_card(candidate) or _insurance_card(candidate)
        if card is not None:
            return card
    return ForeignScan(message=_why_foreign(text))


def _repaired(text: str) -> Iterator[str]:
    """The text itself, then what it may have been before code page and input method."""
    fixed = unicodedata.normalize("NFC", scan_repair.undo_code_page(text))
    yield fixed
    if not fixed.isascii():
        yield from scan_repair.undo_input_method(fixed)


def _bare_number(text: str) -> NumberScan | None:
    if len(text) > 24:
        return None
    squeezed = re.sub(r"[\s.\-]", "", text).upper()
    candidates = [squeezed]
    if not squeezed.isascii():
        candidates = [typed.upper() for typed in scan_repair.undo_input_method(squeezed)]
    for candidate in candidates:
        found = _number_kind(candidate)
        if found is not None:
            return found
    return None


def _number_kind(number: str) -> NumberScan | None:
    digits = number.isascii() and number.isdigit()
    if digits and len(number) == 12:
        return NumberScan(kind="national_id", value=number)
    if digits and len(number) == 9:
        return NumberScan(kind="old_id", value=number)
    phone = normalise_phone(number)
    is_phone = phone_problem(phone) is None
    is_insurance = insurance_number_problem(number) is None
    if is_phone:
        # A BHXH number may look like a mobile number: both meanings are offered to the search.
        return NumberScan(kind="phone", value=phone, also=("insurance",) if is_insurance else ())
    if is_insurance:
        return NumberScan(kind="insurance", value=number)
    return None


def _why_foreign(text: str) -> str:
    lowered = text.lower()
    if re.match(r"(https?:|www\.)", lowered):
        return _WEB
    if text.startswith("0002010"):  # EMVCo merchant code, as VietQR prints it
        return _PAYMENT
    if re.match(r"[0-9]{10,12}\D|[A-Za-z]{2}[1-5][0-9]{6}", text):
        return _GARBLED
    return _FOREIGN


def _parse_date(text: str) -> date | None:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return None


def _parse_birth(text: str) -> BirthDate | None:
    text = text.strip()
    try:
        if day := _parse_date(text):
            return BirthDate.from_date(day)
        if found := _YEAR.fullmatch(text):
            return BirthDate(int(found[1]))
        if found := _MONTH.fullmatch(text):
            return BirthDate(int(found[2]), int(found[1]))
    except ValueError:
        return None
    return None


def _parse_sex(text: str) -> str:
    """The card says Nam or Nữ (insurance: 1 or 2); only the first letters survive mangling."""
    folded = strip_marks(text).strip()
    if folded in {"1", "nam", "nam.", "male"}:
        return "male"
    if folded in {"2", "nu", "female"} or (folded.startswith("n") and not folded.startswith("na")):
        return "female"
    return "unknown"


def _name(text: str, *, all_ascii: bool) -> tuple[str, bool]:
    """The name as well as it can be told, and whether the nurse must read it from the card."""
    name = scan_repair.undo_caps_lock(clean(scan_repair.undo_code_page(text)))
    if scan_repair.looks_damaged(name):
        composed = scan_repair.raw_keys_to_text(name)
        if composed is None or scan_repair.looks_damaged(composed):
            return clean(scan_repair.undo_code_page_roughly(name).replace("\ufffd", "")), True
        return composed, True
    if all_ascii:
        return scan_repair.raw_keys_to_text(name) or name, True
    return name, False


def _citizen_card(text: str) -> CitizenCardScan | None:
    found = _CITIZEN.fullmatch(text)
    if found is not None:
        number, mark, old_id, name, birth, sex, address, issued, rest = found.groups()
        address, issued, extra = _move_extra(mark, address, issued, rest)
    else:
        found = _CITIZEN_NO_SEPARATOR.fullmatch(text)
        if found is not None:
            number, old_id, name, birth, sex, address, issued = found.groups()
            extra = ()
        else:
            return _broken_citizen_card(text)
    # Every card names a place, and no Vietnamese address is free of diacritics: letters without
    # a single one mean that the scanner dropped them all.
    full_name, uncertain = _name(name, all_ascii=name.isascii() and address.isascii())
    return CitizenCardScan(
        national_id=number,
        old_id=old_id or "",
        full_name=full_name,
        birth=_parse_birth(birth),
        sex=_parse_sex(scan_repair.undo_code_page(sex)),
        address=clean(scan_repair.undo_code_page(address)),
        issued_on=_parse_date(issued),
        extra=extra,
        name_uncertain=uncertain,
    )


def _move_extra(
    mark: str, address: str, issued: str, rest: str | None
) -> tuple[str, str, tuple[str, ...]]:
    """Give the newer card's fields after the issue date back as they came.

    The address is matched greedily, so that a later date can pass for the issue date: the first
    date field after the address is the real one.
    """
    fields = [*address.split(mark), issued, *(rest.split(mark) if rest is not None else ())]
    for at, field in enumerate(fields[1:], start=1):
        if _parse_date(field) is not None:
            return mark.join(fields[:at]), field, tuple(clean(f) for f in fields[at + 1 :])
    return address, issued, ()


def _broken_citizen_card(text: str) -> CitizenCardScan | None:
    """A card whose number survived but whose fields cannot be told apart."""
    if not _CITIZEN_BROKEN.fullmatch(text) or re.match(r"[0-9]{12}[/.\-:]", text):
        return None
    fields = text.split("|")
    if len(fields) < 5:
        return None
    padded = [*fields, "", ""]
    full_name, _ = _name(padded[2], all_ascii=False)
    return CitizenCardScan(
        national_id=fields[0].strip(),
        old_id=padded[1] if re.fullmatch(r"[0-9]{9}", padded[1]) else "",
        full_name=full_name,
        birth=_parse_birth(padded[3]),
        sex=_parse_sex(scan_repair.undo_code_page(padded[4])),
        address=clean(scan_repair.undo_code_page(padded[5])),
        issued_on=_parse_date(padded[6]),
        extra=tuple(clean(field) for field in fields[7:]),
        name_uncertain=True,
    )


def _insurance_fields(text: str) -> list[str] | None:
    start = _INSURANCE_START.match(text)
    if start is not None:
        fields = text.split(start[2])
        if len(fields) >= 6:
            return fields
        return None
    found = _INSURANCE_NO_SEPARATOR.fullmatch(text)
    return [field or "" for field in found.groups()] if found is not None else None


def _insurance_card(text: str) -> InsuranceCardScan | None:
    fields = _insurance_fields(text)
    if fields is None:
        return None
    raw = tuple(clean(field) for field in fields)
    padded = [field.strip() for field in fields if field.strip() != "$"]
    padded = [("" if field in {"-", "$"} else field.removesuffix("$")) for field in padded]
    padded += [""] * (16 - len(padded))
    if _parse_birth(padded[2]) is None and _parse_date(padded[6]) is None:
        return None
    full_name, uncertain = _hex_text(padded[1])
    if uncertain is False and scan_repair.looks_damaged(full_name):
        uncertain = True
    address, _ = _hex_text(padded[4])
    living_area = padded[11].upper()
    return InsuranceCardScan(
        number=padded[0].upper(),
        full_name=full_name,
        birth=_parse_birth(padded[2]),
        sex=_parse_sex(padded[3]),
        address=address,
        initial_facility=_facility(padded[5]),
        valid_from=_parse_date(padded[6]),
        valid_to=_parse_date(padded[7]),
        five_year_on=_parse_date(padded[12]),
        issued_on=_parse_date(padded[8]),
        living_area=living_area if living_area in _LIVING_AREAS else "",
        raw=raw,
        name_uncertain=uncertain,
    )


def _hex_text(field: str) -> tuple[str, bool]:
    """A hexadecimal field as text, or the field as it stands where the card wrote plain text."""
    if not field:
        return "", True
    decoded = scan_repair.decode_hex(field)
    if decoded is not None:
        return decoded, False
    if re.fullmatch(r"[0-9A-Fa-fĐđÀ-ỹ ]+", field) and any(c.isdigit() for c in field):
        return "", True  # hexadecimal that lost digits: better no name than half a name
    return _name(field, all_ascii=field.isascii())


def _facility(field: str) -> str:
    """``52 - 001`` is facility 52001."""
    code = re.sub(r"[^0-9A-Z]", "", field.upper())
    return code if len(code) == 5 else ""
