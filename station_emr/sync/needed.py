"""What an operation needs at the province before it can be taken there, and who offers that.

As a rule its own author does. But he may be a colleague of whom only this machine heard, and may have
corrected the version since, so that he never sends it, or lost it when an older copy of his database was
put back: then it is offered from here. It is taken, known already, or refused, and each of these tells
how to go on.
"""

from __future__ import annotations

from collections.abc import Iterable

from station_emr.domain.errors import NotFound
from station_emr.domain.lineage import Lineage
from station_emr.domain.operation import SERVER_INCARNATION
from station_emr.domain.sync import OutboxItem
from station_emr.services.merging import MergedRecord
from station_emr.services.ports import Store, Work
from station_emr.services.record_stores import MERGED_KINDS, parents_of

from .loading import content_of
from .operation_line import Unopenable, open_line
from .sealing import is_dead, versions_of


def offer_bases(work: Work, line: bytes) -> None:
    """The versions that this one was written on."""
    try:
        envelope, _ = open_line(line)
    except Unopenable:
        return
    _offer(work, envelope.base)


def offer_parents(work: Work, item: OutboxItem) -> None:
    """Its person and its visit, with every version that came here."""
    if not item.version:
        return
    try:
        record = content_of(work, item.kind, item.record_id, item.version)
    except NotFound:
        return
    for kind, record_id in parents_of(item.kind, record):
        _offer(work, (node.op_id for node in versions_of(work, kind, record_id)))


def offer_unsent(store: Store) -> bool:
    """Queue what this machine heard of a colleague alone and nobody has sent. To be called when what is
    held here and at the province is known to be the same. Gives whether there was any.
    """
    with store.read() as work:
        names = [name for name in work.operations.unsent() if not _is_needless(work, name)]
    if names:
        with store.write() as work:
            for name in names:
                work.outbox.queue_operation(name)
    return bool(names)


def _is_needless(work: Work, name: str) -> bool:
    """Whether the province never takes it, has the same by another name, or the rule has written another
    merge since.
    """
    line = work.operations.line(name)
    if line is None:
        return True
    try:
        envelope, _ = open_line(line)
    except Unopenable:
        return False  # it may be a newer program's, which the province can read
    if is_dead(work, name):
        return True
    version = work.operations.version_of(name)
    if not version:  # what it was written on never came: refused, and corrected by its author
        return len(work.operations.knows(envelope.base)) < len(envelope.base)
    if envelope.kind not in MERGED_KINDS:
        return False
    record = MergedRecord(work, envelope.kind, envelope.record_id)
    if envelope.by_rule:
        shown = record.store.find(record.id)
        return shown is None or shown.version != version
    graph = Lineage(record.nodes, record.same)
    stands = graph.stands_for(version).version
    # It wrote that down itself, when it came by plain FHIR.
    return any(
        node.version != version
        and graph.stands_for(node.version).version == stands
        and _is_the_servers(work, node.op_id)
        for node in graph.nodes
    )


def _is_the_servers(work: Work, name: str) -> bool:
    line = work.operations.line(name)
    return line is not None and open_line(line)[0].incarnation == SERVER_INCARNATION


def _offer(work: Work, names: Iterable[str]) -> None:
    for name in names:
        known = name and work.operations.line(name) is not None
        if known and not work.operations.is_held(name) and not is_dead(work, name):
            work.outbox.queue_operation(name)
