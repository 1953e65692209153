"""The regulation article by article: the text as data, with names in braces that the program fills."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from station_emr.domain.dossier import Block
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Column,
    EmptyState,
    Form,
    Table,
    TextField,
    hbox,
    label,
    plain_table,
    primary,
    secondary,
    vbox,
)


def _blocks_table() -> Table[Block]:
    return Table(
        "dossier.blocks",
        _("Các điều của quy chế"),
        [
            Column(
                title=_("Điều"),
                text=lambda b: b.heading,
                tip=lambda b: b.heading,
                stretch=True,
                strong=True,
            ),
            Column(
                title=_("Văn bản"),
                text=lambda b: _("Của trạm") if b.own else _("Bản mẫu"),
                width=96,
            ),
        ],
        empty=EmptyState("scroll", _("Đang đọc quy chế…")),
        dense=True,
    )


class RegulationPage(QWidget):
    """``save(key, text)`` is called with an empty text to bring the shipped one back."""

    def __init__(self, save: Callable[[str, str], None]) -> None:
        super().__init__()
        self._save = save
        self.blocks = _blocks_table()
        self.blocks.setMinimumWidth(400)
        self.form = Form("dossier.block")
        self.text = self.form.add("text", _("Nội dun&g"), TextField(least=9, most=13))
        self.keep = primary(_("Lưu điều này"), "dossier.block.save")
        self.back = secondary(_("Dùng lại bản mẫu"), "dossier.block.reset")
        hint = label(
            _(
                "Chỗ trong ngoặc nhọn, như {hours}, được điền bằng cài đặt của trạm khi in. Sửa câu "
                "chữ tùy ý; giữ nguyên các chỗ ấy thì quy chế luôn khớp cài đặt."
            ).format(hours="{complete_hours}"),
            "muted",
            wrap=True,
        )
        right = QWidget()
        vbox(self.form, hint, hbox(self.keep, self.back, None), None, parent=right)
        hbox(plain_table(self.blocks), right, parent=self).setStretch(1, 1)
        self.blocks.picked.connect(self._show)
        self.keep.clicked.connect(self._keep)
        self.back.clicked.connect(self._reset)

    def set_blocks(self, blocks: tuple[Block, ...]) -> None:
        chosen = self.blocks.current()
        self.blocks.set_rows(blocks)
        again = next((one for one in blocks if chosen and one.key == chosen.key), None)
        if again is not None:
            self.blocks.choose(again)
            self._show(again)
        elif blocks:
            self.blocks.choose_first()

    def _show(self, block: Block) -> None:
        self.text.set_value(block.raw)
        self.back.setEnabled(block.own)

    def _keep(self) -> None:
        block = self.blocks.current()
        if block is not None:
            self._save(block.key, self.text.value())

    def _reset(self) -> None:
        block = self.blocks.current()
        if block is not None:
            self._save(block.key, "")
