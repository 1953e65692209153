"""The page of one letter: its fields at the left, the paper as it will come out at the right."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.domain.birth import age_text
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.referral import Referral
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Button,
    ButtonKind,
    Card,
    Chip,
    ChipSpec,
    ScreenHeader,
    Severity,
    Shortcut,
    clear,
    hbox,
    icon_button,
    label,
    named,
    primary,
    quiet,
    scrolled,
    secondary,
    vbox,
)
from station_emr.ui.kit.paper import PaperView
from station_emr.ui.models.joined import joined_words
from station_emr.ui.models.paper_feed import PaperFeed
from station_emr.ui.models.session import Session
from station_emr.ui.screens.referrals.desk import Letter
from station_emr.ui.screens.referrals.feedback_card import FeedbackCard, answer_chip
from station_emr.ui.screens.referrals.letter_form import LetterForm
from station_emr.ui.screens.referrals.list_page import print_chip, sent_chip, state_chip
from station_emr.ui.screens.referrals.missing import MissingCard

AUTOSAVE_MS = 1500
PREVIEW_MS = 400
_ROOM_FOR_BOTH = 1080


class Mode(Enum):
    """``READ``: signed, or the person may not write letters. ``AMEND``: a new version of a signed one."""

    WRITE = "write"
    READ = "read"
    AMEND = "amend"


class LetterPage(QWidget):
    """Shows a letter and tells what the person wants; the screen does it.

    ``save_due`` comes a moment after the last change. The buttons are public.
    """

    save_due = Signal()
    back_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        named(self, "referral")
        self._session = session
        self.letter: Letter | None = None
        self.mode = Mode.READ
        self._saved = ""
        self._make_actions()
        self._chips = QWidget()
        self._chip_row = hbox(gap=GAP_S, parent=self._chips)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP_M)
        column.addLayout(self._top())
        column.addLayout(self._halves(), 1)
        self._autosave = self._timer(AUTOSAVE_MS, self.save_due.emit)
        self._redraw = self._timer(PREVIEW_MS, self.refresh_paper)
        self.form.edited.connect(self._edited)

    def _make_actions(self) -> None:
        self.back = icon_button("arrow-left", "referral.back", _("Về danh sách phiếu chuyển"))
        self.discard = quiet(_("Bỏ nháp"), "referral.discard", "trash")
        self.amend = secondary(_("Sửa đổi"), "referral.amend", icon="pencil-simple")
        self.void = Button(_("Hủy phiếu"), "referral.void", kind=ButtonKind.DANGER)
        self.stop = secondary(_("Thôi sửa đổi"), "referral.stop")
        self.save = secondary(_("Lưu nháp"), "referral.save", Shortcut.SAVE)
        self.print = secondary(_("In"), "referral.print", Shortcut.PRINT)
        self.sign = primary(_("Ký và gửi"), "referral.sign", Shortcut.SIGN)
        for button in (self.discard, self.amend, self.void, self.stop):
            button.hide()  # all of them at once would be wider than the page
        self.back.clicked.connect(self.back_wanted)

    def _top(self) -> QVBoxLayout:
        actions = (
            self.discard,
            self.void,
            self.amend,
            self.stop,
            self.save,
            self.print,
            self.sign,
        )
        self.header = ScreenHeader("", "", actions)
        self.header.add_beside_title(self._chips)
        row = hbox(self.back, self.header)
        row.setStretch(1, 1)
        self.banner = Banner("referral.banner")
        self.joined = label("", "muted", wrap=True)
        self.joined.hide()
        return vbox(row, self.joined, self.banner)

    def _halves(self) -> QVBoxLayout:
        self.form = LetterForm(self._session.services.clock.now)
        self.missing = MissingCard()
        inner = QWidget()
        self.feedback = FeedbackCard()
        inner_column = vbox(self.feedback, self.form, None, parent=inner)
        inner_column.setContentsMargins(GAP_M, GAP_M, GAP_M, GAP_M)
        self._area = scrolled(inner)
        self._number = label("", "muted")
        self._state = label("", "muted", wrap=True)  # a long line must not widen the form
        foot = hbox(self._number, self._state, gap=0)
        foot.setStretch(1, 1)
        foot.setContentsMargins(GAP_M, 0, GAP_M, GAP_M - 4)
        card = Card(margin=1)
        card.add(self._area, 1)
        card.body.addLayout(foot)
        self.paper = PaperView("referral.paper", _("Xem trước phiếu chuyển"))
        self.feed = PaperFeed(self._session, self.paper)
        self._ground = ground = Card(sunken=True, margin=1)
        ground.add(self.paper, 1)
        left = vbox(self.missing, card, gap=GAP_M)
        left.setStretch(1, 1)
        row = hbox(left, ground, gap=GAP_M)
        row.setStretch(0, 7)
        row.setStretch(1, 5)
        return vbox(row)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window keeps the fields whole; the pages are still behind Ctrl+P."""
        super().resizeEvent(event)
        self._ground.setVisible(self.width() >= _ROOM_FOR_BOTH)

    def _timer(self, milliseconds: int, call: Callable[[], object]) -> QTimer:
        made = QTimer(self)
        made.setSingleShot(True)
        made.setInterval(milliseconds)
        made.timeout.connect(call)
        return made

    # -- showing ---------------------------------------------------------------------------------

    def show_letter(self, letter: Letter, mode: Mode) -> None:
        self.letter, self.mode, self._saved = letter, mode, ""
        self._autosave.stop()
        self._redraw.stop()
        self.missing.show_problems([])
        self.form.show_letter(letter.referral, read_only=mode is Mode.READ)
        self._dress()
        self.refresh_paper()
        if mode is not Mode.READ:
            self.form.form.focus_first()

    def _dress(self) -> None:
        letter, mode = self.letter, self.mode
        if letter is None:
            return
        today = self._session.services.clock.now().date()
        person = letter.patient
        title = _("Phiếu chuyển: {name}, {sex}, {age}").format(
            name=person.full_name,
            sex=person.sex.label.lower(),
            age=age_text(person.birth, today),
        )
        self.header.set_title(title)
        self.joined.setText(joined_words(letter.joined_number, person.chart_number))
        self.joined.setVisible(bool(letter.joined_number))
        new = letter.row is not None and letter.row.answer_new
        self.feedback.show_answer(letter.feedback, new=new)
        clear(self._chip_row)
        for spec in _chips(letter):
            self._chip_row.addWidget(Chip(spec.text, spec.severity, lead=spec.lead, icon=spec.icon))
        final = letter.status in (RecordStatus.SIGNED, RecordStatus.AMENDED)
        may = self._session.may
        writes, reads = mode is Mode.WRITE, mode is Mode.READ
        self.discard.setVisible(writes and letter.row is not None)
        self.save.setVisible(writes)
        self.sign.setVisible(not reads and may(Action.REFERRAL_SIGN))
        self.sign.set_label(_("Ký và gửi") if writes else _("Ký bản sửa đổi"))
        self.amend.setVisible(reads and final and may(Action.RECORD_AMEND))
        self.void.setVisible(reads and final and may(Action.RECORD_VOID))
        self.stop.setVisible(mode is Mode.AMEND)
        self.print.setVisible(mode is not Mode.AMEND)
        self.print.set_kind(
            ButtonKind.PRIMARY if reads and may(Action.PRINT) else ButtonKind.SECONDARY
        )
        printed = letter.row is not None and letter.row.printed
        self.print.set_label(_("In lại") if printed and not writes else _("In"))
        self._foot()

    def _foot(self) -> None:
        letter = self.letter
        if letter is None:
            return
        if letter.referral.number:
            self._number.setText(_("Số phiếu {number}").format(number=letter.referral.number))
        elif letter.expected:
            self._number.setText(_("Số phiếu dự kiến {number}").format(number=letter.expected))
        else:
            self._number.setText(_("Chưa có số phiếu"))
        parts = []
        if self.mode is Mode.WRITE:
            if letter.visit_unsigned:
                parts.append(_("ký cùng lượt khám"))
            parts.append(_("sẽ gửi trước mọi thứ khác khi có mạng"))
            if not self._session.may(Action.REFERRAL_SIGN):
                parts = [_("chờ bác sĩ hoặc y sĩ ký")]
        if self._saved:
            parts.append(_("nháp tự lưu {time}").format(time=self._saved))
        self._state.setText("".join(f" · {part}" for part in parts))

    def mark_saved(self, time: str) -> None:
        self._saved = time
        self._foot()

    def set_letter(self, letter: Letter) -> None:
        """Newer facts about the same letter (kept, printed, sent) without touching the fields."""
        if self.letter is not None and self.letter.referral.id == letter.referral.id:
            self.letter = letter
            self._dress()

    def end_amendment(self) -> None:
        """The new version is signed: what is shown is no longer being changed."""
        self.mode = Mode.READ
        self.banner.dismiss()

    # -- typing ----------------------------------------------------------------------------------

    def typed(self) -> Referral | None:
        """The letter as it stands in the fields."""
        return None if self.letter is None else self.form.letter(self.letter.referral)

    @property
    def states(self) -> tuple[str, ...]:
        """What the chips beside the title say."""
        return tuple(spec.text for spec in _chips(self.letter)) if self.letter else ()

    @property
    def unsaved(self) -> bool:
        return self.mode is Mode.WRITE and self._autosave.isActive()

    def stop_autosave(self) -> None:
        self._autosave.stop()

    def _edited(self) -> None:
        self._redraw.start()
        if self.mode is Mode.WRITE:
            self._autosave.start()

    def refresh_paper(self) -> None:
        """Ask for the pages of what is shown now."""
        letter = self.letter
        if letter is None:
            return
        prints, actor = self._session.services.prints, self._session.actor
        if self.mode is Mode.READ and letter.row is not None:
            record_id = letter.referral.id
            self.feed.show(lambda: prints.preview(actor, RecordKind.REFERRAL, record_id))
            return
        typed = self.typed()
        if typed is not None:
            self.feed.show(lambda: prints.preview_draft(actor, typed))


def _chips(letter: Letter) -> list[ChipSpec]:
    row = letter.row
    if row is None:
        return [ChipSpec(_("Nháp mới"))]
    answer = answer_chip(row.answer, new=row.answer_new)
    found = [state_chip(row), print_chip(row), answer or sent_chip(row)]
    if row.emergency:
        found.insert(0, ChipSpec(_("Cấp cứu"), Severity.DANGER))
    return [chip for chip in found if chip is not None]
