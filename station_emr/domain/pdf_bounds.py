"""What a PDF may hold before it is given to the library that draws it.

That library believes a file: a font of one kilobyte that unfolds to gigabytes, or one whose glyphs
show another font's glyphs ten times each, would stop the whole program. Our own papers are plain,
so only what they are made of is let through, and all of it is unfolded once within bounds.
"""

from __future__ import annotations

import base64
import re
import zlib
from bisect import bisect
from typing import Final

from .errors import UserError

LARGEST: Final = 64 * 1024 * 1024
"""Of the file, and of all that unfolds from it."""
_MOST_PIXELS: Final = 60_000_000
_MOST_NESTED: Final = 8  # drawn at most twenty times over; the stamp of a signature needs two
_PIECE: Final = 1024 * 1024

REFUSED: Final = (
    "Tệp PDF này có cấu trúc bất thường nên không được mở ở đây, tránh làm treo máy. "
    "Hồ sơ vẫn an toàn. Hãy in lại giấy từ chương trình, hoặc hỏi nơi gửi tệp."
)

_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
_OBJECT: Final = re.compile(rb"[\r\n]\s*\d{1,10}\s+\d{1,5}\s+obj\b")
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_FILTER: Final = re.compile(rb"/Filter\s*(\[[^\]]*\]|/\w+)?")
_KINDS: Final = frozenset({(), (b"FlateDecode",), (b"ASCII85Decode", b"FlateDecode")})
_NEVER: Final = re.compile(
    rb"/(Type3|CharProcs|ObjStm|Encrypt|PatternType|SMask|JavaScript|Launch|EmbeddedFile)\b"
)
_SIDES: Final = re.compile(rb"/(Width|Height)\s+(\d+)")
_DRAWS_ANOTHER: Final = re.compile(rb"(?:^|[\s\])>/])Do(?:[\s%]|$)")


def refuse_hostile(pdf: bytes) -> None:
    """Raises UserError for what none of our papers holds or what unfolds beyond the bounds."""
    if len(pdf) > LARGEST:
        raise UserError(REFUSED)
    left, nested = LARGEST, 0
    begins = [found.start() for found in _OBJECT.finditer(pdf)]
    # Also what seems to lie within another stream: the table at the end may point anywhere.
    for found in _STREAM.finditer(pdf):
        place = bisect(begins, found.start())
        head = _ESCAPED.sub(_letter, pdf[begins[place - 1] if place else 0 : found.start()])
        if b")" in head:  # words could pass for the beginning of the object
            raise UserError(REFUSED)
        kinds = _kinds(head)
        if kinds not in _KINDS:
            raise UserError(REFUSED)
        if kinds:
            body = _unfold(pdf, found.end(), left, armoured=len(kinds) == 2)
        else:
            end = pdf.find(b"endstream", found.end())
            body = pdf[found.end() : end if end >= 0 else len(pdf)]
        left -= len(body)
        nested += _drawn_within(head, body)
        if left < 0 or nested > _MOST_NESTED or _is_too_wide(head):
            raise UserError(REFUSED)
    if _NEVER.search(_ESCAPED.sub(_letter, pdf)):
        raise UserError(REFUSED)


def _letter(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def _kinds(head: bytes) -> tuple[bytes, ...] | None:
    """How the stream is packed; None for what is not said here."""
    said = _FILTER.findall(head)
    if not said:
        return ()
    if len(said) > 1 or not said[0]:
        return None
    return tuple(re.findall(rb"/(\w+)", said[0]))


def _unfold(pdf: bytes, start: int, left: int, *, armoured: bool) -> bytes:
    """The bytes of the stream, which ends by its own account: what the file says of its length is
    not believed.
    """
    data = pdf
    if armoured:
        end = pdf.find(b"~>", start)
        if end < 0:
            raise UserError(REFUSED)
        try:
            data, start = base64.a85decode(pdf[start:end].strip()), 0
        except ValueError as error:
            raise UserError(REFUSED) from error
    unpacker = zlib.decompressobj()
    made: list[bytes] = []
    try:
        while not unpacker.eof and start < len(data):
            made.append(unpacker.decompress(data[start : start + _PIECE], left + 1))
            left -= len(made[-1])
            if left < 0 or unpacker.unconsumed_tail:
                raise UserError(REFUSED)
            start += _PIECE
    except zlib.error as error:
        raise UserError(REFUSED) from error
    return b"".join(made)


def _is_too_wide(head: bytes) -> bool:
    pixels = 1
    for _name, digits in _SIDES.findall(head):
        pixels *= max(int(digits[:10]), 1)
    return pixels > _MOST_PIXELS


def _drawn_within(head: bytes, body: bytes) -> int:
    """How often a drawing that is drawn by name draws others by name: each level multiplies."""
    if not re.search(rb"/Subtype\s*/Form\b", head):
        return 0
    return len(_DRAWS_ANOTHER.findall(body))
