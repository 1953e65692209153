"""Days and hours as people type and read them."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final

_CLOCK: Final = re.compile(r"^(\d{1,2})\s*(?:[:hHgG.]\s*(\d{2})?)\s*(?:ph?)?$")
_BARE_CLOCK: Final = re.compile(r"^(\d{2})(\d{2})$")
_PARTED_DAY: Final = re.compile(r"^(\d{1,2})[/\-.](\d{1,2})(?:[/\-.](\d{2}|\d{4}))?$")
_BARE_DAY: Final = re.compile(r"^(\d{2})(\d{2})(\d{2}|\d{4})$")


def parse_day(text: str, today: date) -> date | None:
    """``3/5``, ``3/5/26``, ``03052026``; None for anything else or a day that never was."""
    found = _PARTED_DAY.match(text.strip()) or _BARE_DAY.match(text.strip())
    if found is None:
        return None
    day, month, year = found.groups()
    full = today.year if year is None else int(year) + (2000 if len(year) == 2 else 0)
    try:
        return date(full, int(month), int(day))
    except ValueError:
        return None


def show_day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def parse_moment(text: str, now: datetime) -> datetime | None:
    """``8:25``, ``8h25``, ``0825`` (today) or with a day after it: ``8h25 22/11``."""
    words = text.split()
    if not 1 <= len(words) <= 2:
        return None
    clock = _CLOCK.match(words[0]) or _BARE_CLOCK.match(words[0])
    day = parse_day(words[1], now.date()) if len(words) == 2 else now.date()
    if clock is None or day is None:
        return None
    hour, minute = int(clock[1]), int(clock[2] or 0)
    if hour > 23 or minute > 59:
        return None
    return datetime.combine(day, time(hour, minute), now.tzinfo)


def show_moment(moment: datetime) -> str:
    return f"{moment:%H:%M %d/%m/%Y}"


def show_when(moment: datetime, now: datetime) -> str:
    """For lists: ``08:25`` today, ``hôm qua 17:02``, ``22/11 08:25``, and the year when it differs."""
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"{moment:%H:%M}"
    if days == 1:
        return f"hôm qua {moment:%H:%M}"
    if moment.year == now.year:
        return f"{moment:%d/%m %H:%M}"
    return f"{moment:%d/%m/%Y}"


def show_ago(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit: ``3 phút``, ``2 giờ``, ``5 ngày``."""
    minutes = max(0, int((now - moment).total_seconds() // 60))
    if minutes < 1:
        return "dưới 1 phút"
    if minutes < 60:
        return f"{minutes} phút"
    if minutes < 48 * 60:
        return f"{minutes // 60} giờ"
    return f"{minutes // (24 * 60)} ngày"
