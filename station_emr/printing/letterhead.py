"""The head of a form: issuing unit, national motto, numbers (NĐ 30/2020)."""

from __future__ import annotations

from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.record import StationProfile

from .fonts import BOLD, REGULAR, face
from .sheet import Rule, Sheet
from .typeset import Blank, Fill, Inline, Text
from .wording import strong, value

COUNTRY: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO: Final = "Độc lập - Tự do - Hạnh phúc"


def fitting(text: str, name: str, width: float, *, largest: float, least: float) -> float:
    """The size at which ``text`` stays on one line, no smaller than ``least``."""
    wide = face(name).width(text, largest)
    return largest if wide <= width else max(least, largest * (width - 0.1) / wide)


def issuer(sheet: Sheet, station: StationProfile | None, width: float, size: float) -> float:
    """Parent authority and unit at the left, the unit underlined; returns the lowest baseline."""
    y = sheet.y - size
    leading = size * 1.25
    parent = value(station.parent_authority).upper() if station else ""
    name = value(station.name).upper() if station else ""
    inlines: list[Inline] = [Text(parent) if parent else Blank(width * 0.7)]
    parent_size = fitting(parent, REGULAR, width, largest=size, least=size - 1.5)
    y = sheet.text(
        inlines, sheet.left, y, width=width, size=parent_size, leading=leading, align="center"
    )
    y -= leading
    inlines = [strong(name) if name else Blank(width * 0.8)]
    y = sheet.text(inlines, sheet.left, y, width=width, size=size, leading=leading, align="center")
    middle, half = sheet.left + width / 2, width * 0.2
    sheet.page.shapes.append(Rule(middle - half, y - 0.32 * size, middle + half, y - 0.32 * size))
    return y


def nation(sheet: Sheet, x: float, width: float, size: float) -> float:
    """Country and motto, the motto underlined over its own length; returns the lowest baseline."""
    y = sheet.y - size
    sheet.text([strong(COUNTRY)], x, y, width=width, size=size, align="center")
    y -= size * 1.3
    larger = size + 1
    sheet.text([strong(MOTTO)], x, y, width=width, size=larger, align="center")
    long = face(BOLD).width(MOTTO, larger)
    middle = x + width / 2
    sheet.page.shapes.append(
        Rule(middle - long / 2, y - 0.32 * size, middle + long / 2, y - 0.32 * size)
    )
    return y


def numbers(
    sheet: Sheet, rows: tuple[tuple[str, str], ...], x: float, width: float, size: float
) -> float:
    """Labels with their numbers at the right; dots where the number is not given yet."""
    y = sheet.y - size
    leading = size * 1.3
    for label, number in rows:
        shown = value(number)
        inlines: list[Inline] = [Text(label)]
        inlines += [Text(f" {shown}")] if shown else [Fill()]
        y = sheet.text(inlines, x, y, width=width, size=size, leading=leading) - leading
    return y + leading


def referral_head(
    sheet: Sheet, station: StationProfile | None, rows: tuple[tuple[str, str], ...], number: str
) -> None:
    """Left, middle and right of the referral form."""
    left, middle = 48 * mm, 78 * mm
    right_x = sheet.left + left + middle + 2 * mm
    low = issuer(sheet, station, left - 4 * mm, 10.5)
    nation_low = nation(sheet, sheet.left + left, middle, 10.5)
    numbers_low = numbers(sheet, rows, right_x, sheet.right - right_x, 10)
    low -= 17
    shown: list[Inline] = [Text(number)] if number else [Text("Số: "), Blank(44), Text("/PCCKCB")]
    width = left - 4 * mm
    size = fitting(number, REGULAR, width, largest=11, least=9.5)
    low = sheet.text(shown, sheet.left, low, width=width, size=size, align="center")
    sheet.y = min(low, nation_low, numbers_low)
