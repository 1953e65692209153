"""The log of access and the log of prints, with filters, and the check of the hash chain."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.record import RecordKind
from station_emr.domain.text import fold
from station_emr.services.i18n import _
from station_emr.services.views import AuditRow, PrintRow
from station_emr.ui.kit import (
    Banner,
    Card,
    Column,
    EmptyState,
    LineField,
    Message,
    Screen,
    ScreenHeader,
    SegmentedField,
    Severity,
    Table,
    combo,
    fixed_width,
    hbox,
    icon_button,
    label,
    named,
    plain_table,
    primary,
    secondary,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.screens.audit.wording import action_text, detail_text, role_text
from station_emr.ui.tasks import Lane

PAGE: Final = 300
_ALL, _ACCESS, _SIGNED, _PRINTED, _SET = "all", "access", "signed", "printed", "set"
_GROUPS: Final = {
    _ACCESS: ("account.",),
    _SIGNED: (".sign", ".amend", ".void"),
    _PRINTED: (".print",),
    _SET: ("setting.", "station.", "catalog.", "user.", "backup.", "clock."),
}
_PAPERS: Final = {
    RecordKind.REFERRAL.value: "Phiếu chuyển",
    RecordKind.PRESCRIPTION.value: "Đơn thuốc",
    RecordKind.APPOINTMENT.value: "Phiếu hẹn khám lại",
}


def in_group(row: AuditRow, group: object) -> bool:
    marks = _GROUPS.get(str(group))
    return marks is None or any(
        row.action.startswith(mark) or row.action.endswith(mark) for mark in marks
    )


def matches(row: AuditRow, typed: str) -> bool:
    words = fold(f"{row.user_name} {action_text(row.action)} {detail_text(row)} {row.at:%d/%m/%Y}")
    return all(word in words for word in fold(typed).split())


class AuditScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("audit")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._rows: tuple[AuditRow, ...] = ()
        back = icon_button("arrow-left", "audit.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.older = secondary(_("Xem cũ hơn"), "audit.older", icon="clock-counter-clockwise")
        self.verify = primary(_("Kiểm tra chuỗi"), "audit.verify", icon="shield-check")
        row = hbox(back, ScreenHeader(_("Nhật ký"), "", (self.older, self.verify)))
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.banner = Banner("audit.banner")
        self.page.addWidget(self.banner)
        self._filters()
        self._tables()
        self.verify.clicked.connect(self._verify)
        self.older.clicked.connect(self._load_older)

    def _filters(self) -> None:
        self.tabs = SegmentedField([("access", _("Truy cập")), ("prints", _("Đã in"))])
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"audit.tab.{place}")
        self.tabs.set_spoken(_("Nhật ký"))
        self.filter = LineField(placeholder=_("Lọc theo người, việc, ngày"), icon="funnel-simple")
        named(self.filter.editor, "audit.filter")
        self.filter.set_spoken(_("Lọc nhật ký"))
        self.group = combo(
            [
                (_ALL, _("Mọi việc")),
                (_ACCESS, _("Đăng nhập, mật khẩu")),
                (_SIGNED, _("Ký, sửa đổi, hủy")),
                (_PRINTED, _("In giấy tờ")),
                (_SET, _("Cài đặt, danh mục, người dùng")),
            ],
            "audit.group",
            _("Loại việc"),
        )
        self.group.set_value(_ALL)
        self.count = label("", "muted")
        row = hbox(
            self.tabs,
            fixed_width(self.filter, 44),
            fixed_width(self.group, 36),
            self.count,
            None,
        )
        row.setStretch(1, 2)
        row.setStretch(2, 1)
        self.page.addLayout(row)
        self.filter.changed.connect(self._apply)
        self.group.changed.connect(self._apply)
        self.tabs.changed.connect(self._show_tab)

    def _tables(self) -> None:
        self.table: Table[AuditRow] = Table(
            "audit.table",
            _("Nhật ký truy cập"),
            [
                Column(
                    title=_("Số"),
                    text=lambda r: str(r.seq),
                    sort=lambda r: r.seq,
                    numeric=True,
                    width=64,
                ),
                Column(
                    title=_("Lúc"),
                    text=lambda r: f"{r.at:%d/%m/%Y %H:%M:%S}",
                    sort=lambda r: r.at,
                    width=158,
                ),
                Column(title=_("Người"), text=lambda r: r.user_name or "—", width=170, strong=True),
                Column(
                    title=_("Vai trò"),
                    text=lambda r: role_text(r.role),
                    width=136,
                    muted=True,
                    spare=1,
                ),
                Column(title=_("Việc"), text=lambda r: action_text(r.action), width=210),
                Column(
                    title=_("Chi tiết"), text=detail_text, tip=detail_text, stretch=True, muted=True
                ),
            ],
            empty=EmptyState("scroll", _("Không dòng nào khớp với bộ lọc")),
            dense=True,
        )
        self.prints: Table[PrintRow] = Table(
            "audit.prints",
            _("Giấy tờ đã in"),
            [
                Column(
                    title=_("Lúc"),
                    text=lambda r: f"{r.printed_at:%d/%m/%Y %H:%M:%S}",
                    sort=lambda r: r.printed_at,
                    width=158,
                ),
                Column(
                    title=_("Giấy"),
                    text=lambda r: _(_PAPERS.get(r.kind, r.kind)),
                    width=170,
                    strong=True,
                ),
                Column(
                    title=_("Bản thứ"),
                    text=lambda r: str(r.copy),
                    sort=lambda r: r.copy,
                    numeric=True,
                    width=90,
                ),
                Column(
                    title=_("Phiên bản"),
                    text=lambda r: str(r.version),
                    sort=lambda r: r.version,
                    numeric=True,
                    width=100,
                ),
                Column(title=_("Người in"), text=lambda r: r.user_name, width=190),
                Column(
                    title=_("Dấu vân (SHA-256)"),
                    text=lambda r: r.sha256,
                    tip=lambda r: r.sha256,
                    stretch=True,
                    muted=True,
                ),
            ],
            empty=EmptyState("printer", _("Chưa in giấy nào")),
            dense=True,
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(plain_table(self.table))
        self._stack.addWidget(plain_table(self.prints))
        card = Card(margin=1)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.tabs.set_value("access")

    # -- showing ---------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._show_tab()
        (self.table if self.tabs.value() == "access" else self.prints).setFocus()

    def _show_tab(self) -> None:
        access = self.tabs.value() == "access"
        self._stack.setCurrentIndex(0 if access else 1)
        for widget in (self.filter, self.group, self.older):
            widget.setVisible(access)
        if access:
            self._session.ask(
                lambda: self._services.accounts.audit(self._actor, PAGE),
                self._take,
                owner=self,
                failed=self._failed,
                latest="audit.rows",
            )
        else:
            self._session.ask(
                lambda: self._services.prints.log(self._actor, 500),
                self._show_prints,
                owner=self,
                failed=self._failed,
                latest="audit.prints",
            )

    def _show_prints(self, rows: tuple[PrintRow, ...]) -> None:
        self.prints.set_rows(rows)
        self.count.setText(_("{count} lần in").format(count=len(rows)))

    def _take(self, rows: tuple[AuditRow, ...]) -> None:
        self._rows = rows
        self._apply()

    def _load_older(self) -> None:
        if not self._rows:
            return
        before = self._rows[-1].seq
        self._session.ask(
            lambda: self._services.accounts.audit(self._actor, PAGE, before),
            lambda rows: self._take((*self._rows, *rows)),
            owner=self,
            failed=self._failed,
            latest="audit.older",
        )

    def _apply(self) -> None:
        group, typed = self.group.value(), self.filter.value()
        shown = [row for row in self._rows if in_group(row, group) and matches(row, typed)]
        self.table.set_rows(shown)
        self.count.setText(
            _("{shown} trong {count} dòng mới nhất").format(shown=len(shown), count=len(self._rows))
        )
        self.older.setEnabled(bool(self._rows) and self._rows[-1].seq > 1)

    # -- the chain -------------------------------------------------------------------------------

    def _verify(self) -> None:
        self.verify.setEnabled(False)
        self._session.runner.run(
            lambda: self._services.accounts.verify_audit(self._actor),
            done=self._verified,
            failed=self._failed,
            finally_=lambda: self.verify.setEnabled(True),
            owner=self,
            lane=Lane.POOL,
        )

    def _verified(self, broken: int | None) -> None:
        if broken is None:
            message = Message(
                text=_("Nhật ký còn nguyên: không dòng nào bị sửa hay mất."),
                severity=Severity.SUCCESS,
            )
        else:
            message = Message(
                text=_(
                    "Nhật ký không còn nguyên từ dòng {number}: có dòng bị sửa hoặc mất. Hãy giữ "
                    "máy như hiện nay, sao lưu sang ổ khác và báo nơi quản lý hệ thống của tỉnh."
                ).format(number=broken),
                severity=Severity.DANGER,
            )
        self.banner.show_message(message)

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)
