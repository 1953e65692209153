"""What the receiving hospital answered, above the letter's own fields."""

from __future__ import annotations

from datetime import date

from PySide6.QtWidgets import QGridLayout

from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Card,
    Chip,
    ChipSpec,
    Severity,
    clear,
    hbox,
    label,
    named,
    secondary,
)
from station_emr.ui.models.moments import show_moment

_SEVERITIES = {
    FeedbackState.ACCEPTED: Severity.INFO,
    FeedbackState.REJECTED: Severity.DANGER,
    FeedbackState.ARRIVED: Severity.INFO,
    FeedbackState.COMPLETED: Severity.SUCCESS,
}

_SHORT = {
    FeedbackState.ACCEPTED: "Đã nhận",
    FeedbackState.REJECTED: "Từ chối",
    FeedbackState.ARRIVED: "Đã đến viện",
    FeedbackState.COMPLETED: "Đã phản hồi",
}


def answer_chip(
    state: FeedbackState | None, *, new: bool = False, short: bool = False
) -> ChipSpec | None:
    """None before there is an answer. A new one says so in words; ``short`` is for a column that
    already says whose answer it is.
    """
    if state is None:
        return None
    text = _SHORT[state] if short else state.label
    return ChipSpec(_(text), _SEVERITIES[state], lead=_("Mới:") if new else "")


def _day(on: date | None) -> str:
    return f"{on:%d/%m/%Y}" if on else ""


def lines_of(answer: ReferralFeedback) -> list[tuple[str, str]]:
    """Label and text of everything that was answered."""
    again = " ".join(
        part
        for part in (
            _day(answer.follow_up_on),
            _("tại {place}").format(place=answer.follow_up_at) if answer.follow_up_at else "",
        )
        if part
    )
    rows = [
        (_("Nơi trả lời"), answer.receiver_name),
        (_("Lý do từ chối"), answer.reason),
        (_("Ngày tiếp nhận"), _day(answer.admitted_on)),
        (_("Ngày ra viện"), _day(answer.discharged_on)),
        (_("Chẩn đoán ra viện"), f"{answer.diagnosis_code} {answer.diagnosis}".strip()),
        (_("Điều trị đã thực hiện"), answer.treatment),
        (_("Kết quả"), answer.outcome),
        (_("Thuốc dùng tiếp tại nhà"), answer.medicines),
        (_("Đề nghị trạm theo dõi, chăm sóc"), answer.advice),
        (_("Hẹn khám lại"), again),
        (_("Bác sĩ điều trị"), answer.doctor),
    ]
    return [(name, text) for name, text in rows if text]


class FeedbackCard(Card):
    """Hidden before there is an answer. ``read`` is the button of somebody who has read it."""

    def __init__(self) -> None:
        super().__init__(_("Bệnh viện trả lời"))
        named(self, "referral.feedback", _("Bệnh viện trả lời"))
        self._head = hbox(gap=GAP_S)
        self._when = label("", "muted", wrap=True)
        self.read = secondary(_("Đã đọc"), "referral.feedback.read", icon="check")
        row = hbox(self._head, self._when, self.read, gap=GAP_S)
        row.setStretch(1, 1)
        self.body.addLayout(row)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP_M)
        self._grid.setVerticalSpacing(GAP_S)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)
        self._lines: list[tuple[str, str]] = []
        self.hide()

    @property
    def said(self) -> str:
        """Everything that stands in it."""
        return "\n".join(f"{name}: {text}" for name, text in self._lines)

    def show_answer(self, answer: ReferralFeedback | None, *, new: bool) -> None:
        clear(self._head)
        clear(self._grid)
        self._lines = [] if answer is None else lines_of(answer)
        self.setVisible(answer is not None)
        if answer is None:
            return
        spec = answer_chip(answer.state, new=new)
        if spec is not None:
            self._head.addWidget(Chip(spec.text, spec.severity, lead=spec.lead))
        when = show_moment(answer.answered_at) if answer.answered_at else ""
        self._when.setText(" · ".join(part for part in (answer.answered_by, when) if part))
        self.read.setVisible(new)
        for place, (name, text) in enumerate(self._lines):
            self._grid.addWidget(label(name, "muted", wrap=True), place, 0)
            self._grid.addWidget(label(text, wrap=True), place, 1)
