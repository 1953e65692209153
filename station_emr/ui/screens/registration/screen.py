"""The screen that takes a person in: form at the left, people who may be the same at the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Priority
from station_emr.domain.errors import Conflict, InvalidRecord, Problem, StationError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.scan import ForeignScan, LetterScan
from station_emr.services.i18n import _
from station_emr.services.ports import Stored
from station_emr.ui.kit import (
    Banner,
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

from .duplicates import DuplicatePanel, Likeness, find_alike
from .keeper import ASIDE, DraftKeeper, Found
from .page import FormPage, open_questions
from .places import split_address, suggest_communes
from .scans import Filled, Scan, SomebodyElse, fill, name_facility
from .state import Coded, RegistrationState, merge, patient_of, state_of

_PANEL_WIDTH: Final = 332
_REVIEW_MS: Final = 250


class RegistrationScreen(Screen):
    """A new person, or a known one to correct. Everything typed survives leaving and a crash."""

    def __init__(self, session: Session) -> None:
        super().__init__("registration")
        self._session = session
        self._blank = RegistrationState()
        self._base: Patient | None = None
        self._base_state: RegistrationState | None = None
        self._aside: RegistrationState | None = None
        self._saving = False
        self._looked = False
        self._waiting_route: routes.RegistrationRoute | None = None
        self._title = ""
        self.discard = quiet(_("Bỏ nháp"), "registration.discard", "trash")
        self.only_save = secondary(_("Chỉ lư&u"), "registration.save")
        self.queue = primary(_("Lưu và đưa vào hàng chờ"), "registration.queue", Shortcut.SIGN)
        self.header = self.add_header("", "", self.discard, self.only_save, self.queue)
        self.banner = Banner("registration.banner")
        self.page.addWidget(self.banner)
        self.form = FormPage(session, self._today)
        self.panel = DuplicatePanel()
        side = QWidget()
        side.setFixedWidth(_PANEL_WIDTH)
        beside = vbox(
            self.form.visit, self.form.amendment, self.panel, gap=theme.GAP_L, parent=side
        )
        beside.setStretch(2, 1)
        body = hbox(self.form, side, gap=theme.GAP_M)
        body.setStretch(0, 1)
        self.page.addLayout(body, 1)
        self.keeper = DraftKeeper(session, lambda: self.form.state)
        self.keeper.setParent(self)
        self.keeper.kept.connect(self._tell_kept)
        self._review_timer = QTimer(self)
        self._review_timer.setSingleShot(True)
        self._review_timer.setInterval(_REVIEW_MS)
        self._review_timer.timeout.connect(self._look_for_alike)
        self.form.changed.connect(self._form_changed)
        self.panel.opened.connect(self._open_person)
        self.discard.clicked.connect(self._discard)
        self.only_save.clicked.connect(lambda: self._save(queue=False))
        self.queue.clicked.connect(lambda: self._save(queue=not self.form.state.editing))
        self._begin(self._blank)

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
        self._review_timer.stop()
        self.keeper.flush()
        return True

    @override
    def on_scan(self, text: str) -> bool:
        scan = self._session.services.scan(text)
        if isinstance(scan, LetterScan):
            return False
        if isinstance(scan, ForeignScan):
            self._notify(scan.message, Severity.WARNING)
            return True
        self._take_scan(scan)
        return True

    @override
    def save_action(self) -> bool:
        if self.dirty:
            self.keeper.keep()
            self.say(_("Đã lưu nháp. Chưa thành hồ sơ."))
        return True

    # -- the form and its drafts ---------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """Whether there is anything that leaving for good would lose."""
        return not self.form.state.same_content(self._base_state or self._blank)

    def _found(self, found: Found) -> None:
        self._looked = True
        typed = self.form.state if self.dirty else None
        self._blank = replace(self._blank, commune=found.home)
        self._aside = found.aside
        if typed is None:
            self._begin(self._blank)
        left = found.present
        if left is not None and left.same_content(self._blank):
            left = None
        if left is not None and typed is None:
            self._begin(left)
            self._notify(
                _("Đã khôi phục thông tin nhập dở lúc {time}.").format(time=found.present_at),
                action_text=_("Bỏ nháp"),
                action=self._discard,
            )
        elif left is not None:
            self._put_aside(left)
        route, self._waiting_route = self._waiting_route, None
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
        self._base = base.record if base is not None else None
        self._base_state = state_of(base.record, base.version) if base is not None else None
        self.form.show_state(state)
        self.panel.show_people((), None)
        self._title = (
            _("Sửa thông tin: {name}").format(name=state.label)
            if state.editing
            else _("Tiếp đón người bệnh")
        )
        self._detail(_("Quét thẻ căn cước, rồi quét thẻ BHYT; chỗ nào thiếu thì gõ thêm."))
        self.queue.set_label(_("Lưu thay đổi") if state.editing else _("Lưu và đưa vào hàng chờ"))
        self.only_save.setVisible(not state.editing)
        self._review()

    def _take_route(self, route: routes.RegistrationRoute | None) -> None:
        if route is None or route == routes.RegistrationRoute():
            if self.form.state.editing:
                self.keeper.flush()
                self._begin(self._blank)
            self._remind_aside()
            self.form.focus_first()
        elif route.patient_id:
            if self.form.state.patient_id != route.patient_id or not self.dirty:
                self._edit(route.patient_id)
        else:
            self._start_new(route)

    def _start_new(self, route: routes.RegistrationRoute) -> None:
        """A scan or a typed name from elsewhere never lands in another person's form."""
        if route.scan is not None and self.dirty and not self.form.state.editing:
            outcome = fill(self.form.state, route.scan, self._today())
            same = bool(self.form.state.national_id or self.form.state.full_name)
            if isinstance(outcome, Filled) and same:
                self._take_scan(route.scan)
                return
        self._set_aside_present()
        self._begin(replace(self._blank, full_name=route.name))
        if route.scan is not None:
            self._take_scan(route.scan)
        elif route.name:
            self.keeper.touch()
        self.form.focus_first()

    def _edit(self, patient_id: str) -> None:
        session = self._session
        self._set_aside_present()

        def read() -> tuple[Stored[Patient], RegistrationState | None]:
            stored = session.services.patients.get(session.actor, patient_id)
            return stored, self.keeper.find_for(patient_id)

        def show(found: tuple[Stored[Patient], RegistrationState | None]) -> None:
            stored, left = found
            fresh = state_of(stored.record, stored.version)
            self._begin(left or fresh, stored)
            if left is not None and not left.same_content(fresh):
                self._notify(
                    _("Đã khôi phục những chỗ đang sửa dở của {name}.").format(name=left.label),
                    action_text=_("Bỏ nháp"),
                    action=self._discard,
                )
            self.form.focus_first()

        session.ask(read, show, owner=self, failed=self._refused, latest="registration.edit")

    def _set_aside_present(self) -> None:
        self.keeper.flush()
        if self.dirty and not self.form.state.editing:
            self._put_aside(self.form.state)
            self._remind_aside()

    def _put_aside(self, state: RegistrationState) -> None:
        self._aside = state
        self.keeper.put_aside(state)

    def _remind_aside(self) -> None:
        if self._aside is not None:
            self._notify(
                _("Phiếu tiếp đón dở của {name} vẫn được giữ.").format(name=self._aside.label),
                action_text=_("Mở phiếu đó"),
                action=self._open_aside,
            )

    def _open_aside(self) -> None:
        waiting, self._aside = self._aside, None
        if waiting is None:
            return
        if self.dirty and not self.form.state.editing:
            self._put_aside(self.form.state)
        else:
            self.keeper.drop_key(ASIDE)
        self._begin(waiting)
        self.keeper.keep()
        self._remind_aside()

    def _discard(self) -> None:
        before, base = self.form.state, self._base_state
        stored = self._base
        self.keeper.drop(before)
        self.banner.dismiss()
        self.form.show_state(base or self._blank)
        self._review()
        self.form.focus_first()

        def undo() -> None:
            if self.form.state.patient_id == before.patient_id and self._base is stored:
                self.form.show_state(before)
                self.keeper.touch()
                self._review()

        self.message.emit(Message(text=_("Đã bỏ nháp."), action_text=_("Hoàn tác"), action=undo))

    def _tell_kept(self, time: str) -> None:
        if self.dirty:
            self._detail(_("Nháp đã tự lưu {time}").format(time=time))

    def _detail(self, text: str) -> None:
        """The line under the title: it stands where nothing has to move for it."""
        self.header.set_title(self._title, text)

    # -- reviewing while typing ----------------------------------------------------------------

    def _form_changed(self) -> None:
        self.keeper.touch()
        self._review()

    def _review(self) -> None:
        """Questions at once, likenesses a moment later."""
        self.form.show_questions(self._questions())
        self.discard.setVisible(self.dirty)
        self._review_timer.start()

    def _questions(self, refused: Sequence[Problem] = ()) -> list[Problem]:
        state = self.form.state
        patient, _unread = patient_of(state, self._base, self._today())
        found = list(self._session.services.patients.check(patient)) if patient else []
        if state.name_uncertain and state.full_name:
            found.append(_uncertain_name())
        certain = self.panel.certain
        if certain is not None and not state.editing:
            found.append(_certain_duplicate(certain))
        keys = {(problem.field, problem.code) for problem in found}
        found += [problem for problem in refused if (problem.field, problem.code) not in keys]
        return [problem for problem in found if problem.severity == "confirm"]

    def _look_for_alike(self) -> None:
        state, session = self.form.state, self._session
        patient, _unread = patient_of(state, self._base, self._today())

        def show(people: tuple[Likeness, ...]) -> None:
            before = self.panel.certain
            self.panel.show_people(people, self._today())
            if self.panel.certain != before:
                self.form.show_questions(self._questions())

        session.ask(
            lambda: find_alike(session.services.patients, session.actor, state, patient),
            show,
            owner=self,
            failed=lambda _error: None,  # half-typed numbers; the form says so beside the field
            latest="registration.alike",
        )

    def _open_person(self, patient_id: str) -> None:
        self.go(routes.PATIENTS, routes.PatientRoute(patient_id))

    # -- scans ---------------------------------------------------------------------------------

    def _take_scan(self, scan: Scan, *, forced: bool = False) -> None:
        outcome = fill(self.form.state, scan, self._today(), forced=forced)
        if isinstance(outcome, SomebodyElse):
            self._notify(
                outcome.message,
                Severity.WARNING,
                action_text=outcome.action,
                action=lambda: self._settle(scan),
            )
            return
        self.form.show_state(replace(outcome.state, confirmed=()))
        self.banner.dismiss()
        self._detail(outcome.said)
        self._form_changed()
        if outcome.state.name_uncertain:
            self.form.identity.full_name.editor.setFocus()
        self._complete(outcome.address)

    def _settle(self, scan: Scan) -> None:
        """The nurse decided what a card of another name means."""
        if hasattr(scan, "national_id"):
            self._set_aside_present()
            self._begin(self._blank)
            self._take_scan(scan)
        else:
            self._take_scan(scan, forced=True)

    def _complete(self, address: str) -> None:
        """What a card says in its own way, in the words of today's lists."""
        catalogs = self._session.services.catalogs
        home = self._blank.commune
        codes = {entry.facility.code for entry in self.form.state.coverages}

        def look_up() -> tuple[str, Coded, dict[str, str]]:
            rows = {code: catalogs.find(CatalogKind.FACILITY, code) for code in codes if code}
            names = {code: row.name for code, row in rows.items() if row is not None}
            line, commune = split_address(address, catalogs.search, catalogs.find, home)
            return line, commune, names

        def placed(found: tuple[str, Coded, dict[str, str]]) -> None:
            line, commune, names = found
            state = self.form.state
            cards = tuple(name_facility(entry, names) for entry in state.coverages)
            state = replace(state, coverages=cards)
            if address:
                marks = ("address_line",) if commune == Coded() else ("address_line", "commune")
                scanned = tuple(dict.fromkeys((*state.scanned, *marks)))
                state = replace(state, address_line=line, commune=commune, scanned=scanned)
            self.form.show_state(state)
            self._form_changed()

        self._session.ask(look_up, placed, owner=self, latest="registration.complete")

    # -- saving --------------------------------------------------------------------------------

    def _save(self, *, queue: bool) -> None:
        if self._saving or not self._session.may(Action.PATIENT_EDIT):
            return
        state = self.form.state
        patient, problems = patient_of(state, self._base, self._today())
        if patient is not None:
            problems += self._session.services.patients.check(patient)
        questions = open_questions(self._questions(), state.confirmed)
        if self.form.refuse_pending():
            return
        if any(problem.severity == "error" for problem in problems) or questions or patient is None:
            self._show_refusal((*problems, *questions))
            return
        self._saving = True
        self._follow_saving()
        session, confirmed = self._session, state.confirmed

        def work() -> Changes:
            patients = session.services.patients
            if state.editing:
                reason = state.amendment_reason.strip()
                return patients.update(session.actor, patient, state.version, confirmed, reason)
            return patients.register(session.actor, patient, confirmed)

        session.command(
            work,
            done=lambda changes: self._saved(state, changes, queue=queue),
            failed=self._refused,
            owner=self,
        )

    def _follow_saving(self) -> None:
        for button in (self.queue, self.only_save, self.discard):
            button.setEnabled(not self._saving)

    def _saved(self, state: RegistrationState, changes: Changes, *, queue: bool) -> None:
        self._saving = False
        self._follow_saving()
        patient_id = state.patient_id or changes.id_of(RecordKind.PATIENT)
        self.keeper.drop(state)
        self.banner.dismiss()
        self._begin(self._blank)
        if queue:
            self._check_in(patient_id, state)
            return
        self.say(_("Đã lưu hồ sơ của {name}.").format(name=state.label), Severity.SUCCESS)
        self._open_person(patient_id)

    def _check_in(self, patient_id: str, state: RegistrationState) -> None:
        session = self._session

        def queued(_changes: Changes) -> None:
            text = _("Đã lưu hồ sơ và đưa {name} vào hàng chờ.").format(name=state.label)
            self.say(text, Severity.SUCCESS)
            self.go(routes.TODAY)

        def failed(error: StationError) -> None:
            text = _("Đã lưu hồ sơ của {name}, nhưng chưa đưa vào hàng chờ được: {why}")
            self.say(text.format(name=state.label, why=error), Severity.WARNING)
            self._open_person(patient_id)

        session.command(
            lambda: session.services.encounters.check_in(
                session.actor, patient_id, state.reason, Priority(state.priority)
            ),
            done=queued,
            failed=failed,
            owner=self,
        )

    def _refused(self, error: StationError) -> None:
        self._saving = False
        self._follow_saving()
        if isinstance(error, InvalidRecord):
            self._show_refusal(error.problems)
        elif isinstance(error, Conflict):
            self._notify(
                _(
                    "Người khác vừa sửa hồ sơ này. Chưa lưu gì; những chỗ bạn gõ vẫn còn đây. "
                    "Bấm để lấy bản mới rồi đặt những chỗ bạn sửa lên trên."
                ),
                Severity.WARNING,
                action_text=_("Ghép với bản mới"),
                action=self._merge_newer,
            )
        else:
            self._notify(str(error), Severity.DANGER)

    def _show_refusal(self, problems: Sequence[Problem]) -> None:
        asked = [problem for problem in problems if problem.severity == "confirm"]
        self.form.show_questions(self._questions(asked))
        homeless = self.form.show_problems(problems)
        errors = [problem for problem in problems if problem.severity != "confirm"]
        if homeless:
            self._notify(" ".join(problem.message for problem in homeless), Severity.DANGER)
            return
        if not errors:
            self.form.focus_question(asked)
        self._notify(
            _("Chưa lưu: còn mục cần xem lại, được đánh dấu bên dưới. Không mất gì đã gõ."),
            Severity.WARNING,
        )

    def _merge_newer(self) -> None:
        session, mine, base = self._session, self.form.state, self._base_state

        def merged(stored: Stored[Patient]) -> None:
            theirs = state_of(stored.record, stored.version)
            state, clashes = merge(mine, base or theirs, theirs)
            self._begin(state, stored)
            self.keeper.touch()
            text = _("Đã lấy bản mới và giữ những chỗ bạn sửa. Hãy xem lại rồi lưu.")
            if clashes:
                text = _(
                    "Đã lấy bản mới. Có {count} chỗ cả hai người cùng sửa: đang giữ phần bạn gõ. "
                    "Hãy xem lại rồi lưu."
                ).format(count=len(clashes))
            self._notify(text, Severity.INFO)

        session.ask(
            lambda: session.services.patients.get(session.actor, mine.patient_id),
            merged,
            owner=self,
            failed=self._refused,
        )

    def _notify(
        self,
        text: str,
        severity: Severity = Severity.INFO,
        *,
        action_text: str = "",
        action: object = None,
    ) -> None:
        act = action if callable(action) else None
        self.banner.show_message(
            Message(text=text, severity=severity, action_text=action_text, action=act)
        )


def _uncertain_name() -> Problem:
    return Problem(
        field="full_name",
        code="name-uncertain",
        message=_(
            "Máy quét có thể đã làm mất dấu của họ tên. Hãy so với thẻ và sửa; "
            "nếu đã đúng, đánh dấu Xác nhận."
        ),
        severity="confirm",
    )


def _certain_duplicate(like: Likeness) -> Problem:
    return Problem(
        field="national_id",
        code="duplicate",
        message=_(
            "Số định danh này đã có: {name}, sinh {birth}. Hãy mở hồ sơ đó ở cột bên phải; "
            "chỉ xác nhận khi chắc chắn là hai người."
        ).format(name=like.row.full_name, birth=like.row.birth.display()),
        severity="confirm",
    )
