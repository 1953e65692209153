"""What people call the fields of a record."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .record import RecordKind

_STATUS: Final = {"status": "Tình trạng của hồ sơ"}

_PATIENT: Final = {
    "full_name": "Họ và tên",
    "birth": "Ngày sinh",
    "sex": "Giới tính",
    "chart_number": "Mã người bệnh",
    "national_id": "Số định danh cá nhân",
    "old_national_id": "Số chứng minh nhân dân cũ",
    "national_id_issued_on": "Ngày cấp giấy tờ",
    "phone": "Điện thoại",
    "address": "Địa chỉ",
    "ethnic_name": "Dân tộc",
    "nationality_name": "Quốc tịch",
    "occupation_name": "Nghề nghiệp",
    "workplace": "Nơi làm việc",
    "guardian": "Người đưa đến khám",
    "coverages": "Thẻ bảo hiểm y tế",
    "allergies": "Dị ứng",
    "no_known_allergy": "Chưa ghi nhận dị ứng nào",
    "conditions": "Bệnh mạn tính",
    "blood_type": "Nhóm máu",
    "note": "Ghi chú",
    "card_extra": "Dòng khác trên thẻ đã quét",
}

_SIGNED: Final = {
    "patient_id": "Hồ sơ người bệnh",
    "encounter_id": "Lượt khám",
    "number": "Số giấy",
    "diagnoses": "Chẩn đoán",
    "station": "Trạm",
    "patient": "Thông tin người bệnh trên giấy",
    "practitioner": "Người khám",
}

_ENCOUNTER: Final = _SIGNED | {
    "number": "Số khám bệnh",
    "arrived_at": "Giờ đến",
    "started_at": "Giờ bắt đầu khám",
    "ended_at": "Giờ kết thúc",
    "priority": "Mức ưu tiên",
    "care_kind": "Loại khám chữa bệnh",
    "visit_object": "Đối tượng đến khám",
    "coverage_number": "Thẻ dùng cho lượt khám",
    "accident": "Tai nạn",
    "came_from": "Nơi chuyển đến",
    "came_with": "Số phiếu chuyển, phiếu hẹn mang theo",
    "admitted_at": "Giờ bắt đầu lưu",
    "admission_reason": "Lý do lưu",
    "reason": "Lý do đến khám",
    "history": "Bệnh sử",
    "past_history": "Tiền sử",
    "vitals": "Dấu hiệu sinh tồn",
    "examination": "Khám",
    "preliminary_diagnosis": "Chẩn đoán sơ bộ",
    "procedures": "Thủ thuật và xét nghiệm nhanh",
    "progress": "Diễn biến khi lưu",
    "treatment": "Xử trí",
    "advice": "Lời dặn",
    "result": "Kết quả điều trị",
    "discharge": "Loại ra viện",
}

_PRESCRIPTION: Final = _SIGNED | {
    "code": "Mã đơn thuốc",
    "lines": "Thuốc",
    "advice": "Lời dặn",
    "follow_up_on": "Hẹn khám lại",
    "replaces_code": "Thay cho đơn",
    "written_at": "Giờ kê đơn",
    "prescriber": "Người kê đơn",
}

_REFERRAL: Final = _SIGNED | {
    "number": "Số phiếu",
    "record_number": "Số hồ sơ",
    "register_number": "Số vào sổ chuyển",
    "to_facility_name": "Cơ sở nhận",
    "card_unlimited": "Thẻ không xác định thời hạn",
    "prior_care": "Nơi đã khám, điều trị",
    "clinical_signs": "Dấu hiệu lâm sàng",
    "test_results": "Kết quả xét nghiệm",
    "procedures": "Thủ thuật",
    "procedures_start": "Giờ bắt đầu thủ thuật",
    "procedures_end": "Giờ kết thúc thủ thuật",
    "treatment": "Thuốc và kỹ thuật đã dùng",
    "condition_on_transfer": "Tình trạng lúc chuyển",
    "reason": "Lý do chuyển",
    "plan": "Hướng điều trị",
    "transfer_at": "Giờ chuyển",
    "one_year": "Phiếu có giá trị một năm",
    "transport": "Phương tiện",
    "escort": "Người hộ tống",
    "emergency": "Cấp cứu",
    "referrer": "Người ký chuyển",
}

_APPOINTMENT: Final = _SIGNED | {
    "on": "Ngày hẹn",
    "visited_on": "Ngày khám",
    "admitted_on": "Ngày vào viện",
    "discharged_on": "Ngày ra viện",
    "note": "Ghi chú",
}

_LINK: Final = {
    "survivor_id": "Hồ sơ được giữ",
    "duplicate_id": "Hồ sơ trùng",
    "reason": "Lý do gộp",
}

_FEEDBACK: Final = {
    "referral_id": "Phiếu chuyển",
    "state": "Trả lời",
    "answered_at": "Trả lời lúc",
    "answered_by": "Người trả lời",
    "receiver_code": "Mã nơi nhận",
    "receiver_name": "Nơi nhận",
    "reason": "Lý do từ chối",
    "admitted_on": "Ngày tiếp nhận",
    "discharged_on": "Ngày ra viện",
    "diagnosis_code": "Mã bệnh",
    "diagnosis": "Chẩn đoán ra viện",
    "treatment": "Điều trị đã thực hiện",
    "outcome": "Kết quả điều trị",
    "medicines": "Thuốc dùng tiếp tại nhà",
    "advice": "Đề nghị trạm theo dõi, chăm sóc",
    "follow_up_on": "Hẹn khám lại",
    "follow_up_at": "Khám lại tại",
    "doctor": "Bác sĩ điều trị",
}

_CONSENT: Final = {
    "patient_id": "Người bệnh",
    "purpose": "Mục đích",
    "giver": "Người đồng ý",
    "form": "Cách đồng ý",
    "given_at": "Lúc đồng ý",
    "recorded_by": "Người ghi",
    "guardian_name": "Người đại diện",
    "guardian_relationship": "Quan hệ",
    "witness": "Người làm chứng",
    "paper_number": "Số phiếu giấy",
    "receiver": "Nơi được nhận hồ sơ",
    "note": "Ghi chú",
    "valid_until": "Có hiệu lực đến",
    "withdrawn_at": "Rút lại lúc",
    "withdrawn_by": "Người rút lại",
    "withdrawal_paper": "Số giấy rút lại",
    "answered_at": "Trả lời việc rút lại lúc",
}

_CERTIFICATE: Final = _SIGNED | {
    "serial": "Số seri",
    "social_insurance_no": "Mã số BHXH",
    "temporary_card": "Thẻ tạm",
    "identity_issued_on": "Ngày cấp giấy tờ",
    "workplace": "Đơn vị làm việc",
    "treatment": "Phương pháp điều trị",
    "pregnancy_ended": "Đình chỉ thai nghén",
    "termination_cause": "Nguyên nhân đình chỉ thai nghén",
    "gestation_weeks": "Tuổi thai (tuần)",
    "days": "Số ngày nghỉ",
    "first_day": "Nghỉ từ ngày",
    "last_day": "Nghỉ đến hết ngày",
    "father_name": "Họ tên cha",
    "mother_name": "Họ tên mẹ",
    "head_name": "Người đại diện đơn vị",
    "head_code": "Mã người đại diện đơn vị",
    "practitioner_code": "Mã người hành nghề",
    "issued_on": "Ngày cấp",
    "visited_on": "Ngày khám",
    "visit_kind": "Loại khám chữa bệnh",
    "reissue_of": "Cấp lại cho giấy số",
    "reissue_reason": "Lý do cấp lại",
    "practitioner": "Người hành nghề ký",
}

_BILL: Final = _SIGNED | {
    "coverage": "Thẻ BHYT",
    "more_coverages": "Thẻ BHYT khác",
    "items": "Các khoản",
    "visit_number": "Số khám bệnh",
    "department": "Mã khoa",
    "department_name": "Khoa",
    "care_kind": "Loại khám, chữa bệnh",
    "visit_object": "Đối tượng đến khám",
    "arrived_at": "Đến lúc",
    "ended_at": "Kết thúc lúc",
    "note": "Ghi chú",
    "closed_at": "Chốt lúc",
    "practitioner": "Người lập bảng kê",
}

_NOTIFICATION: Final = _SIGNED | {
    "number": "Số phiếu",
    "disease_code": "Mã bệnh cần báo",
    "disease_name": "Bệnh cần báo",
    "icd_code": "Mã ICD-10",
    "icd_title": "Chẩn đoán",
    "detected_at": "Phát hiện lúc",
    "hours": "Hạn báo (giờ)",
    "onset_on": "Ngày khởi phát",
    "grade": "Phân độ",
    "case_class": "Phân loại chẩn đoán",
    "state": "Tình trạng hiện tại",
    "died_at": "Tử vong lúc",
    "phone": "Điện thoại",
    "home_address": "Nơi ở hiện nay",
    "onset_address": "Nơi khởi phát",
    "workplace": "Nơi làm việc, học tập",
    "occupation": "Nghề nghiệp",
    "pregnant": "Có thai",
    "underlying": "Bệnh nền",
    "vaccinated": "Đã tiêm chủng",
    "vaccine_doses": "Số mũi đã tiêm",
    "last_vaccine_on": "Mũi cuối ngày",
    "specimen_taken": "Lấy mẫu",
    "specimen": "Loại bệnh phẩm",
    "specimen_on": "Ngày lấy mẫu",
    "test_result": "Kết quả xét nghiệm",
    "test_name": "Xét nghiệm",
    "contacts": "Yếu tố dịch tễ, người tiếp xúc",
    "measures": "Xử lý ban đầu",
    "note": "Ghi chú",
    "reported_at": "Đã báo lúc",
    "reported_way": "Báo bằng",
    "reported_to": "Nơi nhận báo",
    "receipt": "Người nhận tin, mã hồ sơ",
    "practitioner": "Người báo",
}

_RIGHTS: Final = {"cells": "Quyền của các vai trò", "ranges": "Mã bệnh hạn chế"}
_STANDING: Final = {
    "shut": "Ngừng hoặc mở tài khoản",
    "closes_on": "Thời hạn của tài khoản",
    "rights": "Quyền có thời hạn",
}

_REQUEST: Final = {
    "patient_id": "Người bệnh",
    "kind": "Yêu cầu",
    "asker": "Tư cách người yêu cầu",
    "received_at": "Nhận lúc",
    "number": "Số yêu cầu",
    "asker_name": "Người yêu cầu",
    "asker_paper": "Giấy tờ của người yêu cầu",
    "asker_phone": "Điện thoại người yêu cầu",
    "relationship": "Quan hệ",
    "proof": "Giấy chứng minh quyền đại diện",
    "purpose": "Mục đích",
    "wanted": "Nội dung yêu cầu",
    "recorded_by": "Người ghi",
    "given_answer": "Trả lời người yêu cầu",
}

_BREACH: Final = {
    "noticed_at": "Phát hiện lúc",
    "number": "Số sự cố",
    "happened": "Xảy ra lúc",
    "what": "Việc đã xảy ra",
    "who": "Dữ liệu của ai",
    "kinds": "Loại dữ liệu",
    "effects": "Hậu quả",
    "done": "Đã làm gì",
    "contact": "Người liên hệ",
    "given_report": "Đã báo cho",
}

LABELS: Final[Mapping[RecordKind, Mapping[str, str]]] = MappingProxyType(
    {
        RecordKind.PATIENT: _PATIENT | _STATUS,
        RecordKind.ENCOUNTER: _ENCOUNTER | _STATUS,
        RecordKind.PRESCRIPTION: _PRESCRIPTION | _STATUS,
        RecordKind.REFERRAL: _REFERRAL | _STATUS,
        RecordKind.APPOINTMENT: _APPOINTMENT | _STATUS,
        RecordKind.LINK: _LINK | _STATUS,
        RecordKind.FEEDBACK: _FEEDBACK | _STATUS,
        RecordKind.CONSENT: _CONSENT | _STATUS,
        RecordKind.CERTIFICATE: _CERTIFICATE | _STATUS,
        RecordKind.NOTIFICATION: _NOTIFICATION | _STATUS,
        RecordKind.BILL: _BILL | _STATUS,
        RecordKind.RIGHTS: _RIGHTS | _STATUS,
        RecordKind.STANDING: _STANDING | _STATUS,
        RecordKind.REQUEST: _REQUEST | _STATUS,
        RecordKind.BREACH: _BREACH | _STATUS,
    }
)


def field_label(kind: RecordKind, path: str) -> str:
    """What people call a field. A field of a newer program is shown by its own name."""
    return LABELS.get(kind, {}).get(path, path)
