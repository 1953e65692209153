"""Resources that are like one that was judged before.

A pulse of this visit and one of another differ in the visit, the person, the moment and the number,
and in nothing that a judge asks about. So these are written alike first: the record's own id, the person
and the visit that it points at, every full moment and every measured number of a few digits. What is
then the same, byte for byte, is as good as it was the first time; only so much of it is remembered
(`parts.py`).

Nothing of this may change a verdict. To the shapes every id is as good as another one, and so is every
moment and every such number (`Quantity.value`). Whether a resource belongs to its record, and at whom it
points, is known by the words that stand for these ids; a line that holds one of the words itself is left
to the slow judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from provincial_server.exchange.parts import FAULTS, Part, pointers
from provincial_server.exchange.shapes import REST_OF_MOMENT, AnyResource
from provincial_server.resources import Key

_OWN = b"the-id-of-the-record-that-is-at-hand"  # as long as a UUID, and none
_OWN_TEXT = _OWN.decode()
_OTHERS = {b"Patient/": b"the-person-it-is-about", b"Encounter/": b"the-visit-it-belongs-to"}
_NAME = re.compile(rb'([A-Za-z0-9\-.]{1,64})"')
_MOMENT = re.compile(rb'"20\d\d-' + REST_OF_MOMENT.encode() + rb'"')
_ONE_MOMENT = b'"2000-01-01T00:00:00+07:00"'
_NUMBER = re.compile(rb'"value":[1-9]\d{0,5}(?:\.\d{1,4})?(?=[,}])')
_ONE_NUMBER = b'"value":1'
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")


class _Alike(Part):
    """Whole resources of all types. What is known of one: its type with the end of its id, then the
    persons and visits that it points at."""

    __slots__ = ()
    longest = 1024

    def _judged(self, text: bytes) -> tuple[Key, ...] | None:
        try:
            resource: Any = self._decoder.decode(text)
            if _ENCODER.encode(resource) != text:
                return None
        except FAULTS:
            return None
        name: str = resource.id
        end = name[len(_OWN_TEXT) :]
        if not name.startswith(_OWN_TEXT) or not (end == "" or end.startswith("-")):
            return None
        found = pointers(astuple(resource), resource.parts)
        return None if found is None else ((type(resource).__name__, end), *found)


_KNOWN = _Alike(AnyResource)


def judged_alike(
    record_id: str, resources: Sequence[msgspec.Raw]
) -> tuple[list[Key], set[Key]] | None:
    """The resources of a record, and the persons and visits that they point at; None when the slow
    judge has to look at one of them."""
    told = b"\n".join(resources)
    if _OWN in told or any(word in told for word in _OTHERS.values()):
        return None
    told, names = _written_alike(told, record_id)
    texts = told.split(b"\n")
    if len(texts) != len(resources):
        return None
    keys: list[Key] = []
    found: set[Key] = set()
    for text in texts:
        known = _KNOWN.lately.get(text) or _KNOWN.look(text)
        if known is None:
            return None
        (resource_type, end), *others = known
        keys.append((resource_type, record_id + end))
        found.update(others)
    return keys, {(kind, names.get(name, name)) for kind, name in found}


def _written_alike(told: bytes, record_id: str) -> tuple[bytes, dict[str, str]]:
    """And which ids the words stand for."""
    names = {_OWN_TEXT: record_id}
    told = told.replace(record_id.encode(), _OWN)
    for kind, word in _OTHERS.items():
        before = b'"reference":"' + kind  # inside a text the quotes are escaped
        place = told.find(before)
        name = _NAME.match(told, place + len(before)) if place >= 0 else None
        if name and name[1] != _OWN:
            told = told.replace(before + name[0], before + word + b'"')
            names[word.decode()] = name[1].decode()
    return _NUMBER.sub(_ONE_NUMBER, _MOMENT.sub(_ONE_MOMENT, told)), names
