"""Sentences beside what they are about; a questioned finding is answered there with a tick."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import Problem
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.ui.kit.choice_fields import CheckField
from station_emr.ui.kit.icons import IconLabel
from station_emr.ui.kit.layout import clear, hbox, label, vbox
from station_emr.ui.kit.names import named
from station_emr.ui.kit.severity import Severity
from station_emr.ui.kit.theme import GAP_S


class Questions(QWidget):
    """Problems as lines; ``answered`` follows every tick. Ticks survive a redraw by their key."""

    answered = Signal()

    def __init__(self, name: str, yes: str) -> None:
        super().__init__()
        self._name = name
        self._yes = yes
        self._shown: tuple[Problem, ...] = ()
        self._confirmed: set[str] = set()
        self._locked = False
        self._column = vbox(gap=2, parent=self)
        self.checks: dict[str, CheckField] = {}
        self.hide()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._shown

    @property
    def confirmed(self) -> tuple[str, ...]:
        """Keys of the questions answered with yes, also before they are shown again."""
        return tuple(sorted(self._confirmed))

    def set_confirmed(self, keys: Iterable[str]) -> None:
        self._confirmed = set(keys)

    def forget(self, field: str) -> None:
        """The value of this field was changed, so its answer no longer stands."""
        self._confirmed = {k for k in self._confirmed if not k.startswith(f"{field}:")}

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """Show these; a redraw with the same problems moves nothing."""
        found = tuple(problems)
        if found == self._shown:
            return
        self._shown = found
        clear(self._column)
        self.checks = {}
        for problem in found:
            self._column.addWidget(self._line(problem))
        self.setVisible(bool(found))
        self.updateGeometry()

    def _line(self, problem: Problem) -> QWidget:
        asks = problem.severity == "confirm"
        severity = Severity.WARNING if asks else Severity.DANGER
        line = QWidget()
        mark = IconLabel(severity.icon, severity.value, 14)
        mark.setFixedHeight(18)
        words = label(problem.message, "warning" if asks else "danger", wrap=True)
        row = hbox(gap=GAP_S, parent=line)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(words, 1)
        if asks and not self._locked:
            key = confirmation_key(problem)
            check = CheckField(self._yes)
            named(check.box, f"{self._name}.{key}")
            check.box.setAccessibleName(
                _("{yes}: {message}").format(yes=self._yes, message=problem.message)
            )
            check.set_value(key in self._confirmed)
            check.changed.connect(lambda: self._tick(key, check.value()))
            check.setSizePolicy(check.box.sizePolicy())
            row.addWidget(check, 0, Qt.AlignmentFlag.AlignTop)
            self.checks[key] = check
        return line

    def _tick(self, key: str, on: bool) -> None:
        if on:
            self._confirmed.add(key)
        else:
            self._confirmed.discard(key)
        self.answered.emit()

    def focus_first(self) -> bool:
        """Go to the first unanswered tick."""
        for check in self.checks.values():
            if not check.value():
                check.box.setFocus()
                return True
        return False
