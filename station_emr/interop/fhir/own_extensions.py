"""The extensions of ours, both ways: what FHIR has no element for, and what was signed as it stood.

Each is one extension with a part per field. A part that stands at its default is left out, and a
field that was emptied although its default is not empty says so (``valueCode: empty``): FHIR allows
no empty text, and a default of a later program must not fill in what nobody wrote.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple

from station_emr.domain.birth import BirthDate

from .datatypes import Json, moment
from .reading import date_in, integer_in, moment_in, number_in, unreadable
from .uris import own_extension

_EMPTY: Final = "empty"


class OwnFields:
    """Some fields of a record as the extension ``name``."""

    def __init__(self, name: str, kind: type, fields: Iterable[str]) -> None:
        self.url: Final = own_extension(name)
        self._names: Final = tuple(fields)
        self._kind: Final = kind

    def write(self, record: object, *leave_out: str) -> Json:
        """Empty when all fields stand at their defaults. ``leave_out`` are said elsewhere."""
        defaults = _plan(self._kind).defaults
        parts: list[Json] = []
        for name in self._names:
            value = getattr(record, name)
            if value != defaults[name] and name not in leave_out:
                _add(parts, name, value, defaults[name])
        return {"url": self.url, "extension": parts} if parts else {}

    def read(self, extensions: Mapping[str, Json]) -> dict[str, Any]:
        """The fields that are there, as keyword arguments of the record's class."""
        held = extensions.get(self.url)
        return {} if held is None else self.read_parts(held["extension"])

    def read_parts(self, parts: Iterable[Json]) -> dict[str, Any]:
        return _read(_plan(self._kind), parts, self._names)


class AsSigned:
    """Snapshots and signature as they stood at signing: compact, meant for our own reading back.

    A reprint shows what was signed whatever has changed since, on every machine; the elements
    beside it say the same in plain FHIR for everybody else.
    """

    url: Final = own_extension("as-signed")

    def __init__(self, kind: type, fields: Iterable[str]) -> None:
        self._names: Final = tuple(fields)
        self._kind: Final = kind

    def write(self, record: object) -> Json:
        parts: list[Json] = []
        for name in self._names:
            value = getattr(record, name)
            if value is not None:
                _add(parts, name, value, None)
        return {"url": self.url, "extension": parts} if parts else {}

    def read(self, extensions: Mapping[str, Json]) -> dict[str, Any]:
        held = extensions.get(self.url)
        return {} if held is None else _read(_plan(self._kind), held["extension"], self._names)


def emptied(name: str) -> Json:
    """A part that says: this field holds nothing."""
    return {"url": name, "valueCode": _EMPTY}


class _Plan(NamedTuple):
    kind: type
    defaults: dict[str, Any]
    readers: dict[str, Callable[[Json], Any]]
    repeated: frozenset[str]
    texts: tuple[str, ...]  # texts without a default: absent means empty


@cache
def _plan(kind: type) -> _Plan:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    repeated = {one.name for one in fields if typing.get_origin(hints[one.name]) is tuple}
    return _Plan(
        kind,
        {one.name: one.default for one in fields},
        {one.name: _reader(_bare(hints[one.name])) for one in fields},
        frozenset(repeated),
        tuple(
            one.name
            for one in fields
            if hints[one.name] is str and one.default is dataclasses.MISSING
        ),
    )


def _bare(hint: Any) -> Any:
    """``X`` of ``X | None`` and of ``tuple[X, ...]``."""
    if typing.get_origin(hint) in (types.UnionType, tuple):
        hint = next(one for one in typing.get_args(hint) if one not in (types.NoneType, ...))
    return hint


def _add(parts: list[Json], name: str, value: Any, default: Any) -> None:
    kind = value.__class__
    write = _WRITERS.get(kind)
    if write is not None:
        parts.append(write(name, value))
    elif kind is str:
        if value:
            parts.append({"url": name, "valueString": value})
        elif default is not dataclasses.MISSING:
            parts.append(emptied(name))
    elif kind is tuple or kind is list:
        for item in value:
            _add(parts, name, item, None)
    elif isinstance(value, Enum):
        parts.append({"url": name, "valueCode": value.value})
    elif value is not None:
        inside = _inside(value)
        parts.append({"url": name, "extension": inside} if inside else emptied(name))


_WRITERS: Final[dict[type, Callable[[str, Any], Json]]] = {
    bool: lambda name, value: {"url": name, "valueBoolean": value},
    int: lambda name, value: {"url": name, "valueInteger": value},
    Decimal: lambda name, value: {"url": name, "valueDecimal": value},
    datetime: lambda name, value: {"url": name, "valueDateTime": moment(value)},
    date: lambda name, value: {"url": name, "valueDate": value.isoformat()},
    BirthDate: lambda name, value: {"url": name, "valueDate": value.to_iso()},
}


def _inside(record: Any) -> list[Json]:
    kind: Any = type(record)
    parts: list[Json] = []
    for name, default in _plan(kind).defaults.items():
        value = getattr(record, name)
        if value != default:
            _add(parts, name, value, default)
    return parts


def _read(plan: _Plan, parts: Iterable[Json], names: Iterable[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    readers, repeated = plan.readers, plan.repeated
    for part in parts:
        name = part["url"]
        if name in readers and name in names:  # else: of a later program, kept in the line
            value = readers[name](part)
            if name in repeated:
                values[name] = (*values.get(name, ()), value)
            elif name in values:
                raise unreadable("a part of an extension stands there twice")
            else:
                values[name] = value
    return values


def _whole(plan: _Plan, parts: Iterable[Json]) -> Any:
    values = _read(plan, parts, plan.readers)
    for name in plan.texts:
        values.setdefault(name, "")
    return plan.kind(**values)


def _reader(kind: Any) -> Callable[[Json], Any]:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if issubclass(kind, Enum):
        return lambda part: kind(part["valueCode"])
    plan = _plan(kind)
    return lambda part: _whole(plan, () if _is_emptied(part) else part["extension"])


def _is_emptied(part: Json) -> bool:
    return part.get("valueCode") == _EMPTY


def _text(part: Json) -> str:
    value = part.get("valueString")
    if isinstance(value, str):
        return value
    if _is_emptied(part):
        return ""
    raise unreadable("a part of an extension is no text")


def _flag(part: Json) -> bool:
    value = part["valueBoolean"]
    if value is True or value is False:
        return bool(value)
    raise unreadable("a part of an extension is neither true nor false")


def _moment(part: Json) -> datetime | None:
    return None if _is_emptied(part) else moment_in(part["valueDateTime"])


_SIMPLE: Final[dict[type, Callable[[Json], Any]]] = {
    str: _text,
    bool: _flag,
    int: lambda part: integer_in(part["valueInteger"]),
    Decimal: lambda part: number_in(part["valueDecimal"]),
    datetime: _moment,
    date: lambda part: date_in(part["valueDate"]),
    BirthDate: lambda part: BirthDate.from_iso(part["valueDate"]),
}
