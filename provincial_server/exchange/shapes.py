"""The table of R4 elements, compiled: typed shapes that judge a line while they read it.

They are strictly narrower than `structure.py`: what they pass, that passes too (a test sees to it);
what they refuse is judged again there, element by element, which costs ten times as much. Left out
is what no station sends or what a type cannot say: contained resources, narrative, extensions of
primitives, a 29 February, deep nesting.

The shape of a resource leaves its parts as they are written; `parts.py` judges them, each once.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType

from provincial_server.exchange.parts import Part
from provincial_server.exchange.usual_words import EXTENSIONS, SYSTEMS
from provincial_server.structure import RESOURCES, STORED_TYPES, TYPES, Element
from provincial_server.validation import LONGEST_IDENTIFIER

_NESTED = 6
"""Levels of objects below a resource. The slow judge counts 32 levels of JSON."""

_YEAR = r"[1-9]\d{3}"
_MONTH_DAY = (
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
REST_OF_MOMENT = rf"{_MONTH_DAY}T{_CLOCK}(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)"
"""Behind the year."""
_MOMENT = rf"{_YEAR}-{REST_OF_MOMENT}"
_DATE = rf"{_YEAR}(?:-{_MONTH_DAY}|-(?:0[1-9]|1[0-2]))?"
_SHORT_TEXT = 4000


def _text(pattern: str) -> Any:
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z", max_length=_SHORT_TEXT)]


if TYPE_CHECKING:
    Id = str
    Instant = str
else:
    Id = _text(r"[A-Za-z0-9\-.]{1,64}")
    Instant = _text(_MOMENT)
_PRIMITIVES: Mapping[str, Any] = {
    "base64Binary": Annotated[bytes, Meta(min_length=1)],
    "boolean": bool,
    "canonical": _text(r"\S+"),
    "code": _text(r"\S+(?: \S+)*"),
    "date": _text(_DATE),
    "dateTime": _text(rf"{_MOMENT}|{_DATE}"),
    "decimal": Decimal,
    "id": Id,
    "instant": Instant,
    "integer": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    "markdown": Annotated[str, Meta(min_length=1)],
    "positiveInt": Annotated[int, Meta(ge=1, le=2**31 - 1)],
    "string": Annotated[str, Meta(min_length=1)],
    "time": _text(_CLOCK),
    "unsignedInt": Annotated[int, Meta(ge=0, le=2**31 - 1)],
    "uri": _text(r"\S+"),
    "url": _text(r"\S+"),
}
_REFERENCE = ("reference", "identifier", "display")
_LEFT_OUT = frozenset({"contained", "modifierExtension", "implicitRules"})
_NOT_SPOKEN = frozenset(
    {
        "Basic",
        "Binary",
        "Communication",
        "Composition",
        "Consent",
        "Invoice",
        "Provenance",
        "QuestionnaireResponse",
    }
)
_NEVER = frozenset({"Narrative", "Resource", "SampledData"})


_BY_ITSELF = frozenset(
    {"boolean", "date", "dateTime", "decimal", "id", "instant", "integer"}
    | {"positiveInt", "time", "unsignedInt"}
)
"""Primitives whose type alone says that nothing unusual is in them."""


class Resource(msgspec.Struct, gc=False):
    """Every resource begins as one of these; its class says its type."""

    id: Id

    if TYPE_CHECKING:
        parts: ClassVar[tuple[Part | None, ...]]
        """Of its fields, in their order."""


def _check_decimal(value: Any) -> None:
    """Far inside of what the slow judge allows; numbers of a record have a few digits."""
    if value is not UNSET:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int) or len(digits) > 20 or not -20 <= exponent <= 0:
            raise ValueError("a number out of the usual")


def _after(table: Mapping[str, Element], names: Mapping[str, str], also: Any = None) -> Any:
    """What must be looked at once a value has been read, or None. `names` holds the elements that
    the shape has, with their attributes."""
    table = {name: row for name, row in table.items() if name in names}
    decimals = [names[name] for name, row in table.items() if row.kind == "decimal"]
    groups: dict[str, list[str]] = {}
    needed = set()
    for name, row in table.items():
        if row.choice:
            groups.setdefault(row.choice, []).append(names[name])
            if row.choice_required:
                needed.add(row.choice)
    checks = [
        (attrgetter(*group), len(group) - 1, choice in needed)
        for choice, group in groups.items()
        if len(group) > 1
    ]
    single = [group[0] for choice, group in groups.items() if len(group) == 1 and choice in needed]
    if not decimals and not checks and not single:
        return also

    def look(self: Any) -> None:
        for name in decimals:
            _check_decimal(getattr(self, name))
        for group, absent, is_needed in checks:
            found = group(self).count(UNSET)
            if found < absent or (is_needed and found > absent):
                raise ValueError("one value of a choice")
        for name in single:
            if getattr(self, name) is UNSET:
                raise ValueError("one value of a choice")
        if also:
            also(self)

    return look


def _exactly_one(self: Any) -> None:
    """An extension has one value, or extensions of its own."""
    values = msgspec.structs.astuple(self)
    if values.count(UNSET) != len(values) - 1:
        raise ValueError("one value of an extension")


def _after_condition(self: Any) -> None:
    """An entry made in error has no clinical status (con-5)."""
    if self.clinicalStatus is UNSET or self.verificationStatus is UNSET:
        return
    if b'"entered-in-error"' in bytes(self.verificationStatus):  # the slow judge knows where
        raise ValueError("a clinical status of an entry made in error")


def _after_observation(self: Any) -> None:
    """A value, or a reason for its absence (obs-6)."""
    if self.dataAbsentReason is not UNSET and any(
        getattr(self, name) is not UNSET
        for name in self.__struct_fields__
        if name.startswith("value")
    ):
        raise ValueError("a value and a reason for its absence")


_ALSO = {"Condition": _after_condition, "Observation": _after_observation}


def _primitive(element: Element) -> Any:
    if element.kind == "code" and element.values:
        return Literal[tuple(sorted(element.values))]
    return _PRIMITIVES.get(element.kind)


def _field(element: Element, depth: int) -> Any:
    """The type of one element; None leaves it out."""
    if element.kind[0].islower():
        shape = _primitive(element)
    elif element.kind in _NEVER or depth <= 0:
        shape = None
    elif element.kind == "Reference":
        shape = _reference(element.values, depth - 1)
    else:
        shape = _complex(element.kind, depth - 1)
    if shape is not None and element.many:
        many: Any = list.__class_getitem__(shape)
        return Annotated[many, Meta(min_length=1)]
    return shape


class _Parts(dict[str, Part]):
    """Element → part, of one resource."""

    def keep(self, name: str, element: Element, shape: Any) -> Any:
        """The type of the field: its own, or bytes that a part judges."""
        closed = element.kind in _BY_ITSELF or (element.kind == "code" and element.values)
        if closed and not element.many:
            return shape
        self[name] = part_of(shape)
        return msgspec.Raw


@cache
def part_of(shape: Any) -> Part:
    """One for all places where the same is allowed."""
    return Part(shape)


def _members(
    table: Mapping[str, Element], depth: int, parts: _Parts | None = None
) -> tuple[list[Any], dict[str, str]] | None:
    """Fields for `defstruct`, and element → attribute; None if a required one is left out."""
    required: list[Any] = []
    optional: list[Any] = []
    names: dict[str, str] = {}
    for name, element in table.items():
        shape = None if name in _LEFT_OUT else _field(element, depth)
        if shape is None:
            if element.required:
                return None
            continue
        if parts is not None:
            shape = parts.keep(name, element, shape)
        names[name] = f"{name}_" if keyword.iskeyword(name) else name
        if element.required:
            required.append((names[name], shape))
        else:
            optional.append((names[name], Union[shape, UnsetType], UNSET))  # noqa: UP007 -- at run time
    return [*required, *optional], names


def _define(
    label: str,
    table: Mapping[str, Element],
    depth: int,
    *,
    also: Any = None,
    parts: _Parts | None = None,
    **options: Any,
) -> Any:
    made = _members(table, depth, parts)
    if made is None:
        return None
    fields, names = made
    look = _after(table, names, also)
    return msgspec.defstruct(
        label,
        fields,
        namespace={"__post_init__": look} if look else {},
        rename={python: name for name, python in names.items() if python != name},
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
        **options,
    )


@cache
def _complex(kind: str, depth: int) -> Any:
    table: Mapping[str, Element] = TYPES[kind]
    if kind == "Extension":
        return _extension(table, depth)
    if kind == "Coding":
        return _coding(table, depth)
    if kind == "Identifier":
        made = _members(table, depth)
        assert made  # noqa: S101 -- nothing in it is required
        fields = [_shortened(field) for field in made[0]]
        return msgspec.defstruct(
            f"{kind}{depth}", fields, forbid_unknown_fields=True, kw_only=True, gc=False
        )
    return _define(f"{kind}{depth}", table, depth)


def _extension(table: Mapping[str, Element], depth: int) -> Any:
    """One shape for each usual extension, told apart by its address: no pattern has to be tried,
    and hardly ever a count of its values."""
    shapes = []
    for url, values in EXTENSIONS.items():
        alone = len(values) == 1
        rows = {
            value: replace(table[value], required=alone, choice=None, choice_required=False)
            for value in values
        }
        also = None if alone else _exactly_one
        made = _define("Extension", rows, depth, also=also, tag_field="url", tag=url)
        if made is not None:
            shapes.append(made)
    return Union[tuple(shapes)]  # noqa: UP007 -- at run time


def _coding(table: Mapping[str, Element], depth: int) -> Any:
    """The same for codes, told apart by their systems."""
    others = {name: row for name, row in table.items() if name not in {"system", "code"}}
    made = _members(others, depth)
    assert made  # noqa: S101 -- nothing in it is required
    shapes = [
        msgspec.defstruct(
            "Coding",
            [("code", Literal[codes] if codes else _PRIMITIVES["code"]), *made[0]],
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
            tag_field="system",
            tag=system,
        )
        for system, codes in SYSTEMS.items()
    ]
    return Union[tuple(shapes)]  # noqa: UP007 -- at run time


def _shortened(field: Any) -> Any:
    """System and value of an identifier are searched for, so their length has a limit."""
    limits = dict(zip(("system", "value"), LONGEST_IDENTIFIER, strict=True))
    if field[0] not in limits:
        return field
    longest = limits[field[0]]
    short: Any = Annotated[str, Meta(min_length=1, max_length=longest)]
    if field[0] == "system":
        short = Annotated[str, Meta(pattern=r"\A\S+\Z", max_length=longest)]
    return (field[0], Union[short, UnsetType], UNSET)  # noqa: UP007 -- at run time


@cache
def _reference(targets: frozenset[str], depth: int) -> Any:
    """Only what makes each of its elements enough by itself."""
    kinds = "|".join(sorted(targets)) if targets else "[A-Z][A-Za-z]{1,63}"
    literal = _text(rf"(?:{kinds})/[A-Za-z0-9\-.]{{1,64}}(?:/_history/[0-9]{{1,18}})?")
    table = {name: TYPES["Reference"][name] for name in _REFERENCE}
    fields = []
    for name, element in table.items():
        shape = literal if name == "reference" else _field(element, depth)
        if shape is not None:
            fields.append((name, Union[shape, UnsetType], UNSET))  # noqa: UP007 -- at run time
    return msgspec.defstruct(
        f"Reference{depth}", fields, forbid_unknown_fields=True, kw_only=True, gc=False
    )


def _resource(name: str) -> Any:
    table = {key: row for key, row in RESOURCES[name].items() if key != "id"}
    parts = _Parts()
    made = _define(
        name,
        table,
        _NESTED,
        also=_ALSO.get(name),
        parts=parts,
        bases=(Resource,),
        tag_field="resourceType",
        tag=name,
    )
    if made is not None:
        made.parts = tuple(parts.get(field) for field in made.__struct_encode_fields__)
    return made


SHAPES = {
    name: shape
    for name in STORED_TYPES
    if name not in _NOT_SPOKEN and (shape := _resource(name)) is not None
}
"""Type → its shape."""

if TYPE_CHECKING:
    AnyResource = Resource
else:
    AnyResource = Union[tuple(SHAPES.values())]  # noqa: UP007 -- at run time
