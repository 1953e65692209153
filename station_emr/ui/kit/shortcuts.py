"""The keys of the program as data: the help page, the tooltips and the tests read this list."""

from __future__ import annotations

from enum import Enum

from PySide6.QtGui import QKeySequence

from station_emr.services.i18n import _


class Shortcut(Enum):
    """One key with what it does; ``value`` is (key sequence, Vietnamese label)."""

    HELP = ("F1", "Trợ giúp")
    TODAY = ("F2", "Hôm nay")
    PATIENTS = ("F3", "Người bệnh")
    ENCOUNTER = ("F4", "Khám bệnh")
    REFERRALS = ("F5", "Chuyển tuyến")
    DRUGS = ("F6", "Thuốc")
    REPORTS = ("F7", "Sổ, báo cáo")
    BILLING = ("Ctrl+B", "Viện phí")
    CLAIMS = ("Ctrl+H", "Hồ sơ BHYT")
    SYNC = ("F8", "Đồng bộ")
    ADMIN = ("F9", "Quản trị")
    SEARCH = ("Ctrl+K", "Tìm người bệnh")
    NEW = ("Ctrl+N", "Thêm mới")
    SAVE = ("Ctrl+S", "Lưu nháp")
    SIGN = ("Ctrl+Return", "Ký")
    PRINT = ("Ctrl+P", "In")
    LOCK = ("Ctrl+L", "Khóa màn hình")
    SWITCH = ("Ctrl+Shift+L", "Đổi người dùng")
    BACK = ("Esc", "Quay lại, không mất gì")
    NEXT = ("Space", "Gọi người tiếp theo")

    @property
    def key(self) -> QKeySequence:
        return QKeySequence(self.value[0])

    @property
    def text(self) -> str:
        """The key as shown on a button: ``Ctrl+Enter``."""
        return self.value[0].replace("Return", "Enter")

    @property
    def label(self) -> str:
        return _(self.value[1])
