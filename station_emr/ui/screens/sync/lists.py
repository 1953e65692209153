"""The four lists of the sync page: what waits, what was refused, the runs, the outages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from station_emr.domain.outages import Outage
from station_emr.domain.sync import OutboxItem, SyncRun
from station_emr.services.i18n import _
from station_emr.ui.kit import Column, EmptyState, Table
from station_emr.ui.models.moments import show_when
from station_emr.ui.models.sizes import size_text
from station_emr.ui.screens.sync.wording import (
    outage_chip,
    outage_length,
    outcome_chip,
    plain_reason,
    run_note,
    seconds_text,
    waited,
    waiting_since,
    what,
)

Now = Callable[[], datetime]


NameOf = Callable[[OutboxItem], str]


def waiting_table(now: Now, name_of: NameOf) -> Table[OutboxItem]:
    return Table(
        "sync.waiting",
        _("Mục chờ gửi, theo thứ tự gửi"),
        [
            Column(title=_("Nội dung"), text=what, strong=True, width=176),
            Column(title=_("Người bệnh"), text=name_of, stretch=True),
            Column(
                title=_("Có từ"),
                text=lambda i: waiting_since(i, now()),
                sort=lambda i: i.created_at,
                width=124,
            ),
            Column(
                title=_("Đã chờ"),
                text=lambda i: waited(i, now()),
                sort=lambda i: i.created_at,
                width=116,
            ),
            Column(
                title=_("Dung lượng"),
                text=lambda i: size_text(i.size) if i.size else "",
                sort=lambda i: i.size,
                numeric=True,
                width=132,
            ),
            Column(
                title=_("Số lần thử"),
                text=lambda i: str(i.attempts),
                sort=lambda i: i.attempts,
                numeric=True,
                width=130,
            ),
        ],
        says_nothing_first=True,
        empty=EmptyState(
            "cloud-check", _("Không còn gì chờ gửi"), _("Mọi thứ đã ký đều đã tới máy chủ.")
        ),
    )


def refused_table(now: Now, name_of: NameOf) -> Table[OutboxItem]:
    return Table(
        "sync.refused",
        _("Mục máy chủ chưa nhận"),
        [
            Column(title=_("Nội dung"), text=what, width=190, strong=True),
            Column(title=_("Người bệnh"), text=name_of, width=200),
            Column(
                title=_("Máy chủ nói"),
                text=plain_reason,
                tip=lambda i: i.reason,
                stretch=True,
            ),
            Column(
                title=_("Có từ"),
                text=lambda i: waiting_since(i, now()),
                sort=lambda i: i.created_at,
                width=130,
            ),
        ],
        says_nothing_first=True,
        empty=EmptyState(
            "seal-check",
            _("Máy chủ không từ chối mục nào"),
            _("Mục bị từ chối nằm riêng ở đây, không cản các mục khác."),
        ),
    )


def runs_table(now: Now) -> Table[SyncRun]:
    return Table(
        "sync.runs",
        _("Các lần gửi"),
        [
            Column(
                title=_("Lúc"),
                text=lambda r: show_when(r.started_at, now()),
                sort=lambda r: r.started_at,
                width=124,
            ),
            Column(
                title=_("Kết quả"),
                text=lambda r: outcome_chip(r).text,
                chip=outcome_chip,
                width=116,
            ),
            Column(
                title=_("Đã gửi"),
                text=lambda r: str(r.sent),
                sort=lambda r: r.sent,
                numeric=True,
                width=100,
            ),
            Column(
                title=_("Bị từ chối"),
                text=lambda r: str(r.quarantined),
                sort=lambda r: r.quarantined,
                numeric=True,
                width=122,
            ),
            Column(
                title=_("Gửi lên"),
                text=lambda r: size_text(r.bytes_up),
                sort=lambda r: r.bytes_up,
                numeric=True,
                width=104,
            ),
            Column(
                title=_("Nhận về"),
                text=lambda r: size_text(r.bytes_down),
                sort=lambda r: r.bytes_down,
                numeric=True,
                width=108,
            ),
            Column(
                title=_("Giây"),
                text=seconds_text,
                sort=lambda r: r.ended_at - r.started_at,
                numeric=True,
                width=86,
            ),
            Column(
                title=_("Ghi chú"),
                text=run_note,
                tip=run_note,
                stretch=True,
                muted=True,
            ),
        ],
        says_nothing_first=True,
        empty=EmptyState("clock-counter-clockwise", _("Chưa gửi lần nào")),
    )


def outages_table(now: Now) -> Table[Outage]:
    return Table(
        "sync.outages",
        _("Những lúc không gửi được lên máy chủ"),
        [
            Column(
                title=_("Từ"),
                text=lambda o: f"{o.started:%H:%M %d/%m/%Y}",
                sort=lambda o: o.started,
                width=160,
            ),
            Column(
                title=_("Đến"),
                text=lambda o: f"{o.ended:%H:%M %d/%m/%Y}" if o.ended else _("chưa hết"),
                sort=lambda o: (o.ended is None, o.ended or o.started),
                width=160,
            ),
            Column(title=_("Kéo dài"), text=lambda o: outage_length(o, now()), width=140),
            Column(
                title=_("Vì sao"),
                text=lambda o: outage_chip(o).text,
                chip=outage_chip,
                width=150,
            ),
            Column(
                title=_("Số lần thử"),
                text=lambda o: str(o.tries),
                sort=lambda o: o.tries,
                numeric=True,
                width=130,
            ),
            Column(title="", text=lambda _o: "", stretch=True),
        ],
        says_nothing_first=True,
        empty=EmptyState(
            "wifi-high",
            _("Chưa có lúc nào không gửi được"),
            _("Danh sách này là bằng chứng khi phải giải trình gửi dữ liệu chậm."),
        ),
    )
