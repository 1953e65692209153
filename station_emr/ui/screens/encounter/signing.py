"""The steps that make a version of a visit: signing it, amending it with a reason, voiding it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import StationError
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.version_ports import TypedAmendment
from station_emr.services.visits import VisitPapers
from station_emr.ui.models.amending import AmendmentKeeper
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.reasons import ask_amendment, ask_void
from station_emr.ui.screens.encounter.visit_file import VisitFile, amend, open_papers, void


class VisitSigning(QObject):
    """``signed(changes, amended)`` or ``refused(error)`` answer :meth:`sign`, ``voided`` or
    ``failed(error)`` answer :meth:`void`.
    """

    signed = Signal(object, bool)
    refused = Signal(object)
    voided = Signal()
    failed = Signal(object)

    def __init__(self, session: Session, collect: Callable[[], VisitPapers], page: QWidget) -> None:
        super().__init__(page)
        self._session = session
        self._collect = collect
        self._page = page
        self._file: VisitFile | None = None
        self.busy = False  # a signature is on its way
        self.reason = ""  # of the amendment that is being typed
        self.typed = AmendmentKeeper(session, RecordKind.ENCOUNTER, self._amendment, self)

    def follow(self, file: VisitFile | None) -> None:
        """This visit is on the page, and nobody amends it yet."""
        self._file = file
        self.reason = ""

    def sign(self, papers: VisitPapers) -> None:
        """A first signature, or the amendment that was begun."""
        file = self._file
        if file is None:
            return
        services, actor, reason = self._session.services, self._session.actor, self.reason
        self.busy = True
        self._session.command(
            (lambda: amend(services, actor, file, papers, reason))
            if reason
            else (
                lambda: services.visits.sign(
                    actor, open_papers(file, papers), papers.encounter.confirmed
                )
            ),
            done=self._signed,
            failed=self._not_signed,
            owner=self,
        )

    def _signed(self, changes: Changes) -> None:
        self.busy = False
        amended = bool(self.reason)
        self.reason = ""
        if amended:
            self.forget()
        self.signed.emit(changes, amended)

    def _not_signed(self, error: StationError) -> None:
        self.busy = False
        self.refused.emit(error)

    def begin_amendment(self) -> bool:
        """Ask for the reason, unless one was given before the page was left."""
        file = self._file
        if file is not None:
            self.reason = file.typed.reason if file.typed is not None else ask_amendment(self._page)
        return bool(self.reason)

    def forget(self) -> None:
        """What was typed of an amendment is not wanted any more."""
        if self._file is not None:
            self.typed.drop(self._file.encounter.id)

    def _amendment(self) -> tuple[str, TypedAmendment] | None:
        """As it stands in the form, for keeping."""
        file = self._file
        if file is None or not self.reason or self.busy:
            return None
        papers = self._collect()
        return file.encounter.id, TypedAmendment(
            reason=self.reason,
            version=file.stored.version,
            encounter=papers.encounter,
            prescription=papers.prescription,
            appointment=papers.appointment,
        )

    def void(self) -> None:
        file = self._file
        reason = ask_void(self._page) if file is not None else ""
        if file is None or not reason:
            return
        services, actor = self._session.services, self._session.actor
        self._session.command(
            lambda: void(services, actor, file, reason),
            done=lambda _changes: self.voided.emit(),
            failed=self.failed.emit,
            owner=self,
        )
