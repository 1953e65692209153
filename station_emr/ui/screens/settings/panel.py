"""What the panels of the settings share."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.ui.kit import Card, Form, Message, Severity, label, named
from station_emr.ui.models.session import Session


class Panel(Card):
    """One card of settings. ``said(Message)`` asks the frame for a passing message."""

    said = Signal(object)

    def __init__(self, session: Session, name: str, title: str, told: str = "") -> None:
        super().__init__(title)
        named(self, name)
        self._session = session
        self._services = session.services
        self._actor = session.actor
        if told:
            self.add(label(told, "muted", wrap=True))

    def load(self) -> None:
        """Read what is shown; called each time the panel comes to the front."""

    def focus(self) -> QWidget | None:
        """Where the keyboard goes when the panel opens."""
        return None

    def go_to(self, field: str) -> bool:
        """To a field that somebody came for; False where the panel has none of that name."""
        del field
        return False

    def save(self) -> None:
        """Ctrl+S."""

    def _say(self, text: str, severity: Severity = Severity.SUCCESS) -> None:
        self.said.emit(Message(text=text, severity=severity))

    def _refused(self, error: StationError, form: Form) -> None:
        if isinstance(error, InvalidRecord):
            for left in form.set_problems(error.problems):
                self._say(left.message, Severity.DANGER)
        else:
            self._say(str(error), Severity.DANGER)
