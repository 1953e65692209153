"""The registers of TT 23/2025/TT-BYT: one line per visit, closed by the month, corrected in the open.

A closed month is a snapshot. What is written or amended later for that month is never put into it: it is
shown beside it, with the number of the line that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .birth import BirthDate
from .icd_range import IcdRange, covered
from .period import ZONE, Period
from .record import Sex
from .sensitive import RESTRICTED


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugUse:
    """What one visit took of one drug."""

    code: str
    name: str
    unit: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureUse:
    code: str
    name: str
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterLine:
    """One signed visit as the registers show it and as reports count it. ``codes`` holds the ICD
    codes, the main one first; ``history`` those of earlier versions of the visit, which decide
    whether it is restricted, and nothing else. ``patient_id`` is the chart that is shown for this person.
    """

    encounter_id: str
    patient_id: str
    version: int
    arrived_at: datetime
    full_name: str
    sex: Sex
    birth: BirthDate
    age: int
    identity_paper: str = ""
    insurance_number: str = ""
    address: str = ""
    ethnic: str = ""
    occupation: str = ""
    symptoms: str = ""
    diagnosis: str = ""
    treatment: str = ""
    practitioner: str = ""
    note: str = ""
    codes: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    main_title: str = ""
    signed_at: datetime | None = None
    result: str = ""
    care_kind: str = ""
    referred_to: str = ""
    referral_reason: str = ""
    insured: bool = False
    drugs: tuple[DrugUse, ...] = ()
    procedures: tuple[ProcedureUse, ...] = ()

    @property
    def day(self) -> date:
        """The day of the visit, by Vietnamese time."""
        return self.arrived_at.astimezone(ZONE).date()

    @property
    def main_code(self) -> str:
        return self.codes[0] if self.codes else ""


def without_words(line: RegisterLine) -> RegisterLine:
    """A restricted visit for those who may not read it: the line stays, its words do not."""
    return replace(
        line,
        symptoms=RESTRICTED,
        diagnosis=RESTRICTED,
        treatment=RESTRICTED,
        note="",
        codes=(),
        history=(),
        main_title="",
        result="",
        referred_to="",
        referral_reason="",
        drugs=(),
        procedures=(),
    )


_SEXES: Final = {Sex.MALE: Sex.MALE.label, Sex.FEMALE: Sex.FEMALE.label}
COLUMNS: Final[Mapping[str, tuple[str, Callable[[RegisterLine], str]]]] = MappingProxyType(
    {
        "full_name": ("Họ và tên", lambda line: line.full_name),
        "sex": ("Giới", lambda line: _SEXES.get(line.sex, "")),
        "birth": ("Ngày sinh", lambda line: line.birth.display()),
        "identity_paper": ("Giấy tờ tùy thân", lambda line: line.identity_paper),
        "insurance_number": ("Số thẻ BHYT", lambda line: line.insurance_number),
        "address": ("Địa chỉ", lambda line: line.address),
        "ethnic": ("Dân tộc", lambda line: line.ethnic),
        "occupation": ("Nghề nghiệp", lambda line: line.occupation),
        "symptoms": ("Triệu chứng", lambda line: line.symptoms),
        "diagnosis": ("Chẩn đoán", lambda line: line.diagnosis),
        "treatment": ("Phương pháp điều trị", lambda line: line.treatment),
        "practitioner": ("Y, bác sĩ khám bệnh", lambda line: line.practitioner),
        "note": ("Ghi chú", lambda line: line.note),
        "visited_on": ("Ngày khám", lambda line: f"{line.day:%d/%m/%Y}"),
        "age": ("Tuổi", lambda line: str(line.age)),
    }
)
"""What a column of a register may show, and the head it has unless the station wrote another."""
NUMBER: Final = "number"
"""The running number: the one column that is no property of the visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterColumn:
    """``share`` is its part of the width of the paper."""

    key: str
    title: str
    share: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRule:
    """Which visits belong into a register from ``since`` to ``until``. An empty rule takes all."""

    icd: tuple[IcdRange, ...] = ()
    results: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def selects(self, line: RegisterLine) -> bool:
        day = line.day
        if (self.since is not None and day < self.since) or (
            self.until is not None and day > self.until
        ):
            return False
        if self.results and line.result not in self.results:
            return False
        return not self.icd or any(covered(code, self.icd) for code in line.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterDefinition:
    """One register of annex III. ``missing`` says why the record cannot fill it. ``known`` tells
    whether name and heads were taken from the text itself.
    """

    code: str
    name: str
    known: bool
    columns: tuple[RegisterColumn, ...] = ()
    rules: tuple[RegisterRule, ...] = ()
    missing: str = ""
    sensitive: bool = False
    remark: str = ""

    def selects(self, line: RegisterLine) -> bool:
        return any(rule.selects(line) for rule in self.rules)

    @property
    def tells(self) -> bool:
        """Whether being in it says something of a person's illness."""
        return self.sensitive or any(rule.icd for rule in self.rules)

    @property
    def label(self) -> str:
        return f"{self.code} – {self.name}"


def row_reader(
    columns: Sequence[RegisterColumn],
) -> Callable[[str, RegisterLine], tuple[str, ...]]:
    """How a line becomes the cells of these columns: asked once for a register of thousands."""
    readers = [None if one.key == NUMBER else COLUMNS[one.key][1] for one in columns]

    def read(number: str, line: RegisterLine) -> tuple[str, ...]:
        return tuple([number if reader is None else reader(line) for reader in readers])

    return read


def cells(columns: Sequence[RegisterColumn], number: str, line: RegisterLine) -> tuple[str, ...]:
    """One line as the columns of a register show it."""
    return row_reader(columns)(number, line)


# -- closing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A month that was locked. ``times`` counts the closings of this month; ``marks`` is what the
    versions of its records added up to, so that a later change shows at a glance. A closing that was
    opened again keeps its snapshot.
    """

    id: str
    month: str
    times: int
    closed_at: datetime
    closed_by: str
    closed_by_id: str
    lines: int
    unsigned: int
    content_sha256: str
    marks: int
    method: str = "e_confirm"
    reopened_at: datetime | None = None
    reopened_by: str = ""
    reopen_reason: str = ""

    @property
    def period(self) -> Period:
        return Period.parse(self.month)

    @property
    def stands(self) -> bool:
        return self.reopened_at is None


class LateKind(StrEnum):
    """How a line of a closed month has come to differ."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"

    @property
    def label(self) -> str:
        return {"added": "Ghi bổ sung", "changed": "Sửa đổi", "removed": "Hủy"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateCorrection:
    """``number`` is that of the line in the closed register; 0 for one that is not in it."""

    kind: LateKind
    number: int
    month: str
    before: RegisterLine | None
    after: RegisterLine | None
    changed: tuple[str, ...] = ()
    at: datetime | None = None
    by: str = ""
    reason: str = ""

    @property
    def line(self) -> RegisterLine:
        """What it says now; what it said where it was taken back."""
        shown = self.after or self.before
        if shown is None:  # pragma: no cover  # compare() always gives one
            raise ValueError("a correction is about a line")
        return shown

    @property
    def words(self) -> str:
        if self.kind is LateKind.ADDED:
            return f"{self.kind.label} sau khi khóa sổ"
        about = f"{self.kind.label} dòng {self.number}"
        return f"{about}: {', '.join(self.changed).lower()}" if self.changed else about


_NO_CHANGE: Final = frozenset({"version", "history", "signed_at", "main_title", "patient_id"})
_FACTS: Final = {
    "codes": "Chẩn đoán",
    "result": "Kết quả điều trị",
    "care_kind": "Loại khám",
    "referred_to": "Nơi chuyển đến",
    "referral_reason": "Lý do chuyển",
    "insured": "BHYT",
    "drugs": "Thuốc",
    "procedures": "Kỹ thuật",
    "arrived_at": "Giờ đến",
}


def changed_fields(before: RegisterLine, after: RegisterLine) -> tuple[str, ...]:
    """The heads of what differs, each once."""
    names: dict[str, None] = {}
    for one in fields(RegisterLine):
        if one.name in _NO_CHANGE or getattr(before, one.name) == getattr(after, one.name):
            continue
        title = COLUMNS[one.name][0] if one.name in COLUMNS else _FACTS.get(one.name, one.name)
        names[title] = None
    return tuple(names)


def compare(
    month: str, closed: Sequence[RegisterLine], now: Sequence[RegisterLine]
) -> tuple[LateCorrection, ...]:
    """What differs between a snapshot and the record as it stands: changed and taken back in the
    order of the closed register, then what was added.
    """
    current = {line.encounter_id: line for line in now}
    found = []
    for number, line in enumerate(closed, 1):
        after = current.pop(line.encounter_id, None)
        if after is None:
            found.append(
                LateCorrection(
                    kind=LateKind.REMOVED, number=number, month=month, before=line, after=None
                )
            )
            continue
        changed = changed_fields(line, after)
        if changed:
            found.append(
                LateCorrection(
                    kind=LateKind.CHANGED,
                    number=number,
                    month=month,
                    before=line,
                    after=after,
                    changed=changed,
                )
            )
    found += [
        LateCorrection(kind=LateKind.ADDED, number=0, month=month, before=None, after=line)
        for line in current.values()
    ]
    return tuple(found)
