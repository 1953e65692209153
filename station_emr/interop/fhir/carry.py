"""What another program wrote into a unit, laid onto the unit of the next version.

For each resource three things are compared: what the unit before holds (theirs), what this program
would have written for the record it reads out of it (known), and what it writes now (ours). Only
where ours still says what was known do theirs count, and what was never known is added. So nothing
comes back that the new version changed or took out, and absence deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from station_emr.domain.record import RecordStatus

from .datatypes import Json, Resource
from .json_text import write_json
from .read_units import is_voided, read_unit
from .reading import BROKEN, TAKEN_BACK, UnreadableUnit, is_gone, is_retired, unreadable
from .units import build_unit, key_of, leftover, retired
from .uris import VN_CORE, UriTable

_SERVER_OWN: Final = frozenset({"versionId", "lastUpdated", "source"})
# R4 writes "one of several types" as a common beginning; two of them at once are invalid.
_CHOICES: Final = (
    "value",
    "effective",
    "performed",
    "onset",
    "occurrence",
    "medication",
    "deceased",
)
_NAMED_BY: Final = (("url",), ("system", "value"), ("system", "code"), ("reference",))
_POINTERS: Final = ("actor", "condition", "individual", "resource")


def carry_over(
    before: Sequence[Resource], resources: Sequence[Resource], *, uris: UriTable = VN_CORE
) -> tuple[Resource, ...]:
    """``resources`` with everything that ``before`` holds and the mapping does not know.

    A child follows its content when its number changed (the first of three diagnoses was taken
    out), else its id. Raises ValueError when ``before`` is no whole unit.
    """
    try:
        return _carried(before, resources, uris)
    except UnreadableUnit:
        raise
    except BROKEN:
        raise unreadable("the unit before cannot be carried over") from None


def _carried(
    before: Sequence[Resource], resources: Sequence[Resource], uris: UriTable
) -> tuple[Resource, ...]:
    said = read_unit(before, uris=uris)
    known = {key_of(one): one for one in build_unit(said.kind, said.record, said.status, uris=uris)}
    held = {key_of(one): one for one in before}
    if all(known.get(key) == one for key, one in held.items()) and held.keys() <= {
        key_of(one) for one in resources
    }:
        return tuple(resources)
    voided = is_voided(resources, said.kind)
    was_voided = said.status is RecordStatus.VOIDED
    sources = _sources(resources, held, known, voided=voided)
    made = [
        _laid(one, held[source], known.get(source, one)) if source is not None else one
        for one, source in zip(resources, sources, strict=True)
    ]
    there = {key_of(one) for one in resources}
    for key, one in held.items():
        if key in there:
            continue
        if key in known or is_gone(one, voided=was_voided):
            made.append(leftover(one, voided=voided))
        else:
            made.append(_retired_if_it_can(one) if voided else one)
    return tuple(made)


def _sources(
    resources: Sequence[Resource],
    held: dict[tuple[str, str], Resource],
    known: dict[tuple[str, str], Resource],
    *,
    voided: bool,
) -> list[tuple[str, str] | None]:
    """For each new resource the key of the one before that it continues."""
    by_content: dict[bytes, list[tuple[str, str]]] = {}
    for key, one in known.items():
        by_content.setdefault(_content(one), []).append(key)
    left = set(held)
    found: dict[int, tuple[str, str]] = {}

    def take(place: int, key: tuple[str, str]) -> None:
        found[place] = key
        left.discard(key)

    live = [
        place
        for place, one in enumerate(resources)
        if place == 0 or not is_gone(one, voided=voided)
    ]
    for place in live:
        key = key_of(resources[place])
        if place == 0 or (key in known and _content(known[key]) == _content(resources[place])):
            take(place, key)
    for place in live:
        if place not in found:
            same = by_content.get(_content(resources[place]), ())
            key = next((one for one in same if one in left), key_of(resources[place]))
            if key in left and key in known:
                take(place, key)
    for place in set(range(len(resources))) - set(live):
        key = key_of(resources[place])
        if key in left and (key in known or is_retired(held[key])):
            take(place, key)
    return [found.get(place) for place in range(len(resources))]


def _content(resource: Resource) -> bytes:
    """What makes a child this child, whatever its number."""
    named = resource.get("medicationCodeableConcept") or resource.get("code")
    return write_json(
        [
            resource["resourceType"],
            named,
            resource.get("subscriberId"),
            resource.get("effectiveDateTime"),
        ]
    )


def _retired_if_it_can(resource: Resource) -> Resource:
    says = "status" in resource or "verificationStatus" in resource or "active" in resource
    return retired(resource) if says else resource


def _laid(ours: Resource, theirs: Resource, known: Resource) -> Resource:
    if theirs == known:
        return ours
    theirs = dict(theirs)
    if "extension" in theirs:
        theirs["extension"] = [one for one in theirs["extension"] if one["url"] != TAKEN_BACK]
    if "meta" in theirs:
        theirs["meta"] = {k: v for k, v in theirs["meta"].items() if k not in _SERVER_OWN}
    narrative = theirs.get("text")
    if isinstance(narrative, dict) and narrative.get("status") == "generated" and ours != known:
        del theirs["text"]  # a summary that a server made of what has changed since
    laid = _object(ours, theirs, known)
    return {name: value for name, value in laid.items() if value not in ({}, [])}


def _object(ours: Json, theirs: Json, known: Json) -> Json:
    made = dict(ours)
    for name, value in theirs.items():
        before = known.get(name)
        if value == before:
            continue
        if name in ours:
            made[name] = _value(name, ours[name], value, before)
        elif before is not None:
            rest = _unknown_part(name, value, before)
            if rest:
                made[name] = rest
        elif not _clashes(name, made):
            made[name] = value
    if "dataAbsentReason" in made and "dataAbsentReason" in ours and _has_value(made):
        del made["dataAbsentReason"]
    return made


def _value(name: str, ours: Any, theirs: Any, known: Any) -> Any:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _object(ours, theirs, known if isinstance(known, dict) else {})
    if _are_objects(ours) and _are_objects(theirs):
        before = known if _are_objects(known) else []
        if name == "coding" and ours != before:
            return ours  # a translation of the old code says nothing about the new one
        return _items(ours, theirs, before)
    return theirs if known is not None and ours == known else ours


def _items(ours: list[Json], theirs: list[Json], known: list[Json]) -> list[Json]:
    made = list(ours)
    places = {name: place for place, (name, _) in enumerate(_named(ours))}
    before = dict(_named(known))
    for name, item in _named(theirs):
        was, place = before.get(name), places.get(name)
        if item == was:
            continue
        if was is None and (place is None or name[0] == "place"):
            if item not in made:
                made.append(item)
        elif place is not None:
            made[place] = _object(made[place], item, was or {})
        elif was is not None and "url" in item:
            made.extend(_unknown_extension(item, was))
    return made


def _unknown_part(name: str, theirs: Any, known: Any) -> Any:
    """What is unknown inside of something that the new version took out."""
    if isinstance(theirs, dict) and isinstance(known, dict):
        rest = {key: value for key, value in theirs.items() if key not in known}
        for key in theirs.keys() & known.keys():
            inside = _unknown_part(key, theirs[key], known[key])
            if inside:
                rest[key] = inside
        return rest
    if _are_objects(theirs) and _are_objects(known) and name != "coding":
        return _items([], theirs, known)
    return None


def _unknown_extension(theirs: Json, known: Json) -> Iterator[Json]:
    inside = _unknown_part("extension", theirs.get("extension", []), known.get("extension", []))
    if inside:
        yield {"url": theirs["url"], "extension": inside}


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _named(items: Iterable[Json]) -> Iterator[tuple[tuple[Any, ...], Json]]:
    """Each item with what it is matched by; of several with one name the first is the first."""
    counts: dict[tuple[Any, ...], int] = {}
    for place, item in enumerate(items):
        name = _name(item) or ("place", place)
        number = counts[name] = counts.get(name, 0) + 1
        yield (*name, number), item


def _name(item: Json) -> tuple[Any, ...] | None:
    for elements in _NAMED_BY:
        if all(isinstance(item.get(element), str) for element in elements):
            return (elements, *(item[element] for element in elements))
    for element in _POINTERS:
        target = item.get(element)
        if isinstance(target, dict) and isinstance(target.get("reference"), str):
            return (element, target["reference"])
    return None


def _clashes(name: str, made: Json) -> bool:
    for start in _CHOICES:
        if _is_choice(name, start):
            return any(_is_choice(other, start) for other in made)
    return False


def _is_choice(name: str, start: str) -> bool:
    return name.startswith(start) and name[len(start) : len(start) + 1].isupper()


def _has_value(made: Json) -> bool:
    return any(_is_choice(name, "value") for name in made)
