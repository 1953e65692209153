"""What the visit still lacks before the letter can be signed with it; questions are answered here."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from station_emr.domain.errors import Problem
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Card,
    CheckField,
    IconLabel,
    Severity,
    clear,
    hbox,
    label,
    named,
    secondary,
)


class MissingCard(Card):
    """``visit_wanted`` asks for the visit's own page."""

    visit_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(_("Lượt khám chưa ký được"))
        named(self, "referral.missing", _("Lượt khám chưa ký được"))
        self._ticks: dict[str, CheckField] = {}
        self._rows = QVBoxLayout()
        self.body.addLayout(self._rows)
        self.visit = secondary(_("Mở lượt khám"), "referral.visit", icon="stethoscope")
        self.visit.clicked.connect(self.visit_wanted)
        self.body.addLayout(hbox(self.visit, None))
        self.hide()

    @property
    def confirmed(self) -> frozenset[str]:
        """The questions answered with yes, as ``field:code``."""
        return frozenset(key for key, tick in self._ticks.items() if tick.value())

    @property
    def sentences(self) -> tuple[str, ...]:
        return self._sentences

    def show_problems(self, problems: Sequence[Problem]) -> None:
        yes = self.confirmed
        clear(self._rows)
        self._ticks = {}
        self._sentences = tuple(problem.message for problem in problems)
        for problem in problems:
            asks = problem.severity == "confirm"
            severity = Severity.WARNING if asks else Severity.DANGER
            row = hbox(IconLabel(severity.icon, severity.value), label(problem.message, wrap=True))
            row.setStretch(1, 1)
            if asks:
                key = confirmation_key(problem)
                tick = CheckField(_("Xác nhận"))
                named(tick.box, f"referral.confirm.{key}")
                tick.box.setAccessibleName(_("Xác nhận: {text}").format(text=problem.message))
                tick.set_value(key in yes)
                self._ticks[key] = tick
                row.addWidget(tick)
            self._rows.addLayout(row)
        self.setVisible(bool(problems))

    _sentences: tuple[str, ...] = ()
