"""The list of people: today's visitors first, then whoever answers what is typed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.birth import age_text
from station_emr.domain.permissions import Action
from station_emr.domain.scan import (
    CitizenCardScan,
    ForeignScan,
    InsuranceCardScan,
    LetterScan,
    NumberScan,
)
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Column,
    EmptyState,
    InputFrame,
    Table,
    bare_line,
    hbox,
    label,
    masked,
    named,
    secondary,
    theme,
    vbox,
)
from station_emr.ui.models.session import Session

from .facts import Person, person_of, phone_words, visitor_of

_DEBOUNCE_MS: Final = 70
_ROWS: Final = 60
_DAYS_BACK: Final = 7
_CODE_LENGTH: Final = 9
_ONLY_TODAY: Final = (5,)  # why the person came
_ONLY_FOUND: Final = (6, 7)  # phone and card, which the queue does not carry


class Finder(QWidget):
    """``opened(patient_id)``, ``new_wanted(name, scan)`` and ``refused(sentence)``."""

    opened = Signal(str)
    new_wanted = Signal(str, object)
    refused = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        spoken = _("Tìm theo tên, số thẻ, điện thoại hoặc mã người bệnh")
        self.line = named(bare_line(), "patients.search", spoken)
        self.line.setPlaceholderText(spoken)
        self.line.setMaxLength(1000)
        self.line.setClearButtonEnabled(False)
        frame = InputFrame(self.line, icon="magnifying-glass")
        self.caption = label("", "muted")
        self.add = secondary(_("Tiếp đón người mới"), "patients.new")
        if not session.may(Action.PATIENT_EDIT):
            self.add.hide()
        self.empty = EmptyState("users-three", "")
        self.table: Table[Person] = Table(
            "patients.list", _("Danh sách người bệnh"), self._columns(), empty=self.empty
        )
        top = hbox(frame, self.add, gap=theme.GAP_M)
        top.setStretch(0, 1)
        column = vbox(top, self.caption, self.table, parent=self)
        column.setStretch(2, 1)
        self.setFocusProxy(self.line)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE_MS)
        self._timer.timeout.connect(self.refresh)
        self._shown_for: str | None = None
        self._enter_waits = False
        self.line.textEdited.connect(self._typed)
        self.line.installEventFilter(self)
        self.table.installEventFilter(self)
        self.table.opened.connect(lambda person: self.opened.emit(person.id))
        self.add.clicked.connect(self._add_new)

    def _columns(self) -> list[Column[Person]]:
        today = self._session.services.catalogs.today
        return [
            Column(title=_("Họ và tên"), text=lambda p: p.full_name, strong=True, width=220),
            Column(title=_("Giới"), text=lambda p: p.sex.label, width=60),
            Column(
                title=_("Tuổi"),
                text=lambda p: age_text(p.birth, today()),
                sort=lambda p: p.birth,
                width=90,
            ),
            Column(
                title=_("Ngày sinh"),
                text=lambda p: p.birth.display(),
                sort=lambda p: p.birth,
                width=100,
            ),
            Column(title=_("Nơi ở"), text=lambda p: p.place, stretch=True),
            Column(title=_("Lý do đến khám"), text=lambda p: p.note, width=280),
            Column(title=_("Điện thoại"), text=lambda p: phone_words(p.phone), width=120),
            Column(title=_("Thẻ BHYT"), text=lambda p: masked(p.insurance), width=90, muted=True),
            Column(
                title=_("Khám gần nhất"),
                text=lambda p: _day(p.last_visit, today()),
                sort=lambda p: p.last_visit or date.min,
                width=120,
            ),
        ]

    # -- asking --------------------------------------------------------------------------------

    def _typed(self) -> None:
        self._enter_waits = False
        self._timer.start()

    def refresh(self) -> None:
        """Ask again for what stands in the field."""
        text = self.line.text().strip()
        session = self._session

        def read() -> tuple[str, tuple[Person, ...]]:
            if text:
                rows = session.services.patients.search(session.actor, text, _ROWS)
                return "", tuple(person_of(row) for row in rows)
            return _recent(session)

        session.ask(
            read, lambda found: self._show(text, *found), owner=self, latest="patients.list"
        )

    def _show(self, text: str, caption: str, people: tuple[Person, ...]) -> None:
        self._shown_for = text
        if text:
            count = f"{len(people)}+" if len(people) >= _ROWS else str(len(people))
            caption = _("{count} người").format(count=count) if people else ""
        self.caption.setText(caption)
        for column in _ONLY_TODAY:
            self.table.setColumnHidden(column, bool(text))
        for column in _ONLY_FOUND:
            self.table.setColumnHidden(column, not text)
        self.table.set_rows(people)
        if people and self.table.current() is None:
            self.table.choose_first()
        self._say_empty(text)
        if self._enter_waits and text == self.line.text().strip():
            self._enter_waits = False
            self._open_first()

    def _say_empty(self, text: str) -> None:
        if text:
            self.empty.set_text(
                _("Không thấy ai khớp với “{text}”").format(text=text[:40]),
                _("Thử gõ ít chữ hơn, gõ không dấu, hoặc tiếp đón người mới."),
            )
        else:
            self.empty.set_text(
                _("Chưa có ai đến khám trong tuần này"),
                _("Gõ tên, số thẻ hoặc số điện thoại ở ô trên để tìm người đã có hồ sơ."),
            )

    # -- keys ----------------------------------------------------------------------------------

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if watched is self.line:
            return self._line_key(event)
        up = event.key() == Qt.Key.Key_Up and self.table.currentIndex().row() <= 0
        if up:
            self.line.setFocus()
        return up

    def _line_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key == Qt.Key.Key_Down and self.table.rows:
            if self.table.current() is None:
                self.table.choose_first()
            self.table.setFocus()
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not _with_control(event):
            self._enter()
            return True
        if key == Qt.Key.Key_Escape and self.line.text():
            self.line.clear()
            self.refresh()
            return True
        return False

    def _enter(self) -> None:
        text = self.line.text().strip()
        if self._is_code(text):
            self.take_code(text)
        elif self._shown_for == text:
            self._open_first()
        else:
            self._enter_waits = True
            self._timer.stop()
            self.refresh()

    def _open_first(self) -> None:
        person = self.table.current() or next(iter(self.table.rows), None)
        if person is not None:
            self.opened.emit(person.id)

    @staticmethod
    def _is_code(text: str) -> bool:
        digits = sum(letter.isdigit() for letter in text)
        return "|" in text or (digits >= _CODE_LENGTH and len(text.split()) <= 6)

    def take_code(self, text: str) -> None:
        """A whole card or number: open the one person it names, or offer to take them in."""
        session = self._session
        scan = session.services.scan(text)
        if isinstance(scan, ForeignScan):
            self.refused.emit(scan.message)
            return
        if isinstance(scan, LetterScan):
            self.refused.emit(_("Đây là mã của phiếu chuyển, không phải thẻ của người bệnh."))
            return
        number = _number_of(scan)

        def answer(people: tuple[Person, ...]) -> None:
            if len(people) == 1:
                self.line.clear()
                self.opened.emit(people[0].id)
            elif people:
                self._show(text, "", people)
                self.table.setFocus()
            elif session.may(Action.PATIENT_EDIT):
                self.line.clear()
                self.new_wanted.emit("", scan)
            else:
                self._show(text, "", ())

        session.ask(
            lambda: tuple(
                person_of(row) for row in session.services.patients.by_number(session.actor, number)
            ),
            answer,
            owner=self,
            latest="patients.list",
        )

    def _add_new(self) -> None:
        text = self.line.text().strip()
        name = text if text and not any(letter.isdigit() for letter in text) else ""
        self.line.clear()
        self.new_wanted.emit(name, None)


def _number_of(scan: CitizenCardScan | InsuranceCardScan | NumberScan) -> str:
    if isinstance(scan, CitizenCardScan):
        return scan.national_id
    return scan.number if isinstance(scan, InsuranceCardScan) else scan.value


def _recent(session: Session) -> tuple[str, tuple[Person, ...]]:
    """The people of today, else of the last day somebody came. Runs off the GUI thread."""
    today = session.services.catalogs.today()
    for back in range(_DAYS_BACK):
        day = today - timedelta(days=back)
        rows = session.services.encounters.queue(session.actor, day)
        if rows:
            latest = sorted(rows, key=lambda row: row.arrived_at, reverse=True)
            people = dict.fromkeys(visitor_of(row) for row in latest)
            words = _("Đến khám hôm nay, mới nhất trước")
            if back:
                words = _("Đến khám ngày {day:%d/%m}, mới nhất trước").format(day=day)
            return words, tuple(people)
    return "", ()


def _with_control(event: QKeyEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)


def _day(day: date | None, today: date) -> str:
    if day is None:
        return ""
    return _("hôm nay") if day == today else f"{day:%d/%m/%Y}"
