"""The referral letter: "Phiếu chuyển cơ sở khám bệnh, chữa bệnh" (annex VI of TT 01/2025/TT-BYT)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from .encounter import Diagnosis, PatientSnapshot
from .errors import Problem
from .record import PractitionerSnapshot, Signature, StationProfile

VALID_WORKING_DAYS = 10  # TT 01/2025 art. 12: ten working days from signing


class ReferralReason(StrEnum):
    """Item 15 of the form; MA_LYDO_CT of insurance table 13 is 1, 2 and 3."""

    LEVEL_APPROPRIATE = "1"
    BEYOND_CAPACITY = "2"
    PATIENT_REQUEST = "3"

    @property
    def label(self) -> str:
        return {
            "1": "Phù hợp với quy định chuyển cấp chuyên môn kỹ thuật",
            "2": "Không phù hợp với khả năng đáp ứng của cơ sở",
            "3": "Theo yêu cầu của người bệnh hoặc người đại diện hợp pháp",
        }[self.value]


class ReferralProgress(StrEnum):
    """What has become of a signed letter; shown as chips."""

    DRAFT = "draft"
    SIGNED = "signed"
    PRINTED = "printed"
    SENT = "sent"
    RECEIVED = "received"
    ANSWERED = "answered"

    @property
    def label(self) -> str:
        return {
            "draft": "Nháp",
            "signed": "Đã ký",
            "printed": "Đã in",
            "sent": "Đã gửi",
            "received": "Đã nhận",
            "answered": "Có phản hồi",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorCare:
    """Item 8: where the person was examined and treated before, at most two lines are printed."""

    facility: str
    level: str = ""
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The letter with the form's 20 items; snapshots make a reprint identical for ever."""

    id: str
    patient_id: str
    encounter_id: str
    number: str = ""  # Số: …/PCCKCB
    record_number: str = ""  # Số hồ sơ
    register_number: str = ""  # Vào sổ chuyển viện số
    to_facility_code: str = ""
    to_facility_name: str = ""
    to_facility_level: str = ""
    card_unlimited: bool = False  # "Không xác định được thời hạn"
    prior_care: tuple[PriorCare, ...] = ()
    clinical_signs: str = ""
    test_results: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    procedures: str = ""
    procedures_start: datetime | None = None
    procedures_end: datetime | None = None
    treatment: str = ""  # kỹ thuật, thuốc điều trị chính đã sử dụng
    condition_on_transfer: str = ""
    reason: ReferralReason | None = None
    plan: str = ""  # hướng điều trị
    transfer_at: datetime | None = None
    one_year: bool = False
    transport: str = ""
    escort: str = ""  # họ tên, chức danh, trình độ chuyên môn
    emergency: bool = False
    letter_code: str = ""  # signed text of the QR
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    referrer: PractitionerSnapshot | None = None
    signature: Signature | None = None

    @property
    def main_diagnosis(self) -> Diagnosis | None:
        return self.diagnoses[0] if self.diagnoses else None


_REQUIRED = (
    (
        "clinical_signs",
        "Chưa có tóm tắt dấu hiệu lâm sàng. Hãy ghi dấu hiệu chính khiến phải chuyển.",
    ),
    ("condition_on_transfer", "Chưa ghi tình trạng người bệnh lúc chuyển."),
    ("plan", "Chưa ghi hướng điều trị đề nghị nơi nhận."),
    ("transport", "Chưa ghi phương tiện vận chuyển."),
)


def check_referral(referral: Referral) -> tuple[Problem, ...]:
    """Everything that stands between this letter and a signature."""
    problems: list[Problem] = []
    if not referral.to_facility_name.strip():
        problems.append(
            Problem(
                field="to_facility_name",
                code="receiver-required",
                message="Chưa chọn cơ sở nhận. Hãy gõ tên hoặc mã bệnh viện rồi chọn từ danh sách.",
            )
        )
    if referral.main_diagnosis is None:
        problems.append(
            Problem(
                field="diagnoses",
                code="diagnosis-required",
                message="Chưa có chẩn đoán bệnh chính trên phiếu chuyển.",
            )
        )
    if referral.reason is None:
        problems.append(
            Problem(
                field="reason",
                code="reason-required",
                message="Chưa chọn lý do chuyển cơ sở (mục 1a, 1b hoặc 2 của phiếu).",
            )
        )
    if referral.transfer_at is None:
        problems.append(
            Problem(
                field="transfer_at",
                code="transfer-time-required",
                message="Chưa ghi giờ chuyển cơ sở.",
            )
        )
    problems.extend(
        Problem(field=name, code=f"{name.replace('_', '-')}-required", message=message)
        for name, message in _REQUIRED
        if not str(getattr(referral, name)).strip()
    )
    if (
        referral.procedures_start is not None
        and referral.procedures_end is not None
        and referral.procedures_end < referral.procedures_start
    ):
        problems.append(
            Problem(
                field="procedures_end",
                code="time-order",
                message="Giờ kết thúc thủ thuật trước giờ bắt đầu. Hãy xem lại hai giờ này.",
            )
        )
    return tuple(problems)


def valid_until(
    signed_on: date, *, one_year: bool, holidays: frozenset[date] = frozenset()
) -> date:
    """The last day the letter can be used: ten working days, or one year for annex III diseases."""
    if one_year:
        try:
            return signed_on.replace(year=signed_on.year + 1) - timedelta(days=1)
        except ValueError:  # 29 February
            return date(signed_on.year + 1, 2, 28)
    day, left = signed_on, VALID_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in holidays:
            left -= 1
    return day
