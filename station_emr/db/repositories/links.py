"""Which charts are one person: decided by links, read by every list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, bindparam

from station_emr.db.chunks import chunks
from station_emr.db.codec import decode
from station_emr.db.models import LinkHead
from station_emr.db.statements import text
from station_emr.domain.patient_link import PatientLink, survivors
from station_emr.domain.record import RecordKind

from .records import RecordRepository

_GROUP: Final = (
    "SELECT patient_id FROM patient_identity WHERE survivor_id = "
    "(SELECT survivor_id FROM patient_identity WHERE patient_id = ?) "
    "ORDER BY patient_id <> survivor_id, patient_id"
)
_ACTIVE: Final = (
    "SELECT v.content FROM link AS l JOIN record_version AS v "
    "ON v.kind = 'link' AND v.record_id = l.id AND v.version = l.version "
    "WHERE l.version > 0 AND l.status <> 'voided' ORDER BY l.id"
)
_SHOWN: Final = text(
    "SELECT DISTINCT survivor_id FROM patient_identity WHERE patient_id IN :charts"
).bindparams(bindparam("charts", expanding=True))
_IDENTIFY: Final = text(
    "INSERT INTO patient_identity (patient_id, survivor_id) VALUES (:chart, :shown) "
    "ON CONFLICT (patient_id) DO UPDATE SET survivor_id = excluded.survivor_id"
)
_PART: Final = text("DELETE FROM patient_identity WHERE patient_id = :chart")
_NOTE_LAST_VISIT: Final = text(
    "UPDATE patient SET last_visit_on = (SELECT e.day FROM encounter AS e "
    "WHERE e.patient_id = :chart AND e.status <> 'voided' "
    "ORDER BY e.arrived_utc DESC LIMIT 1) WHERE id = :chart"
)
_NOTE_LAST_OF_GROUP: Final = text(
    "UPDATE patient SET last_visit_on = (SELECT e.day FROM patient_identity AS i "
    "JOIN encounter AS e ON e.patient_id = i.patient_id "
    "WHERE i.survivor_id = :chart AND e.status <> 'voided' "
    "ORDER BY e.arrived_utc DESC LIMIT 1) WHERE id = :chart"
)


def group_of(connection: Connection, patient_id: str) -> tuple[str, ...]:
    """Every chart of the same person, the one shown first; alone when no link names it."""
    rows = connection.exec_driver_sql(_GROUP, (patient_id,)).all()
    return tuple(row[0] for row in rows) or (patient_id,)


def note_last_visit(connection: Connection, patient_id: str) -> None:
    """Refresh what lists show as a person's last visit, on the chart that they show too."""
    connection.execute(_NOTE_LAST_VISIT, {"chart": patient_id})
    shown, *others = group_of(connection, patient_id)
    if others:
        connection.execute(_NOTE_LAST_OF_GROUP, {"chart": shown})


def note_last_visits(connection: Connection, patient_ids: Iterable[str]) -> None:
    """The same for many charts."""
    for charts in chunks(dict.fromkeys(patient_ids)):
        connection.execute(_NOTE_LAST_VISIT, [{"chart": chart} for chart in charts])
        shown = connection.execute(_SHOWN, {"charts": charts}).scalars().all()
        if shown:
            connection.execute(_NOTE_LAST_OF_GROUP, [{"chart": chart} for chart in shown])


class PatientLinkRepository(RecordRepository[PatientLink]):
    kind = RecordKind.LINK
    head = LinkHead
    record_type = PatientLink

    def columns(self, record: PatientLink) -> dict[str, Any]:
        return {"survivor_id": record.survivor_id, "duplicate_id": record.duplicate_id}

    def patient_of(self, record: PatientLink) -> str:
        return record.patient_id

    def written(self, record: PatientLink) -> None:
        """Every group anew: links are few, and any two of them may join or part."""
        del record
        rows = self._connection.exec_driver_sql(
            "SELECT patient_id, survivor_id FROM patient_identity"
        )
        before = {row[0]: row[1] for row in rows}
        after = survivors(self.active())
        changed = [chart for chart in {**before, **after} if before.get(chart) != after.get(chart)]
        for chart in changed:
            if chart in after:
                self._connection.execute(_IDENTIFY, {"chart": chart, "shown": after[chart]})
            else:
                self._connection.execute(_PART, {"chart": chart})
        touched = {*changed, *(before.get(one, one) for one in changed)}
        for chart in sorted({*touched, *(after.get(one, one) for one in touched)}):
            note_last_visit(self._connection, chart)

    def active(self) -> tuple[PatientLink, ...]:
        rows = self._connection.exec_driver_sql(_ACTIVE)
        return tuple(decode(row[0], PatientLink) for row in rows)

    def survivor_of(self, patient_id: str) -> str:
        return group_of(self._connection, patient_id)[0]

    def group_of(self, patient_id: str) -> tuple[str, ...]:
        return group_of(self._connection, patient_id)

    def dismissed(self) -> frozenset[tuple[str, str]]:
        rows = self._connection.exec_driver_sql("SELECT one, other FROM not_duplicate")
        return frozenset((row[0], row[1]) for row in rows)

    def dismiss(self, one: str, other: str) -> None:
        smaller, larger = sorted((one, other))
        self._connection.execute(
            text(
                "INSERT INTO not_duplicate (one, other) VALUES (:one, :other) ON CONFLICT DO NOTHING"
            ),
            {"one": smaller, "other": larger},
        )
