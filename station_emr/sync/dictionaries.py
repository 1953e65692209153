"""The compression dictionaries of the protocol, by number. A new one gets a new number; the old ones
stay, because a server of last year may know no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

import zstandard

from station_emr.services.resources import resource_path

NEWEST: Final = 1


@cache
def shipped() -> frozenset[int]:
    """The numbers that this program knows."""
    return frozenset(one for one in range(1, NEWEST + 1) if dictionary(one) is not None)


def best_of(offered: Iterable[int] | None) -> int:
    """The highest that both ends know; 0 for none. ``None``: the server's statement was not read for
    them yet, and every server that has the exchange began with the first.
    """
    return max(shipped() & set((1,) if offered is None else offered), default=0)


@cache
def dictionary(number: int) -> zstandard.ZstdCompressionDict | None:
    """None when this program does not ship it."""
    if number < 1:
        return None
    try:
        content = resource_path("sync", f"dictionary-{number}.zdict").read_bytes()
    except OSError:
        return None
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_FULLDICT)


@cache
def compressor(number: int, level: int) -> zstandard.ZstdCompressor:
    """One compressor per number and level: making its tables is dear, using them is not.

    Whoever uses it holds a lock: two threads at once would crash the program. ``number`` 0 is zstd without a dictionary.
    """
    return zstandard.ZstdCompressor(
        level=level, dict_data=dictionary(number), write_content_size=True, write_checksum=True
    )
