"""Where the record is sent, how this machine is known there, and what the line may carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import Problem, StationError
from station_emr.domain.sync import DAILY_BYTES, NOT_ON_METERED
from station_emr.services.enrolment import Enrolment
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    CheckField,
    Form,
    LineField,
    Message,
    NumberField,
    Severity,
    Shortcut,
    dialogs,
    fixed_width,
    hbox,
    label,
    named,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane

SERVER_URL: Final = "sync.server_url"
SERVER_TOKEN: Final = "sync.token"  # noqa: S105  the name of a setting, not a secret
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_MEGABYTE: Final = 1024 * 1024
_TOP: Final = Qt.AlignmentFlag.AlignTop


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """What stands in the settings of the link."""

    url: str
    has_token: bool
    daily_bytes: str
    not_on_metered: bool
    enrolment: Enrolment


def url_problem(text: str) -> Problem | None:
    """Patient data leave the machine only encrypted; empty means: send nothing."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    else:
        if host and (parts.scheme == "https" or _is_local(parts.scheme, host)):
            return None
    return Problem(
        field="url",
        code="url-form",
        message=_("Địa chỉ phải bắt đầu bằng https://, ví dụ https://may-chu.example/fhir."),
    )


def _is_local(scheme: str, host: str) -> bool:
    return scheme == "http" and host in _THIS_MACHINE


def enrolment_words(found: Enrolment) -> tuple[Severity, str]:
    """How the province knows this machine."""
    if not found.server_url:
        return Severity.INFO, _("Máy này chưa ghi danh với tỉnh nên chưa gửi gì.")
    if found.own_key and found.key_here:
        return Severity.SUCCESS, _(
            "Máy đã ghi danh với tỉnh bằng khóa riêng của máy (mã thiết bị {device})."
        ).format(device=found.device_id or "?")
    if found.own_key:
        return Severity.DANGER, _(
            "Khóa đã ghi danh nằm ở máy khác, nên máy này chưa gửi được. Hãy xin mã mới và ghi "
            "danh lại máy này; hồ sơ trên máy vẫn nguyên."
        )
    return Severity.WARNING, _(
        "Máy đang gửi bằng mã truy cập cố định. Hãy đổi sang khóa riêng của máy: an toàn hơn và "
        "tỉnh thu hồi được từng máy."
    )


class ServerPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.server_panel",
            _("Máy chủ của tỉnh"),
            _(
                "Hồ sơ đã ký tự gửi tới đây khi có mạng. Không có địa chỉ thì không gửi gì, "
                "mọi thứ vẫn lưu trên máy này."
            ),
        )
        self.state = Banner("settings.server.state", closable=False)
        self.add(self.state)
        self.form = Form("server")
        self.url = self.form.add(
            "url", _("Đị&a chỉ máy chủ (FHIR R4)"), LineField(placeholder="https://…/fhir")
        )
        self._enrolment_parts()
        self._link_parts()
        self.add(self.form)
        self.note = Banner("settings.server.note", closable=False)
        self.add(self.note)
        self._save = primary(_("Lưu"), "settings.server.save", Shortcut.SAVE)
        self._save.clicked.connect(self.save)
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self._save, None))
        self.body.addStretch(1)

    def _enrolment_parts(self) -> None:
        self.code = LineField(placeholder=_("Mã tỉnh cấp cho máy này"), max_length=80)
        named(self.code.editor, "server.code")
        self.code.set_spoken(_("Mã ghi danh dùng một lần"))
        self.code.set_hint(_("Mỗi mã dùng một lần. Máy tự tạo khóa riêng, khóa không rời máy này."))
        self.code.moves_on = False
        self.code.entered.connect(self._enrol)
        self.enrol = secondary(
            _("Ghi &danh máy này"), "settings.server.enrol", icon="plugs-connected"
        )
        self.own_key = secondary(_("Đổi sang &khóa riêng"), "settings.server.own_key", icon="key")
        self.own_key.hide()  # until it is known that there is a fixed token to leave
        self.enrol.clicked.connect(self._enrol)
        self.own_key.clicked.connect(self._add_key)
        caption = label(_("Mã &ghi danh dùng một lần"), "label")
        caption.setBuddy(self.code.editor)
        row = hbox(fixed_width(self.code, 40), self.enrol, None, gap=GAP_M)
        row.setAlignment(self.enrol, _TOP)
        box = QWidget()
        vbox(caption, row, hbox(self.own_key, None), gap=GAP_S, parent=box)
        self.form.add_widget(box)
        self.authority = label("", "muted", wrap=True)
        self.trust = secondary(
            _("Chọn tệp chứng chỉ của &tỉnh…"), "settings.server.trust", icon="certificate"
        )
        self.distrust = secondary(_("Bỏ chứng chỉ riêng"), "settings.server.distrust")
        self.distrust.hide()
        self.trust.clicked.connect(self._trust)
        self.distrust.clicked.connect(lambda: self._set_authority(""))
        words = hbox(self.authority, self.trust, self.distrust, gap=GAP_M)
        words.setStretch(0, 1)
        holder = QWidget()
        vbox(words, parent=holder)
        self.form.add_widget(holder)

    def _link_parts(self) -> None:
        self.form.add_heading(_("Đường truyền"))
        self.budget = NumberField(unit="MB", digits=6)
        self.budget.set_hint(_("Để trống: không giới hạn"))
        self.metered = CheckField(_("Không gửi khi mạng tính tiền theo dung &lượng"))
        self.metered.set_hint(_("Ví dụ phát mạng từ điện thoại. Phiếu chuyển vẫn được gửi ngay."))
        self.form.add_row(
            ("budget", _("Dung lượng &mỗi ngày"), self.budget),
            ("metered", _("Mạng tính tiền"), self.metered),
            stretch=(1, 2),
        )
        self.form.add_heading(_("Máy chủ không ghi danh bằng mã"))
        self.token = self.form.add("token", _("Mã truy &cập cố định"), SecretField("server.token"))

    # -- showing -------------------------------------------------------------------------------

    @override
    def load(self) -> None:
        accounts, enrolments = self._services.accounts, self._services.enrolments

        def read() -> LinkSettings:
            return LinkSettings(
                url=accounts.setting(SERVER_URL),
                has_token=bool(accounts.setting(SERVER_TOKEN)),
                daily_bytes=accounts.setting(DAILY_BYTES),
                not_on_metered=accounts.setting(NOT_ON_METERED) == "1",
                enrolment=enrolments.state(),
            )

        self._session.ask(read, self._show, owner=self)

    @override
    def focus(self) -> QWidget:
        return self.url.editor

    def _show(self, found: LinkSettings) -> None:
        budget = int(found.daily_bytes) // _MEGABYTE if found.daily_bytes.isdigit() else 0
        self.form.set_values(
            {
                "url": found.url,
                "token": "",
                "budget": budget or None,
                "metered": found.not_on_metered,
            }
        )
        self.token.set_hint(
            _("Đã có mã truy cập. Để trống nếu không đổi.")
            if found.has_token
            else _("Xin mã này ở nơi quản lý máy chủ của tỉnh.")
        )
        severity, text = enrolment_words(found.enrolment)
        self.state.show_message(Message(text=text, severity=severity))
        self.own_key.setVisible(found.has_token and not found.enrolment.own_key)
        own = found.enrolment.own_authority
        self.authority.setText(
            _("Chứng chỉ của máy chủ được kiểm bằng chứng chỉ riêng của tỉnh.")
            if own
            else _("Chứng chỉ của máy chủ được kiểm bằng những gì máy này tin.")
        )
        self.distrust.setVisible(own)

    # -- enrolling -----------------------------------------------------------------------------

    def _enrol(self) -> None:
        url, code = self.url.value(), self.code.value()
        problem = url_problem(url)
        if not url:
            problem = Problem(
                field="url", code="url-required", message=_("Chưa có địa chỉ máy chủ của tỉnh.")
            )
        self.form.set_problems([problem] if problem else [])
        self.code.set_problem(None if code else _("Chưa có mã ghi danh."))
        if problem or not code:
            return
        self._told(_("Đang ghi danh máy này với tỉnh…"), Severity.INFO)
        self._at_province(lambda: self._services.enrolments.enrol(self._actor, url, code))

    def _add_key(self) -> None:
        self._told(_("Đang đổi sang khóa riêng…"), Severity.INFO)
        self._at_province(lambda: self._services.enrolments.add_key(self._actor))

    def _at_province(self, work: Callable[[], Enrolment]) -> None:
        """A question over the line: never in the lane of the database."""
        self._busy(on=True)
        self._session.runner.run(
            work,
            done=self._enrolled,
            failed=self._not_enrolled,
            finally_=lambda: self._busy(on=False),
            owner=self,
            lane=Lane.POOL,
        )

    def _busy(self, *, on: bool) -> None:
        for button in (self.enrol, self.own_key, self._save):
            button.setEnabled(not on)

    def _enrolled(self, found: Enrolment) -> None:
        self.code.set_value("")
        self._told(
            _(
                "Đã ghi danh: tỉnh biết máy này là {device}. Có hiệu lực từ lần đăng nhập sau: hãy "
                "đăng xuất rồi đăng nhập lại."
            ).format(device=found.device_id),
            Severity.SUCCESS,
        )
        self.load()

    def _not_enrolled(self, error: StationError) -> None:
        self._told(str(error), Severity.DANGER)
        self.code.editor.setFocus()

    def _trust(self) -> None:
        path = dialogs.open_file(
            self, _("Chọn tệp chứng chỉ của tỉnh"), _("Chứng chỉ (*.pem *.crt *.cer);;Mọi tệp (*)")
        )
        if path is not None:
            self._set_authority(str(path))

    def _set_authority(self, path: str) -> None:
        self._session.ask(
            lambda: self._services.enrolments.trust_authority(self._actor, path),
            lambda _nothing: self._saved(None),
            owner=self,
            failed=lambda error: self._told(str(error), Severity.DANGER),
        )

    # -- saving --------------------------------------------------------------------------------

    @override
    def save(self) -> None:
        url, token = self.url.value(), self.token.value().strip()
        budget = (self.budget.whole() or 0) * _MEGABYTE
        wanted = {
            SERVER_URL: url,
            DAILY_BYTES: str(budget or ""),
            NOT_ON_METERED: "1" if self.metered.value() else "",
            **({SERVER_TOKEN: token} if token else {}),
        }
        problem = url_problem(url)
        self.form.set_problems([problem] if problem else [])
        if problem:
            return
        accounts, actor = self._services.accounts, self._actor

        def write() -> None:
            for key, value in wanted.items():
                if accounts.setting(key) != value:
                    accounts.save_setting(actor, key, value)

        self._session.ask(
            write,
            self._saved,
            owner=self,
            failed=lambda error: self._refused(error, self.form),
        )

    def _saved(self, _nothing: None) -> None:
        self._told(
            _(
                "Đã lưu. Địa chỉ, mã và chứng chỉ mới có hiệu lực từ lần đăng nhập sau: hãy đăng "
                "xuất rồi đăng nhập lại. Dung lượng có hiệu lực ngay."
            ),
            Severity.INFO,
        )
        self.load()

    def _told(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))
