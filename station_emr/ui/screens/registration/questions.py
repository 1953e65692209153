"""Questions beside the fields: unusual but possible, answered with a tick where they stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from station_emr.domain.errors import Problem
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.ui.kit import CheckField, Severity, clear, hbox, label, named, theme
from station_emr.ui.kit.icons import IconLabel


class Questions(QWidget):
    """The open questions of one group. ``answered(key, yes)`` follows a tick."""

    answered = Signal(str, bool)

    def __init__(self, name: str) -> None:
        super().__init__()
        named(self, name)
        self._name = name
        self._shown: tuple[Problem, ...] = ()
        self._ticks: dict[str, CheckField] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GAP_XS)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.hide()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._shown

    def show_questions(self, problems: Sequence[Problem], confirmed: Collection[str]) -> None:
        """Ask these; the same ones stay as they are, so that nothing loses the focus."""
        wanted = tuple(problems)
        if wanted != self._shown:
            self._shown = wanted
            self._ticks.clear()
            clear(self._column)
            for problem in wanted:
                self._add(problem)
            self.setVisible(bool(wanted))
            self.updateGeometry()
        for key, tick in self._ticks.items():
            tick.set_value(key in confirmed)

    def _add(self, problem: Problem) -> None:
        key = confirmation_key(problem)
        tick = CheckField(_("Xác nhận"))
        named(tick.editor, f"{self._name}.{problem.code}")
        tick.set_spoken(_("Xác nhận: {question}").format(question=problem.message))
        tick.changed.connect(lambda: self.answered.emit(key, bool(tick.value())))
        tick.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._ticks[key] = tick
        row = QWidget()
        hbox(
            IconLabel(Severity.WARNING.icon, "warning"),
            label(problem.message, "warning", wrap=True),
            tick,
            parent=row,
        ).setStretch(1, 1)
        self._column.addWidget(row)

    def focus_open(self, confirmed: Collection[str]) -> bool:
        """Go to the first question without an answer."""
        for key, tick in self._ticks.items():
            if key not in confirmed:
                tick.editor.setFocus()
                return True
        return False
