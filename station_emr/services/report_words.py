"""What registers and reports say in words, the same on the screen, on paper and in a file."""

from __future__ import annotations

from station_emr.domain.register import LateCorrection
from station_emr.domain.report_lists import InfectiousCase, hours_text

from .register_ports import MonthPart, ReportView


def month_words(part: MonthPart) -> str:
    """A month, how many lines it has and whether it is locked."""
    said = [f"{part.month.label}: {len(part.lines)} lượt khám"]
    closing = part.closing
    if closing is not None:
        said.append(
            f"đã khóa sổ lần {closing.times} lúc {closing.closed_at:%H:%M ngày %d/%m/%Y}, "
            f"{closing.closed_by}; dấu vân {closing.content_sha256[:16]}"
        )
    else:
        said.append("chưa khóa sổ")
        if part.unsigned:
            said.append(f"còn {part.unsigned} lượt chưa ký")
    return "; ".join(said) + "."


def late_words(one: LateCorrection) -> str:
    """What happened, who, when and why."""
    said = [one.words]
    if one.by:
        said.append(one.by)
    if one.at is not None:
        said.append(f"{one.at:%H:%M ngày %d/%m/%Y}")
    text = ", ".join(said)
    return f"{text}. Lý do: {one.reason}" if one.reason else f"{text}."


def list_table(view: ReportView) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows of a report that lists cases."""
    if view.tracks or view.summary:
        letters = ("STT", "Số phiếu", "Họ và tên", "Ký lúc", "Nơi nhận trả lời sau")
        return (*letters, "Có phản hồi sau", "Nơi nhận", "Lý do", "Chẩn đoán"), [
            (
                str(place),
                one.number,
                one.full_name,
                f"{one.signed_at:%d/%m/%Y %H:%M}",
                ("Từ chối, " if one.rejected_at else "") + hours_text(one.answer_after),
                hours_text(one.completed_after),
                one.to_facility,
                one.reason.label if one.reason else "",
                one.diagnosis,
            )
            for place, one in enumerate(view.tracks, 1)
        ]
    heads = ("STT", "Bệnh", "Mã ICD-10", "Họ và tên", "Tuổi", "Chẩn đoán lúc")
    return (*heads, "Hạn báo", "Đã báo lúc", "Địa chỉ"), [
        (
            str(place),
            one.disease,
            one.icd_code,
            one.line.full_name,
            str(one.line.age),
            f"{one.detected_at:%d/%m/%Y %H:%M}",
            f"{one.due_at:%d/%m/%Y %H:%M} ({one.hours} giờ)",
            told_words(one, view),
            one.line.address,
        )
        for place, one in enumerate(view.cases, 1)
    ]


def told_words(case: InfectiousCase, view: ReportView) -> str:
    """Whether a case was told of in time, or how long there is."""
    if case.reported_at is not None:
        late = ", muộn" if case.was_late else ""
        return f"{case.reported_at.astimezone(view.at.tzinfo):%d/%m/%Y %H:%M}{late}"
    left = case.left(view.at)
    if left is None or left.total_seconds() < 0:
        return f"Chưa báo, quá hạn {hours_text(left)}"
    return f"Chưa báo, còn {hours_text(left)}"
