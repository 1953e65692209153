"""Diagnoses: type a code or words, the chips say which is the main one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogRow, icd_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import Problem
from station_emr.domain.record import Sex
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Chip,
    ChipRow,
    ChipSpec,
    Severity,
    Suggestion,
    TypeaheadField,
    label,
    match_spans,
    named,
    vbox,
)
from station_emr.ui.kit.questions import Questions
from station_emr.ui.kit.tips import plain_tip
from station_emr.ui.models.session import Session


class DiagnosisChip(Chip):
    """One diagnosis. Enter makes it the main one, Delete takes it out."""

    def __init__(self, diagnosis: Diagnosis, name: str, *, locked: bool) -> None:
        main = diagnosis.role is DiagnosisRole.MAIN
        super().__init__(
            diagnosis.label,
            Severity.INFO if main else Severity.NEUTRAL,
            lead=_("Chính") if main else _("Kèm theo"),
            icon="",
            removable=not locked,
            name=name,
        )
        words = diagnosis.label
        if not locked:
            words = _("{words}\nEnter: đặt làm bệnh chính · Delete: bỏ").format(words=words)
        self.setToolTip(plain_tip(words))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
            return
        super().keyPressEvent(event)


class DiagnosisPanel(QWidget):
    """The list of diagnoses and the line to add one."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._sex = Sex.UNKNOWN
        self._locked = False
        self._diagnoses: tuple[Diagnosis, ...] = ()
        caption = label(_("Chẩn đoán (&gõ mã hoặc tên bệnh, có dấu hay không đều được)"), "label")
        self.chips = ChipRow()
        self.entry = TypeaheadField(
            placeholder=_("Ví dụ: I10 hoặc tang huyet ap"),
            icon="magnifying-glass",
            clear_on_choice=True,
        )
        named(self.entry.editor, "encounter.diagnosis")
        self.entry.set_spoken(_("Chẩn đoán"))
        caption.setBuddy(self.entry.editor)
        self.questions = Questions("diagnosis.confirm", _("Vẫn dùng mã này"))
        self.questions.answered.connect(self.changed)
        vbox(caption, self.chips, self.entry, self.questions, gap=6, parent=self)
        self.entry.wanted.connect(self._look_up)
        self.entry.chosen.connect(self._chosen)
        self.entry.editor.installEventFilter(self)

    # -- in and out ----------------------------------------------------------------------------

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return self._diagnoses

    def fill(self, diagnoses: tuple[Diagnosis, ...], sex: Sex, confirmed: tuple[str, ...]) -> None:
        self._sex = sex
        self._diagnoses = diagnoses
        self.questions.set_confirmed(k for k in confirmed if k.startswith("diagnoses"))
        self.questions.show_problems(())
        self.entry.set_value(None)
        self._draw()

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only
        self.entry.setVisible(not read_only)
        self.questions.set_read_only(read_only)
        self._draw()

    def _draw(self) -> None:
        self.chips.set_chips(())
        for index, diagnosis in enumerate(self._diagnoses):
            chip = DiagnosisChip(diagnosis, f"encounter.diagnoses.{index}", locked=self._locked)
            if not self._locked:
                chip.removed.connect(lambda at=index: self._remove(at))
                chip.clicked.connect(lambda at=index: self._make_main(at))
            self.chips.add(chip)
        self.chips.setVisible(bool(self._diagnoses))

    # -- choosing ------------------------------------------------------------------------------

    def _look_up(self, text: str) -> None:
        catalogs = self._session.services.catalogs
        self._session.ask(
            lambda: catalogs.search(CatalogKind.ICD10, text, 8),
            lambda hits: self._answer(hits, text),
            owner=self,
            latest="encounter.icd",
        )

    def _answer(self, hits: Iterable[CatalogHit], text: str) -> None:
        rows = [self._suggestion(hit.row, text) for hit in hits]
        self.entry.set_results(
            rows, text, "" if rows else _("Không có mã nào như vậy. Thử bớt chữ.")
        )

    def _suggestion(self, row: CatalogRow, text: str) -> Suggestion:
        icd = icd_of(row)
        wrong_sex = (icd.female_only and self._sex is Sex.MALE) or (
            icd.male_only and self._sex is Sex.FEMALE
        )
        chip = None
        if wrong_sex:
            chip = ChipSpec(
                _("chỉ cho nữ") if icd.female_only else _("chỉ cho nam"), Severity.DANGER
            )
        elif icd.more_specific_exists:
            chip = ChipSpec(_("có mã chi tiết hơn"), Severity.WARNING, icon="")
        elif icd.not_main or icd.mark == "*":
            chip = ChipSpec(_("không làm bệnh chính"), Severity.WARNING, icon="")
        return Suggestion(
            lead=row.code,
            title=row.name,
            payload=row,
            chip=chip,
            matches=match_spans(row.name, text),
        )

    def _chosen(self, suggestion: object) -> None:
        row = suggestion.payload if isinstance(suggestion, Suggestion) else None
        if not isinstance(row, CatalogRow):
            return
        icd = icd_of(row)
        taken = any(d.role is DiagnosisRole.MAIN for d in self._diagnoses)
        main = not taken and not icd.not_main and icd.mark != "*"
        role = DiagnosisRole.MAIN if main else DiagnosisRole.SECONDARY
        self._set((*self._diagnoses, Diagnosis(icd_code=icd.code, title=icd.title, role=role)))

    def _remove(self, at: int) -> None:
        kept = [d for index, d in enumerate(self._diagnoses) if index != at]
        if kept and not any(d.role is DiagnosisRole.MAIN for d in kept):
            kept[0] = replace(kept[0], role=DiagnosisRole.MAIN)
        self._set(tuple(kept))
        self.entry.editor.setFocus()

    def _make_main(self, at: int) -> None:
        chosen = replace(self._diagnoses[at], role=DiagnosisRole.MAIN)
        rest = [
            replace(d, role=DiagnosisRole.SECONDARY)
            for index, d in enumerate(self._diagnoses)
            if index != at
        ]
        self._set((chosen, *rest))
        self.entry.editor.setFocus()

    def _set(self, diagnoses: tuple[Diagnosis, ...]) -> None:
        # Answers are kept by the place in the list, so a changed place must be asked again.
        for index, before in enumerate(self._diagnoses):
            if index >= len(diagnoses) or diagnoses[index] != before:
                self.questions.forget(f"diagnoses.{index}")
        self._diagnoses = diagnoses
        self.entry.set_problem(None)
        self._draw()
        self.changed.emit()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Backspace in the empty line takes back the last diagnosis chosen."""
        if (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Backspace
            and not self.entry.text()
            and self._diagnoses
        ):
            self._remove(len(self._diagnoses) - 1)
            return True
        return False

    # -- problems ------------------------------------------------------------------------------

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """``main-required`` goes under the line, the rest beneath it with their ticks."""
        found = list(problems)
        missing = next((p for p in found if p.code == "main-required"), None)
        self.entry.set_problem(missing.message if missing else None)
        self.questions.show_problems(p for p in found if p is not missing)

    def focus_field(self) -> None:
        if not self.questions.focus_first():
            self.entry.editor.setFocus()
