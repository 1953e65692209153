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
    Column,
    EmptyState,
    Message,
    Screen,
    SegmentedField,
    Severity,
    Shortcut,
    Table,
    hbox,
    label,
    named,
    plain_table,
    primary,
    secondary,
)
from station_emr.ui.models.moments import show_ago, show_when
from station_emr.ui.models.session import Session
from station_emr.ui.screens.sync.wording import (
    KINDS,
    Outage,
    link_sentence,
    outage_length,
    outages,
    outcome_chip,
    seconds_text,
    sentence,
    size_text,
    what,
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
        for button in (self.send, self.retry):
            button.setVisible(may_run)
        self.header = self.add_header(_("Đồng bộ với tỉnh"), "", self.retry, self.send)
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
        self._make_waiting()
        self._make_refused()
        self._make_runs()
        self._make_outages()
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

    def _make_waiting(self) -> None:
        self.waiting: Table[OutboxItem] = Table(
            "sync.waiting",
            _("Mục chờ gửi, theo thứ tự gửi"),
            [
                Column(title=_("Nội dung"), text=what, stretch=True, strong=True),
                Column(
                    title=_("Có từ"),
                    text=lambda i: show_when(i.created_at, self._now()),
                    sort=lambda i: i.created_at,
                    width=150,
                ),
                Column(
                    title=_("Đã chờ"),
                    text=lambda i: show_ago(i.created_at, self._now()),
                    sort=lambda i: i.created_at,
                    width=110,
                ),
                Column(
                    title=_("Số lần thử"),
                    text=lambda i: str(i.attempts),
                    sort=lambda i: i.attempts,
                    numeric=True,
                    width=110,
                ),
            ],
            empty=EmptyState(
                "cloud-check", _("Không còn gì chờ gửi"), _("Mọi thứ đã ký đều đã tới máy chủ.")
            ),
        )
        self._place(_WAITING, plain_table(self.waiting))

    def _make_refused(self) -> None:
        self.refused: Table[OutboxItem] = Table(
            "sync.refused",
            _("Mục máy chủ chưa nhận"),
            [
                Column(
                    title=_("Nội dung"), text=lambda i: _(KINDS[i.kind]), width=130, strong=True
                ),
                Column(
                    title=_("Máy chủ nói"),
                    text=lambda i: i.reason,
                    tip=lambda i: i.reason,
                    stretch=True,
                ),
                Column(
                    title=_("Có từ"),
                    text=lambda i: show_when(i.created_at, self._now()),
                    sort=lambda i: i.created_at,
                    width=130,
                ),
            ],
            empty=EmptyState(
                "seal-check",
                _("Máy chủ không từ chối mục nào"),
                _("Mục bị từ chối nằm riêng ở đây, không cản các mục khác."),
            ),
        )
        self._place(_REFUSED, plain_table(self.refused))

    def _make_runs(self) -> None:
        self.runs: Table[SyncRun] = Table(
            "sync.runs",
            _("Các lần gửi"),
            [
                Column(
                    title=_("Lúc"),
                    text=lambda r: show_when(r.started_at, self._now()),
                    sort=lambda r: r.started_at,
                    width=140,
                ),
                Column(
                    title=_("Kết quả"),
                    text=lambda r: outcome_chip(r).text,
                    chip=outcome_chip,
                    width=120,
                ),
                Column(
                    title=_("Đã gửi"),
                    text=lambda r: str(r.sent),
                    sort=lambda r: r.sent,
                    numeric=True,
                    width=84,
                ),
                Column(
                    title=_("Bị từ chối"),
                    text=lambda r: str(r.quarantined),
                    sort=lambda r: r.quarantined,
                    numeric=True,
                    width=96,
                ),
                Column(
                    title=_("Gửi lên"),
                    text=lambda r: size_text(r.bytes_up),
                    sort=lambda r: r.bytes_up,
                    numeric=True,
                    width=92,
                ),
                Column(
                    title=_("Nhận về"),
                    text=lambda r: size_text(r.bytes_down),
                    sort=lambda r: r.bytes_down,
                    numeric=True,
                    width=92,
                ),
                Column(
                    title=_("Giây"),
                    text=seconds_text,
                    sort=lambda r: r.ended_at - r.started_at,
                    numeric=True,
                    width=74,
                ),
                Column(
                    title=_("Ghi chú"),
                    text=lambda r: r.detail,
                    tip=lambda r: r.detail,
                    stretch=True,
                    muted=True,
                ),
            ],
            empty=EmptyState("clock-counter-clockwise", _("Chưa gửi lần nào")),
        )
        self._place(_RUNS, plain_table(self.runs))

    def _make_outages(self) -> None:
        self.outages: Table[Outage] = Table(
            "sync.outages",
            _("Những lúc không tới được máy chủ"),
            [
                Column(
                    title=_("Từ"),
                    text=lambda o: f"{o.started:%H:%M %d/%m/%Y}",
                    sort=lambda o: o.started,
                    width=160,
                ),
                Column(
                    title=_("Đến"),
                    text=lambda o: f"{o.ended:%H:%M %d/%m/%Y}" if o.ended else _("đang mất mạng"),
                    sort=lambda o: (o.ended is None, o.ended or o.started),
                    width=160,
                ),
                Column(title=_("Kéo dài"), text=lambda o: outage_length(o, self._now()), width=110),
                Column(
                    title=_("Số lần thử"),
                    text=lambda o: str(o.tries),
                    sort=lambda o: o.tries,
                    numeric=True,
                    width=110,
                ),
                Column(title="", text=lambda _o: "", stretch=True),
            ],
            empty=EmptyState(
                "wifi-high",
                _("Chưa ghi nhận lần mất mạng nào"),
                _("Danh sách này là bằng chứng khi phải giải trình gửi dữ liệu chậm."),
            ),
        )
        self._place(_OUTAGES, plain_table(self.outages))

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

    def _asked(self, text: str) -> None:
        self.say(text, Severity.INFO)
        self.refresh()

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)
