"""The insurance cards of a person: one block each, with its validity in view."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.birth import parse_birth
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.identity import BENEFIT_PERCENT, benefit_level, parse_insurance_number
from station_emr.domain.patient import Coverage, CoverageValidity
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Card,
    Chip,
    ChipSpec,
    ChoiceField,
    Form,
    GroupedField,
    Severity,
    clear,
    hbox,
    icon_button,
    label,
    quiet,
    rule,
    theme,
    vbox,
)
from station_emr.ui.models.card_line import Ask, CardLine
from station_emr.ui.models.moments import parse_day
from station_emr.ui.models.session import Session

from .binding import day_field, read_form, show_form
from .groups import FROM_CARD, Today
from .lookups import CodedField, rows_of
from .questions import Questions
from .state import CoverageEntry, RegistrationState

_CARD_GROUPS = (2, 1, 2, 4, 3, 3)  # as the domain reads a card number aloud


class _NumberField(GroupedField):
    """15 characters or 10 digits, letters large."""

    def value(self) -> str:
        return super().value().upper()


class CoverageBlock(QWidget):
    """One card. ``changed`` and ``removed`` tell the list."""

    changed = Signal()
    removed = Signal()

    def __init__(self, session: Session, today: Today, place: int) -> None:
        super().__init__()
        self._today = today
        self.place = place
        name = f"coverages.{place}"
        self.form = Form(name)
        self.chip = Chip("")
        self.benefit = label("", "muted")
        self.scanned = label(_(FROM_CARD), "caption")
        remove = icon_button("trash", f"{name}.remove", _("Bỏ thẻ BHYT này"))
        remove.clicked.connect(self.removed)
        # The first card carries the Alt letter; a letter given twice would reach neither.
        mark = "&" if place == 0 else ""
        self.form.add_row(
            ("number", _("Số thẻ {mark}BHYT").format(mark=mark), _NumberField(_CARD_GROUPS)),
            ("valid_from", _("Có giá trị từ"), day_field(today)),
            ("valid_to", _("Đến"), day_field(today)),
            stretch=(5, 3, 3),
        )
        self.facility = CodedField(
            session,
            rows_of(session, CatalogKind.FACILITY, with_code=True),
            placeholder=_("Mã hoặc tên cơ sở"),
            free_text=True,
        )
        self.form.add_row(
            ("facility", _("Nơi đăng ký khám ban đầu"), self.facility),
            (
                "living_area",
                _("Khu vực"),
                ChoiceField([("", _("Không")), ("K1", "K1"), ("K2", "K2"), ("K3", "K3")]),
            ),
            ("five_year_on", _("5 năm liên tục từ"), day_field(today)),
            ("copay_exempt_on", _("Miễn chi trả từ"), day_field(today)),
            stretch=(5, 2, 3, 3),
        )
        self.questions = Questions(f"registration.{name}.questions")
        top = hbox(self.chip, self.benefit, self.scanned, None, remove)
        vbox(top, self.form, self.questions, gap=theme.GAP_XS, parent=self)
        self.form.changed.connect(lambda _key: self._changed())

    def _changed(self) -> None:
        self.scanned.hide()
        self.refresh()
        self.changed.emit()

    def entry(self) -> CoverageEntry:
        return CoverageEntry(**read_form(self.form))

    def show_entry(self, entry: CoverageEntry, *, scanned: bool) -> None:
        values = {key: getattr(entry, key) for key in self.form.keys}
        show_form(self.form, values)
        self.scanned.setVisible(scanned)
        self.refresh()

    def refresh(self) -> None:
        """The chip follows the dates as they are typed."""
        entry, today = self.entry(), self._today()
        card = Coverage(
            number=entry.number,
            valid_from=parse_day(entry.valid_from, today),
            valid_to=parse_day(entry.valid_to, today),
        )
        self.chip.set(validity_chip(card, today))
        try:
            level = benefit_level(parse_insurance_number(entry.number))
        except InvalidRecord:
            level = None
        share = _("mức hưởng {percent}%").format(percent=BENEFIT_PERCENT[level]) if level else ""
        self.benefit.setText(share)


def validity_chip(card: Coverage, today: date) -> ChipSpec:
    """How the card stands today, in words."""
    validity = card.validity(today)
    if validity is CoverageValidity.IN_FORCE and card.valid_to is not None:
        words = _("Còn hạn đến {day:%d/%m/%Y}").format(day=card.valid_to)
        return ChipSpec(words, Severity.SUCCESS)
    if validity is CoverageValidity.IN_FORCE:
        return ChipSpec(_("Còn hạn"), Severity.SUCCESS)
    if validity is CoverageValidity.EXPIRED:
        words = _("Hết hạn từ {day:%d/%m/%Y}").format(day=card.valid_to)
        return ChipSpec(words, Severity.DANGER)
    if validity is CoverageValidity.NOT_YET:
        words = _("Có giá trị từ {day:%d/%m/%Y}").format(day=card.valid_from)
        return ChipSpec(words, Severity.WARNING)
    return ChipSpec(_("Chưa ghi hạn thẻ"), Severity.NEUTRAL)


class CoverageGroup(Card):
    """All cards, the newest last. ``changed`` follows the person's changes."""

    changed = Signal()
    answered = Signal(str, bool)

    def __init__(self, session: Session, today: Today) -> None:
        super().__init__()
        self._session = session
        self._today = today
        self.blocks: list[CoverageBlock] = []
        self.state: Callable[[], RegistrationState] = RegistrationState
        self.add_card = quiet(_("Thêm thẻ BHYT"), "registration.add_coverage", "plus")
        self.add_card.clicked.connect(self._add_empty)
        self._none = label(_("Chưa có thẻ. Quét thẻ BHYT hoặc bấm Thêm thẻ BHYT."), "muted")
        self.body.addLayout(hbox(label(_("Thẻ bảo hiểm y tế"), "heading"), None, self.add_card))
        self.add(self._none)
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.GAP_S)
        self.body.addLayout(self._column)
        self.line = CardLine(session, "registration.card", by_itself=True)
        self.line.ask_typed(self._question)
        self.add(self.line)

    def entries(self) -> tuple[CoverageEntry, ...]:
        return tuple(block.entry() for block in self.blocks)

    def show_entries(self, entries: Sequence[CoverageEntry], scanned: Collection[str]) -> None:
        if len(entries) != len(self.blocks):
            self._rebuild(len(entries))
        for block, entry in zip(self.blocks, entries, strict=True):
            block.show_entry(entry, scanned=f"coverages.{block.place}" in scanned)
        self._none.setVisible(not self.blocks)

    def show_person(self) -> None:
        """What the insurance's portal said of this person's card."""
        patient_id = self.state().patient_id
        if patient_id:
            self.line.show_known(patient_id)
        else:
            self.line.show_typing()

    def _question(self) -> Ask | None:
        """What the portal is asked about somebody who is not registered yet."""
        state = self.state()
        number, name = self.entries()[-1].number if self.blocks else "", state.full_name.strip()
        try:
            birth = parse_birth(state.birth, self._today())
        except InvalidRecord:
            return None
        if not (number and name):
            return None
        cards, actor = self._session.services.gateways.cards, self._session.actor
        return lambda: cards.look_up_typed(actor, number, name, birth)

    def _rebuild(self, count: int) -> None:
        clear(self._column)
        self.blocks = []
        for place in range(count):
            block = CoverageBlock(self._session, self._today, place)
            block.changed.connect(self.changed)
            block.removed.connect(lambda at=place: self._remove(at))
            block.questions.answered.connect(self.answered)
            if place:
                self._column.addWidget(rule())
            self._column.addWidget(block)
            self.blocks.append(block)

    def _add_empty(self) -> None:
        self.show_entries((*self.entries(), CoverageEntry()), ())
        self.blocks[-1].form.field("number").editor.setFocus()
        self.changed.emit()

    def _remove(self, place: int) -> None:
        kept = [entry for at, entry in enumerate(self.entries()) if at != place]
        self._rebuild(len(kept))
        self.show_entries(kept, ())
        self.add_card.setFocus()
        self.changed.emit()

    def set_problems(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        """Show what belongs to a card; gives back the rest."""
        rest = tuple(problems)
        for block in self.blocks:
            rest = block.form.set_problems(rest, focus=False)
        return rest

    def show_questions(self, problems: Sequence[Problem], confirmed: Collection[str]) -> None:
        for block in self.blocks:
            prefix = f"coverages.{block.place}."
            mine = [problem for problem in problems if problem.field.startswith(prefix)]
            block.questions.show_questions(mine, confirmed)
