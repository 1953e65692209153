"""Visits at other facilities that were taken over from files: shown apart from our own."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from station_emr.domain.foreign_visit import ForeignVisit
from station_emr.services.i18n import _
from station_emr.ui.kit import Card, Chip, Severity, hbox, label, theme, vbox


class ForeignVisits(QWidget):
    """A heading and one card for each visit; hidden while there is none. Nothing here can be opened."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []
        self._column = vbox(gap=theme.GAP_S)
        title = label(_("Đã khám ở nơi khác (nhận từ tệp BHYT)"), "heading")
        vbox(title, self._column, gap=theme.GAP_S, parent=self)
        self.hide()

    def show_visits(self, visits: Sequence[ForeignVisit]) -> None:
        for card in self.cards:
            card.deleteLater()
        self.cards = [_card(visit) for visit in visits]
        for card in self.cards:
            self._column.addWidget(card)
        self.setVisible(bool(visits))


def _card(visit: ForeignVisit) -> Card:
    card = Card()
    card.body.setSpacing(theme.GAP_XS)
    card.body.addLayout(
        hbox(
            label(f"{visit.arrived_at:%d/%m/%Y}", "strong"),
            Chip(_("Nơi khác: {code}").format(code=visit.facility_code), Severity.NEUTRAL),
            None,
            label(_("Nhận bởi {name}").format(name=visit.taken_by), "muted"),
        )
    )
    codes = ", ".join(visit.icd_codes)
    card.add(label(" ".join(part for part in (codes, visit.diagnosis) if part), wrap=True))
    for words, parts in (
        (_("Lý do: {text}"), (visit.reason,)),
        (_("Thuốc: {text}"), visit.drugs),
        (_("Xét nghiệm: {text}"), visit.tests),
        (_("Xử trí: {text}"), (visit.treatment,)),
    ):
        text = ", ".join(part for part in parts if part)
        if text:
            card.add(label(words.format(text=text), "muted", wrap=True))
    return card
