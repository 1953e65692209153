"""The prescription as a table typed into: a drug, its cells, then the next drug."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogRow, DrugControl, drug_of
from station_emr.domain.errors import Problem
from station_emr.domain.prescription import Prescription, PrescriptionLine, line_from_drug
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Button,
    ButtonKind,
    ChipSpec,
    Severity,
    Suggestion,
    TypeaheadField,
    clear,
    hbox,
    label,
    match_spans,
    named,
    quiet,
    rule,
    vbox,
)
from station_emr.ui.kit.questions import Questions
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.drug_row import HEADINGS, DrugRow, set_columns

_USUAL_DAYS = 5
_LINES = "prescription.lines"
_GUARDIAN = "prescription.guardian"
_ELSEWHERE = (_LINES, "prescription.weight", "prescription.diagnoses")


class PrescriptionPanel(QWidget):
    """``changed`` follows typing; ``settled`` asks for a judgement at once (a drug came or went);
    ``person_wanted`` asks to complete what the paper needs of the person.
    """

    changed = Signal()
    settled = Signal()
    person_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._locked = False
        self._may_correct = False
        self._earlier_id = ""
        self._days = _USUAL_DAYS
        self.rows: list[DrugRow] = []
        self._made = 0
        self._narrow = False
        caption = label(_("Đơn th&uốc"), "label")
        self.again = Button(
            _("Kê lại đơn lần trước"),
            "prescription.again",
            kind=ButtonKind.QUIET,
            icon="copy",
            dense=True,
            key_text="Alt+Y",
        )
        self.again.clicked.connect(self._copy_earlier)
        head = hbox(caption, None, self.again, gap=GAP_S)
        self._heading = QWidget()
        grid = QGridLayout(self._heading)
        set_columns(grid)
        self._headings = [label(words, "caption") for words in HEADINGS]
        for place, words in enumerate(self._headings):
            grid.addWidget(words, 0, place)
        self._list = vbox(gap=6)
        self.entry = TypeaheadField(
            placeholder=_("Thêm thuốc: gõ tên, ví dụ amlo"), icon="plus", clear_on_choice=True
        )
        named(self.entry.editor, "prescription.drug")
        self.entry.set_spoken(_("Thêm thuốc"))
        caption.setBuddy(self.entry.editor)
        self.empty = label(_("Không kê đơn."), "muted")
        self.notes = Questions("prescription.notes", "")
        self.person = quiet(
            _("Ghi người đưa trẻ đến"), "prescription.guardian", "identification-card"
        )
        self.person.clicked.connect(self.person_wanted)
        self.person.hide()
        notes = hbox(self.notes, self.person, gap=GAP_S)
        notes.setStretch(0, 1)
        vbox(head, notes, self._heading, self._list, self.entry, self.empty, gap=6, parent=self)
        self.entry.wanted.connect(self._look_up)
        self.entry.chosen.connect(self._chosen)
        self._refresh()

    # -- in and out ----------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[PrescriptionLine, ...]:
        return tuple(row.line for row in self.rows)

    def fill(self, prescription: Prescription | None, earlier_id: str) -> None:
        clear(self._list)
        self.rows = []
        self._earlier_id = earlier_id
        self.entry.set_value(None)
        self.entry.set_problem(None)
        self._show_notes(())
        for line in prescription.lines if prescription is not None else ():
            self._add(line)
        self._refresh()

    def set_narrow(self, narrow: bool) -> None:
        """Every drug in two lines: the name, then its cells."""
        if narrow != self._narrow:
            self._narrow = narrow
            self._headings[0].setVisible(not narrow)
            for row in self.rows:
                row.set_narrow(narrow)

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only
        for row in self.rows:
            row.set_read_only(read_only)
        self._refresh()

    def let_correct(self, allowed: bool) -> None:
        """Whether this person may go from here to the patient's registration."""
        self._may_correct = allowed
        self._offer_person()

    def _refresh(self) -> None:
        self._heading.setVisible(bool(self.rows))
        self.entry.setVisible(not self._locked)
        self.empty.setVisible(self._locked and not self.rows)
        self.again.setVisible(not self._locked)
        self.again.setEnabled(bool(self._earlier_id) and not self.rows)

    # -- adding --------------------------------------------------------------------------------

    def _look_up(self, text: str) -> None:
        catalogs = self._session.services.catalogs
        self._session.ask(
            lambda: catalogs.search(CatalogKind.DRUG, text, 8),
            lambda hits: self._answer(hits, text),
            owner=self,
            latest="encounter.drugs",
        )

    def _answer(self, hits: Iterable[CatalogHit], text: str) -> None:
        rows = []
        for hit in hits:
            drug = drug_of(hit.row)
            special = drug.control is not DrugControl.ORDINARY
            rows.append(
                Suggestion(
                    title=drug.label,
                    payload=hit.row,
                    detail=drug.form,
                    chip=ChipSpec(_("kiểm soát đặc biệt"), Severity.WARNING) if special else None,
                    matches=match_spans(drug.label, text),
                )
            )
        self.entry.set_results(rows, text, "" if rows else _("Không có thuốc này trong danh mục"))

    def _chosen(self, suggestion: object) -> None:
        row = suggestion.payload if isinstance(suggestion, Suggestion) else None
        if not isinstance(row, CatalogRow):
            return
        days = self.rows[-1].line.days if self.rows else self._days
        made = self._add(replace(line_from_drug(drug_of(row)), days=days))
        self._refresh()
        made.dose.editor.setFocus()
        made.dose.line.selectAll()
        self._say_settled()

    def _add(self, line: PrescriptionLine) -> DrugRow:
        self._made += 1
        row = DrugRow(line, f"prescription.lines.{len(self.rows)}")
        row.set_read_only(self._locked)
        row.set_narrow(self._narrow)
        row.changed.connect(self.changed)
        row.finished.connect(self.entry.editor.setFocus)
        row.removed.connect(lambda: self._remove(row))
        if self.rows:
            self._list.addWidget(rule())
        self.rows.append(row)
        self._list.addWidget(row)
        before: QWidget = self.again
        for editor in [e for made in self.rows for e in made.editors]:
            QWidget.setTabOrder(before, editor)
            before = editor
        QWidget.setTabOrder(before, self.entry.editor)
        return row

    def _remove(self, row: DrugRow) -> None:
        kept = [made.line for made in self.rows if made is not row]
        clear(self._list)
        self.rows = []
        for line in kept:
            self._add(line)
        self._refresh()
        self.entry.editor.setFocus()
        self._say_settled()

    def repeat_earlier(self) -> None:
        """Write the last visit's prescription again, to be looked at line by line."""
        if self.again.isVisibleTo(self) and self.again.isEnabled():
            self._copy_earlier()

    def _copy_earlier(self) -> None:
        services, actor = self._session.services, self._session.actor
        wanted = self._earlier_id
        self._session.ask(
            lambda: services.prescriptions.get(actor, wanted).record.lines,
            self._copied,
            owner=self,
            latest="encounter.earlier",
        )

    def _copied(self, lines: tuple[PrescriptionLine, ...]) -> None:
        for line in lines:
            self._add(replace(line, instruction="", override_reason=""))
        self._refresh()
        if self.rows:
            self.rows[0].dose.editor.setFocus()
        self._say_settled()

    def _say_settled(self) -> None:
        self.changed.emit()
        self.settled.emit()

    # -- problems ------------------------------------------------------------------------------

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """``prescription.lines.N.key`` goes to its row, an empty list under the line to type in.

        The rest stands above the table; the visit itself shows what it asks for too.
        """
        found = [p for p in problems if p.field.startswith("prescription.")]
        empty = next((p for p in found if p.field == _LINES), None)
        self.entry.set_problem(empty.message if empty else None)
        rows = tuple(f"{_LINES}.{index}." for index in range(len(self.rows)))
        self._show_notes(
            p for p in found if p.field not in _ELSEWHERE and not p.field.startswith(rows)
        )
        for index, row in enumerate(self.rows):
            row.show_problems(
                p for p in found if p.field.startswith(f"prescription.lines.{index}.")
            )

    def _show_notes(self, problems: Iterable[Problem]) -> None:
        self.notes.show_problems(problems)
        self._offer_person()

    def _offer_person(self) -> None:
        asked = any(p.field == _GUARDIAN for p in self.notes.problems)
        self.person.setVisible(asked and self._may_correct)

    def focus_field(self, dotted: str) -> None:
        if dotted == _GUARDIAN and not self.person.isHidden():
            self.person.setFocus()
            return
        parts = dotted.split(".")
        if len(parts) == 4 and parts[2].isdigit() and int(parts[2]) < len(self.rows):
            self.rows[int(parts[2])].focus_field(parts[3])
        else:
            self.entry.editor.setFocus()
