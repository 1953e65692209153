"""What an operation needs at the province before it can be taken there, and who offers that.

As a rule its own author does. But he may be a colleague of whom only this machine heard, and may have
corrected the version since, so that he never sends it: then it is offered from here. It is taken, known
already, or refused, and each of these tells how to go on.
"""

from __future__ import annotations

from collections.abc import Iterable

from station_emr.domain.errors import NotFound
from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import Work
from station_emr.services.record_stores import parents_of

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


def _offer(work: Work, names: Iterable[str]) -> None:
    for name in names:
        known = name and work.operations.line(name) is not None
        if known and not work.operations.is_held(name) and not is_dead(work, name):
            work.outbox.queue_operation(name)
