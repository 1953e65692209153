"""What somebody asked of the own record, and a leak, each with every field filled in."""

from __future__ import annotations

from datetime import timedelta

from station_emr.domain.privacy_request import (
    Asker,
    DataBreach,
    PrivacyRequest,
    RequestKind,
    RequestState,
)

from . import fhir_records as sample

REQUEST = PrivacyRequest(
    id=sample.made_id(31),
    patient_id=sample.PATIENT_ID,
    kind=RequestKind.COPY,
    asker=Asker.REPRESENTATIVE_C,
    received_at=sample.AT,
    number="YC-A.26-0001",
    asker_name="Người Yêu Cầu Mẫu",
    asker_paper="MẪU-0001",
    asker_phone="0900000000",
    relationship="Con",
    proof="Giấy ủy quyền mẫu",
    purpose="Khám ở nơi khác",
    wanted="Các lượt khám năm 2026",
    recorded_by="ĐD. Mẫu",
    state=RequestState.DONE,
    answered_at=sample.AT + timedelta(days=1),
    answer="Đã giao bản sao",
    handled_by="BS. Mẫu",
    closed_at=sample.AT + timedelta(days=3),
)
BREACH = DataBreach(
    id=sample.made_id(32),
    noticed_at=sample.AT,
    number="SC-A.26-0001",
    happened="Đêm 19/11",
    what="Mất một ổ nhớ",
    who="Khoảng 20 người",
    kinds="Họ tên, chẩn đoán",
    effects="Chưa rõ",
    done="Đã báo giám đốc",
    contact="Giám đốc trạm",
    recorded_by="GĐ. Mẫu",
    reported_at=sample.AT + timedelta(hours=5),
    reported_to="Cơ quan mẫu",
    facility_id=sample.STATION.facility_id,
)
