"""The list of letters: what is still to be signed, printed or sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.birth import age_text
from station_emr.domain.record import RecordStatus
from station_emr.domain.text import fold
from station_emr.services.i18n import _
from station_emr.services.views import ReferralRow
from station_emr.ui.kit import (
    GAP_M,
    Card,
    ChipSpec,
    Column,
    EmptyState,
    LineField,
    ScreenHeader,
    Severity,
    Table,
    combo,
    fixed_width,
    hbox,
    label,
    named,
    plain_table,
)
from station_emr.ui.models.moments import show_when
from station_emr.ui.screens.referrals.feedback_card import answer_chip

ALL, DRAFT, UNPRINTED, UNSENT, SENT = "all", "draft", "unprinted", "unsent", "sent"
ANSWERED, NEW = "answered", "new"
_EMERGENCY, _ANSWER = 3, 9  # columns of the table


def state_chip(row: ReferralRow) -> ChipSpec:
    severities = {
        RecordStatus.DRAFT: Severity.NEUTRAL,
        RecordStatus.SIGNED: Severity.SUCCESS,
        RecordStatus.AMENDED: Severity.INFO,
        RecordStatus.VOIDED: Severity.DANGER,
    }
    return ChipSpec(_(row.status.label), severities[row.status])


def print_chip(row: ReferralRow) -> ChipSpec | None:
    if not row.printed:
        return None
    return ChipSpec(_("Đã in"), Severity.SUCCESS)


def sent_chip(row: ReferralRow) -> ChipSpec | None:
    """Sent only when the server has acknowledged this very version."""
    if row.status is RecordStatus.DRAFT:
        return None
    if row.sent:
        return ChipSpec(_("Đã gửi"), Severity.SUCCESS)
    return ChipSpec(_("Chờ gửi"), Severity.WARNING, icon="clock")


def urgent_first(rows: Sequence[ReferralRow]) -> list[ReferralRow]:
    """Emergencies that the province does not have yet, answers to read, then the newest."""
    newest = sorted(rows, key=lambda row: row.written_at, reverse=True)
    return sorted(newest, key=lambda row: (not is_urgent(row), not row.answer_new))


def is_urgent(row: ReferralRow) -> bool:
    return row.emergency and not row.sent and row.status is not RecordStatus.VOIDED


def keeps(row: ReferralRow, state: object, typed: str) -> bool:
    """Whether the filters leave the row in the list."""
    signed = row.status in (RecordStatus.SIGNED, RecordStatus.AMENDED)
    states = {
        ALL: True,
        DRAFT: row.status is RecordStatus.DRAFT,
        UNPRINTED: signed and not row.printed,
        UNSENT: row.status is not RecordStatus.DRAFT and not row.sent,
        SENT: row.sent,
        ANSWERED: row.answer is not None,
        NEW: row.answer_new,
    }
    words = fold(f"{row.full_name} {row.number} {row.to_facility} {row.diagnosis}")
    return states[str(state)] and all(word in words for word in fold(typed).split())


class ListPage(QWidget):
    """``opened(ReferralRow)`` follows Enter or a double click."""

    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        named(self, "referrals.list")
        self._rows: tuple[ReferralRow, ...] = ()
        self._now: datetime | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP_M)
        self._header = ScreenHeader(_("Phiếu chuyển cơ sở khám, chữa bệnh"), "", ())
        column.addWidget(self._header)
        self.filter = LineField(
            placeholder=_("Lọc theo tên, số phiếu, nơi nhận, chẩn đoán"), icon="funnel-simple"
        )
        named(self.filter.editor, "referrals.filter")
        self.filter.set_spoken(_("Lọc danh sách phiếu chuyển"))
        self.filter.moves_on = False
        self.state = combo(
            [
                (ALL, _("Tất cả")),
                (DRAFT, _("Nháp, chưa ký")),
                (UNPRINTED, _("Đã ký, chưa in")),
                (UNSENT, _("Chờ gửi lên tỉnh")),
                (SENT, _("Đã gửi")),
                (ANSWERED, _("Bệnh viện đã trả lời")),
                (NEW, _("Trả lời mới")),
            ],
            "referrals.state",
            _("Tình trạng phiếu"),
        )
        self.state.set_value(ALL)
        self.count = label("", "muted")
        row = hbox(fixed_width(self.filter, 60), fixed_width(self.state, 28), self.count, None)
        row.setStretch(0, 3)
        row.setStretch(1, 1)
        column.addLayout(row)
        self.empty = EmptyState("paper-plane-tilt", _("Chưa có phiếu chuyển nào"))
        self.table = self._make_table()
        card = Card(margin=1)
        card.add(plain_table(self.table), 1)
        column.addWidget(card, 1)
        self.table.opened.connect(self.opened)
        self.filter.changed.connect(self._apply)
        self.filter.entered.connect(self._to_table)
        self.state.changed.connect(self._apply)

    def _make_table(self) -> Table[ReferralRow]:
        return Table(
            "referrals.table",
            _("Danh sách phiếu chuyển"),
            [
                Column(
                    title=_("Ngày giờ"),
                    text=lambda r: show_when(r.written_at, self._now or r.written_at),
                    sort=lambda r: r.written_at,
                    width=104,
                ),
                Column(
                    title=_("Số phiếu"),
                    text=_short_number,
                    tip=lambda r: r.number,
                    width=114,
                    spare=2,
                ),
                Column(
                    title=_("Người bệnh"),
                    text=self._person,
                    tip=self._person,
                    width=206,
                    strong=True,
                ),
                Column(
                    title="",
                    text=lambda r: _("Cấp cứu") if r.emergency else "",
                    chip=lambda r: ChipSpec(_("Cấp cứu"), Severity.DANGER) if r.emergency else None,
                    width=84,
                ),
                Column(
                    title=_("Nơi nhận"),
                    text=lambda r: r.to_facility or "—",
                    tip=lambda r: r.to_facility,
                    stretch=True,
                ),
                Column(
                    title=_("Chẩn đoán"),
                    text=lambda r: r.diagnosis,
                    tip=lambda r: r.diagnosis,
                    stretch=True,
                    muted=True,
                    spare=3,
                ),
                Column(
                    title=_("Phiếu"), text=lambda r: _(r.status.label), chip=state_chip, width=98
                ),
                Column(
                    title=_("In"),
                    text=lambda r: _("Đã in") if r.printed else "",
                    chip=print_chip,
                    width=74,
                    spare=1,
                ),
                Column(title=_("Gửi"), text=_sent_text, chip=sent_chip, width=92),
                Column(
                    title=_("Bệnh viện"),
                    text=_answer_text,
                    chip=_row_answer,
                    tip=lambda r: r.answer_reason or _answer_text(r),
                    width=150,
                ),
            ],
            empty=self.empty,
        )

    def _person(self, row: ReferralRow) -> str:
        day = (self._now or row.written_at).date()
        return f"{row.full_name}, {age_text(row.birth, day)}"

    # -- content ---------------------------------------------------------------------------------

    def set_rows(self, rows: Sequence[ReferralRow], now: datetime) -> None:
        self._now = now
        self._rows = tuple(urgent_first(rows))
        self._apply()
        if self.table.current() is None:
            self.table.choose_first()

    def _apply(self) -> None:
        shown = [row for row in self._rows if keeps(row, self.state.value(), self.filter.value())]
        if self._rows:
            self.empty.set_text(
                _("Không phiếu nào khớp với bộ lọc"), _("Xóa bớt chữ hoặc chọn “Tất cả”.")
            )
        else:
            self.empty.set_text(
                _("Chưa có phiếu chuyển nào"),
                _("Mở lượt khám rồi chọn “Chuyển tuyến”: phiếu được điền sẵn từ lượt khám."),
            )
        self.table.set_rows(shown)
        # Without an emergency in the list its column leaves its room to names and places.
        self.table.setColumnHidden(_EMERGENCY, not any(row.emergency for row in shown))
        self.table.setColumnHidden(_ANSWER, all(row.answer is None for row in shown))
        urgent = sum(is_urgent(row) for row in shown)
        count = _("{count} phiếu").format(count=len(shown))
        if urgent:
            count += " · " + _("{count} cấp cứu chưa gửi").format(count=urgent)
        new = sum(row.answer_new for row in shown)
        if new:
            count += " · " + _("{count} trả lời mới").format(count=new)
        self.count.setText(count)

    def _to_table(self) -> None:
        self.table.choose_first()
        self.table.setFocus()


def _sent_text(row: ReferralRow) -> str:
    chip = sent_chip(row)
    return chip.text if chip else ""


def _row_answer(row: ReferralRow) -> ChipSpec | None:
    return answer_chip(row.answer, new=row.answer_new, short=True)


def _answer_text(row: ReferralRow) -> str:
    chip = _row_answer(row)
    return chip.spoken if chip else ""


def _short_number(row: ReferralRow) -> str:
    """Without the ending that all letters share."""
    return row.number.removesuffix("/PCCKCB") or "—"
