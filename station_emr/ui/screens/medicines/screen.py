"""The list at the medicine window: who waits, what to give, and that it was given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.birth import age_text
from station_emr.domain.encounter import Stage
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import Prescription, PrescriptionLine, quantity_text
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.services.i18n import _
from station_emr.services.views import QueueRow
from station_emr.ui.kit import (
    Card,
    Chip,
    ChipRow,
    ChipSpec,
    Column,
    EmptyState,
    Message,
    Screen,
    Severity,
    Shortcut,
    Table,
    clear,
    hbox,
    label,
    primary,
    rule,
    scrolled,
    secondary,
    theme,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

_EACH_MINUTE = 60_000
_SHOWN = (RecordKind.ENCOUNTER, RecordKind.PRESCRIPTION, RecordKind.PATIENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One who waits, with the signed prescription if there is one."""

    row: QueueRow
    prescription: Prescription | None
    signed: bool


class MedicinesScreen(Screen):
    """Left the people, right the lines of the one chosen. Space or Enter says it was given."""

    def __init__(self, session: Session) -> None:
        super().__init__("medicines")
        self._session = session
        self._people: tuple[Person, ...] = ()
        self._now: datetime = session.services.clock.now()
        self.give = primary(_("Đã cấp thuốc"), "medicines.give", Shortcut.NEXT)
        self.paper = secondary(_("Xem đơn"), "medicines.paper", Shortcut.PRINT)
        self.header = self.add_header(_("Chờ thuốc"), "", self.paper, self.give)
        self.give.clicked.connect(self._give)
        self.paper.clicked.connect(self._show_paper)
        self.table: Table[Person] = Table("medicines.people", _("Người chờ thuốc"), self._columns())
        self.table.opened.connect(lambda _person: self._give())
        self.table.picked.connect(lambda _person: self._show_lines())
        self.sheet = Card()
        self._lines = vbox(gap=theme.GAP_S)
        holder = QWidget()
        holder.setLayout(self._lines)
        self.sheet.add(scrolled(holder), 1)
        board = QWidget()
        row = hbox(self.table, self.sheet, gap=theme.GAP_M, parent=board)
        row.setStretch(0, 3)
        row.setStretch(1, 4)
        self.empty = EmptyState(
            "pill",
            _("Không có ai chờ thuốc"),
            _("Khi đơn thuốc được ký, người bệnh hiện ở đây cùng các thuốc cần cấp."),
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(board)
        self._stack.addWidget(self.empty)
        self._stack.setCurrentIndex(1)
        self.page.addWidget(self._stack, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(_EACH_MINUTE)
        self._timer.timeout.connect(self.refresh)
        session.changed.connect(self._changed)
        self._show_lines()

    def _columns(self) -> list[Column[Person]]:
        return [
            Column(title=_("Họ và tên"), text=lambda p: p.row.full_name, stretch=True, strong=True),
            Column(
                title=_("Tuổi"),
                text=lambda p: age_text(p.row.birth, self._now.date()),
                sort=lambda p: p.row.birth.to_iso(),
                width=80,
            ),
            Column(
                title=_("Thuốc"),
                text=lambda p: str(p.row.drug_count),
                sort=lambda p: p.row.drug_count,
                width=70,
                numeric=True,
                spare=1,
            ),
            Column(
                title=_("Chờ"),
                text=lambda p: _waiting(p.row, self._now),
                sort=lambda p: p.row.ended_at or p.row.arrived_at,
                width=90,
            ),
        ]

    # -- reading -------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self.refresh()
        self._timer.start()
        self.table.setFocus()

    @override
    def on_leave(self) -> bool:
        self._timer.stop()
        return True

    def refresh(self) -> None:
        self._session.ask(self._read, self._take, owner=self, latest="medicines")

    def _read(self) -> tuple[Person, ...]:
        services, actor = self._session.services, self._session.actor
        waiting = [
            row for row in services.encounters.queue(actor) if row.stage is Stage.AWAITING_MEDICINE
        ]
        people = []
        for row in sorted(waiting, key=lambda row: row.ended_at or row.arrived_at):
            stored = services.prescriptions.of_encounter(actor, row.encounter_id)
            usable = stored is not None and stored.status is not RecordStatus.VOIDED
            people.append(
                Person(
                    row=row,
                    prescription=stored.record if stored is not None and usable else None,
                    signed=stored is not None and usable and stored.status.is_final,
                )
            )
        return tuple(people)

    def _take(self, people: tuple[Person, ...]) -> None:
        self._now = self._session.services.clock.now()
        kept = self._current()
        self._people = people
        self.table.set_rows(people)
        self.header.set_title(
            _("Chờ thuốc"), _("{count} người").format(count=len(people)) if people else ""
        )
        self._stack.setCurrentIndex(0 if people else 1)
        if people:
            ids = [person.row.encounter_id for person in people]
            place = ids.index(kept.row.encounter_id) if kept and kept.row.encounter_id in ids else 0
            self.table.choose(people[place])
        self._show_lines()

    def _changed(self, changes: Changes) -> None:
        if changes.touches(*_SHOWN):
            self.refresh()

    # -- showing -------------------------------------------------------------------------------

    def _current(self) -> Person | None:
        return self.table.current()

    def _show_lines(self) -> None:
        clear(self._lines)
        person = self._current()
        able = self._session.may(Action.DISPENSE) or self._session.may(Action.VITALS_RECORD)
        self.give.setEnabled(person is not None and able)
        self.paper.setEnabled(person is not None and person.signed)
        if person is None:
            return
        row = person.row
        self._lines.addWidget(label(row.full_name, "title", wrap=True))
        facts = f"{row.sex.label}, {age_text(row.birth, self._now.date())} · {row.address_line}"
        self._lines.addWidget(label(facts, "muted", wrap=True))
        chips = []
        if row.allergies:
            chips.append(ChipSpec(_("Dị ứng {what}").format(what=row.allergies), Severity.DANGER))
        if person.prescription is None:
            chips.append(ChipSpec(_("Không có đơn thuốc"), Severity.NEUTRAL))
        elif not person.signed:
            chips.append(ChipSpec(_("Đơn chưa ký, chưa được cấp"), Severity.WARNING))
        if chips:
            self._lines.addWidget(ChipRow(chips))
        for line in person.prescription.lines if person.prescription else ():
            self._lines.addWidget(rule())
            self._add_line(line)
        if person.prescription and person.prescription.advice:
            self._lines.addWidget(rule())
            advice = _("Lời dặn: {text}").format(text=person.prescription.advice)
            self._lines.addWidget(label(advice, "body", wrap=True))
        self._lines.addStretch(1)

    def _add_line(self, line: PrescriptionLine) -> None:
        amount = Chip(f"{quantity_text(line)} {line.unit}")
        head = hbox(label(line.label, "strong", wrap=True), amount)
        head.setStretch(0, 1)
        self._lines.addLayout(head)
        self._lines.addWidget(label(line.sentence, "muted", wrap=True))

    # -- acting --------------------------------------------------------------------------------

    def _give(self) -> None:
        person = self._current()
        if person is None or not self.give.isEnabled():
            return
        if person.prescription is not None and not person.signed:
            self.say(_("Đơn thuốc chưa ký nên chưa cấp được thuốc."), Severity.WARNING)
            return
        session, row = self._session, person.row

        def put(stage: Stage) -> Changes:
            return session.services.encounters.set_stage(session.actor, row.encounter_id, stage)

        def undo() -> None:
            session.command(lambda: put(Stage.AWAITING_MEDICINE))

        def given(_changes: Changes) -> None:
            self.message.emit(
                Message(
                    text=_("{name} đã nhận thuốc.").format(name=row.full_name),
                    severity=Severity.SUCCESS,
                    action_text=_("Hoàn tác"),
                    action=undo,
                )
            )

        session.command(lambda: put(Stage.FINISHED), done=given, failed=self._refused, owner=self)

    def _refused(self, error: StationError) -> None:
        self.say(str(error), Severity.WARNING)
        self.refresh()

    def _show_paper(self) -> None:
        person = self._current()
        if person is not None and person.prescription is not None:
            self.go(
                routes.PREVIEW,
                routes.PreviewRoute(RecordKind.PRESCRIPTION, person.prescription.id),
            )

    @override
    def print_action(self) -> bool:
        self._show_paper()
        return self.paper.isEnabled()


def _waiting(row: QueueRow, now: datetime) -> str:
    minutes = max(0, int((now - (row.ended_at or row.arrived_at)).total_seconds() // 60))
    if minutes < 60:
        return _("{minutes} phút").format(minutes=minutes)
    return _("{hours} giờ {minutes:02d}").format(hours=minutes // 60, minutes=minutes % 60)
