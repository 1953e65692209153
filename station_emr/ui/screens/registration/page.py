"""The form as a page: its groups in one column, read and shown as one state. No use cases.

``visit`` and ``amendment`` belong to the form but are laid out by the screen, beside the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from station_emr.domain.birth import age_on
from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.identity import parse_national_id, parse_old_id, parse_phone
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.ui.kit import Field, Severity, hbox, quiet, scrolled, theme
from station_emr.ui.models.session import Session

from .coverages import CoverageGroup
from .groups import (
    AmendmentGroup,
    ContactGroup,
    Group,
    GuardianGroup,
    IdentityGroup,
    Today,
    VisitGroup,
)
from .lasting import AllergyGroup, ConditionGroup
from .questions import Questions
from .state import RegistrationState

_WITH_GUARDIAN = 16


class FormPage(QWidget):
    """``changed`` follows every change by the person, after which :meth:`state` is new."""

    changed = Signal()

    def __init__(self, session: Session, today: Today) -> None:
        super().__init__()
        self._today = today
        self._state = RegistrationState()
        self._guardian_wanted = False
        self.visit = VisitGroup()
        self.amendment = AmendmentGroup()
        self.identity = IdentityGroup(session, today)
        self.coverages = CoverageGroup(session, today)
        self.coverages.state = lambda: self._state
        self.guardian = GuardianGroup(session)
        self.add_guardian = quiet(
            _("Thêm người đưa đến, người giám hộ"), "registration.add_guardian", "plus"
        )
        self.allergies = AllergyGroup(session)
        self.conditions = ConditionGroup(session)
        self.contact = ContactGroup(session)
        self.groups: tuple[Group, ...] = (
            self.identity,
            self.guardian,
            self.contact,
            self.visit,
            self.amendment,
        )
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, theme.GAP_XS, 0)
        column.setSpacing(theme.GAP_M)
        for part in (
            self.identity,
            self.coverages,
            self.guardian,
            self._at_left(self.add_guardian),
            self.allergies,
            self.conditions,
            self.contact,
        ):
            column.addWidget(part)
        column.addStretch(1)
        self.area: QScrollArea = scrolled(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area)
        self._connect()

    @staticmethod
    def _at_left(button: QWidget) -> QWidget:
        line = QWidget()
        hbox(button, None, parent=line)
        return line

    def _connect(self) -> None:
        for group in self.groups:
            group.changed.connect(self._changed)
            group.questions.answered.connect(self._answered)
        self.coverages.changed.connect(lambda: self._changed("coverages"))
        self.coverages.answered.connect(self._answered)
        self.allergies.changed.connect(lambda: self._changed("allergies"))
        self.conditions.changed.connect(lambda: self._changed("conditions"))
        self.add_guardian.clicked.connect(self._show_guardian)
        for group, key, parse in (
            (self.identity, "national_id", parse_national_id),
            (self.identity, "old_national_id", parse_old_id),
            (self.contact, "phone", parse_phone),
            (self.guardian, "guardian_phone", parse_phone),
            (self.guardian, "guardian_national_id", parse_national_id),
        ):
            field = group.form.field(key)
            field.left.connect(lambda f=field, p=parse: _check_number(f, p))
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow_focus)

    def _follow_focus(self, _old: object, new: object) -> None:
        inside = self.area.widget()
        if inside is not None and isinstance(new, QWidget) and inside.isAncestorOf(new):
            self.area.ensureWidgetVisible(new, 0, 80)

    # -- one state -----------------------------------------------------------------------------

    @property
    def state(self) -> RegistrationState:
        return self._state

    def show_state(self, state: RegistrationState) -> None:
        """Show this form; nothing is announced."""
        self._state = state
        self._guardian_wanted = False
        for group in self.groups:
            group.form.clear_problems()
            group.show_state(state)
        self.coverages.show_entries(state.coverages, state.scanned)
        self.coverages.show_person()
        self.allergies.show_entries(state.allergies, none_known=state.no_known_allergy)
        self.conditions.show_entries(state.conditions)
        self.visit.setVisible(not state.editing)
        self.amendment.setVisible(state.editing)
        self._follow_age()

    def _read(self) -> RegistrationState:
        state = self._state
        for group in self.groups:
            state = group.read(state)
        return replace(
            state,
            coverages=self.coverages.entries(),
            allergies=self.allergies.entries(),
            no_known_allergy=self.allergies.none.value() and not self.allergies.rows,
            conditions=self.conditions.entries(),
        )

    def _changed(self, key: str) -> None:
        scanned = tuple(name for name in self._state.scanned if name != key)
        uncertain = self._state.name_uncertain and key != "full_name"
        self._state = replace(
            self._read(),
            scanned=scanned,
            name_uncertain=uncertain,
            confirmed=still_confirmed(self._state.confirmed, key),
        )
        for group in self.groups:
            if key in group.form.keys:
                field = group.form.field(key)
                if field.severity is Severity.DANGER and key != "birth":
                    field.set_problem(None)
                group.mark(scanned)
        if key == "birth":
            self._follow_age()
        self.changed.emit()

    def _answered(self, key: str, yes: bool) -> None:
        kept = set(self._state.confirmed) - {key}
        kept |= {key} if yes else set()
        self._state = replace(self._state, confirmed=tuple(sorted(kept)))
        self.changed.emit()

    def _follow_age(self) -> None:
        """A child is brought by somebody; most adults come by themselves."""
        born = self.identity.birth.value()
        child = born is not None and age_on(born, self._today()) < _WITH_GUARDIAN
        state = self._state
        filled = bool(state.guardian_name or state.guardian_phone or state.guardian_relationship)
        shown = child or filled or self._guardian_wanted
        self.guardian.setVisible(shown)
        line = self.add_guardian.parentWidget()
        (line or self.add_guardian).setVisible(not shown)

    def _show_guardian(self) -> None:
        self._guardian_wanted = True
        self._follow_age()
        self.guardian.form.focus_first()

    # -- problems and questions ----------------------------------------------------------------

    def show_questions(self, problems: Sequence[Problem]) -> None:
        """Questions stand in the group they are about."""
        confirmed = self._state.confirmed
        asked = [problem for problem in problems if problem.severity == "confirm"]
        at_guardian = [problem for problem in asked if problem.field == "guardian"]
        at_identity = [
            problem
            for problem in asked
            if problem.field != "guardian" and not problem.field.startswith("coverages.")
        ]
        self.identity.questions.show_questions(at_identity, confirmed)
        self.guardian.questions.show_questions(at_guardian, confirmed)
        self.coverages.show_questions(asked, confirmed)

    def show_problems(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Each refusal beside its field, the focus on the first; gives back those without one."""
        rest = tuple(problem for problem in problems if problem.severity != "confirm")
        for group in self.groups:
            rest = group.form.set_problems(rest, focus=False)
        rest = self.coverages.set_problems(rest)
        rest = self.conditions.set_problems(rest)
        first = next((field for field in self._fields() if field.severity is Severity.DANGER), None)
        if first is not None:
            first.editor.setFocus()
        return rest

    def focus_question(self) -> None:
        """Go to the first question that has no answer yet."""
        for questions in self._questions():
            if questions.focus_open(self._state.confirmed):
                return

    def _questions(self) -> Iterator[Questions]:
        yield self.identity.questions
        for block in self.coverages.blocks:
            yield block.questions
        yield self.guardian.questions

    def _fields(self) -> Iterator[Field]:
        yield from _fields_of(self.identity)
        for block in self.coverages.blocks:
            yield from (block.form.field(key) for key in block.form.keys)
        yield from _fields_of(self.guardian)
        for row in self.conditions.rows:
            yield row.since
        for group in (self.contact, self.visit, self.amendment):
            yield from _fields_of(group)

    def refuse_pending(self) -> bool:
        """Words left in an adder would be lost without a sound: say so. True when there are any."""
        found = False
        for adder, what in (
            (self.conditions.adder, _("bệnh mạn tính")),
            (self.allergies.adder, _("dị ứng")),
        ):
            if adder.text():
                found = True
                adder.set_problem(
                    _(
                        "Chưa thêm {what} này vào danh sách. Bấm Enter để thêm, hoặc xóa chữ."
                    ).format(what=what)
                )
                adder.editor.setFocus()
            else:
                adder.set_problem(None)
        return found

    def focus_field(self, key: str) -> None:
        """To the field somebody must mend, such as one the province would not take. ``coverage.`` is
        the first card, whichever a claim was made of.
        """
        of_card = key.removeprefix("coverage.")
        if of_card != key and self.coverages.blocks:
            form = self.coverages.blocks[0].form
            form.field(of_card if of_card in form.keys else "number").editor.setFocus()
            return
        for group in self.groups:
            if key in group.form.keys:
                group.form.field(key).editor.setFocus()
                return
        self.focus_first()

    def focus_first(self) -> None:
        field: Field = self.identity.national_id
        if self._state.national_id or self._state.editing:
            field = self.identity.full_name
        field.editor.setFocus()


def _fields_of(group: Group) -> Iterator[Field]:
    for key in group.form.keys:
        yield group.form.field(key)


def _check_number(field: Field, parse: object) -> None:
    """What is wrong with a number is said when it is left, not while it grows."""
    text = str(field.value() or "")
    if not text or not callable(parse):
        return
    try:
        parse(text)
    except InvalidRecord as refused:
        field.set_problem(refused.problems[0].message)


def still_confirmed(confirmed: Collection[str], changed: str) -> tuple[str, ...]:
    """A yes counts for what was asked: when that changes, the question is open again."""
    asks = {
        "national_id": ("national_id",),
        "birth": ("national_id", "guardian"),
        "sex": ("national_id",),
        "full_name": ("full_name", "national_id"),
        "coverages": ("coverages",),
    }.get(changed, ())
    return tuple(key for key in confirmed if not key.startswith(asks)) if asks else tuple(confirmed)


def open_questions(problems: Sequence[Problem], confirmed: Collection[str]) -> list[Problem]:
    """The questions that nobody has answered yet."""
    return [
        problem
        for problem in problems
        if problem.severity == "confirm" and confirmation_key(problem) not in confirmed
    ]
