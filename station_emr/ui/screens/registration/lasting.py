"""What must not be forgotten: allergies and lasting illnesses, typed into short lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.errors import Problem
from station_emr.domain.patient import AllergyCategory
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Card,
    CheckField,
    ChoiceField,
    LineField,
    NumberField,
    Suggestion,
    clear,
    fixed_width,
    hbox,
    icon_button,
    label,
    named,
    theme,
)
from station_emr.ui.models.session import Session

from .lookups import CATEGORY, CodedField, conditions, substances
from .state import AllergyEntry, ConditionEntry


class AllergyRow(QWidget):
    """One allergy: what, of which kind, what happened, whether it was severe."""

    changed = Signal()
    removed = Signal()
    done = Signal()

    def __init__(self, entry: AllergyEntry, place: int) -> None:
        super().__init__()
        self._entry = entry
        name = f"registration.allergies.{place}"
        words = label(entry.substance, "strong", wrap=True)
        self.category = ChoiceField([(kind.value, CATEGORY[kind]) for kind in AllergyCategory])
        self.category.set_value(entry.category)
        self.reaction = LineField(placeholder=_("Phản ứng: mày đay, khó thở…"), max_length=200)
        self.reaction.set_value(entry.reaction)
        self.severe = CheckField(_("Nặng"))
        self.severe.set_value(entry.severe)
        remove = icon_button(
            "trash", f"{name}.remove", _("Bỏ dị ứng {what}").format(what=entry.substance)
        )
        for field, key, spoken in (
            (self.category, "category", _("Loại dị ứng")),
            (self.reaction, "reaction", _("Phản ứng")),
            (self.severe, "severe", _("Phản ứng nặng")),
        ):
            named(field.editor, f"{name}.{key}")
            field.set_spoken(f"{spoken}: {entry.substance}")
            field.set_dense()
            field.changed.connect(self.changed)
        self.reaction.moves_on = False
        self.reaction.entered.connect(self.done)
        remove.clicked.connect(self.removed)
        self.category.combo.setFixedHeight(theme.DENSE_HEIGHT)
        fixed_width(self.category, 14)
        row = hbox(words, self.category, self.reaction, self.severe, remove, parent=self)
        row.setStretch(0, 3)
        row.setStretch(2, 4)

    def entry(self) -> AllergyEntry:
        return replace(
            self._entry,
            category=str(self.category.value() or AllergyCategory.OTHER.value),
            reaction=self.reaction.value(),
            severe=self.severe.value(),
        )


class AllergyGroup(Card):
    """Type-ahead over drugs, families and common things; anything else may be typed as it is."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(_("Dị ứng"))
        self.rows: list[AllergyRow] = []
        self.adder = CodedField(
            session,
            substances(session),
            placeholder=_("Gõ tên thuốc, nhóm thuốc, món ăn… rồi Enter"),
            clear_on_choice=True,
            free_text=True,
        )
        named(self.adder.editor, "registration.allergies.add")
        self.adder.moves_on = False
        self.none = CheckField(_("Không có dị ứng đã biết"))
        named(self.none.editor, "registration.no_known_allergy")
        caption = label(_("Thê&m dị ứng"), "label")
        caption.setBuddy(self.adder.editor)
        self.adder.set_spoken(_("Thêm dị ứng"))
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.GAP_XS)
        self.body.addLayout(self._column)
        line = hbox(self.adder, self.none, gap=theme.GAP_L)
        line.setStretch(0, 1)
        self.body.setSpacing(theme.GAP_XS)
        self.body.addWidget(caption)
        self.body.addLayout(line)
        self.adder.chosen.connect(self._chosen)
        self.adder.entered.connect(self._typed)
        self.none.changed.connect(self.changed)

    def entries(self) -> tuple[AllergyEntry, ...]:
        return tuple(row.entry() for row in self.rows)

    def show_entries(self, entries: Sequence[AllergyEntry], *, none_known: bool) -> None:
        if tuple(entries) != self.entries():
            self._rebuild(entries)
        self.none.set_value(none_known and not entries)
        self._follow()

    def pending(self) -> str:
        """Words typed into the adder that are not in the list yet."""
        return self.adder.text()

    def _rebuild(self, entries: Sequence[AllergyEntry]) -> None:
        clear(self._column)
        self.rows = []
        for place, entry in enumerate(entries):
            row = AllergyRow(entry, place)
            row.changed.connect(self.changed)
            row.removed.connect(lambda at=place: self._remove(at))
            row.done.connect(self.adder.editor.setFocus)
            self._column.addWidget(row)
            self.rows.append(row)

    def _follow(self) -> None:
        """Somebody with an allergy cannot have none."""
        self.none.set_read_only(bool(self.rows))
        if self.rows:
            self.none.set_value(False)

    def _chosen(self, suggestion: object) -> None:
        if isinstance(suggestion, Suggestion) and isinstance(suggestion.payload, AllergyEntry):
            self._add(suggestion.payload)

    def _typed(self) -> None:
        text = self.adder.text()
        if not text:
            self.adder.focusNextChild()
            return
        self.adder.set_value(None)
        self.adder.typeahead.close()
        self._add(AllergyEntry(substance=text, category=AllergyCategory.OTHER.value))

    def _add(self, entry: AllergyEntry) -> None:
        entries = self.entries()
        if entry.substance not in {known.substance for known in entries}:
            self._rebuild((*entries, entry))
            self._follow()
            self.changed.emit()
        self.rows[-1].reaction.editor.setFocus()

    def _remove(self, place: int) -> None:
        self._rebuild([entry for at, entry in enumerate(self.entries()) if at != place])
        self._follow()
        self.adder.editor.setFocus()
        self.changed.emit()


class ConditionRow(QWidget):
    changed = Signal()
    removed = Signal()
    done = Signal()

    def __init__(self, entry: ConditionEntry, place: int) -> None:
        super().__init__()
        self._entry = entry
        name = f"registration.conditions.{place}"
        self.since = NumberField(digits=4)
        named(self.since.editor, f"{name}.since_year")
        self.since.set_spoken(_("Phát hiện năm: {what}").format(what=entry.title))
        self.since.set_value(entry.since_year or None)
        self.since.set_dense()
        self.since.changed.connect(self.changed)
        self.since.moves_on = False
        self.since.entered.connect(self.done)
        fixed_width(self.since, 8)
        remove = icon_button("trash", f"{name}.remove", _("Bỏ {what}").format(what=entry.title))
        remove.clicked.connect(self.removed)
        title = label(entry.title, wrap=True)
        row = hbox(
            label(entry.icd_code, "strong"),
            title,
            label(_("từ năm"), "muted"),
            self.since,
            remove,
            parent=self,
        )
        row.setStretch(1, 1)

    def entry(self) -> ConditionEntry:
        year = self.since.whole()
        return replace(self._entry, since_year="" if year is None else str(year))


class ConditionGroup(Card):
    """Lasting illnesses by code, with the year they are known since."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(_("Bệnh mạn tính"))
        self.rows: list[ConditionRow] = []
        self.adder = CodedField(
            session,
            conditions(session),
            placeholder=_("Gõ mã hoặc tên bệnh: tăng huyết áp, E11…"),
            clear_on_choice=True,
        )
        named(self.adder.editor, "registration.conditions.add")
        self.adder.set_spoken(_("Thêm bệnh mạn tính"))
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.GAP_XS)
        self.body.addLayout(self._column)
        self.add(self.adder)
        self.adder.chosen.connect(self._chosen)

    def entries(self) -> tuple[ConditionEntry, ...]:
        return tuple(row.entry() for row in self.rows)

    def show_entries(self, entries: Sequence[ConditionEntry]) -> None:
        if tuple(entries) != self.entries():
            self._rebuild(entries)

    def set_problems(self, problems: Sequence[Problem]) -> tuple[Problem, ...]:
        rest: list[Problem] = []
        homes = {f"conditions.{at}.since_year": row.since for at, row in enumerate(self.rows)}
        for year in homes.values():
            year.set_problem(None)
        for problem in problems:
            if problem.field in homes:
                homes[problem.field].set_problem(problem.message)
            else:
                rest.append(problem)
        return tuple(rest)

    def _rebuild(self, entries: Sequence[ConditionEntry]) -> None:
        clear(self._column)
        self.rows = []
        for place, entry in enumerate(entries):
            row = ConditionRow(entry, place)
            row.changed.connect(self.changed)
            row.removed.connect(lambda at=place: self._remove(at))
            row.done.connect(self.adder.editor.setFocus)
            self._column.addWidget(row)
            self.rows.append(row)

    def _chosen(self, suggestion: object) -> None:
        if not (
            isinstance(suggestion, Suggestion) and isinstance(suggestion.payload, ConditionEntry)
        ):
            return
        entries = self.entries()
        if suggestion.payload.icd_code not in {known.icd_code for known in entries}:
            self._rebuild((*entries, suggestion.payload))
            self.changed.emit()
        self.rows[-1].since.editor.setFocus()

    def _remove(self, place: int) -> None:
        self._rebuild([entry for at, entry in enumerate(self.entries()) if at != place])
        self.adder.editor.setFocus()
        self.changed.emit()
