"""Which diagnoses only a few may read: the list, one more, one less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.catalog import CatalogHit, CatalogKind
from station_emr.domain.errors import StationError
from station_emr.services.i18n import _
from station_emr.services.restricted_codes import RangeRow
from station_emr.ui.kit import (
    Column,
    Form,
    LineField,
    Suggestion,
    Table,
    TypeaheadField,
    dialogs,
    hbox,
    primary,
    rule,
    secondary,
)
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel


def codes_text(row: RangeRow) -> str:
    one = row.range
    return one.first if one.first == one.last else f"{one.first} – {one.last}"


def names_text(row: RangeRow) -> str:
    if row.range.first == row.range.last or row.first_name == row.last_name:
        return row.first_name
    return _("{first} … {last}").format(first=row.first_name, last=row.last_name)


class RangesPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.ranges_panel",
            _("Nội dung hạn chế"),
            _(
                "Lượt khám có chẩn đoán thuộc các mã dưới đây chỉ người được phân quyền và người đã ghi "
                "mới đọc được. Mỗi mã gồm cả các mã con. Thay đổi có hiệu lực ngay và được ghi nhật ký."
            ),
        )
        self._codes = session.services.privacy.codes
        self.table: Table[RangeRow] = Table(
            "settings.ranges",
            _("Các mã có nội dung hạn chế"),
            [
                Column(title=_("Mã"), text=codes_text, width=110, strong=True),
                Column(title=_("Nhóm"), text=lambda r: r.range.what, width=120),
                Column(
                    title=_("Tên trong danh mục"),
                    text=names_text,
                    tip=names_text,
                    stretch=True,
                    muted=True,
                ),
                Column(
                    title=_("Từ ngày"),
                    text=lambda r: f"{r.range.since:%d/%m/%Y}",
                    width=112,
                    spare=1,
                ),
            ],
        )
        self.table.setMinimumHeight(200)
        self.add(self.table)
        self.remove = secondary(_("&Bỏ mã đang chọn…"), "settings.ranges.remove", icon="x")
        self.usual = secondary(_("&Về danh sách mặc định…"), "settings.ranges.usual")
        self.body.addLayout(hbox(self.remove, self.usual, None))
        self.add(rule())
        self.form = Form("range")
        self.first = TypeaheadField(placeholder=_("Mã hoặc tên bệnh"))
        self.last = TypeaheadField(placeholder=_("Mã cuối, nếu có"))
        self.what = LineField(max_length=40)
        self.form.add_row(
            ("first", _("&Từ mã"), self.first),
            ("last", _("Đến &mã"), self.last),
            ("what", _("Tên &nhóm"), self.what),
            required=("first", "what"),
        )
        self.add(self.form)
        self.append = primary(_("T&hêm vào danh sách"), "settings.ranges.add", icon="plus")
        self.body.addLayout(hbox(self.append, None))
        self.body.addStretch(1)
        self.first.wanted.connect(partial(self._search, self.first))
        self.last.wanted.connect(partial(self._search, self.last))
        self.append.clicked.connect(self.save)
        self.form.submitted.connect(self.save)
        self.remove.clicked.connect(self._remove)
        self.usual.clicked.connect(self._put_back)

    @override
    def load(self) -> None:
        self._do(lambda: self._codes.rows(self._actor))

    @override
    def focus(self) -> QWidget:
        return self.table

    def _search(self, field: TypeaheadField, text: str) -> None:
        catalogs = self._services.catalogs
        self._session.ask(
            lambda: catalogs.search(CatalogKind.ICD10, text),
            lambda hits: field.set_results([_suggestion(hit) for hit in hits], text),
            owner=self,
            failed=self._failed,
            latest=f"ranges.{field.objectName()}",
        )

    # -- doing ---------------------------------------------------------------------------------

    @override
    def save(self) -> None:
        first, last = self.first.value() or self.first.text(), self.last.value() or self.last.text()
        self._do(
            partial(self._codes.add, self._actor, str(first), str(last), self.what.value()),
            _("Đã thêm. Những lượt khám có mã này đã được hạn chế."),
        )

    def _remove(self) -> None:
        row = self.table.current()
        if row is None:
            return
        title = _("Bỏ {codes} khỏi danh sách?").format(codes=codes_text(row))
        told = _("Từ nay ai được xem lượt khám đều đọc được chẩn đoán này, kể cả lượt khám cũ.")
        if dialogs.confirm(self, title, told, yes=_("Bỏ mã này"), danger=True):
            self._do(
                partial(self._codes.remove, self._actor, row.range), _("Đã bỏ khỏi danh sách.")
            )

    def _put_back(self) -> None:
        told = _("Danh sách trở lại như lúc cài: HIV và tâm thần. Mã trạm đã thêm sẽ bị bỏ.")
        if dialogs.confirm(
            self, _("Về danh sách mặc định?"), told, yes=_("Về mặc định"), danger=True
        ):
            self._do(partial(self._codes.put_back, self._actor), _("Đã về danh sách mặc định."))

    def _do(self, act: Callable[[], tuple[RangeRow, ...]], words: str = "") -> None:
        def done(rows: tuple[RangeRow, ...]) -> None:
            self.table.set_rows(rows)
            if words:
                self.form.clear()
                self._say(words)

        self.form.clear_problems()
        self._session.ask(act, done, owner=self, failed=self._failed)

    def _failed(self, error: StationError) -> None:
        self._refused(error, self.form)


def _suggestion(hit: CatalogHit) -> Suggestion:
    return Suggestion(title=hit.row.name, payload=hit.row.code, lead=hit.row.code)
