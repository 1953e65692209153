"""Keeps the form on disk while it is typed, so that a power cut costs no more than a second."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from station_emr.services.views import DraftForm
from station_emr.ui.models.session import Session

from .state import Coded, RegistrationState, read_state, write_state

KEY: Final = "registration"
ASIDE: Final = "registration.aside"
_DEBOUNCE_MS: Final = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an earlier session left, and where new people mostly live."""

    home: Coded
    present: RegistrationState | None = None
    present_at: str = ""
    asides: tuple[RegistrationState, ...] = ()


def key_of(state: RegistrationState) -> str:
    """A known person's changes are kept apart from the new person's form."""
    return f"{KEY}:{state.patient_id}" if state.editing else KEY


class DraftKeeper(QObject):
    """``kept(time)`` follows every write."""

    kept = Signal(str)

    def __init__(self, session: Session, read: Callable[[], RegistrationState]) -> None:
        super().__init__()
        self._session = session
        self._read = read
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.keep)

    def touch(self) -> None:
        """Something was typed. Steady typing is kept too, not only the pause after it."""
        if not self._timer.isActive():
            self._timer.start()

    @property
    def waiting(self) -> bool:
        return self._timer.isActive()

    def flush(self) -> None:
        """Keep at once what was typed since the last write."""
        if self._timer.isActive():
            self.keep()

    def keep(self) -> None:
        self._timer.stop()
        state = self._read()
        self._put(key_of(state), state)

    def put_asides(self, states: Sequence[RegistrationState]) -> None:
        """Forms that wait while another person is taken in, the newest last."""
        if states:
            self._write(ASIDE, json.dumps([write_state(state) for state in states]))
        else:
            self.drop_key(ASIDE)

    def _put(self, key: str, state: RegistrationState) -> None:
        self._write(key, write_state(state))

    def _write(self, key: str, content: str) -> None:
        services, actor = self._session.services, self._session.actor
        self._session.ask(lambda: services.drafts.keep(actor, key, content), self._told, owner=self)

    def _told(self, form: DraftForm) -> None:
        time = f"{form.saved_at:%H:%M:%S}"
        self._session.saved.emit(time)
        self.kept.emit(time)

    def drop(self, state: RegistrationState) -> None:
        """Forget the form: it was saved as a record, or thrown away."""
        self._timer.stop()
        self.drop_key(key_of(state))

    def drop_key(self, key: str) -> None:
        services, actor = self._session.services, self._session.actor
        self._session.ask(lambda: services.drafts.drop(actor, key), lambda _none: None, owner=self)

    def find(self) -> Found:
        """Runs off the GUI thread."""
        services, actor = self._session.services, self._session.actor
        station = services.accounts.station()
        home = Coded(
            code=station.commune_code,
            name=station.commune_name,
            parent_code=station.province_code,
            parent_name=station.province_name,
        )
        present, aside = (services.drafts.find(actor, key) for key in (KEY, ASIDE))
        return Found(
            home=home,
            present=read_state(present.content) if present else None,
            present_at=f"{present.saved_at:%H:%M %d/%m}" if present else "",
            asides=_read_asides(aside.content) if aside else (),
        )

    def find_for(self, patient_id: str) -> RegistrationState | None:
        """What was left of changing this person. Runs off the GUI thread."""
        services, actor = self._session.services, self._session.actor
        form = services.drafts.find(actor, f"{KEY}:{patient_id}")
        return read_state(form.content) if form else None


def _read_asides(content: str) -> tuple[RegistrationState, ...]:
    try:
        found = [read_state(text) for text in json.loads(content)]
    except (ValueError, TypeError):
        return ()
    return tuple(state for state in found if state is not None)
