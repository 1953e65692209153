"""One drug of the prescription: cells typed into, the sentence and the warnings beneath."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Final, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget
from typing_extensions import override

from station_emr.domain.errors import Problem
from station_emr.domain.prescription import PrescriptionLine, number_text, quantity_text
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    GAP_XS,
    Chip,
    ChoiceField,
    Field,
    IconLabel,
    LineField,
    ParsedField,
    Severity,
    clear,
    hbox,
    icon_button,
    label,
    named,
    plain,
    vbox,
)
from station_emr.ui.kit.tips import plain_tip
from station_emr.ui.screens.encounter.typed import (
    Times,
    parse_number,
    parse_times,
    parse_whole,
    show_times,
)

T = TypeVar("T")

COLUMNS: Final = (0, 70, 100, 52, 60, 112, 28)  # the first takes the rest
HEADINGS: Final = ("Thuốc", "Mỗi lần", "Lần/ngày", "Số ngày", "Số lượng", "Bữa ăn", "")
MEALS: Final = (
    "sau ăn",
    "trước ăn 30 phút",
    "trong khi ăn",
    "lúc đói",
    "trước khi ngủ",
    "khi sốt từ 38,5 °C",
    "khi đau",
)


class Cell(ParsedField[T]):
    """A low field of the table; its sentence stands beneath the row, only its edge is here."""

    def __init__(self, parse: Callable[[str], T | None], show: Callable[[T], str]) -> None:
        super().__init__(parse, show, refusal=_("Không hiểu giá trị này"))
        self.moves_on = False
        self.line.setProperty("figures", True)
        self.set_dense()

    @override
    def _show_note(self) -> None:
        self._note_row.hide()
        self.line.setToolTip(plain_tip(self.problem or ""))


def set_columns(grid: QGridLayout) -> None:
    """The widths that the heading and every row share."""
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(6)
    grid.setVerticalSpacing(2)
    for place, width in enumerate(COLUMNS):
        grid.setColumnMinimumWidth(place, width)
        grid.setColumnStretch(place, 0 if width else 1)


class DrugRow(QWidget):
    """``changed`` follows typing, ``finished`` Enter in the last cell, ``removed`` the cross."""

    changed = Signal()
    finished = Signal()
    removed = Signal()

    def __init__(self, line: PrescriptionLine, name: str) -> None:
        super().__init__()
        self._line = line
        self.told: tuple[str, ...] = ()  # what stands beneath the row
        unit = line.unit
        self.dose: Cell[Decimal] = Cell(parse_number, lambda v: f"{number_text(v)} {unit}")
        self.times: Cell[Times] = Cell(parse_times, show_times)
        self.days: Cell[int] = Cell(parse_whole, str)
        self.quantity: Cell[Decimal] = Cell(parse_number, number_text)
        self.meal = ChoiceField(_meals(line.meal), placeholder="—")
        self.meal.moves_on = False
        self.meal.combo.setFixedHeight(28)
        self.drop = icon_button("x", f"{name}.remove", _("Bỏ {drug}").format(drug=line.label))
        self.sentence = label("", "muted", wrap=True)
        self.reason = LineField(placeholder=_("Lý do nếu vẫn dùng…"), max_length=300)
        self.reason.set_dense()
        self.reason.moves_on = False
        self.reason.set_value(line.override_reason)
        self._warnings = QWidget()
        self._warned = vbox(gap=GAP_XS, parent=self._warnings)
        self._names(name)
        self._lay_out()
        self._fill()
        self._connect()

    def _names(self, name: str) -> None:
        drug = self._line.label
        spoken: dict[str, tuple[Field, str]] = {
            "dose": (self.dose, _("Mỗi lần")),
            "times": (self.times, _("Lần mỗi ngày")),
            "days": (self.days, _("Số ngày")),
            "quantity": (self.quantity, _("Số lượng")),
            "meal": (self.meal, _("Bữa ăn")),
            "reason": (self.reason, _("Lý do vẫn dùng")),
        }
        for key, (field, words) in spoken.items():
            named(field.editor, f"{name}.{key}")
            field.set_spoken(f"{plain(words)}, {drug}")

    def _lay_out(self) -> None:
        grid = self._grid = QGridLayout(self)
        set_columns(grid)
        form = label(self._line.form, "caption", wrap=True)
        self._drug = QWidget()
        vbox(label(self._line.label, "strong", wrap=True), form, gap=0, parent=self._drug)
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(self._drug, 1, 0)
        cells: tuple[QWidget, ...] = (
            self.dose,
            self.times,
            self.days,
            self.quantity,
            self.meal,
            self.drop,
        )
        for place, widget in enumerate(cells, start=1):
            widget.setFixedWidth(COLUMNS[place])
            grid.addWidget(widget, 1, place, top)
        grid.addWidget(self.sentence, 2, 0, 1, len(COLUMNS))
        grid.addWidget(self._warnings, 3, 0, 1, len(COLUMNS))
        self._reason_row = QWidget()
        self._reason_chip = Chip("", Severity.WARNING)
        line = hbox(self._reason_chip, self.reason, gap=GAP_S, parent=self._reason_row)
        line.setStretch(1, 1)
        grid.addWidget(self._reason_row, 4, 0, 1, len(COLUMNS))
        self._warnings.hide()
        self._reason_row.setVisible(bool(self._line.override_reason))

    def set_narrow(self, narrow: bool) -> None:
        """In a narrow form the drug's name has a line of its own above the cells."""
        if narrow:
            self._grid.addWidget(self._drug, 0, 0, 1, len(COLUMNS))
        else:
            self._grid.addWidget(self._drug, 1, 0)

    def _connect(self) -> None:
        order = self.cells
        for field, after in pairwise(order):
            field.entered.connect(lambda to=after: _go(to))
        self.meal.entered.connect(self._leave)
        self.reason.entered.connect(self.finished)
        for field in (self.dose, self.times, self.days, self.quantity, self.meal):
            field.changed.connect(lambda which=field: self._edited(which))
        self.reason.changed.connect(self._reasoned)
        self.drop.clicked.connect(self.removed)

    def _leave(self) -> None:
        if not self._reason_row.isHidden() and not self.reason.value():
            _go(self.reason)
        else:
            self.finished.emit()

    @property
    def cells(self) -> tuple[Field, ...]:
        """In the order of Enter; the quantity is computed, so Enter passes it by."""
        return self.dose, self.times, self.days, self.meal

    @property
    def editors(self) -> tuple[QWidget, ...]:
        """In the order of Tab."""
        fields = (self.dose, self.times, self.days, self.quantity, self.meal)
        return (*(field.editor for field in fields), self.drop, self.reason.editor)

    # -- values --------------------------------------------------------------------------------

    @property
    def line(self) -> PrescriptionLine:
        return self._line

    def _fill(self) -> None:
        line = self._line
        self.dose.set_value(line.dose if line.dose > 0 else None)
        self.times.set_value(Times(line.times_per_day, line.daytimes))
        self.days.set_value(line.days if line.days > 0 else None)
        self.meal.set_value(line.meal or None)
        self._show_computed()

    def _show_computed(self) -> None:
        if not self.quantity.editor.hasFocus():
            self.quantity.set_value(self._line.computed_quantity)
        fixed = self._line.quantity is not None
        self.quantity.line.setToolTip(
            _("Số lượng do người kê đặt; xóa đi để tính lại") if fixed else _("Tự tính, sửa được")
        )
        self.sentence.setText(
            _("{sentence} · cấp {quantity} {unit}").format(
                sentence=self._line.sentence,
                quantity=quantity_text(self._line),
                unit=self._line.unit,
            )
        )

    def _edited(self, field: Field) -> None:
        line = self._line
        times = self.times.value()
        changed = replace(
            line,
            dose=self.dose.value() or Decimal(0),
            times_per_day=times.count if times else 0,
            daytimes=times.daytimes if times else (),
            days=self.days.value() or 0,
            meal=str(self.meal.value() or ""),
            instruction="",
        )
        if field is self.quantity:
            changed = replace(changed, quantity=self.quantity.value())
        self._line = changed
        self._show_computed()
        self.changed.emit()

    def _reasoned(self) -> None:
        self._line = replace(self._line, override_reason=self.reason.value())
        self.changed.emit()

    def set_read_only(self, read_only: bool) -> None:
        for field in (self.dose, self.times, self.days, self.quantity, self.reason):
            field.set_read_only(read_only)
        self.meal.set_read_only(read_only)
        self.drop.setVisible(not read_only)

    # -- problems ------------------------------------------------------------------------------

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """Edges of the cells at fault, sentences beneath, and the reason box for a warned drug."""
        found = tuple(problems)
        reasons = [p for p in found if p.field.endswith(".override_reason")]
        others = [p for p in found if p not in reasons]
        faults = {p.field.rsplit(".", 1)[-1]: p.message for p in others}
        for key, cell in (
            ("dose", self.dose),
            ("times_per_day", self.times),
            ("days", self.days),
            ("quantity", self.quantity),
        ):
            cell.set_problem(faults.get(key))
        clear(self._warned)
        for problem in others:
            mark = IconLabel("warning", "danger", 14)
            words = label(problem.message, "danger", wrap=True)
            line = hbox(mark, words, gap=GAP_XS)
            line.setStretch(1, 1)
            self._warned.addLayout(line)
        self.told = tuple(problem.message for problem in others)
        self._warnings.setVisible(bool(others))
        self._show_reason(reasons)

    def _show_reason(self, reasons: list[Problem]) -> None:
        if reasons:
            answered = all(p.severity == "info" for p in reasons)
            text = "; ".join(p.message.split(". ", 1)[0] for p in reasons)
            severity = Severity.WARNING if answered else Severity.DANGER
            chip = replace(self._reason_chip.spec, text=text, severity=severity)
            self._reason_chip.set(chip)
            self._reason_chip.setToolTip(plain_tip(text))
            self.reason.set_problem(None)
        shown = bool(reasons) or bool(self.reason.value())
        self._reason_chip.setVisible(bool(reasons))
        self._reason_row.setVisible(shown)

    def focus_field(self, key: str) -> None:
        targets: dict[str, Field] = {
            "drug_code": self.dose,  # the name is no field; the sentence stands beneath
            "dose": self.dose,
            "times_per_day": self.times,
            "days": self.days,
            "quantity": self.quantity,
            "override_reason": self.reason,
        }
        _go(targets.get(key, self.dose))


def _go(field: Field) -> None:
    field.editor.setFocus()
    select = getattr(field.editor, "selectAll", None)
    if select is not None:
        select()


def _meals(own: str) -> list[tuple[object, str]]:
    known = list(MEALS) if not own or own in MEALS else [own, *MEALS]
    return [(meal, meal) for meal in known]
