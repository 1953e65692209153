"""F1: every key of the program on one card."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from station_emr.services.i18n import _
from station_emr.ui.kit import ButtonKind, Shortcut, dialogs, label, theme

_ROWS = 10
_EXTRA = (
    ("Enter", "Sang mục tiếp theo; mở dòng đang chọn"),
    ("Alt+chữ", "Đến mục có chữ gạch chân"),
    ("Delete", "Bỏ thẻ đang chọn khỏi hàng chờ, khi chưa ký"),
    ("← ↑ → ↓", "Đi giữa các thẻ và các cột"),
)


def show_quick_card(parent: QWidget) -> None:
    """Show the card until it is closed."""
    box = dialogs.Box(
        parent,
        _("Phím tắt"),
        _("Quét thẻ căn cước, thẻ BHYT hoặc phiếu chuyển ở bất cứ màn hình nào."),
    )
    grid = QGridLayout()
    grid.setHorizontalSpacing(theme.GAP_M)
    grid.setVerticalSpacing(theme.GAP_S)
    lines = [(s.text, s.label) for s in Shortcut] + [(key, _(words)) for key, words in _EXTRA]
    for place, (key, words) in enumerate(lines):
        row, column = place % _ROWS, place // _ROWS * 2
        grid.addWidget(label(key, "key"), row, column, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(label(words, "dense"), row, column + 1)
    box.content.addLayout(grid)
    close = box.add_button(_("Đóng"), "help.close", kind=ButtonKind.PRIMARY, accept=True)
    close.setFocus()
    dialogs.run_dialog(box)
