"""Words and colours of claims and of what the gateways answered."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from station_emr.domain.claim import Finding
from station_emr.domain.claim import Severity as FindingSeverity
from station_emr.domain.gateway import (
    ClaimState,
    GatewayMessage,
    GatewayOutage,
    MessageState,
)
from station_emr.services.gateway_data import rules_on
from station_emr.services.gateway_day import ClaimLine
from station_emr.services.gateways import MessageRow
from station_emr.services.i18n import _
from station_emr.ui.kit import ChipSpec, Severity
from station_emr.ui.models.gateway_line import length_words
from station_emr.ui.models.moments import show_moment

_OF_CLAIM: Final = {
    ClaimState.INCOMPLETE: Severity.INFO,
    ClaimState.FAULTY: Severity.DANGER,
    ClaimState.READY: Severity.SUCCESS,
    ClaimState.SIGNED: Severity.INFO,
    ClaimState.SENT: Severity.INFO,
    ClaimState.ACCEPTED: Severity.SUCCESS,
    ClaimState.REFUSED: Severity.DANGER,
    ClaimState.UNKNOWN: Severity.WARNING,
}
_OF_MESSAGE: Final = {
    MessageState.DRAFT: Severity.WARNING,
    MessageState.SIGNED: Severity.INFO,
    MessageState.SENT: Severity.INFO,
    MessageState.ACCEPTED: Severity.SUCCESS,
    MessageState.REFUSED: Severity.DANGER,
    MessageState.UNKNOWN: Severity.WARNING,
    MessageState.WITHDRAWN: Severity.INFO,
}


def claim_chip(line: ClaimLine) -> ChipSpec:
    if line.correction:
        return ChipSpec(_("Cần sửa, gửi lại"), Severity.WARNING)
    return ChipSpec(_(line.state.label), _OF_CLAIM[line.state])


def message_chip(message: GatewayMessage) -> ChipSpec:
    if message.state is MessageState.DRAFT and message.reason:
        return ChipSpec(_("Chưa đủ"), Severity.WARNING)
    return ChipSpec(_(message.state.label), _OF_MESSAGE[message.state])


def finding_chip(finding: Finding) -> ChipSpec:
    severity = Severity.DANGER if finding.severity is FindingSeverity.BLOCKING else Severity.WARNING
    return ChipSpec(_(finding.severity.label), severity)


def due_words(line: ClaimLine) -> str:
    """The last day, and how many working days are left."""
    if line.due_on is None or line.days_left is None:
        return ""
    day = f"{line.due_on:%d/%m}"
    if line.days_left < 0:
        return _("{day}, quá {count} ngày").format(day=day, count=-line.days_left)
    if line.days_left == 0:
        return _("{day}, hôm nay").format(day=day)
    return _("{day}, còn {count} ngày").format(day=day, count=line.days_left)


def month_words(first: date, last: date) -> str:
    """Until when a month is summed up for the insurance; nothing for a single day."""
    if first == last:
        return ""
    closing = (last + timedelta(days=1)).replace(day=rules_on(last).month_closes_on)
    return _("Hạn tổng hợp tháng: trước {day}.").format(day=f"{closing:%d/%m/%Y}")


def check_in_words(line: ClaimLine) -> str:
    return "" if line.check_in is None else _(line.check_in.state.label)


def receipt_words(message: GatewayMessage) -> str:
    """The receipt, with when the gateway took it."""
    if not message.receipt:
        return ""
    when = message.answered_at
    return f"{message.receipt} · {show_moment(when)}" if when else message.receipt


def row_reason(row: MessageRow) -> str:
    """Everything that the gateway said of a message, one sentence per field."""
    if row.hidden:
        return _("Nội dung hạn chế: nhờ người có quyền xem.")
    message = row.message
    parts = [message.reason]
    parts += [
        f"{fault.message} {fault.remedy}".strip()
        for fault in message.faults
        if fault.remedy and fault.remedy not in message.reason
    ]
    if message.state is MessageState.SIGNED and message.next_try_at is not None:
        parts.append(_("Thử lại lúc {when}.").format(when=show_moment(message.next_try_at)))
    return " ".join(part for part in parts if part)


def outage_length(outage: GatewayOutage, now: datetime) -> str:
    length = length_words((outage.ended or now) - outage.started)
    return _("ít nhất {length}").format(length=length) if outage.at_least else length
