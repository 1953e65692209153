"""Searching for people by name, and for what belongs to them (`patient.name`, `subject:Patient.family`).

A facility has a few thousand people, and stations search their own database; this is for other
systems that ask now and then. So names have no index, which every write would pay for: the names of
one facility are read through, and only one asker at a time is read to.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.current_versions import read_all_current, read_current
from provincial_server.faults import refuse
from provincial_server.store import ResourceVersion

NAME_PARAMETERS = ("family", "name")
MOST_PEOPLE = 500
_TURN = threading.Lock()
_LONGEST_WAIT_SECONDS = 10


@dataclass(frozen=True)
class NameQuery:
    """`parameter` is family or name; one of the values must fit. Of the people themselves, or
    (`chained`) of what belongs to them."""

    parameter: str
    values: tuple[str, ...]
    chained: bool


def find_people(session: Session, facility_code: str, query: NameQuery) -> list[str]:
    """Ids of the facility's people whose name begins so; 413 when they are too many to go on with."""
    if not _TURN.acquire(timeout=_LONGEST_WAIT_SECONDS):
        raise refuse(503, "transient", "others are searching for names", "http")
    try:
        wanted = tuple(fold(value) for value in query.values)
        written = tuple(wire.canonical(value)[1:-1] for value in wanted)
        found = [
            resource_id
            for resource_id, content in read_all_current(session, facility_code, "Patient")
            if _holds(fold(content), written) and _fits(content, query, wanted)
        ]
    finally:
        _TURN.release()
    if len(found) > MOST_PEOPLE:
        problem = f"more than {MOST_PEOPLE} people have such a name; give more of it"
        raise refuse(413, "too-costly", problem, f"http.{query.parameter}")
    return found


def _holds(content: str, written: Sequence[str]) -> bool:
    """Quickly: whether it is worth while to look closely."""
    return any(value in content for value in written)


def fold(text: str) -> str:
    """Without case and accents, as FHIR searches for texts."""
    bare = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


def _fits(content: str, query: NameQuery, wanted: Sequence[str]) -> bool:
    names = wire.reread(content.encode()).get("name", [])
    for name in names:
        words = _words(name) if query.parameter == "name" else [name.get("family") or ""]
        if any(fold(word).startswith(value) for word in words for value in wanted):
            return True
    return False


def _words(name: dict[str, Any]) -> list[str]:
    """Every part of a name, and every word of the whole: Vietnamese people are called by the last."""
    parts = [name.get("text"), name.get("family"), *name.get("given", [])]
    whole = [part for part in parts if part]
    return whole + [word for part in whole for word in part.split()]


def read_people(session: Session, facility_code: str, ids: Sequence[str]) -> list[ResourceVersion]:
    """The current versions, for `_include`."""
    people = read_current(session, facility_code, "Patient", ids)
    return sorted(people, key=lambda row: row.resource_id)
