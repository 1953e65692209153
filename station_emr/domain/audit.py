"""The chain of who did what, as values: where its end was seen, and what a check of it found.

Each line of the chain carries the hash of the line before it, so a change in the middle breaks every
line after it. Its end hangs free: only evidence from elsewhere (an anchor) tells that lines are gone
from it, or that somebody with the key wrote the whole chain anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

_ANCHOR: Final = re.compile(r"(\d{1,15}):([0-9a-f]{64})")
_SHORT: Final = 16
"""Letters of a hash that a person compares by eye."""


class Source(StrEnum):
    """By which door somebody came."""

    WINDOW = "window"
    COMMAND = "cli"
    SYNC = "sync"
    BEFORE_OPENING = "login"  # the database was still closed

    @property
    def label(self) -> str:
        return _SOURCES[self]


_SOURCES: Final = {
    Source.WINDOW: "cửa sổ",
    Source.COMMAND: "dòng lệnh",
    Source.SYNC: "đồng bộ",
    Source.BEFORE_OPENING: "màn hình đăng nhập",
}


class Purpose(StrEnum):
    """What for a record was opened or changed."""

    CARE = "care"
    INSPECTION = "inspection"
    OPERATION = "operation"
    EMERGENCY = "emergency"
    REQUEST = "request"

    @property
    def label(self) -> str:
        return _PURPOSES[self]


_PURPOSES: Final = {
    Purpose.CARE: "Khám bệnh, chữa bệnh",
    Purpose.INSPECTION: "Thanh tra, kiểm tra",
    Purpose.OPERATION: "Vận hành, quản trị",
    Purpose.EMERGENCY: "Cấp cứu",
    Purpose.REQUEST: "Theo yêu cầu của người bệnh",
}


_CLINICAL: Final = frozenset(
    {
        "patient",
        "encounter",
        "prescription",
        "referral",
        "appointment",
        "certificate",
        "notification",
        "bill",
        "feedback",
        "draft",
    }
)


def purpose_of(role: str, action: str) -> Purpose:
    """What for somebody of this role usually does it."""
    if role == "inspector":
        return Purpose.INSPECTION
    return Purpose.CARE if action.partition(".")[0] in _CLINICAL else Purpose.OPERATION


class Result(StrEnum):
    """How it went."""

    DONE = "ok"
    REFUSED = "refused"
    FAILED = "failed"

    @property
    def label(self) -> str:
        return _RESULTS[self]


_RESULTS: Final = {
    Result.DONE: "Được",
    Result.REFUSED: "Bị từ chối",
    Result.FAILED: "Không thành",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """The newest line of a chain. ``incarnation`` is the life of the database that it was seen in."""

    seq: int
    hash: str
    incarnation: str = ""
    at: datetime | None = None

    @property
    def words(self) -> str:
        """As printed, and as ``--anchor`` takes it."""
        return f"{self.seq}:{self.hash}"

    @property
    def short(self) -> str:
        """The first letters in groups of four, for the eye."""
        start = self.hash[:_SHORT]
        return " ".join(start[place : place + 4] for place in range(0, len(start), 4))


class EvidenceKind(StrEnum):
    """Where the end of the chain was noted, outside the chain itself."""

    LOCAL = "local"  # the table of anchors in the database
    WITNESS = "witness"  # the file beside the database
    PROVINCE = "province"
    PRINTED = "printed"  # filed on paper, given by a person

    @property
    def label(self) -> str:
        return _EVIDENCE[self]


_EVIDENCE: Final = {
    EvidenceKind.LOCAL: "mốc giữ trong máy",
    EvidenceKind.WITNESS: "tệp chứng cạnh cơ sở dữ liệu",
    EvidenceKind.PROVINCE: "mốc ở máy chủ tỉnh",
    EvidenceKind.PRINTED: "mốc in trên giấy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One moment at which the chain was this long and ended like this."""

    kind: EvidenceKind
    head: ChainHead


class BreakKind(StrEnum):
    """Why a link does not hold."""

    MISSING = "missing"
    UNLINKED = "unlinked"
    CHANGED = "changed"
    CUT = "cut"

    @property
    def label(self) -> str:
        return _BREAKS[self]


_BREAKS: Final = {
    BreakKind.MISSING: "dòng này không còn",
    BreakKind.UNLINKED: "dòng này không nối với dòng trước: có dòng bị chèn, đổi chỗ hoặc sửa",
    BreakKind.CHANGED: "nội dung dòng này không khớp với dấu vân của nó: dòng đã bị sửa",
    BreakKind.CUT: "các dòng cuối từ đây đã bị cắt bỏ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first link that does not hold."""

    seq: int
    kind: BreakKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStep:
    """A line whose time lies before that of the line above it: suspicious, though it may be a clock
    that was mended.
    """

    seq: int
    at: datetime
    before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What reading the chain from its first line told. ``steps`` are the first of ``step_count``."""

    lines: int
    head: ChainHead | None
    broken: Break | None = None
    steps: tuple[TimeStep, ...] = ()
    step_count: int = 0
    finished: bool = True


class Comparison(StrEnum):
    """What one piece of evidence says of the chain."""

    AGREES = "agrees"
    SHORTER = "shorter"  # the chain ends before the line that was seen
    DIFFERS = "differs"  # the line that was seen is another one now
    ACCEPTED = "accepted"  # it disagrees, and the director has said why


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One piece of evidence held against the chain."""

    evidence: Evidence
    comparison: Comparison

    @property
    def disagrees(self) -> bool:
        return self.comparison in {Comparison.SHORTER, Comparison.DIFFERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """The check of the chain with every piece of evidence. ``unasked`` says why the province was
    not asked.
    """

    check: ChainCheck
    compared: tuple[Compared, ...] = ()
    unasked: str = ""

    @property
    def disagreeing(self) -> tuple[Compared, ...]:
        return tuple(one for one in self.compared if one.disagrees)

    @property
    def is_whole(self) -> bool:
        return self.check.finished and self.check.broken is None and not self.disagreeing


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines to show; empty fields leave everything in. ``since`` and ``until`` are moments,
    ``until`` not included.
    """

    user_id: str = ""
    patient_id: str = ""
    actions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSize:
    """How much the log holds; nothing of it is ever deleted."""

    lines: int
    size: int  # bytes, roughly: of the lines and of what finds them
    oldest: datetime | None = None
    newest: datetime | None = None
    anchors: int = 0
    last_anchor: datetime | None = None
    by_action: tuple[tuple[str, int], ...] = field(default=())


def read_anchor(text: str) -> ChainHead | None:
    """``SEQ:HASH`` as it stands under the printed code, spaces and large letters forgiven."""
    found = _ANCHOR.fullmatch("".join(text.split()).lower())
    return ChainHead(seq=int(found[1]), hash=found[2]) if found else None


def compare(
    evidence: Evidence,
    lines: int,
    hash_there: str | None,
    accepted: Iterable[str] = (),
) -> Compared:
    """``hash_there`` is what the chain of ``lines`` lines holds at the place that was seen."""
    if hash_there == evidence.head.hash:
        comparison = Comparison.AGREES
    elif evidence.head.words in set(accepted):
        comparison = Comparison.ACCEPTED
    elif evidence.head.seq > lines or hash_there is None:
        comparison = Comparison.SHORTER
    else:
        comparison = Comparison.DIFFERS
    return Compared(evidence=evidence, comparison=comparison)
