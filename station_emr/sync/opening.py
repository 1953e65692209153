"""Reads an arrived line as the operation it says it is, or tells why it is none that can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from station_emr.domain.operation import Operation

from .operation_line import Unopenable, open_line
from .unit import ReadUnit

NOT_A_LINE: Final = "Dòng dữ liệu hỏng, chương trình không đọc được."
NOT_A_UNIT: Final = "Nội dung không phải một hồ sơ mà bản chương trình này đọc được."
NOT_ITS_PLACE: Final = "Nội dung không khớp với hồ sơ mà nó tự nhận."
NEWER_PROGRAM: Final = "Loại hồ sơ của bản chương trình mới hơn. Hãy cập nhật chương trình."


@dataclass(frozen=True, slots=True)
class Opened:
    """A line with what it holds. ``kind`` and ``record_id`` are what it calls itself; ``reason`` says
    why there is no operation.
    """

    name: str
    line: bytes
    kind: str
    record_id: str
    operation: Operation | None = None
    reason: str = ""


def open_operation(read: ReadUnit, name: str, line: bytes) -> Opened:
    """Never raises for what a line holds."""
    try:
        envelope, resources = open_line(line)
    except Unopenable as fault:
        reason = NEWER_PROGRAM if fault.foreign_kind else NOT_A_LINE
        return Opened(name, line, fault.kind, fault.record_id, reason=reason)
    kind, record_id = envelope.kind, envelope.record_id
    try:
        found = read(resources)
    except ValueError:
        return Opened(name, line, kind.value, record_id, reason=NOT_A_UNIT)
    own_id = getattr(found.record, "id", "") or getattr(found.record, "facility_id", "")
    if found.kind is not kind or own_id != record_id:
        return Opened(name, line, kind.value, record_id, reason=NOT_ITS_PLACE)
    operation = Operation(op_id=name, envelope=envelope, record=found.record, line=line)
    return Opened(name, line, kind.value, record_id, operation)
