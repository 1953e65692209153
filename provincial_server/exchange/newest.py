"""Which version of a record counts: docs/sync.md, "Two people, one record", 2 to 4.

A function of the set of operations alone. Where several people's versions stand beside one another
and no merge of exactly these has come yet, there is none: what was current stays current.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """``content`` is anything that is equal for equal status, open fields and resources."""

    base: frozenset[str]
    by_rule: bool
    content: object


def newest(versions: Mapping[str, Version]) -> str | None:
    """The id of the operation whose resources are the current ones. Every base that is named has
    to be among ``versions``.
    """
    order = _bases_first(versions)
    same = _same(order, versions)
    builds_on: dict[str, frozenset[str]] = {}  # what an operation builds on, itself included
    for op_id in order:
        above = {one for base in versions[op_id].base for one in builds_on[base]}
        builds_on[op_id] = frozenset({same[op_id], *above})
    for op_id in order:  # equal versions build on whatever any of them was written on
        stands = same[op_id]
        builds_on[stands] |= builds_on[op_id]
    people = {same[op_id] for op_id in order if not versions[op_id].by_rule}
    covered = {one for each in people for one in builds_on[each] if one != each}
    heads = people - covered
    if len(heads) == 1:
        return heads.pop()
    merges = [
        op_id
        for op_id in order
        if versions[op_id].by_rule and {same[base] for base in versions[op_id].base} == heads
    ]
    return min(merges, default=None)


def longest(versions: Mapping[str, Version]) -> str | None:
    """The same for what is never merged: the longest history stands, then the smaller id."""
    builds_on: dict[str, frozenset[str]] = {}
    for op_id in _bases_first(versions):
        above = {one for base in versions[op_id].base for one in builds_on[base]}
        builds_on[op_id] = frozenset({op_id, *above})
    return min(builds_on, key=lambda op_id: (-len(builds_on[op_id]), op_id), default=None)


def _bases_first(versions: Mapping[str, Version]) -> list[str]:
    order: dict[str, None] = {}
    waiting = sorted(versions)
    while waiting:
        ready = [one for one in waiting if all(base in order for base in versions[one].base)]
        if not ready:
            raise ValueError("an operation is based on one that is not here, or on itself")
        order.update(dict.fromkeys(ready))
        waiting = [one for one in waiting if one not in order]
    return list(order)


def _same(order: list[str], versions: Mapping[str, Version]) -> dict[str, str]:
    """Operation → the smallest id of those with the same base and content."""
    leader: dict[str, str] = {}
    groups: dict[tuple[bool, frozenset[str], object], list[str]] = {}
    for op_id in order:
        version = versions[op_id]
        key = (version.by_rule, frozenset(leader[base] for base in version.base), version.content)
        members = groups.setdefault(key, [])
        members.append(op_id)
        leader[op_id] = members[0]
    return {op_id: min(members) for members in groups.values() for op_id in members}
