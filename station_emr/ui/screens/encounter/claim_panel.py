"""What the insurance would refuse of this visit, said while there is time to mend it.

The visit is looked through in the background whenever it was kept; typing never waits for it.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget
from typing_extensions import override

from station_emr.domain.claim import ClaimPlace
from station_emr.domain.errors import StationError
from station_emr.domain.record import Changes
from station_emr.services.claim_checks import ClaimFault, VisitCheck
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    GAP_XS,
    Button,
    ButtonKind,
    Card,
    IconLabel,
    Severity,
    clear,
    hbox,
    label,
    named,
    scrolled,
    theme,
    vbox,
)
from station_emr.ui.kit.tips import plain_tip
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.outcome import WIDTH

KEY: Final = "Alt+Z"
AFTER_MS: Final = 400
_TALLEST: Final = 176


class FaultRow(QFrame):
    """One fault; Enter, Space or a click goes to where it is mended."""

    chosen = Signal(object)

    def __init__(self, fault: ClaimFault, name: str) -> None:
        super().__init__()
        self.fault = fault
        severity = Severity.DANGER if fault.blocks else Severity.WARNING
        text = fault.title if fault.count == 1 else f"{fault.title} ({fault.count})"
        words = f"{fault.finding.message}\n{fault.finding.remedy}"
        named(self, name, f"{fault.finding.severity.label}: {words}")
        self.setToolTip(plain_tip(words))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        title = label(text, "dense", wrap=True)
        row = hbox(
            IconLabel(severity.icon, severity.value), title, gap=GAP_XS, margin=2, parent=self
        )
        row.setAlignment(Qt.AlignmentFlag.AlignTop)
        row.setStretch(1, 1)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.fault)
            return
        super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self.fault)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            theme.paint_focus(painter, self.rect())
            painter.end()


class ClaimPanel(Card):
    """One line that counts, and under it the list when it is opened. ``wanted(ClaimPlace)`` asks to go
    where a fault is mended, ``told(str)`` says what it is.
    """

    wanted = Signal(object)
    told = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__(margin=GAP_S)
        self.setFixedWidth(WIDTH)
        self._session = session
        self._encounter_id = ""
        self.check: VisitCheck | None = None
        self.summary = Button(
            _("Kiểm tra BHYT"), "encounter.claim", kind=ButtonKind.QUIET, key_text=KEY, dense=True
        )
        self.summary.clicked.connect(self._turn)
        self._inside = QWidget()
        self._rows = vbox(gap=2, parent=self._inside)
        self._list = scrolled(self._inside)
        self._list.setMaximumHeight(_TALLEST)
        self.add(self.summary)
        self.add(self._list)
        self._open = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AFTER_MS)
        self._soon.timeout.connect(self.look)
        session.changed.connect(self._news)
        self._show()

    def follow(self, encounter_id: str) -> None:
        """Look through this visit from now on; an empty id follows none."""
        if encounter_id != self._encounter_id:
            self.check = None
            self._show()
        self._encounter_id = encounter_id
        self.look()

    def look(self) -> None:
        """In the background, now; an older look that is under way is dropped."""
        self._soon.stop()
        visit = self._encounter_id
        if not visit:
            return
        services, actor = self._session.services, self._session.actor
        self._session.ask(
            lambda: services.claim_checks.of_visit(actor, visit),
            self._found,
            owner=self,
            failed=self._not_found,
            latest="encounter.claim",
        )

    def begin(self) -> None:
        """Open the list and put the person on its first row."""
        if self.check is None or not self.check.faults:
            self.summary.setFocus()
            return
        self._set_open(on=True)
        first = self._row(0)
        if first is not None:
            first.setFocus()

    @property
    def lines(self) -> tuple[str, ...]:
        """The titles as they stand, for reading aloud and for tests."""
        rows = (self._row(place) for place in range(self._rows.count()))
        return tuple(row.fault.title for row in rows if row is not None)

    def _row(self, place: int) -> FaultRow | None:
        item = self._rows.itemAt(place)
        widget = item.widget() if item is not None else None
        return widget if isinstance(widget, FaultRow) else None

    def _news(self, changes: Changes) -> None:
        """Something was kept, mostly this visit, its bill or its papers: look again when it rests."""
        host = self.parentWidget()
        if self._encounter_id and changes.items and host is not None and host.isVisible():
            self._soon.start()

    def _found(self, check: VisitCheck) -> None:
        if check.encounter_id != self._encounter_id or check == self.check:
            return
        self.check = check
        self._show()

    def _not_found(self, _error: StationError) -> None:
        """Restricted, or gone meanwhile: the page itself says so."""
        self.check = None
        self._show()

    def _turn(self) -> None:
        self._set_open(on=not self._open)

    def _set_open(self, *, on: bool) -> None:
        self._open = on
        self._list.setVisible(on and bool(self.lines))

    def _show(self) -> None:
        check = self.check
        self.setVisible(check is not None and check.insured)
        clear(self._rows)
        if check is not None:
            for place, fault in enumerate(check.faults):
                row = FaultRow(fault, f"encounter.claim.{place}")
                row.chosen.connect(self._chosen)
                self._rows.addWidget(row)
            if not check.billed:
                words = _("Chưa có bảng kê: tiền được kiểm tra khi lập xong.")
                self._rows.addWidget(label(words, "muted", wrap=True))
            self._rows.addStretch(1)
        self.summary.set_label(summary_text(check))
        self._set_open(on=self._open)

    def _chosen(self, fault: ClaimFault) -> None:
        self.told.emit(f"{fault.finding.message} {fault.finding.remedy}")
        place: ClaimPlace = fault.finding.place
        self.wanted.emit(place)


def summary_text(check: VisitCheck | None) -> str:
    """The one line: how many must be mended, how many are worth a look."""
    if check is None:
        return _("Kiểm tra BHYT")
    parts = []
    if check.errors:
        parts.append(_("{n} lỗi").format(n=check.errors))
    if check.reminders:
        parts.append(_("{n} nhắc").format(n=check.reminders))
    return _("Kiểm tra BHYT: {what}").format(what=", ".join(parts) or _("không có lỗi"))
