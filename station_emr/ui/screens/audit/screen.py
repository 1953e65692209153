"""The log of access and the log of prints, with filters, and the check of the hash chain."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind
from station_emr.domain.text import fold
from station_emr.services.audit_detail_words import detail_text
from station_emr.services.audit_words import (
    action_text,
    person_text,
    purpose_text,
    result_text,
    role_text,
    source_text,
)
from station_emr.services.i18n import _
from station_emr.services.views import AuditRow, PrintRow
from station_emr.ui.kit import (
    Card,
    Column,
    EmptyState,
    LineField,
    Screen,
    ScreenHeader,
    SegmentedField,
    Severity,
    Table,
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
from station_emr.ui.screens.audit.checking import CheckBox
from station_emr.ui.screens.audit.filters import Filters
from station_emr.ui.screens.audit.taking_out import TakingOut

PAGE: Final = 300
_PAPERS: Final = {
    RecordKind.REFERRAL.value: "Phiếu chuyển",
    RecordKind.PRESCRIPTION.value: "Đơn thuốc",
    RecordKind.APPOINTMENT.value: "Phiếu hẹn khám lại",
    RecordKind.CERTIFICATE.value: "Giấy nghỉ việc hưởng BHXH",
    RecordKind.NOTIFICATION.value: "Báo bệnh truyền nhiễm",
    RecordKind.BILL.value: "Bảng kê chi phí",
}


def matches(row: AuditRow, typed: str) -> bool:
    said = (person_text(row), action_text(row.action), detail_text(row), f"{row.at:%d/%m/%Y}")
    words = fold(" ".join(said))
    return all(word in words for word in fold(typed).split())


class AuditScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("audit")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._rows: tuple[AuditRow, ...] = ()
        self._whole = True
        back = icon_button("arrow-left", "audit.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.older = secondary(_("Xem cũ hơn"), "audit.older", icon="clock-counter-clockwise")
        self.export = secondary(_("&Xuất…"), "audit.export", icon="export")
        self.head = secondary(_("In &mốc…"), "audit.head", icon="qr-code")
        self.report = secondary(_("&Giao cho người bệnh…"), "audit.report", icon="file-pdf")
        self.verify = primary(_("Kiểm tra chuỗi"), "audit.verify", icon="shield-check")
        buttons = (self.older, self.report, self.export, self.head, self.verify)
        row = hbox(back, ScreenHeader(_("Nhật ký"), "", buttons))
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.check = CheckBox(session, self.verify)
        self.page.addWidget(self.check)
        self.taking_out = TakingOut(self, session)
        self._filters()
        self._tables()
        self.older.clicked.connect(self._load_older)
        self.export.clicked.connect(lambda: self.taking_out.offer(self.filters.wanted()))
        self.head.clicked.connect(self.taking_out.head_sheet)
        self.report.clicked.connect(lambda: self.taking_out.access_report(self.filters.patient_id))

    def _filters(self) -> None:
        self.tabs = SegmentedField([("access", _("Truy cập")), ("prints", _("Đã in"))])
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"audit.tab.{place}")
        self.tabs.set_spoken(_("Nhật ký"))
        self.filter = LineField(placeholder=_("Lọc theo người, việc, ngày"), icon="funnel-simple")
        named(self.filter.editor, "audit.filter")
        self.filter.set_spoken(_("Lọc nhật ký"))
        self.count = label("", "muted")
        row = hbox(self.tabs, fixed_width(self.filter, 44), self.count, None)
        row.setStretch(1, 2)
        self.page.addLayout(row)
        self.filters = Filters(self._services.clock.now().date())
        self.page.addWidget(self.filters)
        self.filter.changed.connect(self._apply)
        self.filters.changed.connect(self._load)
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
                Column(title=_("Người"), text=person_text, tip=source_text, width=170, strong=True),
                Column(
                    title=_("Vai trò"),
                    text=lambda r: role_text(r.role),
                    width=136,
                    muted=True,
                    spare=1,
                ),
                Column(title=_("Việc"), text=lambda r: action_text(r.action), width=210),
                Column(
                    title=_("Kết quả"),
                    text=result_text,
                    tip=purpose_text,
                    width=96,
                    muted=True,
                    spare=2,
                ),
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
        if isinstance(context, routes.AuditRoute):
            self.tabs.set_value("access")
            self.filters.choose_patient(context.patient_id, context.patient_name, tell=False)
        self._show_tab()
        (self.table if self.tabs.value() == "access" else self.prints).setFocus()

    def _show_tab(self) -> None:
        access = self.tabs.value() == "access"
        self._stack.setCurrentIndex(0 if access else 1)
        for widget in (self.filter, self.filters, self.older, self.export):
            widget.setVisible(access)
        self._show_report()
        if access:
            trail, actor = self._services.trail, self._actor
            self._session.ask(
                lambda: (trail.people(actor), trail.actions(actor)),
                self._offer,
                owner=self,
                failed=self._failed,
                latest="audit.choices",
            )
        else:
            self._session.ask(
                lambda: self._services.prints.log(self._actor, 500),
                self._show_prints,
                owner=self,
                failed=self._failed,
                latest="audit.prints",
            )

    def _show_report(self) -> None:
        one = bool(self.filters.patient_id) and self.tabs.value() == "access"
        self.report.setVisible(one and self._session.may(Action.PATIENT_VIEW))

    def _offer(
        self, found: tuple[tuple[tuple[str, str], ...], tuple[tuple[str, int], ...]]
    ) -> None:
        people, actions = found
        named_people = tuple((one, name) for one, name in people if one)
        self.filters.offer(named_people, (action for action, _count in actions))
        self._load()

    def _load(self) -> None:
        """Ask for the newest lines that fit; the answer to an older question is dropped."""
        self._show_report()
        wanted = self.filters.wanted()
        self._session.ask(
            lambda: self._services.trail.rows(self._actor, wanted, PAGE),
            lambda rows: self._take(rows, whole=len(rows) < PAGE),
            owner=self,
            failed=self._failed,
            latest="audit.rows",
        )

    def _show_prints(self, rows: tuple[PrintRow, ...]) -> None:
        self.prints.set_rows(rows)
        self.count.setText(_("{count} lần in").format(count=len(rows)))

    def _take(self, rows: tuple[AuditRow, ...], *, whole: bool) -> None:
        self._rows, self._whole = rows, whole
        self._apply()

    def _load_older(self) -> None:
        if not self._rows:
            return
        before, wanted = self._rows[-1].seq, self.filters.wanted()
        self._session.ask(
            lambda: self._services.trail.rows(self._actor, wanted, PAGE, before),
            lambda rows: self._take((*self._rows, *rows), whole=len(rows) < PAGE),
            owner=self,
            failed=self._failed,
            latest="audit.rows",
        )

    def _apply(self) -> None:
        typed = self.filter.value()
        shown = [row for row in self._rows if matches(row, typed)]
        self.table.set_rows(shown)
        said = (
            _("{shown} trong {count} dòng")
            if self._whole
            else _("{shown} trong {count} dòng mới nhất")
        )
        self.count.setText(said.format(shown=len(shown), count=len(self._rows)))
        self.older.setEnabled(bool(self._rows) and not self._whole)

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)
