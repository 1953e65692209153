"""Quản trị: one column of what can be set, by the person's role, and the panel of the chosen one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.permissions import Action, Role
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_L, Screen, hbox, scrolled, vbox
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.backup_panel import BackupPanel
from station_emr.ui.screens.settings.export_panel import ExportPanel
from station_emr.ui.screens.settings.files_panel import FilesPanel
from station_emr.ui.screens.settings.gateway_panel import GatewayPanel
from station_emr.ui.screens.settings.hub import Entry, Hub
from station_emr.ui.screens.settings.keys_panel import KeysPanel
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.screens.settings.personal_panel import PersonalPanel
from station_emr.ui.screens.settings.ranges_panel import RangesPanel
from station_emr.ui.screens.settings.recovery_panel import RecoveryPanel
from station_emr.ui.screens.settings.retention_panel import RetentionPanel
from station_emr.ui.screens.settings.second_factor_panel import SecondFactorPanel
from station_emr.ui.screens.settings.server_panel import ServerPanel
from station_emr.ui.screens.settings.signing_panel import SigningPanel
from station_emr.ui.screens.settings.station_panel import StationPanel

_PANELS: dict[str, Callable[[Session], Panel]] = {
    "station": StationPanel,
    "server": ServerPanel,
    "backup": BackupPanel,
    "files": FilesPanel,
    "gateways": GatewayPanel,
    "signing": SigningPanel,
    "recovery": RecoveryPanel,
    "keys": KeysPanel,
    "ranges": RangesPanel,
    "retention": RetentionPanel,
    "export": ExportPanel,
    "second_factor": SecondFactorPanel,
    "personal": PersonalPanel,
}


def entries_for(session: Session) -> tuple[Entry, ...]:
    """What this person's role may see here."""
    wanted = (
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="station",
                icon="hospital",
                title=_("Trạm"),
                detail=_("Tên, mã, ký hiệu máy"),
            ),
        ),
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="server",
                icon="plugs-connected",
                title=_("Máy chủ của tỉnh"),
                detail=_("Ghi danh, đường truyền"),
            ),
        ),
        (
            Action.BACKUP,
            Entry(
                key="backup",
                icon="hard-drives",
                title=_("Sao lưu"),
                detail=_("Nơi sao lưu, diễn tập"),
            ),
        ),
        (
            Action.AUDIT_VIEW,
            Entry(
                key="retention",
                icon="clock-counter-clockwise",
                title=_("Thời hạn lưu trữ"),
                detail=_("Giữ hồ sơ bao lâu"),
            ),
        ),
        (
            Action.RECORD_EXPORT,
            Entry(
                key="export",
                icon="download-simple",
                title=_("Xuất dữ liệu"),
                detail=_("Tệp mở, đổi chương trình"),
            ),
        ),
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="files",
                icon="usb",
                title=_("Máy mới, tệp mang tay"),
                detail=_("Lấy hồ sơ về máy này"),
            ),
        ),
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="gateways",
                icon="identification-card",
                title=_("Cổng BHYT và đơn thuốc"),
                detail=_("Tài khoản, địa chỉ"),
            ),
        ),
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="signing",
                icon="certificate",
                title=_("Ký số"),
                detail=_("Cách ký, USB token"),
            ),
        ),
        (
            Action.REFERRAL_SIGN,
            Entry(
                key="waiting",
                icon="signature",
                title=_("Chờ ký số"),
                detail=_("Ký giấy đang chờ"),
                page=routes.SIGNING,
            ),
        ),
        (
            Action.USER_MANAGE,
            Entry(
                key="recovery",
                icon="key",
                title=_("Mã khôi phục"),
                detail=_("Cấp mã mới, phong bì"),
            ),
        ),
        (
            Action.USER_MANAGE,
            Entry(
                key="keys",
                icon="lock-key",
                title=_("Khóa dữ liệu"),
                detail=_("Đổi khóa, thử mã"),
            ),
        ),
        (
            Action.USER_MANAGE,
            Entry(
                key="users",
                icon="users",
                title=_("Người dùng"),
                detail=_("Vai trò, mật khẩu"),
                page=routes.USERS,
            ),
        ),
        (
            Action.USER_MANAGE,
            Entry(
                key="rights",
                icon="user-gear",
                title=_("Phân quyền"),
                detail=_("Ai được làm gì"),
                page=routes.RIGHTS,
            ),
        ),
        (
            Action.USER_MANAGE,
            Entry(
                key="emergency_review",
                icon="lock-open",
                title=_("Mở khẩn cấp"),
                detail=_("Duyệt các lần đã mở"),
                page=routes.EMERGENCY_REVIEW,
            ),
        ),
        (
            None,
            Entry(
                key="emergency",
                icon="lock-open",
                title=_("Mở hồ sơ khẩn cấp"),
                detail=_("Một người, 4 giờ, có lý do"),
                page=routes.EMERGENCY,
            ),
        ),
        (
            Action.CATALOG_VIEW,
            Entry(
                key="catalogs",
                icon="book-open",
                title=_("Danh mục"),
                detail=_("Mã bệnh, thuốc, xã"),
                page=routes.CATALOGS,
            ),
        ),
        (
            Action.AUDIT_VIEW,
            Entry(
                key="audit",
                icon="scroll",
                title=_("Nhật ký"),
                detail=_("Ai đã làm gì, đã in gì"),
                page=routes.AUDIT,
            ),
        ),
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="dossier",
                icon="list-checks",
                title=_("Hồ sơ EMR của trạm"),
                detail=_("Tự đánh giá, quy chế"),
                page=routes.DOSSIER,
            ),
        ),
        (
            Action.ENCOUNTER_VIEW,
            Entry(
                key="sharing",
                icon="eye",
                title=_("Chia sẻ hồ sơ"),
                detail=_("Trạm nào đã xem"),
                page=routes.SHARING,
            ),
        ),
        (
            Action.PRIVACY_HANDLE,
            Entry(
                key="privacy",
                icon="hand-heart",
                title=_("Quyền riêng tư"),
                detail=_("Đồng ý, yêu cầu, sự cố"),
                page=routes.PRIVACY,
            ),
        ),
        (
            Action.SETTINGS_EDIT,
            Entry(
                key="ranges",
                icon="eye-slash",
                title=_("Nội dung hạn chế"),
                detail=_("Mã HIV, tâm thần"),
            ),
        ),
        (
            None,
            Entry(
                key="personal",
                icon="user-gear",
                title=_("Của tôi"),
                detail=_("Giao diện, đổi mật khẩu"),
            ),
        ),
        (
            None,
            Entry(
                key="second_factor",
                icon="shield-check",
                title=_("Xác thực hai lớp"),
                detail=_("Mã trên điện thoại"),
            ),
        ),
    )
    hidden: tuple[str, ...] = () if session.actor.role is Role.DIRECTOR else ("recovery",)
    if not session.may(Action.SENSITIVE_VIEW):
        hidden = (*hidden, "ranges")
    if not session.needs_emergency_door:
        hidden = (*hidden, "emergency")
    return tuple(
        entry
        for action, entry in wanted
        if (action is None or session.may(action)) and entry.key not in hidden
    )


class SettingsScreen(Screen):
    least_height = 672

    def __init__(self, session: Session) -> None:
        super().__init__("settings")
        self._session = session
        self._panels: dict[str, Panel] = {}
        self._now = ""
        self.add_header(_("Quản trị"))
        entries = entries_for(session)
        self.hub = Hub(entries)
        self.hub.panel_wanted.connect(self.open_panel)
        self.hub.page_wanted.connect(self.go)
        self._stack = QStackedWidget()
        self._column = scrolled(self.hub)
        row = hbox(self._column, self._stack, gap=GAP_L)
        row.setStretch(1, 1)
        self.page.addLayout(row, 1)
        self._first = next(entry.key for entry in entries if not entry.page)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.hub.give_room(self.width())
        bar = self._column.verticalScrollBar().sizeHint().width()
        self._column.setFixedWidth(self.hub.width() + bar)

    @property
    def panel(self) -> Panel:
        """The panel in front."""
        return self._panels[self._now]

    def open_panel(self, key: str) -> Panel:
        panel = self._panels.get(key)
        if panel is None:
            panel = _PANELS[key](self._session)
            panel.said.connect(self.message)
            self._panels[key] = panel
            page = QWidget()
            vbox(panel, parent=page)
            self._stack.addWidget(scrolled(page))
        self._stack.setCurrentIndex(list(self._panels).index(key))
        self._now = key
        self.hub.select(key)
        self._column.ensureWidgetVisible(self.hub.buttons[key])
        panel.load()
        return panel

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, routes.SettingsRoute) and context.panel in self.hub.buttons:
            if self.open_panel(context.panel).go_to(context.field):
                return
        else:
            self.open_panel(self._now or self._first)
        self.hub.buttons[self._now].setFocus()

    @override
    def save_action(self) -> bool:
        self.panel.save()
        return True
