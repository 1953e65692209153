"""How long the law wants each kind of record kept (TT 33/2025/TT-BYT), as data with its date.

Years count from the end of the year in which the work ended. The program deletes nothing: it says
what may be handed to an archive, and people decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

SOURCE: Final = "TT 33/2025/TT-BYT"
EFFECTIVE_FROM: Final = date(2025, 7, 1)  # the month of its issue


class RetentionClass(StrEnum):
    """A line of the table. Those of visits are told from what was written of the visit."""

    DEATH = "death"
    PSYCHIATRIC = "psychiatric"
    ACCIDENT = "accident"
    TRANSPLANT = "transplant"
    TREATMENT = "treatment"
    PRESCRIPTION = "prescription"
    REGISTER = "register"
    HEALTH_CERTIFICATE = "health_certificate"
    HEALTH_BOOK = "health_book"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """``years`` is None for what is kept for ever. ``held`` says whether this program keeps such
    records at all; the others stand here so that the table is whole.
    """

    kind: RetentionClass
    title: str
    years: int | None
    held: bool = True
    note: str = ""


TABLE: Final[tuple[RetentionRule, ...]] = (
    RetentionRule(kind=RetentionClass.DEATH, title="Hồ sơ bệnh án tử vong", years=30),
    RetentionRule(kind=RetentionClass.PSYCHIATRIC, title="Hồ sơ bệnh án tâm thần", years=20),
    RetentionRule(
        kind=RetentionClass.ACCIDENT,
        title="Hồ sơ bệnh án tai nạn lao động, tai nạn giao thông",
        years=20,
        note="Nhận ra qua mã V01 đến V99 hoặc Y96 trong chẩn đoán.",
    ),
    RetentionRule(
        kind=RetentionClass.TRANSPLANT,
        title="Hồ sơ ghép, phẫu thuật thẩm mỹ",
        years=20,
        held=False,
        note="Trạm y tế không thực hiện. Người hiến và người nhận: 30 năm.",
    ),
    RetentionRule(
        kind=RetentionClass.TREATMENT, title="Hồ sơ bệnh án nội trú, ngoại trú khác", years=10
    ),
    RetentionRule(
        kind=RetentionClass.PRESCRIPTION,
        title="Đơn thuốc, phiếu chuyển, phiếu hẹn",
        years=10,
        note="Không có dòng riêng trong thông tư; giữ theo hồ sơ của lượt khám, ít nhất 10 năm.",
    ),
    RetentionRule(
        kind=RetentionClass.REGISTER,
        title="Sổ sách khám bệnh, chữa bệnh",
        years=5,
        held=False,
        note="Sổ được lập ra từ hồ sơ, không giữ riêng.",
    ),
    RetentionRule(
        kind=RetentionClass.HEALTH_CERTIFICATE, title="Giấy khám sức khỏe", years=2, held=False
    ),
    RetentionRule(
        kind=RetentionClass.HEALTH_BOOK,
        title="Sổ sức khỏe điện tử",
        years=10,
        held=False,
        note="10 năm sau khi người đó mất; do hệ thống của tỉnh giữ.",
    ),
    RetentionRule(kind=RetentionClass.INCIDENT, title="Sự cố y khoa", years=None, held=False),
)
_RULES: Final = {rule.kind: rule for rule in TABLE}
_DIED: Final = frozenset({"5", "8"})  # KET_QUA_DTRI: died, died before arrival


def rule_of(kind: RetentionClass) -> RetentionRule:
    return _RULES[kind]


def class_of_visit(codes: Iterable[str], result: str) -> RetentionClass:
    """The longest of those a visit belongs to."""
    if result in _DIED:
        return RetentionClass.DEATH
    plain = [code.strip().upper() for code in codes]
    if any(code.startswith("F") for code in plain):
        return RetentionClass.PSYCHIATRIC
    if any(code.startswith(("V", "Y96")) and not code.startswith("V00") for code in plain):
        return RetentionClass.ACCIDENT
    return RetentionClass.TREATMENT


def last_year(kind: RetentionClass, ended: int) -> int | None:
    """The year to whose end a record must be kept; None for ever."""
    years = _RULES[kind].years
    return None if years is None else ended + years


def may_be_archived(kind: RetentionClass, ended: int, today: date) -> bool:
    last = last_year(kind, ended)
    return last is not None and today.year > last
