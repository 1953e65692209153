"""The station's file for the inspection, as values: what is asked, how things stand, who says so.

A row is answered from what the program sees, or left to the head of the station. Nothing here is
ever met because somebody wrote so into the program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

COMPLETE_HOURS: Final = 24
"""No law sets a time to complete a record; the station's own regulation does."""
_MOST_HOURS: Final = 24 * 30


class Standing(StrEnum):
    """How a requirement stands."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not_met"
    OWN = "own"  # the program cannot see it; the head of the station judges

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    Standing.MET: "Đạt",
    Standing.PARTLY: "Cần làm thêm",
    Standing.NOT_MET: "Chưa đạt",
    Standing.OWN: "Người đứng đầu tự đánh giá",
}


class Section(StrEnum):
    """Which text a row belongs to."""

    CIRCULAR = "tt13"
    GUIDANCE = "cv365"
    LEVEL = "level"

    @property
    def label(self) -> str:
        return {
            "tt13": "Thông tư 13/2025/TT-BYT",
            "cv365": "Công văn 365/TTYQG-GPQLCL",
            "level": "TCVN 14423:2026, cấp độ 2",
        }[self.value]


class Part(StrEnum):
    """One paper of the file."""

    ASSESSMENT = "assessment"
    REGULATION = "regulation"
    LEVEL = "level"
    STATE = "state"

    @property
    def label(self) -> str:
        return {
            "assessment": "Phiếu tự đánh giá hồ sơ bệnh án điện tử",
            "regulation": "Quy chế hồ sơ bệnh án điện tử",
            "level": "Thuyết minh cấp độ an toàn hệ thống thông tin",
            "state": "Tình trạng hệ thống hôm nay",
        }[self.value]

    @property
    def file_name(self) -> str:
        return {
            "assessment": "1-tu-danh-gia.pdf",
            "regulation": "2-quy-che.pdf",
            "level": "3-cap-do.pdf",
            "state": "4-tinh-trang.pdf",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWord:
    """What the head of the station wrote to one row, and when."""

    standing: Standing
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement with its answer. ``facts`` are what the program saw; ``beyond`` marks what only
    level 3 asks for.
    """

    key: str
    section: Section
    article: str
    demand: str
    standing: Standing
    facts: str
    beyond: bool = False
    own: OwnWord | None = None

    @property
    def shown(self) -> Standing:
        """The head's word counts where the program cannot see; never over what it sees."""
        if self.standing is Standing.OWN and self.own is not None:
            return self.own.standing
        return self.standing


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierSettings:
    """What the station's regulation sets and the program cannot know."""

    complete_hours: int = COMPLETE_HOURS
    decision_no: str = ""  # of the regulation
    decision_on: date | None = None
    level_decision_no: str = ""
    level_decision_on: date | None = None
    officer: str = ""  # who answers for information security

    def fault(self) -> str:
        """Why these cannot be kept; empty when they can."""
        if not 1 <= self.complete_hours <= _MOST_HOURS:
            return "Thời hạn hoàn thành hồ sơ phải từ 1 đến 720 giờ. Chưa đổi gì."
        for number, day in (
            (self.decision_no, self.decision_on),
            (self.level_decision_no, self.level_decision_on),
        ):
            if bool(number.strip()) != (day is not None):
                return "Quyết định cần cả số và ngày. Chưa đổi gì; hãy ghi đủ hoặc để trống cả hai."
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One article of the regulation. ``text`` has the station's settings filled in; ``own`` tells
    that the station wrote it anew.
    """

    key: str
    heading: str
    text: str
    own: bool = False
    raw: str = field(default="", repr=False)
