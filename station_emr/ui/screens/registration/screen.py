"""The screen that takes a person in: form at the left, people who may be the same at the right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.scan import ForeignScan, InsuranceCardScan, LetterScan
from station_emr.services.i18n import _
from station_emr.services.patients import StandingChart
from station_emr.services.ports import Stored
from station_emr.ui.kit import (
    Message,
    Screen,
    Severity,
    Shortcut,
    hbox,
    primary,
    quiet,
    secondary,
    theme,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

from .duplicates import DuplicatePanel
from .keeper import KEY, DraftKeeper, Found
from .notices import Notices, edited_words
from .page import FormPage, open_questions
from .places import suggest_communes
from .refusals import Refusals
from .review import Review
from .saving import Saving
from .scans import Completion, Filled, Scan, SomebodyElse, complete, fill, look_up
from .state import RegistrationState, state_of

_SIDE_WIDTH: Final = 334


class RegistrationScreen(Screen):
    """A new person, or a known one to correct. Everything typed survives leaving and a crash."""

    def __init__(self, session: Session) -> None:
        super().__init__("registration")
        self._session = session
        self._blank = RegistrationState()
        self._base: RegistrationState | None = None
        self._asides: list[RegistrationState] = []
        self._looked = False
        self._waiting_route: routes.RegistrationRoute | None = None
        self._title = ""
        self.discard = quiet(_("Bỏ nháp"), "registration.discard", "trash")
        self.only_save = secondary(_("Chỉ lư&u"), "registration.save")
        self.queue = primary(_("Lưu và đưa vào hàng chờ"), "registration.queue", Shortcut.SIGN)
        self.header = self.add_header("", "", self.discard, self.only_save, self.queue)
        self.banner = Notices()
        self.page.addWidget(self.banner)
        self.form = FormPage(session, self._today)
        self.panel = DuplicatePanel()
        self._lay_out()
        self.review = Review(session, self.form, self.panel)
        self.keeper = DraftKeeper(session, lambda: self.form.state)
        self.saving = Saving(session)
        self.refusals = Refusals(session, self.form, self.review, self.banner)
        for part in (self.keeper, self.saving, self.refusals):
            part.setParent(self)
        self._connect()
        self._follow_saving()
        self._begin(self._blank)

    def _lay_out(self) -> None:
        side = QWidget()
        side.setFixedWidth(_SIDE_WIDTH)
        beside = vbox(
            self.form.visit, self.form.amendment, self.panel, gap=theme.GAP_L, parent=side
        )
        beside.setStretch(2, 1)
        body = hbox(self.form, side, gap=theme.GAP_S)
        body.setStretch(0, 1)
        self.page.addLayout(body, 1)

    def _connect(self) -> None:
        self.form.changed.connect(self._changed)
        self.keeper.kept.connect(self._tell_kept)
        self.panel.opened.connect(self._open_person)
        self.discard.clicked.connect(self._discard)
        self.only_save.clicked.connect(lambda: self._save(to_queue=False))
        self.queue.clicked.connect(lambda: self._save(to_queue=not self.form.state.editing))
        self.saving.busy_changed.connect(self._follow_saving)
        self.saving.saved.connect(self._saved)
        self.saving.refused.connect(self.refusals.tell)
        self.refusals.merged.connect(self._merged)
        self.saving.queued.connect(self._queued)
        self.saving.not_queued.connect(self._not_queued)

    def _today(self) -> date:
        return self._session.services.clock.now().date()

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        route = context if isinstance(context, routes.RegistrationRoute) else None
        if self._looked:
            self._take_route(route)
            return
        self._waiting_route = route or self._waiting_route
        self._session.ask(self.keeper.find, self._found, owner=self, latest="registration.found")

    @override
    def on_leave(self) -> bool:
        self.review.stop()
        self.keeper.flush()
        return True

    @override
    def on_scan(self, text: str) -> bool:
        scan = self._session.services.scan(text)
        if isinstance(scan, LetterScan):
            return False
        if isinstance(scan, ForeignScan):
            self.banner.tell(scan.message, Severity.WARNING)
        else:
            self._take_scan(scan)
        return True

    @override
    def save_action(self) -> bool:
        if self.dirty:
            self.keeper.keep()
            self.say(_("Đã lưu nháp. Chưa thành hồ sơ."))
        return True

    # -- which form is open --------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """Whether there is anything that throwing the form away would lose."""
        return not self.form.state.same_content(self._base or self._blank)

    def _found(self, found: Found) -> None:
        """What an earlier session left; what was typed since then keeps its place."""
        self._looked = True
        typed = self.dirty
        self._blank = replace(self._blank, commune=found.home)
        self._asides = [*found.asides]
        left = found.present
        if left is not None and left.same_content(self._blank):
            left = None
        if typed and left is not None:
            self._asides.append(left)
        elif not typed:
            self._begin(left or self._blank)
        route, self._waiting_route = self._waiting_route, None
        if left is not None and not typed and not (route and route.names_somebody):
            self._offer_discard(
                _("Đã khôi phục thông tin nhập dở lúc {time}.").format(time=found.present_at)
            )
            self.form.focus_first()
        else:
            self._take_route(route)
        # The first search of 14,000 names builds an index; better now than under a typing hand.
        catalogs = self._session.services.catalogs
        self._session.ask(
            lambda: suggest_communes("a", catalogs.search, catalogs.find),
            lambda _rows: None,
            owner=self,
        )

    def _begin(self, state: RegistrationState, base: Stored[Patient] | None = None) -> None:
        """Show a form from its start."""
        self._base = state_of(base.record, base.version) if base is not None else None
        self.refusals.base = self._base
        self.form.show_state(state)
        editing = state.editing
        self._title = _("Tiếp đón người bệnh")
        if editing:
            self._title = _("Sửa thông tin: {name}").format(name=state.label)
        self._detail(_("Quét thẻ căn cước, rồi quét thẻ BHYT; chỗ nào thiếu thì gõ thêm."))
        self.queue.set_label(_("Lưu thay đổi") if editing else _("Lưu và đưa vào hàng chờ"))
        self.only_save.setVisible(not editing)
        self.discard.setVisible(self.dirty)
        self.review.start(base.record if base is not None else None)

    def _take_route(self, route: routes.RegistrationRoute | None) -> None:
        if route is None or not route.names_somebody:
            if self.form.state.editing:
                self.keeper.flush()
                self._begin(self._blank)
            self._remind_aside()
            self.form.focus_first()
        elif not route.patient_id:
            self._start_new(route)
        elif self.form.state.patient_id != route.patient_id or not self.dirty:
            self._edit(route)
        elif route.field:
            self.form.focus_field(route.field)

    def _start_new(self, route: routes.RegistrationRoute) -> None:
        """A scan or a typed name from elsewhere never lands in another person's form."""
        state = self.form.state
        if route.scan is not None and self.dirty and not state.editing:
            named = bool(state.national_id or state.full_name)
            if named and isinstance(fill(state, route.scan, self._today()), Filled):
                self._take_scan(route.scan)
                return
        self._make_room()
        self._begin(replace(self._blank, full_name=route.name))
        self._remind_aside()
        if route.name:
            self._changed()
        if route.scan is not None:
            self._take_scan(route.scan)
        self.form.focus_first()

    def _edit(self, route: routes.RegistrationRoute) -> None:
        session = self._session
        self._make_room()
        self._begin(self._blank)
        self.banner.dismiss()

        def read() -> tuple[StandingChart, RegistrationState | None]:
            patients, actor = session.services.patients, session.actor
            chart = patients.standing(actor, route.patient_id)
            if route.itself and chart.joined_number:
                chart = replace(chart, stored=patients.get(actor, route.patient_id))
            return chart, self.keeper.find_for(chart.stored.record.id)

        def show(found: tuple[StandingChart, RegistrationState | None]) -> None:
            chart, left = found
            stored = chart.stored
            fresh = state_of(stored.record, stored.version)
            self._begin(left or fresh, stored)
            if left is not None and not left.same_content(fresh):
                self._offer_discard(
                    _("Đã khôi phục những chỗ đang sửa dở của {name}.").format(name=left.label)
                )
            elif chart.joined_number:
                self.banner.tell(edited_words(chart))
            self.form.focus_field(route.field)

        session.ask(read, show, owner=self, failed=self.refusals.tell, latest="registration.edit")

    # -- drafts --------------------------------------------------------------------------------

    def _changed(self) -> None:
        self.keeper.touch()
        self.review.again()
        self.discard.setVisible(self.dirty)

    def _make_room(self) -> None:
        """Another person comes first; what was typed waits under a key of its own."""
        self.keeper.flush()
        if self.dirty and not self.form.state.editing:
            self._asides.append(self.form.state)
            self.keeper.put_asides(self._asides)
            self.keeper.drop_key(KEY)

    def _remind_aside(self) -> None:
        if self._asides:
            self.banner.tell(
                _("Phiếu tiếp đón dở của {name} vẫn được giữ.").format(name=self._asides[-1].label),
                action_text=_("Mở phiếu đó"),
                action=self._open_aside,
            )

    def _open_aside(self) -> None:
        if not self._asides:
            return
        waiting = self._asides.pop()
        if self.dirty and not self.form.state.editing:
            self._asides.insert(0, self.form.state)
        self.keeper.put_asides(self._asides)
        self._begin(waiting)
        self.keeper.keep()
        self._remind_aside()

    def _offer_discard(self, text: str) -> None:
        self.banner.tell(text, action_text=_("Bỏ nháp"), action=self._discard)

    def _discard(self) -> None:
        before = self.form.state
        self.keeper.drop(before)
        self.banner.dismiss()
        self._show_again(self._base or self._blank)
        self.form.focus_first()

        def undo() -> None:
            if self.form.state.patient_id == before.patient_id and not self.dirty:
                self._show_again(before)
                self.keeper.touch()

        self.message.emit(Message(text=_("Đã bỏ nháp."), action_text=_("Hoàn tác"), action=undo))

    def _show_again(self, state: RegistrationState) -> None:
        """The same person's form with another content."""
        self.form.show_state(state)
        self.review.again()
        self.discard.setVisible(self.dirty)

    def _tell_kept(self, time: str) -> None:
        if self.dirty:
            self._detail(_("Nháp đã tự lưu {time}").format(time=time))

    def _detail(self, text: str) -> None:
        """The line under the title: it stands where nothing has to move for it."""
        self.header.set_title(self._title, text)

    def _open_person(self, patient_id: str) -> None:
        self.go(routes.PATIENTS, routes.PatientRoute(patient_id))

    # -- scans ---------------------------------------------------------------------------------

    def _take_scan(self, scan: Scan, *, forced: bool = False) -> None:
        outcome = fill(self.form.state, scan, self._today(), forced=forced)
        if isinstance(outcome, SomebodyElse):
            self.banner.tell(
                outcome.message,
                Severity.WARNING,
                action_text=outcome.action,
                action=lambda: self._settle(scan),
            )
            return
        self.form.show_state(replace(outcome.state, confirmed=()))
        self._changed()
        self._detail(outcome.said)
        if outcome.state.name_uncertain:
            self.form.identity.full_name.editor.setFocus()
        services, state, home = self._session.services, outcome.state, self._blank.commune
        self._session.ask(
            lambda: look_up(services.catalogs, state, outcome.address, home),
            self._complete,
            owner=self,
            latest="registration.complete",
        )

    def _settle(self, scan: Scan) -> None:
        """The nurse decided what a card of another name means."""
        if isinstance(scan, InsuranceCardScan):
            self._take_scan(scan, forced=True)
        else:
            self._start_new(routes.RegistrationRoute(scan=scan))

    def _complete(self, found: Completion) -> None:
        state = complete(self.form.state, found)
        if state != self.form.state:
            self.form.show_state(state)
            self._changed()

    # -- saving --------------------------------------------------------------------------------

    def _follow_saving(self) -> None:
        free = not self.saving.busy and self._session.may(Action.PATIENT_EDIT)
        for button in (self.queue, self.only_save, self.discard):
            button.setEnabled(free)

    def _save(self, *, to_queue: bool) -> None:
        if self.form.refuse_pending():
            return
        state = self.form.state
        patient, problems = self.review.patient()
        errors = [problem for problem in problems if problem.severity == "error"]
        questions = open_questions(self.review.questions(), state.confirmed)
        if patient is None or errors or questions:
            self.refusals.show((*errors, *questions))
        else:
            self.saving.save(state, patient, to_queue=to_queue)

    def _saved(self, patient_id: str, state: RegistrationState, to_queue: bool) -> None:
        self.keeper.drop(state)
        self.banner.dismiss()
        self._begin(self._blank)
        if to_queue:
            self.saving.check_in(patient_id, state)
            return
        self.say(_("Đã lưu hồ sơ của {name}.").format(name=state.label), Severity.SUCCESS)
        self._open_person(patient_id)

    def _queued(self, state: RegistrationState) -> None:
        text = _("Đã lưu hồ sơ và đưa {name} vào hàng chờ.").format(name=state.label)
        self.say(text, Severity.SUCCESS)
        self.go(routes.TODAY)

    def _not_queued(self, patient_id: str, state: RegistrationState, error: StationError) -> None:
        text = _("Đã lưu hồ sơ của {name}, nhưng chưa đưa vào hàng chờ được: {why}")
        self.say(text.format(name=state.label, why=error), Severity.WARNING)
        self._open_person(patient_id)

    def _merged(self, state: RegistrationState, newer: Stored[Patient]) -> None:
        self._begin(state, newer)
        self.keeper.touch()
