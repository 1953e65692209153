"""The three lists: consents, requests, leaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from station_emr.domain.consent import ConsentStanding, purpose_label
from station_emr.domain.privacy_request import DataBreach
from station_emr.services.breaches import BreachRow
from station_emr.services.i18n import _
from station_emr.services.privacy import ConsentRow
from station_emr.services.privacy_requests import RequestRow
from station_emr.services.written_at import WrittenAt
from station_emr.ui.kit import ChipSpec, Column, EmptyState, Severity, Table
from station_emr.ui.models.moments import show_moment

_STANDING: Final = {
    ConsentStanding.ACTIVE: Severity.SUCCESS,
    ConsentStanding.EXPIRED: Severity.NEUTRAL,
    ConsentStanding.WITHDRAWN: Severity.INFO,
}


def standing_chip(row: ConsentRow) -> ChipSpec:
    due = row.consent.answer_due
    if due is not None:
        return ChipSpec(_("Đã rút, trả lời trước {day:%d/%m}").format(day=due), Severity.WARNING)
    return ChipSpec(_(row.standing.label), _STANDING[row.standing])


def request_chip(row: RequestRow) -> ChipSpec:
    due = row.request.next_due
    if due is None:
        return ChipSpec(_(row.request.state.label), Severity.SUCCESS)
    words = _("Quá hạn {day:%d/%m}") if row.late else _("Hạn {day:%d/%m}")
    return ChipSpec(words.format(day=due), Severity.DANGER if row.late else Severity.WARNING)


def breach_chip(breach: DataBreach, now: datetime) -> ChipSpec:
    if breach.reported_at is not None:
        return ChipSpec(_("Đã báo {at:%d/%m}").format(at=breach.reported_at), Severity.SUCCESS)
    left = breach.hours_left(now)
    if left < 0:
        return ChipSpec(_("Quá hạn báo cáo"), Severity.DANGER)
    return ChipSpec(_("Còn {hours} giờ").format(hours=left), Severity.WARNING)


def machine_words(written: WrittenAt) -> str:
    """Which PC of the station wrote what is shown."""
    if not written.elsewhere:
        return _("Máy này")
    return written.machine or _("Máy khác")


def consents_table() -> Table[ConsentRow]:
    return Table(
        "privacy.consents",
        _("Sự đồng ý của người bệnh"),
        [
            Column(
                title=_("Ngày"),
                text=lambda r: _day(r.consent.given_at.date()) if r.consent.given_at else "",
                sort=lambda r: r.stored.saved_at,
                width=98,
            ),
            Column(title=_("Người bệnh"), text=lambda r: r.patient_name, width=168, strong=True),
            Column(
                title=_("Mục đích"),
                text=lambda r: _(purpose_label(r.consent.purpose)),
                tip=lambda r: _(purpose_label(r.consent.purpose)),
                stretch=True,
            ),
            Column(title=_("Ai đồng ý"), text=lambda r: _(r.consent.giver.label), width=150),
            Column(title=_("Cách"), text=lambda r: _(r.consent.form.label), width=128),
            Column(title=_("Số phiếu"), text=lambda r: r.consent.paper_number, width=92),
            Column(
                title=_("Tình trạng"),
                text=lambda r: standing_chip(r).text,
                chip=standing_chip,
                width=204,
            ),
        ],
        empty=EmptyState(
            "hand-heart",
            _("Chưa có sự đồng ý nào"),
            _("Không ghi nghĩa là không đồng ý. Mở hồ sơ người bệnh để ghi."),
        ),
        dense=True,
    )


def requests_table() -> Table[RequestRow]:
    return Table(
        "privacy.requests",
        _("Yêu cầu về hồ sơ"),
        [
            Column(title=_("Số"), text=lambda r: r.request.number, width=118),
            Column(
                title=_("Nhận ngày"),
                text=lambda r: _day(r.request.received_at.date()),
                sort=lambda r: r.request.received_at,
                width=98,
            ),
            Column(title=_("Người bệnh"), text=lambda r: r.patient_name, width=176, strong=True),
            Column(
                title=_("Yêu cầu"),
                text=lambda r: _(r.request.kind.label),
                tip=lambda r: r.request.wanted,
                stretch=True,
            ),
            Column(
                title=_("Thời hạn"),
                text=lambda r: request_chip(r).text,
                chip=request_chip,
                width=138,
            ),
            Column(
                title=_("Người yêu cầu"),
                text=lambda r: r.request.asker_name,
                tip=lambda r: _(r.request.asker.label),
                width=160,
            ),
            Column(
                title=_("Đang ở"),
                text=lambda r: _(r.request.state.label),
                tip=lambda r: r.request.answer,
                width=150,
            ),
            Column(title=_("Ghi tại"), text=lambda r: machine_words(r.written), width=92),
        ],
        empty=EmptyState(
            "file-text",
            _("Chưa có yêu cầu nào"),
            _("Mở hồ sơ người bệnh, bấm Quyền riêng tư để nhận yêu cầu."),
        ),
        dense=True,
    )


def breaches_table(now: Callable[[], datetime]) -> Table[BreachRow]:
    return Table(
        "privacy.breaches",
        _("Sự cố dữ liệu cá nhân"),
        [
            Column(title=_("Số"), text=lambda r: r.breach.number, width=118),
            Column(
                title=_("Phát hiện lúc"),
                text=lambda r: show_moment(r.breach.noticed_at),
                sort=lambda r: r.breach.noticed_at,
                width=140,
            ),
            Column(
                title=_("Việc đã xảy ra"),
                text=lambda r: r.breach.what,
                tip=lambda r: r.breach.what,
                stretch=True,
                strong=True,
            ),
            Column(
                title=_("Báo cáo"),
                text=lambda r: breach_chip(r.breach, now()).text,
                chip=lambda r: breach_chip(r.breach, now()),
                width=150,
            ),
            Column(
                title=_("Của ai"),
                text=lambda r: r.breach.who,
                tip=lambda r: r.breach.who,
                width=150,
            ),
            Column(title=_("Ghi tại"), text=lambda r: machine_words(r.written), width=92),
        ],
        empty=EmptyState(
            "shield-check",
            _("Chưa ghi sự cố nào"),
            _("Lộ, mất dữ liệu phải báo trong 72 giờ từ lúc phát hiện."),
        ),
        dense=True,
    )


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
