"""What a restore would change, as sentences for the screen and the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from station_emr.domain.record import RecordKind

from .i18n import _
from .restore_preview import KindDifference, RestorePreview

KINDS: Final = {
    RecordKind.PATIENT: "Người bệnh",
    RecordKind.ENCOUNTER: "Lượt khám",
    RecordKind.PRESCRIPTION: "Đơn thuốc",
    RecordKind.REFERRAL: "Phiếu chuyển",
    RecordKind.APPOINTMENT: "Phiếu hẹn",
    RecordKind.BILL: "Bảng kê chi phí",
    RecordKind.REQUEST: "Yêu cầu về hồ sơ",
    RecordKind.BREACH: "Sự cố dữ liệu",
    RecordKind.FEEDBACK: "Phản hồi chuyển tuyến",
    RecordKind.SIGNATURE: "Chữ ký",
}


def kind_name(one: KindDifference) -> str:
    return _(KINDS[one.kind])


def summary(found: RestorePreview, made: datetime) -> str:
    """One sentence to decide by."""
    if not found.compared:
        return _(
            "Không đọc được hồ sơ đang có trên máy này để so, hoặc máy chưa có hồ sơ. Bản sao lúc "
            "{made:%H:%M %d/%m/%Y} mở được và còn nguyên."
        ).format(made=made)
    if not found.lost and not found.regained:
        return _(
            "Hồ sơ đã ký trên máy này giống bản sao lúc {made:%H:%M %d/%m/%Y}. Khôi phục không làm mất "
            "hồ sơ đã ký nào."
        ).format(made=made)
    if not found.lost:
        return _(
            "Bản sao lúc {made:%H:%M %d/%m/%Y} có thêm {count} hồ sơ mà máy này không có hoặc cũ hơn."
        ).format(made=made, count=found.regained)
    return _(
        "Sau khi khôi phục, {count} hồ sơ của máy này sẽ trở về cũ hơn hoặc không còn trong danh sách. "
        "Chúng vẫn được giữ riêng, và nếu đã gửi lên tỉnh thì tự về lại."
    ).format(count=found.lost)


def lines_of(found: RestorePreview, made: datetime) -> list[str]:
    """The summary, then what it rests on."""
    lines = [summary(found, made)]
    for one in found.differences:
        if one.only_here or one.newer_here or one.only_there or one.newer_there:
            told = _(
                "{kind}: chỉ có ở máy này {here}, máy này mới hơn {newer}, chỉ có trong bản sao "
                "{there}, bản sao mới hơn {older}"
            )
            lines.append(
                told.format(
                    kind=kind_name(one),
                    here=one.only_here,
                    newer=one.newer_here,
                    there=one.only_there,
                    older=one.newer_there,
                )
            )
    if found.last_signed_here:
        lines.append(
            _("Lần ký cuối trên máy này: {when:%H:%M %d/%m/%Y}").format(when=found.last_signed_here)
        )
    if found.last_signed_there:
        lines.append(
            _("Lần ký cuối trong bản sao: {when:%H:%M %d/%m/%Y}").format(
                when=found.last_signed_there
            )
        )
    if found.waiting_here:
        lines.append(
            _("Chưa gửi lên tỉnh: {count} mục trên máy này").format(count=found.waiting_here)
        )
    if found.drafts_here:
        lines.append(
            _("Bản nháp trên máy này sẽ không còn: {count}").format(count=found.drafts_here)
        )
    if found.names:
        lines.append(
            _("Người bệnh có hồ sơ mới hơn ở máy này: {names}").format(names=", ".join(found.names))
        )
    return lines
