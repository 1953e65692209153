"""The outbox as an exchange needs it: every version in an order that a server can take, dropped
by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem

from .codec import moment, offset_of, stamp, utc_text
from .lines import unpack
from .outbox_events import ENQUEUE, ITEM, item
from .statements import text

_ANY: Final = text("SELECT 1 FROM outbox WHERE state = 'waiting' LIMIT 1")
# A record goes as a whole (its versions ascending), in one of six groups: the station, the staff and its rights,
# people with a waiting letter, what was written today, the rest, links. Within a group nothing
# goes before the person and the visit it belongs to: it takes the later of the places. What today's
# records need of older ones comes along.
_ORDER: Final = f"""
WITH record AS MATERIALIZED (
  SELECT kind, record_id, max(patient_id) AS patient_id, min(seq) AS first_seq,
    max(date(created_utc, created_offset || ' minutes') = :today) AS today,
    CASE kind
      WHEN 'prescription' THEN (SELECT encounter_id FROM prescription WHERE id = q.record_id)
      WHEN 'referral' THEN (SELECT encounter_id FROM referral WHERE id = q.record_id)
      WHEN 'appointment' THEN (SELECT encounter_id FROM appointment WHERE id = q.record_id)
    END AS encounter_id
  FROM outbox AS q WHERE state = 'waiting' GROUP BY kind, record_id
), urgent AS MATERIALIZED (
  SELECT patient_id, min(first_seq) AS first_seq FROM record
  WHERE kind = 'referral' AND patient_id <> '' GROUP BY patient_id
), placed AS (
  SELECT one.kind, one.record_id, one.first_seq, u.first_seq AS letter,
    max(one.first_seq, coalesce(person.first_seq, 0), coalesce(visit.first_seq, 0)) AS place,
    CASE one.kind WHEN 'patient' THEN 0 WHEN 'encounter' THEN 1 WHEN 'prescription' THEN 2
      WHEN 'referral' THEN 3 ELSE 4 END AS rank,
    CASE
      WHEN one.kind = 'facility' THEN 0
      WHEN one.kind IN ('practitioner', 'rights', 'standing') THEN 1
      WHEN one.kind NOT IN ('patient', 'encounter', 'prescription', 'referral', 'appointment') THEN 5
      WHEN u.first_seq IS NOT NULL THEN 2
      WHEN one.today THEN 3
      WHEN one.kind = 'patient' AND one.record_id IN (SELECT patient_id FROM record WHERE today) THEN 3
      WHEN one.kind = 'encounter'
        AND one.record_id IN (SELECT encounter_id FROM record WHERE today AND encounter_id <> '')
        THEN 3
      ELSE 4
    END AS turn
  FROM record AS one
  LEFT JOIN urgent AS u ON u.patient_id = one.patient_id
  LEFT JOIN record AS person ON person.kind = 'patient' AND person.record_id = one.patient_id
    AND one.kind <> 'patient'
  LEFT JOIN record AS visit ON visit.kind = 'encounter' AND visit.record_id = one.encounter_id
), chosen AS (
  SELECT {ITEM}, placed.turn, CASE placed.turn WHEN 2 THEN placed.letter END AS letter,
    CASE placed.turn WHEN 2 THEN placed.rank ELSE placed.place END AS first,
    CASE placed.turn WHEN 2 THEN placed.place ELSE placed.rank END AS second, placed.first_seq
  FROM placed CROSS JOIN outbox AS o ON o.kind = placed.kind AND o.record_id = placed.record_id
    AND o.state = 'waiting'
  ORDER BY placed.turn, letter, first, second, placed.first_seq, o.record_id, o.version, o.seq
  LIMIT :limit
)
SELECT o.*, coalesce(w.op_id, k.op_id, '') AS sealed, coalesce(w.size, k.size, 0) AS size
FROM chosen AS o
LEFT JOIN operation AS w ON w.kind = o.kind AND w.record_id = o.record_id
  AND w.version = o.version AND w.version > 0
LEFT JOIN operation AS k ON k.op_id = o.op_id AND o.version = 0
ORDER BY o.turn, o.letter, o.first, o.second, o.first_seq, o.record_id, o.version, o.seq
"""  # noqa: S608  # fixed texts only
_NOTE_SYNCED: Final = text(
    "INSERT INTO synced_record (kind, record_id, version, at_utc, at_offset) "
    "VALUES (:kind, :id, :version, :utc, :offset) "
    "ON CONFLICT (kind, record_id) DO UPDATE SET version = excluded.version, "
    "at_utc = excluded.at_utc, at_offset = excluded.at_offset WHERE excluded.version >= version"
)
_UNHELD: Final = text(
    "SELECT o.op_id FROM json_each(:keys) AS k CROSS JOIN operation AS o ON o.kind = k.value ->> 0 "
    "AND o.record_id = k.value ->> 1 AND o.version = k.value ->> 2 AND o.version > 0 WHERE o.held = 0"
)
_FRESH: Final = text(
    f"SELECT {ITEM} FROM record_version AS v CROSS JOIN outbox AS o ON o.kind = v.kind "  # noqa: S608
    "AND o.record_id = v.record_id AND o.version = v.version AND o.state = 'waiting' "
    "WHERE v.seq > :after AND v.version = 1 AND v.origin = 'here' ORDER BY o.seq LIMIT :limit"
)
# By its id SQLite knows that this is one row at most, and prepares no way back from the middle of the
# statement: a tenth of the time that the same takes by kind, record and version.
_HOLD_LINE: Final = text("UPDATE operation SET held = 1 WHERE op_id = :op_id AND held = 0")
_PATIENT_OF: Final = {
    RecordKind.PATIENT: "SELECT id FROM patient WHERE id = :id",
    RecordKind.ENCOUNTER: "SELECT patient_id FROM encounter WHERE id = :id",
    RecordKind.PRESCRIPTION: "SELECT patient_id FROM prescription WHERE id = :id",
    RecordKind.REFERRAL: "SELECT patient_id FROM referral WHERE id = :id",
    RecordKind.APPOINTMENT: "SELECT patient_id FROM appointment WHERE id = :id",
    RecordKind.LINK: "SELECT survivor_id FROM link WHERE id = :id",
    RecordKind.FEEDBACK: "SELECT patient_id FROM feedback WHERE id = :id",
    RecordKind.SIGNATURE: "SELECT patient_id FROM signature WHERE id = :id",
    RecordKind.CONSENT: "SELECT patient_id FROM consent WHERE id = :id",
    RecordKind.CERTIFICATE: "SELECT patient_id FROM certificate WHERE id = :id",
    RecordKind.NOTIFICATION: "SELECT patient_id FROM notification WHERE id = :id",
    RecordKind.BILL: "SELECT patient_id FROM bill WHERE id = :id",
    RecordKind.REQUEST: "SELECT patient_id FROM request WHERE id = :id",
}


class _Written(msgspec.Struct):
    """What an outbox event needs of a line that wrote no version here."""

    at: datetime
    status: RecordStatus


_written = msgspec.json.Decoder(_Written)


def note_synced(
    connection: Connection, kind: RecordKind, record_id: str, version: int, at: datetime
) -> None:
    """The server confirmed this version of a record."""
    connection.execute(
        _NOTE_SYNCED,
        {
            "kind": kind.value,
            "id": record_id,
            "version": version,
            "utc": utc_text(at),
            "offset": offset_of(at),
        },
    )


class ExchangeQueue:
    """The part of the outbox that counts versions and numbers rather than records."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def operations(self, limit: int, today: date) -> tuple[OutboxItem, ...]:
        """``op_id`` is the operation's own, empty while the version is not sealed; ``size`` is that
        of its line. An item of version 0 is a kept line that is sent as it is.
        """
        if self._connection.execute(_ANY).scalar_one_or_none() is None:
            return ()  # mostly so, and the order is dear even then
        rows = self._connection.execute(
            text(_ORDER), {"limit": limit, "today": today.isoformat()}
        ).all()
        return tuple(item(row, op_id=row.sealed, size=row.size) for row in rows)

    def fresh_firsts(self, after: int, limit: int) -> tuple[OutboxItem, ...]:
        rows = self._connection.execute(_FRESH, {"after": after, "limit": limit}).all()
        return tuple(item(row, op_id="") for row in rows)

    def acknowledge_numbers(self, items: Sequence[OutboxItem], at: datetime) -> None:
        if not items:
            return
        self._connection.execute(
            text("DELETE FROM outbox WHERE seq = :seq"), [{"seq": one.seq} for one in items]
        )
        keys = [(one.kind.value, one.record_id, one.version) for one in items if one.version]
        unheld = self._connection.execute(_UNHELD, {"keys": msgspec.json.encode(keys).decode()})
        names = [*unheld.scalars(), *(one.op_id for one in items if not one.version)]
        if names:
            self._connection.execute(_HOLD_LINE, [{"op_id": name} for name in names])
        said = {"utc": utc_text(at), "offset": offset_of(at)}
        written = [
            {"kind": one.kind.value, "id": one.record_id, "version": one.version, **said}
            for one in items
            if one.version
        ]
        if written:
            self._connection.execute(_NOTE_SYNCED, written)

    def queue_operation(self, op_id: str) -> None:
        row = self._connection.execute(
            text("SELECT kind, record_id, version, line FROM operation WHERE op_id = :op_id"),
            {"op_id": op_id},
        ).one_or_none()
        if row is None:
            return
        self._connection.execute(
            text("UPDATE operation SET held = 0 WHERE op_id = :op_id AND held = 1"),
            {"op_id": op_id},
        )
        waiting = self._connection.execute(
            text(
                "SELECT 1 FROM outbox WHERE kind = :kind AND record_id = :id AND state = 'waiting' "
                "AND version = :version AND (version > 0 OR op_id = :op_id) LIMIT 1"
            ),
            {"kind": row.kind, "id": row.record_id, "version": row.version, "op_id": op_id},
        ).one_or_none()
        if waiting is None:
            self._connection.execute(
                ENQUEUE,
                {
                    "op_id": op_id,
                    "kind": row.kind,
                    "record_id": row.record_id,
                    "version": row.version,
                    **(self._written(row) if row.version else self._kept(row.line)),
                },
            )

    def _written(self, row: Any) -> dict[str, Any]:
        values = {"kind": row.kind, "id": row.record_id, "version": row.version}
        version = self._connection.execute(
            text(
                "SELECT status, at_utc, at_offset FROM record_version "
                "WHERE kind = :kind AND record_id = :id AND version = :version"
            ),
            values,
        ).one()
        owner = _PATIENT_OF.get(RecordKind(row.kind))
        patient = owner and self._connection.execute(text(owner), values).scalar_one_or_none()
        return {
            "status": version.status,
            "patient_id": patient or "",
            "created_utc": version.at_utc,
            "created_offset": version.at_offset,
        }

    def _kept(self, line: bytes) -> dict[str, Any]:
        """A line that cannot be read is as old as the record's last version: it has no other age."""
        found: dict[str, Any] = {"status": RecordStatus.SIGNED.value, "patient_id": ""}
        try:
            written = _written.decode(unpack(line))
            return {**found, "status": written.status.value, **stamp("created", written.at)}
        except (msgspec.DecodeError, ValueError):
            last = self._connection.execute(
                text("SELECT at_utc, at_offset FROM record_version ORDER BY seq DESC LIMIT 1")
            ).one_or_none()
            utc, offset = ("1970-01-01T00:00:00.000000Z", 0) if last is None else last
            return {**found, **stamp("created", moment(utc, offset))}

    def last_number(self) -> int:
        found: int | None = self._connection.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        ).scalar_one_or_none()
        return found or 0

    def raise_number(self, at_least: int) -> None:
        if at_least <= self.last_number():
            return
        done = self._connection.execute(
            text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'outbox'"), {"seq": at_least}
        )
        if done.rowcount == 0:
            self._connection.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', :seq)"),
                {"seq": at_least},
            )

    def add_traffic(self, day: date, up: int, down: int) -> None:
        self._connection.execute(
            text(
                "INSERT INTO traffic_day (day, up, down) VALUES (:day, :up, :down) "
                "ON CONFLICT (day) DO UPDATE SET up = up + excluded.up, down = down + excluded.down"
            ),
            {"day": day.isoformat(), "up": up, "down": down},
        )

    def traffic_on(self, day: date) -> tuple[int, int]:
        row = self._connection.execute(
            text("SELECT up, down FROM traffic_day WHERE day = :day"), {"day": day.isoformat()}
        ).one_or_none()
        return (0, 0) if row is None else (row.up, row.down)
