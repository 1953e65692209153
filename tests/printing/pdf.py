"""Reading back what was printed, with poppler and a barcode reader: none of the program's own code."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None or shutil.which("pdftoppm") is None,
    reason="poppler (pdftotext, pdftoppm) is not installed on this machine",
)


@cache
def pages(data: bytes) -> tuple[str, ...]:
    """The text of each page, one line per printed line."""
    done = subprocess.run(
        ["pdftotext", "-layout", "-enc", "UTF-8", "-", "-"],
        input=data,
        capture_output=True,
        check=True,
    )
    return tuple(done.stdout.decode("utf-8").split("\f")[:-1])


def words(text: str) -> str:
    """Single spaces, no line ends: what a sentence is when the page width does not matter."""
    return re.sub(r"\s+", " ", text).strip()


def text(data: bytes) -> str:
    return words(" ".join(pages(data)))


def codes(data: bytes, folder: Path, *, dpi: int) -> list[list[str]]:
    """Texts of the QR codes on each page, read from a picture of the page."""
    (folder / "in.pdf").write_bytes(data)
    subprocess.run(
        ["pdftoppm", "-r", str(dpi), "-gray", str(folder / "in.pdf"), str(folder / f"at{dpi}")],
        check=True,
    )
    found = []
    for path in sorted(folder.glob(f"at{dpi}-*.pgm")):
        with Image.open(path) as picture:
            found.append([code.text for code in zxingcpp.read_barcodes(picture)])
    return found


def in_order(haystack: str, needles: list[str]) -> str | None:
    """The first needle that does not come after the one before it, or None."""
    at = 0
    for needle in needles:
        found = haystack.find(needle, at)
        if found < 0:
            return needle
        at = found + len(needle)
    return None
