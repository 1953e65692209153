"""Machines of one station for tests: real databases, and a sealing that needs no mapping.

A line is the encoded record with its envelope; its id is the hash of those bytes, as on the wire.
"""

import hashlib
import json
from dataclasses import replace

from station_emr.db.codec import encode
from station_emr.domain.lineage import Lineage
from station_emr.domain.operation import (
    MERGE_AUTHOR_ID,
    MERGE_INCARNATION,
    Applied,
    Envelope,
    Operation,
)
from station_emr.domain.record import RecordStatus
from station_emr.services.merging import UnsealedVersion
from station_emr.services.record_stores import record_store
from station_emr.services.replication import apply_operation
from station_emr.services.sync_ports import KeptOperation


class Machine:
    """One database. ``lines`` is what everybody could have opened, shared by all machines."""

    def __init__(self, name, store, clock, lines):
        self.name, self.store, self.clock, self.lines = name, store, clock, lines

    # writing as a person

    def write(self, kind, record, author, *, status=None, open_fields=()):
        with self.store.write() as work:
            records = record_store(work, kind)
            known = records.find(record.id)
            version = known.version if known else 0
            records.add_version(
                record,
                status or (RecordStatus.AMENDED if version else RecordStatus.SIGNED),
                author=author,
                at=self.clock.now(),
                expected_version=version,
                open_fields=open_fields,
            )

    def edit(self, kind, record_id, author, status=None, **changes):
        """An ordinary edit, which leaves open what it does not touch."""
        with self.store.write() as work:
            records = record_store(work, kind)
            before = records.get(record_id)
            if before.status is RecordStatus.VOIDED:
                return
            after = replace(before.record, **changes)
            left = work.operations.node(kind, record_id, before.version).open_fields
            records.add_version(
                after,
                status or RecordStatus.AMENDED,
                author=author,
                at=self.clock.now(),
                expected_version=before.version,
                open_fields=tuple(path for path in left if path not in changes),
            )

    def settle(self, kind, record_id, author):
        """A decision: what is shown is right, nothing is open any more."""
        with self.store.write() as work:
            records = record_store(work, kind)
            before = records.get(record_id)
            if work.operations.node(kind, record_id, before.version).open_fields:
                records.add_version(
                    before.record,
                    RecordStatus.AMENDED,
                    author=author,
                    at=self.clock.now(),
                    expected_version=before.version,
                )

    # travelling

    def seal(self, kind, record_id):
        with self.store.write() as work:
            self._seal(work, kind, record_id)

    def _seal(self, work, kind, record_id):
        records = record_store(work, kind)
        for node in records.lineage(record_id):
            if node.op_id:
                continue
            by_rule = node.author_id == MERGE_AUTHOR_ID
            base = tuple(sorted(work.operations.op_id_of(kind, record_id, v) for v in node.parents))
            assert all(base)
            envelope = Envelope(
                kind=kind,
                record_id=record_id,
                status=node.status,
                base=base,
                at=node.at,
                author_id=node.author_id,
                author_name=node.author_name,
                incarnation=MERGE_INCARNATION if by_rule else self.name,
                number=0 if by_rule else node.version,
                device=node.device,
                open_fields=node.open_fields,
                rule=int(by_rule),
            )
            self._keep(work, envelope, records.at_version(record_id, node.version), node.version)

    def _keep(self, work, envelope, record, version):
        operation = sealed(envelope, record)
        self.lines[operation.line] = operation
        work.operations.keep(
            KeptOperation(
                op_id=operation.op_id,
                kind=envelope.kind.value,
                record_id=envelope.record_id,
                version=version,
                line=operation.line,
                held=False,
            )
        )

    def operations(self, kind, record_id):
        """Every version of a record, sealed, in the order in which this machine wrote them down."""
        self.seal(kind, record_id)
        with self.store.read() as work:
            nodes = record_store(work, kind).lineage(record_id)
            return [self.lines[work.operations.line(node.op_id)] for node in nodes]

    def take(self, *operations, held=True):
        """Apply like the engine: what is here is sealed first, what was parked follows."""
        outcomes = []
        with self.store.write() as work:
            waiting = list(operations)
            for operation in operations:
                self._seal(work, operation.envelope.kind, operation.envelope.record_id)
            while waiting:
                operation = waiting.pop(0)
                try:
                    result = apply_operation(work, operation, self.clock.now(), held=held)
                except UnsealedVersion as needed:
                    self._seal(work, needed.kind, needed.record_id)
                    waiting.insert(0, operation)
                    continue
                outcomes.append(result.applied)
                waiting[:0] = [self.lines[line] for line in result.released_lines]
        return outcomes

    # looking

    def state(self, kind, record_id):
        """What must be the same everywhere."""
        self.seal(kind, record_id)
        with self.store.read() as work:
            records = record_store(work, kind)
            stored = records.get(record_id)
            node = work.operations.node(kind, record_id, stored.version)

            def same(one, other):
                """Equal versions count as one: which of them a machine shows is its own affair."""
                contents = (records.at_version(record_id, each.version) for each in (one, other))
                opened = {frozenset(each.open_fields) for each in (one, other)}
                first, second = contents
                return one.status is other.status and len(opened) == 1 and first == second

            graph = Lineage(records.lineage(record_id), same)
            return {
                "record": records.at_version(record_id, stored.version),
                "voided": stored.status is RecordStatus.VOIDED,
                "open": node.open_fields,
                "operations": {each.op_id for each in records.lineage(record_id)},
                "newest": graph.stands_for(stored.version).op_id,
            }

    def history(self, kind, record_id):
        with self.store.read() as work:
            records = record_store(work, kind)
            return [records.at_version(record_id, n.version) for n in records.lineage(record_id)]


def sealed(envelope, record):
    content = {
        "base": list(envelope.base),  # where the database looks for it
        "envelope": json.loads(encode(envelope)),
        "record": json.loads(encode(record)),
    }
    line = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    op_id = hashlib.sha256(line).digest()[:16].hex()
    return Operation(op_id=op_id, envelope=envelope, record=record, line=line)


def exchange(kind, record_id, *machines, rounds=12):
    """Everybody tells everybody everything until nobody has news."""
    for _ in range(rounds):
        news = False
        for giver in machines:
            for taker in machines:
                if giver is not taker:
                    outcomes = taker.take(*giver.operations(kind, record_id))
                    news |= any(outcome is not Applied.KNOWN for outcome in outcomes)
        if not news:
            return
    raise AssertionError("the machines go on merging for ever")
