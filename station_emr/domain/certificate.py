"""The sick-leave certificate: "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội" (TT 25/2025/TT-BYT, form 07).

What a decision can change (how many days, which words of treatment) comes as :class:`SickLeaveRules`
with the day from which it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from .birth import age_on
from .encounter import Diagnosis, DiagnosisRole, PatientSnapshot
from .errors import Problem
from .patient import Patient
from .record import PractitionerSnapshot, Signature, StationProfile

_INSURANCE_NO: Final = re.compile(r"[0-9]{10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveLimit:
    """The longest leave of one kind. The most generous limit that applies counts.

    ``icd``: prefixes of the codes it is for (empty: all). ``weeks``: the pregnancy ended and was at
    least that old.
    """

    code: str
    label: str
    days: int
    icd: tuple[str, ...] = ()
    weeks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SickLeaveRules:
    """The rules of one period. ``care_kinds``: MA_LOAI_KCB of visits that may have one."""

    since: date
    limits: tuple[LeaveLimit, ...]
    treatments: tuple[str, ...]
    care_kinds: tuple[str, ...]
    parents_under: int = 7  # years
    youngest_pregnancy: int = 1  # weeks, TUOI_THAI
    oldest_pregnancy: int = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class SickLeave:
    """One certificate. ``first_day`` is the day of the visit; ``last_day`` is the last day off.

    A certificate that was lost or had a mistake is issued again as a record of its own with
    ``reissue_of`` (the number of the first one); paper says "CẤP LẠI".
    """

    id: str
    patient_id: str
    encounter_id: str
    number: str = ""  # Số: …/KCB (SO_KCB)
    serial: str = ""  # Số seri (SO_SERI)
    social_insurance_no: str = ""  # MA_BHXH
    temporary_card: str = ""  # MA_THE_TAM
    identity_issued_on: date | None = None
    workplace: str = ""  # DON_VI
    diagnoses: tuple[Diagnosis, ...] = ()
    treatment: str = ""  # PP_DIEUTRI
    pregnancy_ended: bool = False  # MA_DINH_CHI_THAI
    termination_cause: str = ""  # NGUYENNHAN_DINHCHI
    gestation_weeks: int | None = None  # TUOI_THAI
    days: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    father_name: str = ""
    mother_name: str = ""
    head_name: str = ""
    head_code: str = ""  # MA_TTDV
    practitioner_code: str = ""  # MA_BS
    issued_on: date | None = None  # NGAY_CT
    visited_on: date | None = None
    visit_kind: str = "01"  # MA_LOAI_KCB of the visit
    reissue_of: str = ""
    reissue_reason: str = ""
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    practitioner: PractitionerSnapshot | None = None
    signature: Signature | None = None

    @property
    def reissued(self) -> bool:
        return bool(self.reissue_of)

    @property
    def diagnosis_text(self) -> str:
        """Code and name of each, the main one first (CHAN_DOAN_RV)."""
        ordered = sorted(self.diagnoses, key=lambda one: one.role is not DiagnosisRole.MAIN)
        return "; ".join(one.label for one in ordered)


def last_day_of(first: date, days: int) -> date:
    """The last day off: the first one counts."""
    return first + timedelta(days=max(days, 1) - 1)


def days_between(first: date, last: date) -> int:
    return (last - first).days + 1


def rules_on(rules: Iterable[SickLeaveRules], day: date) -> SickLeaveRules:
    """The rules that count on ``day``: the newest that had begun, or the oldest known."""
    ordered = sorted(rules, key=lambda one: one.since)
    begun = [one for one in ordered if one.since <= day]
    return begun[-1] if begun else ordered[0]


def limit_of(certificate: SickLeave, rules: SickLeaveRules) -> LeaveLimit:
    """The longest leave that this certificate may give."""
    fitting = [one for one in rules.limits if _applies(one, certificate)]
    return max(fitting, key=lambda one: one.days)


def _applies(limit: LeaveLimit, certificate: SickLeave) -> bool:
    codes = [one.icd_code for one in certificate.diagnoses]
    if limit.icd and not any(code.startswith(limit.icd) for code in codes):
        return False
    if limit.weeks is None:
        return True
    weeks = certificate.gestation_weeks
    return certificate.pregnancy_ended and weeks is not None and weeks >= limit.weeks


def _problem(field: str, code: str, message: str, severity: str = "error") -> Problem:
    return Problem(field=field, code=code, message=message, severity=severity)


def check_sick_leave(
    certificate: SickLeave, patient: Patient, rules: SickLeaveRules
) -> tuple[Problem, ...]:
    """Everything that stands between this certificate and a signature."""
    return (
        *_visit_problems(certificate, rules),
        *_person_problems(certificate, patient, rules),
        *_medical_problems(certificate, rules),
        *_leave_problems(certificate, rules),
    )


def _visit_problems(certificate: SickLeave, rules: SickLeaveRules) -> Iterable[Problem]:
    if certificate.visit_kind not in rules.care_kinds:
        yield _problem(
            "encounter_id",
            "outpatient-only",
            "Giấy nghỉ việc hưởng BHXH chỉ cấp cho lượt khám, điều trị ngoại trú. "
            "Người bệnh nội trú dùng giấy ra viện.",
        )
    if certificate.reissued and not certificate.reissue_reason.strip():
        yield _problem(
            "reissue_reason",
            "reissue-reason-required",
            "Chưa ghi lý do cấp lại (mất, hỏng, sai thông tin).",
        )


def _person_problems(
    certificate: SickLeave, patient: Patient, rules: SickLeaveRules
) -> Iterable[Problem]:
    number = certificate.social_insurance_no
    if not number:
        yield _problem(
            "social_insurance_no",
            "insurance-no-required",
            "Chưa có mã số BHXH. Hãy hỏi người bệnh: 10 chữ số, trùng 10 số cuối của thẻ BHYT.",
        )
    elif _INSURANCE_NO.fullmatch(number) is None or not int(number):
        yield _problem(
            "social_insurance_no",
            "insurance-no-form",
            "Mã số BHXH gồm 10 chữ số và không toàn số 0. Hãy xem lại số đã gõ.",
        )
    if not certificate.workplace.strip():
        yield _problem(
            "workplace",
            "workplace-required",
            "Chưa ghi đơn vị làm việc nơi đóng BHXH. "
            "Trẻ em ốm thì ghi đơn vị của cha hoặc mẹ nghỉ việc chăm con.",
        )
    day = certificate.visited_on or certificate.first_day
    if day is None or age_on(patient.birth, day) >= rules.parents_under:
        return
    if not (certificate.father_name.strip() or certificate.mother_name.strip()):
        yield _problem(
            "father_name",
            "parents-required",
            f"Trẻ dưới {rules.parents_under} tuổi phải ghi họ tên cha hoặc mẹ trên giấy.",
        )


def _medical_problems(certificate: SickLeave, rules: SickLeaveRules) -> Iterable[Problem]:
    if not certificate.diagnoses:
        yield _problem(
            "diagnoses", "diagnosis-required", "Chưa có chẩn đoán trên giấy nghỉ việc hưởng BHXH."
        )
    elif not all(one.icd_code.strip() and one.title.strip() for one in certificate.diagnoses):
        yield _problem(
            "diagnoses",
            "diagnosis-code",
            "Mỗi chẩn đoán phải có cả mã ICD-10 và tên bệnh. Hãy chọn từ danh sách gợi ý.",
        )
    if certificate.treatment not in rules.treatments:
        yield _problem(
            "treatment",
            "treatment-wording",
            "Chưa chọn phương pháp điều trị theo cách ghi quy định: "
            + ", ".join(rules.treatments).lower()
            + ".",
        )
    if not certificate.pregnancy_ended:
        return
    if not certificate.termination_cause.strip():
        yield _problem(
            "termination_cause",
            "termination-cause-required",
            "Chưa ghi nguyên nhân đình chỉ thai nghén.",
        )
    weeks = certificate.gestation_weeks
    if weeks is None or not rules.youngest_pregnancy <= weeks <= rules.oldest_pregnancy:
        yield _problem(
            "gestation_weeks",
            "gestation-range",
            f"Tuổi thai phải từ {rules.youngest_pregnancy} đến {rules.oldest_pregnancy} tuần.",
        )


def _leave_problems(certificate: SickLeave, rules: SickLeaveRules) -> Iterable[Problem]:
    days, first, last = certificate.days, certificate.first_day, certificate.last_day
    if days is None or first is None or last is None:
        yield _problem("days", "days-required", "Chưa ghi số ngày nghỉ.")
        return
    if days < 1 or days_between(first, last) != days:
        yield _problem(
            "days",
            "days-count",
            f"Số ngày nghỉ không khớp: từ {first:%d/%m/%Y} đến hết {last:%d/%m/%Y} "
            f"là {days_between(first, last)} ngày.",
        )
    if certificate.visited_on is not None and first != certificate.visited_on:
        yield _problem(
            "first_day",
            "first-day",
            f"Ngày bắt đầu nghỉ phải là ngày khám ({certificate.visited_on:%d/%m/%Y}).",
        )
    limit = limit_of(certificate, rules)
    if days > limit.days:
        yield _problem(
            "days",
            "days-limit",
            f"Nhiều nhất {limit.days} ngày cho một lần cấp ({limit.label}). "
            "Cần nghỉ thêm thì khám lại rồi cấp giấy mới.",
        )
