"""What those in charge decided for every PC of the station."""

from __future__ import annotations

from typing import Any

from station_emr.db.models import RightsHead, StandingHead
from station_emr.domain.record import RecordKind
from station_emr.domain.station_rights import Standing, StationRights

from .records import RecordRepository


class RightsRepository(RecordRepository[StationRights]):
    kind = RecordKind.RIGHTS
    head = RightsHead
    record_type = StationRights

    def columns(self, record: StationRights) -> dict[str, Any]:
        del record
        return {}

    def patient_of(self, record: StationRights) -> str:
        return record.patient_id


class StandingRepository(RecordRepository[Standing]):
    kind = RecordKind.STANDING
    head = StandingHead
    record_type = Standing

    def columns(self, record: Standing) -> dict[str, Any]:
        return {"user_id": record.user_id, "shut": record.shut}

    def patient_of(self, record: Standing) -> str:
        return record.patient_id
