"""The screen of the day's queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QMenu, QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.services.i18n import _
from station_emr.services.notifications import NoticeClock
from station_emr.services.views import QueueRow
from station_emr.ui.kit import (
    Button,
    ButtonKind,
    EmptyState,
    Message,
    Screen,
    Severity,
    Shortcut,
    hbox,
    primary,
    secondary,
    theme,
)
from station_emr.ui.models import routes
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.today.cards import STAGES, card_of, day_line, in_order
from station_emr.ui.screens.today.column import CardList, QueueColumn

_EACH_MINUTE: Final = 60_000
_LETTERS: Final = 200
_SHOWN: Final = (
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
    RecordKind.NOTIFICATION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What the screen reads at once."""

    rows: tuple[QueueRow, ...]
    unsent: frozenset[str] = frozenset()
    notices: NoticeClock | None = None


class TodayScreen(Screen):
    """Four columns by stage. ``rows`` may be given when they were read with the log-in."""

    def __init__(self, session: Session, rows: tuple[QueueRow, ...] = ()) -> None:
        super().__init__("today")
        self._session = session
        self._queue = Queue(rows=rows, unsent=frozenset(r.encounter_id for r in rows))
        self._wanted = ""
        self.new = secondary(_("Tiếp đón mới"), "today.new", Shortcut.NEW)
        self.next = primary(_("Gọi người tiếp theo"), "today.next", Shortcut.NEXT)
        self.new.clicked.connect(lambda: self.go(routes.REGISTRATION))
        self.next.clicked.connect(self._call_next)
        self.notices = Button(
            _("Báo bệnh truyền nhiễm"), "today.notices", kind=ButtonKind.DANGER, icon="virus"
        )
        self.notices.clicked.connect(lambda: self.go(routes.NOTICES))
        self.notices.hide()
        self.header = self.add_header(_("Hôm nay"), "", self.notices, self.new, self.next)
        self.new.setVisible(session.may(Action.PATIENT_EDIT))
        self.next.setVisible(session.may(Action.VITALS_RECORD))
        self.columns = {stage: QueueColumn(stage) for stage in STAGES}
        board = QWidget()
        row = hbox(*self.columns.values(), gap=theme.GAP_M, parent=board)
        for place in range(len(STAGES)):
            row.setStretch(place, 1)
        self.empty = EmptyState("users-three", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(board)
        self._stack.addWidget(self.empty)
        self.page.addWidget(self._stack, 1)
        for column in self.columns.values():
            column.list.opened.connect(self._open)
            column.list.sideways.connect(self._sideways)
            column.list.menu_wanted.connect(self._menu)
            column.list.remove_wanted.connect(self._leave_queue)
        self._timer = QTimer(self)
        self._timer.setInterval(_EACH_MINUTE)
        self._timer.timeout.connect(self.refresh)
        session.changed.connect(self._changed)
        self._show()

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self.refresh()
        self._timer.start()
        self._focus_cards()

    @override
    def on_leave(self) -> bool:
        self._timer.stop()
        return True

    @override
    def on_lock(self) -> None:
        """The minutes go on counting behind the cover."""

    # -- reading -------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the queue again; what is shown stays until the answer comes."""
        self._session.ask(self._read, self._take, owner=self, latest="today.queue")

    def _read(self) -> Queue:
        services, actor = self._session.services, self._session.actor
        rows = services.encounters.queue(actor)
        referred = {row.encounter_id for row in rows if row.referred_to}
        sent: set[str] = set()
        if referred:
            letters = services.referrals.rows(actor, _LETTERS)
            sent = {letter.encounter_id for letter in letters if letter.sent}
        notices = services.notifications.clock(actor)
        return Queue(rows=rows, unsent=frozenset(referred - sent), notices=notices)

    def _take(self, queue: Queue) -> None:
        self._queue = queue
        self._show()

    def _changed(self, changes: Changes) -> None:
        if changes.touches(*_SHOWN):
            self.refresh()

    # -- showing -------------------------------------------------------------------------------

    def _show(self) -> None:
        now = self._session.services.clock.now()
        rows = self._queue.rows
        self.header.set_title(_("Hôm nay"), day_line(rows, now))
        for stage, column in self.columns.items():
            column.show_cards(
                [card_of(row, now, self._queue.unsent) for row in in_order(rows, stage)]
            )
        self._show_notices()
        waiting = any(row.stage is Stage.WAITING for row in rows)
        self.next.setEnabled(waiting)
        self.next.setToolTip("" if waiting else _("Không còn ai chờ khám."))
        if not rows:
            self._say_empty()
        self._stack.setCurrentIndex(0 if rows else 1)
        if rows and self.isVisible() and (self._wanted or self._focus_is_free()):
            self._focus_cards()

    def _show_notices(self) -> None:
        """Infectious diseases to tell of: how many, how many late, when the next is due."""
        clock = self._queue.notices
        self.notices.setVisible(clock is not None and clock.waiting > 0)
        if clock is None or not clock.waiting:
            return
        if clock.overdue:
            words = _("Báo bệnh truyền nhiễm: {n} ca, {late} quá hạn")
        else:
            words = _("Báo bệnh truyền nhiễm: {n} ca")
        self.notices.set_label(words.format(n=clock.waiting, late=clock.overdue))
        if clock.next_due is not None:
            due = show_moment(clock.next_due)
            self.notices.setToolTip(_("Hạn gần nhất: {when}").format(when=due))

    def _focus_is_free(self) -> bool:
        """Whether taking the keys takes them from nobody: not from search, not from a button."""
        focused = self.window().focusWidget()
        idle = isinstance(focused, CardList) and not focused.cards.cards
        return idle or focused in (None, self, self._stack)

    def _say_empty(self) -> None:
        if self._session.may(Action.PATIENT_EDIT):
            detail = _(
                "Bấm Ctrl+N để tiếp đón người mới, quét thẻ căn cước hoặc thẻ BHYT, "
                "hay bấm Ctrl+K để tìm người đã có hồ sơ."
            )
        else:
            detail = _("Người được tiếp đón sẽ hiện ở đây.")
        self.empty.set_text(_("Hôm nay chưa có ai đến khám"), detail)

    def _focus_cards(self) -> None:
        """Put the keys on the card that was asked for, or on the first that is worth a key."""
        lists = [column.list for column in self.columns.values()]
        for cards in lists:
            row = cards.row_of(self._wanted) if self._wanted else -1
            if row >= 0:
                cards.select(row)
                cards.setFocus()
                self._wanted = ""
                return
        if any(cards.hasFocus() and cards.cards.cards for cards in lists):
            return
        for cards in lists:
            if cards.cards.cards:
                if not cards.currentIndex().isValid():
                    cards.select(0)
                cards.setFocus()
                return

    # -- moving --------------------------------------------------------------------------------

    def _sideways(self, step: int) -> None:
        lists = [column.list for column in self.columns.values()]
        here = next((place for place, cards in enumerate(lists) if cards.hasFocus()), 0)
        row = lists[here].currentIndex().row()
        place = here + step
        while 0 <= place < len(lists):
            if lists[place].cards.cards:
                lists[place].select(row)
                lists[place].setFocus(Qt.FocusReason.OtherFocusReason)
                return
            place += step

    def _open(self, encounter_id: str) -> None:
        self._wanted = encounter_id
        self.go(routes.ENCOUNTER, routes.EncounterRoute(encounter_id))

    # -- commands ------------------------------------------------------------------------------

    def _call_next(self) -> None:
        session = self._session

        def called(changes: Changes) -> None:
            if changes.items:
                self._open(changes.id_of(RecordKind.ENCOUNTER))

        session.command(
            lambda: session.services.encounters.call_next(session.actor),
            done=called,
            failed=self._refused,
            owner=self,
        )

    def _menu(self, encounter_id: str, place: QPoint) -> None:
        menu = self.menu_of(encounter_id)
        if menu is not None:
            menu.popup(place)

    def menu_of(self, encounter_id: str) -> QMenu | None:
        """What can be done with a card at this stage by this person."""
        row = self._row(encounter_id)
        if row is None:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(_("Mở lượt khám\tEnter"), lambda: self._open(encounter_id))
        menu.addAction(
            _("Mở hồ sơ người bệnh"),
            lambda: self.go(routes.PATIENTS, routes.PatientRoute(row.patient_id)),
        )
        if row.stage is Stage.AWAITING_MEDICINE and self._may_give():
            menu.addAction(
                _("Đã cấp thuốc"), lambda: self._move(row, Stage.FINISHED, _("đã nhận thuốc"))
            )
        draft = row.status is RecordStatus.DRAFT
        if row.stage is Stage.IN_PROGRESS and draft and self._session.may(Action.VITALS_RECORD):
            menu.addAction(
                _("Đưa về hàng chờ"), lambda: self._move(row, Stage.WAITING, _("về hàng chờ"))
            )
        if draft and self._session.may(Action.PATIENT_EDIT):
            menu.addSeparator()
            menu.addAction(_("Bỏ khỏi hàng chờ\tDelete"), lambda: self._leave_queue(encounter_id))
        return menu

    def _may_give(self) -> bool:
        return self._session.may(Action.DISPENSE) or self._session.may(Action.VITALS_RECORD)

    def _move(self, row: QueueRow, stage: Stage, words: str) -> None:
        session = self._session
        before = row.stage

        def put(wanted: Stage) -> Changes:
            return session.services.encounters.set_stage(session.actor, row.encounter_id, wanted)

        def undo() -> None:
            session.command(lambda: put(before))

        def moved(_changes: Changes) -> None:
            text = f"{row.full_name}: {words}."
            self._offer_undo(text, undo)

        session.command(lambda: put(stage), done=moved, failed=self._refused, owner=self)

    def _leave_queue(self, encounter_id: str) -> None:
        row = self._row(encounter_id)
        if row is None or not self._session.may(Action.PATIENT_EDIT):
            return
        if row.status is not RecordStatus.DRAFT:
            self.say(_("Lượt khám này đã ký nên không bỏ khỏi hàng được."), Severity.WARNING)
            return
        session, encounters = self._session, self._session.services.encounters
        kept: list[Encounter] = []

        def discard() -> Changes:
            kept.append(encounters.get(session.actor, encounter_id).record)
            return encounters.discard(session.actor, encounter_id)

        def undo() -> None:
            session.command(lambda: encounters.save_draft(session.actor, kept[0]))

        def gone(_changes: Changes) -> None:
            self._offer_undo(_("Đã bỏ {name} khỏi hàng chờ.").format(name=row.full_name), undo)

        session.command(discard, done=gone, failed=self._refused, owner=self)

    def _offer_undo(self, text: str, undo: Callable[[], None]) -> None:
        self.message.emit(
            Message(text=text, severity=Severity.SUCCESS, action_text=_("Hoàn tác"), action=undo)
        )

    def _refused(self, error: StationError) -> None:
        self.say(str(error), Severity.WARNING)
        self.refresh()

    def _row(self, encounter_id: str) -> QueueRow | None:
        return next((row for row in self._queue.rows if row.encounter_id == encounter_id), None)
