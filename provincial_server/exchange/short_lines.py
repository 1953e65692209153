"""Lines in fewer bytes: ids and times that a line repeats are written once (docs/sync.md, "Short
lines"). Reversible byte for byte, so an operation keeps its id.

A record's line names its person, its visit and its moment dozens of times. A general compressor pays
for each repetition, and for every break it makes in what would else be equal to the line before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Control characters never stand in JSON, so they are free: one for each of the first ids and times.
_CODES: Final = tuple(bytes([code]) for code in (*range(1, 9), 11, 12, *range(14, 31)))
_AS_IT_IS: Final = b"\x1f"
# A hyphen is rare in a line, a quotation mark is not: a token is found by the first hyphen in it.
_UUID: Final = rb"(?<=[\"/][0-9a-f]{8}-)[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TIME: Final = (
    rb"(?<=[\"/][0-9]{4}-)[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    rb"(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2}"
)
_TOKENS: Final = re.compile(rb"-(?:(" + _UUID + rb")|" + _TIME + rb")")
_IN_UUID, _IN_TIME = 8, 4  # where the first hyphen stands
_CONTROL: Final = bytes((*range(1, 9), 11, 12, *range(14, 32)))


class NotShort(ValueError):
    """A short line that stands for no line."""


def shorten(line: bytes) -> bytes:
    """The same line in fewer bytes; one that holds control characters goes as it is."""
    if len(line.translate(None, _CONTROL)) < len(line):
        return _AS_IT_IS + line
    known: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    done = 0
    for token, start, end in _tokens(line):
        short = known.get(token)
        if short is not None:
            pieces += (line[done:start], short)
            done = end
        elif len(known) < len(_CODES):
            known[token] = _CODES[len(known)]
    pieces.append(line[done:])
    return b"".join(pieces)


def lengthen(short: bytes, largest: int) -> bytes:
    """The line that was shortened. Raises NotShort, also before it gets longer than ``largest``."""
    if short.startswith(_AS_IT_IS):
        return short[1:]
    known: dict[bytes, int] = {}  # the first of these that the line names, with where each ends
    for token, _, end in _tokens(short):
        if token not in known:
            known[token] = end
            if len(known) == len(_CODES):
                break
    found = [
        (code, token, short.count(code))
        for code, (token, end) in zip(_CODES, known.items(), strict=False)
        if _comes_after(short, code, end)
    ]
    if len(short) + sum(count * (len(token) - 1) for _, token, count in found) > largest:
        raise NotShort("longer than it may be")
    line = short
    for code, token, _ in found:
        line = line.replace(code, token)
    if len(line.translate(None, _CONTROL)) < len(line):
        raise NotShort("a code that stands for nothing")
    return line


def _comes_after(short: bytes, code: bytes, end: int) -> bool:
    """Whether a code is used, and only behind the text that it stands for."""
    first = short.find(code)
    if 0 <= first < end:
        raise NotShort("a code that stands for nothing")
    return first >= 0


def _tokens(line: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every id and time behind a quotation mark or a slash, with its place. No two overlap."""
    for found in _TOKENS.finditer(line):
        hyphen, end = found.span()
        start = hyphen - (_IN_UUID if found.lastindex else _IN_TIME)
        yield line[start:end], start, end
