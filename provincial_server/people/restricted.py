"""Visits that are not shown to another station unless it asks for them by name and says why.

A record's own label (`meta.security`) closes it, whatever it says. Then the codes of the diagnoses
(ICD-10): those that the home station has set for itself, and in any case HIV and mental health. Neither
a label nor a station's list opens what these close. What hangs on such a visit stays out with it:
values, drugs, letters. Only the whole chart of a person can be asked for, so nothing else tells that
something was left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

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
Ranges = Sequence[tuple[str, str]]
_TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
_CONFIDENTIALITY: Final = f"{_TERMS}v3-Confidentiality"
_CLOSING: Final = frozenset({"R", "V"})
"""Restricted and very restricted; the others say no more than that it is a patient's."""
_SENSITIVITY: Final = f"{_TERMS}v3-ActCode"
"""As a label each of its codes names a kind of information that needs more care (HIV, PSY, ETH)."""
_RIGHTS: Final = "station-rights"


def is_restricted(code: str, ranges: Ranges = RESTRICTED) -> bool:
    code = code.strip().upper()
    return any(first <= code and code[: len(last)] <= last for first, last in ranges)


def is_labelled(meta: dict[str, Any]) -> bool:
    """Whether a resource calls itself restricted."""
    for label in meta.get("security", ()):
        system, code = label.get("system"), label.get("code")
        if system == _SENSITIVITY or (system == _CONFIDENTIALITY and code in _CLOSING):
            return True
    return False


def rights_id(facility_code: str) -> str:
    """Of the Basic in which a station says what it has set (docs/sync.md, "Rights and standing")."""
    value = int.from_bytes(hashlib.sha256(f"rights/{facility_code}".encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    return str(UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


def ranges_of(rights: dict[str, Any], today: date) -> Ranges:
    """What that Basic names as restricted by now, with what is so everywhere."""
    found = list(RESTRICTED)
    for extension in rights.get("extension", ()):
        if not str(extension.get("url", "")).endswith(f"/{_RIGHTS}"):
            continue
        for one in extension.get("extension", ()):
            said = {
                part.get("url"): part.get("valueString", part.get("valueDate", ""))
                for part in one.get("extension", ())
            }
            first, last = str(said.get("first", "")), str(said.get("last", ""))
            if one.get("url") == "ranges" and first and str(said.get("since", "")) <= f"{today}":
                found.append((first.upper(), (last or first).upper()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Marks:
    """What one resource says that decides whether it is shown."""

    name: str
    """`Condition/id`."""
    visit: str
    """The id of its visit; empty where it hangs on none."""
    closed: bool
    """Its label, or a code that it says itself, is restricted."""
    because_of: frozenset[str]
    """Diagnoses that it names as its reason, as `name`."""


def marks_of(
    resource_type: str,
    resource_id: str,
    content: dict[str, Any],
    patient_id: str,
    ranges: Ranges = RESTRICTED,
    meta: dict[str, Any] | None = None,
) -> Marks:
    """`content` is as it is stored, without its type, id and meta."""
    visit = resource_id
    if resource_type != _ENCOUNTER:
        record = record_of(resource_id)
        # Without a word about its visit it belongs to the record that its id is derived from.
        derived = record if record not in (resource_id, patient_id) else ""
        visit = _referred(content.get("encounter"), _ENCOUNTER) or derived
    return Marks(
        name=f"{resource_type}/{resource_id}",
        visit=visit,
        closed=is_labelled(meta or {})
        or any(is_restricted(code, ranges) for code in _codes(resource_type, content)),
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
