"""Money in đồng: exact decimals, one way of rounding, the way people read it and write it out."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

ZERO: Final = Decimal(0)
HUNDRED: Final = Decimal(100)
CENT: Final = Decimal("0.01")
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_SCALES: Final = ("", " nghìn", " triệu")


def times(*factors: Decimal | int) -> Decimal:
    """The exact product: nothing is rounded on the way, however long the numbers are."""
    product = Decimal(1)
    for factor in factors:
        product = _EXACT.multiply(product, Decimal(factor))
    return product


def share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """``amount`` × ``part`` / ``whole``; nothing of nothing is nothing."""
    return _EXACT.divide(times(amount, part), whole) if whole else ZERO


def round2(amount: Decimal) -> Decimal:
    """To two decimals, half up (away from zero), as the insurance tables ask."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP, context=_EXACT)


def total(amounts: list[Decimal] | tuple[Decimal, ...]) -> Decimal:
    """The exact sum, with two decimals."""
    return round2(sum(amounts, ZERO))


def decimals(number: Decimal) -> int:
    """How many decimals a number really has: 1.50 has one."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def money_text(amount: Decimal, *, places: int | None = None) -> str:
    """``1.234.567,5``: a dot for thousands, a comma before decimals; zeros at the end are left out
    unless ``places`` says how many decimals there are to be.
    """
    if places is not None:
        amount = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_EXACT)
        text = f"{amount:f}"
    else:
        text = f"{amount:f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _dot, part = text.partition(".")
    groups = []
    while len(whole) > 3:
        whole, last = whole[:-3], whole[-3:]
        groups.append(last)
    groups.append(whole)
    return sign + ".".join(reversed(groups)) + (f",{part}" if part else "")


def parse_money(text: str) -> Decimal:
    """What people type: ``12.500``, ``12500``, ``1.234,56``. Raises ValueError for anything else.

    A single dot before one or two last digits is read as a decimal point (``12.5``), before three
    as thousands, which is how prices are typed here.
    """
    kept = text.replace(" ", "").replace("\u00a0", "").removesuffix("đ").removesuffix("₫")
    if "," in kept:
        whole, _comma, part = kept.rpartition(",")
        if "," in whole:
            raise ValueError(text)
        kept = whole.replace(".", "") + "." + part
    elif "." in kept:
        first, *rest = kept.split(".")
        if len(rest) > 1 or len(rest[0]) == 3:
            if any(len(group) != 3 for group in rest) or not first:
                raise ValueError(text)
            kept = "".join((first, *rest))
    if not kept or not kept.replace(".", "", 1).lstrip("-").isascii():
        raise ValueError(text)
    if not kept.replace(".", "", 1).removeprefix("-").isdigit():
        raise ValueError(text)
    return Decimal(kept)


def in_words(amount: Decimal) -> str:
    """``Một trăm hai mươi nghìn đồng``; what is behind the comma is rounded half up to a đồng."""
    whole = int(amount.to_integral_value(rounding=ROUND_HALF_UP))
    sentence = f"{_number_words(abs(whole))} đồng"
    if whole < 0:
        sentence = f"âm {sentence}"
    return sentence[0].upper() + sentence[1:]


def _number_words(number: int) -> str:
    if number < 1000:
        return _below_thousand(number, leading=True)
    billions, rest = divmod(number, 10**9)
    words = f"{_number_words(billions)} tỷ" if billions else ""
    for power in (2, 1, 0):
        group, rest = divmod(rest, 1000**power)
        if group:
            words += f" {_below_thousand(group, leading=not words)}{_SCALES[power]}"
    return words.strip()


def _below_thousand(number: int, *, leading: bool) -> str:
    hundreds, rest = divmod(number, 100)
    words = [] if leading and not hundreds else [f"{_DIGITS[hundreds]} trăm"]
    tens, ones = divmod(rest, 10)
    if tens == 0 and ones:
        words.append(f"lẻ {_DIGITS[ones]}" if words else _DIGITS[ones])
    elif tens == 1:
        words.append("mười" + (f" {'lăm' if ones == 5 else _DIGITS[ones]}" if ones else ""))
    elif tens:
        last = {0: "", 1: " mốt", 5: " lăm"}.get(ones, f" {_DIGITS[ones]}")
        words.append(f"{_DIGITS[tens]} mươi{last}")
    return " ".join(words) or _DIGITS[0]
