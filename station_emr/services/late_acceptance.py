"""A version that the province refused and took after all (docs/sync.md, "Two people, one record", 8).

Its author may have corrected it meanwhile, as on a version that nobody would ever see. Now everybody
sees both, so they stand beside one another here as well.
"""

from __future__ import annotations

from datetime import datetime

from station_emr.domain.lineage import Lineage, by_rule
from station_emr.domain.operation import Applied
from station_emr.domain.record import Changed, RecordKind

from .merging import MergedRecord
from .ports import Work
from .record_stores import MERGED_KINDS
from .rights_effect import follow_late
from .sync_ports import REFUSED_OPERATION, TAKEN_LATE


def reconsider(
    work: Work, kind: RecordKind, record_id: str, now: datetime
) -> tuple[Applied, Changed | None]:
    """What the record shows, now that the province holds what it had refused. KNOWN where that is
    what it showed before. Raises UnsealedVersion before anything is written.
    """
    if kind not in MERGED_KINDS:
        return Applied.KNOWN, None
    record = MergedRecord(work, kind, record_id)
    stored = record.store.find(record_id)
    if stored is None or not stored.version:
        return Applied.KNOWN, None
    graph = Lineage(record.nodes, record.same)
    newest = graph.newest()
    if newest is None:
        record.must_be_sealed(graph)
        applied, merged = record.merge(graph, "", now)
        follow_late(work, kind, record_id, now)
        return applied, merged
    if graph.stands_for(stored.version).version == graph.stands_for(newest.version).version:
        return Applied.KNOWN, None
    changed = record.store.show(record_id, newest.version)
    follow_late(work, kind, record_id, now)
    if by_rule(newest) and newest.op_id and not work.operations.is_held(newest.op_id):
        work.outbox.queue_operation(newest.op_id)  # it was no longer to go
    return (Applied.CONFLICT if newest.open_fields else Applied.NEWEST), changed


def note_accepted(work: Work, op_id: str, kind: RecordKind, record_id: str, version: int) -> None:
    """It counts like any other from now on and need not go again; what was refused for being built
    on it does.
    """
    if version:
        work.outbox.drop_versions(kind, record_id, (version,))
    work.settings.put(f"{REFUSED_OPERATION}{op_id}", TAKEN_LATE)
    work.outbox.release_record(kind, record_id)
