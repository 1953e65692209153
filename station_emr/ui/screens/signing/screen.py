"""Chờ ký số: what a certificate still has to sign, and a day of it signed with one PIN."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from PySide6.QtWidgets import QProgressBar, QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.signature import CertificateStanding, KeySource, KeySourceKind, SignRequest
from station_emr.services.i18n import _
from station_emr.services.secret import Secret
from station_emr.services.signing import BatchReport, Name
from station_emr.ui import tasks
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Card,
    ChipSpec,
    Column,
    EmptyState,
    Message,
    Screen,
    ScreenHeader,
    Severity,
    Shortcut,
    Table,
    dialogs,
    hbox,
    icon_button,
    label,
    named,
    plain_table,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

_KINDS: Final = {
    RecordKind.ENCOUNTER: "Lượt khám",
    RecordKind.PRESCRIPTION: "Đơn thuốc",
    RecordKind.REFERRAL: "Phiếu chuyển",
    RecordKind.APPOINTMENT: "Phiếu hẹn",
    RecordKind.CERTIFICATE: "Giấy nghỉ BHXH",
    RecordKind.BILL: "Bảng kê",
}
_COLLECTED_DAYS: Final = 31


def state_chip(row: SignRequest) -> ChipSpec:
    if row.reason:
        return ChipSpec(_("Chưa ký được"), Severity.WARNING)
    return ChipSpec(_("Đang chờ"), Severity.INFO)


def question(source: KeySource) -> tuple[str, str, str]:
    """Title, sentence and label of the dialog that asks for the PIN."""
    if source.kind is KeySourceKind.FILE:
        return (
            _("Mật khẩu của tệp chứng thư"),
            _("Mật khẩu chỉ dùng cho lần ký này và không được lưu lại."),
            _("Mật khẩu của tệp"),
        )
    return (
        _("Mã PIN của USB token"),
        _(
            "Mã PIN chỉ dùng cho lần ký này và không được lưu lại. Nhập sai nhiều lần liền nhau "
            "token sẽ tự khóa."
        ),
        _("Mã PIN"),
    )


class SigningScreen(Screen):
    """No context. Enter signs the chosen row, the main button everything in the list."""

    def __init__(self, session: Session) -> None:
        super().__init__("signing")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._task: tasks.Task | None = None
        self._source: KeySource | None = None
        self._make_header()
        self.banner = Banner("signing.banner", closable=False)
        self.page.addWidget(self.banner)
        self.alarm = Banner("signing.alarm", closable=False)
        self.page.addWidget(self.alarm)
        self.table = self._make_table()
        card = Card(margin=1)
        card.add(plain_table(self.table), 1)
        self.page.addWidget(card, 1)
        self.reason = label("", "muted", wrap=True)
        self.page.addWidget(self.reason)
        self._make_running()
        self.table.picked.connect(self._picked)
        self.table.opened.connect(lambda _row: self._sign_chosen())
        session.changed.connect(self._heard)

    def _make_header(self) -> None:
        back = icon_button("arrow-left", "signing.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.collect = secondary(_("&Gom giấy đã ký tay"), "signing.collect")
        self.collect.setToolTip(
            _("Đưa vào đây giấy ký trên máy này trong 31 ngày qua mà chưa có chữ ký số.")
        )
        self.one = secondary(_("Ký giấy đang &chọn"), "signing.one")
        self.all = primary(_("Ký tất cả"), "signing.all", Shortcut.SIGN, "certificate")
        self.header = ScreenHeader(_("Chờ ký số"), "", (self.collect, self.one, self.all))
        row = hbox(back, self.header)
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.collect.clicked.connect(self._collect)
        self.one.clicked.connect(self._sign_chosen)
        self.all.clicked.connect(lambda: self._sign(None))

    def _make_table(self) -> Table[SignRequest]:
        return Table(
            "signing.table",
            _("Giấy đang chờ ký số"),
            [
                Column(title=_("Giấy"), text=lambda r: _(_KINDS[r.kind]), width=124, strong=True),
                Column(title=_("Số"), text=lambda r: r.number, width=176, spare=1),
                Column(
                    title=_("Người bệnh"),
                    text=lambda r: r.patient_name,
                    tip=lambda r: r.patient_name,
                    stretch=True,
                ),
                Column(
                    title=_("Người ký xác nhận"),
                    text=lambda r: r.user_name,
                    tip=lambda r: r.user_name,
                    width=190,
                    muted=True,
                    spare=2,
                ),
                Column(
                    title=_("Ký lúc"),
                    text=lambda r: show_moment(r.created_at),
                    sort=lambda r: r.created_at,
                    width=140,
                ),
                Column(
                    title=_("Tình trạng"),
                    text=lambda r: state_chip(r).text,
                    chip=state_chip,
                    tip=lambda r: r.reason,
                    width=130,
                ),
            ],
            empty=EmptyState(
                "check-circle",
                _("Không có giấy nào đang chờ ký số."),
                _("Giấy vào đây khi được ký xác nhận mà quy chế của trạm cần chữ ký số."),
            ),
        )

    def _make_running(self) -> None:
        self.bar = named(QProgressBar(), "signing.bar", _("Số giấy đã ký"))
        self.bar.setTextVisible(False)
        self.words = label("", "muted")
        self.stop = secondary(_("&Dừng"), "signing.stop", icon="x-circle")
        self.stop.clicked.connect(self._ask_to_stop)
        self.running = QWidget()
        line = hbox(self.bar, self.words, self.stop, gap=GAP_M)
        line.setStretch(0, 1)
        vbox(line, gap=GAP_S, parent=self.running)
        self.running.hide()
        self.page.addWidget(self.running)

    # -- showing ---------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._load()
        self.table.setFocus()

    def _heard(self, changes: object) -> None:
        kinds = (RecordKind.SIGNATURE, *_KINDS)
        if self.isVisible() and isinstance(changes, Changes) and changes.touches(*kinds):
            self._load()

    def _load(self) -> None:
        signing, signatures = self._services.signing, self._services.signatures
        actor = self._actor
        self._session.ask(
            lambda: (signing.waiting(actor), signing.source(), signatures.worthless(actor)),
            self._show,
            owner=self,
            failed=self._failed,
            latest="signing.list",
        )

    def _show(self, found: tuple[tuple[SignRequest, ...], KeySource | None, int]) -> None:
        rows, self._source, worthless = found
        self.alarm.dismiss()
        if worthless:
            self.alarm.show_message(
                Message(
                    text=_(
                        "{count} chữ ký số đã làm ở máy này dùng chứng thư đã bị thu hồi trước khi "
                        "ký. Giấy vẫn còn nguyên. Hãy báo giám đốc và ký lại bằng chứng thư mới."
                    ).format(count=worthless),
                    severity=Severity.DANGER,
                )
            )
        self.table.set_rows(rows)
        if rows and not self.table.chosen():
            self.table.choose_first()
        count = _("{count} giấy").format(count=len(rows)) if rows else ""
        self.header.set_title(_("Chờ ký số"), count)
        self._allow(bool(rows))
        if self._source is None:
            self._ask_for_key()
        self._picked(self.table.current())

    def _ask_for_key(self) -> None:
        may = self._session.may(Action.SETTINGS_EDIT)
        text = _(
            "Máy này chưa chọn thiết bị ký số. Giấy vẫn ký xác nhận và ký tay được như thường."
        )
        if not may:
            text += " " + _("Nhờ giám đốc hoặc người quản trị chọn trong Quản trị, mục Ký số.")
        self.banner.show_message(
            Message(
                text=text,
                severity=Severity.INFO,
                action_text=_("Chọn thiết bị") if may else "",
                action=self._open_settings if may else None,
            )
        )

    def _open_settings(self) -> None:
        self.go(routes.SETTINGS, routes.SettingsRoute("signing"))

    def _picked(self, row: object) -> None:
        self.reason.setText(row.reason if isinstance(row, SignRequest) else "")
        self.reason.setVisible(bool(self.reason.text()))

    def _allow(self, waiting: bool) -> None:
        idle = self._task is None
        ready = idle and self._source is not None
        self.all.setEnabled(ready and waiting)
        self.one.setEnabled(ready and waiting)
        self.collect.setEnabled(ready)

    # -- signing ---------------------------------------------------------------------------------

    def _sign_chosen(self) -> None:
        chosen = self.table.chosen()
        if chosen:
            self._sign([(one.kind, one.record_id, one.version) for one in chosen])

    @override
    def save_action(self) -> bool:
        return False

    def _sign(self, names: list[Name] | None) -> None:
        source = self._source
        if source is None or self._task is not None:
            return
        title, text, caption = question(source)
        typed = dialogs.ask_password(self, title, text, label=caption)
        if typed is None:
            return
        secret = Secret(typed)
        signing, actor = self._services.signing, self._actor

        def run(progress: tasks.Progress) -> BatchReport:
            stopped = self._stop_wanted

            def told(done: int, total: int) -> bool:
                progress.report(done, total)
                return not stopped()

            return signing.batch(actor, secret, names, told)

        self._stopping = False
        self.banner.dismiss()
        self._task = self._session.runner.run_long(
            run,
            done=self._signed,
            failed=self._failed,
            progress=self._tell,
            finally_=self._ended,
            owner=self,
            lane=Lane.POOL,
        )
        self.bar.setRange(0, 0)
        self.words.setText(_("Đang mở khóa và hỏi nơi cấp chứng thư…"))
        self.stop.setEnabled(True)
        self.running.show()
        self._allow(True)

    _stopping = False

    def _stop_wanted(self) -> bool:
        """Read between two documents, on the thread that signs: the one under way is finished."""
        return self._stopping

    def _ask_to_stop(self) -> None:
        self._stopping = True
        self.stop.setEnabled(False)
        self.words.setText(_("Đang dừng sau giấy này…"))

    def _tell(self, done: int, total: int, _text: str) -> None:
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        if not self._stopping:
            self.words.setText(_("Đã ký {done} trong {total} giấy").format(done=done, total=total))

    def _ended(self) -> None:
        self._task = None
        self.running.hide()
        self._load()

    def _signed(self, report: BatchReport) -> None:
        severity, text = report_words(report)
        self.banner.show_message(Message(text=text, severity=severity))
        if report.changes.items:
            self._session.changed.emit(report.changes)

    def _collect(self) -> None:
        signing, actor = self._services.signing, self._actor
        since = self._services.clock.now() - timedelta(days=_COLLECTED_DAYS)

        def collected(count: int) -> None:
            self.say(
                _("Đã đưa thêm {count} giấy vào danh sách chờ ký số.").format(count=count)
                if count
                else _("Không còn giấy nào thiếu chữ ký số trong 31 ngày qua.")
            )
            self._load()

        self._session.ask(
            lambda: signing.collect(actor, since), collected, owner=self, failed=self._failed
        )

    def _failed(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.DANGER))


def report_words(report: BatchReport) -> tuple[Severity, str]:
    """What became of the batch, in one or a few sentences."""
    parts = [_("Đã ký số {count} giấy.").format(count=len(report.signed))]
    if report.failed:
        parts.append(
            _("{count} giấy chưa ký được và vẫn nằm trong danh sách.").format(
                count=len(report.failed)
            )
        )
    if report.stopped:
        parts.append(report.stopped)
    elif report.left:
        parts.append(_("Còn {count} giấy chưa ký.").format(count=report.left))
    if report.signed and report.standing is CertificateStanding.UNKNOWN:
        parts.append(
            _(
                "Chưa hỏi được nơi cấp chứng thư (không có mạng); chương trình sẽ tự hỏi lại khi có "
                "mạng."
            )
        )
    whole = not report.failed and not report.left
    return (Severity.SUCCESS if whole else Severity.WARNING), " ".join(parts)
