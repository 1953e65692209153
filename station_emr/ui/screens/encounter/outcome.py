"""The right column: what will come out, what is still missing, and the ways to end the visit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget
from typing_extensions import override

from station_emr.domain.errors import Problem
from station_emr.domain.prescription import PrescriptionLine, quantity_text
from station_emr.domain.record import RecordStatus
from station_emr.domain.vitals import SIGNS
from station_emr.services.guards import confirmation_key
from station_emr.services.i18n import _
from station_emr.services.visits import VisitPapers
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Button,
    ButtonKind,
    Card,
    Chip,
    Severity,
    Shortcut,
    clear,
    label,
    primary,
    scrolled,
    secondary,
    vbox,
    with_role,
)
from station_emr.ui.kit.tips import plain_tip
from station_emr.ui.screens.encounter.visit_file import VisitFile

WIDTH: Final = 256
_SHORT: Final = {
    "reason-required": "Thiếu lý do đến khám",
    "main-required": "Thiếu bệnh chính",
    "result-required": "Thiếu kết quả điều trị",
    "lines-required": "Đơn chưa có thuốc",
    "child-weight-required": "Thiếu cân nặng của trẻ",
    "child-companion-required": "Thiếu người đưa trẻ đến",
    "narcotic-without-beds": "Không được kê thuốc gây nghiện",
    "date-past": "Ngày hẹn đã qua",
    "date-far": "Ngày hẹn quá xa",
    "date-sunday": "Hẹn vào Chủ nhật",
    "blood-pressure-pair": "Huyết áp thiếu một số",
    "blood-pressure-order": "Huyết áp ngược số",
    "days-over-limit": "Số ngày vượt mức cho phép",
    "days-required": "Thiếu số ngày dùng",
    "dose-required": "Thiếu liều mỗi lần",
    "times-range": "Thiếu số lần mỗi ngày",
    "quantity-required": "Thiếu số lượng",
    "icd-more-specific": "Có mã chi tiết hơn",
    "icd-not-main": "Mã không làm bệnh chính",
    "icd-discouraged-main": "Mã không nên là bệnh chính",
}
_LINE: Final = re.compile(r"(?:^|\.)lines\.(\d+)\.")
_NAME_LENGTH: Final = 18  # letters of a drug's name that fit beside what is missing


class Todo(Chip):
    """One thing between the visit and the signature; Enter or a click goes to its field."""

    def __init__(self, text: str, problems: Sequence[Problem], name: str) -> None:
        asks = all(problem.severity == "confirm" for problem in problems)
        super().__init__(text, Severity.WARNING if asks else Severity.DANGER, name=name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        whole = "\n".join(dict.fromkeys(problem.message for problem in problems))
        self.setAccessibleName(whole)
        self.setToolTip(plain_tip(whole))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
            return
        super().keyPressEvent(event)


class Paper(QFrame):
    """A page in small, in words large enough to read."""

    def __init__(self, title: str, lines: Iterable[tuple[str, bool]], state: Chip | None) -> None:
        super().__init__()
        with_role(self, "card")
        column = vbox(gap=2, margin=GAP_S, parent=self)
        heading = label(title.upper(), "strong")
        heading.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(heading)
        if state is not None:
            column.addWidget(state, 0, Qt.AlignmentFlag.AlignHCenter)
        for text, strong in lines:
            made = label(text, "dense" if strong else "caption", wrap=True)
            column.addWidget(made)


class OutcomePanel(Card):
    """``wanted(field)`` asks to go to a field."""

    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__(margin=GAP_M)
        self.setFixedWidth(WIDTH)
        inside = QWidget()
        self._papers = vbox(gap=GAP_S)
        self._todo_box = QWidget()
        self._todo = vbox(gap=6, parent=self._todo_box)
        self._todo_title = label(_("Trước khi ký"), "heading")
        self._shown: object = None
        self._lines: tuple[PrescriptionLine, ...] = ()
        self._todo_keys: tuple[str, ...] | None = None
        column = vbox(
            label(_("Sắp in ra"), "heading"),
            self._papers,
            self._todo_title,
            self._todo_box,
            None,
            gap=GAP_S,
            parent=inside,
        )
        column.setContentsMargins(0, 0, 2, 0)
        self.add(scrolled(inside), 1)
        self.note = label("", "muted", wrap=True)
        self.follow_up = Button(_("Hẹn khám lại"), "encounter.follow_up", key_text="Alt+E")
        self.refer = Button(_("Chuyển tuyến"), "encounter.refer", key_text="F5")
        self.bill = Button(_("Viện phí"), "encounter.bill", key_text=Shortcut.BILLING.text)
        self.sign = primary(_("Ký và in"), "encounter.sign", Shortcut.SIGN)
        self.print = Button(
            _("In lại"), "encounter.print", kind=ButtonKind.PRIMARY, key_text=Shortcut.PRINT.text
        )
        self.amend = secondary(_("Sửa đổi có lý do"), "encounter.amend", icon="pencil-simple")
        self.void = Button(_("Hủy có lý do"), "encounter.void", kind=ButtonKind.DANGER)
        self.history = secondary(
            _("Lịch sử phiên bản"), "encounter.history", icon="clock-counter-clockwise"
        )
        self.other = Button(_("Giấy tờ khác"), "encounter.other", key_text="Alt+J")
        self.keep_amendment = primary(_("Lưu sửa đổi"), "encounter.keep_amendment")
        self.drop_amendment = secondary(_("Thôi sửa đổi"), "encounter.drop_amendment")
        for widget in (
            self.note,
            self.follow_up,
            self.refer,
            self.other,
            self.bill,
            self.sign,
            self.print,
            self.amend,
            self.void,
            self.history,
            self.keep_amendment,
            self.drop_amendment,
        ):
            self.add(widget)

    def put_on_top(self, widget: QWidget) -> None:
        """What must be seen before everything else."""
        self.body.insertWidget(0, widget)

    # -- what comes out ------------------------------------------------------------------------

    def show_papers(self, file: VisitFile, papers: VisitPapers) -> None:
        shown = (file, papers.prescription, papers.appointment, papers.encounter.diagnoses)
        if shown == self._shown:
            return
        self._shown = shown
        self._lines = papers.prescription.lines if papers.prescription is not None else ()
        clear(self._papers)
        patient = file.patient
        who = _("Họ tên: {name}").format(name=patient.full_name)
        icd = "; ".join(d.label for d in papers.encounter.diagnoses)
        what = _("Chẩn đoán: {what}").format(what=icd) if icd else ""
        if papers.prescription is not None:
            lines = [(who, False), (what, False)]
            for place, line in enumerate(papers.prescription.lines, start=1):
                count = f"{quantity_text(line)} {line.unit}"
                lines += [(f"{place}. {line.label} — {count}", True), (line.sentence, False)]
            self._add_paper(_("Đơn thuốc"), lines, _state(file.prescription))
        if papers.appointment is not None and papers.appointment.on is not None:
            day = _("Ngày hẹn: {day}").format(day=f"{papers.appointment.on:%d/%m/%Y}")
            self._add_paper(
                _("Phiếu hẹn khám lại"), [(who, False), (day, True)], _state(file.appointment)
            )
        if file.referral is not None:
            where = _("Nơi chuyển đến: {place}").format(
                place=file.referral.record.to_facility_name or "…"
            )
            self._add_paper(
                _("Phiếu chuyển"), [(who, False), (where, False)], _state(file.referral)
            )
        if self._papers.count() == 0:
            self._papers.addWidget(
                label(
                    _("Chưa có giấy nào. Kê thuốc hoặc hẹn khám lại sẽ hiện ở đây."),
                    "muted",
                    wrap=True,
                )
            )

    def _add_paper(self, title: str, lines: list[tuple[str, bool]], state: Chip | None) -> None:
        self._papers.addWidget(Paper(title, [item for item in lines if item[0]], state))

    # -- what is missing -----------------------------------------------------------------------

    def show_problems(self, problems: Iterable[Problem], confirmed: Iterable[str]) -> None:
        """The open problems as things to do; all done says so."""
        answered = set(confirmed)
        todo = [
            p
            for p in problems
            if p.severity == "error"
            or (p.severity == "confirm" and confirmation_key(p) not in answered)
        ]
        merged: dict[str, list[Problem]] = {}
        for problem in todo:
            merged.setdefault(_short(problem, self._lines), []).append(problem)
        keys = tuple(
            f"{text}{confirmation_key(p)}{p.message}" for text, same in merged.items() for p in same
        )
        if keys == self._todo_keys:
            return
        self._todo_keys = keys
        clear(self._todo)
        for place, (text, same) in enumerate(merged.items()):
            chip = Todo(text, same, f"encounter.todo.{place}")
            chip.clicked.connect(lambda field=same[0].field: self.wanted.emit(field))
            self._todo.addWidget(chip)
        if not todo:
            self._todo.addWidget(Chip(_("Đủ mục bắt buộc"), Severity.SUCCESS))

    @property
    def todo(self) -> tuple[str, ...]:
        """What the list says, for reading aloud and for tests."""
        found = []
        for place in range(self._todo.count()):
            item = self._todo.itemAt(place)
            widget = item.widget() if item is not None else None
            if isinstance(widget, Chip):
                found.append(widget.text)
        return tuple(found)

    # -- modes ---------------------------------------------------------------------------------

    def show_mode(
        self,
        *,
        draft: bool,
        amending: bool,
        may_edit: bool,
        may_amend: bool,
        may_bill: bool,
        printable: bool,
    ) -> None:
        """Only what can be done now is there."""
        self._todo_title.setVisible(draft or amending)
        self._todo_box.setVisible(draft or amending)
        self.follow_up.setVisible(draft and may_edit)
        self.refer.setVisible(may_edit and not amending)
        self.other.setVisible(not amending)
        self.bill.setVisible(may_bill and not amending)
        self.sign.setVisible(draft and may_edit)
        self.print.setVisible(not draft and not amending and printable)
        self.amend.setVisible(not draft and not amending and may_amend)
        self.void.setVisible(not draft and not amending and may_amend)
        self.history.setVisible(not draft and not amending)
        self.keep_amendment.setVisible(amending)
        self.drop_amendment.setVisible(amending)

    def set_note(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))


def _short(problem: Problem, lines: Sequence[PrescriptionLine]) -> str:
    """A few words for a chip; what is missing on a row of the prescription names its drug."""
    sign = SIGNS.get(problem.field.removeprefix("vitals."))
    if problem.code == "impossible" and sign is not None:
        return _("{sign}: không thể có").format(sign=sign.label)
    if problem.code == "unusual" and sign is not None:
        return _("Xác nhận {sign}").format(sign=sign.label[0].lower() + sign.label[1:])
    drug = _drug(problem, lines)
    if problem.field.endswith(".override_reason"):
        return _("{drug}: cần lý do").format(drug=drug or _("Cảnh báo thuốc"))
    known = _SHORT.get(problem.code)
    if not known:
        return problem.message
    return f"{drug}: {_(known)[0].lower()}{_(known)[1:]}" if drug else _(known)


def _drug(problem: Problem, lines: Sequence[PrescriptionLine]) -> str:
    found = _LINE.search(problem.field)
    if found is None or int(found[1]) >= len(lines):
        return ""
    line = lines[int(found[1])]
    name = line.inn or line.label
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1].rstrip()}…"


def _state(stored: object) -> Chip | None:
    status = getattr(stored, "status", None)
    if not isinstance(status, RecordStatus) or status is RecordStatus.DRAFT:
        return None
    severity = {
        RecordStatus.SIGNED: Severity.SUCCESS,
        RecordStatus.AMENDED: Severity.INFO,
    }.get(status, Severity.DANGER)
    return Chip(status.label, severity)
