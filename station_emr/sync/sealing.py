"""Makes the line of a written version, once (docs/sync.md, "Words" and "An operation's line")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from station_emr.domain.errors import NotFound
from station_emr.domain.merge import MERGE_RULE
from station_emr.domain.operation import (
    MERGE_AUTHOR_ID,
    MERGE_AUTHOR_NAME,
    MERGE_INCARNATION,
    Envelope,
    Origin,
    VersionNode,
)
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import Work
from station_emr.services.sync_ports import REFUSED, REFUSED_OPERATION, KeptOperation

from .loading import content_of
from .operation_line import op_id, open_line, seal
from .running import OUR_FAULTS
from .unit import BuildUnit, CarryOver, Resource

Key = tuple[RecordKind, str, int]
Numbers = Mapping[Key, int]


class Incarnation(Protocol):
    """The name of this life of the database."""

    def current(self, work: Work) -> str:
        """Empty before the first life began."""

    def renew(self, work: Work) -> str:
        """Begin a new life in this transaction."""


class StoredIncarnation:
    """For a database that no witness stands beside: the name lies in it alone."""

    _KEY: Final = "sync.incarnation"

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random

    def current(self, work: Work) -> str:
        return work.settings.get(self._KEY) or ""

    def renew(self, work: Work) -> str:
        name = self._random(8).hex()
        work.settings.put(self._KEY, name)
        return name


class NotYet(Exception):
    """A version whose base has no answer yet: sealed now, it might be built on what is refused."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals versions inside the caller's transaction."""

    build: BuildUnit
    carry: CarryOver
    incarnation: Incarnation

    def seal_item(self, work: Work, item: OutboxItem, numbers: Numbers) -> tuple[str, bytes]:
        """Id and line of a waiting version, sealed now if it was not. Raises NotYet.

        ``numbers`` are the outbox numbers of what waits, as far as it is this version's base.
        """
        name = item.op_id or work.operations.op_id_of(*key_of_item(item))
        if name:
            return name, work.operations.line(name) or b""
        return self._make(work, key_of_item(item), numbers, patiently=True)

    def seal_firsts(
        self, work: Work, items: Iterable[OutboxItem], numbers: Numbers
    ) -> dict[Key, tuple[str, bytes]]:
        """Id and line of those items that are the first version of their record and wait unsealed:
        most of a day's, and quick to seal together. One that cannot be built is left out.
        """
        asked: dict[RecordKind, list[str]] = {}
        for item in items:
            if item.version == 1 and not item.op_id:
                asked.setdefault(item.kind, []).append(item.record_id)
        life = self.incarnation.current(work)
        found: dict[Key, tuple[str, bytes]] = {}
        kept: list[KeptOperation] = []
        for kind, record_ids in asked.items():
            for name, (node, record) in work.operations.unsealed_firsts(kind, record_ids).items():
                key = (kind, name, 1)
                number = numbers.get(key)
                if not number:
                    continue
                try:
                    resources = self.build(kind, record, node.status, ())
                    line = seal(self._envelope(work, key, node, (), number, life), resources)
                except OUR_FAULTS:
                    continue  # sealing it alone says what is wrong with it
                found[key] = (op_id(line), line)
                kept.append(_kept(key, *found[key]))
        work.operations.keep_all(kept)
        return found

    def seal_now(self, work: Work, key: Key, numbers: Numbers) -> str:
        """A version that something is about to be laid beside, whatever became of its base.
        ``numbers`` are the outbox numbers of all that wait.
        """
        made = self._seal(work, key, numbers, patiently=False)
        if key not in numbers:
            work.outbox.queue_operation(made)
        return made

    def seal_known(self, work: Work, key: Key, numbers: Numbers) -> str:
        """A version that a server without the exchange may have: it gets its line, so that others
        can be built on it, and is not offered because of that.
        """
        kind, record_id, _ = key
        if not work.operations.op_id_of(*key):
            for parent in work.operations.node(*key).parents:
                self.seal_known(work, (kind, record_id, parent), numbers)
        return self._seal(work, key, numbers, patiently=False)

    def seal_record(self, work: Work, kind: RecordKind, record_id: str, numbers: Numbers) -> None:
        """Every version of a record that waits, also one whose base has no answer yet."""
        for node in versions_of(work, kind, record_id):
            key = (kind, record_id, node.version)
            if not node.op_id and key in numbers:
                self._seal(work, key, numbers, patiently=False)

    def seal_merges(self, work: Work, kind: RecordKind, record_id: str) -> tuple[str, ...]:
        """Give the versions that the rule has just written their operations; their names."""
        return tuple(
            self._seal(work, (kind, record_id, node.version), {}, patiently=False)
            for node in versions_of(work, kind, record_id)
            if node.origin is Origin.MERGE and not node.op_id
        )

    def _seal(self, work: Work, key: Key, numbers: Numbers, *, patiently: bool) -> str:
        known = work.operations.op_id_of(*key)
        return known or self._make(work, key, numbers, patiently=patiently)[0]

    def _make(
        self, work: Work, key: Key, numbers: Numbers, *, patiently: bool
    ) -> tuple[str, bytes]:
        node = work.operations.node(*key)
        bases = self._bases(work, key, node, numbers, patiently=patiently)
        number = numbers.get(key) or (0 if node.origin is Origin.MERGE else _fresh_number(work))
        line = seal(
            self._envelope(work, key, node, bases, number),
            self._unit(work, key, node, bases),
        )
        made = op_id(line)
        work.operations.keep(_kept(key, made, line))
        return made, line

    def _bases(
        self, work: Work, key: Key, node: VersionNode, numbers: Numbers, *, patiently: bool
    ) -> tuple[str, ...]:
        kind, record_id, _ = key
        found: set[str] = set()
        for parent in node.parents:
            above = (kind, record_id, parent)
            sealed = work.operations.op_id_of(*above)
            if not sealed:
                if patiently and above in numbers:
                    raise NotYet
                found.add(self._seal_base(work, above, numbers, patiently=patiently))
            elif patiently and not work.operations.is_held(sealed):
                if above in numbers or is_dead(work, sealed):
                    found |= self._standing(work, sealed)
                else:  # the plain way delivered what it says, so its line has never gone
                    work.outbox.queue_operation(sealed)
                    found.add(sealed)
            else:
                found.add(sealed)
        return tuple(sorted(found))

    def _seal_base(self, work: Work, above: Key, numbers: Numbers, *, patiently: bool) -> str:
        """A version that does not wait and was never sealed is one of the first release, which the
        plain way acknowledged: it is offered only because something is built on it.
        """
        made = self._seal(work, above, numbers, patiently=patiently)
        if above not in numbers:
            work.outbox.queue_operation(made)
        return made

    def _standing(self, work: Work, sealed: str) -> set[str]:
        """What a new version may be written on in place of an operation that is not held: itself
        while it may still be taken; what it was written on, if it was refused for its content.
        """
        if not is_dead(work, sealed):
            raise NotYet
        # Also where only what it was written on was refused: it counts as corrected like that, or it
        # would stay beside every correction and be merged with each, in vain.
        refuse(work, sealed)
        envelope, _ = open_line(work.operations.line(sealed) or b"")
        found: set[str] = set()
        for base in envelope.base:
            if is_dead(work, base):
                found |= self._standing(work, base)
            elif work.operations.is_held(base):
                found.add(base)
            else:  # heard of from a colleague alone, who may never send it: the province is asked
                work.outbox.queue_operation(base)
                raise NotYet
        return found

    def _envelope(
        self,
        work: Work,
        key: Key,
        node: VersionNode,
        bases: tuple[str, ...],
        number: int,
        life: str = "",
    ) -> Envelope:
        kind, record_id, _ = key
        common: dict[str, Any] = {
            "kind": kind,
            "record_id": record_id,
            "status": node.status,
            "base": bases,
            "at": node.at,
            "reason": node.reason,
            "open_fields": node.open_fields,
        }
        if node.origin is Origin.MERGE:  # the same bytes on every machine
            return Envelope(
                **common,
                author_id=MERGE_AUTHOR_ID,
                author_name=MERGE_AUTHOR_NAME,
                incarnation=MERGE_INCARNATION,
                number=0,
                rule=MERGE_RULE,
            )
        return Envelope(
            **common,
            author_id=node.author_id,
            author_name=node.author_name,
            incarnation=life or self.incarnation.current(work),
            number=number,
            device=node.device or _device(work),
            skew=node.skew,
        )

    def _unit(
        self, work: Work, key: Key, node: VersionNode, bases: Iterable[str]
    ) -> tuple[Resource, ...]:
        kind, record_id, version = key
        # A merge is made of its bases alone, which are the same everywhere; which older versions a
        # machine happens to hold, and in what order they came, is not.
        earlier: tuple[Any, ...] = ()
        if node.origin is not Origin.MERGE:
            earlier = tuple(
                content_of(work, kind, record_id, one) for one in _ancestors(work, key, node)
            )
        record = content_of(work, kind, record_id, version)
        resources = self.build(kind, record, node.status, earlier)
        for base in bases:
            line = work.operations.line(base)
            if line is not None:
                _, before = open_line(line)
                resources = self.carry(before, resources)
        return tuple(resources)


def key_of_item(item: OutboxItem) -> Key:
    return item.kind, item.record_id, item.version


def _kept(key: Key, name: str, line: bytes) -> KeptOperation:
    kind, record_id, version = key
    return KeptOperation(
        op_id=name,
        kind=kind.value,
        record_id=record_id,
        version=version,
        line=line,
        held=False,
    )


def refuse(work: Work, refused: str) -> None:
    """The province will not take this operation as it is: nothing new is built on it."""
    work.settings.put(f"{REFUSED_OPERATION}{refused}", REFUSED)


def is_dead(work: Work, sealed: str) -> bool:
    """Refused for its content, or written on nothing but such: the province never takes it."""
    if work.operations.is_held(sealed):
        return False
    if work.settings.get(f"{REFUSED_OPERATION}{sealed}") == REFUSED:
        return True
    line = work.operations.line(sealed)
    if line is None:
        return False
    envelope, _ = open_line(line)
    return any(is_dead(work, base) for base in envelope.base)


def versions_of(work: Work, kind: RecordKind, record_id: str) -> tuple[VersionNode, ...]:
    """Every version of a record of any kind, oldest first."""
    found: list[VersionNode] = []
    while True:
        try:
            found.append(work.operations.node(kind, record_id, len(found) + 1))
        except NotFound:
            return tuple(found)


def _fresh_number(work: Work) -> int:
    """For a version whose event is gone: no number is ever used twice."""
    number = work.outbox.last_number() + 1
    work.outbox.raise_number(number)
    return number


def _ancestors(work: Work, key: Key, node: VersionNode) -> list[int]:
    """Older versions this one builds on, oldest first."""
    kind, record_id, _ = key
    if kind in {RecordKind.PRACTITIONER, RecordKind.FACILITY}:
        return []  # kept by their station alone, and without children that come and go
    found: set[int] = set()
    waiting = list(node.parents)
    while waiting:
        version = waiting.pop()
        if version not in found:
            found.add(version)
            waiting += work.operations.node(kind, record_id, version).parents
    return sorted(found)


def _device(work: Work) -> str:
    try:
        return work.settings.station().device_name
    except NotFound:
        return ""
