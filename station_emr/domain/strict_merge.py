"""Two machines decided about rights at once: field by field, and where they differ the stricter
counts until a person decides (docs/sync.md, "Rights and standing").

Pure, and the same whatever the order of the sides.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from .record import RecordKind
from .sensitive import DEFAULT_RANGES, SensitiveRange
from .station_rights import BY_HAND, LEFT, GivenRight, RightCell, ordered_cells, ordered_rights

Merger = Callable[[Any, Sequence[Any]], tuple[Any, bool]]
"""From what all sides build on (None: nothing) and what each says, to the value and whether a
person has to decide."""

Cells = tuple[RightCell, ...]
Ranges = tuple[SensitiveRange, ...]
Door = tuple[str, datetime | None, str]
Days = tuple[date | None, date | None, datetime | None]


def merged_cells(was: Cells | None, sides: Sequence[Cells]) -> tuple[Cells, bool]:
    """A cell that one side changed is as that side says; refused, where two say different things."""
    base = {cell.key: cell for cell in was or ()}
    keyed = [{cell.key: cell for cell in side} for side in sides]
    merged: list[RightCell] = []
    undecided = False
    for key in {key for side in (base, *keyed) for key in side}:
        said = [side[key] for side in keyed if key in side]
        changed = [cell for cell in said if cell != base.get(key)] or said
        refused = [cell for cell in changed if not cell.granted]
        undecided |= 0 < len(refused) < len(changed)
        merged.append(min(refused or changed or [base[key]], key=_plain))
    return ordered_cells(merged), undecided


def merged_ranges(was: Ranges | None, sides: Sequence[Ranges]) -> tuple[Ranges, bool]:
    """A range that one side took out is out; where another changed it meanwhile, it stays."""
    base = {_ends(one): one for one in (DEFAULT_RANGES if was is None else was)}
    keyed = [{_ends(one): one for one in side} for side in sides]
    new = sorted({key for side in keyed for key in side if key not in base})
    merged: list[SensitiveRange] = []
    undecided = False
    for key in [*base, *new]:
        changed = [side.get(key) for side in keyed if side.get(key) != base.get(key)]
        kept = [one for one in changed if one is not None]
        undecided |= any(one != changed[0] for one in changed)
        if not changed:
            merged.append(base[key])
        elif kept:
            merged.append(min(kept, key=lambda one: (one.since, one.what)))
    return tuple(merged), undecided


def merged_door(was: Door | None, sides: Sequence[Door]) -> tuple[Door, bool]:
    """Closed counts more than open."""
    changed = [side for side in sides if side != (was or ("", None, ""))] or list(sides)
    strictest = max(_SHUT.get(side[0], len(_SHUT)) for side in changed)
    shut = [side for side in changed if _SHUT.get(side[0], len(_SHUT)) == strictest]
    return max(shut, key=_plain), any(side[0] != changed[0][0] for side in changed)


def merged_days(was: Days | None, sides: Sequence[Days]) -> tuple[Days, bool]:
    """The latest first day and the earliest last day."""
    changed = [side for side in sides if side != (was or (None, None, None))] or list(sides)
    if all(side[:2] == changed[0][:2] for side in changed):
        return max(changed, key=_plain), False
    first = max((side[0] for side in changed if side[0] is not None), default=None)
    last = min((side[1] for side in changed if side[1] is not None), default=None)
    at = max((side[2] for side in changed if side[2] is not None), default=None)
    return (first, last, at), True


def merged_rights(
    was: tuple[GivenRight, ...] | None, sides: Sequence[tuple[GivenRight, ...]]
) -> tuple[tuple[GivenRight, ...], bool]:
    """All of them, each at its narrowest: what was ended once has ended."""
    merged: dict[str, GivenRight] = {}
    for side in sorted((was or (), *sides), key=repr):
        for one in side:
            known = merged.get(one.id)
            merged[one.id] = one if known is None else _narrower(known, one)
    return ordered_rights(merged.values()), False


def _narrower(one: GivenRight, other: GivenRight) -> GivenRight:
    ends = [at for at in (one.ended_at, other.ended_at) if at is not None]
    return replace(
        one,
        since=max(one.since, other.since),
        until=min(one.until, other.until),
        actions=tuple(action for action in one.actions if action in other.actions),
        ended_at=min(ends) if ends else None,
    )


_SHUT: Final = {"": 0, BY_HAND: 1, LEFT: 2}  # a word of a newer program is stricter than any


def _ends(one: SensitiveRange) -> tuple[str, str]:
    return one.first, one.last


def _plain(value: Hashable) -> str:
    """An order that is the same on every machine, whatever the clock that wrote a moment was set to."""
    return repr(_in_utc(value))


def _in_utc(value: Any) -> Any:
    if isinstance(value, RightCell):
        value = (value.at, value.by_id, value.by_name, value.device)
    if isinstance(value, tuple):
        return tuple(_in_utc(one) for one in value)
    if isinstance(value, datetime):
        return value.timestamp()
    return str(value)


STRICT_FIELDS: Final[Mapping[RecordKind, Mapping[str, Merger]]] = MappingProxyType(
    {
        RecordKind.RIGHTS: {"cells": merged_cells, "ranges": merged_ranges},
        RecordKind.STANDING: {
            "shut": merged_door,
            "closes_on": merged_days,
            "rights": merged_rights,
        },
    }
)
"""Kinds that are merged like this, with the fields that people are asked about."""
