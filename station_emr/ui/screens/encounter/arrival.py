"""How the visit counts for the insurance: its form, who sent the person, and the stay at the station."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import KEPT_KINDS, Encounter
from station_emr.domain.errors import Problem
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Button,
    ChoiceField,
    Form,
    LineField,
    ParsedField,
    Suggestion,
    TypeaheadField,
    hbox,
    label,
    match_spans,
    vbox,
)
from station_emr.ui.models.moments import parse_moment, show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.progress import MOMENT_WIDTH, ProgressPanel
from station_emr.ui.screens.encounter.visit_lists import VisitLists

ARRIVAL_FIELDS: Final = (
    "care_kind",
    "visit_object",
    "accident",
    "came_from",
    "came_with",
    "preliminary_diagnosis",
    "admitted_at",
    "admission_reason",
    "progress",
)


class ArrivalPanel(QWidget):
    """One line while the visit is an ordinary one; opened, the fields and the notes of a stay."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._lists = VisitLists()
        self._visit: Encounter | None = None
        self._locked = False
        self.summary = label("", "muted", wrap=True)
        self.toggle = Button(_("Sửa phần này"), "arrival.toggle", dense=True)
        self.toggle.setAccessibleName(_("Mở phần tiếp nhận và lưu theo dõi"))
        self.care_kind = ChoiceField()
        self.visit_object = ChoiceField()
        self.accident = ChoiceField(placeholder=_("Không ghi"))
        self.came_from = TypeaheadField(placeholder=_("Tên nơi chuyển đến"), icon="hospital")
        self.came_with = LineField(max_length=50)
        self.preliminary = LineField(
            placeholder=_("Chẩn đoán lúc tiếp nhận, nếu khác"), max_length=1000
        )
        self.form = Form("arrival")
        self.form.add_row(
            ("care_kind", _("Hình thức khám"), self.care_kind),
            ("visit_object", _("Đối tượng đến khám"), self.visit_object),
            ("accident", _("Tai nạn"), self.accident),
        )
        self.form.add_row(
            ("came_from", _("Nơi chuyển đến"), self.came_from),
            ("came_with", _("Số phiếu chuyển, phiếu hẹn"), self.came_with),
            stretch=(2, 1),
        )
        self.form.add("preliminary_diagnosis", _("Chẩn đoán sơ bộ"), self.preliminary)
        self.stay = Form("stay")
        self.admitted = ParsedField[datetime](
            lambda text: parse_moment(text, self._session.services.clock.now()),
            show_moment,
            refusal=_("Ghi giờ, ví dụ 8h25 hoặc 8h25 22/11"),
            placeholder=_("8h25"),
        )
        self.admitted.setMinimumWidth(MOMENT_WIDTH)
        self.stay.add_row(
            ("admitted_at", _("Bắt đầu lưu"), self.admitted),
            ("admission_reason", _("Lý do lưu tại trạm"), LineField(max_length=1000)),
            stretch=(1, 3),
        )
        self.progress = ProgressPanel(session)
        self._stay = QWidget()
        vbox(self.stay, self.progress, gap=GAP_S, parent=self._stay)
        self._inside = QWidget()
        vbox(self.form, self._stay, gap=GAP_S, parent=self._inside)
        title = label(_("Tiếp nhận và lưu theo dõi"), "label")
        head = hbox(title, self.summary, self.toggle, gap=GAP_S)
        head.setStretch(1, 1)
        head.setAlignment(title, Qt.AlignmentFlag.AlignVCenter)
        vbox(head, self._inside, gap=GAP_S, parent=self)
        self._inside.hide()
        self.toggle.clicked.connect(lambda: self.open_up(on=not self._inside.isVisibleTo(self)))
        self.form.changed.connect(lambda _key: self._edited())
        self.stay.changed.connect(lambda _key: self._edited())
        self.progress.changed.connect(self.changed)
        self.came_from.wanted.connect(self._look_up)

    # -- in and out ----------------------------------------------------------------------------

    def fill(self, encounter: Encounter, lists: VisitLists) -> None:
        self._visit, self._lists = encounter, lists
        self.care_kind.set_options(lists.care_kinds)
        self.visit_object.set_options(lists.visit_objects)
        self.accident.set_options((("", _("Không ghi")), *lists.accidents))
        self.form.clear_problems()
        self.stay.clear_problems()
        self.form.set_values(
            {
                "care_kind": encounter.care_kind or None,
                "visit_object": encounter.visit_object or None,
                "accident": encounter.accident,
                "came_with": encounter.came_with,
                "preliminary_diagnosis": encounter.preliminary_diagnosis,
            }
        )
        self.came_from.set_choice(
            encounter.came_from or None, lists.came_from_name or encounter.came_from
        )
        self.stay.set_values(
            {
                "admitted_at": encounter.admitted_at,
                "admission_reason": encounter.admission_reason,
            }
        )
        self.progress.fill(encounter.progress)
        self._show_stay()
        self._summarise()
        self.open_up(on=self._kept())

    def read_into(self, encounter: Encounter) -> Encounter:
        """The visit with what these fields say."""
        return replace(
            encounter,
            care_kind=self._chosen(self.care_kind, encounter.care_kind),
            visit_object=self._chosen(self.visit_object, encounter.visit_object),
            accident=str(self.accident.value() or ""),
            came_from=str(self.came_from.value() or ""),
            came_with=self.came_with.value(),
            preliminary_diagnosis=self.preliminary.value(),
            admitted_at=self.admitted.value(),
            admission_reason=str(self.stay.field("admission_reason").value() or ""),
            progress=self.progress.notes,
        )

    @staticmethod
    def _chosen(field: ChoiceField, before: str) -> str:
        """A code that the list of today lacks stays as it was written."""
        return str(field.value() or before)

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only
        self.form.set_read_only(read_only)
        self.stay.set_read_only(read_only)
        self.progress.set_read_only(read_only)
        self._word_toggle()

    def show_problems(self, problems: Iterable[Problem]) -> None:
        found = [p for p in problems if p.field.partition(".")[0] in ARRIVAL_FIELDS]
        by_field = {p.field: p.message for p in found}
        for form in (self.form, self.stay):
            for key in form.keys:
                form.field(key).set_problem(by_field.get(key))
        self.progress.show_problems(found)
        if found:
            self.open_up(on=True)

    def focus_field(self, dotted: str) -> None:
        self.open_up(on=True)
        if dotted.startswith("progress"):
            self.progress.focus_field(dotted)
        elif dotted in self.stay.keys:
            self.stay.field(dotted).editor.setFocus()
        else:
            self.form.field(dotted if dotted in self.form.keys else "care_kind").editor.setFocus()

    # -- showing -------------------------------------------------------------------------------

    def open_up(self, *, on: bool) -> None:
        self._inside.setVisible(on)
        self._word_toggle()

    def _word_toggle(self) -> None:
        shown = self._inside.isVisibleTo(self)
        opening = _("Xem phần này") if self._locked else _("Sửa phần này")
        self.toggle.setText(_("Thu gọn") if shown else opening)

    def _kept(self) -> bool:
        return str(self.care_kind.value() or "") in KEPT_KINDS or bool(self.progress.notes)

    def _show_stay(self) -> None:
        self._stay.setVisible(self._kept() or self.admitted.value() is not None)

    def _edited(self) -> None:
        if self._kept() and self.admitted.value() is None and not self._locked:
            self.admitted.set_value(self._session.services.clock.now())
        self._show_stay()
        self._summarise()
        self.changed.emit()

    def _summarise(self) -> None:
        parts = [
            name
            for field, options in (
                (self.care_kind, self._lists.care_kinds),
                (self.visit_object, self._lists.visit_objects),
                (self.accident, self._lists.accidents),
            )
            if (name := dict(options).get(str(field.value() or "")))
        ]
        if self.came_from.value():
            parts.append(_("từ {name}").format(name=self.came_from.text()))
        self.summary.setText(" · ".join(parts))

    # -- facilities ----------------------------------------------------------------------------

    def _look_up(self, text: str) -> None:
        catalogs = self._session.services.catalogs
        self._session.ask(
            lambda: catalogs.search(CatalogKind.FACILITY, text, 8),
            lambda hits: self.came_from.set_results(
                [
                    Suggestion(
                        title=hit.row.name,
                        payload=hit.row.code,
                        trailing=hit.row.code,
                        matches=match_spans(hit.row.name, text),
                    )
                    for hit in hits
                ],
                text,
            ),
            owner=self,
            latest="encounter.came_from",
        )
