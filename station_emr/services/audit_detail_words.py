"""The words for the details of a line of the log: their keys, their values, the fields of a person."""

from __future__ import annotations

import re
from typing import Final

from station_emr.domain.encounter import Stage
from station_emr.domain.permissions import Role

from .catalog_names import CATALOG_NAMES
from .i18n import _
from .views import AuditRow

_DETAILS: Final = {
    "parts": "phần",
    "month": "tháng",
    "period": "kỳ",
    "register": "sổ",
    "report": "báo cáo",
    "hours": "số giờ hoàn thành hồ sơ",
    "decision": "quyết định quy chế",
    "level": "quyết định cấp độ",
    "row": "mục",
    "block": "điều",
    "consent_purpose": "mục đích đồng ý",
    "request_number": "số",
    "left_out": "số lượt hạn chế không đưa vào",
    "after_right": "sau",
    "before_right": "trước",
    "from_day": "từ",
    "note": "nhận xét",
    "right": "quyền",
    "roles": "vai trò phải có mã điện thoại",
    "until": "đến",
    "until_day": "đến",
    "verdict": "kết luận",
    "account": "tài khoản",
    "how": "bằng",
    "tried_at": "lúc thử",
    "tried_until": "đến lúc",
    "times": "số lần",
    "what": "việc",
    "seen_at": "lúc xem",
    "lines": "số dòng",
    "head": "mốc",
    "format": "dạng tệp",
    "form": "mẫu",
    "evidence": "so với",
    "compared": "kết quả so",
    "result": "kết quả",
    "asked_by": "người đề nghị",
    "reason": "lý do",
    "certificate": "chứng thư",
    "standing": "nơi cấp trả lời",
    "method": "cách ký",
    "path": "tệp khóa",
    "reentry": "nhập lại mật khẩu",
    "sha256": "mã băm",
    "receipt": "mã giao dịch",
    "copy": "bản thứ",
    "version": "phiên bản",
    "role": "vai trò",
    "active": "đang làm việc",
    "why": "vì",
    "key": "mục",
    "source": "từ tệp",
    "added": "thêm",
    "removed": "bỏ",
    "changed": "đổi",
    "closed": "ngừng",
    "refused": "từ chối",
    "size": "số byte",
    "number": "tệp số",
    "operations": "số mục",
    "acknowledged": "tỉnh đã nhận",
    "finished": "trọn vẹn",
    "verified": "đã đối chiếu",
    "for_key": "khóa của máy nhận",
    "fingerprint": "dấu vân tay khóa",
    "count": "số mục",
    "to": "nơi",
    "seconds": "số giây",
    "days": "số ngày",
    "weeks": "số tuần",
    "months": "số tháng",
    "stage": "sang",
    "device": "mã thiết bị",
    "address": "địa chỉ",
    "before": "ký hiệu trước",
    "series": "ký hiệu mới",
    "with": "cùng với",
    "fields": "mục đã sửa",
    "from": "từ máy",
    "written_by": "người ghi",
    "rights": "bảng quyền của trạm",
    "standings": "tình trạng tài khoản",
    "patient": "người bệnh",
    "encounter": "lượt khám",
    "prescription": "đơn thuốc",
    "referral": "phiếu chuyển",
    "appointment": "phiếu hẹn",
    "link": "hồ sơ được gộp",
    "feedback": "phản hồi chuyển tuyến",
    "signature": "chữ ký",
    "consent": "sự đồng ý",
    "notification": "phiếu báo bệnh truyền nhiễm",
    "request": "yêu cầu về hồ sơ",
    "breach": "sự cố dữ liệu cá nhân",
    "practitioner": "nhân viên",
    "facility": "trạm",
}
_FIELDS: Final = {
    "full_name": "họ tên",
    "birth": "ngày sinh",
    "sex": "giới tính",
    "chart_number": "mã người bệnh",
    "national_id": "số định danh",
    "old_national_id": "số CMND cũ",
    "national_id_issued_on": "ngày cấp thẻ",
    "phone": "điện thoại",
    "address": "địa chỉ",
    "ethnic_code": "dân tộc",
    "ethnic_name": "dân tộc",
    "nationality_code": "quốc tịch",
    "nationality_name": "quốc tịch",
    "occupation_code": "nghề nghiệp",
    "occupation_name": "nghề nghiệp",
    "workplace": "nơi làm việc",
    "guardian": "người giám hộ",
    "coverages": "thẻ bảo hiểm y tế",
    "allergies": "dị ứng",
    "no_known_allergy": "không có dị ứng đã biết",
    "conditions": "bệnh mạn tính",
    "blood_type": "nhóm máu",
    "note": "ghi chú",
    "card_extra": "thông tin đọc từ thẻ",
}
_KEY: Final = re.compile(r"(^|, )([a-z_]+): ")
_VALUE: Final = re.compile(r": ([A-Za-z_.]+)(?=, |$)")
_VALUES: Final = {
    "True": "có",
    "False": "không",
    "password": "mật khẩu",
    "recovery": "mã khôi phục",
    "second_factor": "mã xác thực thứ hai",
    "person": "người dùng bấm",
    "idle": "để máy không dùng",
    "close": "đóng chương trình",
    "no_show": "người bệnh không đến",
    "encounter": "lượt khám",
    "accepted": "đã nhận",
    "not_taken": "chưa nhận",
    "away": "không tới được",
    "unknown": "không rõ",
    "bhxh": "Cổng giám định BHYT",
    "donthuoc": "Hệ thống đơn thuốc quốc gia",
    "claims.settings": "cổng BHYT và đơn thuốc",
    "sync.server_url": "địa chỉ máy chủ của tỉnh",
    "sync.token": "mã kết nối với tỉnh",
    "sync.authority": "cơ quan cấp chứng chỉ riêng của tỉnh",
    **{stage.value: stage.label[0].lower() + stage.label[1:] for stage in Stage},
}


def detail_text(row: AuditRow) -> str:
    """The details of a line, their keys as words."""
    if row.action == "patient.update":
        return _changed(row.detail)
    if row.action == "access.refused":
        return row.detail.partition("why: ")[2] or row.detail
    words = _KEY.sub(lambda m: f"{m[1]}{_(_DETAILS.get(m[2], m[2]))}: ", row.detail)
    words = _VALUE.sub(lambda m: f": {_value(m[1])}", words)
    if row.action == "catalog.import":
        name = CATALOG_NAMES.get(row.kind)
        listed = _(name) if name else row.kind
        return f"{listed}; {words}" if words else listed
    return words


def _changed(detail: str) -> str:
    """Which fields of a person were edited; code and name of one thing are told once."""
    key, _colon, names = detail.partition(": ")
    if key != "fields" or not names:
        return detail
    words = dict.fromkeys(_(_FIELDS.get(name, name)) for name in names.split(","))
    return f"{_(_DETAILS[key])}: {', '.join(words)}"


def _value(text: str) -> str:
    if text in set(Role):
        return _(Role(text).label)
    return _(_VALUES[text]) if text in _VALUES else text
