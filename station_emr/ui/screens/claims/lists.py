"""The tables of the page of claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from station_emr.domain.claim import Finding
from station_emr.domain.gateway import GatewayOutage
from station_emr.services.gateway_day import ClaimLine
from station_emr.services.gateways import MessageRow
from station_emr.services.i18n import _
from station_emr.ui.kit import Column, EmptyState, Table
from station_emr.ui.models.moments import show_moment

from .wording import (
    check_in_words,
    claim_chip,
    due_words,
    finding_chip,
    message_chip,
    outage_length,
    receipt_words,
    row_reason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One element of a claim as it would be sent."""

    table: str
    row: int
    element: str
    text: str


def claims_table() -> Table[ClaimLine]:
    return Table(
        "claims.lines",
        _("Lượt khám bảo hiểm y tế"),
        [
            Column(
                title=_("Đến lúc"),
                text=lambda r: show_moment(r.arrived_at),
                sort=lambda r: r.arrived_at,
                width=136,
            ),
            Column(
                title=_("Người bệnh"),
                text=lambda r: r.full_name,
                tip=lambda r: r.full_name,
                stretch=True,
                strong=True,
            ),
            Column(
                title=_("Tình trạng"),
                text=lambda r: claim_chip(r).text,
                chip=claim_chip,
                tip=lambda r: r.first_words,
                width=140,
            ),
            Column(
                title=_("Hạn gửi"),
                text=due_words,
                sort=lambda r: r.due_on or date.max,
                width=150,
            ),
            Column(
                title=_("Phải sửa"),
                text=lambda r: str(sum(f.blocks for f in r.findings) or ""),
                sort=lambda r: sum(f.blocks for f in r.findings),
                numeric=True,
                width=88,
                spare=3,
            ),
            Column(title=_("Check-in"), text=check_in_words, width=172, muted=True, spare=2),
            Column(
                title=_("Biên nhận"),
                text=lambda r: r.record.receipt if r.record else "",
                tip=lambda r: receipt_words(r.record) if r.record else "",
                width=150,
                muted=True,
                spare=1,
            ),
        ],
        empty=EmptyState(
            "receipt",
            _("Không có lượt khám bảo hiểm y tế nào"),
            _("Chọn ngày khác, hoặc xem cả tháng."),
        ),
    )


def findings_table() -> Table[Finding]:
    return Table(
        "claims.findings",
        _("Điều phải sửa của lượt khám đang chọn"),
        [
            Column(
                title=_("Mức"),
                text=lambda r: finding_chip(r).text,
                chip=finding_chip,
                width=120,
            ),
            Column(
                title=_("Bảng, phần tử"),
                text=lambda r: " ".join(part for part in (r.table, r.element) if part),
                width=190,
                spare=1,
            ),
            Column(
                title=_("Nội dung và cách sửa"),
                text=lambda r: f"{r.message} {r.remedy}".strip(),
                tip=lambda r: f"{r.message} {r.remedy}".strip(),
                stretch=True,
            ),
        ],
        empty=EmptyState(
            "check-circle",
            _("Không có gì phải sửa"),
            _("Chọn một lượt khám ở danh sách trên."),
        ),
    )


def cells_table() -> Table[Cell]:
    return Table(
        "claims.cells",
        _("Dữ liệu sẽ gửi của lượt khám đang chọn"),
        [
            Column(title=_("Bảng"), text=lambda r: r.table, width=80),
            Column(title=_("Dòng"), text=lambda r: str(r.row + 1), numeric=True, width=64),
            Column(title=_("Phần tử"), text=lambda r: r.element, width=210, strong=True),
            Column(title=_("Giá trị"), text=lambda r: r.text, tip=lambda r: r.text, stretch=True),
        ],
        empty=EmptyState(
            "file-text",
            _("Chưa có dữ liệu để xem"),
            _("Chọn một lượt khám ở danh sách trên."),
        ),
    )


def messages_table(name: str, spoken: str, nothing: str) -> Table[MessageRow]:
    return Table(
        name,
        spoken,
        [
            Column(
                title=_("Lập lúc"),
                text=lambda r: show_moment(r.message.created_at),
                sort=lambda r: r.message.created_at,
                width=136,
            ),
            Column(title=_("Loại"), text=lambda r: _(r.message.kind.label), width=136, spare=2),
            Column(
                title=_("Người bệnh"),
                text=lambda r: r.full_name,
                tip=lambda r: r.full_name,
                stretch=True,
                strong=True,
            ),
            Column(title=_("Mã"), text=lambda r: r.message.name, width=150, spare=1),
            Column(
                title=_("Tình trạng"),
                text=lambda r: message_chip(r.message).text,
                chip=lambda r: message_chip(r.message),
                tip=row_reason,
                width=186,
            ),
            Column(
                title=_("Biên nhận"),
                text=lambda r: r.message.receipt,
                tip=lambda r: receipt_words(r.message),
                width=150,
                muted=True,
                spare=3,
            ),
        ],
        empty=EmptyState("tray", nothing, _("Mục mới hiện ở đây khi có.")),
    )


def outages_table(now: Callable[[], datetime]) -> Table[GatewayOutage]:
    return Table(
        "claims.outages",
        _("Những lúc không kết nối được cổng"),
        [
            Column(title=_("Cổng"), text=lambda o: _(o.gateway.label), width=230),
            Column(
                title=_("Từ"),
                text=lambda o: show_moment(o.started),
                sort=lambda o: o.started,
                width=140,
            ),
            Column(
                title=_("Đến"),
                text=lambda o: show_moment(o.ended) if o.ended else _("chưa hết"),
                width=140,
            ),
            Column(title=_("Kéo dài"), text=lambda o: outage_length(o, now()), width=140),
            Column(
                title=_("Số lần thử"),
                text=lambda o: str(o.tries),
                numeric=True,
                width=100,
                spare=1,
            ),
            Column(
                title=_("Ghi nhận"),
                text=lambda o: o.detail,
                tip=lambda o: o.detail,
                stretch=True,
                muted=True,
            ),
        ],
        empty=EmptyState(
            "wifi-high",
            _("Chưa ghi nhận lần nào mất kết nối cổng"),
            _("Danh sách này là bằng chứng khi phải giải trình gửi dữ liệu chậm."),
        ),
    )
