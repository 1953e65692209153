"""QR codes as drawing instructions: sharp at every resolution, readable by a phone's camera."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import zxingcpp
from reportlab.lib.units import mm

QUIET: Final = 4  # modules of white around a code that scanners need
_SHARP: Final[float] = 0.42 * mm  # a module this wide survives a worn ribbon and a cheap camera
_LARGEST: Final = 97  # modules; beyond, weaker error correction with larger modules reads better
_BLEED: Final = ".04"  # modules overlap by this much so that no hairline shows between rows


@lru_cache(maxsize=4)  # one document asks for the same code several times
def matrix(text: str) -> tuple[bytes, ...]:
    """Rows of the code; 0 is a dark module."""
    image = _image(text, "M")
    if image.shape[0] > _LARGEST:
        image = _image(text, "L")
    side: int = image.shape[0]
    flat = bytes(memoryview(image))
    return tuple(flat[row * side : (row + 1) * side] for row in range(side))


def _image(text: str, level: str) -> Any:
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    return zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)


def side_for(text: str, smallest: float) -> float:
    """The printed side with its quiet zone: at least ``smallest``, larger for dense codes."""
    return max(smallest, modules(text) * _SHARP)


def quiet_zone(text: str, side: float) -> float:
    """Width of the white border inside the printed side."""
    return QUIET * side / modules(text)


def operators(text: str) -> str:
    """PDF path operators that fill the dark modules, one unit a module, quiet zone included."""
    rows = matrix(text)
    top = len(rows) + QUIET - 1
    parts: list[str] = []
    for number, row in enumerate(rows):
        x = QUIET
        for run in row.split(b"\xff"):
            if run:
                parts.append(f"{x} {top - number} {len(run)}{_BLEED} 1{_BLEED} re")
                x += len(run)
            x += 1
    return "\n".join(parts) + "\nf"


def modules(text: str) -> int:
    """Modules along one side, quiet zone included."""
    return len(matrix(text)) + 2 * QUIET
