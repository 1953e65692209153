"""Vital signs with limits that depend on age: impossible is refused, unusual is confirmed.

The impossible limits are physical (nobody alive measures outside them, or the device cannot show
them); the unusual limits bracket what a commune station sees in a day, by the age bands used in
paediatric triage. They question, they never diagnose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .errors import Problem

ADULT_MONTHS = 18 * 12


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """One set of measurements. Units: per minute, mmHg, °C, %, kg, cm, mmol/L."""

    measured_at: datetime | None = None
    measured_by: str = ""
    pulse: int | None = None
    systolic: int | None = None
    diastolic: int | None = None
    temperature: Decimal | None = None
    respiratory_rate: int | None = None
    spo2: int | None = None
    weight: Decimal | None = None
    height: Decimal | None = None
    waist: Decimal | None = None
    glucose: Decimal | None = None

    @property
    def empty(self) -> bool:
        return all(getattr(self, name) is None for name in SIGNS)

    @property
    def bmi(self) -> Decimal | None:
        """kg/m², one decimal; None without both weight and height."""
        if self.weight is None or self.height is None or self.height <= 0:
            return None
        metres = self.height / 100
        return (self.weight / (metres * metres)).quantize(Decimal("0.1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``low``/``high`` bound what is possible, ``usual_low``/``usual_high`` what is common."""

    low: Decimal
    usual_low: Decimal
    usual_high: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    name: str
    label: str
    unit: str


SIGNS: dict[str, Sign] = {
    sign.name: sign
    for sign in (
        Sign(name="pulse", label="Mạch", unit="lần/phút"),
        Sign(name="systolic", label="Huyết áp tối đa", unit="mmHg"),
        Sign(name="diastolic", label="Huyết áp tối thiểu", unit="mmHg"),
        Sign(name="temperature", label="Nhiệt độ", unit="°C"),
        Sign(name="respiratory_rate", label="Nhịp thở", unit="lần/phút"),
        Sign(name="spo2", label="SpO₂", unit="%"),
        Sign(name="weight", label="Cân nặng", unit="kg"),
        Sign(name="height", label="Chiều cao", unit="cm"),
        Sign(name="waist", label="Vòng bụng", unit="cm"),
        Sign(name="glucose", label="Đường huyết", unit="mmol/L"),
    )
}

# Rows: (first month of age at which the row no longer applies, low, usual low, usual high, high).
_BY_AGE: dict[str, tuple[tuple[int, str, str, str, str], ...]] = {
    "pulse": (
        (1, "30", "100", "180", "300"),
        (12, "30", "90", "170", "300"),
        (36, "30", "80", "150", "280"),
        (72, "25", "70", "140", "270"),
        (144, "20", "60", "130", "260"),
        (9999, "20", "50", "120", "250"),
    ),
    "systolic": (
        (1, "20", "50", "90", "150"),
        (12, "30", "65", "110", "180"),
        (72, "40", "75", "120", "220"),
        (144, "40", "80", "130", "260"),
        (9999, "40", "90", "180", "300"),
    ),
    "diastolic": (
        (12, "10", "30", "70", "130"),
        (144, "15", "40", "85", "180"),
        (9999, "20", "50", "110", "200"),
    ),
    "temperature": ((9999, "25", "35.5", "39.5", "44"),),
    "respiratory_rate": (
        (2, "5", "30", "60", "150"),
        (12, "5", "24", "50", "130"),
        (60, "5", "18", "40", "110"),
        (144, "4", "14", "30", "90"),
        (9999, "3", "10", "28", "80"),
    ),
    "spo2": ((9999, "20", "92", "100", "100"),),
    "weight": (
        (1, "0.3", "2", "5.5", "8"),
        (12, "0.8", "2.5", "13", "20"),
        (72, "2", "7", "30", "60"),
        (144, "5", "14", "70", "150"),
        (9999, "15", "30", "110", "350"),
    ),
    "height": (
        (1, "20", "42", "58", "70"),
        (12, "30", "45", "85", "100"),
        (72, "40", "65", "125", "150"),
        (144, "50", "95", "165", "200"),
        (9999, "50", "130", "190", "250"),
    ),
    "waist": ((72, "15", "30", "70", "120"), (9999, "20", "50", "120", "250")),
    "glucose": ((9999, "0.5", "3.9", "16.7", "60"),),
}

_NORMAL_TEXT: dict[str, tuple[tuple[int, str], ...]] = {
    "pulse": (
        (1, "100–160"),
        (12, "100–150"),
        (36, "90–140"),
        (72, "80–120"),
        (144, "70–110"),
        (9999, "60–100"),
    ),
    "blood_pressure": (
        (12, "70–100 / 40–60"),
        (72, "80–110 / 50–70"),
        (144, "90–120 / 55–80"),
        (9999, "90–139 / 60–89"),
    ),
    "temperature": ((9999, "36–37,5"),),
    "respiratory_rate": (
        (2, "30–60"),
        (12, "25–50"),
        (60, "20–40"),
        (144, "18–30"),
        (9999, "12–20"),
    ),
    "spo2": ((9999, "≥ 95"),),
    "weight": ((9999, ""),),
    "height": ((9999, ""),),
    "waist": ((9999, ""),),
    "glucose": ((9999, "3,9–7,0 khi đói"),),
}


def limits_for(sign: str, age_months: int) -> Limits:
    """The limits of one sign at an age in whole months. Raises KeyError for an unknown sign."""
    for below, low, usual_low, usual_high, high in _BY_AGE[sign]:
        if age_months < below:
            return Limits(
                low=Decimal(low),
                usual_low=Decimal(usual_low),
                usual_high=Decimal(usual_high),
                high=Decimal(high),
            )
    raise KeyError(sign)


def normal_text(sign: str, age_months: int) -> str:
    """The normal range shown under a field, for the person's age ("60–100"); may be empty."""
    return next(text for below, text in _NORMAL_TEXT[sign] if age_months < below)


def _number(value: Decimal | int) -> str:
    return f"{value}".replace(".", ",")


def check_vitals(vitals: VitalSigns, age_months: int) -> tuple[Problem, ...]:
    """Refuse the impossible, question the unusual, and see that the blood pressure is a pair."""
    problems: list[Problem] = []
    for sign in SIGNS.values():
        value = getattr(vitals, sign.name)
        if value is None:
            continue
        problem = _check_sign(sign, Decimal(value), age_months)
        if problem is not None:
            problems.append(problem)
    if (vitals.systolic is None) != (vitals.diastolic is None):
        missing = "diastolic" if vitals.diastolic is None else "systolic"
        problems.append(
            Problem(
                field=f"vitals.{missing}",
                code="blood-pressure-pair",
                message="Huyết áp cần đủ hai số, ví dụ 120/80.",
            )
        )
    elif (
        vitals.systolic is not None
        and vitals.diastolic is not None
        and vitals.systolic <= vitals.diastolic
    ):
        problems.append(
            Problem(
                field="vitals.systolic",
                code="blood-pressure-order",
                message=f"Huyết áp {vitals.systolic}/{vitals.diastolic}: số trên phải lớn hơn số dưới. Hãy đo hoặc nhập lại.",
            )
        )
    return tuple(problems)


def _check_sign(sign: Sign, value: Decimal, age_months: int) -> Problem | None:
    limits = limits_for(sign.name, age_months)
    if not limits.low <= value <= limits.high:
        return Problem(
            field=f"vitals.{sign.name}",
            code="impossible",
            message=f"{sign.label} {_number(value)} {sign.unit} là không thể có "
            f"(phải từ {_number(limits.low)} đến {_number(limits.high)}). Hãy đo hoặc nhập lại.",
        )
    if not limits.usual_low <= value <= limits.usual_high:
        word = "thấp" if value < limits.usual_low else "cao"
        return Problem(
            field=f"vitals.{sign.name}",
            code="unusual",
            message=f"{sign.label} {_number(value)} {sign.unit} {word} bất thường so với tuổi. Hãy đo lại để xác nhận.",
            severity="confirm",
        )
    return None
