"""Two charts beside one another, fact by fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout

from station_emr.services.desk_views import ChartSummary
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_M, GAP_S, GAP_XS, Card, clear, hbox, label
from station_emr.ui.screens.conflicts.wording import chart_facts


@dataclass(frozen=True, slots=True)
class Pair:
    """The chart that is proposed to stay, and the other."""

    stays: ChartSummary
    goes: ChartSummary

    @property
    def key(self) -> frozenset[str]:
        return frozenset((self.stays.patient_id, self.goes.patient_id))

    def turned(self) -> Pair:
        return Pair(self.goes, self.stays)


class ChartsCard(Card):
    """Two charts fact by fact; what differs is set bold, so that it is seen without colour."""

    def __init__(self) -> None:
        super().__init__(margin=GAP_S)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP_M)
        self._grid.setVerticalSpacing(GAP_XS)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(2, 1)
        self.body.addLayout(self._grid)

    def show_pair(self, pair: Pair, now: datetime) -> None:
        clear(self._grid)
        grid, top = self._grid, Qt.AlignmentFlag.AlignTop
        for place, text in ((1, _("Hồ sơ giữ lại")), (2, _("Hồ sơ gộp vào"))):
            number = label(str(place), "key")
            grid.addLayout(hbox(number, label(text, "strong"), None), 0, place)
        rows = zip(chart_facts(pair.stays, now), chart_facts(pair.goes, now), strict=True)
        for line, ((caption, one), (_same, other)) in enumerate(rows, start=1):
            grid.addWidget(label(caption, "label"), line, 0, top)
            for place, text in ((1, one), (2, other)):
                shown = label(
                    text, "body" if one == other else "strong", wrap=True, selectable=True
                )
                grid.addWidget(shown, line, place, top)
