"""What a file would change, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from station_emr.domain.catalog import CatalogPreview, CatalogRow, RefusedRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Banner,
    Card,
    Column,
    DateField,
    EmptyState,
    Message,
    ScreenHeader,
    SegmentedField,
    Severity,
    Shortcut,
    Table,
    fixed_width,
    hbox,
    label,
    named,
    plain_table,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.models.catalog_names import CATALOG_NAMES
from station_emr.ui.models.moments import parse_day, show_day
from station_emr.ui.screens.catalogs.wording import (
    attributes_text,
    change_text,
    changes_nothing,
    drops_many,
    number,
)

_WORDS = {
    "added": "Thêm",
    "changed": "Đổi",
    "closed": "Ngừng dùng",
    "refused": "Bị từ chối",
}
_TABS = tuple(_WORDS)
Change = tuple[CatalogRow, CatalogRow]


class ImportPage(QWidget):
    """``day_changed(date)`` asks for the preview of another day in force."""

    day_changed = Signal(object)

    def __init__(self, today: Callable[[], date]) -> None:
        super().__init__()
        named(self, "catalogs.import")
        self.preview: CatalogPreview | None = None
        self.export = secondary(
            _("Xuất dòng bị từ chối"), "catalogs.export", icon="file-arrow-down"
        )
        self.cancel = secondary(_("Thôi, không nhập"), "catalogs.cancel")
        self.apply = primary(_("Áp dụng"), "catalogs.apply", Shortcut.SIGN)
        self.header = ScreenHeader("", "", (self.export, self.cancel, self.apply))
        self.banner = Banner("catalogs.banner", closable=False)
        self.day: DateField[date] = DateField(
            lambda text: parse_day(text, today()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 01/01/2027"),
        )
        named(self.day.editor, "catalogs.day")
        self.day.set_spoken(_("Hiệu lực từ ngày"))
        self.tabs = SegmentedField([(key, _(words)) for key, words in _WORDS.items()])
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"catalogs.tab.{place}")
        self._stack = QStackedWidget()
        self._make_tables()
        card = Card(margin=1)
        card.add(self._stack, 1)
        caption = label(_("&Hiệu lực từ"), "label")
        caption.setBuddy(self.day.editor)
        row = hbox(self.tabs, None, caption, fixed_width(self.day, 14))
        column = vbox(self.header, self.banner, row, gap=GAP_M, parent=self)
        column.addWidget(card, 1)
        self.tabs.changed.connect(self._show_tab)
        self.day.left.connect(self._day_left)
        self.day.entered.connect(self._day_left)

    def _make_tables(self) -> None:
        self.added = self._rows_table("catalogs.added", _("Dòng thêm mới"))
        self.changed: Table[Change] = Table(
            "catalogs.changed",
            _("Dòng thay đổi"),
            [
                Column(title=_("Mã"), text=lambda c: c[1].code, width=120, strong=True),
                Column(title=_("Tên"), text=lambda c: c[1].name, width=320),
                Column(
                    title=_("Thay đổi"),
                    text=lambda c: change_text(*c),
                    tip=lambda c: change_text(*c),
                    stretch=True,
                ),
            ],
            empty=EmptyState("check-circle", _("Không dòng nào thay đổi")),
            dense=True,
        )
        self.closed = self._rows_table("catalogs.closed", _("Dòng ngừng dùng"))
        self.refused: Table[RefusedRow] = Table(
            "catalogs.refused",
            _("Dòng bị từ chối"),
            [
                Column(
                    title=_("Dòng"),
                    text=lambda r: str(r.line),
                    sort=lambda r: r.line,
                    numeric=True,
                    width=72,
                ),
                Column(
                    title=_("Lý do"),
                    text=lambda r: r.reason,
                    tip=lambda r: r.reason,
                    width=440,
                    strong=True,
                ),
                Column(
                    title=_("Nội dung trong tệp"),
                    text=lambda r: r.text,
                    tip=lambda r: r.text,
                    stretch=True,
                    muted=True,
                ),
            ],
            empty=EmptyState("seal-check", _("Không dòng nào bị từ chối")),
            dense=True,
        )
        self._stack.addWidget(plain_table(self.added))
        self._stack.addWidget(plain_table(self.changed))
        self._stack.addWidget(plain_table(self.closed))
        self._stack.addWidget(plain_table(self.refused))

    @staticmethod
    def _rows_table(name: str, spoken: str) -> Table[CatalogRow]:
        return Table(
            name,
            spoken,
            [
                Column(title=_("Mã"), text=lambda r: r.code, width=120, strong=True),
                Column(title=_("Tên"), text=lambda r: r.name, width=420),
                Column(
                    title=_("Thêm"),
                    text=attributes_text,
                    tip=attributes_text,
                    stretch=True,
                    muted=True,
                ),
            ],
            empty=EmptyState("check-circle", _("Không có dòng nào")),
            dense=True,
        )

    def show_preview(self, preview: CatalogPreview) -> None:
        self.preview = preview
        self.header.set_title(
            _("Nhập danh mục: {name}").format(name=_(CATALOG_NAMES[preview.kind])),
            _("Từ tệp {file}. Chưa ghi gì cho tới khi bấm Áp dụng.").format(
                file=Path(preview.source).name
            ),
        )
        self.day.set_value(preview.effective_from)
        self.added.set_rows(preview.added)
        self.changed.set_rows(preview.changed)
        self.closed.set_rows(preview.closed)
        self.refused.set_rows(preview.refused)
        counts = {key: len(getattr(preview, key)) for key in _TABS}
        for key, button in zip(_TABS, self.tabs.buttons, strict=True):
            button.setText(f"{_(_WORDS[key])} ({number(counts[key])})")
            button.setAccessibleName(button.text())
            button.updateGeometry()
        first = next((key for key in _TABS if counts[key]), "added")
        self.tabs.set_value(first)
        self._show_tab()
        self.export.setEnabled(bool(preview.refused))
        self.set_busy(False)
        self._say(preview)

    def set_busy(self, busy: bool) -> None:
        preview = self.preview
        useful = preview is not None and not changes_nothing(preview)
        self.apply.setEnabled(useful and not busy)

    def _say(self, preview: CatalogPreview) -> None:
        if changes_nothing(preview):
            text, severity = (
                _("Tệp này không thay đổi gì so với danh mục đang dùng."),
                Severity.INFO,
            )
        elif drops_many(preview):
            severity = Severity.WARNING
            text = _(
                "Tệp thiếu {count} dòng đang dùng; các dòng này sẽ ngừng dùng từ ngày hiệu lực. "
                "Nếu tệp chỉ là một phần danh mục thì đừng áp dụng."
            ).format(count=number(len(preview.closed)))
        else:
            severity = Severity.INFO
            text = _(
                "{count} dòng giữ nguyên. Hồ sơ đã ký không đổi; dòng ngừng dùng vẫn đọc được."
            ).format(count=number(preview.unchanged))
        self.banner.show_message(Message(text=text, severity=severity))

    def _show_tab(self) -> None:
        self._stack.setCurrentIndex(_TABS.index(str(self.tabs.value())))

    def _day_left(self) -> None:
        day = self.day.value()
        if day is not None and self.preview is not None and day != self.preview.effective_from:
            self.day_changed.emit(day)
