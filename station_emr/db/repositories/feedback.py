"""Answers of receiving hospitals. They are written there; here they are read and marked as read."""

from __future__ import annotations

from typing import Any, Final

from station_emr.db.models import FeedbackHead
from station_emr.db.statements import text
from station_emr.domain.record import RecordKind
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.services.ports import Stored

from .records import RecordRepository

# Nearly always there is one; of two the one that changed last counts.
_OF_REFERRAL: Final = text(
    "SELECT id FROM feedback WHERE referral_id = :referral AND version > 0 AND status <> 'voided' "
    "ORDER BY saved_utc DESC, row_id DESC LIMIT 1"
)
_MARK: Final = text(
    "UPDATE feedback SET read_version = version "
    "WHERE referral_id = :referral AND read_version < version"
)
_UNREAD: Final = text(
    "SELECT count(DISTINCT referral_id) FROM feedback "
    "WHERE read_version < version AND status <> 'voided'"
)


class FeedbackRepository(RecordRepository[ReferralFeedback]):
    kind = RecordKind.FEEDBACK
    head = FeedbackHead
    record_type = ReferralFeedback

    def columns(self, record: ReferralFeedback) -> dict[str, Any]:
        return {
            "referral_id": record.referral_id,
            "patient_id": record.patient_id,
            "state": record.state.value,
            "reason": record.reason,
        }

    def patient_of(self, record: ReferralFeedback) -> str:
        return record.patient_id

    def of_referral(self, referral_id: str) -> Stored[ReferralFeedback] | None:
        found = self._connection.execute(_OF_REFERRAL, {"referral": referral_id}).scalar()
        return None if found is None else self.get(found)

    def mark_read(self, referral_id: str) -> bool:
        return bool(self._connection.execute(_MARK, {"referral": referral_id}).rowcount)

    def unread(self) -> int:
        found: int = self._connection.execute(_UNREAD).scalar_one()
        return found
