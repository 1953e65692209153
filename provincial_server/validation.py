"""Decides whether one resource may be stored, before any lock is taken.

Structure comes first (structure.py), then what the structure cannot say: the id, the references,
a few invariants of the standard that protect a reader from harm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provincial_server.faults import Issue
from provincial_server.search_values import identifiers_of
from provincial_server.structure import ID, STORED_TYPES, FoundReference, StructureCheck

_LITERAL = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(/_history/[0-9]{1,18})?")
PARENT_TYPES = frozenset({"Patient", "Encounter"})
"""What these references point at must be stored: a finding without its person helps nobody."""

LONGEST_IDENTIFIER = (300, 200)
"""Characters of the system and of the value."""


@dataclass(frozen=True)
class Parent:
    """A resource that must exist on the server, or come in the same transaction."""

    resource_type: str
    resource_id: str
    path: str


@dataclass(frozen=True)
class Checked:
    """A resource that passed, and what still depends on the store."""

    resource_type: str
    resource: dict[str, Any]
    parents: tuple[Parent, ...]


def check(
    resource: Any, *, expected_type: str | None = None, links: Mapping[str, str] | None = None
) -> Checked | list[Issue]:
    """Judges a resource; `links` maps other references to `Type/id`, such as
    the fullUrls of the same transaction.

    Those are rewritten in place, as the standard asks of a transaction.
    """
    if not isinstance(resource, dict):
        return [Issue("structure", "a resource is a JSON object")]
    resource_type = resource.get("resourceType")
    if not isinstance(resource_type, str) or resource_type not in STORED_TYPES:
        return [Issue("not-supported", "this type of resource is not stored", "resourceType")]
    if expected_type and resource_type != expected_type:
        problem = f"the address says {expected_type}, the resource another type"
        return [Issue("invariant", problem, f"{resource_type}.resourceType")]
    walk = StructureCheck()
    walk.resource(resource)
    issues = walk.issues
    parents: list[Parent] = []
    contained = _contained_ids(resource) if not issues else set()
    for found in walk.references:
        issue = _check_reference(found, {} if links is None else links, contained, parents)
        if issue:
            issues.append(issue)
    if not issues:
        issues.extend(_invariants(resource))
    return issues or Checked(resource_type, resource, tuple(parents))


def _contained_ids(resource: dict[str, Any]) -> set[str]:
    return {str(item["id"]) for item in resource.get("contained", [])}


def _check_reference(
    found: FoundReference, links: Mapping[str, str], contained: set[str], parents: list[Parent]
) -> Issue | None:
    text = found.holder.get("reference")
    path = f"{found.path}.reference"
    if text is None:
        if found.holder.keys() & {"identifier", "display", "_reference", "extension"}:
            return None
        return Issue("required", "a reference needs a reference, an identifier or a display", path)
    if not isinstance(text, str):
        return None  # already refused as a wrong primitive
    if text.startswith("#"):
        if text == "#" or text[1:] in contained:
            return None
        return Issue("invariant", "no contained resource has this id (ref-1)", path)
    if text in links:
        found.holder["reference"] = text = links[text]
    match = _LITERAL.fullmatch(text)
    if match is None:
        return Issue("value", "a reference is Type/id, or a fullUrl of the same transaction", path)
    target, target_id = match[1], match[2]
    if found.targets and target not in found.targets:
        return Issue("invariant", "the reference points at a type that is not allowed here", path)
    if target in PARENT_TYPES:
        parents.append(Parent(target, target_id, path))
    return None


def _invariants(resource: dict[str, Any]) -> list[Issue]:
    resource_type = resource["resourceType"]
    issues = []
    if resource_type == "Condition":
        issues.extend(_condition(resource))
    if resource_type == "Observation" and "dataAbsentReason" in resource and _valued(resource):
        issues.append(
            Issue("invariant", "a value and a reason for its absence (obs-6)", resource_type)
        )
    for place, identifier in enumerate(identifiers_of(resource)):
        system, number = identifier.get("system", ""), identifier.get("value", "")
        if len(system) > LONGEST_IDENTIFIER[0] or len(number) > LONGEST_IDENTIFIER[1]:
            path = f"{resource_type}.identifier[{place}]"
            issues.append(Issue("value", "an identifier is too long to be searched for", path))
    # per-1 (a period ends after it starts) is not asked for: a clock put right during a visit breaks
    # it, and a signed record that no server takes would be lost to everyone but its station.
    return issues


def _valued(resource: dict[str, Any]) -> bool:
    return any(name.startswith("value") for name in resource)


def _condition(resource: dict[str, Any]) -> list[Issue]:
    codes = {
        coding.get("code")
        for coding in resource.get("verificationStatus", {}).get("coding", [])
        if isinstance(coding, dict)
    }
    if "entered-in-error" in codes and "clinicalStatus" in resource:
        path = "Condition.clinicalStatus"
        return [Issue("invariant", "an entry made in error has no clinical status (con-5)", path)]
    return []


def check_id(resource: Mapping[str, Any], resource_id: str) -> Issue | None:
    """The id in the address and the id in the resource must both be there and agree."""
    path = f"{resource.get('resourceType', '')}.id"
    if not ID.fullmatch(resource_id):
        return Issue("value", "an id has 1 to 64 letters, digits, hyphens and dots", path)
    if resource.get("id") != resource_id:
        return Issue("invariant", "the id in the address and in the resource differ", path)
    return None
