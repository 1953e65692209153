"""Parts of resources that were judged before.

Most of what a station writes it has written before: the system of a code, the unit of a value, the
person that fourteen resources of one visit point at. A part (an element that holds others, or a text
that anybody may have written) is judged by its shape once, and known by its bytes after that. The same
bytes in the same place are as good the second time as the first; only so many of them are remembered.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import msgspec

from provincial_server.resources import Key

_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_POINTERS = re.compile(rb'"reference":"(Patient|Encounter)/([A-Za-z0-9\-.]{1,64})')
# Each of these is allowed in places, and the slow judge knows where.
_ESCAPED_CONTROL = re.compile(rb"\\[ubf]")
_BEGINS_WITH_SPACE = re.compile(
    rb'"(?: |\\[tnr]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80|\xe2\x81\x9f|\xe3\x80\x80)'
)
# The first byte of each, which is found twice as fast as all of them.
_MAY_BEGIN_WITH_SPACE = re.compile(rb'"[ \\\xc2\xe1\xe2\xe3]')
_MOST = 16_384
"""Parts that are remembered, and as many of the time before that."""
FAULTS = (msgspec.MsgspecError, ValueError, RecursionError)
"""What a reader raises for bytes that it does not know."""


class Part:
    """One shape, and the texts of it that were found in order."""

    __slots__ = ("_decoder", "before", "lately")
    longest: ClassVar[int] = 512
    """Bytes of what is remembered: longer ones hardly come twice."""
    _all: list[Part] = []  # noqa: RUF012 -- of all shapes, which share the room
    _count = 0

    def __init__(self, shape: Any) -> None:
        self._decoder = msgspec.json.Decoder(shape)
        self.lately: dict[bytes, tuple[Key, ...]] = {}
        self.before: dict[bytes, tuple[Key, ...]] = {}
        Part._all.append(self)

    def look(self, text: bytes) -> tuple[Key, ...] | None:
        """The persons and visits that it points at; None when the slow judge has to look at it."""
        found = self.before.get(text)
        if found is None:
            found = self._judged(text)
            if found is None:
                return None
        if len(text) <= self.longest:
            if Part._count >= _MOST:
                Part._forget()
            Part._count += 1
            self.lately[text] = found
        return found

    def _judged(self, text: bytes) -> tuple[Key, ...] | None:
        if _is_unusual(text):
            return None
        try:
            if _ENCODER.encode(self._decoder.decode(text)) != text:
                return None
        except FAULTS:
            return None
        found = _POINTERS.findall(text)  # inside a text the quotes are escaped
        return tuple((kind.decode(), name.decode()) for kind, name in set(found)) if found else ()

    @classmethod
    def _forget(cls) -> None:
        """What has not come since the last time. Threads may meet here: one more forgets more."""
        cls._count = 0
        for one in cls._all:
            one.before, one.lately = one.lately, {}


def _is_unusual(text: bytes) -> bool:
    """A control character, an object with nothing in it, a text that may be all space."""
    return (
        b"\x7f" in text
        or (b"\\" in text and _ESCAPED_CONTROL.search(text) is not None)
        or b"{}" in text
        or any(
            _BEGINS_WITH_SPACE.match(text, found.start())
            for found in _MAY_BEGIN_WITH_SPACE.finditer(text)
        )
    )


def pointers(values: tuple[Any, ...], parts: tuple[Part | None, ...]) -> set[Key] | None:
    """What all of these parts point at; None when the slow judge has to look at one of them. A value
    without a part has been judged by its type."""
    found: set[Key] = set()
    for value, part in zip(values, parts, strict=True):
        if part is None or value is msgspec.UNSET:
            continue
        text = bytes(value)
        some = part.lately.get(text)
        if some is None:
            some = part.look(text)
            if some is None:
                return None
        if some:
            found.update(some)
    return found
