"""Decides whether a line may be taken, before any lock: all that can be said without the store.

Expressions of issues are written as if the unit stood in a transaction
(`Bundle.entry[2].resource.status`), so that a station explains both kinds of refusal alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provincial_server import wire
from provincial_server.exchange.tables import MERGE, REST
from provincial_server.faults import FhirFault, Issue
from provincial_server.records import BASIC, ROOT_TYPES, UUID, kind_of_basic
from provincial_server.resources import Key
from provincial_server.settings import Limits
from provincial_server.structure import ID, STORED_TYPES, primitive_problem
from provincial_server.validation import Checked, Parent, check

_OPERATION_ID = re.compile(r"[0-9a-f]{32}")
_INCARNATION = re.compile(rf"[0-9a-f]{{16}}|{MERGE}|{REST}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,63}")
_STATUSES = frozenset({"signed", "amended", "voided"})
_LARGEST_NUMBER = 2**62
_MOST_BASES = 64


def operation_id(line: bytes) -> str:
    return hashlib.sha256(line).digest()[:16].hex()


@dataclass(frozen=True, slots=True)
class Judged:
    """A line that may be taken as far as its own bytes say."""

    kind: str
    record_id: str
    base: tuple[str, ...]
    incarnation: str
    number: int
    keys: tuple[Key, ...]
    parents: tuple[Parent, ...]
    """The path of each is empty when the fast judge found it."""


def judge(line: bytes, limits: Limits) -> Judged | list[Issue]:
    """The line, understood, or why it is poison."""
    try:
        content = wire.parse(line, depth=limits.depth)
    except FhirFault as fault:
        return fault.issues
    if not isinstance(content, dict):
        return [Issue("structure", "an operation is a JSON object")]
    issues = [
        Issue("value" if name in content else "required", f"the key {name} is not in order")
        for name, fits in _ENVELOPE.items()
        if not fits(content.get(name))
    ]
    return issues or _relations(content) or _unit(content, limits)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 4000 and "\x00" not in value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _optional(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _author(value: Any) -> bool:
    return isinstance(value, dict) and _text(value.get("id")) and _text(value.get("name"))


def _bases(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= _MOST_BASES
        and all(isinstance(item, str) and _OPERATION_ID.fullmatch(item) for item in value)
        and value == sorted(set(value))
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


_ENVELOPE: Mapping[str, Callable[[Any], bool]] = {
    "at": lambda value: primitive_problem("instant", value) is None,
    "base": _optional(_bases),
    "by": _author,
    "device": _optional(_text),
    "id": lambda value: isinstance(value, str) and ID.fullmatch(value) is not None,
    "inc": lambda value: isinstance(value, str) and _INCARNATION.fullmatch(value) is not None,
    "kind": lambda value: isinstance(value, str) and _KIND.fullmatch(value) is not None,
    "n": lambda value: _whole(value) and 0 <= value <= _LARGEST_NUMBER,
    "open": _optional(_texts),
    "reason": _optional(_text),
    "resources": lambda value: isinstance(value, list) and bool(value),
    "rule": _optional(lambda value: _whole(value) and value >= 0),
    "skew": _optional(lambda value: _whole(value) and abs(value) <= _LARGEST_NUMBER),
    "status": lambda value: isinstance(value, str) and value in _STATUSES,
}


def contradiction(incarnation: str, number: int, rule: int) -> bool:
    """A rule has no machine and gives no numbers; everything else was written by a person."""
    by_rule = incarnation == MERGE
    return by_rule != bool(rule) or (by_rule and number != 0)


def _relations(content: dict[str, Any]) -> list[Issue]:
    """What one key demands of another."""
    if contradiction(content["inc"], content["n"], content.get("rule") or 0):
        return [Issue("invariant", "rule, inc and n contradict one another")]
    if content["inc"] != REST and not UUID.fullmatch(content["id"]):
        return [Issue("value", "the id of a record is a UUID")]
    return []


def _unit(content: dict[str, Any], limits: Limits) -> Judged | list[Issue]:
    kind, record_id, unit = content["kind"], content["id"], content["resources"]
    if len(unit) > limits.entries:
        return [Issue("too-costly", f"at most {limits.entries} resources")]
    issues: list[Issue] = []
    keys: list[Key] = []
    parents: list[Parent] = []
    for place, resource in enumerate(unit):
        path = f"Bundle.entry[{place}].resource"
        found = _resource(resource, kind, record_id)
        if isinstance(found, Checked):
            keys.append((found.resource_type, resource["id"]))
            parents.extend(found.parents)
        else:
            issues.extend(_placed(issue, path) for issue in found)
    root = unit[0].get("resourceType") if isinstance(unit[0], dict) else None
    if not issues and root != ROOT_TYPES.get(kind, root):
        issues.append(Issue("invariant", "the first resource is of another kind of record"))
    if not issues and root == BASIC == ROOT_TYPES.get(kind) and kind_of_basic(unit[0]) != kind:
        issues.append(Issue("invariant", "the code of the Basic names another kind of record"))
    if not issues and len(set(keys)) != len(keys):
        issues.append(Issue("invariant", "a resource stands in the unit twice"))
    if issues:
        return issues[:20]
    own = set(keys)
    outer = tuple(
        parent for parent in parents if (parent.resource_type, parent.resource_id) not in own
    )
    base = tuple(content.get("base") or ())
    return Judged(kind, record_id, base, content["inc"], content["n"], tuple(keys), outer)


def _resource(resource: Any, kind: str, record_id: str) -> Checked | list[Issue]:
    resource_id = resource.get("id") if isinstance(resource, dict) else None
    if (
        not isinstance(resource_id, str)
        or not ID.fullmatch(resource_id)
        or (resource_id != record_id and not resource_id.startswith(f"{record_id}-"))
    ):
        return [Issue("value", "the id is that of the record, or begins with it", "Resource.id")]
    name = resource.get("resourceType")
    foreign = kind not in ROOT_TYPES and isinstance(name, str) and name not in STORED_TYPES
    if foreign and re.fullmatch(r"[A-Z][A-Za-z]{1,63}", str(name)):
        return Checked(str(name), resource, ())  # held and passed on for a newer program
    return check(resource)


def _placed(issue: Issue, path: str) -> Issue:
    _, _, inner = (issue.expression or "").partition(".")
    place = f"{path}.{inner}" if inner else path
    return Issue(issue.code, issue.diagnostics, place, issue.text, issue.severity)
