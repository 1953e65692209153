"""The middle of the page: the visit in the order of work, read into the fields and out again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QWidget
from typing_extensions import override

from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import Problem
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordStatus
from station_emr.services.i18n import _
from station_emr.services.visits import VisitPapers
from station_emr.ui.kit import (
    GAP_M,
    GAP_XL,
    Card,
    Chip,
    ChipSpec,
    Field,
    Form,
    LineField,
    Severity,
    TextField,
    scrolled,
    vbox,
)
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.arrival import ARRIVAL_FIELDS, ArrivalPanel
from station_emr.ui.screens.encounter.closing import ClosingPanel
from station_emr.ui.screens.encounter.diagnoses import DiagnosisPanel
from station_emr.ui.screens.encounter.orders import OrdersPanel
from station_emr.ui.screens.encounter.prescribing import PrescriptionPanel
from station_emr.ui.screens.encounter.visit_file import VisitFile
from station_emr.ui.screens.encounter.vitals import VitalsPanel

# Said only once the person tries to sign: an empty field is no fault while one is still working.
MISSING: Final = frozenset(
    {"reason-required", "main-required", "result-required", "lines-required", "date-required"}
)
_NARROW: Final = 640  # a drug's name and its cells do not stand in one line
_ROOM: Final = 112  # beneath the field in use: its sentence, and a passing message
_FOLLOW_MS: Final = 20
_STORY: Final = ("history", "past_history", "examination")
_HINTS: Final = {
    "history": "Diễn biến bệnh lần này",
    "past_history": "Bản thân, gia đình",
    "examination": "Toàn thân và các cơ quan",
}
_WEIGHT: Final = "prescription.weight"
_PAPER_DIAGNOSES: Final = "prescription.diagnoses"
_CLOSING: Final = ("advice", "treatment", "result", "discharge")


class VisitForm(QWidget):
    """``changed`` follows any change by the person, ``settled`` one that is worth judging at once."""

    changed = Signal()
    settled = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._file: VisitFile | None = None
        self._new_ids: dict[str, str] = {}
        self._strict = False
        self.state = Chip("")
        self.state.hide()
        self.reason = LineField(placeholder=_("Điều làm người bệnh khó chịu, bằng lời của họ"))
        self.complaint = Form("encounter")
        self.complaint.add("reason", _("&Lý do đến khám"), self.reason, required=True)
        self.vitals = VitalsPanel()
        self.story = Form("story")
        self.story.add_row(
            ("history", _("&Bệnh sử"), TextField(least=2, most=5)),
            ("past_history", _("&Tiền sử"), TextField(least=2, most=5)),
        )
        self.story.add("examination", _("&Khám lâm sàng"), TextField(least=2, most=5))
        self.diagnoses = DiagnosisPanel(session)
        self.orders = OrdersPanel(session)
        self.prescription = PrescriptionPanel(session)
        self.closing = ClosingPanel()
        self.arrival = ArrivalPanel(session)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        inside = self._inside = QWidget()
        column = vbox(gap=GAP_M, parent=inside)
        column.setContentsMargins(0, 0, 2, 0)
        column.addWidget(self.state)
        for parts in (
            (self.complaint, self.vitals),
            (self.story,),
            (self.diagnoses,),
            (self.orders,),
            (self.prescription,),
            (self.closing,),
            (self.arrival,),
        ):
            card = Card()
            for part in parts:
                card.add(part)
            column.addWidget(card)
        column.addStretch(1)
        self.area = scrolled(inside)
        # Only a window far below 1366 wide needs it; a field out of reach would be worse.
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        vbox(self.area, parent=self)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.prescription.set_narrow(self.width() < _NARROW)

    def _connect(self) -> None:
        for form in (self.complaint, self.story):
            form.changed.connect(self.changed)
        for panel in (
            self.vitals,
            self.diagnoses,
            self.orders,
            self.prescription,
            self.arrival,
            self.closing,
        ):
            panel.changed.connect(self.changed)
        self.diagnoses.changed.connect(self.settled)
        self.prescription.settled.connect(self.settled)
        # A moment later, when a row that was just added has its place.
        self._following = QTimer(self)
        self._following.setSingleShot(True)
        self._following.setInterval(_FOLLOW_MS)
        self._following.timeout.connect(self._scroll)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        """The field in use is never under the edge, whichever key led to it."""
        if now is not None and self._inside.isAncestorOf(now):
            self._following.start()

    def _scroll(self) -> None:
        now = QApplication.focusWidget()
        if now is not None and self._inside.isAncestorOf(now):
            bar, view = self.area.verticalScrollBar(), self.area.viewport().height()
            top = now.mapTo(self._inside, QPoint(0, 0)).y()
            wanted = max(bar.value(), top + now.height() + min(_ROOM, view // 4) - view)
            bar.setValue(min(wanted, max(0, top - GAP_XL - GAP_M)))

    # -- in ------------------------------------------------------------------------------------

    def fill(self, file: VisitFile) -> None:
        """Show a visit as it stands in the record; nothing is announced as changed."""
        self._file = file
        self._strict = False
        new_id = self._session.services.clock.new_id
        self._new_ids = {"prescription": new_id(), "appointment": new_id()}
        encounter = file.encounter
        self.complaint.clear_problems()
        self.complaint.set_values({"reason": encounter.reason})
        self.vitals.fill(encounter.vitals, file.age_months, encounter.confirmed)
        self.story.set_values({key: getattr(encounter, key) for key in _STORY})
        self.diagnoses.fill(encounter.diagnoses, file.patient.sex, encounter.confirmed)
        self.orders.fill(encounter.procedures, file.orders)
        self.prescription.fill(
            file.prescription.record if file.prescription else None, file.earlier_prescription_id
        )
        self.arrival.fill(encounter, file.lists)
        self.closing.fill_lists(file.lists.results, file.lists.discharges, file.today)
        self.closing.fill(
            {key: getattr(encounter, key) or None for key in _CLOSING},
            file.appointment.record.on if file.appointment else None,
            encounter.confirmed,
        )
        self.area.verticalScrollBar().setValue(0)

    def set_read_only(self, *, visit: bool, prescription: bool, appointment: bool) -> None:
        self.complaint.set_read_only(visit)
        self.story.set_read_only(visit)
        for key in _STORY:
            _placeholder(self.story.field(key), _("Không ghi") if visit else _HINTS[key])
        self.vitals.set_read_only(visit)
        self.diagnoses.set_read_only(visit)
        self.orders.set_read_only(visit)
        self.prescription.set_read_only(prescription)
        self.arrival.set_read_only(visit)
        self.closing.set_read_only(visit=visit, appointment=appointment)

    def show_state(self, file: VisitFile, *, amending: str) -> None:
        """A line above a visit that is no draft any more."""
        if amending:
            text = _("Đang sửa đổi, lý do: {reason}").format(reason=amending)
            self.state.set(ChipSpec(text, Severity.WARNING, icon="pencil-simple"))
        else:
            severity = {
                RecordStatus.SIGNED: Severity.SUCCESS,
                RecordStatus.AMENDED: Severity.INFO,
            }.get(file.status, Severity.DANGER)
            signature = file.encounter.signature
            words = [_("Số {number}").format(number=file.encounter.number)]
            if signature is not None:
                words += [signature.by.printed_name, f"{signature.at:%H:%M %d/%m/%Y}"]
            self.state.set(ChipSpec(" · ".join(words), severity, lead=file.status.label))
        self.state.setVisible(bool(amending) or not file.is_draft)

    # -- out -----------------------------------------------------------------------------------

    def collect(self) -> VisitPapers:
        """The visit and its papers as they stand in the fields."""
        file = self._file
        if file is None:
            raise LookupError("no visit is open")
        confirmed = (
            *self.vitals.questions.confirmed,
            *self.diagnoses.questions.confirmed,
            *self.closing.confirmed,
        )
        now = self._session.services.clock.now()
        encounter = replace(
            self.arrival.read_into(file.encounter),
            reason=self.reason.value(),
            vitals=self.vitals.sets(now, self._session.actor.user.full_name),
            diagnoses=self.diagnoses.diagnoses,
            procedures=self.orders.procedures,
            confirmed=confirmed,
            history=self._text("history"),
            past_history=self._text("past_history"),
            examination=self._text("examination"),
            advice=self.closing.text_of("advice"),
            treatment=self.closing.text_of("treatment"),
            result=self.closing.text_of("result"),
            discharge=self.closing.text_of("discharge"),
        )
        appointment = self._appointment(file, encounter)
        return VisitPapers(
            encounter=encounter,
            prescription=self._prescription(file, encounter, appointment),
            appointment=appointment,
        )

    def _text(self, key: str) -> str:
        return str(self.story.field(key).value() or "")

    def _prescription(
        self, file: VisitFile, encounter: Encounter, appointment: Appointment | None
    ) -> Prescription | None:
        lines = self.prescription.lines
        if not lines:
            return None
        base = (
            file.prescription.record
            if file.prescription is not None
            else Prescription(
                id=self._new_ids["prescription"],
                patient_id=encounter.patient_id,
                encounter_id=encounter.id,
            )
        )
        return replace(
            base,
            lines=lines,
            diagnoses=encounter.diagnoses,
            advice=encounter.advice,
            follow_up_on=appointment.on if appointment is not None else None,
        )

    def _appointment(self, file: VisitFile, encounter: Encounter) -> Appointment | None:
        made = Appointment(
            id=self._new_ids["appointment"],
            patient_id=encounter.patient_id,
            encounter_id=encounter.id,
            visited_on=encounter.arrived_at.date(),
        )
        base = file.appointment.record if file.appointment is not None else None
        slip = self.closing.appointment(base, made)
        return None if slip is None else replace(slip, diagnoses=encounter.diagnoses)

    # -- problems ------------------------------------------------------------------------------

    def show_problems(self, problems: Iterable[Problem], *, strict: bool | None = None) -> None:
        """Each problem beside its field. ``strict`` also names what is still empty."""
        if strict is not None:
            self._strict = strict
        shown = [p for p in problems if self._strict or p.code not in MISSING]
        reason = next((p for p in shown if p.field == "reason"), None)
        self.reason.set_problem(reason.message if reason else None)
        self.vitals.show_needed_weight(next((p for p in shown if p.field == _WEIGHT), None))
        own = [p for p in shown if p.field.startswith("diagnoses")]
        of_paper = [p for p in shown if p.field == _PAPER_DIAGNOSES]
        self.diagnoses.show_problems(own or of_paper)
        self.prescription.show_problems(shown)
        self.arrival.show_problems(shown)
        self.closing.show_problems(shown)
        if self._strict:
            self.vitals.check()

    def go_to(self, dotted: str) -> None:
        """Put the person into the field a problem is about; in a signed visit bring it in sight."""
        panel: QWidget = self.complaint
        if dotted == _WEIGHT:
            self.vitals.fields["weight"].editor.setFocus()
            panel = self.vitals
        elif dotted.startswith("vitals"):
            self.vitals.focus_field(dotted)
            panel = self.vitals
        elif dotted in _STORY:
            self.story.field(dotted).editor.setFocus()
            panel = self.story
        elif dotted.startswith("diagnoses") or dotted == _PAPER_DIAGNOSES:
            self.diagnoses.focus_field()
            panel = self.diagnoses
        elif dotted.startswith("procedures"):
            self.orders.focus_field(dotted)
            panel = self.orders
        elif dotted.startswith("prescription."):
            self.prescription.focus_field(dotted)
            panel = self.prescription
        elif dotted.partition(".")[0] in ARRIVAL_FIELDS:
            self.arrival.focus_field(dotted)
            panel = self.arrival
        elif dotted.startswith("appointment.") or dotted in _CLOSING:
            self.closing.focus_field(dotted)
            panel = self.closing
        else:
            self.reason.editor.setFocus()
        now = QApplication.focusWidget()
        if now is None or not panel.isAncestorOf(now):  # its line for typing is hidden
            self.area.ensureWidgetVisible(panel, 0, GAP_M)

    def focus_start(self) -> None:
        """Where work goes on: the first of complaint, vitals, examination that is empty."""
        if not self.reason.value():
            self.reason.editor.setFocus()
        elif not self.vitals.sets(self._session.services.clock.now(), ""):
            self.vitals.focus_first()
        elif not self.story.field("history").value():
            self.story.field("history").editor.setFocus()
        else:
            self.diagnoses.entry.editor.setFocus()


def _placeholder(field: Field, text: str) -> None:
    if isinstance(field, TextField):
        field.text.setPlaceholderText(_(text))
