"""The person at the left: who they are and what must not be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.domain.patient import Patient
from station_emr.domain.record import VersionInfo
from station_emr.services.desk_views import ConflictRow
from station_emr.services.i18n import _
from station_emr.services.patients import PatientCard
from station_emr.ui.kit import (
    Card,
    ChipRow,
    clear,
    hbox,
    icon_button,
    label,
    quiet,
    scrolled,
    theme,
    vbox,
)
from station_emr.ui.models.card_line import CardLine
from station_emr.ui.models.deciding import allergies_open

from .facts import (
    allergy_chips,
    condition_lines,
    coverage_chip,
    initials,
    number_words,
    phone_words,
    undecided_chip,
    who,
)

_AVATAR: Final = 44


class Avatar(QWidget):
    """A circle with two letters; stations keep no photographs."""

    def __init__(self) -> None:
        super().__init__()
        self._letters = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_name(self, name: str) -> None:
        self._letters = initials(name)
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(_AVATAR, _AVATAR)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.primary_soft))
        circle = QRect(0, 0, _AVATAR, _AVATAR)
        painter.drawEllipse(circle)
        painter.setPen(QColor(t.primary_text))
        painter.setFont(theme.font(theme.TITLE_PT, 600))
        painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, self._letters)
        painter.end()


class Face(Card):
    """The card of one person. Numbers stay hidden until the eye is pressed."""

    def __init__(self, card_line: CardLine) -> None:
        super().__init__(margin=0)
        self.card_line = card_line
        self._card: PatientCard | None = None
        self._today = date.min
        self._revealed = False
        self.avatar = Avatar()
        self.name = label("", "title", wrap=True, selectable=True)
        self.who = label("", "muted", wrap=True)
        self.allergies = ChipRow()
        self.eye = icon_button("eye", "patients.reveal", _("Hiện đủ số thẻ"))
        self.eye.clicked.connect(self._toggle)
        self._coverage = QVBoxLayout()
        self._facts = QVBoxLayout()
        self._facts.setSpacing(theme.GAP_S)
        self._numbers: list[tuple[QLabel, str]] = []
        self._card_row = hbox(label(_("Thẻ BHYT"), "label"), None, self.eye)
        self.history = quiet(_("Lịch sử sửa đổi"), "patients.history", "clock-counter-clockwise")
        self.history.setCheckable(True)
        self.history.toggled.connect(self._show_history)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(theme.GAP_XS)
        self.versions = quiet(
            _("Xem và so các phiên bản"), "patients.versions", "clock-counter-clockwise"
        )
        self._history_box = QWidget()
        vbox(self._lines, hbox(self.versions, None), parent=self._history_box)
        self._history_box.hide()
        names = vbox(self.name, self.who, gap=2)
        top = hbox(self.avatar, names, gap=theme.GAP_M)
        top.setStretch(1, 1)
        top.setAlignment(self.avatar, Qt.AlignmentFlag.AlignTop)
        inside = QWidget()
        vbox(
            top,
            self.allergies,
            vbox(self._card_row, self._coverage, card_line, gap=0),
            self._facts,
            hbox(self.history, None),
            self._history_box,
            None,
            gap=theme.GAP_M,
            margin=theme.GAP_M,
            parent=inside,
        )
        self.add(scrolled(inside))

    def show_card(
        self, card: PatientCard, today: date, open_rows: Sequence[ConflictRow] = ()
    ) -> None:
        same = self._card is not None and self._card.patient.id == card.patient.id
        self._card, self._today = card, today
        self._revealed = self._revealed and same
        self.avatar.set_name(card.patient.full_name)
        self.name.setText(card.patient.full_name)
        self.who.setText(who(card.patient, today))
        chips = allergy_chips(card.patient)
        undecided = (undecided_chip(),) if allergies_open(open_rows) else ()
        self.allergies.set_chips((*chips, *undecided))
        self.card_line.show_known(card.patient.id)
        self._show_facts()
        self._fill_history(card.history)

    def hide_numbers(self) -> None:
        """Leaving or locking covers the numbers again."""
        if self._revealed:
            self._toggle()

    def _toggle(self) -> None:
        self._revealed = not self._revealed
        self._follow_eye()

    def _follow_eye(self) -> None:
        """Only the words change, so that the eye keeps the focus."""
        spoken = _("Che số thẻ") if self._revealed else _("Hiện đủ số thẻ")
        self.eye.setAccessibleName(spoken)
        self.eye.setToolTip(spoken)
        copy = Qt.TextInteractionFlag.TextSelectableByMouse
        closed = Qt.TextInteractionFlag.NoTextInteraction
        for line, number in self._numbers:
            line.setText(number_words(number, shown=self._revealed))
            line.setTextInteractionFlags(copy if self._revealed else closed)

    def _show_facts(self) -> None:
        card = self._card
        if card is None:
            return
        clear(self._coverage)
        clear(self._facts)
        self._numbers = []
        self._add_coverage(card.patient)
        if card.patient.national_id:
            box = self._fact(_("Số định danh"))
            box.addWidget(self._number(card.patient.national_id))
        conditions = condition_lines(card.patient)
        if conditions:
            self._fact(_("Bệnh mạn tính"), *conditions)
        self._add_contact(card.patient)
        self.eye.setVisible(bool(self._numbers))
        self._follow_eye()

    def _number(self, number: str) -> QLabel:
        line = label("")
        self._numbers.append((line, number))
        return line

    def _add_coverage(self, patient: Patient) -> None:
        coverage = patient.coverage_on(self._today)
        lines: list[QWidget] = []
        if coverage is not None:
            lines.append(self._number(coverage.number))
            place = coverage.initial_facility_name or coverage.initial_facility
            if place:
                lines.append(label(_("Ban đầu: {place}").format(place=place), "muted", wrap=True))
            if coverage.living_area:
                lines.append(label(_("Khu vực {area}").format(area=coverage.living_area), "muted"))
        lines.append(ChipRow([coverage_chip(coverage, self._today)]))
        box = QWidget()
        vbox(*lines, gap=2, parent=box)
        self._coverage.addWidget(box)

    def _add_contact(self, patient: Patient) -> None:
        if patient.phone:
            self._fact(_("Điện thoại"), phone_words(patient.phone), selectable=True)
        if patient.address.text:
            self._fact(_("Nơi ở"), patient.address.text)
        guardian = patient.guardian
        if guardian is not None:
            phone = phone_words(guardian.phone)
            name = guardian.full_name
            if guardian.relationship:
                name = f"{name} ({guardian.relationship.lower()})"
            self._fact(_("Người đưa đến"), *(text for text in (name, phone) if text))
        work = " · ".join(t for t in (patient.ethnic_name, patient.occupation_name) if t)
        if work:
            self._fact(_("Dân tộc, nghề nghiệp"), work)
        if patient.note:
            self._fact(_("Ghi chú"), patient.note)
        if patient.chart_number:
            self._fact(_("Mã người bệnh"), patient.chart_number, selectable=True)

    def _fact(self, caption: str, *lines: str, selectable: bool = False) -> QVBoxLayout:
        box = QWidget()
        texts: list[QLabel] = [label(caption, "label")]
        texts += [label(line, wrap=True, selectable=selectable) for line in lines]
        column = vbox(*texts, gap=0, parent=box)
        self._facts.addWidget(box)
        return column

    # -- history -------------------------------------------------------------------------------

    def _fill_history(self, versions: Sequence[VersionInfo]) -> None:
        words = _("Lịch sử sửa đổi ({count})").format(count=len(versions))
        self.history.set_label(words)
        clear(self._lines)
        for info in sorted(versions, key=lambda v: v.version, reverse=True):
            self._lines.addWidget(label(_version_words(info), "muted", wrap=True))

    def _show_history(self, shown: bool) -> None:
        self._history_box.setVisible(shown)


def _version_words(info: VersionInfo) -> str:
    at: datetime = info.at
    what = info.reason or (_("Lập hồ sơ") if info.version == 1 else _("Không ghi lý do"))
    return f"{at:%d/%m/%Y %H:%M} · {info.author_name}\n{what}"
