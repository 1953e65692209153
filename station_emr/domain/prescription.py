"""Prescriptions by TT 26/2025/TT-BYT: dose, quantity, the sentence the patient reads, the limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal

from .birth import BirthDate, months_old
from .catalog import Drug, DrugControl
from .drug_names import drug_key, same_drug
from .encounter import Diagnosis, PatientSnapshot
from .errors import Problem
from .patient import Allergy
from .record import PractitionerSnapshot, Signature, StationProfile

MAX_DAYS = 30
MAX_DAYS_CHRONIC = 90  # diseases of annex VII of TT 26/2025
MAX_DAYS_NARCOTIC = 7  # acute pain
MAX_DAYS_PSYCHOTROPIC = 10  # acute disease
CHILD_MONTHS = 72  # below: months of age, weight and companion on the paper
PURCHASE_DAYS = 5  # a prescription may be bought within 5 days
CODE_LENGTH = 14
_CODE = re.compile(r"^[0-9A-Za-z]{5}[0-9a-z]{7}-[NHCT]$")
_CODE_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

MORNING, NOON, AFTERNOON, EVENING = "sáng", "trưa", "chiều", "tối"
DAYTIMES = (MORNING, NOON, AFTERNOON, EVENING)
_DEFAULT_DAYTIMES = {
    1: (MORNING,),
    2: (MORNING, EVENING),
    3: (MORNING, NOON, EVENING),
    4: DAYTIMES,
}
_VERB_BY_ROUTE = {
    "1.01": "Uống",
    "2.10": "Tiêm bắp",
    "2.14": "Tiêm tĩnh mạch",
    "3.05": "Bôi ngoài da",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionLine:
    """One drug. ``dose`` is in the drug's unit per intake; ``quantity`` is computed unless fixed."""

    drug_code: str
    inn: str
    label: str  # "Amlodipin (Amlor) 5 mg" as the law wants it written
    strength: str = ""
    form: str = ""
    unit: str = "viên"
    route_code: str = ""
    route: str = "Uống"
    dose: Decimal = Decimal(1)
    times_per_day: int = 1
    daytimes: tuple[str, ...] = ()
    days: int = 1
    quantity: Decimal | None = (
        None  # None: computed; a value: fixed by the prescriber (tubes, bottles)
    )
    meal: str = ""  # "sau ăn", "trước ăn 30 phút"
    instruction: str = ""  # the patient's sentence; empty: composed
    ingredients: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    control: DrugControl = DrugControl.ORDINARY
    toxic: bool = False
    bhyt_code: str = ""
    override_reason: str = ""  # why a warned drug is used all the same

    @property
    def computed_quantity(self) -> Decimal:
        """Units to dispense, whole units rounded up."""
        if self.quantity is not None:
            return self.quantity
        exact = self.dose * self.times_per_day * self.days
        return exact.to_integral_value(rounding=ROUND_CEILING)

    @property
    def sentence(self) -> str:
        return self.instruction or compose_instruction(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """A prescription of one visit. ``code`` is given at signing (14 characters)."""

    id: str
    patient_id: str
    encounter_id: str
    code: str = ""
    lines: tuple[PrescriptionLine, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    advice: str = ""
    follow_up_on: date | None = None
    replaces_code: str = ""
    written_at: datetime | None = None
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    prescriber: PractitionerSnapshot | None = None
    signature: Signature | None = None

    @property
    def control(self) -> DrugControl:
        kinds = {line.control for line in self.lines}
        for kind in (DrugControl.NARCOTIC, DrugControl.PSYCHOTROPIC):
            if kind in kinds:
                return kind
        return DrugControl.ORDINARY


def line_from_drug(drug: Drug) -> PrescriptionLine:
    """A line with the drug's facts filled in and the commonest dose left for the prescriber."""
    return PrescriptionLine(
        drug_code=drug.code,
        inn=drug.inn,
        label=drug.label,
        strength=drug.strength,
        form=drug.form,
        unit=drug.unit,
        route_code=drug.route_code,
        route=drug.route,
        ingredients=drug.ingredients,
        groups=drug.groups,
        control=drug.control,
        toxic=drug.toxic,
        bhyt_code=drug.bhyt_code,
    )


def prescription_code(facility_code: str, randomness: bytes, control: DrugControl) -> str:
    """``xxxxxyyyyyyy-z``: facility, 7 random characters 0-9a-z, kind N, H or C (TT 26/2025).

    Needs 7 random bytes below 252 each to stay unbiased; others are folded by the caller's retry.
    Raises ValueError when the facility code is not 5 characters or a byte is 252 or more.
    """
    if len(facility_code) != 5:
        raise ValueError("a facility code has 5 characters")
    if len(randomness) != 7 or max(randomness) >= 252:
        raise ValueError("7 random bytes below 252 are needed")
    middle = "".join(_CODE_ALPHABET[byte % 36] for byte in randomness)
    kind = {DrugControl.NARCOTIC: "N", DrugControl.PSYCHOTROPIC: "H"}.get(control, "C")
    return f"{facility_code}{middle}-{kind}"


def is_prescription_code(code: str) -> bool:
    return len(code) == CODE_LENGTH and bool(_CODE.match(code))


def number_text(value: Decimal) -> str:
    """A dose as people read it: 0.5 → "½", 1.5 → "1½", 2 → "2", 2.5 ml → "2,5"."""
    value = value.normalize()
    whole, part = divmod(value, 1)
    halves = {Decimal("0.5"): "½", Decimal("0.25"): "¼", Decimal("0.75"): "¾"}
    if part in halves and whole < 4:
        return (f"{int(whole)}" if whole else "") + halves[part]
    return f"{value:f}".replace(".", ",")


def quantity_text(line: PrescriptionLine) -> str:
    """The printed quantity: a leading 0 below 10 (TT 26/2025 art. 6)."""
    quantity = line.computed_quantity
    text = f"{quantity.normalize():f}".replace(".", ",")
    if quantity < 10 and quantity == quantity.to_integral_value():
        text = f"0{text}"
    return text


def default_daytimes(times_per_day: int) -> tuple[str, ...]:
    return _DEFAULT_DAYTIMES.get(times_per_day, ())


def compose_instruction(line: PrescriptionLine) -> str:
    """The sentence on the patient's paper: "Uống sáng 1 viên, tối 1 viên, sau ăn".

    >>> # 3 times a day without named moments: "Uống mỗi lần 1 viên, ngày 3 lần, sau ăn"
    """
    verb = _VERB_BY_ROUTE.get(line.route_code, line.route or "Dùng")
    amount = f"{number_text(line.dose)} {line.unit}"
    daytimes = line.daytimes or default_daytimes(line.times_per_day)
    if daytimes and len(daytimes) == line.times_per_day:
        body = ", ".join(f"{moment} {amount}" for moment in daytimes)
    else:
        body = f"mỗi lần {amount}, ngày {line.times_per_day} lần"
    sentence = f"{verb} {body}"
    return f"{sentence}, {line.meal}" if line.meal else sentence


LongPrescriptionDays = Callable[[str], int | None]


def check_prescription(
    prescription: Prescription,
    allergies: Iterable[Allergy],
    current: Iterable[PrescriptionLine],
    long_days: LongPrescriptionDays,
) -> tuple[Problem, ...]:
    """Legal limits refuse; allergies and duplicates ask for a reason on the line.

    ``current`` are lines of other prescriptions the person still takes; ``long_days`` answers how
    many days an ICD code allows beyond 30 (annex VII of TT 26/2025), None when it does not.
    """
    problems: list[Problem] = []
    if not prescription.lines:
        problems.append(
            Problem(field="lines", code="lines-required", message="Đơn chưa có thuốc nào.")
        )
    if not prescription.diagnoses:
        problems.append(
            Problem(
                field="diagnoses",
                code="diagnosis-required",
                message="Đơn thuốc chưa có chẩn đoán. Hãy chọn bệnh chính của lượt khám trước.",
            )
        )
    limit = _days_limit(prescription, long_days)
    for index, line in enumerate(prescription.lines):
        problems.extend(_check_amounts(line, index, limit))
        warnings = [
            *_check_allergies(line, index, allergies),
            *_check_duplicates(line, index, prescription.lines[:index], current),
        ]
        problems.extend(warnings)
    return tuple(problems)


def check_small_child(
    birth: BirthDate, day: date, *, weight_kg: str, companion: str
) -> tuple[Problem, ...]:
    """Under 72 months the paper needs weight and companion (TT 26/2025 art. 6)."""
    if months_old(birth, day) >= CHILD_MONTHS:
        return ()
    problems: list[Problem] = []
    if not weight_kg.strip():
        problems.append(
            Problem(
                field="weight",
                code="child-weight-required",
                message="Trẻ dưới 72 tháng tuổi: đơn thuốc phải ghi cân nặng. Hãy cân trẻ và ghi vào dấu hiệu sinh tồn.",
            )
        )
    if not companion.strip():
        problems.append(
            Problem(
                field="guardian",
                code="child-companion-required",
                message="Trẻ dưới 72 tháng tuổi: đơn thuốc phải ghi họ tên người đưa trẻ đến khám. Hãy ghi vào thông tin người bệnh.",
            )
        )
    return tuple(problems)


def check_facility(prescription: Prescription, *, has_beds: bool) -> tuple[Problem, ...]:
    """A narcotic prescription (kind N) is for facilities with beds (TT 26/2025)."""
    if has_beds:
        return ()
    return tuple(
        Problem(
            field=f"lines.{index}.drug_code",
            code="narcotic-without-beds",
            message=f"{line.label}: chỉ cơ sở có giường bệnh được kê thuốc gây nghiện. Hãy chọn thuốc khác hoặc chuyển người bệnh; nếu trạm có giường, nhờ giám đốc ghi trong Quản trị, mục Trạm.",
        )
        for index, line in enumerate(prescription.lines)
        if line.control is DrugControl.NARCOTIC
    )


def _days_limit(prescription: Prescription, long_days: LongPrescriptionDays) -> int:
    allowed = [long_days(d.icd_code) for d in prescription.diagnoses]
    return min(max([MAX_DAYS, *(days for days in allowed if days)]), MAX_DAYS_CHRONIC)


def _check_amounts(line: PrescriptionLine, index: int, limit: int) -> list[Problem]:
    where = f"lines.{index}"
    problems: list[Problem] = []
    if line.dose <= 0:
        problems.append(
            Problem(
                field=f"{where}.dose",
                code="dose-required",
                message=f"{line.label}: liều mỗi lần phải lớn hơn 0.",
            )
        )
    if not 1 <= line.times_per_day <= 24:
        problems.append(
            Problem(
                field=f"{where}.times_per_day",
                code="times-range",
                message=f"{line.label}: số lần mỗi ngày phải từ 1 đến 24.",
            )
        )
    legal = {
        DrugControl.NARCOTIC: min(limit, MAX_DAYS_NARCOTIC),
        DrugControl.PSYCHOTROPIC: min(limit, MAX_DAYS_PSYCHOTROPIC),
    }.get(line.control, limit)
    if line.days < 1:
        problems.append(
            Problem(
                field=f"{where}.days",
                code="days-required",
                message=f"{line.label}: số ngày dùng phải từ 1 trở lên.",
            )
        )
    elif line.days > legal:
        why = {
            DrugControl.NARCOTIC: "thuốc gây nghiện cho bệnh cấp tính",
            DrugControl.PSYCHOTROPIC: "thuốc hướng thần cho bệnh cấp tính",
        }.get(
            line.control,
            "bệnh trong danh mục kê đơn dài ngày" if limit > MAX_DAYS else "đơn thuốc ngoại trú",
        )
        problems.append(
            Problem(
                field=f"{where}.days",
                code="days-over-limit",
                message=f"{line.label}: {line.days} ngày vượt mức cho phép {legal} ngày ({why}, Thông tư 26/2025/TT-BYT). Hãy giảm số ngày.",
            )
        )
    if line.computed_quantity <= 0:
        problems.append(
            Problem(
                field=f"{where}.quantity",
                code="quantity-required",
                message=f"{line.label}: số lượng phải lớn hơn 0.",
            )
        )
    return problems


def _check_allergies(
    line: PrescriptionLine, index: int, allergies: Iterable[Allergy]
) -> list[Problem]:
    problems = []
    ingredients = (*line.ingredients, line.inn)
    for allergy in allergies:
        named = [text for text in (allergy.substance, allergy.ingredient) if text]
        families = [allergy.substance, *allergy.group.split(";")]
        if any(same_drug(text, name) for text in named for name in ingredients):
            text, code = f"Người bệnh dị ứng {allergy.substance}", "allergy-ingredient"
        elif any(same_drug(text, name) for text in families for name in line.groups):
            text, code = f"Cùng nhóm với thuốc đã dị ứng ({allergy.substance})", "allergy-group"
        else:
            continue
        problems.append(_needs_reason(line, index, code, text))
    return problems


def _check_duplicates(
    line: PrescriptionLine,
    index: int,
    earlier: Iterable[PrescriptionLine],
    current: Iterable[PrescriptionLine],
) -> list[Problem]:
    mine = _ingredients(line)
    found = [
        ("duplicate-line", f"Trùng hoạt chất với {other.label} trong đơn này")
        for other in earlier
        if mine & _ingredients(other)
    ]
    found += [
        ("duplicate-current", f"Người bệnh đang dùng {other.label}")
        for other in current
        if mine & _ingredients(other)
    ]
    # Three visits with the same drug are one warning, said once.
    return [_needs_reason(line, index, code, text) for code, text in dict.fromkeys(found)]


def _ingredients(line: PrescriptionLine) -> set[str]:
    return {drug_key(name) for name in line.ingredients or (line.inn,)}


def _needs_reason(line: PrescriptionLine, index: int, code: str, text: str) -> Problem:
    """A warned drug passes once the prescriber has written why."""
    given = bool(line.override_reason.strip())
    return Problem(
        field=f"lines.{index}.override_reason",
        code=code,
        message=f"{text}. Ghi lý do nếu vẫn dùng {line.label}.",
        severity="info" if given else "error",
    )
