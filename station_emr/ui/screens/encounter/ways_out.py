"""From a visit to its papers, letter, bill, notice, certificate and person; F4 comes back to it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from station_emr.domain.claim import ClaimPlace
from station_emr.domain.record import RecordKind
from station_emr.ui.models import routes
from station_emr.ui.models.claim_jump import page_of
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.keeper import DraftKeeper
from station_emr.ui.screens.encounter.visit_file import VisitFile


class WaysOut(QObject):
    """``left(key, context)`` asks for another page; what was typed is kept first."""

    left = Signal(str, object)

    def __init__(
        self,
        session: Session,
        keeper: DraftKeeper,
        visit: Callable[[], VisitFile | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._keeper = keeper
        self._visit = visit
        self.returning = False  # whether whoever comes to the page next comes back to this visit

    def to_paper(self, kind: RecordKind, record_id: str) -> None:
        """To look at a paper that is in the record."""
        self.returning = True
        self.left.emit(routes.PREVIEW, routes.PreviewRoute(kind, record_id))

    def to_history(self) -> None:
        file = self._visit()
        if file is not None:
            route = routes.VersionsRoute(RecordKind.ENCOUNTER, file.encounter.id)
            self.left.emit(routes.VERSIONS, route)

    def to_letter(self) -> None:
        file = self._visit()
        if file is not None:
            self._leave(routes.REFERRALS, routes.ReferralRoute(encounter_id=file.encounter.id))

    def to_bill(self) -> None:
        file = self._visit()
        if file is not None:
            self._leave(routes.BILLING, routes.BillRoute(file.encounter.id))

    def to_notice(self, encounter_id: str, notification_id: str) -> None:
        self._leave(routes.NOTICES, routes.NoticeRoute(encounter_id, notification_id))

    def to_certificate(self) -> None:
        file = self._visit()
        if file is not None:
            self._leave(routes.CERTIFICATE, routes.CertificateRoute(file.encounter.id))

    def to_form(self, form: str) -> None:
        """To look at a form that is printed from the visit itself."""
        file = self._visit()
        if file is not None:
            route = routes.PreviewRoute(RecordKind.ENCOUNTER, file.encounter.id, form=form)
            self._leave(routes.PREVIEW, route)

    def to_person(self) -> None:
        """To the registration of this person."""
        file = self._visit()
        if file is not None:
            self._leave(routes.REGISTRATION, routes.RegistrationRoute(patient_id=file.patient.id))

    def to_mend(self, place: ClaimPlace) -> bool:
        """To where a fault of the claim is mended; False when that is not on another page."""
        elsewhere = page_of(place, self._session.may)
        if elsewhere is None:
            return False
        self._leave(*elsewhere)
        return True

    def _leave(self, key: str, context: object) -> None:
        self._keeper.touch()
        self._keeper.keep()
        self.returning = True
        self.left.emit(key, context)
