"""The person: identity, cards, address by the two-level government of 2025, and lasting risks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .birth import BirthDate, age_on
from .errors import InvalidRecord, Problem
from .identity import parse_insurance_number, parse_national_id, parse_old_id, parse_phone
from .record import Sex
from .text import clean

MAX_NAME = 255
CHILD_YEARS = 6  # TT 26/2025: under 72 months a prescription names who brought the child


class CoverageValidity(StrEnum):
    """How an insurance card stands on a day."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A BHYT card: 15 characters (old) or the 10-digit BHXH number (cards since 1/4/2021)."""

    number: str
    valid_from: date | None = None
    valid_to: date | None = None
    initial_facility: str = ""  # mã nơi đăng ký KCB ban đầu
    initial_facility_name: str = ""
    living_area: str = ""  # K1, K2, K3
    five_year_on: date | None = None
    copay_exempt_on: date | None = None  # NGAY_MIEN_CCT: from this day on no co-payment

    def validity(self, day: date) -> CoverageValidity:
        if self.valid_from is None and self.valid_to is None:
            return CoverageValidity.UNKNOWN
        if self.valid_from is not None and day < self.valid_from:
            return CoverageValidity.NOT_YET
        if self.valid_to is not None and day > self.valid_to:
            return CoverageValidity.EXPIRED
        return CoverageValidity.IN_FORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Two levels since 1/7/2025: commune and province, with the hamlet or street as free text."""

    line: str = ""  # thôn, làng, tổ, số nhà
    commune_code: str = ""
    commune_name: str = ""
    province_code: str = ""
    province_name: str = ""

    @property
    def text(self) -> str:
        parts = (self.line, self.commune_name, self.province_name)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardian:
    full_name: str
    relationship: str = ""
    phone: str = ""
    national_id: str = ""


class AllergyCategory(StrEnum):
    DRUG = "drug"
    FOOD = "food"
    CHEMICAL = "chemical"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy:
    """``substance`` as people say it; ``ingredient`` and ``group`` are catalogue words (INN in
    lower case, family) that the prescription check compares with.
    """

    substance: str
    category: AllergyCategory = AllergyCategory.DRUG
    ingredient: str = ""
    group: str = ""
    reaction: str = ""
    severe: bool = False
    noted_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChronicCondition:
    icd_code: str
    title: str
    since_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One person. The name is one field and is never split, re-ordered or re-cased."""

    id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    chart_number: str = ""  # mã người bệnh in trên giấy
    national_id: str = ""  # số định danh cá nhân, 12 số
    old_national_id: str = ""  # CMND 9 số
    national_id_issued_on: date | None = None
    phone: str = ""
    address: Address = Address()
    ethnic_code: str = "01"
    ethnic_name: str = "Kinh"
    nationality_code: str = "000"
    nationality_name: str = "Việt Nam"
    occupation_code: str = ""
    occupation_name: str = ""
    workplace: str = ""
    guardian: Guardian | None = None
    coverages: tuple[Coverage, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    no_known_allergy: bool = False
    conditions: tuple[ChronicCondition, ...] = ()
    blood_type: str = ""
    note: str = ""
    card_extra: tuple[str, ...] = ()  # raw extra fields of a scanned card, kept as read

    def coverage_on(self, day: date) -> Coverage | None:
        """The card in force on ``day``; the newest card when none is."""
        in_force = [c for c in self.coverages if c.validity(day) is CoverageValidity.IN_FORCE]
        if in_force:
            return in_force[-1]
        return self.coverages[-1] if self.coverages else None

    def payable_coverage_on(self, day: date) -> Coverage | None:
        """Like :meth:`coverage_on`, without a card that has expired or is not valid yet."""
        card = self.coverage_on(day)
        refused = (CoverageValidity.EXPIRED, CoverageValidity.NOT_YET)
        return None if card is None or card.validity(day) in refused else card


def check_patient(patient: Patient, today: date) -> tuple[Problem, ...]:
    """Everything wrong or unusual with a patient before it is saved."""
    problems: list[Problem] = []
    name = clean(patient.full_name)
    if len(name) < 2 or not any(c.isalpha() for c in name):
        problems.append(
            Problem(
                field="full_name",
                code="name-required",
                message="Chưa có họ tên. Hãy nhập đầy đủ họ và tên như trên giấy tờ.",
            )
        )
    if len(name) > MAX_NAME:
        problems.append(
            Problem(field="full_name", code="name-long", message="Họ tên dài quá 255 ký tự.")
        )
    unborn = patient.birth.problem(today)
    if unborn is not None:
        problems.append(unborn)
    for parse, value in (
        (parse_national_id, patient.national_id),
        (parse_old_id, patient.old_national_id),
        (parse_phone, patient.phone),
    ):
        if value:
            problems.extend(_refusals(parse, value))
    for index, coverage in enumerate(patient.coverages):
        problems.extend(check_coverage(coverage, today, f"coverages.{index}"))
    unnamed = patient.guardian is None or not clean(patient.guardian.full_name)
    if 0 <= age_on(patient.birth, today) < CHILD_YEARS and unnamed:
        problems.append(
            Problem(
                field="guardian",
                code="guardian-missing",
                message="Trẻ dưới 72 tháng tuổi: hãy ghi họ tên người đưa trẻ đến khám (cần cho đơn thuốc).",
                severity="confirm",
            )
        )
    return tuple(problems)


def _refusals(parse: Callable[..., object], *arguments: object) -> tuple[Problem, ...]:
    """The problems a parser raises, as values."""
    try:
        parse(*arguments)
    except InvalidRecord as refused:
        return refused.problems
    return ()


def check_coverage(coverage: Coverage, today: date, where: str) -> tuple[Problem, ...]:
    """Malformed is refused; expired or not yet valid is questioned (the person is still cared for)."""
    problems: list[Problem] = []
    try:
        parse_insurance_number(coverage.number, field=f"{where}.number")
    except InvalidRecord as refused:
        problems.extend(refused.problems)
    if (
        coverage.valid_from is not None
        and coverage.valid_to is not None
        and coverage.valid_to < coverage.valid_from
    ):
        problems.append(
            Problem(
                field=f"{where}.valid_to",
                code="coverage-dates",
                message="Thẻ bảo hiểm y tế: ngày hết hạn trước ngày bắt đầu. Hãy xem lại hai ngày trên thẻ.",
            )
        )
    elif coverage.validity(today) is CoverageValidity.EXPIRED and coverage.valid_to is not None:
        problems.append(
            Problem(
                field=f"{where}.valid_to",
                code="coverage-expired",
                message=f"Thẻ bảo hiểm y tế đã hết hạn ngày {coverage.valid_to:%d/%m/%Y}. "
                "Hãy hỏi thẻ mới; nếu chưa có, xác nhận để khám không dùng thẻ này.",
                severity="confirm",
            )
        )
    elif coverage.validity(today) is CoverageValidity.NOT_YET and coverage.valid_from is not None:
        problems.append(
            Problem(
                field=f"{where}.valid_from",
                code="coverage-not-yet",
                message=f"Thẻ bảo hiểm y tế chỉ có giá trị từ ngày {coverage.valid_from:%d/%m/%Y}.",
                severity="confirm",
            )
        )
    return tuple(problems)
