"""When the station cannot be opened at all: what happened, what is safe, what to do."""

from __future__ import annotations

from PySide6.QtCore import Signal

from station_emr.services.i18n import _
from station_emr.ui.kit import IconLabel, Severity, hbox, label, primary, secondary, theme
from station_emr.ui.kit.cover import CoverPage


class TroublePage(CoverPage):
    """``again`` asks to look once more, ``leave`` to end the program."""

    again = Signal()
    leave = Signal()

    def __init__(self, sentence: str, folder: str) -> None:
        super().__init__("trouble", _("Chưa mở được hồ sơ của trạm"), _("Không có gì bị thay đổi."))
        self.sentence = sentence
        head = hbox(
            IconLabel("warning", Severity.DANGER.value, 24),
            label(sentence, "body", wrap=True),
            gap=theme.GAP_M,
        )
        head.setStretch(1, 1)
        self.card.body.addLayout(head)
        place = _("Thư mục dữ liệu: {folder}").format(folder=folder)
        self.card.add(label(place, "muted", wrap=True, selectable=True))
        self.retry = primary(_("Thử mở lại"), "trouble.again")
        self.end = secondary(_("Thoát"), "trouble.leave")
        self.card.body.addLayout(hbox(None, self.end, self.retry))
        self.retry.clicked.connect(self.again)
        self.end.clicked.connect(self.leave)
        self.setFocusProxy(self.retry)
