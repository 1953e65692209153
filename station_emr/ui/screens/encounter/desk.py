"""The three zones of a visit side by side; in a narrow window the outer two share the left."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from station_emr.ui.kit import GAP_M, GAP_S, hbox, label, vbox
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.claim_panel import ClaimPanel
from station_emr.ui.screens.encounter.facts import FactsPanel
from station_emr.ui.screens.encounter.outcome import OutcomePanel
from station_emr.ui.screens.encounter.visit_form import VisitForm

_NARROW: Final = 1100


class VisitDesk(QWidget):
    """What must not be forgotten, the visit in the order of work, and what will come out."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.facts = FactsPanel()
        self.form = VisitForm(session)
        self.outcome = OutcomePanel()
        self.claim = ClaimPanel(session)
        self.saved = label("", "muted")
        self.saved.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._side = QWidget()
        vbox(self.outcome, self.claim, self.saved, gap=GAP_S, parent=self._side).setStretch(0, 1)
        self._left = vbox(self.facts, gap=GAP_M)
        self._left.setStretch(0, 1)
        self._row = hbox(self._left, self.form, self._side, gap=GAP_M, parent=self)
        self._row.setStretch(1, 1)

    def fit(self, width: int) -> None:
        """A narrow screen, or a large scale, sets the two side columns one above the other."""
        narrow = width < _NARROW
        if narrow == (self._left.count() == 2):
            return
        self.facts.setFixedWidth(self.outcome.width() if narrow else self.facts.usual_width)
        if narrow:
            self._left.addWidget(self._side, 2)
        else:
            self._row.addWidget(self._side)
