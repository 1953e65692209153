"""The page of claims: one list per question, the gateways' state above, what to do below."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.gateway import GatewayOutage, MessageKind, MessageState
from station_emr.domain.permissions import Action
from station_emr.services.gateway_day import ClaimLine
from station_emr.services.gateways import GatewayStanding, MessageRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Card,
    FlowLayout,
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
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.gateway_line import GatewayLine
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

from .actions import ClaimActions
from .deciding import MessageFoot
from .detail import ClaimDetail
from .lists import claims_table, messages_table, outages_table
from .period import Period
from .wording import month_words

REFRESH_MS: Final = 5000
LINES, DECIDE, SENT, PAPERS, AWAY = "lines", "decide", "sent", "papers", "away"
_TABS: Final = (LINES, DECIDE, SENT, PAPERS, AWAY)
_WORDS: Final = ("Lượt khám", "Cần xử lý", "Đã lập, đã gửi", "Đơn thuốc", "Mất kết nối")
_SENT_DAYS: Final = 60  # results can be searched on the portal for as long


@dataclass(frozen=True, slots=True, kw_only=True)
class _Queue:
    """What is read again and again."""

    standing: tuple[GatewayStanding, ...]
    decide: tuple[MessageRow, ...]
    sent: tuple[MessageRow, ...]
    papers: tuple[MessageRow, ...]
    away: tuple[GatewayOutage, ...]


class ClaimsScreen(Screen):
    """No context, or a ClaimsRoute with the day and the list to begin with."""

    least_height = 620

    def __init__(self, session: Session) -> None:
        super().__init__("claims")
        self._session = session
        self._gateways = session.services.gateways
        self._actor = session.actor
        self._queue: _Queue | None = None
        self.deeds = ClaimActions(session, self)
        self._header()
        self.banner = Banner("claims.banner")
        self.page.addWidget(self.banner)
        self.standing = GatewayLine("claims.standing")
        self.page.addWidget(self.standing)
        self._choices()
        self._lists()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._read_queue)
        self.deeds.told.connect(self._told)
        self.deeds.finished.connect(self._look_again)
        self.deeds.busy.connect(self._busy)
        session.changed.connect(lambda _changes: self._look_again())
        self.tabs.set_value(LINES)
        self._show_tab()

    def _header(self) -> None:
        self.send = secondary(_("&Gửi ngay"), "claims.send", icon="paper-plane-tilt")
        self.foreign = secondary(_("Tệp nơi &khác…"), "claims.foreign", icon="file-arrow-down")
        self.export = secondary(_("&Xuất tệp…"), "claims.export", icon="export")
        self.sign = primary(_("Ký hồ sơ sẵn sàng"), "claims.sign", Shortcut.SIGN, "certificate")
        self.header = self.add_header(
            _("Hồ sơ BHYT"), "", self.foreign, self.send, self.export, self.sign
        )
        self.send.setVisible(self._session.may(Action.SYNC_RUN))
        for button in (self.export, self.sign):
            button.setVisible(self._session.may(Action.BILL_CLOSE))
        self.foreign.setVisible(self._session.may(Action.PATIENT_EDIT))
        self.foreign.clicked.connect(lambda: self.go(routes.FOREIGN_VISITS))
        self.send.clicked.connect(self.deeds.send_now)
        self.export.clicked.connect(lambda: self.deeds.export(self._wanted()))
        self.sign.clicked.connect(self._sign)

    def _choices(self) -> None:
        self.tabs = SegmentedField(
            [(key, _(word)) for key, word in zip(_TABS, _WORDS, strict=True)]
        )
        self.tabs.set_spoken(_("Danh sách"))
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"claims.tab.{place}")
        self.period = Period(self._session.services.clock.now().date())
        choices = QWidget()
        flow = FlowLayout(choices, GAP_S)
        flow.setContentsMargins(0, 0, 0, 0)
        flow.addWidget(self.tabs)
        flow.addWidget(self.period)
        self.page.addWidget(choices)
        self.tabs.changed.connect(self._show_tab)
        self.period.changed.connect(self._read_lines)

    def _lists(self) -> None:
        now = self._session.services.clock.now
        self.lines = claims_table()
        self.decide = messages_table(
            "claims.decide", _("Mục cần người xử lý"), _("Không có mục nào cần xử lý")
        )
        self.sent = messages_table(
            "claims.sent", _("Check-in và hồ sơ"), _("Chưa lập check-in hay hồ sơ nào")
        )
        self.papers = messages_table(
            "claims.papers", _("Đơn thuốc gửi hệ thống quốc gia"), _("Chưa có đơn thuốc nào")
        )
        self.away = outages_table(now)
        self._stack = QStackedWidget()
        self._shown: tuple[QWidget, ...] = (
            plain_table(self.lines),
            plain_table(self.decide),
            plain_table(self.sent),
            plain_table(self.papers),
            plain_table(self.away),
        )
        for shown in self._shown:
            self._stack.addWidget(shown)
        self.foot = MessageFoot(self._session)
        self.proof = secondary(_("&In bằng chứng…"), "claims.evidence", icon="file-pdf")
        self._proof = QWidget()
        proof = hbox(
            label(_("Giờ ghi theo máy này; mỗi lần thử được ghi tự động."), "muted", wrap=True),
            self.proof,
            gap=GAP_S,
            parent=self._proof,
        )
        proof.setContentsMargins(GAP_M, GAP_S, GAP_M, GAP_S)
        proof.setStretch(0, 1)
        card = Card(margin=1)
        card.add(self._stack, 1)
        card.add(self.foot)
        card.add(self._proof)
        self.detail = ClaimDetail(self._session)
        both = QWidget()
        parts = vbox(card, self.detail, gap=GAP_M, parent=both)
        parts.setStretch(0, 3)
        parts.setStretch(1, 2)
        self.page.addWidget(both, 1)
        self.lines.picked.connect(lambda _row: self.detail.show_line(self.lines.current()))
        self.lines.opened.connect(self._open_line)
        for table in (self.decide, self.sent, self.papers):
            table.picked.connect(lambda _row: self._show_foot())
            table.opened.connect(self._open_row)
        self.detail.wanted.connect(self.go)
        self.foot.wanted.connect(self.go)
        self.foot.told.connect(self._told)
        self.foot.finished.connect(self._look_again)
        self.proof.clicked.connect(self.deeds.evidence)

    # -- which list ----------------------------------------------------------------------------

    def _show_tab(self) -> None:
        key = str(self.tabs.value())
        self._stack.setCurrentIndex(_TABS.index(key))
        self.detail.setVisible(key == LINES)
        self.period.setVisible(key == LINES)
        self.foot.setVisible(key in (DECIDE, SENT, PAPERS))
        self._proof.setVisible(key == AWAY)
        self.export.setEnabled(key == LINES)
        self.sign.setEnabled(key == LINES)
        self._show_foot()

    def _messages(self) -> Table[MessageRow] | None:
        tables = {DECIDE: self.decide, SENT: self.sent, PAPERS: self.papers}
        return tables.get(str(self.tabs.value()))

    def _show_foot(self) -> None:
        table = self._messages()
        self.foot.show_row(table.current() if table is not None else None)

    def _open_line(self, line: ClaimLine) -> None:
        self.go(routes.ENCOUNTER, routes.EncounterRoute(line.encounter_id))

    def _open_row(self, row: MessageRow) -> None:
        self.go(routes.ENCOUNTER, routes.EncounterRoute(row.message.encounter_id))

    def _sign(self) -> None:
        """What only waits for it; of several chosen lines also those that were refused."""
        chosen = self.lines.chosen()
        if len(chosen) > 1:
            self.deeds.sign([one for one in chosen if one.may_sign])
        else:
            self.deeds.sign([one for one in self.lines.rows if one.ready], self._check_ins())

    def _check_ins(self) -> int:
        """Check-ins that wait for a signature."""
        rows = self._queue.sent if self._queue is not None else ()
        return sum(
            row.message.state is MessageState.DRAFT
            and row.message.kind is MessageKind.CHECK_IN
            and not row.message.reason
            for row in rows
        )

    def _wanted(self) -> tuple[ClaimLine, ...]:
        """The chosen lines when there are several, else all of the list."""
        chosen = self.lines.chosen()
        return chosen if len(chosen) > 1 else self.lines.rows

    # -- reading -------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, routes.ClaimsRoute):
            if context.day is not None:
                self.period.show_day(context.day)
            if context.tab in _TABS:
                self.tabs.set_value(context.tab)
                self._show_tab()
        self._look_again()
        self._shown[_TABS.index(str(self.tabs.value()))].setFocus()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _look_again(self) -> None:
        if self.isVisible():
            self._read_queue()
            self._read_lines()

    def _read_lines(self) -> None:
        first, last = self.period.bounds()
        if not self.lines.rows:
            self.header.set_title(_("Hồ sơ BHYT"), _("Đang đọc và kiểm tra các lượt khám…"))
        self._session.runner.run(
            lambda: self._gateways.day.lines(self._actor, first, last),
            done=self._show_lines,
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
            latest="claims.lines",
        )

    def _show_lines(self, lines: tuple[ClaimLine, ...]) -> None:
        before = self.lines.current()
        self.lines.set_rows(lines)
        again = next(
            (one for one in lines if before and one.encounter_id == before.encounter_id), None
        )
        if again is not None:
            self.lines.choose(again)
        else:
            self.lines.choose_first()
        self.detail.show_line(self.lines.current())
        ready = sum(one.ready for one in lines)
        words = self.period.words()
        told = _("{period}: {count} lượt khám, {ready} sẵn sàng ký.").format(
            period=words[:1].upper() + words[1:], count=len(lines), ready=ready
        )
        self.header.set_title(
            _("Hồ sơ BHYT"), f"{told} {month_words(*self.period.bounds())}".strip()
        )

    def _read_queue(self) -> None:
        gateways, actor = self._gateways, self._actor
        since = self._session.services.clock.now() - timedelta(days=_SENT_DAYS)

        def read() -> _Queue:
            sent = (
                *gateways.messages(actor, MessageKind.RECORD, since),
                *gateways.messages(actor, MessageKind.CHECK_IN, since),
            )
            return _Queue(
                standing=gateways.standing(actor),
                decide=gateways.to_decide(actor),
                sent=tuple(sorted(sent, key=lambda r: r.message.created_at, reverse=True)),
                papers=gateways.messages(actor, MessageKind.PRESCRIPTION, since),
                away=gateways.outages(actor),
            )

        self._session.ask(
            read, self._show_queue, owner=self, failed=self._failed, latest="claims.queue"
        )

    def _show_queue(self, found: _Queue) -> None:
        before, self._queue = self._queue, found
        self.standing.show_standing(found.standing, self._session.services.clock.now())
        for table, rows, earlier in (
            (self.decide, found.decide, before.decide if before else None),
            (self.sent, found.sent, before.sent if before else None),
            (self.papers, found.papers, before.papers if before else None),
        ):
            if rows != earlier:
                table.set_rows(rows)
                table.choose_first()
        if before is None or before.away != found.away:
            self.away.set_rows(found.away)
            if self.away.current() is None:
                self.away.choose_first()
        counts = (0, len(found.decide), 0, 0, len(found.away))
        for button, word, count in zip(self.tabs.buttons, _WORDS, counts, strict=True):
            button.setText(f"{_(word)} ({count})" if count else _(word))
            button.updateGeometry()
        self._show_foot()

    # -- telling -------------------------------------------------------------------------------

    def _told(self, message: Message) -> None:
        self.banner.show_message(message)

    def _failed(self, error: StationError) -> None:
        self._told(Message(text=str(error), severity=Severity.DANGER))

    def _busy(self, on: bool) -> None:
        for button in (self.export, self.sign):
            button.setEnabled(not on and self.tabs.value() == LINES)
