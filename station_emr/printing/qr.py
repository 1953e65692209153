"""QR codes as drawing instructions: sharp at every resolution, readable by a phone's camera."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import zxingcpp
from reportlab.lib.units import mm

from .sheet import Code

QUIET: Final = 4  # modules of white around a code that scanners need
_SHARP: Final[float] = 0.42 * mm  # a module this wide survives a worn ribbon and a cheap camera
_DENSE: Final = 600  # characters from which the weakest error correction is the readable choice
_BLEED: Final = 0.04  # modules overlap by this much so that no hairline shows between rows


@lru_cache(maxsize=4)  # one document asks for the same code several times
def matrix(text: str) -> tuple[bytes, ...]:
    """Rows of the code; 0 is a dark module."""
    level = "L" if len(text.encode()) > _DENSE else "M"
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    image: Any = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    side: int = image.shape[0]
    flat = bytes(memoryview(image))
    return tuple(flat[row * side : (row + 1) * side] for row in range(side))


def side_for(text: str, smallest: float) -> float:
    """The printed side with its quiet zone: at least ``smallest``, larger for dense codes."""
    return max(smallest, (len(matrix(text)) + 2 * QUIET) * _SHARP)


def quiet_zone(text: str, side: float) -> float:
    """Width of the white border inside the printed side."""
    return QUIET * side / (len(matrix(text)) + 2 * QUIET)


def operators(code: Code) -> str:
    """PDF path operators that fill the dark modules."""
    rows = matrix(code.text)
    module = code.side / (len(rows) + 2 * QUIET)
    parts: list[str] = []
    for number, row in enumerate(rows):
        y = code.y + code.side - (number + 1 + QUIET) * module
        start = 0
        for run in row.split(b"\xff"):
            if run:
                x = code.x + (start + QUIET) * module
                width = (len(run) + _BLEED) * module
                parts.append(f"{x:.2f} {y:.2f} {width:.2f} {module * (1 + _BLEED):.2f} re")
            start += len(run) + 1
    return " ".join(parts) + " f"
