"""The page of a file by another facility: its visits, what is wrong with it, taking them over."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.claim import Finding
from station_emr.domain.claim import Severity as FindingSeverity
from station_emr.domain.errors import EnvironmentFailure, StationError
from station_emr.domain.foreign_visit import Takeable
from station_emr.domain.identity import mask_number
from station_emr.domain.os_words import os_words
from station_emr.services.foreign_visits import OfferedFile, OfferedVisit
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Banner,
    Card,
    ChipSpec,
    Column,
    EmptyState,
    Message,
    Screen,
    Severity,
    Shortcut,
    Table,
    dialogs,
    label,
    plain_table,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane

_LARGEST: Final = 64 * 1024 * 1024
_SEVERITY: Final = {Takeable.YES: Severity.SUCCESS, Takeable.NOBODY: Severity.WARNING}


class ForeignVisitsScreen(Screen):
    """No context. A file is read when the person chooses one and forgotten when the page is left."""

    def __init__(self, session: Session) -> None:
        super().__init__("foreign_visits")
        self._session = session
        self._service = session.services.foreign_visits
        self._data = b""
        self._found: OfferedFile | None = None
        self.open = secondary(_("&Chọn tệp…"), "foreign.open", icon="file-text")
        self.take = primary(_("Nhận làm tiền sử"), "foreign.take", Shortcut.SAVE, "check")
        self.header = self.add_header(_("Tệp BHYT của nơi khác"), "", self.open, self.take)
        self.banner = Banner("foreign.banner")
        self.page.addWidget(self.banner)
        self.visits = _visits_table()
        self.findings = _findings_table()
        self.findings_title = label(_("Những chỗ cần xem lại trong tệp"), "heading")
        above = Card(margin=1)
        above.add(plain_table(self.visits), 1)
        below = Card(margin=1)
        below.add(plain_table(self.findings), 1)
        self._below = QWidget()
        vbox(self.findings_title, below, gap=GAP_M, parent=self._below)
        both = QWidget()
        parts = vbox(above, self._below, gap=GAP_M, parent=both)
        parts.setStretch(0, 3)
        parts.setStretch(1, 2)
        self.page.addWidget(both, 1)
        self.open.clicked.connect(self._choose)
        self.take.clicked.connect(self._take)
        self.visits.opened.connect(self._open_person)
        self._forget()

    @override
    def on_enter(self, context: object = None) -> None:
        self.open.setFocus()

    # -- reading -------------------------------------------------------------------------------

    def _choose(self) -> None:
        path = dialogs.open_file(self, _("Chọn tệp hồ sơ BHYT"), _("Tệp XML (*.xml)"))
        if path is not None:
            self.read_file(path)

    def read_file(self, path: Path) -> None:
        """Show what the file holds; nothing is taken over."""
        actor = self._session.actor

        def read() -> tuple[bytes, OfferedFile]:
            data = _bytes_of(path)
            return data, self._service.read(actor, data)

        self._busy(True)
        self._session.runner.run(
            read,
            done=lambda found: self._show(path.name, *found),
            failed=self._failed,
            finally_=lambda: self._busy(False),
            owner=self,
            lane=Lane.POOL,
            latest="foreign.read",
        )

    def _show(self, name: str, data: bytes, found: OfferedFile) -> None:
        self._data, self._found = data, found
        self.visits.set_rows(found.visits)
        self.visits.choose_first()
        self.findings.set_rows(found.file.findings)
        self._below.setVisible(bool(found.file.findings))
        count = len(found.takeable)
        if not found.file.readable:
            text = _("Không nhận được tệp này. Ở trạm chưa có gì thay đổi.")
            self.banner.show_message(Message(text=text, severity=Severity.DANGER))
        else:
            self.banner.hide()
        self.header.set_title(
            _("Tệp BHYT của nơi khác"),
            _("{name}: {all} lượt khám, {count} lượt nhận được.").format(
                name=name, all=len(found.visits), count=count
            ),
        )
        self.take.setEnabled(count > 0)

    def _forget(self) -> None:
        self._data, self._found = b"", None
        self.visits.set_rows(())
        self.findings.set_rows(())
        self._below.hide()
        self.take.setEnabled(False)
        self.header.set_title(
            _("Tệp BHYT của nơi khác"),
            _("Xem trước, rồi nhận làm tiền sử khám ở nơi khác. Không thành hồ sơ của trạm."),
        )

    # -- taking over ---------------------------------------------------------------------------

    def _take(self) -> None:
        if self._found is None or not self._found.takeable:
            return
        data, actor = self._data, self._session.actor
        links = [one.visit.link_code for one in self._found.takeable]
        self._busy(True)
        self._session.runner.run(
            lambda: self._service.take(actor, data, links),
            done=self._taken,
            failed=self._failed,
            finally_=lambda: self._busy(False),
            owner=self,
        )

    def _taken(self, count: int) -> None:
        self._forget()
        text = _("Đã nhận {count} lượt khám làm tiền sử. Xem ở hồ sơ từng người bệnh.")
        self.banner.show_message(Message(text=text.format(count=count), severity=Severity.SUCCESS))

    def _open_person(self, row: OfferedVisit) -> None:
        if row.visit.patient_id:
            self.go(routes.PATIENTS, routes.PatientRoute(row.visit.patient_id))

    def _failed(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.DANGER))

    def _busy(self, on: bool) -> None:
        self.open.setEnabled(not on)
        self.take.setEnabled(not on and bool(self._found and self._found.takeable))


def _visits_table() -> Table[OfferedVisit]:
    return Table(
        "foreign.visits",
        _("Lượt khám trong tệp"),
        [
            Column(
                title=_("Khám lúc"),
                text=lambda r: show_moment(r.visit.arrived_at),
                sort=lambda r: r.visit.arrived_at,
                width=136,
            ),
            Column(
                title=_("Người bệnh"),
                text=lambda r: r.full_name,
                tip=lambda r: r.full_name,
                width=220,
                strong=True,
            ),
            Column(
                title=_("Nhận được"),
                text=lambda r: _(r.takeable.label),
                chip=lambda r: ChipSpec(
                    _(r.takeable.label), _SEVERITY.get(r.takeable, Severity.NEUTRAL)
                ),
                width=200,
            ),
            Column(
                title=_("Chẩn đoán"),
                text=lambda r: " ".join((", ".join(r.visit.icd_codes), r.visit.diagnosis)),
                tip=lambda r: r.visit.diagnosis,
                stretch=True,
            ),
            Column(
                title=_("Cơ sở"),
                text=lambda r: r.visit.facility_code,
                width=90,
                muted=True,
                spare=2,
            ),
            Column(
                title=_("Số thẻ"),
                text=lambda r: mask_number(r.insurance_number),
                width=120,
                muted=True,
                spare=1,
            ),
        ],
        empty=EmptyState(
            "file-text",
            _("Chưa chọn tệp nào"),
            _("Bấm Chọn tệp để xem hồ sơ BHYT do cơ sở khác xuất ra."),
        ),
    )


def _findings_table() -> Table[Finding]:
    def chip(finding: Finding) -> ChipSpec:
        wrong = finding.severity is FindingSeverity.BLOCKING
        severity = Severity.DANGER if wrong else Severity.WARNING
        return ChipSpec(_("Không đọc được") if wrong else _("Nên xem lại"), severity)

    return Table(
        "foreign.findings",
        _("Những chỗ cần xem lại trong tệp"),
        [
            Column(title=_("Mức"), text=lambda r: chip(r).text, chip=chip, width=140),
            Column(
                title=_("Nội dung"),
                text=lambda r: r.message,
                tip=lambda r: r.message,
                stretch=True,
            ),
        ],
        empty=EmptyState("check-circle", _("Tệp đọc được trọn vẹn"), ""),
    )


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as source:
            return source.read(_LARGEST + 1)
    except OSError as failure:
        text = _("Không đọc được tệp: {why}. Hãy chọn tệp khác.")
        raise EnvironmentFailure(text.format(why=os_words(failure))) from failure
