"""What must not be forgotten about the person, in a slim column beside the visit."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QVBoxLayout, QWidget

from station_emr.domain.birth import age_text
from station_emr.domain.patient import ChronicCondition, CoverageValidity, Patient
from station_emr.domain.prescription import PrescriptionLine
from station_emr.services.i18n import _
from station_emr.services.views import VisitRow, VitalPoint
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    GAP_XS,
    Card,
    Chip,
    ChipRow,
    ChipSpec,
    Line,
    Severity,
    TrendChart,
    chip_size,
    clear,
    label,
    masked,
    scrolled,
    vbox,
)
from station_emr.ui.screens.encounter.visit_file import VisitFile

WIDTH: Final = 212
_ROOM: Final = WIDTH - 2 * GAP_M - GAP_S
_READINGS: Final = 6
_NORMAL_SYSTOLIC: Final = (90.0, 139.0)
_MOST_DRUGS: Final = 6


class FactsPanel(Card):
    """Name, age, allergies first; then card, conditions, drugs, pressures, the last visit."""

    def __init__(self) -> None:
        super().__init__(margin=GAP_M)
        self.usual_width = WIDTH
        self.setFixedWidth(WIDTH)
        inside = QWidget()
        self._column = vbox(gap=GAP_S, parent=inside)
        self._column.setContentsMargins(0, 0, GAP_XS, 0)
        self.add(scrolled(inside), 1)
        self.pressures = TrendChart("encounter.pressures", _("Huyết áp các lần gần nhất"))

    def show_file(self, file: VisitFile) -> None:
        self.pressures.setParent(None)
        clear(self._column)
        patient = file.patient
        column = self._column
        column.addWidget(label(patient.full_name, "title", wrap=True))
        age = age_text(patient.birth, file.today)
        about = f"{patient.sex.label} · {age} ({patient.birth.display()})"
        where = ", ".join(p for p in (patient.address.line, patient.address.commune_name) if p)
        column.addWidget(label("\n".join(p for p in (about, where) if p), "muted", wrap=True))
        column.addWidget(_allergies(patient))
        if file.allergies_open:
            undecided = _("Hai máy ghi dị ứng khác nhau, chưa ai chọn. Hãy coi như có cả hai.")
            column.addWidget(label(undecided, "warning", wrap=True))
        _coverage(column, file)
        if patient.conditions:
            _block(column, _("Bệnh mạn tính"), [_condition(c) for c in patient.conditions])
        _block(column, _("Đang dùng"), _drugs(file.current))
        self._pressures(file)
        column.addStretch(1)
        earlier = [v for v in file.card.visits if v.encounter_id != file.encounter.id]
        if earlier:
            column.addWidget(label(_last_visit(earlier[0]), "muted", wrap=True))

    def _pressures(self, file: VisitFile) -> None:
        points = _readings(file.card.vitals)
        if not points:
            return
        last = points[-1]
        self.pressures.set_data(
            [
                Line(tuple(float(p.systolic or 0) for p in points)),
                Line(tuple(float(p.diastolic or 0) for p in points), main=False),
            ],
            band=_NORMAL_SYSTOLIC,
            last=f"{last.systolic}/{last.diastolic}",
        )
        self._column.addSpacing(GAP_XS)
        if len(points) == 1:
            self._column.addWidget(label(_("Huyết áp lần gần nhất"), "label"))
            words = f"{last.systolic}/{last.diastolic} mmHg ({last.at:%d/%m/%Y})"
            self._column.addWidget(label(words, "dense"))
            return
        words = _("Huyết áp {count} lần gần nhất").format(count=len(points))
        self._column.addWidget(label(words, "label"))
        self._column.addWidget(self.pressures)
        self.pressures.show()


def _readings(points: tuple[VitalPoint, ...]) -> tuple[VitalPoint, ...]:
    """The last pressures, whole pairs only."""
    whole = [p for p in points if p.systolic is not None and p.diastolic is not None]
    return tuple(whole[-_READINGS:])


def _allergies(patient: Patient) -> QWidget:
    if not patient.allergies:
        known = patient.no_known_allergy
        words = _("Không có dị ứng") if known else _("Chưa hỏi về dị ứng")
        return ChipRow([ChipSpec(words, Severity.SUCCESS if known else Severity.WARNING)])
    block = QWidget()
    column = vbox(gap=2, parent=block)
    for allergy in patient.allergies:
        spec = ChipSpec(allergy.substance, Severity.DANGER, lead=_("Dị ứng"))
        if chip_size(spec).width() <= _ROOM:
            column.addWidget(Chip(spec.text, spec.severity, lead=spec.lead))
        else:  # an allergy is never cut short
            column.addWidget(label(spec.spoken, "danger", wrap=True))
        if allergy.reaction:
            words = _("Phản ứng: {what}").format(what=allergy.reaction)
            column.addWidget(label(words, "danger", wrap=True))
    return block


def _coverage(column: QVBoxLayout, file: VisitFile) -> None:
    column.addSpacing(GAP_XS)
    column.addWidget(label(_("Thẻ BHYT"), "label"))
    coverage = file.patient.coverage_on(file.today)
    if coverage is None:
        column.addWidget(label(_("Chưa có thẻ"), "dense"))
        return
    column.addWidget(label(masked(coverage.number), "dense"))
    until = f"{coverage.valid_to:%d/%m/%Y}" if coverage.valid_to else ""
    since = f"{coverage.valid_from:%d/%m/%Y}" if coverage.valid_from else ""
    words, severity = {
        CoverageValidity.IN_FORCE: (
            _("Còn hạn đến {day}").format(day=until) if until else _("Còn hạn"),
            Severity.SUCCESS,
        ),
        CoverageValidity.EXPIRED: (_("Hết hạn {day}").format(day=until), Severity.DANGER),
        CoverageValidity.NOT_YET: (
            _("Có hạn từ {day}").format(day=since),
            Severity.WARNING,
        ),
        CoverageValidity.UNKNOWN: (_("Chưa rõ hạn thẻ"), Severity.NEUTRAL),
    }[coverage.validity(file.today)]
    column.addWidget(Chip(words, severity))


def _condition(condition: ChronicCondition) -> str:
    if not condition.since_year:
        return condition.title
    return _("{title} (từ {year})").format(title=condition.title, year=condition.since_year)


def _drugs(lines: tuple[PrescriptionLine, ...]) -> list[str]:
    if not lines:
        return [_("Không có thuốc còn ngày dùng")]
    each = list(dict.fromkeys(f"{line.label}: {line.sentence}" for line in lines))
    shown = each[:_MOST_DRUGS]
    more = len(each) - len(shown)
    return [*shown, _("và {count} thuốc khác").format(count=more)] if more else shown


def _block(column: QVBoxLayout, title: str, lines: list[str]) -> None:
    column.addSpacing(GAP_XS)
    column.addWidget(label(title, "label"))
    for line in lines:
        column.addWidget(label(line, "dense", wrap=True))


def _last_visit(visit: VisitRow) -> str:
    what = visit.diagnoses[0] if visit.diagnoses else visit.reason
    return _("Lượt trước: {day} — {what}").format(day=f"{visit.on:%d/%m/%Y}", what=what)
