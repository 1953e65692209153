"""The state of the link to the province: a sentence, four lists, one button."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.os_words import os_words
from station_emr.domain.outages import LineHistory
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, StationProfile
from station_emr.domain.sync import OutboxItem
from station_emr.services.i18n import _
from station_emr.services.refused_fields import SHOWN_ELSEWHERE, RefusedField
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
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
from station_emr.ui.kit.turns import Turns
from station_emr.ui.models import routes
from station_emr.ui.models.gateway_line import GatewayLine
from station_emr.ui.models.session import Session
from station_emr.ui.screens.sync.courier_box import CourierBox, CourierUse
from station_emr.ui.screens.sync.evidence import Evidence, write_evidence
from station_emr.ui.screens.sync.jump import field_words, place_of
from station_emr.ui.screens.sync.lists import (
    outages_table,
    refused_table,
    runs_table,
    waiting_table,
)
from station_emr.ui.screens.sync.picture import Picture, read_picture
from station_emr.ui.screens.sync.status_card import StatusCard
from station_emr.ui.screens.sync.wording import asked_sentence
from station_emr.ui.tasks import Lane

REFRESH_MS: Final = 5000
_WAITING, _REFUSED, _RUNS, _OUTAGES = "waiting", "refused", "runs", "outages"
_WORDS: Final = ("Chờ gửi", "Máy chủ chưa nhận", "Các lần gửi", "Lúc không gửi được")
_NO_NAMES: Final = (
    RecordKind.FACILITY,
    RecordKind.PRACTITIONER,
    RecordKind.RIGHTS,
    RecordKind.STANDING,
)


class SyncScreen(Screen):
    """Looks again by itself every few seconds while it is in front."""

    least_height = 580

    def __init__(self, session: Session, courier: CourierUse | None = None) -> None:
        super().__init__("sync")
        self._session = session
        self._sync = session.services.sync
        self._actor = session.actor
        self._picture: Picture | None = None
        self._turns = Turns(self)
        self._names: dict[str, str] = {}
        self._may_run = session.may(Action.SYNC_RUN)
        self._header()
        box = CourierBox(session, courier) if courier is not None and self._may_run else None
        self.courier = box
        self.status = StatusCard(box)
        self.page.addWidget(self.status)
        self.gateways = GatewayLine("sync.gateways")
        self.gateways.hide()
        self.page.addWidget(self.gateways)
        self._lists()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self.status.desk_wanted.connect(lambda: self.go(routes.CONFLICTS))
        self.status.pairs_wanted.connect(lambda: self.go(routes.CONFLICTS, routes.PAIRS))
        if box is not None:
            box.told.connect(self.message)
            box.finished.connect(self.refresh)
        session.changed.connect(lambda _changes: self.refresh())

    def _header(self) -> None:
        self.send = primary(_("Gửi ngay"), "sync.send", Shortcut.SIGN, "paper-plane-tilt")
        self.retry = secondary(_("Gửi lại mục bị từ chối"), "sync.retry", icon="arrow-clockwise")
        self.again = quiet(_("Gửi lại toàn bộ hồ sơ…"), "sync.again")
        self.header = self.add_header(_("Đồng bộ với tỉnh"), "", self.again, self.retry, self.send)
        for button in (self.send, self.retry):
            button.setVisible(self._may_run)
        self.again.setVisible(self._may_run and self._session.may(Action.SETTINGS_EDIT))
        self.send.clicked.connect(self._send_now)
        self.retry.clicked.connect(self._retry)
        self.again.clicked.connect(self._send_all_again)

    def _lists(self) -> None:
        keys = (_WAITING, _REFUSED, _RUNS, _OUTAGES)
        self.tabs = SegmentedField([(key, _(word)) for key, word in zip(keys, _WORDS, strict=True)])
        named(self.tabs.editor, "sync.tabs")
        self.tabs.set_spoken(_("Xem"))
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"sync.tab.{place}")
        self._stack = QStackedWidget()
        self._places: dict[str, QWidget] = {}
        self.waiting = waiting_table(self._now, self._name_of)
        self.refused = refused_table(self._now, self._name_of)
        self.runs = runs_table(self._now)
        self.outages = outages_table(self._now)
        self._put(_WAITING, plain_table(self.waiting))
        self._put(_REFUSED, plain_table(self.refused))
        self._put(_RUNS, plain_table(self.runs))
        self._put(_OUTAGES, plain_table(self.outages))
        self.mend = secondary(_("Mở để &sửa"), "sync.mend", icon="pencil-simple")
        self.export = secondary(_("&Xuất bằng chứng…"), "sync.export", icon="file-pdf")
        self.page.addLayout(hbox(self.tabs, None, gap=GAP_M))
        self.reason = label("", "muted", wrap=True, selectable=True)
        card = Card(margin=1)
        card.add(self._stack, 1)
        foot = hbox(self.reason, self.mend, self.export, gap=GAP_M)
        foot.setStretch(0, 1)
        foot.setContentsMargins(GAP_M, GAP_S, GAP_M, GAP_S)
        self._foot = QWidget()
        self._foot.setLayout(foot)
        card.add(self._foot)
        self.page.addWidget(card, 1)
        self.tabs.changed.connect(self._show_list)
        self.refused.picked.connect(lambda _item: self._follow_refused())
        for listed in (self.waiting, self.refused):
            listed.opened.connect(self._open)
        self.mend.clicked.connect(lambda: self._open(self.refused.current()))
        self.export.clicked.connect(self._export)
        self.tabs.set_value(_WAITING)
        self._show_list()

    def _put(self, key: str, table: QWidget) -> None:
        self._places[key] = table
        self._stack.addWidget(table)

    def _show_list(self) -> None:
        key = str(self.tabs.value())
        self._stack.setCurrentWidget(self._places[key])
        self.mend.setVisible(key == _REFUSED)
        self.export.setVisible(key == _OUTAGES)
        self._foot.setVisible(key in (_REFUSED, _OUTAGES))
        self._follow_refused()

    def _follow_refused(self) -> None:
        """The whole reason of the line under the cursor, with its technical code."""
        item = self.refused.current()
        shown = item is not None and self.tabs.value() == _REFUSED
        self.reason.setText(item.reason if shown and item is not None else "")
        self.mend.setEnabled(item is not None and self._place(item) is not None)
        named_field = self._field(item)
        words = field_words(item.kind, named_field.field) if item and named_field else ""
        self.mend.set_label(
            _("Mở để &sửa: {field}").format(field=words.replace("&", "&&"))
            if words and self.mend.isEnabled()
            else _("Mở để &sửa")
        )

    # -- showing ---------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._session.services.clock.now()

    def _name_of(self, item: OutboxItem) -> str:
        return "" if item.kind in _NO_NAMES else self._names.get(item.patient_id, "")

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
        before = self._picture
        self._session.ask(
            lambda: read_picture(self._session, before),
            self._show,
            owner=self,
            failed=self._failed,
            latest="sync.picture",
        )

    def _show(self, picture: Picture) -> None:
        """In turns: during a run nobody's key waits for all of it to be drawn."""
        before, self._picture = self._picture, picture
        self._names = picture.names
        self._turns.begin(
            lambda: self._show_lists(picture, before),
            lambda: self._label_tabs(picture),
            lambda: self._show_status(picture),
        )

    def _show_lists(self, picture: Picture, before: Picture | None) -> None:
        if before is None or before.waiting != picture.waiting:
            self.waiting.set_rows(picture.waiting)
        if before is None or before.refused != picture.refused:
            self.refused.set_rows(picture.refused)
            if picture.refused and self.refused.current() is None:
                self.refused.choose_first()
            self._follow_refused()
        if before is None or before.runs != picture.runs:
            self.runs.set_rows(picture.runs)
            self.outages.set_rows(picture.line.outages)

    def _show_status(self, picture: Picture) -> None:
        may_decide = self._session.may(Action.PATIENT_VIEW)
        self.status.show_status(picture.status, self._now(), may_decide=may_decide)
        self.gateways.show_standing(picture.gateways, self._now())
        self.gateways.setVisible(any(one.on for one in picture.gateways))

    def _label_tabs(self, picture: Picture) -> None:
        self.retry.setEnabled(bool(picture.refused))
        counts = (
            picture.status.waiting,
            picture.status.quarantined,
            len(picture.runs),
            len(self.outages.rows),
        )
        for button, word, count in zip(self.tabs.buttons, _WORDS, counts, strict=True):
            button.setText(f"{_(word)} ({count})" if count else _(word))
            button.updateGeometry()

    # -- doing -----------------------------------------------------------------------------------

    def _send_now(self) -> None:
        self._session.ask(
            lambda: (self._sync.status(), self._sync.send_now(self._actor)),
            lambda found: self._asked(asked_sentence(*found, self._now())),
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

    # -- to the record that was refused ----------------------------------------------------------

    def _field(self, item: OutboxItem | None) -> RefusedField | None:
        return self._picture.fields.get(item) if self._picture is not None and item else None

    def _place(self, item: OutboxItem) -> tuple[str, object] | None:
        return place_of(item, self._session.may, self._field(item))

    def _open(self, item: OutboxItem | None) -> None:
        if item is None:
            return
        known = self._field(item)
        if known is not None or item.kind not in SHOWN_ELSEWHERE:
            self._go_to(item, known)
            return
        self._session.ask(
            lambda: self._sync.refused_field(self._actor, item),
            lambda found: self._go_to(item, found),
            owner=self,
            failed=self._failed,
        )

    def _go_to(self, item: OutboxItem, found: RefusedField | None) -> None:
        place = place_of(item, self._session.may, found)
        if place is not None:
            self.go(*place)

    # -- evidence --------------------------------------------------------------------------------

    def _export(self) -> None:
        services, now = self._session.services, self._now()

        def read() -> tuple[StationProfile, LineHistory]:
            return services.accounts.station(), self._sync.line_history(self._actor)

        def choose(found: tuple[StationProfile, LineHistory]) -> None:
            station, line = found
            evidence = Evidence(
                station=station,
                outages=line.outages,
                first=line.since,
                now=now,
                odd_clocks=line.odd_clocks,
                timeless=line.timeless,
            )
            path = dialogs.save_file(
                self,
                _("Lưu bằng chứng không gửi được"),
                Path.home() / f"{evidence.file_name}.pdf",
                _("Trang in PDF (*.pdf);;Bảng tính CSV (*.csv)"),
            )
            if path is not None:
                self._write(evidence, path)

        self._session.ask(read, choose, owner=self, failed=self._failed)

    def _write(self, evidence: Evidence, path: Path) -> None:
        def write() -> Path:
            try:
                return write_evidence(evidence, path)
            except OSError as failure:
                text = _("Chưa ghi được tệp: {why}. Hãy chọn thư mục khác.")
                raise EnvironmentFailure(text.format(why=os_words(failure))) from failure

        self._session.runner.run(
            write,
            done=lambda made: self.say(_("Đã lưu {name}.").format(name=made), Severity.SUCCESS),
            failed=self._failed,
            owner=self,
            lane=Lane.POOL,
        )

    def _asked(self, text: str) -> None:
        self.say(text, Severity.INFO)
        self.refresh()

    def _failed(self, error: StationError) -> None:
        self.message.emit(Message(text=str(error), severity=Severity.DANGER))


def _queued(count: int) -> str:
    if not count:
        return _("Mọi hồ sơ đã ký đều đang chờ gửi sẵn, không phải xếp thêm.")
    return _("Đã xếp {count} hồ sơ để gửi lại.").format(count=count)
