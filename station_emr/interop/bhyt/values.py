"""How the tables write numbers, days and texts, and what is wrong with a text that stands in one."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from station_emr.domain.birth import BirthDate
from station_emr.domain.claim import ClaimRow

from .schema import DateShape, Element, Kind

_VIETNAM: Final = timezone(timedelta(hours=7))
# What XML 1.0 cannot hold in any form, and lone halves of a pair.
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER: Final = re.compile(r"[0-9]+(?:\.([0-9]+))?")
_BIRTH: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")


def number_text(value: Decimal | int | None) -> str:
    """Plain digits and a point: never an exponent, no zeros at the end, empty for none. Nothing is
    rounded here: what has more decimals than its element may is refused by the schema.

    >>> number_text(Decimal("37500.00"))
    '37500'
    """
    if value is None:
        return ""
    text = f"{Decimal(value):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def day_text(day: date | None) -> str:
    """yyyymmdd, empty for none."""
    return "" if day is None else f"{day:%Y%m%d}"


def minute_text(moment: datetime | None) -> str:
    """The moment's yyyymmddHHMM by Vietnamese time, empty for none."""
    return "" if moment is None else f"{local(moment):%Y%m%d%H%M}"


def local(moment: datetime) -> datetime:
    """By the clock on the wall in Viet Nam, wherever the moment was written down."""
    return moment if moment.tzinfo is None else moment.astimezone(_VIETNAM)


def birth_text(birth: BirthDate) -> str:
    """yyyymmdd0000; only the year is known: yyyy00000000, with zeros for an unknown day likewise."""
    return f"{birth.year:04d}{birth.month or 0:02d}{birth.day or 0:02d}0000"


def plain(text: str) -> str:
    """The text as a file can hold it: one kind of line end, nothing that XML forbids, trimmed."""
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def can_be_written(text: str) -> bool:
    """Whether a file can hold the text and give the very same back."""
    return "\r" not in text and _ILLEGAL.search(text) is None


def fault(element: Element, row: ClaimRow) -> str:
    """What is wrong with the element in this row, as a sentence's end; empty when nothing is."""
    text = row.get(element.name, "")
    if not text:
        return "đang để trống nhưng bắt buộc phải có" if element.required(row) else ""
    if element.length and len(text) > element.length:
        return f"dài {len(text)} ký tự, nhiều nhất {element.length}"
    if element.date is not None:
        return _date_fault(element.date, text)
    if element.kind is Kind.NUMBER:
        return _number_fault(element, text)
    return ""


def _number_fault(element: Element, text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return f"phải là số, không phải “{text}”"
    if len(found[1] or "") > element.decimals:
        most = f"nhiều nhất {element.decimals} chữ số" if element.decimals else "không có chữ số"
        return f"{most} sau dấu chấm, không phải “{text}”"
    return ""


def _date_fault(shape: DateShape, text: str) -> str:
    if shape is DateShape.BIRTH:
        good = is_birth(text)
        return "" if good else f"không phải ngày sinh dạng yyyymmddHHMM: “{text}”"
    parts = text.split(";") if shape in {DateShape.DAYS, DateShape.MINUTES} else [text]
    lengths = {
        DateShape.DAY: (8,),
        DateShape.DAYS: (8,),
        DateShape.MINUTE: (12,),
        DateShape.MINUTES: (12,),
        DateShape.DAY_OR_MINUTE: (8, 12),
    }[shape]
    if all(len(part) in lengths and read_moment(part) is not None for part in parts):
        return ""
    wanted = " hoặc ".join("yyyymmdd" if length == 8 else "yyyymmddHHMM" for length in lengths)
    return f"không phải thời điểm dạng {wanted}: “{text}”"


def read_moment(text: str) -> datetime | None:
    """What a yyyymmdd or yyyymmddHHMM means, without a time zone; None for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) not in {8, 12}:
        return None
    hour, minute = (int(text[8:10]), int(text[10:12])) if len(text) == 12 else (0, 0)
    try:
        return datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), hour, minute)  # noqa: DTZ001  the file says none
    except ValueError:
        return None


def read_birth(text: str) -> BirthDate | None:
    """The birth date behind NGAY_SINH; None when it cannot be one."""
    found = _BIRTH.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(found[place]) for place in (1, 2, 3))
    try:
        return BirthDate(year, month or None, (day or None) if month else None)
    except ValueError:
        return None


def is_birth(text: str) -> bool:
    """Whether NGAY_SINH can be written so: twelve digits, zeros for what is not known."""
    found = _BIRTH.fullmatch(text)
    if found is None or read_birth(text) is None:
        return False
    if found[2] == "00" and found[3] != "00":
        return False
    return int(found[4]) < 24 and int(found[5]) < 60
