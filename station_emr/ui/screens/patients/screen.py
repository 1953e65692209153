"""The screen of people: find one, see the person whole, begin what is next."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.foreign_visit import ForeignVisit
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.services.desk_views import ConflictRow
from station_emr.services.i18n import _
from station_emr.services.patients import PatientCard
from station_emr.services.views import VisitRow
from station_emr.ui.kit import (
    Banner,
    Card,
    Message,
    Screen,
    Severity,
    Shortcut,
    TrendChart,
    hbox,
    label,
    primary,
    quiet,
    secondary,
    theme,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.card_line import CardLine
from station_emr.ui.models.session import Session

from .elsewhere import ElsewherePage
from .face import Face
from .facts import PAPER_WORDS, Trend, open_words, papers_of, pressure_trend, weight_trend
from .finder import Finder
from .timeline import Timeline

_FACE_WIDTH: Final = 292
_SHOWN: Final = (
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
)


class PatientsScreen(Screen):
    """The list, or one person. Coming back to the screen finds it as it was left."""

    def __init__(self, session: Session) -> None:
        super().__init__("patients")
        self._session = session
        self._patient_id = ""
        self._card: PatientCard | None = None
        self._came_from_list = False
        self._left = False
        self.finder = Finder(session)
        self.page_of_person = self._build_person()
        self.face.versions.clicked.connect(self._to_versions)
        self._stack = QStackedWidget()
        list_page = QWidget()
        list_column = vbox(
            label(_("Người bệnh"), "page-title"), self.finder, gap=theme.GAP_M, parent=list_page
        )
        list_column.setStretch(1, 1)
        self._stack.addWidget(list_page)
        self._stack.addWidget(self.page_of_person)
        self.elsewhere_page = ElsewherePage(session)
        self.elsewhere_page.closed.connect(self._leave_elsewhere)
        self.elsewhere_page.sharing_wanted.connect(
            lambda patient_id: self.go(routes.SHARING, routes.SharingRoute(patient_id))
        )
        self._stack.addWidget(self.elsewhere_page)
        self.page.addWidget(self._stack, 1)
        self.finder.opened.connect(self._open_from_list)
        self.finder.new_wanted.connect(self._register)
        self.finder.refused.connect(lambda text: self.say(text, Severity.WARNING))
        session.changed.connect(self._changed)

    def _build_person(self) -> QWidget:
        session = self._session
        self.back_button = quiet(_("Danh sách"), "patients.back", "caret-left")
        self.edit = secondary(_("&Sửa"), "patients.edit")
        self.print = secondary(_("&In giấy"), "patients.print")
        self.refer = secondary(_("Chuyển &tuyến"), "patients.refer")
        self.queue = secondary(_("Đưa vào &hàng chờ"), "patients.queue")
        self.new = primary(_("Khám mới"), "patients.visit", Shortcut.NEW)
        self.back_button.clicked.connect(self._to_list)
        self.edit.clicked.connect(self._edit)
        self.print.clicked.connect(self._print)
        self.refer.clicked.connect(self._refer)
        self.queue.clicked.connect(lambda: self._check_in(examine=False))
        self.new.clicked.connect(lambda: self._check_in(examine=True))
        may_edit = session.may(Action.PATIENT_EDIT)
        rights = {
            self.edit: may_edit,
            self.queue: may_edit,
            self.new: may_edit and session.may(Action.VITALS_RECORD),
            self.refer: session.may(Action.REFERRAL_PREPARE),
        }
        for button, allowed in rights.items():
            if not allowed:
                button.hide()
        actions = hbox(
            self.back_button, None, self.edit, self.print, self.refer, self.queue, self.new
        )
        self.face = Face(CardLine(session, "patients.card"))
        self.face.setFixedWidth(_FACE_WIDTH)
        self.pressure = ChartCard(
            _("Huyết áp (mmHg)"),
            TrendChart("patients.pressure", _("Huyết áp những lần khám gần đây")),
        )
        self.weight = ChartCard(
            _("Cân nặng"), TrendChart("patients.weight", _("Cân nặng những lần khám gần đây"))
        )
        self.timeline = Timeline()
        self.timeline.opened.connect(self._open_visit)
        self.timeline.paper_wanted.connect(self._preview)
        charts = hbox(self.pressure, self.weight, gap=theme.GAP_M)
        charts.setStretch(0, 1)
        charts.setStretch(1, 1)
        self.elsewhere = quiet(_("Xem hồ sơ ở trạm khác"), "patients.elsewhere")
        self.elsewhere.clicked.connect(self._look_elsewhere)
        if not session.may(Action.ENCOUNTER_VIEW):
            self.elsewhere.hide()
        self.who_looked = quiet(_("Ai đã xem hồ sơ"), "patients.who_looked")
        self.who_looked.clicked.connect(self._who_looked)
        if not session.may(Action.AUDIT_VIEW):
            self.who_looked.hide()
        self.privacy = quiet(_("Quyền riêng tư"), "patients.privacy")
        self.privacy.clicked.connect(
            lambda: self.go(routes.PRIVACY, routes.PrivacyRoute(self._patient_id))
        )
        if not session.may(Action.PRIVACY_HANDLE):
            self.privacy.hide()
        looks = (self.privacy, self.who_looked, self.elsewhere)
        visits_head = hbox(label(_("Các lượt khám"), "heading"), None, *looks)
        right = vbox(charts, visits_head, self.timeline)
        right.setStretch(2, 1)
        body = hbox(self.face, right, gap=theme.GAP_L)
        body.setStretch(1, 1)
        page = QWidget()
        self.undecided = Banner("patients.undecided", closable=False)
        column = vbox(actions, self.undecided, body, gap=theme.GAP_M, parent=page)
        column.setStretch(2, 1)
        return page

    def _to_versions(self) -> None:
        if self._card is not None:
            route = routes.VersionsRoute(RecordKind.PATIENT, self._card.patient.id)
            self.go(routes.VERSIONS, route)

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, routes.PatientRoute):
            self._came_from_list = False
            self._open(context.patient_id)
        elif self._patient_id and self._left:
            self._read()  # back from a visit or a paper: the same person
            self.timeline.focus_first()
        else:
            self._to_list()
        self._left = False

    @override
    def on_leave(self) -> bool:
        self._left = True
        self._leave_elsewhere()
        self.face.hide_numbers()
        return True

    @override
    def on_lock(self) -> None:
        self._leave_elsewhere()
        self.face.hide_numbers()

    @override
    def on_back(self) -> bool:
        if self._stack.currentWidget() is self.elsewhere_page:
            self._leave_elsewhere()
            return True
        if self._patient_id and self._came_from_list:
            self._to_list()
            return True
        return False

    @override
    def print_action(self) -> bool:
        if not self._patient_id:
            return False
        self._print()
        return True

    # -- moving --------------------------------------------------------------------------------

    def _to_list(self) -> None:
        self._patient_id = ""
        self._card = None
        self._stack.setCurrentIndex(0)
        self.finder.refresh()
        self.finder.line.setFocus()
        self.finder.line.selectAll()

    def _open_from_list(self, patient_id: str) -> None:
        self._came_from_list = True
        self._open(patient_id)

    def _open(self, patient_id: str) -> None:
        self._patient_id = patient_id
        self._read()

    def _register(self, name: str, scan: object) -> None:
        route = routes.RegistrationRoute(name=name)
        if scan is not None:
            route = routes.RegistrationRoute(scan=scan)  # type: ignore[arg-type]
        self.go(routes.REGISTRATION, route)

    def _open_visit(self, encounter_id: str) -> None:
        if self._session.may(Action.ENCOUNTER_VIEW):
            self.go(routes.ENCOUNTER, routes.EncounterRoute(encounter_id))

    def _who_looked(self) -> None:
        if self._card is not None:
            person = self._card.patient
            self.go(routes.AUDIT, routes.AuditRoute(person.id, person.full_name))

    def _look_elsewhere(self) -> None:
        if self._card is not None:
            self.elsewhere_page.open_for(self._card.patient)
            self._stack.setCurrentWidget(self.elsewhere_page)

    def _leave_elsewhere(self) -> None:
        """What another station wrote leaves the screen with the page."""
        self.elsewhere_page.forget()
        if self._stack.currentWidget() is self.elsewhere_page:
            self._stack.setCurrentWidget(self.page_of_person)
            self.elsewhere.setFocus()

    def _preview(self, kind: RecordKind, record_id: str) -> None:
        self.go(routes.PREVIEW, routes.PreviewRoute(kind, record_id))

    # -- reading and showing -------------------------------------------------------------------

    def _read(self) -> None:
        session, patient_id = self._session, self._patient_id

        def gone(error: StationError) -> None:
            self.say(str(error), Severity.WARNING)
            self._to_list()

        def read() -> tuple[PatientCard, tuple[ConflictRow, ...], tuple[ForeignVisit, ...]]:
            services, actor = session.services, session.actor
            card = services.patients.card(actor, patient_id)
            may = session.may(Action.ENCOUNTER_VIEW)
            foreign = services.foreign_visits.of_patient(actor, patient_id) if may else ()
            return card, services.conflicts.of_patient(actor, patient_id), foreign

        session.ask(
            read,
            lambda found: self._show(*found),
            owner=self,
            failed=gone,
            latest="patients.card",
        )

    def _show(
        self,
        card: PatientCard,
        open_rows: tuple[ConflictRow, ...],
        foreign: tuple[ForeignVisit, ...] = (),
    ) -> None:
        if (card.joined_id or card.patient.id) != self._patient_id:
            return
        if card.joined_id:
            self._patient_id = card.patient.id
            words = _("Hồ sơ vừa chọn đã gộp vào hồ sơ {number}. Đang mở hồ sơ {number}.")
            self.say(words.format(number=card.patient.chart_number))
        fresh = self._card is None or self._card.patient.id != card.patient.id
        self._card = card
        now = self._session.services.clock.now()
        self.face.show_card(card, now.date(), open_rows)
        self._show_open(open_rows)
        self.pressure.show_trend(pressure_trend(card.vitals, card.patient, now.date()))
        self.weight.show_trend(weight_trend(card.vitals))
        may_print = self._session.may(Action.PRINT)
        self.timeline.show_visits(
            card.visits, now, printable=may_print, fresh=fresh, foreign=foreign
        )
        self.print.setVisible(may_print and any(papers_of(visit) for visit in card.visits))
        if fresh or self._stack.currentWidget() is not self.elsewhere_page:
            self.elsewhere_page.forget()
            self._stack.setCurrentWidget(self.page_of_person)
        if fresh:
            if card.visits:
                self.timeline.focus_first()
            else:
                self.new.setFocus()

    def _show_open(self, rows: tuple[ConflictRow, ...]) -> None:
        words = open_words(rows)
        if not words:
            self.undecided.hide()
            return
        first = rows[0]
        route = routes.ConflictRoute(first.kind, first.record_id)
        self.undecided.show_message(
            Message(
                text=words,
                severity=Severity.WARNING,
                action_text=_("Xem và chọn"),
                action=lambda: self.go(routes.CONFLICTS, route),
            )
        )

    def _changed(self, changes: Changes) -> None:
        if not changes.touches(*_SHOWN):
            return
        if self._patient_id and self.isVisible():
            self._read()
        elif self.isVisible():
            self.finder.refresh()

    # -- actions -------------------------------------------------------------------------------

    def _edit(self) -> None:
        self.go(routes.REGISTRATION, routes.RegistrationRoute(patient_id=self._patient_id))

    def _check_in(self, *, examine: bool) -> None:
        card, session = self._card, self._session
        if card is None:
            return
        patient = card.patient

        def done(changes: Changes) -> None:
            encounter_id = changes.id_of(RecordKind.ENCOUNTER)
            if examine:
                self.go(routes.ENCOUNTER, routes.EncounterRoute(encounter_id))
                return
            known = any(visit.encounter_id == encounter_id for visit in card.visits)
            words = _("{name} đã có trong hàng chờ.") if known else _("Đã đưa {name} vào hàng chờ.")
            self.say(words.format(name=patient.full_name), Severity.SUCCESS)

        session.command(
            lambda: session.services.encounters.check_in(session.actor, patient.id),
            done=done,
            failed=lambda error: self.say(str(error), Severity.WARNING),
            owner=self,
        )

    def _refer(self) -> None:
        visit = self._visit_of_today()
        if visit is None:
            self.say(
                _("Chuyển tuyến cần một lượt khám hôm nay. Bấm Ctrl+N để khám trước."),
                Severity.WARNING,
            )
        elif visit.referral_id:
            self.go(routes.REFERRALS, routes.ReferralRoute(referral_id=visit.referral_id))
        else:
            self.go(routes.REFERRALS, routes.ReferralRoute(encounter_id=visit.encounter_id))

    def _visit_of_today(self) -> VisitRow | None:
        today = self._session.services.clock.now().date()
        visits = self._card.visits if self._card is not None else ()
        return next(
            (
                visit
                for visit in visits
                if visit.on.date() == today and visit.status is not RecordStatus.VOIDED
            ),
            None,
        )

    def _print(self) -> None:
        """The papers of the visit under the cursor, else of the newest visit that has any."""
        visits = self._card.visits if self._card is not None else ()
        chosen = self.timeline.visit
        papers = papers_of(chosen) if chosen is not None else ()
        if not papers:
            papers = next((papers_of(visit) for visit in visits if papers_of(visit)), ())
        if not papers:
            self.say(_("Người bệnh này chưa có giấy nào để in."))
        elif len(papers) == 1:
            self._preview(*papers[0])
        else:
            self._choose_paper(papers)

    def _choose_paper(self, papers: tuple[tuple[RecordKind, str], ...]) -> None:
        menu = QMenu(self)
        for kind, record_id in papers:
            menu.addAction(PAPER_WORDS[kind], partial(self._preview, kind, record_id))
        menu.setActiveAction(menu.actions()[0])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.print.mapToGlobal(QPoint(0, self.print.height() + theme.GAP_XS)))


class ChartCard(Card):
    """A trend with its newest value written out; hidden while there is nothing to show."""

    def __init__(self, title: str, chart: TrendChart) -> None:
        super().__init__()
        self.chart = chart
        self._spoken = chart.accessibleName()
        self._last = label("", "strong")
        self.body.setSpacing(0)
        self.body.addLayout(hbox(label(title, "label"), None, self._last))
        self.add(chart)

    def show_trend(self, trend: Trend | None) -> None:
        self.setVisible(trend is not None)
        if trend is not None:
            self.chart.set_data(trend.lines, band=trend.band)
            self.chart.setAccessibleName(f"{self._spoken}: {trend.last}")
            self._last.setText(trend.last)
