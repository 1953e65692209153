"""The top of the sync page: the one true sentence, the server, and what today has used."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QProgressBar, QWidget

from station_emr.domain.sync import SyncStatus
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Card,
    Message,
    Severity,
    hbox,
    label,
    named,
    theme,
    vbox,
)
from station_emr.ui.screens.sync.wording import (
    arrived_sentence,
    clock_sentence,
    conflict_sentence,
    double_sentence,
    forms_sentence,
    link_sentence,
    sentence,
    stay_sentence,
    usage_sentence,
)

_BAR_WIDTH: Final = 140


class StatusCard(QWidget):
    """``desk_wanted`` follows the wish to decide what is open, ``pairs_wanted`` the one to look at
    people who may be registered twice.
    """

    desk_wanted = Signal()
    pairs_wanted = Signal()

    def __init__(self, beside: QWidget | None = None) -> None:
        super().__init__()
        self.sentence = named(label("", "strong", wrap=True, selectable=True), "sync.sentence")
        self.server = label("", "muted", selectable=True)
        self.usage = named(label("", "muted"), "sync.usage")
        self.bar = named(QProgressBar(), "sync.budget", _("Dung lượng đã dùng hôm nay"))
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.forms = named(label("", "muted", wrap=True), "sync.forms")
        self._facts = QWidget()
        hbox(self.server, None, self.usage, self.bar, gap=GAP_S, parent=self._facts)
        words = vbox(self.sentence, self.forms, self._facts, None, gap=GAP_S)
        card = Card()
        if beside is None:
            card.body.addLayout(words)
        else:
            row = hbox(words, beside, gap=GAP_M)
            row.setStretch(0, 1)
            card.body.addLayout(row)
        self.link = Banner("sync.banner", closable=False)
        self.conflicts = Banner("sync.conflicts", closable=False)
        self.doubles = Banner("sync.doubles", closable=False)
        self.clock = Banner("sync.clock", closable=False)
        self.arrived = Banner("sync.arrived", closable=False)
        self.stay = Banner("sync.stay", closable=False)
        vbox(
            card,
            self.link,
            self.conflicts,
            self.doubles,
            self.arrived,
            self.stay,
            self.clock,
            gap=GAP_S,
            parent=self,
        )
        # These hold the place of what is read, so that the lists below do not move when it comes.
        self.sentence.setMinimumHeight(ceil(QFontMetricsF(theme.font(weight=600)).height()))
        for rare in (self.forms, self.bar):
            rare.hide()
        self.link.show_message(Message(text=_("Đang xem đường nối…"), severity=Severity.NEUTRAL))

    def show_status(self, status: SyncStatus, now: datetime, *, may_decide: bool) -> None:
        """Every part from one reading, so that they agree."""
        self.sentence.setText(sentence(status, now))
        self.forms.setText(forms_sentence(status))
        self.forms.setVisible(bool(self.forms.text()))
        server = _("Máy chủ: {server}").format(server=status.server) if status.server else ""
        self.server.setText(server)
        usage = usage_sentence(status)
        self.usage.setText(usage)
        self.bar.setVisible(bool(usage and status.budget))
        if status.budget:
            # Thousandths, because a day's bytes may be more than the bar can count.
            share = min(1000, status.bytes_today * 1000 // status.budget)
            self.bar.setRange(0, 1000)
            self.bar.setValue(share)
            self.bar.setAccessibleDescription(usage)
        self._facts.setVisible(bool(server or usage))
        severity, text = link_sentence(status, now)
        self.link.show_message(Message(text=text, severity=severity))
        self._show(self.clock, clock_sentence(status), None)
        self._show(self.arrived, arrived_sentence(status), None)
        self._show(self.stay, stay_sentence(status), None)
        action = self.desk_wanted.emit if may_decide else None
        self._show(self.conflicts, conflict_sentence(status), action)
        if may_decide:
            self._show(self.doubles, double_sentence(status), self.pairs_wanted.emit)

    @staticmethod
    def _show(banner: Banner, text: str, action: object) -> None:
        if not text:
            if banner.message is not None:
                banner.dismiss()
            return
        before = banner.message
        if before is not None and before.text == text:
            return  # a button under a hand stays where it is
        banner.show_message(
            Message(
                text=text,
                severity=Severity.WARNING,
                action_text=_("Mở để quyết định") if action is not None else "",
                action=action if callable(action) else None,
            )
        )
