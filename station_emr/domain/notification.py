"""Telling of an infectious disease: who fell ill, with what, since when, and by when it must be told.

Which diseases, within how many hours and with which grades is a table with dates
(:class:`NotificationRules`), because decisions change it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from .encounter import Diagnosis, DiagnosisRole, PatientSnapshot
from .errors import Problem
from .record import PractitionerSnapshot, Signature, StationProfile

_RANGE: Final = re.compile(r"([A-Z]\d{2}(?:\.\d{1,2})?)(?:-([A-Z]\d{2}(?:\.\d{1,2})?))?")


class CaseClass(StrEnum):
    """How sure the diagnosis is."""

    POSSIBLE = "possible"
    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"

    @property
    def label(self) -> str:
        return {
            "possible": "Có thể",
            "suspected": "Nghi ngờ (lâm sàng)",
            "confirmed": "Xác định phòng xét nghiệm",
        }[self.value]


class CaseState(StrEnum):
    """What became of the person so far."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    DISCHARGED = "discharged"
    TRANSFERRED = "transferred"
    SENT_HOME = "sent_home"
    DIED = "died"
    OTHER = "other"

    @property
    def label(self) -> str:
        return {
            "outpatient": "Đang điều trị ngoại trú",
            "inpatient": "Đang điều trị nội trú",
            "discharged": "Ra viện",
            "transferred": "Chuyển viện",
            "sent_home": "Nặng xin về",
            "died": "Tử vong",
            "other": "Tình trạng khác",
        }[self.value]


class YesNo(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return {"yes": "Có", "no": "Không", "unknown": "Không rõ"}[self.value]


class SpecimenResult(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    PENDING = "pending"

    @property
    def label(self) -> str:
        return {"positive": "Dương tính", "negative": "Âm tính", "pending": "Chưa có kết quả"}[
            self.value
        ]


class ReportWay(StrEnum):
    """How the superior was told. Paper is caught up in the system later."""

    ONLINE = "online"
    PHONE = "phone"
    PAPER = "paper"
    EMAIL = "email"

    @property
    def label(self) -> str:
        return {
            "online": "Hệ thống trực tuyến",
            "phone": "Điện thoại",
            "paper": "Văn bản giấy",
            "email": "Văn bản điện tử",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifiableDisease:
    """One row of the table. ``icd`` holds codes and ranges such as ``A20`` or ``B50-B54``.

    ``grades`` are the severity grades of this disease; one must be chosen when there are any.
    """

    code: str
    name: str
    icd: tuple[str, ...]
    hours: int = 24
    group: str = ""
    grades: tuple[str, ...] = ()

    def covers(self, icd_code: str) -> bool:
        return any(_covers(one, icd_code.strip().upper()) for one in self.icd)


def _covers(span: str, code: str) -> bool:
    found = _RANGE.fullmatch(span)
    if found is None or not code:
        return False
    first, last = found[1], found[2] or found[1]
    return first <= code and code[: len(last)] <= last


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRules:
    """The table of one period. ``death_hours`` counts whatever the disease."""

    since: date
    diseases: tuple[NotifiableDisease, ...]
    specimens: tuple[str, ...] = ()
    death_hours: int = 24

    def disease_of(self, icd_code: str) -> NotifiableDisease | None:
        """The row for a code: ``A83.0`` before ``A83-A86``."""
        code = icd_code.strip().upper()
        fitting = [
            (max(len(span.partition("-")[0]) for span in one.icd if _covers(span, code)), one)
            for one in self.diseases
            if one.covers(code)
        ]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None

    def by_code(self, code: str) -> NotifiableDisease | None:
        return next((one for one in self.diseases if one.code == code), None)

    def found_in(
        self, diagnoses: Iterable[Diagnosis]
    ) -> tuple[tuple[Diagnosis, NotifiableDisease], ...]:
        """The diagnoses that must be told of, main one first, each disease once."""
        seen: dict[str, tuple[Diagnosis, NotifiableDisease]] = {}
        ordered = sorted(diagnoses, key=lambda one: one.role is not DiagnosisRole.MAIN)
        for diagnosis in ordered:
            disease = self.disease_of(diagnosis.icd_code)
            if disease is not None:
                seen.setdefault(disease.code, (diagnosis, disease))
        return tuple(seen.values())


def notification_rules_on(rules: Iterable[NotificationRules], day: date) -> NotificationRules:
    """The table that counts on ``day``: the newest that had begun, or the oldest known."""
    ordered = sorted(rules, key=lambda one: one.since)
    begun = [one for one in ordered if one.since <= day]
    return begun[-1] if begun else ordered[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunicableDiseaseNotification:
    """One case told of. A draft lacks what it lacks; :func:`check_notification` says what is missing.

    ``detected_at`` starts the clock and ``hours`` is the time allowed, as the table stood then.
    ``reported_at`` stops it: the superior was told, by ``reported_way`` to ``reported_to``.
    """

    id: str
    patient_id: str
    encounter_id: str
    number: str = ""
    disease_code: str = ""
    disease_name: str = ""
    icd_code: str = ""
    icd_title: str = ""
    detected_at: datetime | None = None
    hours: int = 24
    onset_on: date | None = None
    grade: str = ""
    case_class: CaseClass | None = None
    state: CaseState | None = None
    died_at: datetime | None = None
    phone: str = ""
    home_address: str = ""  # nơi ở hiện nay
    onset_address: str = ""  # nơi khởi phát
    workplace: str = ""  # nơi làm việc, học tập
    occupation: str = ""
    pregnant: YesNo | None = None
    underlying: str = ""  # bệnh nền
    vaccinated: YesNo | None = None
    vaccine_doses: int | None = None
    last_vaccine_on: date | None = None
    specimen_taken: YesNo | None = None
    specimen: str = ""
    specimen_on: date | None = None
    test_result: SpecimenResult | None = None
    test_name: str = ""
    contacts: str = ""  # yếu tố dịch tễ, người tiếp xúc
    measures: str = ""  # xử lý ban đầu
    note: str = ""
    reported_at: datetime | None = None
    reported_way: ReportWay | None = None
    reported_to: str = ""
    receipt: str = ""  # mã hồ sơ, họ tên người nhận tin
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    practitioner: PractitionerSnapshot | None = None
    signature: Signature | None = None

    @property
    def due_at(self) -> datetime | None:
        """By when it must be told."""
        if self.detected_at is None:
            return None
        return self.detected_at + timedelta(hours=self.hours)

    def left_at(self, now: datetime) -> timedelta | None:
        """The time that is left; negative when late; None once it was told."""
        due = self.due_at
        return None if due is None or self.reported_at is not None else due - now

    def is_overdue(self, now: datetime) -> bool:
        left = self.left_at(now)
        return left is not None and left < timedelta(0)

    @property
    def was_late(self) -> bool:
        """It was told, but after the time allowed."""
        due = self.due_at
        return self.reported_at is not None and due is not None and self.reported_at > due


def _problem(field: str, code: str, message: str, severity: str = "error") -> Problem:
    return Problem(field=field, code=code, message=message, severity=severity)


_REQUIRED: Final = (
    ("phone", "Chưa có số điện thoại liên hệ của người bệnh hoặc người nhà."),
    ("home_address", "Chưa có nơi ở hiện nay của người bệnh."),
    ("onset_address", "Chưa ghi nơi khởi phát bệnh. Nếu ở nhà thì chọn “Như nơi ở hiện nay”."),
)


def check_notification(
    notification: CommunicableDiseaseNotification, rules: NotificationRules, now: datetime
) -> tuple[Problem, ...]:
    """What is missing before the case can be told of in full."""
    return (
        *_case_problems(notification, rules, now.date()),
        *_told_problems(notification, now),
    )


def _case_problems(
    notification: CommunicableDiseaseNotification, rules: NotificationRules, today: date
) -> Iterable[Problem]:
    if not notification.disease_code or not notification.icd_code:
        yield _problem("disease_code", "disease-required", "Chưa chọn bệnh truyền nhiễm cần báo.")
    for name, message in _REQUIRED:
        if not str(getattr(notification, name)).strip():
            yield _problem(name, f"{name.replace('_', '-')}-required", message)
    onset = notification.onset_on
    if onset is None:
        yield _problem("onset_on", "onset-required", "Chưa ghi ngày khởi phát bệnh.")
    elif onset > today:
        yield _problem("onset_on", "onset-future", "Ngày khởi phát ở sau hôm nay. Hãy xem lại.")
    disease = rules.by_code(notification.disease_code)
    if disease is not None and disease.grades and notification.grade not in disease.grades:
        yield _problem(
            "grade",
            "grade-required",
            f"Chưa chọn phân độ của bệnh {disease.name}: {', '.join(disease.grades)}.",
        )
    if notification.case_class is None:
        yield _problem("case_class", "class-required", "Chưa chọn phân loại chẩn đoán.")
    if notification.state is None:
        yield _problem("state", "state-required", "Chưa chọn tình trạng hiện tại của người bệnh.")
    if notification.state is CaseState.DIED and notification.died_at is None:
        yield _problem("died_at", "death-time-required", "Chưa ghi giờ tử vong.")
    if notification.specimen_taken is YesNo.YES and not notification.specimen:
        yield _problem("specimen", "specimen-required", "Đã lấy mẫu: hãy chọn loại bệnh phẩm.")
    if (
        notification.case_class is CaseClass.CONFIRMED
        and notification.test_result is not SpecimenResult.POSITIVE
    ):
        yield _problem(
            "test_result",
            "confirmed-needs-positive",
            "Ca xác định bằng xét nghiệm phải có kết quả dương tính. "
            "Chưa có kết quả thì chọn “Nghi ngờ (lâm sàng)”.",
        )


def _told_problems(
    notification: CommunicableDiseaseNotification, now: datetime
) -> Iterable[Problem]:
    told = notification.reported_at
    if told is None:
        return
    if told > now:
        yield _problem("reported_at", "told-future", "Giờ đã báo ở sau bây giờ. Hãy xem lại.")
    if notification.reported_way is None or not notification.reported_to.strip():
        yield _problem("reported_to", "told-to-required", "Hãy ghi đã báo cho ai và bằng cách nào.")
