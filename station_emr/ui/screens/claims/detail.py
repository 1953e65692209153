"""Under the list of claims: what must be mended in the chosen one, and what it would send."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from station_emr.domain.claim import ClaimFile, Finding
from station_emr.domain.errors import StationError
from station_emr.services.claims import ClaimPreview
from station_emr.services.gateway_day import ClaimLine
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Card,
    SegmentedField,
    hbox,
    label,
    named,
    plain_table,
    secondary,
)
from station_emr.ui.models.session import Session

from .jump import place_of
from .lists import Cell, cells_table, findings_table

_FINDINGS, _DATA = "findings", "data"
_LEAST: Final = 150


class ClaimDetail(Card):
    """``wanted(key, context)`` asks for the page where the chosen finding is mended."""

    wanted = Signal(str, object)

    def __init__(self, session: Session) -> None:
        super().__init__(margin=1)
        self._session = session
        self._line: ClaimLine | None = None
        self.tabs = SegmentedField([(_FINDINGS, _("Điều phải sửa")), (_DATA, _("Dữ liệu sẽ gửi"))])
        self.tabs.set_spoken(_("Xem của lượt khám đang chọn"))
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"claims.detail.{place}")
        self.words = label("", "muted", wrap=True)
        self.mend = secondary(_("Mở để &sửa"), "claims.mend", icon="pencil-simple")
        self.findings = findings_table()
        self.cells = cells_table()
        self._stack = QStackedWidget()
        self._stack.addWidget(plain_table(self.findings))
        self._stack.addWidget(plain_table(self.cells))
        self._stack.setMinimumHeight(_LEAST)
        head = hbox(self.tabs, self.words, self.mend, gap=GAP_M)
        head.setStretch(1, 1)
        head.setContentsMargins(GAP_S, GAP_S, GAP_S, GAP_S)
        top = QWidget()
        top.setLayout(head)
        self.add(top)
        self.add(self._stack, 1)
        self.tabs.set_value(_FINDINGS)
        self.tabs.changed.connect(self._show)
        self.mend.clicked.connect(lambda: self._open(self.findings.current()))
        self.findings.opened.connect(self._open)
        self.findings.picked.connect(lambda _row: self._fit())

    def show_line(self, line: ClaimLine | None) -> None:
        """What is told of one visit; of none, nothing."""
        self._line = line
        self.findings.set_rows(line.findings if line is not None else ())
        self.findings.choose_first()
        self.cells.set_rows(())
        self.words.setText(line.first_words if line is not None and not line.findings else "")
        self._show()

    def _show(self) -> None:
        data = self.tabs.value() == _DATA
        self._stack.setCurrentIndex(1 if data else 0)
        self._fit()
        if data and self._line is not None:
            visit, claims, actor = (
                self._line.encounter_id,
                self._session.services.claims,
                self._session.actor,
            )
            self._session.ask(
                lambda: claims.preview(actor, visit),
                self._show_data,
                owner=self,
                failed=self._failed,
                latest="claims.preview",
            )

    def _show_data(self, preview: ClaimPreview) -> None:
        if self._line is not None and preview.encounter_id == self._line.encounter_id:
            self.cells.set_rows(cells_of(preview.claim))

    def _failed(self, error: StationError) -> None:
        self.words.setText(str(error))

    def _fit(self) -> None:
        finding = self.findings.current()
        place = place_of(finding.place, self._session.may) if finding is not None else None
        self.mend.setVisible(self.tabs.value() == _FINDINGS)
        self.mend.setEnabled(place is not None)

    def _open(self, finding: Finding | None) -> None:
        place = place_of(finding.place, self._session.may) if finding is not None else None
        if place is not None:
            self.wanted.emit(*place)


def cells_of(claim: ClaimFile) -> tuple[Cell, ...]:
    """Every element that is filled in, in the order of the file."""
    return tuple(
        Cell(table=table, row=number, element=element, text=text)
        for table, rows in claim.tables.items()
        for number, row in enumerate(rows)
        for element, text in row.items()
        if text
    )
