"""Lists that the province hands out in versions, each in force from a day on; and word of a new program.

A version is fetched before its day, kept, and applied on it. Numbers only grow: whatever the clock
says, a version is never applied after a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .catalog import CatalogKind


class PackState(StrEnum):
    """FETCHING: known, not here yet. HELD: here, and its signature and hash were seen to fit."""

    FETCHING = "fetching"
    HELD = "held"
    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPack:
    """What the province signed of one version. ``sha256`` and ``size`` are of the plain content."""

    kind: CatalogKind
    number: int
    version: str
    effective: date
    sha256: str
    size: int
    rows: int
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPack:
    """A version and how far it has come here; ``reason`` says why it could not be applied."""

    pack: CatalogPack
    state: PackState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramNotice:
    """A newer program that the station should get."""

    number: int
    version: str
    available: date
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackStanding:
    """Of one list: the version in force, the next one, and what went wrong last."""

    in_force: CatalogPack | None = None
    coming: CatalogPack | None = None
    problem: str = ""


def due(known: Iterable[KnownPack], day: date) -> tuple[CatalogPack, ...]:
    """What is to be applied on this day, in the order of numbers; never below what was applied."""
    listed = tuple(known)
    highest = _applied(listed)
    return tuple(
        sorted(
            (
                one.pack
                for one in listed
                if one.state is PackState.HELD
                and one.pack.effective <= day
                and one.pack.number > highest.get(one.pack.kind, 0)
            ),
            key=lambda pack: (pack.kind, pack.number),
        )
    )


def worth_fetching(
    offered: Sequence[CatalogPack], known: Iterable[KnownPack], day: date
) -> tuple[CatalogPack, ...]:
    """Of each list what is newer than everything here, without versions that another one in force
    today has overtaken already.
    """
    newest: dict[CatalogKind, int] = {}
    for one in known:
        newest[one.pack.kind] = max(newest.get(one.pack.kind, 0), one.pack.number)
    current: dict[CatalogKind, int] = {}
    for pack in offered:
        if pack.effective <= day:
            current[pack.kind] = max(current.get(pack.kind, 0), pack.number)
    return tuple(
        sorted(
            (
                pack
                for pack in offered
                if pack.number > newest.get(pack.kind, 0)
                and pack.number >= current.get(pack.kind, 0)
            ),
            key=lambda pack: (pack.effective, pack.number),
        )
    )


def standing(known: Iterable[KnownPack], day: date) -> PackStanding:
    """Of the versions of one list."""
    ordered = sorted(known, key=lambda one: one.pack.number)
    in_force = coming = None
    for one in ordered:
        if one.state is PackState.APPLIED and one.pack.effective <= day:
            in_force = one.pack
    after = in_force.number if in_force is not None else 0
    for one in ordered:
        if one.state is not PackState.REFUSED and one.pack.number > after:
            coming = one.pack
            break
    problem = next((one.reason for one in reversed(ordered) if one.reason), "")
    return PackStanding(in_force=in_force, coming=coming, problem=problem)


def _applied(known: Iterable[KnownPack]) -> dict[CatalogKind, int]:
    highest: dict[CatalogKind, int] = {}
    for one in known:
        if one.state is PackState.APPLIED:
            highest[one.pack.kind] = max(highest.get(one.pack.kind, 0), one.pack.number)
    return highest
