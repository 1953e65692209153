"""Two machines wrote differently: what is open at the left, the two versions at the right."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import Conflict, InvalidRecord, Problem, StationError
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.desk_views import Choice, ConflictRow, ConflictView, Side
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_L,
    GAP_M,
    GAP_S,
    Card,
    ChipSpec,
    EmptyState,
    LineField,
    Message,
    Severity,
    Shortcut,
    hbox,
    label,
    named,
    primary,
    quiet,
    vbox,
)
from station_emr.ui.kit.questions import Questions
from station_emr.ui.models import routes
from station_emr.ui.models.deciding import ConflictDesk
from station_emr.ui.models.session import Session
from station_emr.ui.screens.conflicts.chooser import ChoiceList
from station_emr.ui.screens.conflicts.row_list import RowFace, RowList
from station_emr.ui.screens.conflicts.wording import (
    clocks,
    decided_words,
    ordered,
    progress_words,
    row_detail,
    since_words,
    state_words,
    undone_words,
    who_words,
)


class SideCard(Card):
    """Who wrote one of the two, where and when. ``take_all`` takes every field of this side."""

    def __init__(self, name: str, caption: str, number: str) -> None:
        super().__init__(margin=GAP_S)
        self.body.setSpacing(2)
        self.who = label("", "strong", wrap=True)
        self.when = label("", "muted", wrap=True)
        self.state = label("", "muted", wrap=True)
        self.take_all = quiet(_("Lấy cả {side}").format(side=caption.lower()), name, "checks")
        key = label(number, "key")
        head = hbox(key, label(caption, "label"), None, self.take_all)
        head.setAlignment(key, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(head)
        for line in (self.who, self.when, self.state):
            self.add(line)
        self.body.addStretch(1)

    def show_side(self, side: Side, *, signed: bool, may_take: bool) -> None:
        self.who.setText(who_words(side))
        self.when.setText(clocks(side))
        self.state.setText(state_words(side, signed=signed))
        self.take_all.setVisible(may_take)


class ConflictPage(QWidget):
    """``told(Message)`` asks the frame for a passing message, ``wanted(route, context)`` for a page."""

    told = Signal(object)
    wanted = Signal(str, object)
    counted = Signal(int)
    waiting = Signal(int)  # those that a person must look at

    def __init__(self, session: Session, desk: ConflictDesk) -> None:
        super().__init__()
        self._session, self._desk, self._actor = session, desk, session.actor
        self._view: ConflictView | None = None
        self._wished: tuple[RecordKind, str] | None = None
        self.list: RowList[ConflictRow] = RowList(
            "conflicts.list", _("Hồ sơ hai máy ghi khác nhau"), self._face, _same
        )
        self._empty = EmptyState("hourglass-medium", _("Đang đọc…"))
        self._detail = self._build_detail()
        body = QWidget()
        row = hbox(self.list, self._detail, gap=GAP_L, parent=body)
        row.setStretch(1, 1)
        self._stack = QStackedWidget()
        empty_card = Card()
        empty_card.add(self._empty, 1)
        self._stack.addWidget(empty_card)
        self._stack.addWidget(body)
        vbox(self._stack, parent=self)
        self.setFocusProxy(self.list)
        self.list.picked.connect(self._pick)
        self.list.opened.connect(lambda _row: self.choices.focus_first())
        self.choices.changed.connect(self._chosen)
        self.choices.passed.connect(self._passed)
        self.decide.clicked.connect(self._decide)
        self.chart.clicked.connect(self._open_chart)

    def _build_detail(self) -> QWidget:
        self.name = label("", "title", wrap=True)
        self.what = label("", "muted", wrap=True)
        self.chart = quiet(_("Mở &hồ sơ"), "conflicts.chart", "arrow-square-out")
        words = vbox(self.name, self.what, gap=0)
        head = hbox(words, self.chart, gap=GAP_M)
        head.setStretch(0, 1)
        head.setAlignment(self.chart, Qt.AlignmentFlag.AlignTop)
        self.one = SideCard("conflicts.all.one", _("Bản 1"), "1")
        self.other = SideCard("conflicts.all.other", _("Bản 2"), "2")
        self.one.take_all.clicked.connect(lambda: self._take_all(Choice.ONE))
        self.other.take_all.clicked.connect(lambda: self._take_all(Choice.OTHER))
        sides = hbox(self.one, self.other, gap=GAP_M)
        sides.setStretch(0, 1)
        sides.setStretch(1, 1)
        sides.setContentsMargins(GAP_S, 0, GAP_S, 0)
        self.choices = ChoiceList()
        self.reason = LineField(placeholder=_("Vì sao chọn như vậy, ví dụ: đã hỏi lại người bệnh"))
        named(self.reason.editor, "conflicts.reason")
        self.reason.set_spoken(_("Lý do sửa đổi hồ sơ đã ký"))
        self.reason.moves_on = False
        self.reason.entered.connect(self._decide)
        self.reason.changed.connect(lambda: self.reason.set_problem(None))
        self._reason_row = QWidget()
        caption = label(_("&Lý do sửa đổi hồ sơ đã ký *"), "label")
        caption.setBuddy(self.reason.editor)
        vbox(caption, self.reason, gap=2, parent=self._reason_row)
        self.refusal = label("", "strong", wrap=True)
        self.refusal.hide()
        self.rules = Questions("conflicts.confirm", _("Xác nhận đúng"))
        self.progress = label("", "muted", wrap=True)
        self.decide = primary(_("Xác nhận"), "conflicts.decide", Shortcut.SIGN, "check")
        foot = hbox(self.progress, self.decide, gap=GAP_M)
        foot.setStretch(0, 1)
        card = Card()
        card.body.addLayout(head)
        card.body.addLayout(sides)
        card.add(self.choices, 1)
        card.add(self.refusal)
        card.add(self.rules)
        card.add(self._reason_row)
        card.body.addLayout(foot)
        return card

    def _face(self, row: ConflictRow) -> RowFace:
        return RowFace(
            title=row.patient_name,
            detail=row_detail(row),
            foot=since_words(row, self._session.services.clock.now()),
            mark=ChipSpec(_("An toàn"), Severity.DANGER) if row.safety else None,
        )

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.list.give_room(self.width())

    # -- reading -------------------------------------------------------------------------------

    def go_to(self, kind: RecordKind, record_id: str) -> None:
        """Open this record once the list is here."""
        self._wished = (kind, record_id)

    def read(self) -> None:
        self._session.ask(
            lambda: self._desk.rows(self._actor),
            self._show_rows,
            owner=self,
            failed=self._not_read,
            latest="conflicts.rows",
        )

    def _not_read(self, error: StationError) -> None:
        self._empty.set_text(_("Chưa đọc được danh sách"), str(error))
        self._stack.setCurrentIndex(0)

    def _show_rows(self, rows: tuple[ConflictRow, ...]) -> None:
        self.counted.emit(len(rows))
        self.waiting.emit(len(rows))
        before = self.list.current()
        self.list.set_rows(ordered(rows))
        if not rows:
            self._view = None
            self._empty.set_text(
                _("Không có gì phải quyết định"),
                _(
                    "Khi hai máy ghi khác nhau về cùng một hồ sơ lúc mất mạng, cả hai bản đều được "
                    "giữ và hiện ở đây để bạn chọn."
                ),
            )
        self._stack.setCurrentIndex(1 if rows else 0)
        wished, self._wished = self._wished, None
        if wished and not self.list.choose(lambda row: (row.kind, row.record_id) == wished):
            self._tell(_("Hồ sơ này không còn mục nào để ngỏ."), Severity.INFO)
        now = self.list.current()
        if now is not None and before is not None and _same(now, before):
            self._open(now)  # what was open may have changed

    def _pick(self, row: ConflictRow) -> None:
        if self._view is None or not _same(self._view.row, row):
            self._open(row)

    def _open(self, row: ConflictRow) -> None:
        self._session.ask(
            lambda: self._desk.open(self._actor, row.kind, row.record_id),
            self._show_view,
            owner=self,
            failed=lambda error: self._tell(str(error), Severity.WARNING),
            latest="conflicts.view",
        )

    def _show_view(self, view: ConflictView) -> None:
        same = self._view is not None and _same(self._view.row, view.row)
        if same and self._view == view:
            return  # keep what the person has begun to choose
        held = any(chooser.hasFocus() for chooser in self.choices.choosers)
        self._view = view
        may = self._may_decide(view)
        self.name.setText(view.row.patient_name)
        whole = _("{what}. Cả hai bản đều còn nguyên trong lịch sử.")
        two = view.other != view.one  # else one value is known, to confirm
        self.what.setText(whole.format(what=view.row.title) if two else view.row.title)
        self.chart.setVisible(bool(view.row.patient_id))
        self.one.show_side(view.one, signed=view.signed, may_take=may)
        self.other.show_side(view.other, signed=view.signed, may_take=may)
        self.other.setVisible(two)
        self.choices.show_differences(view.differences, read_only=not may)
        self.choices.stand_between(self.other.take_all, self.reason.editor, self.decide)
        self._reason_row.setVisible(view.signed and may)
        if not same:
            self.reason.set_value("")
        self._forget_rules()
        self.reason.set_problem(None)
        self.decide.setVisible(may)
        if held:
            self.choices.focus_first()
        self._follow()

    def _may_decide(self, view: ConflictView) -> bool:
        return self._session.may(view.right)

    # -- deciding ------------------------------------------------------------------------------

    def _take_all(self, choice: Choice) -> None:
        self.choices.take_all(choice)
        self._passed()

    def _passed(self) -> None:
        """After the last field: the reason where one is needed, else the button."""
        view = self._view
        if view is not None and view.signed and not self._reason_row.isHidden():
            self.reason.editor.setFocus()
        elif self.decide.isEnabled():
            self.decide.setFocus()

    def _chosen(self) -> None:
        """Another choice makes another result: what was said of the last one is void."""
        self._forget_rules()
        self._follow()

    def _forget_rules(self) -> None:
        self.refusal.hide()
        self.rules.set_confirmed(())
        self.rules.show_problems(())

    def _follow(self) -> None:
        view = self._view
        if view is None:
            return
        chosen = self.choices.choices
        self.decide.setEnabled(bool(chosen))
        if not self._may_decide(view):
            self.progress.setText(
                _("Người được sửa hồ sơ đã ký mới quyết định được mục này.")
                if view.signed
                else _("Vai trò của bạn chỉ xem được mục này.")
            )
            return
        self.progress.setText(progress_words(view.differences, chosen))

    def _decide(self) -> None:
        view, chosen = self._view, dict(self.choices.choices)
        if view is None or not chosen or not self._may_decide(view):
            return
        reason = self.reason.value()
        if view.signed and not reason:
            self.reason.set_problem(_("Hồ sơ đã ký: hãy ghi lý do."))
            self.reason.editor.setFocus()
            return
        self.decide.setEnabled(False)
        self._session.command(
            lambda: self._desk.decide(
                self._actor,
                view.row.kind,
                view.row.record_id,
                chosen,
                reason=reason,
                expected_version=view.version,
                confirmed=self.rules.confirmed,
            ),
            done=lambda changes: self._decided(view, chosen, changes),
            failed=self._not_decided,
            owner=self,
        )

    def _decided(self, view: ConflictView, chosen: Mapping[str, Choice], changes: Changes) -> None:
        row = view.row
        papers = any(item.kind is not row.kind for item in changes.items)  # they went with a visit
        self._view = None
        self.told.emit(
            Message(
                text=decided_words(view, chosen),
                severity=Severity.SUCCESS,
                action_text=_("Hoàn tác"),
                action=lambda: self._undo(row, papers_voided=papers),
            )
        )
        self.read()
        self.list.setFocus()

    def _undo(self, row: ConflictRow, *, papers_voided: bool) -> None:
        def undone(_changes: Changes) -> None:
            self.go_to(row.kind, row.record_id)
            self.read()
            self._tell(undone_words(papers_voided=papers_voided), Severity.SUCCESS)

        self._session.command(
            lambda: self._desk.undo(
                self._actor, row.kind, row.record_id, reason=_("Hoàn tác ngay sau khi quyết định")
            ),
            done=undone,
            failed=lambda error: self._tell(str(error), Severity.DANGER),
            owner=self,
        )

    def _not_decided(self, error: StationError) -> None:
        self._follow()
        if isinstance(error, Conflict):
            self._view = None
            text = _("Hồ sơ vừa có bản mới nên chưa ghi quyết định. Hãy xem lại rồi chọn.")
            self._tell(text, Severity.WARNING)
            self.read()
            current = self.list.current()
            if current is not None:
                self._open(current)
            return
        if isinstance(error, InvalidRecord):
            self._show_rules(error.problems)
            return
        self._tell(str(error), Severity.DANGER)

    def _show_rules(self, problems: tuple[Problem, ...]) -> None:
        """What the record's own form would not let pass; a question is answered with a tick."""
        self.rules.show_problems(problems)
        if all(problem.severity == "confirm" for problem in problems):
            text = _("Chưa ghi quyết định: hãy xem lại và xác nhận các mục này.")
        else:
            text = _(
                "Chưa ghi quyết định: kết quả chưa đúng quy định ở mục ghi dưới đây. Hãy chọn "
                "bản kia, hoặc mở hồ sơ để sửa mục đó."
            )
        self.refusal.setText(text)  # here, because a passing message would lie over the answers
        self.refusal.show()
        self.rules.focus_first()

    def _open_chart(self) -> None:
        if self._view is not None:
            route = routes.PatientRoute(self._view.row.patient_id)
            self.wanted.emit(routes.PATIENTS, route)

    def _tell(self, text: str, severity: Severity) -> None:
        self.told.emit(Message(text=text, severity=severity))

    def changed(self, changes: Changes) -> None:
        """Somebody wrote something that may be open here."""
        if self.isVisible() and changes.items:
            self.read()


def _same(one: ConflictRow, other: ConflictRow) -> bool:
    return (one.kind, one.record_id) == (other.kind, other.record_id)
