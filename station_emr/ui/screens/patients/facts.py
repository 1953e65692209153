"""What the patient's card says, worked out from the record. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from station_emr.domain.birth import BirthDate, age_text, months_old
from station_emr.domain.identity import group_number
from station_emr.domain.patient import Allergy, Coverage, CoverageValidity, Patient
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.services.desk_views import ConflictRow
from station_emr.services.i18n import _
from station_emr.services.views import PatientRow, QueueRow, VisitRow, VitalPoint
from station_emr.ui.kit import PHONE_GROUPS, ChipSpec, Line, Severity, grouped, masked, number_text

_BP_BAND: Final = (60.0, 140.0)  # QĐ 5904/2019: 140/90 at a station is high
_ADULT_MONTHS: Final = 18 * 12
_POINTS: Final = 12
_MOST_OPEN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One line of the list, from the search or from today's queue."""

    id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    place: str
    phone: str = ""
    insurance: str = ""
    note: str = ""
    last_visit: date | None = None


def person_of(row: PatientRow) -> Person:
    return Person(
        id=row.id,
        full_name=row.full_name,
        birth=row.birth,
        sex=row.sex,
        place=", ".join(part for part in (row.address_line, row.commune_name) if part),
        phone=row.phone,
        insurance=row.insurance_number,
        last_visit=row.last_visit_on,
    )


def visitor_of(row: QueueRow) -> Person:
    return Person(
        id=row.patient_id,
        full_name=row.full_name,
        birth=row.birth,
        sex=row.sex,
        place=row.address_line,
        note=row.reason,
        last_visit=row.arrived_at.date(),
    )


def initials(name: str) -> str:
    """Two letters that tell people apart: of the first and the last word."""
    words = [word for word in name.split() if word[0].isalpha()]
    if not words:
        return "?"
    first, last = words[0][0], words[-1][0]
    return (first + last if len(words) > 1 else first).upper()


def who(patient: Patient, today: date) -> str:
    """``Nữ · 34 tuổi (12/03/1992)``."""
    age = age_text(patient.birth, today)
    return f"{patient.sex.label} · {age} ({patient.birth.display()})"


def open_words(rows: Sequence[ConflictRow]) -> str:
    """What two machines wrote differently about this person; empty when nothing is open."""
    fields = list(dict.fromkeys(_open_field(row, field) for row in rows for field in row.fields))
    if not fields:
        return ""
    shown = ", ".join(fields[:_MOST_OPEN])
    if len(fields) > _MOST_OPEN:
        shown = _("{shown} và {count} mục nữa").format(shown=shown, count=len(fields) - _MOST_OPEN)
    return _("Hai máy ghi khác nhau: {fields}. Cả hai bản đều được giữ.").format(fields=shown)


def _open_field(row: ConflictRow, field: str) -> str:
    """A field of the person by its name alone, one of a visit with the visit it belongs to."""
    own = field[:1].lower() + field[1:]
    return own if row.kind is RecordKind.PATIENT else f"{own} ({row.title.lower()})"


def undecided_chip() -> ChipSpec:
    """Stands behind the allergies of both machines."""
    return ChipSpec(_("hai máy ghi khác nhau, chưa ai chọn"), Severity.WARNING, lead=_("Dị ứng"))


def allergy_chips(patient: Patient) -> tuple[ChipSpec, ...]:
    if not patient.allergies:
        words = _("Không có dị ứng đã biết") if patient.no_known_allergy else _("Chưa hỏi dị ứng")
        severity = Severity.SUCCESS if patient.no_known_allergy else Severity.NEUTRAL
        return (ChipSpec(words, severity),)
    return tuple(
        ChipSpec(_allergy_words(allergy), Severity.DANGER, lead=_("Dị ứng"))
        for allergy in patient.allergies
    )


def _allergy_words(allergy: Allergy) -> str:
    told = [allergy.reaction[:1].lower() + allergy.reaction[1:] if allergy.reaction else ""]
    told.append(_("nặng") if allergy.severe else "")
    extra = ", ".join(text for text in told if text)
    return f"{allergy.substance} ({extra})" if extra else allergy.substance


def condition_lines(patient: Patient) -> tuple[str, ...]:
    lines = []
    for condition in patient.conditions:
        since = _(" (từ {year})").format(year=condition.since_year) if condition.since_year else ""
        lines.append(f"{condition.title}{since}")
    return tuple(lines)


def coverage_chip(card: Coverage | None, today: date) -> ChipSpec:
    if card is None:
        return ChipSpec(_("Không có thẻ BHYT"), Severity.NEUTRAL)
    validity = card.validity(today)
    if validity is CoverageValidity.IN_FORCE:
        ends = _("Còn hạn đến {day:%d/%m/%Y}")
        words = ends.format(day=card.valid_to) if card.valid_to else _("Còn hạn")
        return ChipSpec(words, Severity.SUCCESS)
    if validity is CoverageValidity.EXPIRED:
        words = _("Hết hạn từ {day:%d/%m/%Y}").format(day=card.valid_to)
        return ChipSpec(words, Severity.DANGER)
    if validity is CoverageValidity.NOT_YET:
        words = _("Có giá trị từ {day:%d/%m/%Y}").format(day=card.valid_from)
        return ChipSpec(words, Severity.WARNING)
    return ChipSpec(_("Chưa ghi hạn thẻ"), Severity.NEUTRAL)


def number_words(number: str, *, shown: bool) -> str:
    """A card number spaced for reading, or only its end."""
    return group_number(number) if shown else masked(number)


def phone_words(phone: str) -> str:
    return grouped(phone, PHONE_GROUPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    lines: tuple[Line, ...]
    last: str
    band: tuple[float, float] | None = None


def pressure_trend(points: Sequence[VitalPoint], patient: Patient, today: date) -> Trend | None:
    """Systolic and diastolic over the last visits; the band is an adult's."""
    found = [p for p in points if p.systolic is not None and p.diastolic is not None][-_POINTS:]
    if not found:
        return None
    systolic = tuple(float(p.systolic or 0) for p in found)
    diastolic = tuple(float(p.diastolic or 0) for p in found)
    adult = months_old(patient.birth, today) >= _ADULT_MONTHS
    return Trend(
        lines=(Line(systolic), Line(diastolic, main=False)),
        last=f"{found[-1].systolic}/{found[-1].diastolic}",
        band=_BP_BAND if adult else None,
    )


def weight_trend(points: Sequence[VitalPoint]) -> Trend | None:
    found = [p for p in points if p.weight is not None][-_POINTS:]
    if not found or found[-1].weight is None:
        return None
    values = tuple(float(p.weight) for p in found if p.weight is not None)
    return Trend(lines=(Line(values),), last=f"{number_text(found[-1].weight)} kg")


# -- visits ------------------------------------------------------------------------------------

PAPER_WORDS: Final = {
    RecordKind.PRESCRIPTION: "Đơn thuốc",
    RecordKind.REFERRAL: "Phiếu chuyển",
    RecordKind.APPOINTMENT: "Phiếu hẹn",
}


def papers_of(visit: VisitRow) -> tuple[tuple[RecordKind, str], ...]:
    """The papers that belong to a visit, as (kind, id)."""
    found = (
        (RecordKind.PRESCRIPTION, visit.prescription_id),
        (RecordKind.REFERRAL, visit.referral_id),
        (RecordKind.APPOINTMENT, visit.appointment_id),
    )
    return tuple((kind, record_id) for kind, record_id in found if record_id)


def visit_chips(visit: VisitRow) -> tuple[ChipSpec, ...]:
    if visit.status is RecordStatus.VOIDED:
        return (ChipSpec(_("Đã hủy"), Severity.NEUTRAL),)
    chips: list[ChipSpec] = []
    if visit.status is RecordStatus.DRAFT:
        chips.append(
            ChipSpec(
                _("{stage} · chưa ký").format(stage=visit.stage.label), Severity.WARNING, icon=""
            )
        )
    if visit.status is RecordStatus.AMENDED:
        chips.append(ChipSpec(_("Đã sửa đổi"), Severity.INFO, icon=""))
    if visit.referred_to:
        words = _("Chuyển {place}").format(place=visit.referred_to)
        chips.append(ChipSpec(words, Severity.INFO, icon="arrow-right"))
    if visit.follow_up_on is not None:
        chips.append(ChipSpec(_("Hẹn {day:%d/%m/%Y}").format(day=visit.follow_up_on)))
    return tuple(chips)
