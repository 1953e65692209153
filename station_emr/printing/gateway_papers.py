"""The page with the times when a national gateway was not to be reached, for a signature."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from reportlab.lib.units import mm

from station_emr.domain.gateway import (
    Gateway,
    GatewayAttempt,
    GatewayHistory,
    GatewayOutage,
    gateway_history,
)
from station_emr.domain.record import StationProfile
from station_emr.services.ports import PrintMark

from .footer import Footer, page_format
from .letterhead import issuer, nation
from .render import About, to_pdf
from .sheet import A4, Sheet
from .table import Table, TableColumn
from .typeset import Text
from .wording import day_inlines, strong, value

_SIDES: Final = (20 * mm, 15 * mm)
_NAMES_LONG: Final = 90.0
_TITLE: Final = "BẢNG GHI NHẬN CÁC LẦN KHÔNG KẾT NỐI ĐƯỢC CỔNG"
_COLUMNS: Final = (
    TableColumn("Cổng", 20),
    TableColumn("Từ", 15),
    TableColumn("Đến", 15),
    TableColumn("Kéo dài", 12),
    TableColumn("Số lần thử", 8),
    TableColumn("Chương trình ghi nhận", 34),
)


class PdfGatewayPapers:
    """Implements :class:`station_emr.services.gateway_ports.OutagePapers`. Safe to call from several
    threads: fonts collect the letters of one document at a time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def outages(
        self,
        station: StationProfile,
        gateway: Gateway | None,
        attempts: Sequence[GatewayAttempt],
        now: datetime,
        printed_by: str,
    ) -> bytes:
        with self._one_at_a_time:
            made = _page(station, gateway, attempts, now, printed_by)
            about = About(
                title="Bằng chứng mất kết nối cổng",
                author=value(station.name),
                creator="Station EMR",
                at=now,
            )
            return to_pdf(made.pages, about)


def _page(
    station: StationProfile,
    gateway: Gateway | None,
    attempts: Sequence[GatewayAttempt],
    now: datetime,
    printed_by: str,
) -> Sheet:
    mark = PrintMark(printed_at=now, printed_by=printed_by, copy=1)
    footer = Footer(A4, _SIDES, mark, station, "MK")
    made = Sheet(page_format(A4, footer, top=16 * mm, least_bottom=16 * mm), size=11.5, leading=16)
    left = made.width * 0.42
    low = issuer(made, station, left, 10.5)
    made.y = min(low, nation(made, made.left + left, made.width - left, 10.5)) - 10
    asked = [one for one in attempts if gateway is None or one.gateway is gateway]
    history = gateway_history(asked)
    found = sorted(history.outages, key=lambda one: one.started)
    since = f"{history.since:%H:%M %d/%m/%Y}" if history.since else "chưa có lần nào"
    made.flow(
        [
            made.block([strong(_TITLE)], size=13, leading=19, before=12, align="center"),
            made.block(
                [Text(f"Lập lúc {now:%H:%M}, "), *day_inlines(now.date())],
                size=10,
                align="center",
            ),
            made.block(
                [
                    Text(
                        f"Mã cơ sở: {value(station.code)}. Máy: {value(station.device_name)}. "
                        f"Lần thử đầu tiên: {since}. Số lần không kết nối được: {len(found)}. "
                        "Giờ theo máy tính của trạm; chương trình ghi tự động từng lần thử."
                        f"{_about_clocks(history)}"
                    )
                ],
                size=10.5,
                before=6,
            ),
        ]
    )
    made.y -= 6
    table = Table(made, _COLUMNS)
    if not table.rows(_row(one, now) for one in found):
        made.flow([made.block([Text("Chưa ghi nhận lần nào không kết nối được cổng.")], before=8)])
    _signatures(made, now)
    footer.paint(made)
    return made


def _row(outage: GatewayOutage, now: datetime) -> tuple[str, ...]:
    ended = outage.ended or now
    until = f"{outage.ended:%H:%M %d/%m/%Y}" if outage.ended else "chưa hết"
    return (
        outage.gateway.label,
        f"{outage.started:%H:%M %d/%m/%Y}",
        until,
        f"{'ít nhất ' if outage.at_least else ''}{_length(ended - outage.started)}",
        str(outage.tries),
        _first_sentence(outage.detail),
    )


def _about_clocks(history: GatewayHistory) -> str:
    """What was left out, because its time cannot be right; nothing to say of most machines."""
    if not history.odd_clocks:
        return ""
    said = (
        f" {history.odd_clocks} lần thử ghi lúc đồng hồ máy sai nên không lấy giờ của chúng; khoảng "
        "có chữ “ít nhất” có thể đã dài hơn."
    )
    if history.timeless:
        said += f" {history.timeless} lúc không kết nối được không rõ giờ nên không liệt kê."
    return said


def _first_sentence(text: str) -> str:
    """What was found; what to do about it is for the screen."""
    found, dot, _rest = text.partition(". ")
    return f"{found}." if dot else text


def _length(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} giờ {rest} phút" if hours else f"{rest} phút"


def _signatures(made: Sheet, now: datetime) -> None:
    made.need(42 * mm)
    y = made.y - 26
    half = made.width / 2
    made.text(day_inlines(now.date(), lead="Ngày"), made.left + half, y, width=half, align="center")
    for index, title in enumerate(("NGƯỜI LẬP", "GIÁM ĐỐC")):
        x = made.left + index * half
        made.text([strong(title)], x, y - 16, width=half, align="center")
        made.text([Text("(Ký, ghi rõ họ tên)")], x, y - 30, width=half, size=10, align="center")
    made.y = y - _NAMES_LONG
