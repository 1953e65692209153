"""Resources as the bytes that travel, and back, with the digits of every number as written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


def write_json(value: Any) -> bytes:
    """UTF-8, keys sorted, no spaces: the same value always gives the same bytes.

    Raises ValueError for what JSON cannot carry (half of a surrogate pair, a number that is none).
    """
    try:
        text = _ENCODER.encode(value)
    except (TypeError, RecursionError):
        raise ValueError("not a value of JSON") from None
    except ValueError:
        raise ValueError("text that is no Unicode") from None
    if b"NaN" in text or b"Infinity" in text:
        read_json(text)  # as a bare word it is no JSON; inside a text it is somebody's word
    return text


def read_json(text: bytes | str) -> Any:
    """Numbers with a point or an exponent are Decimal. Raises ValueError for anything else but
    one value of JSON in UTF-8, without quoting it.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
