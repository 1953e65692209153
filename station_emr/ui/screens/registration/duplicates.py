"""Who may already be known, beside the form while it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.domain.birth import age_text
from station_emr.domain.identity import mask_number
from station_emr.domain.patient import Patient
from station_emr.domain.text import fold
from station_emr.domain.user import Actor
from station_emr.services.i18n import _
from station_emr.services.patients import Patients
from station_emr.services.views import DuplicateRow, PatientRow
from station_emr.ui.kit import (
    ChipRow,
    ChipSpec,
    ChoiceCard,
    IconLabel,
    Severity,
    clear,
    hbox,
    label,
    scrolled,
    theme,
    vbox,
)

from .state import RegistrationState

_LEAST_NAME = 4
_NAMESAKES = 5


@dataclass(frozen=True, slots=True)
class Likeness:
    """One person of the panel; ``score`` 0 means only the name was compared."""

    row: PatientRow
    score: int
    reason: str
    certain: bool = False


def find_alike(
    patients: Patients, actor: Actor, state: RegistrationState, patient: Patient | None
) -> tuple[Likeness, ...]:
    """Runs off the GUI thread: by every mark once the birth is known, before that by number and name."""
    if patient is not None:
        rows = patients.duplicates(actor, _with_readable_numbers(patient))
        return tuple(_likeness(row) for row in rows)
    found: dict[str, Likeness] = {}
    number = "".join(state.national_id.split())
    if len(number) == 12:
        for row in patients.by_number(actor, number):
            found[row.id] = Likeness(row, 100, _("Trùng số định danh"), certain=True)
    if len(fold(state.full_name)) >= _LEAST_NAME:
        for row in patients.search(actor, state.full_name, _NAMESAKES):
            found.setdefault(row.id, Likeness(row, 0, _("Tên giống")))
    return tuple(like for like in found.values() if like.row.id != state.patient_id)


def _likeness(row: DuplicateRow) -> Likeness:
    return Likeness(row.patient, row.score, row.reason, certain=row.certain)


def _with_readable_numbers(patient: Patient) -> Patient:
    """Numbers as they are stored, so that half-typed ones find nobody."""
    number = patient.national_id if len(patient.national_id) == 12 else ""
    return replace(
        patient, national_id=number, phone="".join(patient.phone.split()).replace(".", "")
    )


class DuplicateCard(ChoiceCard):
    def __init__(self, like: Likeness, today: date) -> None:
        row = like.row
        facts = [row.sex.label, age_text(row.birth, today), row.birth.display()]
        spoken = ", ".join([row.full_name, *facts, like.reason])
        super().__init__(f"registration.duplicate.{row.id}", spoken)
        self.like = like
        self.body.setSpacing(theme.GAP_XS)
        self.add(label(row.full_name, "strong", wrap=True))
        self.add(label(" · ".join(facts), "muted", wrap=True))
        place = ", ".join(part for part in (row.address_line, row.commune_name) if part)
        if place:
            self.add(label(place, "muted", wrap=True))
        numbers = [mask_number(row.national_id)] if row.national_id else []
        if row.last_visit_on is not None:
            numbers.append(_("khám {day:%d/%m/%Y}").format(day=row.last_visit_on))
        if numbers:
            self.add(label(" · ".join(numbers), "caption", wrap=True))
        severity = Severity.DANGER if like.certain else Severity.WARNING
        if not like.score:
            severity = Severity.NEUTRAL
        lead = f"{like.score}%" if like.score else ""
        self.add(ChipRow([ChipSpec(like.reason, severity, lead=lead)]))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus()


class DuplicatePanel(QWidget):
    """``opened(patient_id)`` follows Enter or a double click on a card."""

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[DuplicateCard] = []
        self._shown: tuple[Likeness, ...] = ()
        self.title = label("", "heading")
        self._help = label("", "muted", wrap=True)
        inside = QWidget()
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.GAP_S)
        vbox(self._column, None, parent=inside)
        self._area = scrolled(inside)
        column = vbox(
            hbox(IconLabel("users", "muted"), self.title, None),
            self._help,
            self._area,
            gap=theme.GAP_S,
            parent=self,
        )
        column.setStretch(2, 1)
        self.show_people((), None)

    @property
    def people(self) -> tuple[Likeness, ...]:
        return self._shown

    @property
    def certain(self) -> Likeness | None:
        return next((like for like in self._shown if like.certain), None)

    def show_people(self, people: Sequence[Likeness], today: date | None) -> None:
        """Replace the cards; the same people stay, so that nothing loses the focus."""
        wanted = tuple(people)
        if wanted == self._shown and self._help.text():
            return
        self._shown = wanted
        clear(self._column)
        self.cards = []
        for like in wanted:
            card = DuplicateCard(like, today or like.row.birth.earliest())
            card.opened.connect(lambda row=like.row: self.opened.emit(row.id))
            self._column.addWidget(card)
            self.cards.append(card)
        # Without a buddy a label would show the mark of its Alt letter.
        self.title.setText(_("Có thể t&rùng") if self.cards else _("Có thể trùng"))
        if self.cards:
            self.title.setBuddy(self.cards[0])
            self._help.setText(_("Enter mở hồ sơ đã có, không lập hồ sơ thứ hai."))
        else:
            self._help.setText(
                _("Chưa thấy ai giống. Người có hồ sơ gần giống sẽ hiện ở đây khi đang gõ.")
            )
