"""Where the record is sent, and the token that lets this machine send it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Banner,
    Form,
    LineField,
    Message,
    Severity,
    Shortcut,
    hbox,
    primary,
)
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel

SERVER_URL: Final = "sync.server_url"
SERVER_TOKEN: Final = "sync.token"  # noqa: S105  the name of a setting, not a secret
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")


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
        self.form = Form("server")
        self.url = self.form.add(
            "url", _("Đị&a chỉ máy chủ (FHIR R4)"), LineField(placeholder="https://…/fhir")
        )
        self.token = self.form.add("token", _("&Mã truy cập"), SecretField("server.token"))
        self.add(self.form)
        self.note = Banner("settings.server.note", closable=False)
        self.add(self.note)
        self._save = primary(_("Lưu"), "settings.server.save", Shortcut.SAVE)
        self._save.clicked.connect(self.save)
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self._save, None))
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        accounts = self._services.accounts
        self._session.ask(
            lambda: (accounts.setting(SERVER_URL), bool(accounts.setting(SERVER_TOKEN))),
            self._show,
            owner=self,
        )

    @override
    def focus(self) -> QWidget:
        return self.url.editor

    def _show(self, found: tuple[str, bool]) -> None:
        url, has_token = found
        self.form.set_values({"url": url, "token": ""})
        self.token.set_hint(
            _("Đã có mã truy cập. Để trống nếu không đổi.")
            if has_token
            else _("Xin mã này ở nơi quản lý máy chủ của tỉnh.")
        )

    @override
    def save(self) -> None:
        url, token = self.url.value(), self.token.value().strip()
        problem = url_problem(url)
        self.form.set_problems([problem] if problem else [])
        if problem:
            return

        def write() -> None:
            self._services.accounts.save_setting(self._actor, SERVER_URL, url)
            if token:
                self._services.accounts.save_setting(self._actor, SERVER_TOKEN, token)

        self._session.ask(
            write,
            self._saved,
            owner=self,
            failed=lambda error: self._refused(error, self.form),
        )

    def _saved(self, _nothing: None) -> None:
        self.note.show_message(
            Message(
                text=_(
                    "Đã lưu. Địa chỉ mới có hiệu lực từ lần đăng nhập sau: hãy đăng xuất rồi "
                    "đăng nhập lại."
                ),
                severity=Severity.INFO,
            )
        )
        self.load()
