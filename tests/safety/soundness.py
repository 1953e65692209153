"""Whether a database is whole in itself: every version with its row, event, evidence and log line, every
number once, every file beside its signature. Nothing here knows what anybody did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from station_emr.db.store import EncryptedStore
from station_emr.db.work import SqlWork

HEADS = ("patient", "encounter", "prescription", "referral", "appointment", "signature")

# Each query finds what must not be; the sentence says what it found.
_NEVER = {
    "a version without its event, or with two": """
        SELECT v.kind, v.record_id, v.version FROM record_version AS v WHERE v.origin <> 'replica' AND (
          SELECT count(*) FROM outbox AS o
          WHERE o.kind = v.kind AND o.record_id = v.record_id AND o.version = v.version) <> 1""",
    "an event without its version": """
        SELECT o.kind, o.record_id, o.version FROM outbox AS o WHERE NOT EXISTS (
          SELECT 1 FROM record_version AS v
          WHERE v.kind = o.kind AND v.record_id = o.record_id AND v.version = o.version)""",
    "a gap between the versions of a record": """
        SELECT kind, record_id, max(version) FROM record_version GROUP BY kind, record_id
        HAVING max(version) <> count(*) OR min(version) <> 1""",
    "a signed version without evidence, or with that of another content": """
        SELECT v.kind, v.record_id, v.version FROM record_version AS v
        WHERE v.kind IN ('encounter', 'prescription', 'referral', 'appointment')
          AND (v.kind = 'encounter' OR v.status <> 'voided')  -- papers go with their visit's voiding
          AND v.at_utc > (SELECT coalesce(min(at_utc), 'z') FROM signing_evidence)
          AND NOT EXISTS (
            SELECT 1 FROM signing_evidence AS e WHERE e.kind = v.kind AND e.record_id = v.record_id
              AND e.version = v.version AND e.content_sha256 = v.content_sha256)""",
    "evidence of what is not there": """
        SELECT e.kind, e.record_id, e.version FROM signing_evidence AS e WHERE NOT EXISTS (
          SELECT 1 FROM record_version AS v
          WHERE v.kind = e.kind AND v.record_id = e.record_id AND v.version = e.version)""",
    "a digital signature without its file": """
        SELECT s.target_kind, s.target_id, s.id FROM signature AS s WHERE s.method = 'digital_cert'
          AND s.target_kind <> 'encounter' AND NOT EXISTS (SELECT 1 FROM signed_document AS d WHERE d.signature_id = s.id)""",
    "a paper that waits although it is signed, or the other way": """
        SELECT r.kind, r.record_id, r.state FROM sign_request AS r WHERE r.state <> 'dropped'
          AND (r.state = 'waiting') = EXISTS (
            SELECT 1 FROM signature AS s WHERE s.method = 'digital_cert'
              AND s.target_id = r.record_id AND s.content_sha256 = r.content_sha256)""",
    "copies of a print that are not counted through": """
        SELECT kind, record_id, version FROM print_log GROUP BY kind, record_id
        HAVING max(copy) <> count(*) OR min(copy) <> 1""",
    "a false alarm": """
        SELECT action, detail, seq FROM audit_entry
        WHERE action IN ('audit.mismatch', 'station.new_life')""",
}
# What the log must tell exactly as often as it happened.
_COUNTED = {
    "versions of people": (
        "SELECT count(*) FROM record_version WHERE kind = 'patient'",
        (
            "SELECT count(*) FROM audit_entry WHERE result = 'ok' "
            "AND action IN ('patient.register', 'patient.update')"
        ),
    ),
    "versions of visits": (
        "SELECT count(*) FROM record_version WHERE kind = 'encounter'",
        (
            "SELECT count(*) FROM audit_entry WHERE result = 'ok' "
            "AND action IN ('encounter.sign', 'encounter.amend', 'encounter.void')"
        ),
    ),
    "versions of papers": (
        (
            "SELECT count(*) FROM record_version "
            "WHERE kind IN ('prescription', 'referral', 'appointment')"
        ),
        (
            "SELECT count(*) FROM audit_entry WHERE result = 'ok' "
            "AND kind IN ('prescription', 'referral', 'appointment') "
            "AND substr(action, instr(action, '.')) IN ('.sign', '.amend', '.void')"
        ),
    ),
    "prints": (
        "SELECT count(*) FROM print_log",
        "SELECT count(*) FROM audit_entry WHERE action LIKE '%.print' AND result = 'ok'",
    ),
    "people of the station": (
        "SELECT count(*) FROM record_version WHERE kind = 'practitioner'",
        (
            "SELECT count(*) FROM audit_entry WHERE result = 'ok' "
            "AND action IN ('user.add', 'user.update', 'station.create')"
        ),
    ),
}
# Counter, kind of record, field, and where its number stands in it.
_SERIES = (
    ("chart", "patient", "chart_number", r"-(\d+)$"),
    ("encounter", "encounter", "number", r"\.(\d+)$"),
    ("referral", "referral", "number", r"-(\d+)/"),
    ("referral_register", "referral", "register_number", r"-(\d+)$"),
    ("appointment", "appointment", "number", r"-(\d+)/"),
)


def faults_of(store: EncryptedStore, *, counted: bool = True) -> list[str]:
    """What is wrong; nothing in a sound database. ``counted`` only where one program wrote it all."""
    store.check()
    with store.read() as work:
        return [
            *_impossible(work),
            *(_miscounted(work) if counted else ()),
            *_heads(work),
            *(_numbers(work) if counted else ()),
            *_log(work),
        ]


def _rows(work: SqlWork, sql: str) -> list[Any]:
    return list(work._connection.execute(text(sql)))


def _impossible(work: SqlWork) -> Iterator[str]:
    for what, sql in _NEVER.items():
        yield from (f"{what}: {tuple(row)}" for row in _rows(work, sql))


def _miscounted(work: SqlWork) -> Iterator[str]:
    for what, (there, told) in _COUNTED.items():
        (one,), (other,) = _rows(work, there) + _rows(work, told)
        if one != other:
            yield f"{what}: {one} are there, the log tells of {other}"


def _heads(work: SqlWork) -> Iterator[str]:
    for kind in HEADS:
        newest = {
            row[0]: (row[1], row[2])
            for row in _rows(
                work,
                "SELECT record_id, max(version), status FROM record_version "
                f"WHERE kind = '{kind}' GROUP BY record_id",
            )
        }
        heads = {
            row[0]: (row[1], row[2])
            for row in _rows(work, f"SELECT id, version, status FROM {kind} WHERE version > 0")
        }
        for record_id in newest.keys() | heads.keys():
            if newest.get(record_id) != heads.get(record_id):
                yield (
                    f"{kind} {record_id}: row {heads.get(record_id)}, "
                    f"newest version {newest.get(record_id)}"
                )


def _numbers(work: SqlWork) -> Iterator[str]:
    for counter, kind, field, pattern in _SERIES:
        (row,) = _rows(
            work,
            f"SELECT coalesce(sum(value), 0) FROM counter WHERE name = '{counter}'",
        )
        given = sorted(
            int(found[1])
            for (content,) in _rows(
                work,
                f"SELECT content FROM record_version WHERE kind = '{kind}' AND version = 1",
            )
            if (found := re.search(pattern, json.loads(content).get(field) or ""))
        )
        if given != list(range(1, row[0] + 1)):
            gone = sorted(set(range(1, row[0] + 1)) - set(given))
            twice = sorted({one for one in given if given.count(one) > 1})
            yield f"{counter}: counted to {row[0]}, missing {gone[:5]}, twice {twice[:5]}"


def _log(work: SqlWork) -> Iterator[str]:
    broken = work.audit.verify()
    if broken is not None:
        yield f"the log breaks at line {broken}"
