"""The recovery code, shown once, kept on paper, and proved to be kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.os_words import os_words
from station_emr.services.i18n import _
from station_emr.ui.kit import dialogs, theme
from station_emr.ui.kit.buttons import ButtonKind, primary, secondary
from station_emr.ui.kit.cards import Card
from station_emr.ui.kit.layout import hbox, label
from station_emr.ui.kit.names import named
from station_emr.ui.kit.text_fields import LineField


class RecoveryStep(QWidget):
    """``sheet`` gives the page as PDF; ``done`` follows the right last group after saving it."""

    done = Signal()

    def __init__(self, code: str, sheet: Callable[[], bytes]) -> None:
        super().__init__()
        self._sheet = sheet
        self._code = code
        self._file: Path | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP_M)
        column.addWidget(
            label(
                _(
                    "Mã này mở lại hồ sơ khi mọi người quên mật khẩu, hoặc khi máy hỏng và phải dùng bản "
                    "sao lưu. Mã chỉ hiện một lần. Mất cả mật khẩu lẫn mã thì không ai mở được hồ sơ."
                ),
                "body",
                wrap=True,
            )
        )
        box = Card(sunken=True, margin=theme.GAP_L)
        groups = code.split("-")
        for start in range(0, len(groups), 3):
            line = label("  –  ".join(groups[start : start + 3]), "body", selectable=True)
            line.setFont(theme.font(20, 700))
            line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            box.add(line)
        named(box, "setup.code", _("Mã khôi phục {code}").format(code=" ".join(code)))
        column.addWidget(box)
        self.save = primary(_("Lưu phiếu PDF để in…"), "setup.save", icon="file-pdf")
        self.open = secondary(_("Mở phiếu đã lưu để in"), "setup.open", icon="printer")
        self.open.setEnabled(False)
        self.saved = label("", "success", wrap=True)
        column.addLayout(hbox(self.save, self.open, None))
        column.addWidget(self.saved)
        self.last = LineField(max_length=6)
        named(self.last.editor, "setup.last")
        self.last.set_spoken(_("Gõ lại nhóm cuối của mã"))
        self.last.moves_on = False
        caption = label(_("&Gõ lại nhóm cuối của mã trên phiếu"), "label")
        caption.setBuddy(self.last.editor)
        column.addWidget(caption)
        column.addWidget(self.last)
        column.addStretch(1)
        self.save.clicked.connect(self._save)
        self.open.clicked.connect(self._open)
        self.last.entered.connect(self.check)
        self.last.changed.connect(lambda: self.last.set_problem(None))
        self.setFocusProxy(self.save)

    def check(self) -> None:
        """On when the sheet is kept and its last group was read from it."""
        typed = "".join(c for c in self.last.value().upper() if c.isalnum())
        if self._file is None:
            self.last.set_problem(_("Hãy lưu phiếu và in ra trước: không in thì mã sẽ mất."))
        elif typed != self._code.rsplit("-", maxsplit=1)[-1]:
            self.last.set_problem(_("Chưa đúng nhóm cuối. Hãy nhìn lại phiếu vừa in."))
        else:
            self.done.emit()

    def _save(self) -> None:
        proposed = Path.home() / _("phieu-ma-khoi-phuc.pdf")
        chosen = dialogs.save_file(self, _("Lưu phiếu mã khôi phục"), proposed, "PDF (*.pdf)")
        if chosen is None:
            return
        try:
            chosen.write_bytes(self._sheet())
        except OSError as failure:
            self.last.set_problem(
                _("Chưa lưu được phiếu: {why}. Hãy chọn thư mục khác.").format(
                    why=os_words(failure)
                )
            )
            return
        self._file = chosen
        self.open.setEnabled(True)
        self.save.set_kind(ButtonKind.SECONDARY)
        self.saved.setText(
            _("Đã lưu {file}. In ra, cho vào phong bì niêm phong, rồi xóa tệp này.").format(
                file=chosen
            )
        )
        self.last.editor.setFocus()

    def _open(self) -> None:
        if self._file is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._file)))
