"""What a person agreed to, per purpose (Luật 91/2025): given on purpose, never by a tick made before.

One consent is one purpose. Taking it back is a new version of the same record, so that what was
given, when and by whom stays readable for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from .errors import Problem
from .text import clean

WITHDRAWAL_DAYS: Final = 15
"""Within how many days somebody who takes a consent back must have been answered."""
BOTH_FROM: Final = 7
"""Years from which a child agrees together with the guardian; a younger one is spoken for."""
ADULT: Final = 18


@dataclass(frozen=True, slots=True)
class ConsentPurpose:
    """One purpose as data. ``sensitive`` says that the paper must speak of it as such."""

    code: str
    label: str
    explained: str
    sensitive: bool = False


PURPOSES: Final[tuple[ConsentPurpose, ...]] = (
    ConsentPurpose(
        "treatment-sharing",
        "Chia sẻ hồ sơ với cơ sở khám bệnh, chữa bệnh khác",
        "Cho cơ sở khác đang khám, chữa bệnh cho tôi xem hồ sơ do trạm lập.",
        sensitive=True,
    ),
    ConsentPurpose(
        "health-book",
        "Cập nhật Sổ sức khỏe điện tử",
        "Đưa kết quả khám, đơn thuốc vào Sổ sức khỏe điện tử của tôi trên ứng dụng định danh quốc gia.",
        sensitive=True,
    ),
    ConsentPurpose(
        "biometrics",
        "Lấy và dùng dấu hiệu sinh trắc học",
        "Dùng vân tay hoặc khuôn mặt của tôi để xác nhận giấy tờ khám bệnh, chữa bệnh.",
        sensitive=True,
    ),
    ConsentPurpose(
        "insurer",
        "Cung cấp hồ sơ cho công ty bảo hiểm hoặc đơn vị khác theo yêu cầu của tôi",
        "Cung cấp phần hồ sơ tôi chỉ rõ cho đơn vị tôi nêu tên; không cung cấp gì thêm.",
        sensitive=True,
    ),
    ConsentPurpose(
        "research",
        "Dùng cho nghiên cứu, đào tạo",
        "Dùng hồ sơ đã bỏ tên và số giấy tờ của tôi cho nghiên cứu hoặc giảng dạy.",
        sensitive=True,
    ),
    ConsentPurpose(
        "contact-phone",
        "Gọi điện thoại, nhắn tin nhắc lịch",
        "Gọi điện hoặc nhắn tin cho tôi để nhắc lịch khám, lịch tiêm, kết quả.",
    ),
    ConsentPurpose(
        "contact-zalo",
        "Liên hệ qua ứng dụng nhắn tin",
        "Liên hệ với tôi qua ứng dụng nhắn tin; không gửi chẩn đoán qua ứng dụng.",
    ),
)
_BY_CODE: Final = {one.code: one for one in PURPOSES}


def purpose_of(code: str) -> ConsentPurpose | None:
    return _BY_CODE.get(code)


def purpose_label(code: str) -> str:
    """What people call the purpose; one of a newer program is shown by its own name."""
    found = _BY_CODE.get(code)
    return found.label if found else code


class ConsentGiver(StrEnum):
    PATIENT = "patient"
    GUARDIAN = "guardian"
    BOTH = "both"

    @property
    def label(self) -> str:
        return {
            "patient": "Người bệnh",
            "guardian": "Người đại diện",
            "both": "Người bệnh và người đại diện",
        }[self.value]


class ConsentForm(StrEnum):
    """How it was said. Silence is none of them."""

    PAPER = "paper"
    ELECTRONIC = "electronic"
    SPOKEN = "spoken"

    @property
    def label(self) -> str:
        return {
            "paper": "Phiếu ký tay",
            "electronic": "Xác nhận điện tử",
            "spoken": "Lời nói, có người làm chứng",
        }[self.value]


class ConsentStanding(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return {"active": "Đang có hiệu lực", "expired": "Hết hạn", "withdrawn": "Đã rút lại"}[
            self.value
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """``answered_at`` is when the person was told that the consent taken back is at its end."""

    id: str
    patient_id: str
    purpose: str = ""
    giver: ConsentGiver
    form: ConsentForm
    given_at: datetime | None = None
    recorded_by: str = ""
    guardian_name: str = ""
    guardian_relationship: str = ""
    witness: str = ""
    paper_number: str = ""
    receiver: str = ""
    note: str = ""
    valid_until: date | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawal_paper: str = ""
    answered_at: datetime | None = None

    def standing(self, today: date) -> ConsentStanding:
        if self.withdrawn_at is not None:
            return ConsentStanding.WITHDRAWN
        if self.valid_until is not None and self.valid_until < today:
            return ConsentStanding.EXPIRED
        return ConsentStanding.ACTIVE

    @property
    def answer_due(self) -> date | None:
        """The last day for the answer to a withdrawal; None when there is nothing to answer."""
        if self.withdrawn_at is None or self.answered_at is not None:
            return None
        return self.withdrawn_at.date() + timedelta(days=WITHDRAWAL_DAYS)


def required_giver(age: int | None) -> ConsentGiver:
    """Who has to agree at this age. An unknown age counts as grown up."""
    if age is None or age >= ADULT:
        return ConsentGiver.PATIENT
    return ConsentGiver.BOTH if age >= BOTH_FROM else ConsentGiver.GUARDIAN


def check_consent(consent: Consent, age: int | None, today: date) -> tuple[Problem, ...]:
    """What still keeps this consent from being one."""
    wrong = [
        (field, code, message)
        for is_wrong, field, code, message in (
            *_who_problems(consent, required_giver(age)),
            *_how_problems(consent, today),
        )
        if is_wrong
    ]
    return tuple(Problem(field=field, code=code, message=message) for field, code, message in wrong)


_Rule = tuple[bool, str, str, str]


def _who_problems(consent: Consent, needed: ConsentGiver) -> tuple[_Rule, ...]:
    giver = consent.giver
    spoken_for = giver is not ConsentGiver.PATIENT
    return (
        (
            needed is ConsentGiver.GUARDIAN and giver is not needed,
            "giver",
            "guardian",
            "Trẻ dưới 7 tuổi: người đại diện đồng ý thay.",
        ),
        (
            needed is ConsentGiver.BOTH and giver is not needed,
            "giver",
            "both",
            "Trẻ từ đủ 7 tuổi: cần cả trẻ và người đại diện cùng đồng ý.",
        ),
        (
            spoken_for and not clean(consent.guardian_name),
            "guardian_name",
            "required",
            "Hãy ghi họ tên người đại diện.",
        ),
        (
            spoken_for and not clean(consent.guardian_relationship),
            "guardian_relationship",
            "required",
            "Hãy ghi quan hệ với người bệnh.",
        ),
    )


def _how_problems(consent: Consent, today: date) -> tuple[_Rule, ...]:
    given = consent.given_at
    return (
        (
            purpose_of(consent.purpose) is None,
            "purpose",
            "required",
            "Hãy chọn một mục đích: mỗi mục đích là một sự đồng ý riêng.",
        ),
        (
            consent.form is ConsentForm.PAPER and not clean(consent.paper_number),
            "paper_number",
            "required",
            "Hãy ghi số hoặc ký hiệu của phiếu giấy để tìm lại được.",
        ),
        (
            consent.form is ConsentForm.SPOKEN and not clean(consent.witness),
            "witness",
            "required",
            "Đồng ý bằng lời: hãy ghi tên người làm chứng.",
        ),
        (
            consent.purpose == "insurer" and not clean(consent.receiver),
            "receiver",
            "required",
            "Hãy ghi tên đơn vị được nhận hồ sơ.",
        ),
        (given is None, "given_at", "required", "Hãy ghi ngày đồng ý."),
        (
            given is not None and given.date() > today,
            "given_at",
            "future",
            "Ngày đồng ý không thể ở sau hôm nay.",
        ),
        (
            consent.valid_until is not None and consent.valid_until < today,
            "valid_until",
            "past",
            "Hạn đồng ý đã qua.",
        ),
    )
