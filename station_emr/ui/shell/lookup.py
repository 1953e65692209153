"""Finding a person from anywhere: the search field of the frame, and a scan of any card."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QObject

from station_emr.domain.birth import age_text
from station_emr.domain.errors import StationError
from station_emr.domain.identity import mask_number
from station_emr.domain.permissions import Action
from station_emr.domain.scan import (
    CitizenCardScan,
    ForeignScan,
    InsuranceCardScan,
    LetterScan,
    NumberScan,
)
from station_emr.services.i18n import _
from station_emr.services.views import PatientRow
from station_emr.ui.kit import Message, Severity, Suggestion, match_spans
from station_emr.ui.models import routes
from station_emr.ui.models.gate import OpenDesk
from station_emr.ui.models.session import Session
from station_emr.ui.shell.window import MainWindow

CardScan = CitizenCardScan | InsuranceCardScan | NumberScan
_MOST = 8


def suggestion_of(row: PatientRow, typed: str, today: date) -> Suggestion:
    """One person found: the typed letters marked, card numbers hidden but their last four."""
    where = row.address_line or row.commune_name
    numbers = [
        f"{words} {mask_number(number)[-8:]}"
        for words, number in ((_("CCCD"), row.national_id), (_("BHYT"), row.insurance_number))
        if number
    ]
    facts = [f"{row.sex.label}, {age_text(row.birth, today)}", where, *numbers[:1]]
    seen = row.last_visit_on
    return Suggestion(
        title=row.full_name,
        payload=row.id,
        detail=" · ".join(part for part in facts if part),
        matches=match_spans(row.full_name, typed),
        trailing=_("khám {day:%d/%m/%Y}").format(day=seen) if seen else "",
    )


class Lookup(QObject):
    """Answers the frame's search and scans for one session."""

    def __init__(self, window: MainWindow, session: Session, desk: OpenDesk) -> None:
        super().__init__(session)
        self._window = window
        self._session = session
        self._desk = desk
        window.search_wanted.connect(self.search)
        window.person_chosen.connect(self.open_person)
        window.scan_received.connect(self.scan)

    # -- typed ---------------------------------------------------------------------------------

    def search(self, text: str) -> None:
        session = self._session
        if not session.may(Action.PATIENT_VIEW):
            return
        today = session.services.clock.now().date()

        def show(rows: tuple[PatientRow, ...]) -> None:
            self._window.set_search_results([suggestion_of(row, text, today) for row in rows], text)

        session.ask(
            lambda: session.services.patients.search(session.actor, text, _MOST),
            show,
            owner=self,
            latest="frame.search",
        )

    def open_person(self, payload: object) -> None:
        self._window.go(routes.PATIENTS, routes.PatientRoute(str(payload)))

    # -- scanned -------------------------------------------------------------------------------

    def scan(self, text: str) -> None:
        """A card or a letter from anywhere; what is not understood changes nothing."""
        if not self._session.may(Action.PATIENT_VIEW):
            return
        found = self._session.services.scan(text)
        if isinstance(found, ForeignScan):
            self._say(found.message, Severity.WARNING)
        elif isinstance(found, LetterScan):
            self._read_letter(found.text)
        else:
            self._find(found)

    def _find(self, scan: CardScan) -> None:
        session = self._session
        number = scan.national_id if isinstance(scan, CitizenCardScan) else ""
        if isinstance(scan, InsuranceCardScan):
            number = scan.number
        elif isinstance(scan, NumberScan):
            number = scan.value

        def found(rows: tuple[PatientRow, ...]) -> None:
            if len(rows) == 1:
                self.open_person(rows[0].id)
            elif rows:
                self._window.search.activate()
                self._window.search.line.setText(number)
                self._window.search.typeahead.ask_now()
            else:
                self._register(scan)

        session.ask(
            lambda: session.services.patients.by_number(session.actor, number),
            found,
            owner=self,
            failed=self._failed,
            latest="frame.scan",
        )

    def _register(self, scan: CardScan) -> None:
        if self._session.may(Action.PATIENT_EDIT):
            self._window.go(routes.REGISTRATION, routes.RegistrationRoute(scan=scan))
        else:
            self._say(
                _("Chưa có hồ sơ của thẻ này. Người tiếp đón sẽ đăng ký người bệnh."),
                Severity.INFO,
            )

    def _read_letter(self, text: str) -> None:
        verdict = self._desk.read_letter(text)
        if verdict.trusted:
            self._say(verdict.message, Severity.SUCCESS)
        else:
            self._say(verdict.message, Severity.WARNING if verdict.readable else Severity.DANGER)

    def _failed(self, error: StationError) -> None:
        self._say(str(error), Severity.WARNING)

    def _say(self, text: str, severity: Severity) -> None:
        self._window.show_message(Message(text=text, severity=severity))
