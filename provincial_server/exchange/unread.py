"""The records that were taken and could not be turned into resources.

The overview calls a station for each of them, so the number must go down when one can be read: by a
corrected version, by a newer program, or by plain FHIR.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, tuple_
from sqlalchemy.orm import Session

from provincial_server import __version__
from provincial_server.exchange.current import Record
from provincial_server.exchange.tables import UnreadRecord, portions
from provincial_server.store import Facility

_DAY = 86_400_000


def due(now: int) -> ColumnElement[bool]:
    """Not tried by this program yet, or a day ago."""
    return or_(UnreadRecord.program != __version__, UnreadRecord.tried_at <= now - _DAY)


def note_unread(
    session: Session,
    facility: Facility,
    unread: Mapping[Record, int],
    tried: Collection[Record],
    now: int,
) -> None:
    """Of the records that were tried, those of `unread` are so under this number and the others are
    not. Under the facility's lock, which holds the count."""
    code = facility.code
    own = UnreadRecord.facility_code == code
    for some in portions(sorted(tried)):
        named = tuple_(UnreadRecord.kind, UnreadRecord.record_id).in_(some)
        session.execute(delete(UnreadRecord).where(and_(own, named)))
    if unread:
        session.execute(
            insert(UnreadRecord),
            [
                {
                    "facility_code": code,
                    "record_id": record_id,
                    "kind": kind,
                    "sequence": sequence,
                    "program": __version__,
                    "tried_at": now,
                }
                for (kind, record_id), sequence in sorted(unread.items())
            ],
        )
    counted = select(func.count()).select_from(UnreadRecord).where(own)
    facility.skipped_operations = session.scalar(counted) or 0
