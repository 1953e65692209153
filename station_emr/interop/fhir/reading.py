"""What all reverse mappings share: careful access to elements, and the one error of a bad unit.

A reader takes what it knows and passes over the rest, which stays in the line and is carried over.
What must be there and is not, or is of another type, makes the unit unreadable. No message holds
any part of a record, because messages end in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from .datatypes import VIETNAM, Json, Resource
from .uris import own_extension

TAKEN_BACK: Final = own_extension("taken-back")
RETIRED: Final = own_extension("entered-in-error")
"""Of types that have no status: a Basic."""
# What careless hands make of a unit: an absent key, a list for an object, a date that is none.
BROKEN: Final = (
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ValueError,
    ArithmeticError,
    StopIteration,
    RecursionError,
)


class UnreadableUnit(ValueError):
    """Resources that are not a whole unit of ours."""


def unreadable(why: str) -> UnreadableUnit:
    return UnreadableUnit(why)


@dataclass(slots=True)
class Parts:
    """A unit taken apart: ``live`` are the children that are content of the record, by the end of
    their id (``d1``); ``gone`` those that an earlier version had.
    """

    root: Resource
    record_id: str
    voided: bool
    live: dict[str, Resource] = field(default_factory=dict)
    gone: dict[str, Resource] = field(default_factory=dict)

    def numbered(self, kinds: Mapping[str, str]) -> list[tuple[str, Resource]]:
        """Children such as ``d1``, ``d2`` in order, each with its letter; ``kinds`` names the type
        by letter. A number that is simply not there means that the unit is not whole.
        """
        found: list[tuple[str, Resource]] = []
        live, number = self.live, 0
        while True:
            number += 1
            here = [letter for letter in kinds if f"{letter}{number}" in live]
            if len(here) > 1:
                raise unreadable("two children have the same place")
            if here:
                child = live[f"{here[0]}{number}"]
                if child["resourceType"] != kinds[here[0]]:
                    raise unreadable("a child is of another type than its id says")
                found.append((here[0], child))
            elif not any(f"{letter}{number}" in self.gone for letter in kinds):
                break
        expected = sum(end[0] in kinds and _is_number(end[1:]) for end in live)
        if len(found) != expected:
            raise unreadable("a child is missing")
        return found

    def only(self, end: str, kind: str) -> Resource:
        """The child that every unit of the record has, whatever somebody made of its status."""
        child = self.live.get(end) or self.gone.get(end)
        if child is None or child["resourceType"] != kind:
            raise unreadable("a part of the unit is missing")
        return child


def _is_number(text: str) -> bool:
    return text.isdecimal() and text != "0"


def text_in(holder: Json, name: str) -> str:
    """The text of an element, "" when it is absent."""
    value = holder.get(name, "")
    if isinstance(value, str):
        return value
    raise unreadable(f"{name} is no text")


def whole_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise unreadable("something is no text")


def integer_in(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)  # another server may write 80.0
    raise unreadable("something is no whole number")


def number_in(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    raise unreadable("something is no number")


def moment_in(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    return at if at.tzinfo is not None else at.replace(tzinfo=VIETNAM)


def maybe_moment(holder: Json, name: str) -> datetime | None:
    value = holder.get(name)
    return None if value is None else moment_in(value)


def date_in(value: str) -> date:
    return date.fromisoformat(value)


def maybe_date(holder: Json, name: str) -> date | None:
    value = holder.get(name)
    return None if value is None else date.fromisoformat(value)


def by_url(resource: Json) -> dict[str, Json]:
    """The extensions of an element; of several with one url the first."""
    found: dict[str, Json] = {}
    for one in resource.get("extension", ()):
        found.setdefault(one["url"], one)
    return found


def identified(resource: Json, system: str) -> Json:
    """The identifier of that system, {} when there is none."""
    for one in resource.get("identifier", ()):
        if one.get("system") == system:
            return dict(one)
    return {}


def coded(concept: Json, system: str) -> tuple[str, str]:
    """Code and display of the coding of that system; empty when there is none."""
    for one in concept.get("coding", ()):
        if one.get("system") == system:
            return text_in(one, "code"), text_in(one, "display")
    return "", ""


def first(holder: Json, name: str) -> Json:
    """The first item of a list of objects, {} when there is none."""
    items = holder.get(name)
    if not items:
        return {}
    item = items[0]
    if isinstance(item, dict):
        return item
    raise unreadable(f"{name} holds no object")


def first_text(holder: Json, name: str) -> str:
    items = holder.get(name)
    return whole_text(items[0]) if items else ""


def phone_in(holder: Json) -> str:
    for one in holder.get("telecom", ()):
        if one.get("system") == "phone":
            return text_in(one, "value")
    return ""


def referred(holder: Json, name: str, kind: str) -> str:
    """The id that an element refers to, "" when it is absent."""
    target = holder.get(name)
    return "" if target is None else id_in(target, kind)


def id_in(target: Json, kind: str) -> str:
    named, _, found = text_in(target, "reference").partition("/")
    if named != kind or not found:
        raise unreadable(f"a reference to {kind} points elsewhere")
    return found


def must_refer(holder: Json, name: str, reference: str) -> None:
    """A child that belongs to another record must never be read into this one."""
    if holder[name]["reference"] != reference:
        raise unreadable(f"{name} names another record")


def performed_by(performers: Any) -> str:
    """The reverse of ``performer``: an id or a name as typed."""
    if not performers:
        return ""
    one = performers[0]
    return id_in(one, "Practitioner") if "reference" in one else text_in(one, "display")


def is_retired(resource: Resource) -> bool:
    """Whether its type's way of saying "entered in error" is said."""
    if resource.get("active") is False or resource.get("status") == "entered-in-error":
        return True
    verification = resource.get("verificationStatus")
    if verification:
        return any(one.get("code") == "entered-in-error" for one in verification["coding"])
    if resource["resourceType"] == "Basic":
        return any(one.get("url") == RETIRED for one in resource.get("extension", ()))
    return resource["resourceType"] == "Location" and resource.get("status") == "inactive"


def is_gone(resource: Resource, *, voided: bool) -> bool:
    """Whether an earlier version had this and the present one does not. In a voided record every
    part is entered in error, and only what was no content any more says so by itself.
    """
    if not voided:
        return is_retired(resource)
    return any(one.get("url") == TAKEN_BACK for one in resource.get("extension", ()))
