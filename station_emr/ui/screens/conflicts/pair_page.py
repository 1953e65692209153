"""One person, two charts: who may be the same, why, and what the chart that stays will say."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import Conflict, StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes
from station_emr.services.desk_views import (
    ChartComparison,
    DuplicateProposal,
    LinkedCharts,
)
from station_emr.services.duplicates import Separated
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_L,
    GAP_M,
    GAP_S,
    Card,
    EmptyState,
    LineField,
    Message,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    label,
    named,
    primary,
    quiet,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.deciding import DuplicateDesk
from station_emr.ui.models.session import Session
from station_emr.ui.screens.conflicts.chooser import ChoiceList
from station_emr.ui.screens.conflicts.pair_charts import ChartsCard, Pair
from station_emr.ui.screens.conflicts.pair_rows import asked_row, face, first_guess, key_of, same
from station_emr.ui.screens.conflicts.row_list import RowList
from station_emr.ui.screens.conflicts.wording import pair_progress_words


class PairPage(QWidget):
    """``told(Message)`` asks the frame for a passing message, ``wanted(route, context)`` for a page."""

    told = Signal(object)
    wanted = Signal(str, object)
    counted = Signal(int)
    waiting = Signal(int)  # those that a person must look at

    def __init__(self, session: Session, desk: DuplicateDesk) -> None:
        super().__init__()
        self._session, self._desk, self._actor = session, desk, session.actor
        self._pair: Pair | None = None
        self._why: tuple[str, ...] = ()
        self._comparison: ChartComparison | None = None
        self._asked = ""
        self._linked: LinkedCharts | None = None
        self._may = session.may(Action.PATIENT_EDIT)
        self.list: RowList[DuplicateProposal] = RowList(
            "pairs.list", _("Những cặp hồ sơ có thể là một người"), face, same
        )
        self._empty = EmptyState("hourglass-medium", _("Đang đọc…"))
        empty_card = Card()
        empty_card.add(self._empty, 1)
        body = QWidget()
        row = hbox(self.list, self._build_detail(), gap=GAP_L, parent=body)
        row.setStretch(1, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(empty_card)
        self._stack.addWidget(body)
        vbox(self._stack, parent=self)
        self.setFocusProxy(self.list)
        self.list.picked.connect(self._pick)
        self.list.opened.connect(lambda _row: self._begin())
        self.choices.changed.connect(self._follow)
        self.choices.passed.connect(self.reason.editor.setFocus)
        self.turn.clicked.connect(self._turn)
        self.merge.clicked.connect(self._merge)
        self.dismiss.clicked.connect(self._dismiss)
        self.apart.clicked.connect(self._separate)

    def _build_detail(self) -> QWidget:
        self.title = label("", "title", wrap=True)
        self.why = label("", "muted", wrap=True)
        self.turn = secondary(_("Đổi hồ sơ &giữ lại"), "pairs.turn", icon="arrows-left-right")
        words = vbox(self.title, self.why, gap=0)
        head = hbox(words, self.turn, gap=GAP_M)
        head.setStretch(0, 1)
        head.setAlignment(self.turn, Qt.AlignmentFlag.AlignTop)
        self.charts = ChartsCard()
        self.open_one = quiet(_("Mở hồ sơ giữ lại"), "pairs.open.one", "arrow-square-out")
        self.open_other = quiet(_("Mở hồ sơ gộp vào"), "pairs.open.other", "arrow-square-out")
        self.open_one.clicked.connect(lambda: self._open_chart(stays=True))
        self.open_other.clicked.connect(lambda: self._open_chart(stays=False))
        self.heading = label("", "heading")
        above = QWidget()
        pages = hbox(self.heading, None, self.open_one, self.open_other)
        vbox(self.charts, pages, parent=above)
        self.choices = ChoiceList(pair=True, above=above)
        self.reason = LineField(placeholder=_("Ví dụ: đã đối chiếu giấy tờ với người bệnh"))
        named(self.reason.editor, "pairs.reason")
        self.reason.set_spoken(_("Lý do gộp hai hồ sơ"))
        self.reason.moves_on = False
        self.reason.entered.connect(self._merge)
        self.reason.changed.connect(lambda: self.reason.set_problem(None))
        caption = label(_("&Lý do gộp *"), "label")
        caption.setBuddy(self.reason.editor)
        self._reason_row = QWidget()
        vbox(caption, self.reason, gap=2, parent=self._reason_row)
        self.progress = label("", "muted", wrap=True)
        self.dismiss = secondary(_("H&ai người khác nhau"), "pairs.dismiss", icon="users")
        self.merge = primary(_("Gộp hồ sơ"), "pairs.merge", Shortcut.SIGN, "git-merge")
        self.apart = secondary(
            _("&Tách lại hai hồ sơ…"), "pairs.apart", icon="arrow-counter-clockwise"
        )
        foot = hbox(self.progress, self.apart, self.dismiss, self.merge, gap=GAP_S)
        foot.setStretch(0, 1)
        card = Card()
        card.body.addLayout(head)
        card.add(self.choices, 1)
        card.add(self._reason_row)
        card.body.addLayout(foot)
        self._show_what_may_be_done()
        return card

    def _show_what_may_be_done(self) -> None:
        joined = self._is_joined()
        for part in (self.turn, self._reason_row, self.dismiss, self.merge):
            part.setVisible(self._may and not joined)
        self.apart.setVisible(self._may and joined)

    def _is_joined(self) -> bool:
        """Whether the pair in front is one that was joined already."""
        return self._linked is not None and self._linked.joined and self._shows(self._linked)

    def _shows(self, linked: LinkedCharts) -> bool:
        return self._pair is not None and self._pair.key == key_of(linked.proposal)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.list.give_room(self.width())

    # -- reading -------------------------------------------------------------------------------

    def go_to(self, link_id: str) -> None:
        """Open the two charts of this link once the list is here, joined or apart again; empty: none."""
        if link_id != self._asked:
            self._pair = None
        self._asked, self._linked = link_id, None

    def read(self) -> None:
        asked = self._asked
        self._session.ask(
            lambda: (
                self._desk.proposals(self._actor),
                self._desk.of_link(self._actor, asked) if asked else None,
            ),
            lambda found: self._show_rows(*found),
            owner=self,
            failed=self._not_read,
            latest="pairs.rows",
        )

    def changed(self, changes: Changes) -> None:
        if self.isVisible() and changes.items:
            self.read()

    def _not_read(self, error: StationError) -> None:
        self._empty.set_text(_("Chưa đọc được danh sách"), str(error))
        self._stack.setCurrentIndex(0)

    def _show_rows(
        self, proposals: tuple[DuplicateProposal, ...], linked: LinkedCharts | None
    ) -> None:
        self.counted.emit(len(proposals))
        self.waiting.emit(len(proposals))
        rows = sorted(proposals, key=lambda row: not row.certain)
        first = linked is not None and self._linked is None
        self._linked = linked
        if linked is not None:
            asked = asked_row(linked)
            rows = [asked, *(row for row in rows if not same(row, asked))]
        self.list.set_rows(rows)
        if first:
            self.list.choose(lambda row: same(row, rows[0]))
        chosen = self.list.current()
        if self._pair is None and chosen is not None:  # the list does not say again what it showed
            self._pick(chosen)
        self._show_what_may_be_done()
        self._follow()
        if not rows:
            self._pair = None
            self._empty.set_text(
                _("Không thấy ai được đăng ký hai lần"),
                _(
                    "Khi hai máy cùng đăng ký một người lúc mất mạng, hai hồ sơ được đề nghị gộp ở "
                    "đây theo số giấy tờ, họ tên và nơi ở."
                ),
            )
        self._stack.setCurrentIndex(1 if rows else 0)

    def _pick(self, row: DuplicateProposal) -> None:
        linked = self._linked
        joined = linked is not None and linked.joined and same(row, linked.proposal)
        pair = Pair(row.one, row.other) if joined else first_guess(row)
        if self._pair is not None and self._pair.key == pair.key:
            return
        self._why = row.why
        self.reason.set_value(" ".join(row.why))
        self._compare(pair)

    def _compare(self, pair: Pair) -> None:
        self._pair, self._comparison = pair, None
        self.title.setText(pair.stays.full_name)
        if pair.stays.full_name != pair.goes.full_name:
            self.title.setText(f"{pair.stays.full_name} / {pair.goes.full_name}")
        self.why.setText(" ".join(self._why))
        self.charts.show_pair(pair, self._session.services.clock.now())
        self.merge.setEnabled(False)
        self._show_what_may_be_done()
        self._session.ask(
            lambda: self._desk.compare(self._actor, pair.stays.patient_id, pair.goes.patient_id),
            lambda found: self._show_comparison(pair, found),
            owner=self,
            failed=lambda error: self._tell(str(error), Severity.WARNING),
            latest="pairs.compare",
        )

    def _show_comparison(self, pair: Pair, comparison: ChartComparison) -> None:
        if self._pair != pair:
            return
        self._comparison = comparison
        fixed = not self._may or self._is_joined()
        self.choices.show_differences(comparison.differences, read_only=fixed)
        self.choices.stand_between(self.open_other, self.reason.editor, self.dismiss, self.merge)
        self.choices.propose()
        self.heading.setText(
            _("Chọn điều đúng cho hồ sơ giữ lại")
            if comparison.differences
            else _("Hai hồ sơ ghi giống nhau, không phải chọn gì")
        )
        self._follow()

    # -- doing ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._is_joined():
            self.apart.setFocus()
        elif self.choices.choosers:
            self.choices.focus_first()
        else:
            self.reason.editor.setFocus()

    def _turn(self) -> None:
        if self._pair is not None:
            self._compare(self._pair.turned())

    def _follow(self) -> None:
        comparison = self._comparison
        if comparison is None:
            return
        chosen = self.choices.choices
        left = len(comparison.differences) - len(chosen)
        self.merge.setEnabled(left == 0)
        if self._is_joined():
            self.progress.setText(_("Hai hồ sơ đã gộp. Muốn gộp cách khác thì tách lại trước."))
        elif not self._may:
            self.progress.setText(_("Vai trò của bạn chỉ xem được mục này."))
        elif left:
            self.progress.setText(pair_progress_words(comparison.differences, chosen))
        else:
            self.progress.setText(_("Cả hai hồ sơ giữ nguyên lịch sử; gộp rồi vẫn tách lại được."))

    def _merge(self) -> None:
        pair, comparison = self._pair, self._comparison
        chosen = dict(self.choices.choices)
        if (
            pair is None
            or comparison is None
            or self._is_joined()
            or len(chosen) < len(comparison.differences)
        ):
            return
        reason = self.reason.value()
        if not reason:
            self.reason.set_problem(_("Hãy ghi lý do gộp, ví dụ đã đối chiếu giấy tờ."))
            self.reason.editor.setFocus()
            return
        self.merge.setEnabled(False)
        self._session.command(
            lambda: self._desk.merge(
                self._actor,
                pair.stays.patient_id,
                pair.goes.patient_id,
                chosen,
                reason=reason,
                expected_version=comparison.survivor_version,
            ),
            done=lambda _changes: self._merged(pair),
            failed=self._not_merged,
            owner=self,
        )

    def _merged(self, pair: Pair) -> None:
        self._pair = None
        text = _("Đã gộp hai hồ sơ của {name}. Tách lại được trong thẻ Đã quyết định gần đây.")
        self._tell(text.format(name=pair.stays.full_name), Severity.SUCCESS)
        self.read()
        self.list.setFocus()

    def _not_merged(self, error: StationError) -> None:
        self._follow()
        if isinstance(error, Conflict) and self._pair is not None:
            text = _("Hồ sơ vừa có bản mới nên chưa gộp. Hãy xem lại rồi gộp.")
            self._tell(text, Severity.WARNING)
            self._compare(self._pair)
            return
        self._tell(str(error), Severity.DANGER)

    def _dismiss(self) -> None:
        pair = self._pair
        if pair is None:
            return
        self._session.ask(
            lambda: self._desk.dismiss(self._actor, pair.stays.patient_id, pair.goes.patient_id),
            lambda _nothing: self._dismissed(),
            owner=self,
            failed=lambda error: self._tell(str(error), Severity.DANGER),
        )

    def _dismissed(self) -> None:
        self._pair = None
        self._tell(_("Đã ghi là hai người khác nhau; cặp này không hỏi lại nữa."), Severity.INFO)
        self.read()
        self._session.changed.emit(Changes())  # the number of what waits is another
        self.list.setFocus()

    def _separate(self) -> None:
        linked, pair = self._linked, self._pair
        if linked is None or pair is None:
            return
        reason = dialogs.ask_text(
            self,
            _("Tách lại hai hồ sơ?"),
            _("Hai hồ sơ của {name} lại hiện riêng như trước khi gộp.").format(
                name=pair.stays.full_name
            ),
            label=_("Lý do"),
        )
        if reason:
            self._session.ask(
                lambda: self._desk.undo(self._actor, linked.link_id, reason=reason),
                self._separated,
                owner=self,
                failed=lambda error: self._tell(str(error), Severity.DANGER),
            )

    def _separated(self, done: Separated) -> None:
        text = " ".join((_("Đã tách lại hai hồ sơ."), done.note)).strip()
        self._tell(text, Severity.SUCCESS)
        self._pair = None
        self._session.changed.emit(done.changes)
        self.read()

    def _open_chart(self, *, stays: bool) -> None:
        if self._pair is not None:
            chart = self._pair.stays if stays else self._pair.goes
            self.wanted.emit(routes.PATIENTS, routes.PatientRoute(chart.patient_id))

    def _tell(self, text: str, severity: Severity) -> None:
        self.told.emit(Message(text=text, severity=severity))
