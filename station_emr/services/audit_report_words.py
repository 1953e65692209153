"""What a check of the log found, in sentences for screen and command line."""

from __future__ import annotations

from typing import Any

from station_emr.domain.audit import ChainReport, Compared, Comparison

from .i18n import _

_KEEP = (
    "Hãy giữ máy như hiện nay, sao lưu sang ổ khác và báo nơi quản lý hệ thống của tỉnh. "
    "Việc khám bệnh vẫn làm được."
)


def verdict(report: ChainReport) -> str:
    """One sentence or two: whether the log is whole, and what to do when it is not."""
    check = report.check
    if not check.finished:
        return _("Đã dừng sau {count} dòng, chưa có kết luận.").format(count=thousands(check.lines))
    if check.broken is not None:
        return _("Nhật ký không còn nguyên từ dòng {number}: {why}. {keep}").format(
            number=check.broken.seq, why=_(check.broken.kind.label), keep=_(_KEEP)
        )
    if report.disagreeing:
        return _("Chuỗi liền nhau nhưng không khớp với mốc đã ghi: {first} {keep}").format(
            first=compared_words(report.disagreeing[0]), keep=_(_KEEP)
        )
    return _("Nhật ký còn nguyên: không dòng nào bị sửa hay mất ({count} dòng).").format(
        count=thousands(check.lines)
    )


def details(report: ChainReport) -> tuple[str, ...]:
    """What else there is to say: each piece of evidence, odd times, why the province is missing."""
    lines = [compared_words(one) for one in report.compared]
    check = report.check
    if check.step_count:
        first = check.steps[0]
        lines.append(
            _(
                "Đáng ngờ: {count} chỗ giờ chạy lùi, chỗ đầu ở dòng {number} "
                "({at} sau {before}). Có thể là đồng hồ máy được chỉnh lại."
            ).format(
                count=check.step_count,
                number=first.seq,
                at=f"{first.at:%d/%m/%Y %H:%M:%S}",
                before=f"{first.before:%d/%m/%Y %H:%M:%S}",
            )
        )
    if report.unasked:
        lines.append(_("Chưa so được với máy chủ tỉnh: {why}").format(why=report.unasked))
    return tuple(lines)


def compared_words(one: Compared) -> str:
    """One piece of evidence and what it says."""
    head = one.evidence.head
    where = _(one.evidence.kind.label)
    when = _(" ngày {day}").format(day=f"{head.at:%d/%m/%Y}") if head.at else ""
    said = {
        Comparison.AGREES: _("khớp"),
        Comparison.SHORTER: _("KHÔNG KHỚP, nhật ký nay ngắn hơn: các dòng cuối đã mất"),
        Comparison.DIFFERS: _("KHÔNG KHỚP, dòng này nay có nội dung khác"),
        Comparison.ACCEPTED: _("khác, giám đốc đã xác nhận lý do"),
    }[one.comparison]
    return _("{where}{when}, dòng {number}: {said}.").format(
        where=f"{where[0].upper()}{where[1:]}", when=when, number=head.seq, said=said
    )


def as_json(report: ChainReport) -> dict[str, Any]:
    """For programs."""
    check = report.check
    broken = check.broken
    return {
        "whole": report.is_whole,
        "finished": check.finished,
        "lines": check.lines,
        "head": check.head.words if check.head else None,
        "first_broken": broken.seq if broken else None,
        "why": broken.kind.value if broken else None,
        "times_back": check.step_count,
        "first_times_back": [step.seq for step in check.steps],
        "evidence": [
            {
                "kind": one.evidence.kind.value,
                "anchor": one.evidence.head.words,
                "incarnation": one.evidence.head.incarnation,
                "at": one.evidence.head.at.isoformat() if one.evidence.head.at else None,
                "result": one.comparison.value,
            }
            for one in report.compared
        ],
        "province_not_asked": report.unasked or None,
    }


def thousands(number: int) -> str:
    """``50.000``, as numbers are written in Vietnamese."""
    return f"{number:,}".replace(",", ".")
