"""How hurried hands type doses, times and dates; pure rules, no widgets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from station_emr.domain.prescription import DAYTIMES, default_daytimes, number_text
from station_emr.domain.text import fold

_SIGNS: Final = {"½": "1/2", "¼": "1/4", "¾": "3/4"}
_MIXED: Final = re.compile(r"^(?:(\d+)\s+)?(\d+)/(\d+)$")
_NUMBER: Final = re.compile(r"^\d+([.,]\d+)?$")
_LETTERS: Final = {"s": "sáng", "tr": "trưa", "c": "chiều", "t": "tối"}
_MOMENT: Final = re.compile(r"sang|trua|chieu|toi|tr|s|c|t")
_DATE: Final = re.compile(r"^(\d{1,2})[/.\- ](\d{1,2})(?:[/.\- ](\d{2}|\d{4}))?$")
_SPAN: Final = re.compile(r"^\+?\s*(\d{1,3})\s*(ngay|ng|n|tuan|t|thang|th)?$")
_WEEKDAYS: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


@dataclass(frozen=True, slots=True)
class Times:
    """How often a day; ``daytimes`` only where the person named them."""

    count: int
    daytimes: tuple[str, ...] = ()


def parse_number(text: str) -> Decimal | None:
    """``0,5`` ``1/2`` ``½`` ``1½`` ``1 1/2``; words after the number (``viên``) are passed over."""
    typed = text.strip()
    for sign, plain in _SIGNS.items():
        typed = typed.replace(sign, f" {plain}")
    typed = re.sub(r"[^\d/.,\s].*$", "", typed).strip()
    mixed = _MIXED.match(typed)
    if mixed is not None:
        whole, upper, lower = (int(part or 0) for part in mixed.groups())
        return None if lower == 0 else whole + Decimal(upper) / Decimal(lower)
    if not _NUMBER.match(typed):
        return None
    try:
        return Decimal(typed.replace(",", "."))
    except InvalidOperation:
        return None


def plain_number(value: Decimal) -> str:
    return number_text(value)


def parse_times(text: str) -> Times | None:
    """``2``, ``2 lần``, ``sáng tối``, ``s t`` or ``st``."""
    typed = fold(text)
    head = re.match(r"^(\d{1,2})\b", typed)
    count = int(head[1]) if head is not None else 0
    words = re.sub(r"\blan\b|ngay|\d", " ", typed)
    found: list[str] = []
    for word in words.replace("(", " ").replace(")", " ").replace(",", " ").split():
        moments = _MOMENT.findall(word)
        if "".join(moments) != word:
            return None
        found += [_moment(moment) for moment in moments]
    named = tuple(moment for moment in DAYTIMES if moment in found)
    if named and (not count or count == len(named)):
        usual = default_daytimes(len(named))
        return Times(len(named), () if named == usual else named)
    return Times(count) if count and not named else None


def _moment(word: str) -> str:
    return next(m for m in DAYTIMES if fold(m) == word) if len(word) > 2 else _LETTERS[word]


def show_times(times: Times) -> str:
    moments = times.daytimes or default_daytimes(times.count)
    text = f"{times.count} ({', '.join(moments)})"
    return text if moments and len(moments) < 3 else f"{times.count} lần"


def parse_whole(text: str) -> int | None:
    found = re.match(r"^(\d{1,4})(\s*ngày)?$", text.strip())
    return int(found[1]) if found else None


def parse_follow_up(text: str, today: date) -> date | None:
    """``18/12``, ``18/12/26``, ``181226``, ``14`` or ``+14`` days, ``2t`` weeks, ``1 tháng``."""
    typed = fold(text)
    span = _SPAN.match(typed)
    if span is not None:
        count = int(span[1])
        unit = span[2] or "n"
        days = {"n": 1, "t": 7}.get(unit[0], 1) if not unit.startswith("th") else 28
        return today + timedelta(days=count * days)
    figures = re.match(r"^(\d{2})(\d{2})(\d{2}|\d{4})$", typed)
    parts = (_DATE.match(typed) or figures) if typed else None
    if parts is None:
        return None
    day, month, year = int(parts[1]), int(parts[2]), parts[3]
    try:
        if year:
            return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
        found = date(today.year, month, day)
        return found if found > today else date(today.year + 1, month, day)
    except ValueError:
        return None


def follow_up_words(on: date, today: date) -> str:
    """``thứ Sáu, sau 28 ngày``."""
    return f"{_WEEKDAYS[on.weekday()]}, sau {(on - today).days} ngày"
