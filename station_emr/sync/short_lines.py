"""Lines in fewer bytes: ids and times that a line repeats are written once (docs/sync.md, "Short
lines"). Reversible byte for byte, so an operation keeps its id.

A record's line names its person, its visit and its moment dozens of times. A general compressor pays
for each repetition, and for every break it makes in what would else be equal to the line before.
"""

from __future__ import annotations

import re
from typing import Final

# Control characters never stand in JSON, so they are free: one for each of the first ids and times.
_CODES: Final = tuple(bytes([code]) for code in (*range(1, 9), 11, 12, *range(14, 31)))
_AS_IT_IS: Final = b"\x1f"
# Looking only behind these two makes the search eight times as fast.
_TOKEN: Final = (
    rb'["/](?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2})"
)
_TOKENS: Final = re.compile(_TOKEN)
_CONTROL: Final = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]")
_BOTH: Final = re.compile(_TOKEN + rb"|[\x01-\x08\x0b\x0c\x0e-\x1f]")


class NotShort(ValueError):
    """A short line that stands for no line."""


def shorten(line: bytes) -> bytes:
    """The same line in fewer bytes; one that holds control characters goes as it is."""
    if _CONTROL.search(line):
        return _AS_IT_IS + line
    known: dict[bytes, bytes] = {}

    def code(found: re.Match[bytes]) -> bytes:
        here = found.group()
        token = here[1:]
        short = known.get(token)
        if short is None:
            if len(known) < len(_CODES):
                known[token] = _CODES[len(known)]
            return here
        return here[:1] + short

    return _TOKENS.sub(code, line)


def lengthen(short: bytes, largest: int) -> bytes:
    """The line that was shortened. Raises NotShort, also before it gets longer than ``largest``."""
    if short.startswith(_AS_IT_IS):
        return short[1:]
    known: dict[bytes, bytes] = {}
    seen: set[bytes] = set()
    length = len(short)

    def token(found: re.Match[bytes]) -> bytes:
        nonlocal length
        here = found.group()
        if len(here) > 1:
            if here[1:] not in seen and len(known) < len(_CODES):
                seen.add(here[1:])
                known[_CODES[len(known)]] = here[1:]
            return here
        full = known.get(here)
        if full is None:
            raise NotShort("a code that stands for nothing")
        length += len(full)
        if length > largest:
            raise NotShort("longer than it may be")
        return full

    return _BOTH.sub(token, short)
