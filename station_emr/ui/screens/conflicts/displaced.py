"""Drafts that gave way to another machine's record: what was typed, until somebody has read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

from station_emr.services.desk_views import DisplacedDraft
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Card,
    clear,
    hbox,
    label,
    named,
    scrolled,
    secondary,
    vbox,
)
from station_emr.ui.models.moments import show_when

_MOST_LINES: Final = 7
_ROOM: Final = 300


class DisplacedDrafts(QWidget):
    """``dropped(draft)`` follows the button of one of them. Hidden while there are none."""

    dropped = Signal(object)

    def __init__(self, *, may_drop: bool) -> None:
        super().__init__()
        self._may_drop = may_drop
        self.drafts: tuple[DisplacedDraft, ...] = ()
        inside = QWidget()
        self._column = vbox(gap=GAP_S, parent=inside)
        self._area = scrolled(inside)
        told = label(
            _(
                "Hồ sơ từ máy khác đến khi máy này còn bản nháp chưa ký. Chữ đã gõ nằm ở đây: chép "
                "phần cần giữ vào hồ sơ, rồi bỏ bản nháp."
            ),
            "muted",
            wrap=True,
        )
        column = vbox(
            label(_("Bản nháp bị thay"), "heading"), told, self._area, gap=GAP_S, parent=self
        )
        column.setStretch(2, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_ROOM)
        self.hide()

    def show_drafts(self, drafts: Sequence[DisplacedDraft], now: datetime) -> None:
        """Drawn anew only when they are others: a selection that is being made stays."""
        if tuple(drafts) != self.drafts:
            self.drafts = tuple(drafts)
            clear(self._column)
            for place, draft in enumerate(self.drafts):
                self._column.addWidget(self._card(place, draft, now))
            self._column.addStretch(1)
        self.setVisible(bool(self.drafts))

    def _card(self, place: int, draft: DisplacedDraft, now: datetime) -> Card:
        card = Card(margin=GAP_S)
        when = _("{title}. Gõ lúc {when}").format(
            title=draft.title, when=show_when(draft.saved_at, now)
        )
        head = hbox(label(draft.patient_name, "strong"), label(when, "muted"), None)
        if self._may_drop:
            drop = secondary(_("Đã xem, bỏ bản nháp"), f"displaced.drop.{place}", icon="check")
            drop.clicked.connect(lambda: self.dropped.emit(draft))
            head.addWidget(drop)
        card.body.addLayout(head)
        card.add(self._text(place, draft))
        return card

    def _text(self, place: int, draft: DisplacedDraft) -> QPlainTextEdit:
        text = QPlainTextEdit("\n".join(draft.lines))
        spoken = _("Chữ đã gõ: {name}, {title}").format(name=draft.patient_name, title=draft.title)
        named(text, f"displaced.text.{place}", spoken)
        text.setReadOnly(True)
        text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByKeyboard
            | Qt.TextInteractionFlag.TextSelectableByMouse
        )
        text.setTabChangesFocus(True)
        lines = min(_MOST_LINES, sum(1 + line.count("\n") for line in draft.lines))
        room = text.contentsMargins().top() + text.contentsMargins().bottom()
        margin = 2 * round(text.document().documentMargin())
        text.setFixedHeight((lines + 1) * text.fontMetrics().lineSpacing() + room + margin)
        return text
