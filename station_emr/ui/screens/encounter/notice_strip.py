"""Says at once that what was coded is an infectious disease that must be told of, and by when."""

from __future__ import annotations

from datetime import datetime, timedelta

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.encounter import Encounter
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.i18n import _
from station_emr.services.ports import Stored
from station_emr.ui.kit import (
    GAP_S,
    GAP_XS,
    Button,
    ButtonKind,
    IconLabel,
    Severity,
    hbox,
    label,
    named,
    vbox,
)
from station_emr.ui.models.session import Session

Kept = tuple[Stored[CommunicableDiseaseNotification], ...]


class NoticeStrip(QWidget):
    """``wanted(encounter_id, notification_id)`` asks for the notice; the id is empty for a new one.

    It follows what is typed: the code is enough, nothing has to be saved or signed first.
    """

    wanted = Signal(str, str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        named(self, "encounter.notice")
        self._session = session
        self._encounter: Encounter | None = None
        self._kept: Kept = ()
        self._icon = IconLabel(Severity.DANGER.icon, Severity.DANGER.value)
        self.words = label("", "strong", wrap=True)
        head = hbox(self._icon, self.words, gap=GAP_XS)
        head.setStretch(1, 1)
        self.button = Button(
            _("Báo bệnh truyền nhiễm"), "encounter.notice.open", kind=ButtonKind.DANGER
        )
        self.button.clicked.connect(self._open)
        column = vbox(head, self.button, gap=GAP_S, parent=self)
        column.setContentsMargins(0, 0, 0, GAP_S)
        session.changed.connect(self._news)
        self.hide()

    def follow(self, encounter: Encounter) -> None:
        """The visit as it stands in the form."""
        new = self._encounter is None or self._encounter.id != encounter.id
        self._encounter = encounter
        if new:
            self._kept = ()
            self._ask()
        self._show()

    def _news(self, changes: Changes) -> None:
        if changes.touches(RecordKind.NOTIFICATION):
            self._ask()

    def _ask(self) -> None:
        visit, session = self._encounter, self._session
        if visit is None:
            return
        session.ask(
            lambda: session.services.notifications.of_encounter(session.actor, visit.id),
            self._take,
            owner=self,
            failed=lambda _error: None,  # who may not see the visit is told by the page itself
            latest="encounter.notices",
        )

    def _take(self, kept: Kept) -> None:
        self._kept = kept
        self._show()

    def _show(self) -> None:
        visit = self._encounter
        if visit is None:
            self.hide()
            return
        needed = self._session.services.notifications.needed(visit.diagnoses)
        told = {one.record.disease_code for one in self._kept if one.record.reported_at}
        open_ones = [one for one in needed if one.code not in told]
        self.setVisible(bool(open_ones))
        if not open_ones:
            return
        now = self._session.services.clock.now()
        due = visit.arrived_at + timedelta(hours=min(one.hours for one in open_ones))
        names = ", ".join(_(one.name) for one in open_ones)
        late = due < now
        self.words.setText(
            _("{disease}: đã quá hạn báo từ {when}").format(disease=names, when=_when(due, now))
            if late
            else _("{disease}: phải báo trước {when}").format(disease=names, when=_when(due, now))
        )
        kept = {one.record.disease_code for one in self._kept}
        begun = all(one.code in kept for one in open_ones)
        self.button.set_label(_("Mở phiếu báo") if begun else _("Báo bệnh truyền nhiễm"))

    def _open(self) -> None:
        visit = self._encounter
        if visit is None:
            return
        needed = self._session.services.notifications.needed(visit.diagnoses)
        kept = {one.record.disease_code: one.record.id for one in self._kept}
        fresh = any(one.code not in kept for one in needed)
        found = "" if fresh else next((kept[one.code] for one in needed), "")
        self.wanted.emit(visit.id, found)


def _when(due: datetime, now: datetime) -> str:
    return f"{due:%H:%M}" if due.date() == now.date() else f"{due:%H:%M %d/%m}"
