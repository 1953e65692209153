"""The shape of R4: which elements a resource may have, how often, and of which type.

The table `r4_elements.json` is derived from the standard (tests/server/r4_table.py makes it). This
module judges one resource by it and names every fault with a FHIRPath expression; what references
point at is judged elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import resources
from typing import Any

from provincial_server.faults import Issue

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_UNSAFE_MARKUP = re.compile(
    r"<\s*(script|iframe|object|embed|form|link|style|svg)\b|\bon\w+\s*=|javascript:", re.IGNORECASE
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_YEAR = r"([1-9]\d{3})"
_DATE = re.compile(_YEAR + r"(-(\d\d)(-(\d\d))?)?")
_MOMENT = re.compile(
    _YEAR + r"-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
)
_PATTERNS = {
    "id": ID,
    "code": re.compile(r"\S+( \S+)*"),
    "uri": re.compile(r"\S+"),
    "url": re.compile(r"\S+"),
    "canonical": re.compile(r"\S+"),
    "oid": re.compile(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "time": re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"),
}
_INTEGERS = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}
_LARGEST_EXPONENT = 30
_SHORT_TEXT = 4000
_ELEMENT_ONLY = frozenset({"id", "extension"})


@dataclass(frozen=True)
class Element:
    """One row of the table."""

    kind: str
    required: bool
    many: bool
    choice: str | None
    choice_required: bool
    values: frozenset[str]

    @classmethod
    def read(cls, text: str) -> Element:
        kind, cardinality, *rest = text.split(" ")
        choice = next((part[1:] for part in rest if part.startswith("@")), None)
        values = next((part for part in rest if not part.startswith("@")), "")
        return cls(
            kind=kind,
            required=cardinality.startswith("1"),
            many=cardinality.endswith("*"),
            choice=choice.rstrip("!") if choice else None,
            choice_required=bool(choice and choice.endswith("!")),
            values=frozenset(values.split("|")) if values else frozenset(),
        )


def _read_table() -> tuple[dict[str, dict[str, Element]], dict[str, dict[str, Element]]]:
    text = resources.files("provincial_server").joinpath("r4_elements.json").read_text("utf-8")
    stored, parts = (
        {
            name: {element: Element.read(row) for element, row in rows.items()}
            for name, rows in group.items()
        }
        for group in json.loads(text).values()
    )
    return stored, parts


RESOURCES, TYPES = _read_table()
CONTAINED_ONLY = frozenset({"Medication", "Specimen"})
"""Judged, but not stored by address."""
STORED_TYPES = tuple(sorted(RESOURCES.keys() - CONTAINED_ONLY))


@dataclass(frozen=True)
class FoundReference:
    """A reference inside a resource, with the place it stands at and the types allowed there."""

    path: str
    holder: dict[str, Any]
    targets: frozenset[str]


class StructureCheck:
    """Walks one resource; afterwards `issues` and `references` say what was found."""

    def __init__(self, *, most_issues: int = 20) -> None:
        self.issues: list[Issue] = []
        self.references: list[FoundReference] = []
        self._most_issues = most_issues

    def resource(self, resource: dict[str, Any]) -> None:
        resource_type = resource["resourceType"]
        self._members(resource, RESOURCES[resource_type], resource_type, resource_type)

    def _fault(self, code: str, path: str, diagnostics: str) -> None:
        if len(self.issues) < self._most_issues:
            self.issues.append(Issue(code, diagnostics, path))

    def _members(
        self, holder: dict[str, Any], table: dict[str, Element], path: str, resource_type: str = ""
    ) -> None:
        chosen: dict[str, str] = {}
        for name, value in holder.items():
            if name == "resourceType" and resource_type:
                continue
            element = table.get(name.removeprefix("_"))
            if element is None or (name.startswith("_") and element.kind[0].isupper()):
                # The name came from outside: it is quoted only if it looks like an element's name.
                shown = name if re.fullmatch(r"_?[A-Za-z]{1,40}", name) else "?"
                self._fault("structure", path, f"unknown element {shown}")
                continue
            bare = name.removeprefix("_")
            if element.choice and chosen.setdefault(element.choice, bare) != bare:
                self._fault("structure", f"{path}.{bare}", f"a second value of {element.choice}[x]")
            if name.startswith("_"):
                self._primitive_extension(value, element, f"{path}.{bare}")
            else:
                self._element(value, element, f"{path}.{name}", f"_{name}" in holder)
        self._missing(holder, table, path, chosen)

    def _missing(
        self,
        holder: dict[str, Any],
        table: dict[str, Element],
        path: str,
        chosen: dict[str, str],
    ) -> None:
        for name, element in table.items():
            if element.required and name not in holder and f"_{name}" not in holder:
                self._fault("required", f"{path}.{name}", "a required element is missing")
        needed = {row.choice for row in table.values() if row.choice and row.choice_required}
        for choice in sorted(needed - chosen.keys()):
            self._fault("required", f"{path}.{choice}", "a required element is missing")

    def _element(self, value: Any, element: Element, path: str, extended: bool) -> None:
        if not element.many:
            self._value(value, element, path)
            return
        if not isinstance(value, list) or not value:
            self._fault("structure", path, "this element is a list of at least one item")
            return
        for place, item in enumerate(value):
            if item is None and extended and element.kind[0].islower():
                continue  # the value is given by the extension in the same place
            self._value(item, element, f"{path}[{place}]")

    def _value(self, value: Any, element: Element, path: str) -> None:
        if element.kind[0].islower():
            problem = primitive_problem(element.kind, value)
            if problem:
                self._fault("value", path, problem)
            elif element.kind == "code" and element.values and value not in element.values:
                self._fault("code-invalid", path, "the code is not in the required value set")
            return
        if not isinstance(value, dict):
            self._fault("structure", path, f"an object of type {element.kind} is expected")
        elif not value:
            self._fault("structure", path, "an object must not be empty")
        elif element.kind == "Resource":
            self._contained(value, path)
        else:
            if element.kind == "Reference":
                self.references.append(FoundReference(path, value, element.values))
            elif element.kind == "Extension" and not _says_one_thing(value):
                self._fault("invariant", path, "extensions or one value, not both (ext-1)")
            self._members(value, TYPES[element.kind], path)

    def _contained(self, value: dict[str, Any], path: str) -> None:
        inner = value.get("resourceType")
        if not isinstance(inner, str) or inner not in RESOURCES:
            self._fault("not-supported", path, "this type of contained resource is not stored")
        elif "contained" in value:
            self._fault("invariant", path, "a contained resource may not contain another (dom-2)")
        elif "id" not in value:
            self._fault("required", f"{path}.id", "a contained resource needs an id")
        else:
            self._members(value, RESOURCES[inner], path, inner)

    def _primitive_extension(self, value: Any, element: Element, path: str) -> None:
        items = value if element.many else [value]
        if not isinstance(items, list) or not items:
            self._fault("structure", path, "the extensions of a list are a list")
            return
        for item in items:
            if item is None and element.many:
                continue
            if not isinstance(item, dict) or not item or item.keys() - _ELEMENT_ONLY:
                self._fault("structure", path, "only id and extension may stand here")
                continue
            extensions = item.get("extension")
            if extensions is not None:
                row = TYPES["Extension"]["extension"]
                self._element(extensions, row, f"{path}.extension", extended=False)


def _says_one_thing(extension: dict[str, Any]) -> bool:
    """Several values are found as a choice made twice."""
    valued = any(name.lstrip("_").startswith("value") for name in extension)
    return valued is not ("extension" in extension)


def primitive_problem(kind: str, value: Any) -> str | None:
    """Why the value is not of this primitive type, or None."""
    if kind == "boolean":
        return None if isinstance(value, bool) else "true or false is expected"
    if kind in _INTEGERS:
        low, high = _INTEGERS[kind]
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"a whole number of type {kind} is expected"
    if kind == "decimal":
        return _decimal_problem(value)
    if not isinstance(value, str):
        return f"a text of type {kind} is expected"
    return _text_problem(kind, value)


def _decimal_problem(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return "a number is expected"
    if isinstance(value, Decimal) and abs(value.adjusted()) > _LARGEST_EXPONENT:
        return "the number is out of range"
    return None


def _text_problem(kind: str, value: str) -> str | None:
    if not value or value.isspace():
        return "a text must not be empty"
    if _CONTROL.search(value):
        return "a text holds control characters"
    pattern = _PATTERNS.get(kind)
    if pattern is not None:
        fits = len(value) <= _SHORT_TEXT and pattern.fullmatch(value)
        return None if fits else f"the text is not a valid {kind}"
    if kind in {"date", "dateTime", "instant"}:
        return None if _is_moment(kind, value) else f"the text is not a valid {kind}"
    if kind == "base64Binary":
        return None if _is_base64(value) else "the text is not base64"
    if kind == "xhtml" and (not value.startswith("<div") or _UNSAFE_MARKUP.search(value)):
        return "the narrative is not a plain XHTML div"
    return None


def _is_moment(kind: str, value: str) -> bool:
    try:
        if kind != "instant" and (match := _DATE.fullmatch(value)):
            date(int(match[1]), int(match[3] or 1), int(match[5] or 1))
            return True
        if kind == "date" or not _MOMENT.fullmatch(value):
            return False
        datetime.fromisoformat(value[:19])  # the calendar: no 30 February
    except ValueError:
        return False
    return True


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
