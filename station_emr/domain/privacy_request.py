"""What a person may ask of the own record, and by when the station must have answered.

Luật KCB 15/2023 art. 69 says who may read, copy or only get the summary; Luật 91/2025 and NĐ 356/2025
give the days. Weekends are no working days; public holidays are not known here, so a day that is
shown may be earlier than the law's, never later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from .errors import Problem
from .text import clean

REPLY_WORKING_DAYS: Final = 2
BREACH_HOURS: Final = 72


class RequestKind(StrEnum):
    VIEW = "view"
    COPY = "copy"
    SUMMARY = "summary"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    DELETE = "delete"

    @property
    def label(self) -> str:
        return _KINDS[self][0]

    @property
    def days(self) -> int:
        return _KINDS[self][1]


_KINDS: Final = {
    RequestKind.VIEW: ("Đọc, xem hồ sơ", 10),
    RequestKind.COPY: ("Sao chụp hồ sơ", 10),
    RequestKind.SUMMARY: ("Bản tóm tắt hồ sơ bệnh án", 10),
    RequestKind.CORRECT: ("Sửa thông tin", 10),
    RequestKind.WITHDRAW: ("Rút lại sự đồng ý", 15),
    RequestKind.DELETE: ("Xóa dữ liệu", 20),
}


class Asker(StrEnum):
    """Who asks. The letters are those of the points of Luật KCB art. 8 (2)."""

    PATIENT = "patient"
    REPRESENTATIVE_A = "representative-a"
    REPRESENTATIVE_B = "representative-b"
    REPRESENTATIVE_C = "representative-c"
    REPRESENTATIVE_D = "representative-d"
    AUTHORITY = "authority"

    @property
    def label(self) -> str:
        return _ASKERS[self]


_ASKERS: Final = {
    Asker.PATIENT: "Người bệnh",
    Asker.REPRESENTATIVE_A: "Người đại diện theo điểm a khoản 2 Điều 8",
    Asker.REPRESENTATIVE_B: "Người đại diện theo điểm b khoản 2 Điều 8",
    Asker.REPRESENTATIVE_C: "Người đại diện theo điểm c khoản 2 Điều 8",
    Asker.REPRESENTATIVE_D: "Người đại diện theo điểm d khoản 2 Điều 8",
    Asker.AUTHORITY: "Cơ quan có thẩm quyền",
}
# Point d stands on both sides in what is known of the law: the narrower right counts until it is
# known (docs/open-questions.md). Nothing is said of point b; it gets the narrower right as well.
_SUMMARY_ONLY: Final = frozenset(
    {Asker.REPRESENTATIVE_A, Asker.REPRESENTATIVE_B, Asker.REPRESENTATIVE_D}
)
_READING: Final = frozenset({RequestKind.VIEW, RequestKind.COPY, RequestKind.SUMMARY})


class RequestState(StrEnum):
    RECEIVED = "received"
    ANSWERED = "answered"
    DONE = "done"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        return {
            "received": "Mới nhận",
            "answered": "Đã phản hồi, đang làm",
            "done": "Đã xong",
            "refused": "Không thực hiện",
        }[self.value]

    @property
    def is_open(self) -> bool:
        return self in {RequestState.RECEIVED, RequestState.ANSWERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRequest:
    """One written request. ``answer`` is what the station told the person."""

    id: str
    patient_id: str
    kind: RequestKind
    asker: Asker
    received_at: datetime
    number: str = ""
    asker_name: str = ""
    asker_paper: str = ""  # số giấy tờ tùy thân
    asker_phone: str = ""
    relationship: str = ""
    proof: str = ""  # giấy tờ chứng minh quyền đại diện
    purpose: str = ""
    wanted: str = ""  # phần hồ sơ hoặc thông tin được yêu cầu
    recorded_by: str = ""
    state: RequestState = RequestState.RECEIVED
    answered_at: datetime | None = None
    answer: str = ""
    handled_by: str = ""
    closed_at: datetime | None = None

    @property
    def reply_due(self) -> date:
        return working_days_after(self.received_at.date(), REPLY_WORKING_DAYS)

    @property
    def due(self) -> date:
        return self.received_at.date() + timedelta(days=self.kind.days)

    @property
    def next_due(self) -> date | None:
        """The day that counts now; None once it is closed."""
        if self.state is RequestState.RECEIVED:
            return self.reply_due
        return self.due if self.state.is_open else None

    def is_late(self, today: date) -> bool:
        return self.next_due is not None and today > self.next_due


def working_days_after(day: date, count: int) -> date:
    """``count`` working days after ``day``; Saturday and Sunday are none."""
    while count:
        day += timedelta(days=1)
        if day.weekday() < 5:
            count -= 1
    return day


def check_request(request: PrivacyRequest, today: date) -> tuple[Problem, ...]:
    """What still keeps it from being taken in."""
    found: list[Problem] = []

    def wrong(field: str, code: str, message: str) -> None:
        found.append(Problem(field=field, code=code, message=message))

    if not clean(request.asker_name):
        wrong("asker_name", "required", "Hãy ghi họ tên người yêu cầu.")
    if not clean(request.asker_paper):
        wrong("asker_paper", "required", "Hãy xem và ghi số giấy tờ của người yêu cầu.")
    if request.asker is not Asker.PATIENT and not clean(request.proof):
        wrong(
            "proof",
            "required",
            "Hãy ghi giấy tờ chứng minh quyền đại diện hoặc văn bản của cơ quan yêu cầu.",
        )
    if request.asker in _SUMMARY_ONLY and request.kind in {RequestKind.VIEW, RequestKind.COPY}:
        wrong(
            "kind",
            "summary-only",
            "Người đại diện này chỉ được nhận bản tóm tắt hồ sơ bệnh án (Điều 69 Luật Khám bệnh, "
            "chữa bệnh). Hãy chọn “Bản tóm tắt hồ sơ bệnh án”.",
        )
    if request.kind not in _READING and not clean(request.wanted):
        wrong("wanted", "required", "Hãy ghi rõ nội dung được yêu cầu.")
    if request.received_at.date() > today:
        wrong("received_at", "future", "Ngày nhận không thể ở sau hôm nay.")
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataBreach:
    """One leak or loss of personal data. The report is due 72 hours after it was noticed."""

    id: str
    noticed_at: datetime
    number: str = ""
    happened: str = ""  # when, as far as known
    what: str = ""
    who: str = ""  # whose data, how many people
    kinds: str = ""
    effects: str = ""
    done: str = ""
    contact: str = ""
    recorded_by: str = ""
    reported_at: datetime | None = None
    reported_to: str = ""
    facility_id: str = ""  # whose leak it is, where others keep theirs beside it

    @property
    def due(self) -> datetime:
        return self.noticed_at + timedelta(hours=BREACH_HOURS)

    def hours_left(self, now: datetime) -> int:
        """Whole hours until the report is due; negative when it is late."""
        return int((self.due - now).total_seconds() // 3600)


def check_breach(breach: DataBreach, now: datetime) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for field, text, message in (
        ("what", breach.what, "Hãy ghi đã xảy ra việc gì."),
        ("who", breach.who, "Hãy ghi dữ liệu của ai, ước khoảng bao nhiêu người."),
        ("done", breach.done, "Hãy ghi trạm đã làm gì để chặn lại."),
    ):
        if not clean(text):
            found.append(Problem(field=field, code="required", message=message))
    if breach.noticed_at > now:
        message = "Lúc phát hiện không thể ở sau bây giờ."
        found.append(Problem(field="noticed_at", code="future", message=message))
    return tuple(found)


# Written on two machines at once ------------------------------------------------------------


def further_along(answers: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Of answers that two machines gave, the one to show until a person decides: ended before
    answered before open, then the first. No clock decides.
    """
    return max(answers, key=_progress)  # the first of equals


def _progress(answer: tuple[Any, ...]) -> int:
    state, ended = answer[0], answer[-1]
    if isinstance(state, RequestState):
        return (not state.is_open) + (state is not RequestState.RECEIVED)
    return int(ended is not None)


def earlier_known(moments: Sequence[datetime]) -> datetime:
    """When a leak was noticed first: the clock of 72 hours never begins anew."""
    return min(moments)
