"""A list's content as it travels: rows in lines of JSON, packed with zstd; and the difference to an
earlier one (docs/catalogs.md).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

import zstandard

from station_emr.domain.catalog_pack import CatalogPack

from .catalog_line import LARGEST_CONTENT

_COPY: Final = re.compile(rb"=(\d{1,9}) (\d{1,9})")
_MOST_CELLS: Final = 256


class Unfit(Exception):
    """Bytes that are not what the province signed."""


def unpack(packed: bytes, most: int) -> bytes:
    """At most ``most`` bytes. Raises Unfit."""
    inflate = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).decompressobj()
    plain = bytearray()
    try:
        for start in range(0, len(packed), 512):  # bounds what hostile bytes can unfold to
            plain += inflate.decompress(packed[start : start + 512])
            if len(plain) > most:
                raise Unfit
    except zstandard.ZstdError as error:
        raise Unfit from error
    if not inflate.eof:
        raise Unfit
    return bytes(plain)


def rebuild(old: bytes, told: bytes, most: int) -> bytes:
    """The new content from the old one and the difference. Raises Unfit."""
    rows = old.splitlines(keepends=True)
    made: list[bytes] = []
    size = 0
    for line in told.splitlines(keepends=True):
        copy = _COPY.fullmatch(line.rstrip(b"\n"))
        piece = [line]
        if copy is not None:
            first, count = int(copy[1]), int(copy[2])
            if first + count > len(rows):
                raise Unfit
            piece = rows[first : first + count]
        size += sum(map(len, piece))
        if size > most:
            raise Unfit
        made += piece
    return b"".join(made)


def check(pack: CatalogPack, plain: bytes) -> bytes:
    """The same bytes, when they are the signed ones. Raises Unfit."""
    if len(plain) != pack.size or hashlib.sha256(plain).hexdigest() != pack.sha256:
        raise Unfit
    return plain


def pack_content(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=9, write_checksum=True).compress(plain)


def rows_of(packed: bytes) -> list[list[str]]:
    """Raises ValueError for anything but rows of texts."""
    try:
        plain = unpack(packed, LARGEST_CONTENT)
        rows = [json.loads(line) for line in plain.decode("utf-8").split("\n")[:-1]]
    except (Unfit, RecursionError) as error:
        raise ValueError("these are no rows") from error
    for row in rows:
        if not isinstance(row, list) or not all(isinstance(cell, str) for cell in row):
            raise ValueError("these are no rows")
    return [row[:_MOST_CELLS] for row in rows]
