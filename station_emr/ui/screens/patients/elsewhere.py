"""What other stations wrote of the person, asked for with consent; shown, never kept."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.domain.patient import Patient
from station_emr.services.elsewhere import Agreement, Basis, OtherPart, OtherRecords, papers_of
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Banner,
    Card,
    ChoiceField,
    EmptyState,
    Form,
    LineField,
    Message,
    SegmentedField,
    Severity,
    TextField,
    clear,
    hbox,
    label,
    primary,
    quiet,
    scrolled,
    theme,
    vbox,
)
from station_emr.ui.kit.text_fields import masked
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane, Task

_FORM_WIDTH: Final = 400


class ElsewherePage(QWidget):
    """The form beside the answer. ``closed`` follows the way back to the person's own record,
    ``sharing_wanted(patient_id)`` the wish to see or take back what the person agreed to.
    """

    closed = Signal()
    sharing_wanted = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._patient: Patient | None = None
        self._asking: Task | None = None
        self.back = quiet(_("Về hồ sơ của trạm"), "elsewhere.back", "caret-left")
        self.back.clicked.connect(self.closed)
        self.who = label("", "heading")
        self.form = Form("elsewhere")
        self.basis = self.form.add(
            "basis",
            _("Người bệnh đồng ý bằng"),
            SegmentedField(
                [
                    (Basis.SIGNED_PAPER, _("Giấy ký")),
                    (Basis.VERBAL, _("Lời nói")),
                    (Basis.EMERGENCY, _("Khẩn cấp")),
                ]
            ),
        )
        self.number = self.form.add("number", _("Giấy tờ đã xem"), ChoiceField())
        self.given_by = self.form.add("given_by", _("Ai đồng ý"), LineField(max_length=100))
        self.witness = self.form.add("witness", _("Người làm chứng"), LineField(max_length=100))
        self.reason = self.form.add("reason", _("Vì sao khẩn cấp"), TextField())
        self.basis.changed.connect(self._fit)
        self.look = primary(_("Xem hồ sơ ở trạm khác"), "elsewhere.look")
        self.look.clicked.connect(self._ask)
        rule = label(
            _(
                "Lần xem này được ghi lại ở trạm này, ở tỉnh và ở trạm giữ hồ sơ. Kết quả chỉ để "
                "đọc, không lưu vào máy này."
            ),
            "muted",
            wrap=True,
        )
        card = Card()
        card.add(self.form)
        card.add(rule)
        card.body.addLayout(hbox(self.look, None))
        card.body.addStretch(1)
        card.setFixedWidth(_FORM_WIDTH)
        self.note = Banner("elsewhere.note", closable=False)
        self.note.hide()
        self.empty = EmptyState(
            "magnifying-glass",
            _("Chưa xem"),
            _("Điền sự đồng ý của người bệnh rồi bấm Xem hồ sơ ở trạm khác."),
        )
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.GAP_S)
        holder = QWidget()
        vbox(self.empty, self._list, None, parent=holder)
        right = vbox(self.note, scrolled(holder), gap=theme.GAP_M)
        right.setStretch(1, 1)
        body = hbox(card, right, gap=theme.GAP_L)
        body.setStretch(1, 1)
        self.given = quiet(_("Sự đồng ý đã ghi, ai đã xem"), "elsewhere.given", "hand-heart")
        self.given.clicked.connect(self._show_given)
        column = vbox(
            hbox(self.back, self.who, None, self.given), body, gap=theme.GAP_M, parent=self
        )
        column.setStretch(1, 1)

    def open_for(self, patient: Patient) -> None:
        """An empty form for this person; whatever was shown of another is gone."""
        self.forget()
        self._patient = patient
        self.who.setText(patient.full_name)
        papers = papers_of(patient)
        options = [(number, f"{name} {masked(number)}") for name, number in papers]
        self.number.set_options([*options, ("", _("Không có, tỉnh đã xác nhận"))])
        self.form.set_values(
            {
                "basis": Basis.SIGNED_PAPER,
                "number": options[0][0] if options else "",
                "given_by": _("Người bệnh"),
                "witness": "",
                "reason": "",
            }
        )
        self._fit()
        self.form.focus_first()

    def forget(self) -> None:
        """Nothing of another station stays on the screen."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._patient = None
        self.look.setEnabled(True)
        self.form.clear_problems()
        self.note.hide()
        clear(self._list)
        self.empty.show()

    def _show_given(self) -> None:
        if self._patient is not None:
            self.sharing_wanted.emit(self._patient.id)

    def _fit(self) -> None:
        """Only what the chosen way asks for can be filled."""
        basis = self.basis.value()
        self.given_by.set_read_only(basis is Basis.EMERGENCY)
        self.witness.set_read_only(basis is not Basis.VERBAL)
        self.reason.set_read_only(basis is not Basis.EMERGENCY)

    def _ask(self) -> None:
        patient, session = self._patient, self._session
        basis = self.basis.value()
        if patient is None or not isinstance(basis, Basis):
            return
        agreement = Agreement(
            basis=basis,
            number=str(self.number.value() or ""),
            given_by=self.given_by.value(),
            witness=self.witness.value() if basis is Basis.VERBAL else "",
            reason=self.reason.value() if basis is Basis.EMERGENCY else "",
        )
        self.form.clear_problems()
        self._tell(_("Đang hỏi tỉnh…"), Severity.INFO)
        self.look.setEnabled(False)
        # A question over the line: never in the lane of the database.
        self._asking = session.runner.run(
            lambda: session.services.elsewhere.look(session.actor, patient.id, agreement),
            done=self._show,
            failed=self._refused,
            finally_=lambda: self.look.setEnabled(True),
            owner=self,
            lane=Lane.POOL,
        )

    def _show(self, found: OtherRecords) -> None:
        clear(self._list)
        self.empty.setVisible(not found.parts)
        if not found.parts:
            self.empty.set_text(
                _("Không có gì để xem"),
                _("Trạm khác có hồ sơ của người này nhưng chưa có lượt khám."),
            )
        words = _("Từ {stations}. Chỉ để đọc, xem lúc {time}.")
        self._tell(
            words.format(
                stations=", ".join(found.stations) or _("trạm khác"),
                time=f"{found.asked_at:%H:%M}",
            ),
            Severity.SUCCESS,
        )
        for part in found.parts:
            self._list.addWidget(PartCard(part))

    def _refused(self, error: StationError) -> None:
        clear(self._list)
        self.empty.show()
        if isinstance(error, InvalidRecord):
            self.form.set_problems(error.problems)
            self.note.hide()
        else:
            self._tell(str(error), Severity.WARNING)

    def _tell(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))


class PartCard(Card):
    """One visit of another station, with where and when it is from."""

    def __init__(self, part: OtherPart) -> None:
        super().__init__()
        self.part = part
        self.body.setSpacing(theme.GAP_XS)
        when = f"{part.title}, {part.on:%d/%m/%Y}" if part.on is not None else part.title
        self.body.addLayout(hbox(label(when, "strong"), None, label(part.station, "muted")))
        for line in part.lines:
            self.add(label(line, wrap=True, selectable=True))
