"""Hồ sơ EMR của trạm: how the station stands before the law, and the four papers that say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.dossier import DossierSettings, Part, Standing
from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.os_words import os_words
from station_emr.domain.permissions import Role
from station_emr.services.dossier_ports import Dossier
from station_emr.services.dossier_state import state_lines
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Banner,
    Card,
    DateField,
    Form,
    LineField,
    Message,
    NumberField,
    Screen,
    SegmentedField,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    label,
    named,
    plain_table,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.models.moments import parse_day, show_day
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

from .regulation_page import RegulationPage
from .row_card import RowCard
from .wording import rows_table, state_table

ROWS, REGULATION, STATE, DATA = "rows", "regulation", "state", "data"
_TABS: Final = (ROWS, REGULATION, STATE, DATA)


class DossierScreen(Screen):
    """For the director and the administrator; nothing clinical is on it."""

    def __init__(self, session: Session) -> None:
        super().__init__("dossier")
        self._session = session
        self._service = session.services.dossier
        self.save_all = primary(_("Lưu bộ hồ sơ…"), "dossier.save", icon="file-pdf")
        self.again = secondary(_("Đọc lại"), "dossier.again", icon="arrows-clockwise")
        self.header = self.add_header(_("Hồ sơ EMR của trạm"), " ", self.again, self.save_all)
        self.banner = Banner("dossier.banner", closable=False)
        self.page.addWidget(self.banner)
        self.tabs = SegmentedField(
            [
                (ROWS, _("Tự đánh giá")),
                (REGULATION, _("Quy chế")),
                (STATE, _("Hôm nay")),
                (DATA, _("Thông tin")),
            ]
        )
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"dossier.tab.{place}")
        self.tabs.set_spoken(_("Phần của hồ sơ"))
        self.page.addLayout(hbox(self.tabs, None))
        self._stack = QStackedWidget()
        self._stack.addWidget(self._rows_page())
        self.regulation = RegulationPage(self._write_block)
        self._stack.addWidget(self.regulation)
        self.state = state_table()
        self._stack.addWidget(plain_table(self.state))
        self._stack.addWidget(self._data_page())
        card = Card(margin=12)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.tabs.set_value(ROWS)
        self.tabs.changed.connect(self._show_tab)
        self.again.clicked.connect(self._read)
        self.save_all.clicked.connect(self._save_papers)

    def _rows_page(self) -> QWidget:
        page = QWidget()
        self.rows = rows_table()
        self.card = RowCard(self._judge, may_judge=self._session.actor.role is Role.DIRECTOR)
        vbox(plain_table(self.rows), self.card, parent=page).setStretch(0, 1)
        self.rows.picked.connect(self.card.show_row)
        return page

    def _data_page(self) -> QWidget:
        page = QWidget()
        self.form = Form("dossier.data")
        hours = NumberField(unit=_("giờ"))
        hours.set_hint(_("Luật không đặt hạn; quy chế của trạm đặt. Thường là 24 giờ."))
        self.form.add_row(
            ("complete_hours", _("&Hạn hoàn thành hồ sơ"), hours),
            ("officer", _("Người phụ &trách an toàn"), LineField()),
        )
        self.form.add_row(
            ("decision_no", _("Quyết định &quy chế, số"), LineField(max_length=60)),
            ("decision_on", _("&Ngày ban hành"), self._day_field()),
        )
        self.form.add_row(
            ("level_decision_no", _("Phê duyệt &cấp độ, số"), LineField(max_length=60)),
            ("level_decision_on", _("Ngà&y phê duyệt"), self._day_field()),
        )
        self.keep = primary(_("Lưu thông tin"), "dossier.data.save", Shortcut.SAVE)
        self.keep.clicked.connect(self._keep)
        said = label(
            _("Ban hành quy chế trước, rồi phê duyệt cấp độ (NĐ 331/2026 Điều 30)."), "muted"
        )
        vbox(self.form, said, hbox(self.keep, None), None, parent=page)
        return page

    def _day_field(self) -> DateField[date]:
        return DateField(
            lambda text: parse_day(text, self._session.services.clock.now().date()),
            show_day,
            refusal=_("Ghi ngày, ví dụ 05/03/2026"),
        )

    @override
    def on_enter(self, context: object = None) -> None:
        self.banner.hide()
        self._read()
        self.tabs.buttons[0].setFocus()

    # -- reading -------------------------------------------------------------------------------

    def _read(self) -> None:
        """Looks at the places of copies, so never in the lane of the database."""
        self.again.setEnabled(False)
        self._session.runner.run(
            lambda: self._service.show(self._session.actor),
            done=self._show,
            failed=self._refused,
            finally_=lambda: self.again.setEnabled(True),
            owner=self,
            lane=Lane.POOL,
            latest="dossier.show",
        )

    def _show(self, dossier: Dossier) -> None:
        chosen = self.rows.current()
        self.rows.set_rows(dossier.rows)
        again = next((row for row in dossier.rows if chosen and row.key == chosen.key), None)
        if again is not None:
            self.rows.choose(again)
            self.card.show_row(again)
        else:
            self.rows.choose_first()
        self.regulation.set_blocks(dossier.blocks)
        self.state.set_rows(
            tuple(line for _heading, lines in state_lines(dossier.facts) for line in lines)
        )
        settings = dossier.facts.settings
        self.form.set_values({name: getattr(settings, name) for name in self.form.keys})
        counted = [row for row in dossier.rows if not row.beyond]
        self.header.set_title(
            _("Hồ sơ EMR của trạm"),
            _("{met} đạt, {work} cần làm thêm, {missing} chưa đạt, {own} tự đánh giá").format(
                met=sum(1 for row in counted if row.shown is Standing.MET),
                work=sum(1 for row in counted if row.shown is Standing.PARTLY),
                missing=sum(1 for row in counted if row.shown is Standing.NOT_MET),
                own=sum(1 for row in counted if row.shown is Standing.OWN),
            ),
        )

    def _show_tab(self) -> None:
        self._stack.setCurrentIndex(_TABS.index(str(self.tabs.value())))

    def _refused(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.WARNING))

    # -- changing ------------------------------------------------------------------------------

    def _do(self, change: Callable[[], None], said: str) -> None:
        def done(_nothing: None) -> None:
            self.banner.hide()
            self.say(said, Severity.SUCCESS)
            self._read()

        self._session.runner.run(
            change, done=done, failed=self._refused, owner=self, lane=Lane.POOL
        )

    def _judge(self, key: str, standing: Standing, note: str) -> None:
        actor = self._session.actor
        self._do(
            lambda: self._service.judge(actor, key, standing, note), _("Đã ghi đánh giá của trạm.")
        )

    def _write_block(self, key: str, text: str) -> None:
        actor = self._session.actor
        self._do(lambda: self._service.write_block(actor, key, text), _("Đã lưu điều của quy chế."))

    def _keep(self) -> None:
        given: dict[str, Any] = self.form.values()
        hours = given["complete_hours"]
        settings = DossierSettings(
            complete_hours=int(hours) if hours is not None else 0,
            decision_no=given["decision_no"],
            decision_on=_day(given["decision_on"]),
            level_decision_no=given["level_decision_no"],
            level_decision_on=_day(given["level_decision_on"]),
            officer=given["officer"],
        )
        actor = self._session.actor
        self._do(
            lambda: self._service.save_settings(actor, settings), _("Đã lưu thông tin hồ sơ EMR.")
        )

    # -- papers --------------------------------------------------------------------------------

    def _save_papers(self) -> None:
        folder = dialogs.choose_folder(self, _("Chọn thư mục lưu bộ hồ sơ"))
        if folder is None:
            return
        self.say(_("Đang lập bộ hồ sơ…"), Severity.INFO)
        actor = self._session.actor
        self._session.runner.run(
            lambda: _write(folder, self._service.papers(actor)),
            done=lambda count: self.say(
                _("Đã lưu {count} tệp PDF vào {folder}. In ra để giám đốc ký.").format(
                    count=count, folder=folder
                ),
                Severity.SUCCESS,
            ),
            failed=self._refused,
            owner=self,
            lane=Lane.POOL,
        )


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def _write(folder: Path, papers: dict[Part, bytes]) -> int:
    try:
        for part, content in papers.items():
            (folder / part.file_name).write_bytes(content)
    except OSError as failure:
        raise EnvironmentFailure(
            _("Chưa lưu được bộ hồ sơ: {why}. Hãy chọn thư mục khác.").format(why=os_words(failure))
        ) from failure
    return len(papers)
