"""What one run has done so far, and the words for how it ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from station_emr.domain.errors import NotFound
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.sync import SyncRun

from .peer import Traffic

NOT_CONFIGURED: Final = (
    "Máy này chưa ghi danh với tỉnh nên chưa gửi, chưa nhận gì. Mọi thứ đã lưu trên máy này. "
    "Hãy ghi danh trong Quản trị, phần Máy chủ của tỉnh."
)
ELSEWHERE: Final = "Một cửa sổ hoặc lệnh khác của chương trình đang gửi dữ liệu của trạm này. Không cần làm gì thêm."
CANNOT_BUILD: Final = (
    "Không chuyển được hồ sơ này sang dạng gửi đi. Hồ sơ vẫn an toàn ở trạm. "
    "Hãy báo bộ phận hỗ trợ phần mềm."
)
BUDGET_SPENT: Final = (
    "Đã dùng hết dung lượng mạng cho phép trong hôm nay. Mọi thứ đã lưu trên máy này và sẽ gửi tiếp "
    "ngày mai; giấy chuyển tuyến vẫn được gửi ngay."
)
METERED_LINK: Final = (
    "Máy đang dùng mạng tính tiền theo dung lượng nên tạm nghỉ gửi. Mọi thứ đã lưu trên máy này; "
    "giấy chuyển tuyến vẫn được gửi ngay."
)
OUR_FAULTS: Final = (
    NotFound,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
)

Turn = Callable[[], AbstractContextManager[bool]]


def not_run(at: datetime, outcome: str, detail: str) -> SyncRun:
    return SyncRun(started_at=at, ended_at=at, outcome=outcome, detail=detail)


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` units of this run have an answer."""

    done: int
    total: int
    kind: RecordKind | None = None


@dataclass(slots=True)
class Run:
    """``tried`` are record and number of what has an answer in this run and need not go again."""

    started_at: datetime
    up_before: int
    down_before: int
    requests_before: int = 0
    total: int = 0
    outcome: str = "complete"
    detail: str = ""
    sent: int = 0
    changed: int = 0
    quarantined: int = 0
    received: int = 0
    conflicts: int = 0
    unreadable: int = 0
    forms: int = 0
    verified: bool = False
    failed_in_a_row: int = 0
    pause: float | None = None
    changes: Changes = field(default_factory=Changes)
    tried: set[tuple[str, int]] = field(default_factory=set)
    waiting_for_parent: set[tuple[str, int]] = field(default_factory=set)
    headers_before: tuple[int, int] = (0, 0)

    def spent(self, traffic: Traffic) -> tuple[int, int]:
        """Bytes of this run up and down, with their headers: what a link by the megabyte is paid
        for.
        """
        headers_up, headers_down = self.headers_before
        return (
            traffic.up - self.up_before + traffic.header_up - headers_up,
            traffic.down - self.down_before + traffic.header_down - headers_down,
        )
