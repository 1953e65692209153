"""What changed on a server without the exchange comes back by paged search (docs/sync.md, "The way
back"): type by type, a whole record at a time, and like any other operation.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import msgspec

from station_emr.domain.errors import NetworkFailure, NotFound
from station_emr.domain.operation import Envelope
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import Clock, Store, Work

from .applying import Applier, CannotApply, numbers_of
from .conflicts import content, forget
from .fhir_peer import FhirPeer, Page
from .loading import content_of
from .operation_line import op_id, open_line, seal
from .plain_groups import GROUPS, HANGING, PEOPLE, Group, is_the_stations, kind_of
from .plain_resources import (
    ID_LENGTH,
    as_held,
    base_of,
    belongs,
    clean,
    comparable,
    etag_of,
    is_of,
    moment_of,
    parsed,
    place_of,
)
from .running import OUR_FAULTS, Run
from .sealing import Key, Sealer, versions_of
from .unit import Resource, key_of
from .verdicts import UNREADABLE

_log = logging.getLogger(__name__)

OVERLAP: Final = timedelta(minutes=5)
"""A server may give a change a moment that is earlier than what it has shown already."""
_EVERY: Final = timedelta(minutes=5)
_PAGE: Final = "100"
_AT_ONCE: Final = 25
_MARKS: Final = "sync.pull."
_AUTHOR_ID: Final = "00000000-0000-7000-8000-000000000001"
_AUTHOR_NAME: Final = "Máy chủ tỉnh"
_REASON: Final = "Sửa trên máy chủ tỉnh"
_COUNTED: Final = ("Patient", "Encounter")
_Changed = tuple[tuple[RecordKind, str], Mapping[str, Resource]]


class _Marks(msgspec.Struct):
    """Per server: the moment up to which each type was read, and how many there were."""

    moments: dict[str, str] = {}
    counts: dict[str, int] = {}


@dataclass(slots=True)
class _Found:
    """What a group's pages brought."""

    records: dict[tuple[RecordKind, str], dict[str, Resource]] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)  # when what is nobody's here was written


class PlainPull:
    """Used by the thread of the run alone. ``every`` is the least time between two looks."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        peer: FhirPeer,
        sealer: Sealer,
        applier: Applier,
        *,
        every: timedelta = _EVERY,
    ) -> None:
        self._store = store
        self._clock = clock
        self._peer = peer
        self._sealer = sealer
        self._applier = applier
        self._every = every
        self._looked_at: datetime | None = None

    def run(self, run: Run) -> None:
        """Raises NetworkFailure, Refused, Busy, EnvironmentFailure; what was applied stays."""
        now = self._clock.now()
        if self._looked_at is not None and abs(now - self._looked_at) < self._every:
            return
        marks = self._marks()
        whole = True
        for group in GROUPS:
            if group.hangs and not whole:
                continue  # whose it is cannot be told before everybody is here
            try:
                found = self._read(group, marks)
            except OUR_FAULTS as fault:  # JSON of no shape that R4 knows: not the server's word
                raise NetworkFailure(UNREADABLE) from fault
            if found is None:
                whole = False
                continue
            self._apply(run, found)
            marks.moments.update(found.moments)
            self._keep(marks)
        self._compare(marks)
        self._looked_at = now

    def dress(
        self, work: Work, item: OutboxItem, resources: Sequence[Resource]
    ) -> tuple[Resource, ...]:
        """What others added to the versions this one was written on, laid onto its resources."""
        if item.kind in {RecordKind.PRACTITIONER, RecordKind.FACILITY}:
            return tuple(resources)
        for parent in work.operations.node(item.kind, item.record_id, item.version).parents:
            line = work.operations.line(work.operations.op_id_of(item.kind, item.record_id, parent))
            if line is not None:
                resources = self._sealer.carry(open_line(line)[1], resources)
        return tuple(resources)

    # --- marks -------------------------------------------------------------------------------

    def _marks(self) -> _Marks:
        with self._store.read() as work:
            kept = work.settings.get(f"{_MARKS}{self._peer.name}")
        try:
            return msgspec.json.decode((kept or "{}").encode(), type=_Marks)
        except msgspec.DecodeError:
            return _Marks()

    def _keep(self, marks: _Marks) -> None:
        kept = msgspec.json.encode(marks, order="sorted").decode()
        with self._store.write() as work:
            if work.settings.get(f"{_MARKS}{self._peer.name}") != kept:
                work.settings.put(f"{_MARKS}{self._peer.name}", kept)

    def _compare(self, marks: _Marks) -> None:
        """By count, type by type. Fewer than there were: the server was put back to a backup, so
        everything is read and offered once more.
        """
        read = {name.partition("/")[2] for name in marks.moments}
        counts = self._peer.count(kind for kind in _COUNTED if kind in read)
        lost = any(counts[kind] < marks.counts.get(kind, 0) for kind in counts)
        marks.counts.update(counts)
        if lost:
            marks.moments.clear()
            with self._store.write() as work:
                work.outbox.requeue_all()
        self._keep(marks)

    # --- reading -----------------------------------------------------------------------------

    def _read(self, group: Group, marks: _Marks) -> _Found | None:
        """Everything of a group that is not known; None when the server ended it half-way."""
        found = _Found()
        people = comparable(marks.moments.get(PEOPLE, ""))
        for kind in group.types:
            name = group.name_of(kind)
            mark = marks.moments.get(name, "")
            latest = mark
            pages = self._pages(kind, mark)
            if pages is None:
                continue  # the server has no such type, or no such search
            for page in pages:
                if page is None:
                    return None
                latest = max([latest, *map(moment_of, page.resources)], key=comparable)
                self._sort(group, kind, page.resources, found)
            if latest:
                # Whom a younger one is about may not have been read yet: it is looked at again.
                again = [one for one in found.strange if comparable(one) > people]
                found.moments[name] = min([latest, *again], key=comparable)
        return found

    def _pages(self, kind: str, mark: str) -> Iterator[Page | None] | None:
        """None among them: the rest is on another server, or goes in a circle."""
        query = {"_sort": "_lastUpdated", "_count": _PAGE}
        if mark:
            since = datetime.fromisoformat(mark) - OVERLAP
            query["_lastUpdated"] = f"ge{since.isoformat()}"
        first = self._peer.search(kind, **query)
        return None if first is None else self._follow(first)

    def _follow(self, page: Page) -> Iterator[Page | None]:
        seen: set[str] = set()
        yield page
        while page.next:
            following = None if page.next in seen else self._peer.follow(page.next)
            seen.add(page.next)
            yield following
            if following is None:
                return
            page = following

    def _sort(self, group: Group, kind: str, resources: Sequence[Resource], found: _Found) -> None:
        """Those that are new here, by their record. A page is judged in one short reading."""
        with self._store.read() as work:
            etags = cache(work.outbox.etags)
            station = self._station(work)
            for resource in resources:
                name = resource.get("id")
                if resource.get("resourceType") != kind or not isinstance(name, str):
                    continue
                if not belongs(group.kinds[0], kind, name):
                    continue
                record_id = name[:ID_LENGTH]
                known = etags(record_id).get(f"{kind}/{name}")
                if known is not None and known == etag_of(resource):
                    continue
                of = kind_of(work, group, resource, self._applier.read)
                if of is None:
                    continue
                if group.hangs and not is_the_stations(
                    work, of, resource, station, self._applier.read
                ):
                    found.strange.append(moment_of(resource))
                    continue
                found.records.setdefault((of, record_id), {})[f"{kind}/{name}"] = resource

    # --- applying ----------------------------------------------------------------------------

    def _apply(self, run: Run, found: _Found) -> None:
        waiting = list(found.records.items())
        for start in range(0, len(waiting), _AT_ONCE):
            some = waiting[start : start + _AT_ONCE]
            try:
                self._apply_some(run, some, frozenset())
            except OUR_FAULTS:
                self._apply_each(run, some)

    def _apply_each(self, run: Run, some: Sequence[_Changed]) -> None:
        """What no server should say of a record must not keep the others away."""
        for one in some:
            try:
                self._apply_some(run, [one], frozenset())
            except OUR_FAULTS as fault:
                # The message may quote a record: not logged.
                _log.warning("cannot read a %s: %s", one[0][0].value, type(fault).__name__)
                run.unreadable += 1

    def _apply_some(self, run: Run, some: Sequence[_Changed], aside: frozenset[str]) -> None:
        """Some records in one transaction, with their ETags."""
        try:
            with self._store.write() as work:
                numbers = numbers_of(work)
                for (kind, record_id), changed in some:
                    self._lay(work, run, kind, record_id, changed, numbers, aside)
        except CannotApply as fault:
            self._apply_some(run, some, aside | {fault.name})

    def _lay(
        self,
        work: Work,
        run: Run,
        kind: RecordKind,
        record_id: str,
        changed: Mapping[str, Resource],
        numbers: Mapping[Key, int],
        aside: frozenset[str],
    ) -> None:
        nodes = versions_of(work, kind, record_id)
        hangs = kind in HANGING  # judged already
        if not nodes and not hangs and not is_of(self._station(work), changed.values()):
            return
        base = base_of(work, kind, record_id, numbers)
        etags = {key: etag_of(resource) for key, resource in changed.items() if etag_of(resource)}
        item = as_held(kind, record_id, base)
        if nodes and self._is_ours(work, kind, record_id, changed):
            work.outbox.acknowledge(item, etags, self._clock.now())
            return
        for node in nodes:
            self._sealer.seal_known(work, (kind, record_id, node.version), numbers)
        line = self._line(work, kind, record_id, base, changed)
        known = work.operations.version_of(op_id(line))
        if known is not None:
            return  # looked at before, and could not be read or waits for another
        outcome = self._applier.page(work, [line], held=False, aside=aside)
        run.received += outcome.received
        run.conflicts += outcome.conflicts
        run.unreadable += outcome.unreadable
        run.changes += outcome.changes
        version = work.operations.version_of(op_id(line))
        if version:
            forget(work, item)  # what was asked of a person was about what is merged now
            work.outbox.acknowledge(as_held(kind, record_id, version), etags, self._clock.now())

    def _station(self, work: Work) -> tuple[str, str]:
        try:
            station = work.settings.station()
        except NotFound:
            return "", ""
        return station.facility_id, station.code

    def _is_ours(
        self, work: Work, kind: RecordKind, record_id: str, changed: Mapping[str, Resource]
    ) -> bool:
        """Whether it is all what a version here says: sent, and the answer was lost."""
        for node in reversed(versions_of(work, kind, record_id)):
            unit = {
                key_of(one): content(one) for one in self._unit(work, kind, record_id, node.version)
            }
            if all(unit.get(key) == content(clean(one)) for key, one in changed.items()):
                return True
        return False

    def _unit(
        self, work: Work, kind: RecordKind, record_id: str, version: int
    ) -> tuple[Resource, ...]:
        """The resources of a version as they went or came."""
        line = work.operations.line(work.operations.op_id_of(kind, record_id, version))
        if line is not None:
            return open_line(line)[1]
        node = work.operations.node(kind, record_id, version)
        earlier = [
            content_of(work, kind, record_id, one.version)
            for one in versions_of(work, kind, record_id)
            if one.version < version
        ]
        record = content_of(work, kind, record_id, version)
        return tuple(self._sealer.build(kind, record, node.status, earlier))

    def _line(
        self,
        work: Work,
        kind: RecordKind,
        record_id: str,
        base: int,
        changed: Mapping[str, Resource],
    ) -> bytes:
        """The whole record as the server has it now, as somebody's version on ``base``."""
        unit: dict[str, Resource] = {}
        if base:
            unit = {key_of(one): one for one in self._unit(work, kind, record_id, base)}
        ours = dict(unit)
        for key, resource in changed.items():
            arrived = clean(resource)
            if key not in ours or content(ours[key]) != content(arrived):
                unit[key] = arrived
        order = list(ours) + sorted(
            unit.keys() - ours.keys(), key=lambda key: place_of(key, record_id)
        )
        resources = [unit[key] for key in order]
        return seal(
            Envelope(
                kind=kind,
                record_id=record_id,
                status=self._status(resources, first=not base),
                base=(work.operations.op_id_of(kind, record_id, base),) if base else (),
                at=self._when(changed.values()),
                author_id=_AUTHOR_ID,
                author_name=_AUTHOR_NAME,
                incarnation=hashlib.sha256(self._peer.name.encode()).hexdigest()[:16],
                number=0,
                reason=_REASON if base else "",
            ),
            resources,
        )

    def _when(self, resources: Iterable[Resource]) -> datetime:
        """By the server's word; it orders nothing."""
        now = self._clock.now()
        moments = filter(None, map(parsed, map(moment_of, resources)))
        return max(moments, default=now).astimezone(now.tzinfo)

    def _status(self, resources: Sequence[Resource], *, first: bool) -> RecordStatus:
        try:
            if self._applier.read(resources).status is RecordStatus.VOIDED:
                return RecordStatus.VOIDED
        except ValueError:
            pass  # it is kept and passed over like any line that cannot be read
        return RecordStatus.SIGNED if first else RecordStatus.AMENDED
