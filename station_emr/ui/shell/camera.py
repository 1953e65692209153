"""Walks through the program by itself and keeps a picture of every screen, for the documents.

The walk is a generator: each ``yield`` gives the seconds of quiet to wait for before the next
step, so that what a screen asked for has arrived and been drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea

from station_emr.domain.encounter import Stage
from station_emr.domain.period import Period
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.scan import CitizenCardScan
from station_emr.domain.user import Actor
from station_emr.services.station_services import StationServices
from station_emr.services.views import QueueRow
from station_emr.ui.kit import apply_theme
from station_emr.ui.kit.theme import ThemeName
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.shell.desk import Desk
from station_emr.ui.shell.window import MainWindow
from station_emr.ui.tasks import TaskRunner

_TICK_MS: Final = 40
_QUIET: Final = 0.3
_LONG: Final = 0.6  # a page preview waits for the hand to rest, 0.4 seconds, before it is drawn
_PATIENCE: Final = 60.0
_LETTERS: Final = 50
# A made-up card as the scanner sends it, so that registration shows what a scan fills in.
_CARD: Final = "064192000099|230000099|Rơ Châm H'Mẫu|03051992|Nữ|Làng Mẫu, Xã Mẫu, Gia Lai|01072021"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where the pictures go and who logs in. ``brief`` leaves the office pages out. ``size`` is of the
    window: 900 by 440 is what a panel of 1366 by 768 leaves at a scale of 150 %.
    """

    target: Path
    password: str
    clinician: str
    director: str
    brief: bool = False
    themes: tuple[ThemeName, ...] = ("light", "dark")
    size: tuple[int, int] = (1366, 768)


class Camera(QObject):
    """``done(failures)`` follows the last picture."""

    done = Signal(int)

    def __init__(self, window: MainWindow, desk: Desk, runner: TaskRunner, walk: Walk) -> None:
        super().__init__(window)
        self._window = window
        self._desk = desk
        self._runner = runner
        self._walk = walk
        self._theme: ThemeName = "light"
        self._quiet = 0.0
        self._wanted = 0.0
        self._waited = 0.0
        self.taken: list[Path] = []
        self.failures = 0
        self._steps = self._script()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._walk.target.mkdir(parents=True, exist_ok=True)
        QApplication.setCursorFlashTime(0)  # a caret that blinks makes every picture differ
        self._window.resize(*self._walk.size)
        self._timer.start()

    # -- waiting -------------------------------------------------------------------------------

    def _tick(self) -> None:
        seconds = _TICK_MS / 1000
        self._waited += seconds
        self._quiet = 0.0 if self._runner.busy else self._quiet + seconds
        if self._quiet < self._wanted and self._waited < _PATIENCE:
            return
        self._quiet = self._waited = 0.0
        try:
            self._wanted = next(self._steps)
        except StopIteration:
            self._timer.stop()
            self.done.emit(self.failures)

    def _snap(self, name: str) -> None:
        path = self._walk.target / f"{name}-{self._theme}.png"
        self._window.grab().save(str(path))
        self.taken.append(path)

    def _fail(self, name: str, error: Exception) -> None:
        self.failures += 1
        sys.stderr.write(f"{name}: {type(error).__name__}: {error}\n")

    # -- the walk ------------------------------------------------------------------------------

    def _script(self) -> Iterator[float]:
        app = QApplication.instance()
        for theme in self._walk.themes:
            self._theme = theme
            if isinstance(app, QApplication):
                apply_theme(app, theme)
            self._desk.start()
            yield _QUIET
            if not self._walk.brief:
                self._snap("login")
                yield from self._set_up()
            yield from self._log_in(self._walk.clinician)
            yield from self._clinic()
            if not self._walk.brief:
                yield from self._lock()
                self._desk.log_out()
                yield _QUIET
                yield from self._log_in(self._walk.director)
                yield from self._office()
            self._desk.log_out()
            yield _QUIET

    def _set_up(self) -> Iterator[float]:
        self._desk.setup_wanted.emit()
        yield _QUIET
        self._snap("setup")
        self._desk.show_restore()
        yield _LONG
        self._snap("restore")
        self._desk.start()
        yield _QUIET

    def _log_in(self, username: str) -> Iterator[float]:
        page = self._desk.log_in_page
        if page is None:
            raise LookupError("no log-in page")
        page.choose(username)
        page.password.set_value(self._walk.password)
        page.enter.click()
        yield _QUIET

    def _show(
        self, name: str, key: str, context: object = None, quiet: float = _QUIET
    ) -> Iterator[float]:
        try:
            self._window.go(key, context)
        except Exception as error:  # noqa: BLE001 - the other pictures are still wanted
            self._fail(name, error)
            return
        yield quiet
        self._snap(name)

    def _clinic(self) -> Iterator[float]:
        self._window.activateWindow()
        yield from self._show("today", routes.TODAY)
        services, rows = self._services, self._queue()
        if not self._walk.brief:
            yield from self._search()
            yield from self._register(services)
        patient = self._best_patient(rows)
        if patient:
            yield from self._show("patients", routes.PATIENTS, routes.PatientRoute(patient), _LONG)
            if not self._walk.brief:
                yield from self._elsewhere()
        visit = self._visit(rows)
        if visit:
            yield from self._show(
                "encounter", routes.ENCOUNTER, routes.EncounterRoute(visit), _LONG
            )
            if not self._walk.brief and self._scroll_down():
                yield _QUIET
                self._snap("prescription")
        yield from self._letters(services)
        if not self._walk.brief:
            self._window.go(routes.TODAY)
            yield _QUIET
            yield from self._show("referrals", routes.REFERRALS)
            yield from self._show("medicines", routes.MEDICINES)
            yield from self._bills(services)
            yield from self._notices(services)
            yield from self._books(services)
            yield from self._show("claims", routes.CLAIMS)
            for tab in ("decide", "sent", "papers", "away"):
                yield from self._show(f"claims-{tab}", routes.CLAIMS, routes.ClaimsRoute(tab=tab))
            yield from self._show("foreign-visits", routes.FOREIGN_VISITS)
        yield from self._show("sync", routes.SYNC)
        if not self._walk.brief:
            yield from self._show("conflicts", routes.CONFLICTS, None, _LONG)
            yield from self._show("duplicates", routes.CONFLICTS, routes.PAIRS, _LONG)

    def _notices(self, services: StationServices) -> Iterator[float]:
        """Infectious diseases to tell of, one notice, and the sick leave of a visit."""
        yield from self._show("notices", routes.NOTICES)
        rows = services.notifications.rows(self._actor)
        for row in [row for row in rows if not row.notification_id][:1]:
            route = routes.NoticeRoute(row.encounter_id)
            yield from self._show("notice", routes.NOTICES, route, _LONG)
        given = (
            row.encounter_id
            for row in services.encounters.queue(self._actor)
            if services.certificates.of_encounter(self._actor, row.encounter_id)
        )
        for visit in [*given][:1]:
            leave = routes.CertificateRoute(visit)
            yield from self._show("certificate", routes.CERTIFICATE, leave, _LONG)

    def _bills(self, services: StationServices) -> Iterator[float]:
        """The visits of some days with their bills, one bill, and how it is printed."""
        yield from self._show("billing", routes.BILLING)
        today = services.clock.now().date()
        rows = services.billing.rows(self._actor, today - timedelta(days=7), today)
        closed = [row for row in rows if row.number]
        for row in [row for row in rows if not row.number][:1]:
            yield from self._show("bill", routes.BILLING, routes.BillRoute(row.encounter_id), _LONG)
        for row in closed[:1]:
            paper = routes.PreviewRoute(RecordKind.BILL, row.bill_id)
            yield from self._show("bill-paper", routes.PREVIEW, paper, _LONG)

    def _books(self, services: StationServices) -> Iterator[float]:
        """A closed month with a late correction, and a report of the last one."""
        last = Period.at(services.clock.now()).previous
        yield from self._show("registers", routes.REGISTERS, last.previous, _LONG)
        yield from self._show("reports", routes.REPORTS, last, _LONG)

    def _letters(self, services: StationServices) -> Iterator[float]:
        """The newest letter, one with the hospital's answer, and a signed one as it is printed."""
        letters = services.referrals.rows(self._actor, _LETTERS)
        for letter in letters[:1]:
            yield from self._show(
                "referral", routes.REFERRALS, routes.ReferralRoute(referral_id=letter.id), _LONG
            )
        for letter in [letter for letter in letters if letter.answer is not None][:1]:
            if not self._walk.brief:
                route = routes.ReferralRoute(referral_id=letter.id)
                yield from self._show("answer", routes.REFERRALS, route, _LONG)
        for letter in [letter for letter in letters if letter.status.is_final][:1]:
            if not self._walk.brief:
                paper = routes.PreviewRoute(RecordKind.REFERRAL, letter.id)
                yield from self._show("preview", routes.PREVIEW, paper, _LONG)
                yield from self._versions(services)

    def _versions(self, services: StationServices) -> Iterator[float]:
        """Of the newest amended letter: what changed, and what it said before."""
        letters = services.referrals.rows(self._actor, _LETTERS)
        for letter in [one for one in letters if one.status is RecordStatus.AMENDED][:1]:
            route = routes.VersionsRoute(RecordKind.REFERRAL, letter.id)
            yield from self._show("versions", routes.VERSIONS, route, _LONG)
            earlier = routes.PreviewRoute(RecordKind.REFERRAL, letter.id, version=1)
            yield from self._show("earlier", routes.PREVIEW, earlier, _LONG)
            visit = routes.VersionsRoute(RecordKind.ENCOUNTER, letter.encounter_id)
            yield from self._show("visit-versions", routes.VERSIONS, visit, _LONG)
            signed = routes.EncounterRoute(letter.encounter_id, version=1)
            yield from self._show("earlier-visit", routes.ENCOUNTER, signed, _LONG)

    def _elsewhere(self) -> Iterator[float]:
        """The form for another station's records, then the two lists of what passed between them."""
        screen = self._window.screen_now
        button = screen.findChild(QPushButton, "patients.elsewhere") if screen is not None else None
        if button is not None:
            button.click()
            yield _QUIET
            self._snap("elsewhere")
        yield from self._show("sharing", routes.SHARING, None, _LONG)
        yield from self._show("consents", routes.SHARING, routes.SharingRoute(""), _LONG)
        for privacy in ("consents", "requests", "breaches"):
            person = self._services.patients.search(self._actor, "nguyen")[0]
            route = routes.PrivacyRoute(person.id, privacy)
            yield from self._show(f"privacy-{privacy}", routes.PRIVACY, route, _LONG)

    def _scroll_down(self) -> bool:
        """To the lower half of a long page; False when all of it is in view."""
        screen = self._window.screen_now
        areas = screen.findChildren(QScrollArea) if screen is not None else []
        bars = [area.verticalScrollBar() for area in areas if area.isVisible()]
        longest = max(bars, key=lambda bar: bar.maximum(), default=None)
        if longest is None or longest.maximum() == 0:
            return False
        longest.setValue(longest.maximum())
        return True

    def _office(self) -> Iterator[float]:
        yield from self._show("sign", routes.SIGNING)
        for name in (routes.SETTINGS, routes.USERS, routes.CATALOGS, routes.AUDIT, routes.DOSSIER):
            yield from self._show(name, name)
        for name in (routes.RIGHTS, routes.RIGHTS_REVIEW, routes.EMERGENCY_REVIEW):
            yield from self._show(name, name)
        for name in (
            "backup",
            "retention",
            "server",
            "export",
            "files",
            "gateways",
            "signing",
            "ranges",
            "second_factor",
        ):
            yield from self._show(name, routes.SETTINGS, routes.SettingsRoute(name))

    def _search(self) -> Iterator[float]:
        search = self._window.search
        search.activate()
        search.line.setText("siu")
        search.typeahead.ask_now()
        yield _QUIET
        self._snap("search")
        search.clear()
        search.line.clearFocus()

    def _register(self, services: StationServices) -> Iterator[float]:
        scan = services.scan(_CARD)
        if isinstance(scan, CitizenCardScan):
            route = routes.RegistrationRoute(scan=scan)
            yield from self._show("registration", routes.REGISTRATION, route, _LONG)

    def _lock(self) -> Iterator[float]:
        self._window.lock()
        yield _QUIET
        self._snap("lock")

    # -- what is worth a picture ---------------------------------------------------------------
    # A few reads on the GUI thread: this walk has no person to keep waiting.

    @property
    def _session(self) -> Session:
        if self._desk.session is None:
            raise LookupError("nobody is logged in")
        return self._desk.session

    @property
    def _services(self) -> StationServices:
        return self._session.services

    @property
    def _actor(self) -> Actor:
        return self._session.actor

    def _queue(self) -> tuple[QueueRow, ...]:
        return self._services.encounters.queue(self._actor)

    def _best_patient(self, rows: tuple[QueueRow, ...]) -> str:
        """Somebody with a history: the chronic come monthly."""
        ranked = sorted(rows, key=lambda row: (not row.chronic, not row.allergies, row.full_name))
        return ranked[0].patient_id if ranked else ""

    def _visit(self, rows: tuple[QueueRow, ...]) -> str:
        """The visit in the room, else one that was signed."""
        for stage in (Stage.IN_PROGRESS, Stage.AWAITING_MEDICINE, Stage.FINISHED, Stage.WAITING):
            for row in reversed(rows):
                if row.stage is stage:
                    return row.encounter_id
        return ""
