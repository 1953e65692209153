"""One written version of a record as it travels between machines (docs/sync.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .record import RecordKind, RecordStatus

MERGE_INCARNATION = "merge"
SERVER_INCARNATION = "rest"
"""Of what the province wrote down itself, because it came by plain FHIR."""
MERGE_AUTHOR_ID = "00000000-0000-7000-8000-000000000000"
MERGE_AUTHOR_NAME = "Tự gộp hai bản"


class Origin(StrEnum):
    """How a version came to be on this machine."""

    HERE = "here"  # a person wrote it on this machine
    REPLICA = "replica"  # it was written elsewhere and arrived
    MERGE = "merge"  # the rule wrote it because two people had changed the same record


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a line says beside the resources. ``base`` are operation ids, sorted.

    ``skew`` is how many seconds the server's clock was ahead of the writer's, None when unknown;
    ``open_fields`` are those two people wrote differently and nobody has decided; ``rule`` is 0
    when a person wrote the version, else the version of the merge rule.
    """

    kind: RecordKind
    record_id: str
    status: RecordStatus
    base: tuple[str, ...]
    at: datetime
    author_id: str
    author_name: str
    incarnation: str
    number: int
    reason: str = ""
    device: str = ""
    skew: int | None = None
    open_fields: tuple[str, ...] = ()
    rule: int = 0

    @property
    def by_rule(self) -> bool:
        return self.rule > 0


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """What the resources of one unit say, as the domain knows it.

    ``status`` is voided or signed: resources do not tell an amended version from a first one, the
    envelope does.
    """

    kind: RecordKind
    record: Any
    status: RecordStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An arrived line, opened: ``record`` is the domain record its resources hold."""

    op_id: str
    envelope: Envelope
    record: Any
    line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNode:
    """One local version in the graph of its record. ``parents`` are local version numbers; ``op_id``
    is empty while the version is not sealed. ``refused``: the province will not take it as it is.
    ``stands_on`` is what its line says it was written on, where that passes over a refused version.
    """

    version: int
    status: RecordStatus
    parents: tuple[int, ...]
    op_id: str
    origin: Origin
    author_id: str
    author_name: str
    at: datetime
    reason: str = ""
    device: str = ""
    skew: int | None = None
    open_fields: tuple[str, ...] = ()
    refused: bool = False
    stands_on: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many operations, and the sum of their ids' bytes 8 to 15, modulo 2⁶⁴."""

    count: int = 0
    total: int = 0

    def plus(self, op_id: str) -> Tally:
        return Tally(self.count + 1, (self.total + weight(op_id)) % (1 << 64))

    def minus(self, op_id: str) -> Tally:
        return Tally(self.count - 1, (self.total - weight(op_id)) % (1 << 64))


def weight(op_id: str) -> int:
    """An operation's share of the sum. ``op_id`` is 32 hexadecimal digits."""
    return int(op_id[16:32], 16)


def bucket(op_id: str) -> int:
    """0 to 255."""
    return int(op_id[:2], 16)


class Applied(StrEnum):
    """What became of an arrived operation."""

    NEWEST = "newest"  # it is the record's newest version now
    MERGED = "merged"  # a merge was written over it; nothing is open
    CONFLICT = "conflict"  # a merge was written over it, and a person has to decide
    KNOWN = "known"
    PARKED = "parked"  # what it is based on has not arrived
    KEPT = (
        "kept"  # nothing to show: a kind this program does not know, or another machine's settings
    )
