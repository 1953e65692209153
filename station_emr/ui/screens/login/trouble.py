"""When the station cannot be opened at all: what happened, what is safe, what to do."""

from __future__ import annotations

from PySide6.QtCore import Signal

from station_emr.services.i18n import _
from station_emr.ui.kit import IconLabel, Severity, hbox, label, primary, secondary, theme
from station_emr.ui.kit.cover import CoverPage


class TroublePage(CoverPage):
    """``again`` asks to look once more, ``restore_wanted`` for a copy, ``leave`` to end the program."""

    again = Signal()
    leave = Signal()
    restore_wanted = Signal()

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
        self.copy = label("", "strong", wrap=True, selectable=True)
        self.copy.hide()
        self.card.add(self.copy)
        self.retry = primary(_("Thử mở lại"), "trouble.again")
        self.end = secondary(_("Thoát"), "trouble.leave")
        self.restore = secondary(
            _("Khôi phục từ bản sao lưu"), "trouble.restore", icon="clock-counter-clockwise"
        )
        self.restore.clicked.connect(self.restore_wanted)
        self.card.body.addLayout(hbox(self.restore, None, self.end, self.retry))
        self.retry.clicked.connect(self.again)
        self.end.clicked.connect(self.leave)
        self.setFocusProxy(self.retry)

    def name_copy(self, words: str) -> None:
        """The newest good copy that can be seen now."""
        self.copy.setText(words)
        self.copy.setVisible(bool(words))
