"""A visit at another facility, known from a file of the insurance: history, never a record of ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignVisit:
    """What the file said, and who took it over when. The file itself is kept beside it."""

    id: str
    patient_id: str
    facility_code: str
    link_code: str
    version: str  # of the tables
    arrived_at: datetime
    left_at: datetime | None = None
    reason: str = ""
    diagnosis: str = ""
    icd_codes: tuple[str, ...] = ()  # the main one first
    treatment: str = ""
    drugs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    file_sha256: str = ""
    taken_at: datetime | None = None
    taken_by: str = ""


class Takeable(StrEnum):
    """Whether a visit of a file can be taken over."""

    YES = "yes"
    TAKEN = "taken"
    OURS = "ours"
    NOBODY = "nobody"
    SEVERAL = "several"
    UNDATED = "undated"

    @property
    def label(self) -> str:
        return {
            "yes": "Nhận được",
            "taken": "Đã nhận trước đây",
            "ours": "Của trạm này",
            "nobody": "Chưa có người bệnh này",
            "several": "Khớp nhiều người",
            "undated": "Không rõ ngày khám",
        }[self.value]
