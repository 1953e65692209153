"""Writes the form as a record, once however often the key is pressed."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from station_emr.domain.encounter import Priority
from station_emr.domain.errors import StationError
from station_emr.domain.patient import Patient
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.patients import Patients
from station_emr.ui.models.session import Session

from .state import RegistrationState


class Saving(QObject):
    """``saved(patient_id, state, to_queue)`` or ``refused(error)``; then ``queued(state)`` or
    ``not_queued(patient_id, state, error)``.
    """

    busy_changed = Signal(bool)
    saved = Signal(str, object, bool)
    refused = Signal(object)
    queued = Signal(object)
    not_queued = Signal(str, object, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.busy = False

    def save(self, state: RegistrationState, patient: Patient, *, to_queue: bool) -> None:
        """A second press while the first is on its way would make the person twice."""
        if self.busy:
            return
        self._set_busy(busy=True)
        session = self._session

        def done(changes: Changes) -> None:
            self._set_busy(busy=False)
            patient_id = state.patient_id or changes.id_of(RecordKind.PATIENT)
            self.saved.emit(patient_id, state, to_queue)

        def failed(error: StationError) -> None:
            self._set_busy(busy=False)
            self.refused.emit(error)

        session.command(
            lambda: _write(session, session.services.patients, state, patient),
            done=done,
            failed=failed,
            owner=self,
        )

    def check_in(self, patient_id: str, state: RegistrationState) -> None:
        session = self._session
        session.command(
            lambda: session.services.encounters.check_in(
                session.actor, patient_id, state.reason, Priority(state.priority)
            ),
            done=lambda _changes: self.queued.emit(state),
            failed=lambda error: self.not_queued.emit(patient_id, state, error),
            owner=self,
        )

    def _set_busy(self, *, busy: bool) -> None:
        self.busy = busy
        self.busy_changed.emit(busy)


def _write(
    session: Session, patients: Patients, state: RegistrationState, patient: Patient
) -> Changes:
    """Runs off the GUI thread."""
    if state.editing:
        reason = state.amendment_reason.strip()
        return patients.update(session.actor, patient, state.version, state.confirmed, reason)
    return patients.register(session.actor, patient, state.confirmed)
