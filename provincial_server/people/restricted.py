"""Visits that are not shown to another station unless it asks for them by name and says why.

HIV and mental health, by the codes of the diagnoses (ICD-10). What hangs on such a visit stays out
with it: values, drugs, letters. Only the whole chart of a person can be asked for, so nothing else
tells that something was left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provincial_server.records import record_of

_CONDITION, _ENCOUNTER = "Condition", "Encounter"
_IN_ERROR = "entered-in-error"
_CODE = re.compile(r"\s*[A-Za-z]\d\d(?:\.\d+)?\b")

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


@dataclass(frozen=True, slots=True)
class Marks:
    """What one resource says that decides whether it is shown."""

    name: str
    """`Condition/id`."""
    visit: str
    """The id of its visit; empty where it hangs on none."""
    closed: bool
    """It says a restricted code itself."""
    because_of: frozenset[str]
    """Diagnoses that it names as its reason, as `name`."""


def marks_of(
    resource_type: str, resource_id: str, content: dict[str, Any], patient_id: str
) -> Marks:
    """`content` is as it is stored, without its type and id."""
    visit = resource_id
    if resource_type != _ENCOUNTER:
        record = record_of(resource_id)
        # Without a word about its visit it belongs to the record that its id is derived from.
        derived = record if record not in (resource_id, patient_id) else ""
        visit = _referred(content.get("encounter"), _ENCOUNTER) or derived
    return Marks(
        name=f"{resource_type}/{resource_id}",
        visit=visit,
        closed=any(is_restricted(code) for code in _codes(resource_type, content)),
        because_of=frozenset(f"{_CONDITION}/{name}" for name in _reasons(content)),
    )


def closed_places(chart: Sequence[Marks]) -> set[int]:
    """Which of a whole chart's resources are not shown: restricted visits with all that hangs on them,
    lasting conditions of that kind, and what was done because of them."""
    diagnoses = {one.name for one in chart if one.closed}
    closed = {
        place
        for place, one in enumerate(chart)
        if one.closed or not diagnoses.isdisjoint(one.because_of)
    }
    visits = {chart[place].visit for place in closed} - {""}
    return closed | {place for place, one in enumerate(chart) if one.visit in visits}


def is_withdrawn(content: dict[str, Any]) -> bool:
    """Entered in error, in the way that its type says so."""
    if content.get("status") == _IN_ERROR:
        return True
    said = content.get("verificationStatus")
    codings = said.get("coding", []) if isinstance(said, dict) else []
    return any(coding.get("code") == _IN_ERROR for coding in codings)


def _codes(resource_type: str, content: dict[str, Any]) -> Iterator[str]:
    """Codes of a diagnosis, wherever a resource says one."""
    names = ("code", "reasonCode") if resource_type == _CONDITION else ("reasonCode",)
    for name in names:
        held = content.get(name)
        for concept in held if isinstance(held, list) else [held]:
            if isinstance(concept, dict):
                yield from (str(coding.get("code", "")) for coding in concept.get("coding", []))
                if found := _CODE.match(str(concept.get("text", ""))):
                    yield found[0]  # "Z21 Nhiễm HIV", of a program that sends no coding


def _reasons(content: dict[str, Any]) -> Iterator[str]:
    held = [
        *content.get("reasonReference", ()),
        *(one.get("condition") for one in content.get("diagnosis", ()) if isinstance(one, dict)),
    ]
    yield from filter(None, (_referred(one, _CONDITION) for one in held))


def _referred(reference: object, resource_type: str) -> str:
    said = reference.get("reference", "") if isinstance(reference, dict) else ""
    found = re.search(rf"(?:^|/){resource_type}/([^/]+)", said)
    return found[1] if found else ""
