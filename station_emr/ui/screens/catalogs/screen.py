"""Danh mục: look into a list, take in a new official file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr import __version__
from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Screen,
    ScreenHeader,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    icon_button,
    primary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.catalog_names import CATALOG_NAMES
from station_emr.ui.models.session import Session
from station_emr.ui.screens.catalogs.import_page import ImportPage
from station_emr.ui.screens.catalogs.list_page import MOST_ROWS, ListPage
from station_emr.ui.screens.catalogs.refused_file import write_refused
from station_emr.ui.screens.catalogs.wording import drops_many, number
from station_emr.ui.tasks import Lane


class CatalogsScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("catalogs")
        self._session = session
        self._catalogs = session.services.catalogs
        self._actor = session.actor
        self._file: Path | None = None
        back = icon_button("arrow-left", "catalogs.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.take_in = primary(_("Nhập từ tệp…"), "catalogs.take_in", Shortcut.NEW, "file-arrow-up")
        header = hbox(back, ScreenHeader(_("Danh mục"), "", (self.take_in,)))
        self.take_in.setVisible(session.may(Action.CATALOG_IMPORT))
        header.setStretch(1, 1)
        self.list = ListPage()
        first = QWidget()
        column = vbox(header, gap=GAP_M, parent=first)
        column.addWidget(self.list, 1)
        self.imports = ImportPage(self._catalogs.today)
        self._pages = QStackedWidget()
        self._pages.addWidget(first)
        self._pages.addWidget(self.imports)
        self.page.addWidget(self._pages, 1)
        self.list.wanted.connect(self._look_up)
        self.take_in.clicked.connect(self._choose_file)
        self.imports.cancel.clicked.connect(self._show_list)
        self.imports.apply.clicked.connect(self._apply)
        self.imports.export.clicked.connect(self._export)
        self.imports.day_changed.connect(self._another_day)

    @override
    def on_enter(self, context: object = None) -> None:
        if not self.on_import:
            self._show_list()

    @override
    def on_back(self) -> bool:
        if self.on_import:
            self._show_list()
            return True
        return False

    @property
    def on_import(self) -> bool:
        """Whether a preview of an import is in front."""
        return self._pages.currentWidget() is self.imports

    def _show_list(self) -> None:
        self._pages.setCurrentIndex(0)
        self.list.lists.setFocus()
        self._session.ask(
            lambda: self._catalogs.summaries(self._actor),
            self.list.set_summaries,
            owner=self,
            failed=self._failed,
            latest="catalogs.summaries",
        )
        self._session.ask(
            lambda: self._session.services.packs.news(__version__),
            self.list.set_news,
            owner=self,
            failed=self._failed,
            latest="catalogs.news",
        )

    def _look_up(self, kind: object, typed: str) -> None:
        if not isinstance(kind, CatalogKind):
            return

        def read() -> tuple[tuple[CatalogRow, ...], int]:
            if typed:
                hits = self._catalogs.search(kind, typed, 200)
                return tuple(hit.row for hit in hits), len(hits)
            rows = self._catalogs.rows(kind)
            return rows[:MOST_ROWS], len(rows)

        self._session.ask(
            read,
            lambda found: self.list.set_rows(*found),
            owner=self,
            failed=self._failed,
            latest="catalogs.rows",
        )

    # -- taking in a file ------------------------------------------------------------------------

    def _choose_file(self) -> None:
        kind = self.list.kind
        if kind is None:
            return
        self._file = dialogs.open_file(
            self,
            _("Tệp danh mục: {name}").format(name=_(CATALOG_NAMES[kind])),
            _("Excel hoặc CSV (*.xlsx *.xls *.csv);;Mọi tệp (*)"),
        )
        if self._file is not None:
            self._read_file(kind, None)

    def _another_day(self, day: object) -> None:
        kind = self.list.kind
        if kind is not None and isinstance(day, date):
            self._read_file(kind, day)

    def _read_file(self, kind: CatalogKind, day: date | None) -> None:
        path = str(self._file)
        self._busy(True)
        self._session.runner.run(
            lambda: self._catalogs.preview_import(self._actor, kind, path, day),
            done=self._show_preview,
            failed=self._failed,
            finally_=lambda: self._busy(False),
            owner=self,
            lane=Lane.POOL,
            latest="catalogs.preview",
        )

    def _show_preview(self, preview: CatalogPreview) -> None:
        self._pages.setCurrentWidget(self.imports)
        self.imports.show_preview(preview)
        self.imports.tabs.editor.setFocus()

    def _apply(self) -> None:
        preview = self.imports.preview
        if preview is None:
            return
        if drops_many(preview) and not dialogs.confirm(
            self,
            _("Ngừng dùng nhiều dòng?"),
            _("{count} dòng đang dùng không có trong tệp và sẽ ngừng dùng.").format(
                count=number(len(preview.closed))
            ),
            yes=_("Vẫn áp dụng"),
            danger=True,
        ):
            return
        self._busy(True)

        def applied(_nothing: None) -> None:
            self._busy(False)
            self.say(
                _("Đã nhập: thêm {added}, đổi {changed}, ngừng {closed} dòng.").format(
                    added=number(len(preview.added)),
                    changed=number(len(preview.changed)),
                    closed=number(len(preview.closed)),
                ),
                Severity.SUCCESS,
            )
            self._show_list()

        self._session.ask(
            lambda: self._catalogs.apply_import(self._actor, preview),
            applied,
            owner=self,
            failed=self._failed,
        )

    def _export(self) -> None:
        preview = self.imports.preview
        if preview is None:
            return
        target = dialogs.save_file(
            self,
            _("Xuất dòng bị từ chối"),
            Path.home() / f"dong-bi-tu-choi-{preview.kind}.csv",
            "CSV (*.csv)",
        )
        if target is None:
            return

        def write() -> bool:
            try:
                write_refused(target, preview.refused)
            except OSError:
                return False
            return True

        self._session.runner.run(
            write, done=lambda done: self._exported(target, done), owner=self, lane=Lane.POOL
        )

    def _exported(self, target: Path, done: bool) -> None:
        if done:
            self.say(_("Đã lưu {file}.").format(file=target.name), Severity.SUCCESS)
        else:
            self.say(
                _("Không ghi được tệp vào thư mục này. Hãy chọn thư mục khác."), Severity.DANGER
            )

    def _busy(self, busy: bool) -> None:
        self.take_in.setEnabled(not busy)
        self.imports.set_busy(busy)

    def _failed(self, error: StationError) -> None:
        self._busy(False)
        self.say(str(error), Severity.DANGER)
