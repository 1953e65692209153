"""Notes on a person kept at the station: when, how they are, what was decided and done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.encounter import ProgressNote
from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    GAP_XS,
    Button,
    Form,
    LineField,
    ParsedField,
    TextField,
    clear,
    hbox,
    icon_button,
    label,
    vbox,
)
from station_emr.ui.models.moments import parse_moment, show_moment
from station_emr.ui.models.session import Session

MOMENT_WIDTH: Final = 156  # hour, day and year beside one another


class NoteRow(QWidget):
    """One note, its writer named beneath."""

    changed = Signal()
    removed = Signal()

    def __init__(self, session: Session, note: ProgressNote, place: int) -> None:
        super().__init__()
        self._note = note
        self.at = ParsedField[datetime](
            lambda text: parse_moment(text, session.services.clock.now()),
            show_moment,
            refusal=_("Ghi giờ, ví dụ 8h25 hoặc 8h25 22/11"),
        )
        self.at.setMinimumWidth(MOMENT_WIDTH)
        self.form = Form(f"progress.{place}")
        self.form.add_row(
            ("at", _("Giờ"), self.at),
            ("text", _("Diễn biến"), TextField(least=1, most=5)),
            stretch=(1, 4),
        )
        self.form.add_row(
            ("consultation", _("Hội chẩn"), LineField(placeholder=_("Không ghi"))),
            ("procedure", _("Thủ thuật"), LineField(placeholder=_("Không ghi"))),
        )
        self.form.set_values(
            {
                "at": note.at,
                "text": note.text,
                "consultation": note.consultation,
                "procedure": note.procedure,
            }
        )
        self.drop = icon_button("x", f"progress.{place}.remove", _("Bỏ lần ghi này"))
        who = label(_("Người ghi: {name}").format(name=note.written_by or _("chưa rõ")), "muted")
        foot = hbox(who, None, self.drop, gap=GAP_S)
        vbox(self.form, foot, gap=GAP_XS, parent=self)
        self.form.changed.connect(lambda _key: self.changed.emit())
        self.drop.clicked.connect(self.removed)

    @property
    def note(self) -> ProgressNote:
        """A time that is not understood yet leaves the one before."""
        return replace(
            self._note,
            at=self.at.value() or self._note.at,
            text=str(self.form.field("text").value() or ""),
            consultation=str(self.form.field("consultation").value() or ""),
            procedure=str(self.form.field("procedure").value() or ""),
        )

    def set_read_only(self, read_only: bool) -> None:
        self.form.set_read_only(read_only)
        self.drop.setVisible(not read_only)


class ProgressPanel(QWidget):
    """All notes in the order written, and a button for one more."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._locked = False
        self.rows: list[NoteRow] = []
        self._list = vbox(gap=GAP_S)
        self.more = Button(_("Ghi thêm diễn biến"), "progress.add", icon="plus", dense=True)
        self.more.clicked.connect(self.add_now)
        vbox(self._list, hbox(self.more, None, gap=GAP_S), gap=GAP_S, parent=self)

    @property
    def notes(self) -> tuple[ProgressNote, ...]:
        return tuple(row.note for row in self.rows)

    def fill(self, notes: Iterable[ProgressNote]) -> None:
        clear(self._list)
        self.rows = []
        for note in notes:
            self._add(note)

    def add_now(self) -> None:
        """A new note of this moment by the person at the screen."""
        user = self._session.actor.user
        row = self._add(
            ProgressNote(
                at=self._session.services.clock.now(),
                text="",
                written_by=user.snapshot.printed_name,
                licence_no=user.snapshot.licence_no,
            )
        )
        row.form.field("text").editor.setFocus()
        self.changed.emit()

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only
        self.more.setVisible(not read_only)
        for row in self.rows:
            row.set_read_only(read_only)

    def show_problems(self, problems: Iterable[Problem]) -> None:
        by_field = {p.field: p.message for p in problems}
        for place, row in enumerate(self.rows):
            row.form.field("text").set_problem(by_field.get(f"progress.{place}"))

    def focus_field(self, dotted: str) -> None:
        place = dotted.partition(".")[2]
        if place.isdigit() and int(place) < len(self.rows):
            self.rows[int(place)].form.field("text").editor.setFocus()
        else:
            self.more.setFocus()

    def _add(self, note: ProgressNote) -> NoteRow:
        row = NoteRow(self._session, note, len(self.rows))
        row.set_read_only(self._locked)
        row.changed.connect(self.changed)
        row.removed.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._list.addWidget(row)
        return row

    def _remove(self, row: NoteRow) -> None:
        self.rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.more.setFocus()
        self.changed.emit()
