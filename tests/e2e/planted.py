"""People planted to be looked for, and the search through everything a program wrote."""

from __future__ import annotations

import base64
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import zstandard

NAME = "Nguyễn Thị Cấy Ghép Mẫu"
NUMBER = "064192999777"
PHONE = "0907654321"
REASON = "Đau tức ngực cấy sẵn"
# Of the demo's own day, which is printed and signed.
OTHERS = ("Võ Hữu Tài", "064068990002", "Rơ Châm H'Bĕ̆", "Đau ngực trái từng cơn")
PLANTED = (NAME, NUMBER, PHONE, REASON, *OTHERS)
# Whole pages and pictures of pages say everything without holding a word that could be found.
_DOCUMENTS = {b"%PDF-": "PDF", b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"%!PS": "PostScript"}
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_MOST = 4_000_000


def needles() -> dict[bytes, str]:
    found = {}
    for text in PLANTED:
        for form in ("NFC", "NFD"):
            shaped = unicodedata.normalize(form, text)
            for written in {shaped, shaped.upper(), shaped.casefold()}:
                for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                    found[written.encode(encoding)] = f"{text} ({form}, {encoding})"
        found[base64.b64encode(text.encode())[:-4]] = f"{text} (base64)"
        found[text.encode().hex().encode()] = f"{text} (hex)"
        found[text.encode("unicode_escape")] = f"{text} (escaped)"
    return found


def layers(content: bytes) -> Iterator[bytes]:
    """The content, and whatever is packed inside it."""
    yield content
    for match in _ZLIB.finditer(content):
        unpacked = _inflated(content[match.start() :], zlib.MAX_WBITS)
        if unpacked:
            yield unpacked
    for start in _starts(content, b"\x1f\x8b\x08"):
        yield _inflated(content[start:], zlib.MAX_WBITS | 16)
    for start in _starts(content, b"\x28\xb5\x2f\xfd"):
        try:
            opened = zstandard.ZstdDecompressor().decompressobj()
            yield opened.decompress(content[start:])[:_MOST]
        except zstandard.ZstdError:
            continue
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield packed.read(name)


def _starts(content: bytes, magic: bytes) -> Iterator[int]:
    at = content.find(magic)
    while at >= 0:
        yield at
        at = content.find(magic, at + 1)


def _inflated(content: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(content, _MOST)
    except zlib.error:
        return b""


def leaks(root: Path, *, besides: str) -> list[str]:
    """What stands readable in any file below ``root``, but not in the folder ``besides``; also a
    name of a file that says it, and any page or picture.
    """
    wanted = needles()
    found = []
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        if place.parts[0] == besides or not path.is_file():
            continue
        content = path.read_bytes()
        for magic, kind in _DOCUMENTS.items():
            if content.startswith(magic):
                found.append(f"{place}: {kind}")
        told = {
            what
            for layer in (*layers(content), str(place).encode())
            for needle, what in wanted.items()
            if needle in layer
        }
        found += [f"{place}: {what}" for what in sorted(told)]
    return found
