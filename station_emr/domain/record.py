"""What every clinical record shares: kinds, states, versions and the snapshots printed forms need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RecordKind(StrEnum):
    """One aggregate = one word, in every layer and on the wire."""

    PATIENT = "patient"
    ENCOUNTER = "encounter"
    PRESCRIPTION = "prescription"
    REFERRAL = "referral"
    APPOINTMENT = "appointment"
    LINK = "link"
    FEEDBACK = "feedback"
    SIGNATURE = "signature"
    CONSENT = "consent"
    CERTIFICATE = "certificate"
    NOTIFICATION = "notification"
    BILL = "bill"
    RIGHTS = "rights"
    STANDING = "standing"
    REQUEST = "request"
    BREACH = "breach"
    PRACTITIONER = "practitioner"
    FACILITY = "facility"


class RecordStatus(StrEnum):
    """draft → signed → (amended | voided). Only a draft may change in place."""

    DRAFT = "draft"
    SIGNED = "signed"
    AMENDED = "amended"
    VOIDED = "voided"

    @property
    def label(self) -> str:
        return _STATUS_LABELS[self]

    @property
    def is_final(self) -> bool:
        """Whether the content is immutable: every change is a new version with a reason."""
        return self is not RecordStatus.DRAFT


_STATUS_LABELS = {
    RecordStatus.DRAFT: "Nháp",
    RecordStatus.SIGNED: "Đã ký",
    RecordStatus.AMENDED: "Đã sửa đổi",
    RecordStatus.VOIDED: "Đã hủy",
}


class Sex(StrEnum):
    """Administrative sex; the BHYT tables write 1, 2 and 3 (QĐ 4750, GIOI_TINH)."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return {"male": "Nam", "female": "Nữ", "unknown": "Chưa xác định"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class StationProfile:
    """Who issues the documents: the letterhead, the code and this machine's number series.

    ``code`` is the facility code (5 characters) as written in the station's own decision; demo
    stations use a code that is visibly not official. ``series`` tells this device's printed
    numbers apart from those of the station's other machines.
    """

    facility_id: str
    code: str
    name: str
    parent_authority: str
    commune_code: str = ""
    commune_name: str = ""
    province_code: str = ""
    province_name: str = ""
    address: str = ""
    phone: str = ""
    site: str = "Điểm trạm chính"
    device_name: str = "Máy 1"
    series: str = "A"
    level: str = "Cấp ban đầu"
    has_beds: bool = False  # TT 26/2025: only facilities with beds prescribe narcotics
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerSnapshot:
    """The person who wrote or signed, as they were at that moment."""

    user_id: str
    full_name: str
    title: str = ""  # "BS.", "YS.", "ĐD."
    role: str = ""
    licence_no: str = ""  # số giấy phép hành nghề

    @property
    def printed_name(self) -> str:
        return f"{self.title} {self.full_name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who signed, when by this machine's clock and what the clock was known to be off by.

    ``method`` follows TT 13/2025 art. 3: ``e_confirm`` is the log-in bound confirmation of this
    program; digital certificates come with their own evidence later.
    """

    by: PractitionerSnapshot
    at: datetime
    method: str = "e_confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    """One line of a record's history."""

    kind: RecordKind
    record_id: str
    version: int
    status: RecordStatus
    author_id: str
    author_name: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """One record touched by a command."""

    kind: RecordKind
    record_id: str
    version: int
    status: RecordStatus


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command changed; views listen to these and refresh only what they show."""

    items: tuple[Changed, ...] = ()

    def id_of(self, kind: RecordKind) -> str:
        """The id of the (first) changed record of this kind; raises KeyError when there is none."""
        for item in self.items:
            if item.kind is kind:
                return item.record_id
        raise KeyError(kind.value)

    def touches(self, *kinds: RecordKind) -> bool:
        return any(item.kind in kinds for item in self.items)

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.items + other.items)
