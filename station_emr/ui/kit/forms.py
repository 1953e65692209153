"""Forms: labels, fields, the order of the Enter key and the place of each problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import theme
from station_emr.ui.kit.choice_fields import CheckField
from station_emr.ui.kit.field import Field
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import named
from station_emr.ui.kit.severity import Severity

F = TypeVar("F", bound=Field)
Cell = tuple[str, str, Field]


class Form(QWidget):
    """Fields of one record under the name ``record``; a field's object name is ``record.key``.

    ``changed(key)`` follows every change by the person; ``submitted`` follows Enter in the last
    field. Enter goes from field to field in the order they were added.
    """

    changed = Signal(str)
    submitted = Signal()

    def __init__(
        self,
        record: str,
        *,
        labels: Literal["above", "left"] = "above",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._record = record
        self._above = labels == "above"
        self._fields: dict[str, Field] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GAP_M - 2)
        self._rows = self._form()
        self._column.addLayout(self._rows)

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(theme.GAP_M)
        form.setVerticalSpacing(theme.GAP_XS if self._above else theme.GAP_S)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(
            QFormLayout.RowWrapPolicy.WrapAllRows
            if self._above
            else QFormLayout.RowWrapPolicy.DontWrapRows
        )
        return form

    # -- building ------------------------------------------------------------------------------

    def add(self, key: str, text: str, field: F, *, required: bool = False) -> F:
        """One field on its own row. ``&`` in ``text`` marks the Alt letter."""
        if self._above:
            self._rows = self._form()
            self._column.addLayout(self._rows)
        self._add_to(self._rows, key, text, field, required=required)
        return field

    def add_row(
        self,
        *cells: Cell,
        stretch: Sequence[int] = (),
        required: Iterable[str] = (),
        gap: int = theme.GAP_M,
    ) -> None:
        """Several fields side by side, each a ``(key, label, field)`` with its label above."""
        row = QHBoxLayout()
        row.setSpacing(gap)
        must = set(required)
        for index, (key, text, field) in enumerate(cells):
            form = QFormLayout()
            form.setContentsMargins(0, 0, 0, 0)
            form.setVerticalSpacing(theme.GAP_XS)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
            self._add_to(form, key, text, field, required=key in must)
            row.addLayout(form, stretch[index] if index < len(stretch) else 1)
        self._column.addLayout(row)
        self._restart()

    def add_heading(self, text: str) -> None:
        """A title for the fields that follow."""
        self._column.addSpacing(theme.GAP_XS)
        self._column.addWidget(label(text, "heading"))
        self._restart()

    def add_widget(self, widget: QWidget) -> None:
        """Anything else between the rows, such as a banner or a list of chips."""
        self._column.addWidget(widget)
        self._restart()

    def add_stretch(self) -> None:
        self._column.addStretch(1)
        self._restart()

    def _restart(self) -> None:
        if not self._above:
            self._rows = self._form()
            self._column.addLayout(self._rows)

    def _add_to(
        self, form: QFormLayout, key: str, text: str, field: Field, *, required: bool
    ) -> None:
        if key in self._fields:
            raise ValueError(f"field {key!r} is already in form {self._record!r}")
        named(field.editor, f"{self._record}.{key}")
        field.setObjectName(f"{self._record}.{key}.field")
        field.set_spoken(text)
        if isinstance(field, CheckField) and not text:
            form.addRow(field)
        else:
            caption = label(f"{text} *" if required else text, "label")
            caption.setBuddy(field.editor)
            if required:
                caption.setToolTip(_("Mục bắt buộc"))
            form.addRow(caption, field)
        field.moves_on = False
        field.changed.connect(lambda: self.changed.emit(key))
        field.entered.connect(lambda: self._go_on(key))
        self._fields[key] = field

    # -- values --------------------------------------------------------------------------------

    def field(self, key: str) -> Field:
        return self._fields[key]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def values(self) -> dict[str, object]:
        return {key: field.value() for key, field in self._fields.items()}

    def set_values(self, values: Mapping[str, object], *, filled_by_program: bool = False) -> None:
        """Set the fields named; others stay. ``changed`` is silent.

        ``filled_by_program`` marks each of them, as after a scan.
        """
        for key, value in values.items():
            field = self._fields[key]
            with field.quietly():
                field.set_value(value)
            if filled_by_program:
                field.set_filled_by_program(True)

    def clear(self) -> None:
        self.clear_problems()
        for field in self._fields.values():
            with field.quietly():
                field.set_value(None)
                field.set_filled_by_program(False)

    def set_read_only(self, read_only: bool) -> None:
        for field in self._fields.values():
            field.set_read_only(read_only)

    # -- problems ------------------------------------------------------------------------------

    def set_problems(
        self, problems: Iterable[Problem], *, focus: bool = True
    ) -> tuple[Problem, ...]:
        """Show each problem under its field, go to the first, and return those without a field."""
        self.clear_problems()
        homeless, first = [], None
        for problem in problems:
            field = self._home_of(problem.field)
            if field is None:
                homeless.append(problem)
                continue
            if field.problem and field.severity is Severity.DANGER:
                continue
            mild = problem.severity == "confirm"
            field.set_problem(problem.message, Severity.WARNING if mild else Severity.DANGER)
            first = first or field
        if focus and first is not None:
            first.editor.setFocus()
        return tuple(homeless)

    def clear_problems(self) -> None:
        for field in self._fields.values():
            if field.problem:
                field.set_problem(None)

    def _home_of(self, dotted: str) -> Field | None:
        prefix = f"{self._record}."
        key = dotted.removeprefix(prefix)
        return self._fields.get(key) or self._fields.get(dotted)

    # -- moving --------------------------------------------------------------------------------

    def focus_first(self) -> None:
        """Go to the first empty field, else to the first."""
        usable = [field for field in self._fields.values() if _usable(field)]
        empty = [field for field in usable if field.is_empty()]
        if usable:
            (empty or usable)[0].editor.setFocus()

    def go_to(self, key: str) -> bool:
        """Put the person into a field; False where none of that name is shown."""
        field = self._fields.get(key)
        if field is None or field.isHidden():
            return False
        field.editor.setFocus()
        return True

    def _go_on(self, key: str) -> None:
        order = list(self._fields)
        for later in order[order.index(key) + 1 :]:
            field = self._fields[later]
            if _usable(field):
                field.editor.setFocus()
                select = getattr(field.editor, "selectAll", None)
                if select is not None:
                    select()
                return
        self._fields[key].focusNextChild()
        self.submitted.emit()


def _usable(field: Field) -> bool:
    read_only = getattr(field.editor, "isReadOnly", None)
    locked = read_only is not None and read_only()
    return field.isEnabled() and not field.isHidden() and not locked
