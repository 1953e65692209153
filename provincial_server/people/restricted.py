"""Visits that are not shown to another station unless it asks for them by name and says why.

HIV and mental health, by the codes of the diagnoses (ICD-10). What hangs on such a visit stays out
with it: values, drugs, letters. Only the whole chart of a person can be asked for, so nothing else
tells that something was left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from provincial_server import wire
from provincial_server.resources import Stored

RESTRICTED: Final = (
    ("B20", "B24"),
    ("F00", "F99"),
    ("R75", "R75"),
    ("Z11.4", "Z11.4"),
    ("Z20.6", "Z20.6"),
    ("Z21", "Z21"),
    ("Z71.7", "Z71.7"),
)
"""First and last code of each range, both with all that is below them."""


def is_restricted(code: str) -> bool:
    code = code.strip().upper()
    return any(first <= code and code[: len(last)] <= last for first, last in RESTRICTED)


def without_restricted(resources: list[Stored]) -> list[Stored]:
    """The same without restricted visits, and without lasting conditions of that kind."""
    read = [(one, wire.reread(one.as_json().encode())) for one in resources]
    visits = {
        visit
        for one, content in read
        if any(is_restricted(code) for code in _codes(content))
        for visit in _visits(one, content)
    }
    return [
        one
        for one, content in read
        if not any(is_restricted(code) for code in _codes(content))
        and visits.isdisjoint(_visits(one, content))
    ]


def _codes(content: dict[str, Any]) -> Iterable[str]:
    """Codes of a diagnosis, wherever a resource says one."""
    for name in ("code", "reasonCode"):
        held = content.get(name)
        for concept in held if isinstance(held, list) else [held]:
            if isinstance(concept, dict) and (name != "code" or _is_diagnosis(content)):
                for coding in concept.get("coding", []):
                    yield str(coding.get("code", ""))


def _is_diagnosis(content: dict[str, Any]) -> bool:
    return content.get("resourceType") == "Condition"


def _visits(one: Stored, content: dict[str, Any]) -> set[str]:
    if one.resource_type == "Encounter":
        return {one.resource_id}
    reference = content.get("encounter")
    name = reference.get("reference", "") if isinstance(reference, dict) else ""
    return {name.removeprefix("Encounter/")} if name else set()
