"""The sync page in a window, and states of the line as it is told them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, OutboxItem, SyncRun, SyncStatus
from station_emr.ui.screens.sync import SyncScreen
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver

QUIET = SyncStatus(link=LinkState.ONLINE, server="https://tinh.example/fhir")


def run(hours: int, outcome: str) -> SyncRun:
    start = MORNING + timedelta(hours=hours)
    return SyncRun(started_at=start, ended_at=start + timedelta(seconds=2), outcome=outcome)


WHOLE = replace(
    QUIET, last_complete_at=MORNING - timedelta(days=3), verified_at=MORNING - timedelta(days=3)
)
REFUSED = OutboxItem(
    seq=1,
    op_id="x",
    kind=RecordKind.PATIENT,
    record_id="r",
    version=1,
    status=RecordStatus.SIGNED,
    patient_id="p",
    created_at=MORNING,
    reason="Máy chủ tỉnh không nhận người bệnh: giá trị không hợp lệ (mục ngày sinh). "
    "Hãy sửa rồi lưu lại, mục này sẽ tự gửi đi. [422 value Bundle.entry[0].resource.birthDate]",
)


class Page(ScreenDriver):
    def __init__(self, qtbot, session, courier=None) -> None:
        super().__init__(qtbot, SyncScreen(session, courier))
        self.screen.on_enter()
        self.until(lambda: self.screen.status.sentence.text() != "")
