"""The state of the link to the province: a sentence, three lists, one button."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.sync import OutboxItem, SyncRun, SyncStatus
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Banner,
    Card,
    Message,
    Screen,
    SegmentedField,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    label,
    named,
    plain_table,
    primary,
    quiet,
    secondary,
)
from station_emr.ui.models.session import Session
from station_emr.ui.screens.sync.lists import (
    outages_table,
    refused_table,
    runs_table,
    waiting_table,
)
from station_emr.ui.screens.sync.wording import (
    link_sentence,
    outages,
    sentence,
)

REFRESH_MS: Final = 5000
_WAITING, _REFUSED, _RUNS, _OUTAGES = "waiting", "refused", "runs", "outages"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """Everything on the page, read in one go so that its parts agree."""

    status: SyncStatus
    waiting: tuple[OutboxItem, ...]
    refused: tuple[OutboxItem, ...]
    runs: tuple[SyncRun, ...]


class SyncScreen(Screen):
    """Looks again by itself every few seconds while it is in front."""

    def __init__(self, session: Session) -> None:
        super().__init__("sync")
        self._session = session
        self._sync = session.services.sync
        self._actor = session.actor
        self._picture: _Picture | None = None
        may_run = session.may(Action.SYNC_RUN)
        self.send = primary(_("Gửi ngay"), "sync.send", Shortcut.SIGN, "paper-plane-tilt")
        self.retry = secondary(_("Gửi lại mục bị từ chối"), "sync.retry", icon="arrow-clockwise")
        self.again = quiet(_("Gửi lại toàn bộ hồ sơ…"), "sync.again")
        self.header = self.add_header(_("Đồng bộ với tỉnh"), "", self.again, self.retry, self.send)
        for button in (self.send, self.retry):
            button.setVisible(may_run)
        self.again.setVisible(may_run and session.may(Action.SETTINGS_EDIT))
        self._sentence = label("", "strong", wrap=True, selectable=True)
        named(self._sentence, "sync.sentence")
        card = Card()
        card.add(self._sentence)
        self._server = label("", "muted", wrap=True, selectable=True)
        card.add(self._server)
        self.page.addWidget(card)
        self.banner = Banner("sync.banner", closable=False)
        self.page.addWidget(self.banner)
        self._lists()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self.send.clicked.connect(self._send_now)
        self.retry.clicked.connect(self._retry)
        self.again.clicked.connect(self._send_all_again)
        session.changed.connect(lambda _changes: self.refresh())

    def _lists(self) -> None:
        self.tabs = SegmentedField(
            [
                (_WAITING, _("Chờ gửi")),
                (_REFUSED, _("Máy chủ chưa nhận")),
                (_RUNS, _("Các lần gửi")),
                (_OUTAGES, _("Những lúc mất mạng")),
            ]
        )
        named(self.tabs.editor, "sync.tabs")
        self.tabs.set_spoken(_("Xem"))
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"sync.tab.{place}")
        self._stack = QStackedWidget()
        self._places: dict[str, QWidget] = {}
        self.waiting = waiting_table(self._now)
        self.refused = refused_table(self._now)
        self.runs = runs_table(self._now)
        self.outages = outages_table(self._now)
        self._place(_WAITING, plain_table(self.waiting))
        self._place(_REFUSED, plain_table(self.refused))
        self._place(_RUNS, plain_table(self.runs))
        self._place(_OUTAGES, plain_table(self.outages))
        self.page.addLayout(hbox(self.tabs, None, gap=GAP_M))
        card = Card(margin=1)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.tabs.changed.connect(self._show_list)
        self.tabs.set_value(_WAITING)

    def _place(self, key: str, table: QWidget) -> None:
        self._places[key] = table
        self._stack.addWidget(table)

    def _show_list(self) -> None:
        self._stack.setCurrentWidget(self._places[str(self.tabs.value())])

    # -- showing ---------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._session.services.clock.now()

    @override
    def on_enter(self, context: object = None) -> None:
        self.refresh()
        self._places[str(self.tabs.value())].setFocus()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def refresh(self) -> None:
        """Look again; cheap enough for every few seconds."""
        if not self.isVisible():
            return
        self._session.ask(
            self._read, self._show, owner=self, failed=self._failed, latest="sync.picture"
        )

    def _read(self) -> _Picture:
        return _Picture(
            status=self._sync.status(),
            waiting=self._sync.waiting(self._actor),
            refused=self._sync.quarantined(self._actor),
            runs=self._sync.runs(self._actor, 200),
        )

    def _show(self, picture: _Picture) -> None:
        before, self._picture = self._picture, picture
        now = self._now()
        self._sentence.setText(sentence(picture.status, now))
        severity, text = link_sentence(picture.status, now)
        self.banner.show_message(Message(text=text, severity=severity))
        server = picture.status.server
        self._server.setText(_("Máy chủ: {server}").format(server=server) if server else "")
        self._server.setVisible(bool(server))
        self.retry.setEnabled(bool(picture.refused))
        if before is None or before.waiting != picture.waiting:
            self.waiting.set_rows(picture.waiting)
        if before is None or before.refused != picture.refused:
            self.refused.set_rows(picture.refused)
        if before is None or before.runs != picture.runs:
            self.runs.set_rows(picture.runs)
            self.outages.set_rows(outages(picture.runs))
        self._label_tabs(picture)

    def _label_tabs(self, picture: _Picture) -> None:
        counts = (
            picture.status.waiting,
            picture.status.quarantined,
            len(picture.runs),
            len(self.outages.rows),
        )
        words = (
            _("Chờ gửi"),
            _("Máy chủ chưa nhận"),
            _("Các lần gửi"),
            _("Những lúc mất mạng"),
        )
        for button, word, count in zip(self.tabs.buttons, words, counts, strict=True):
            button.setText(f"{word} ({count})" if count else word)
            button.updateGeometry()

    # -- doing -----------------------------------------------------------------------------------

    def _send_now(self) -> None:
        self._session.ask(
            lambda: self._sync.send_now(self._actor),
            lambda _nothing: self._asked(_("Đang gửi. Trang này tự cập nhật.")),
            owner=self,
            failed=self._failed,
        )

    def _retry(self) -> None:
        self._session.ask(
            lambda: self._sync.retry_quarantined(self._actor),
            lambda count: self._asked(_("Đã xếp lại {count} mục để gửi.").format(count=count)),
            owner=self,
            failed=self._failed,
        )

    def _send_all_again(self) -> None:
        wanted = dialogs.confirm(
            self,
            _("Gửi lại toàn bộ hồ sơ?"),
            _(
                "Dùng khi máy chủ của tỉnh khôi phục từ bản sao lưu nên thiếu hồ sơ đã nhận. Mọi hồ "
                "sơ đã ký được xếp hàng gửi lại; máy chủ nhận ra hồ sơ nó đã có nên không bị trùng. "
                "Đường truyền chậm có thể mất nhiều giờ, trong lúc đó vẫn khám bình thường."
            ),
            yes=_("Gửi lại toàn bộ"),
        )
        if wanted:
            self._session.ask(
                lambda: self._sync.requeue_all(self._actor),
                lambda count: self._asked(_queued(count)),
                owner=self,
                failed=self._failed,
            )

    def _asked(self, text: str) -> None:
        self.say(text, Severity.INFO)
        self.refresh()

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)


def _queued(count: int) -> str:
    if not count:
        return _("Mọi hồ sơ đã ký đều đang chờ gửi sẵn, không phải xếp thêm.")
    return _("Đã xếp {count} hồ sơ để gửi lại.").format(count=count)
