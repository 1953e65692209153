"""The two lists: looks of other facilities at this station's charts, and consents given here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from station_emr.services.elsewhere import Basis
from station_emr.services.i18n import _
from station_emr.services.sharing import ConsentState, GivenConsent, OtherLook
from station_emr.ui.kit import ChipSpec, Column, EmptyState, Severity, Table
from station_emr.ui.models.moments import show_moment

Now = Callable[[], datetime]
_HOW: Final = {Basis.SIGNED_PAPER.value: "Giấy ký", Basis.VERBAL.value: "Lời nói"}


def person(name: str) -> str:
    """A chart may be known to the province and not to this machine yet."""
    return name or _("(chưa có trên máy này)")


def basis_chip(look: OtherLook) -> ChipSpec:
    if look.emergency:
        return ChipSpec(_("Khẩn cấp"), Severity.WARNING)
    return ChipSpec(_("Đồng ý"), Severity.SUCCESS)


def state_chip(consent: GivenConsent, now: datetime) -> ChipSpec:
    state = consent.state(now)
    if state is ConsentState.VALID:
        return ChipSpec(
            _("Đến {moment}").format(moment=f"{consent.until:%H:%M %d/%m}"), Severity.SUCCESS
        )
    if state is ConsentState.EXPIRED:
        return ChipSpec(_("Hết hạn"))
    if state is ConsentState.WITHDRAWING:
        return ChipSpec(_("Đã rút, chờ báo tỉnh"), Severity.WARNING, icon="clock")
    return ChipSpec(_("Đã rút lại"), Severity.INFO)


def looks_table() -> Table[OtherLook]:
    return Table(
        "sharing.looks",
        _("Trạm khác đã xem hồ sơ của trạm này"),
        [
            Column(
                title=_("Lúc"), text=lambda r: show_moment(r.at), sort=lambda r: r.at, width=132
            ),
            Column(
                title=_("Người bệnh"), text=lambda r: person(r.patient_name), width=160, strong=True
            ),
            Column(
                title=_("Cơ sở"), text=lambda r: r.facility, tip=lambda r: r.facility, width=196
            ),
            Column(
                title=_("Người xem"),
                text=lambda r: r.user,
                tip=lambda r: r.user,
                width=130,
                spare=1,
            ),
            Column(
                title=_("Dựa trên"), text=lambda r: basis_chip(r).text, chip=basis_chip, width=104
            ),
            Column(
                title=_("Mục đích"),
                text=lambda r: r.reason,
                tip=lambda r: r.reason,
                stretch=True,
                muted=True,
            ),
        ],
        empty=EmptyState("eye", _("Chưa thấy trạm nào xem hồ sơ của trạm này")),
        dense=True,
    )


def consents_table(now: Now) -> Table[GivenConsent]:
    return Table(
        "sharing.consents",
        _("Sự đồng ý của người bệnh đã ghi trên máy này"),
        [
            Column(
                title=_("Lúc"), text=lambda r: show_moment(r.at), sort=lambda r: r.at, width=132
            ),
            Column(
                title=_("Người bệnh"),
                text=lambda r: person(r.patient_name),
                stretch=True,
                strong=True,
            ),
            Column(title=_("Cách"), text=lambda r: _(_HOW.get(r.how, r.how)), width=84),
            Column(
                title=_("Ai đồng ý"), text=lambda r: r.given_by, tip=lambda r: r.given_by, width=116
            ),
            Column(
                title=_("Người ghi"),
                text=lambda r: r.recorded_by,
                tip=lambda r: r.recorded_by,
                width=130,
            ),
            Column(
                title=_("Tình trạng"),
                text=lambda r: state_chip(r, now()).text,
                chip=lambda r: state_chip(r, now()),
                width=178,
            ),
        ],
        empty=EmptyState(
            "hand-heart",
            _("Chưa ghi sự đồng ý nào trên máy này"),
            _("Sự đồng ý được ghi khi bấm Xem hồ sơ ở trạm khác trong hồ sơ người bệnh."),
        ),
        dense=True,
    )


def look_words(look: OtherLook) -> str:
    """All of one look: in a list its ends may be cut."""
    return _("{facility}, {user}. {reason}. {count} mục được xem.").format(
        facility=look.facility,
        user=look.user,
        reason=look.reason.rstrip("."),
        count=look.resources,
    )
