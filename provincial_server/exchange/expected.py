"""A new record written in one way there and back, because its facility stands as it is expected to.

Whoever wrote for a facility a moment ago knows its counters, and so the number and the time of the
next line, before asking. On PostgreSQL one statement then takes the facility's lock, looks whether
everything is as expected, and writes; where anything is not, it writes nothing and has no row, and the
caller asks first, as ever. What it looks at is what `new_records.py` asks about, no less.

The lock and the look are of one moment although they are one statement: a facility's row that changed
meanwhile is looked at again as it is now, and whatever was written for the facility has moved its
sequence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import text

from provincial_server import ready
from provincial_server.exchange import log
from provincial_server.exchange.tables import REST
from provincial_server.records import KINDS
from provincial_server.resources import Key

# Only where nobody holds it, and only while its device may write: it may have been remembered.
MAY_WRITE = (
    "(:trusted OR EXISTS (SELECT 1 FROM device WHERE device.id = :device AND revoked_at IS NULL "
    "AND device.facility_code = :of_facility AND (token_hash = :hashed OR EXISTS (SELECT 1 FROM access_token AS given "
    "WHERE given.token_hash = :hashed AND given.device_id = :device AND given.expires_at > :now))))"
)
_FREE = (
    "held AS MATERIALIZED (SELECT 1 FROM facility WHERE code = :of_facility "  # noqa: S608 -- words of ours
    "AND operation_sequence = :standing AND last_write_at < :received_at "
    "AND (indexed_sequence >= operation_sequence OR EXISTS (SELECT 1 FROM operation "
    f"WHERE facility_code = :of_facility AND sequence = :standing AND sender = '{REST}')) "
    f"AND {MAY_WRITE} FOR NO KEY UPDATE SKIP LOCKED), "
    "free AS MATERIALIZED (SELECT 1 FROM held WHERE EXISTS (SELECT 1 FROM incarnation "
    f"WHERE facility_code = :of_facility AND id = '{REST}' AND highest_number = :given_number) "
    "AND NOT EXISTS (SELECT 1 FROM operation_record "
    "WHERE facility_code = :of_facility AND record_id = :record_id) "
    "AND NOT EXISTS (SELECT 1 FROM resource "
    "WHERE facility_code = :of_facility AND record_id = :record_id) "
    "AND NOT EXISTS (SELECT 1 FROM unnest(CAST(:types AS varchar[]), CAST(:kinds AS varchar[]), "
    "CAST(:names AS varchar[])) AS wanted(type, kind, name) "
    "WHERE NOT EXISTS (SELECT 1 FROM operation_record AS known WHERE "
    "known.facility_code = :of_facility AND known.record_id = wanted.name AND known.kind = wanted.kind) "
    "AND NOT EXISTS (SELECT 1 FROM resource AS known WHERE known.facility_code = :of_facility "
    "AND known.resource_type = wanted.type AND known.resource_id = wanted.name)))"
)
_WRITE = text(log.line_with_all(before=_FREE, source="free") + " RETURNING 1")


class Standing(NamedTuple):
    """How a facility stood after its last write here."""

    sequence: int
    number: int
    """Of the server's own incarnation."""
    last_write_at: int


def question(
    standing: Standing,
    item: log.NewOperation,
    parents: Collection[Key],
    device: Mapping[str, Any],
) -> ready.Question:
    """Writes the line, whose number and time are the next ones, and has a row where it did. `parents`
    have to be there; `device` are the values of `MAY_WRITE`."""
    code = device["of_facility"]
    return _WRITE, {
        **log.values_of(code, standing.sequence + 1, item),
        **device,
        "standing": standing.sequence,
        "given_number": standing.number,
        "types": [resource_type for resource_type, _ in parents],
        "kinds": [KINDS[resource_type] for resource_type, _ in parents],
        "names": [name for _, name in parents],
    }
