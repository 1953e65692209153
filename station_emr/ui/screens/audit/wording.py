"""The words for what the log holds. No widgets."""

from __future__ import annotations

import re
from typing import Final

from station_emr.domain.permissions import Role
from station_emr.services.i18n import _
from station_emr.services.views import AuditRow

_OBJECTS: Final = {
    "patient": "người bệnh",
    "encounter": "lượt khám",
    "prescription": "đơn thuốc",
    "referral": "phiếu chuyển",
    "appointment": "phiếu hẹn",
    "account": "tài khoản",
    "user": "người dùng",
    "station": "trạm",
    "setting": "cài đặt",
    "catalog": "danh mục",
    "backup": "bản sao lưu",
    "sync": "đồng bộ",
}
_VERBS: Final = {
    "sign": "Ký",
    "amend": "Sửa đổi",
    "void": "Hủy",
    "print": "In",
    "register": "Đăng ký",
    "update": "Sửa",
    "add": "Thêm",
    "discard": "Bỏ nháp",
    "vitals": "Ghi sinh hiệu của",
    "check_in": "Tiếp đón",
    "start": "Bắt đầu",
    "create": "Tạo",
    "import": "Nhập",
    "make": "Tạo",
    "unlock": "Mở khóa",
}
_WHOLE: Final = {
    "clock.accept": "Chấp nhận giờ của máy",
    "encounter.stage": "Chuyển chỗ trong hàng chờ",
    "account.log_in": "Đăng nhập",
    "account.log_out": "Đăng xuất",
    "account.change_password": "Đổi mật khẩu",
    "account.reset_password": "Đặt lại mật khẩu",
    "account.recovery": "Mở lại bằng mã khôi phục",
    "account.new_recovery_code": "Cấp mã khôi phục mới",
    "sync.requeue_all": "Xếp lại toàn bộ hồ sơ để gửi",
}
_DETAILS: Final = {
    "reason": "lý do",
    "copy": "bản thứ",
    "version": "phiên bản",
    "role": "vai trò",
    "active": "đang làm việc",
    "why": "vì",
    "key": "mục",
    "source": "từ tệp",
    "added": "thêm",
    "changed": "đổi",
    "closed": "ngừng",
    "refused": "từ chối",
    "size": "số byte",
    "count": "số mục",
}
_KEY: Final = re.compile(r"(^|, )([a-z_]+): ")
_VALUE: Final = re.compile(r": ([A-Za-z_]+)(?=, |$)")
_VALUES: Final = {
    "True": "có",
    "False": "không",
    "person": "người dùng bấm",
    "idle": "để máy không dùng",
    "close": "đóng chương trình",
}


def action_text(action: str) -> str:
    """``referral.print`` reads ``In phiếu chuyển``; an unknown one stays as it is."""
    if action in _WHOLE:
        return _(_WHOLE[action])
    kind, _dot, verb = action.partition(".")
    if kind in _OBJECTS and verb in _VERBS:
        return f"{_(_VERBS[verb])} {_(_OBJECTS[kind])}"
    return action


def role_text(role: str) -> str:
    return _(Role(role).label) if role in set(Role) else role


def detail_text(row: AuditRow) -> str:
    """The details of a line, their keys as words."""
    words = _KEY.sub(lambda m: f"{m[1]}{_(_DETAILS.get(m[2], m[2]))}: ", row.detail)
    words = _VALUE.sub(lambda m: f": {_value(m[1])}", words)
    if row.action == "catalog.import":
        return f"{row.kind}; {words}" if words else row.kind
    return words


def _value(text: str) -> str:
    if text in set(Role):
        return _(Role(text).label)
    return _(_VALUES[text]) if text in _VALUES else text
