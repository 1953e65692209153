"""The lists at the left, the rows of the chosen one at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.services.catalog_packs import ProvinceNews
from station_emr.services.i18n import _
from station_emr.services.views import CatalogSummary
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Card,
    Column,
    EmptyState,
    LineField,
    Table,
    hbox,
    label,
    named,
    plain_table,
    vbox,
)
from station_emr.ui.models.catalog_names import CATALOG_NAMES
from station_emr.ui.models.moments import show_day
from station_emr.ui.screens.catalogs.wording import attributes_text, number, province_text

MOST_ROWS = 2000
_MORE, _SINCE = 2, 3  # columns of the rows


class ListPage(QWidget):
    """``wanted(kind, typed)`` asks for rows of the list in front."""

    wanted = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "catalogs.list")
        self._kind: CatalogKind | None = None
        self.lists: Table[CatalogSummary] = Table(
            "catalogs.lists",
            _("Các danh mục"),
            [
                Column(
                    title=_("Danh mục"),
                    text=lambda s: _(CATALOG_NAMES[s.kind]),
                    tip=lambda s: _(CATALOG_NAMES[s.kind]),
                    width=222,
                    strong=True,
                ),
                Column(
                    title=_("Số dòng"),
                    text=lambda s: number(s.count),
                    sort=lambda s: s.count,
                    numeric=True,
                    width=72,
                ),
                Column(
                    title=_("Bản"),
                    text=lambda s: str(s.version),
                    sort=lambda s: s.version,
                    numeric=True,
                    width=44,
                ),
                Column(
                    title=_("Nguồn"),
                    text=lambda s: s.source,
                    tip=lambda s: s.source,
                    stretch=True,
                    muted=True,
                ),
            ],
        )
        left = Card(margin=1)
        left.add(plain_table(self.lists), 1)
        self.filter = LineField(
            placeholder=_("Tìm theo mã hoặc tên, có dấu hay không dấu"), icon="magnifying-glass"
        )
        named(self.filter.editor, "catalogs.filter")
        self.filter.set_spoken(_("Tìm trong danh mục"))
        self.filter.moves_on = False
        self.count = label("", "muted")
        self.rows: Table[CatalogRow] = Table(
            "catalogs.rows",
            _("Các dòng của danh mục"),
            [
                Column(
                    title=_("Mã"),
                    text=lambda r: r.code,
                    tip=lambda r: r.code,
                    width=84,
                    strong=True,
                ),
                Column(title=_("Tên"), text=lambda r: r.name, tip=lambda r: r.name, stretch=True),
                Column(
                    title=_("Thêm"),
                    text=attributes_text,
                    tip=attributes_text,
                    width=146,
                    muted=True,
                ),
                Column(
                    title=_("Hiệu lực từ"),
                    text=_since,
                    sort=lambda r: r.valid_from,
                    width=88,
                    muted=True,
                ),
            ],
            empty=EmptyState("magnifying-glass", _("Không có dòng nào")),
            dense=True,
        )
        right = Card(margin=1)
        top = hbox(self.filter, self.count, gap=GAP_M)
        top.setStretch(0, 1)
        top.setContentsMargins(GAP_S, GAP_S, GAP_M, 0)
        right.body.addLayout(top)
        right.add(plain_table(self.rows), 1)
        row = hbox(left, right, gap=GAP_M, parent=None)
        row.setStretch(0, 11)
        row.setStretch(1, 14)
        column = vbox(parent=self)
        column.addLayout(row, 1)
        self._news: ProvinceNews | None = None
        self.province = label("", "muted", wrap=True)
        self.province.hide()
        column.addWidget(self.province)
        self.lists.picked.connect(self._picked)
        self.lists.opened.connect(lambda _row: self.filter.editor.setFocus())
        self.filter.changed.connect(self._ask)
        self.filter.entered.connect(self.rows.setFocus)

    @property
    def kind(self) -> CatalogKind | None:
        """The list in front."""
        return self._kind

    def set_summaries(self, summaries: Sequence[CatalogSummary]) -> None:
        ordered = sorted(summaries, key=lambda s: list(CATALOG_NAMES).index(s.kind))
        self.lists.set_rows(ordered)
        kept = next((s for s in ordered if s.kind is self._kind), None)
        if kept is not None:
            self.lists.choose(kept)
            self._ask()
        else:
            self.lists.choose_first()

    def set_news(self, news: ProvinceNews) -> None:
        """What the province says: of the list in front, and of the program."""
        self._news = news
        self._tell_news()

    def _tell_news(self) -> None:
        told = province_text(self._news, self._kind) if self._news is not None else ""
        self.province.setText(told)
        self.province.setVisible(bool(told))

    def _picked(self, summary: object) -> None:
        if isinstance(summary, CatalogSummary) and summary.kind is not self._kind:
            self._kind = summary.kind
            self._tell_news()
            self.filter.set_value("")
            self._ask()

    def _ask(self) -> None:
        if self._kind is not None:
            self.wanted.emit(self._kind, self.filter.value())

    def set_rows(self, rows: Sequence[CatalogRow], total: int) -> None:
        self.rows.set_rows(rows)
        # A column that says nothing of these rows leaves its room to the names.
        for place, told in ((_MORE, attributes_text), (_SINCE, _since)):
            self.rows.setColumnHidden(place, not any(told(row) for row in rows))
        if len(rows) < total:
            text = _("{shown} dòng đầu trong {total}, gõ để tìm").format(
                shown=number(len(rows)), total=number(total)
            )
        else:
            text = _("{total} dòng").format(total=number(total))
        self.count.setText(text)


def _since(row: CatalogRow) -> str:
    """Rows of the starter lists carry a day long past, which says nothing."""
    return show_day(row.valid_from) if row.valid_from.year > 1900 else ""
