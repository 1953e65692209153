"""What the inbox calls states, filters and what was done."""

from __future__ import annotations

from provincial_server.referrals import tables
from provincial_server.referrals.tables import ReferralInbox

_STATES = {
    tables.REQUESTED: ("Chưa trả lời", "warning"),
    tables.ACCEPTED: ("Đã nhận", "info"),
    tables.REJECTED: ("Đã từ chối", "danger"),
    tables.ARRIVED: ("Người bệnh đã đến", "info"),
    tables.ANSWERED: ("Đã phản hồi", "success"),
}
_WITHDRAWN = ("Trạm đã rút phiếu", "danger")
FILTERS = {
    "": "Tất cả",
    "unread": "Chưa đọc",
    tables.REQUESTED: "Chưa trả lời",
    tables.ACCEPTED: "Đã nhận, chờ người bệnh",
    tables.ARRIVED: "Người bệnh đã đến, chờ phản hồi",
    tables.ANSWERED: "Đã phản hồi",
    tables.REJECTED: "Đã từ chối",
    tables.WITHDRAWN: "Trạm đã rút phiếu",
}
ACTIONS = {
    "received": "Phiếu đến",
    "amended": "Trạm sửa phiếu",
    "withdrawn": "Trạm rút phiếu",
    "returned": "Trạm gửi lại phiếu",
    "moved": "Phiếu đã chuyển nơi khác",
    "viewed": "Xem phiếu",
    "printed-form": "Xem bản in",
    tables.ACCEPTED: "Nhận",
    tables.REJECTED: "Từ chối",
    tables.ARRIVED: "Ghi người bệnh đã đến",
    tables.ANSWERED: "Gửi phản hồi",
    "corrected": "Gửi lại phản hồi",
}
TOLD = {
    tables.ACCEPTED: "Đã ghi nhận: cơ sở nhận người bệnh. Trạm sẽ thấy ở lần đồng bộ tới.",
    tables.REJECTED: "Đã ghi từ chối cùng lý do. Trạm sẽ thấy ở lần đồng bộ tới.",
    tables.ARRIVED: "Đã ghi người bệnh đã đến.",
    tables.ANSWERED: "Đã gửi phản hồi. Trạm sẽ thấy ở lần đồng bộ tới.",
}


def state_of(row: ReferralInbox) -> tuple[str, str]:
    """Words and colour."""
    return _WITHDRAWN if row.letter_state == tables.WITHDRAWN else _STATES[row.status]
