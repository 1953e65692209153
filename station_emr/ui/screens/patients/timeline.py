"""The visits of one person, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.domain.foreign_visit import ForeignVisit
from station_emr.services.i18n import _
from station_emr.services.views import VisitRow
from station_emr.ui.kit import (
    ChipRow,
    ChoiceCard,
    EmptyState,
    clear,
    hbox,
    label,
    quiet,
    scrolled,
    theme,
    vbox,
)

from .facts import PAPER_WORDS, papers_of, visit_chips
from .foreign import ForeignVisits

_PAGE: Final = 15


class VisitCard(ChoiceCard):
    """One visit; its papers can be looked at and printed again."""

    paper_wanted = Signal(object, str)

    def __init__(self, visit: VisitRow, now: datetime, *, printable: bool) -> None:
        day = when(visit.on, now)
        spoken = ", ".join((day, visit.reason, *visit.diagnoses))
        super().__init__(f"patients.visit.{visit.encounter_id}", spoken)
        self.visit = visit
        self.body.setSpacing(theme.GAP_XS)
        chips = visit_chips(visit)
        top = hbox(label(day, "strong"), None, label(visit.practitioner, "muted"))
        self.body.addLayout(top)
        if visit.diagnoses:
            self.add(label(" · ".join(visit.diagnoses), wrap=True))
        if visit.reason:
            self.add(label(_("Lý do: {reason}").format(reason=visit.reason), "muted", wrap=True))
        if visit.drugs:
            drugs = ", ".join(visit.drugs)
            self.add(label(_("Thuốc: {drugs}").format(drugs=drugs), "muted", wrap=True))
        papers = papers_of(visit) if printable else ()
        if chips or papers:
            foot = ChipRow(chips)
            for kind, record_id in papers:
                button = quiet(
                    PAPER_WORDS[kind], f"patients.paper.{kind.value}.{record_id}", "printer"
                )
                button.setAccessibleName(f"{PAPER_WORDS[kind]}, {day}")
                button.clicked.connect(partial(self.paper_wanted.emit, kind, record_id))
                foot.add(button)
            self.add(foot)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()


class Timeline(QWidget):
    """``opened(encounter_id)`` follows Enter on a visit, ``paper_wanted(kind, id)`` a paper."""

    opened = Signal(str)
    paper_wanted = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[VisitCard] = []
        self._visits: tuple[VisitRow, ...] = ()
        self._now: datetime | None = None
        self._shown = _PAGE
        self._printable = True
        self._has_foreign = False
        self.chosen: str = ""
        self.empty = EmptyState(
            "calendar-blank",
            _("Chưa có lượt khám nào"),
            _("Bấm Ctrl+N để khám lần đầu."),
        )
        inside = QWidget()
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.GAP_S)
        self.more = quiet(_("Xem lượt cũ hơn"), "patients.more", "caret-down")
        self.more.clicked.connect(self._show_more)
        self.foreign = ForeignVisits()
        vbox(self._column, hbox(None, self.more, None), self.foreign, None, parent=inside)
        self._area = scrolled(inside)
        whole = vbox(self.empty, self._area, parent=self)
        whole.setStretch(1, 1)

    def show_visits(
        self,
        visits: Sequence[VisitRow],
        now: datetime,
        *,
        printable: bool,
        fresh: bool,
        foreign: Sequence[ForeignVisit] = (),
    ) -> None:
        """``fresh`` for another person: from the top again. ``foreign`` stand below, apart."""
        self.foreign.show_visits(foreign)
        self._has_foreign = bool(foreign)
        if fresh:
            self._shown, self.chosen = _PAGE, ""
            self._area.verticalScrollBar().setValue(0)
        if tuple(visits) == self._visits and not fresh:
            self._show_parts()
            return
        self._visits, self._now, self._printable = tuple(visits), now, printable
        self._fill()

    @property
    def visit(self) -> VisitRow | None:
        """The visit under the cursor, else the newest."""
        for visit in self._visits:
            if visit.encounter_id == self.chosen:
                return visit
        return next(iter(self._visits), None)

    def _fill(self) -> None:
        clear(self._column)
        self.cards = []
        now = self._now
        for visit in self._visits[: self._shown]:
            if now is None:
                break
            card = VisitCard(visit, now, printable=self._printable)
            card.selected.connect(lambda at=visit.encounter_id: self._choose(at))
            card.opened.connect(lambda at=visit.encounter_id: self.opened.emit(at))
            card.paper_wanted.connect(self.paper_wanted)
            self._column.addWidget(card)
            self.cards.append(card)
        left = len(self._visits) - len(self.cards)
        self.more.set_label(_("Xem {count} lượt cũ hơn").format(count=min(left, _PAGE)))
        self.more.setVisible(left > 0)
        self._show_parts()

    def _show_parts(self) -> None:
        something = bool(self._visits) or self._has_foreign
        self.empty.setVisible(not something)
        self._area.setVisible(something)

    def _show_more(self) -> None:
        first_new = len(self.cards)
        self._shown += _PAGE
        self._fill()
        if first_new < len(self.cards):
            self.cards[first_new].setFocus()

    def _choose(self, encounter_id: str) -> None:
        self.chosen = encounter_id

    def focus_first(self) -> None:
        wanted = next((c for c in self.cards if c.visit.encounter_id == self.chosen), None)
        card = wanted or next(iter(self.cards), None)
        if card is not None:
            card.setFocus()


def when(at: datetime, now: datetime) -> str:
    """``Hôm nay 08:25``, else the day with the year: a timeline reaches far back."""
    if at.date() == now.date():
        return _("Hôm nay {time:%H:%M}").format(time=at)
    return f"{at:%d/%m/%Y %H:%M}"
