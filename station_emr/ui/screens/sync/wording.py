"""What the sync page says, worked out from the status and the runs. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, OutboxItem, SyncRun, SyncStatus
from station_emr.services.i18n import _
from station_emr.ui.kit import ChipSpec, Severity
from station_emr.ui.models.moments import show_ago, show_when

KINDS: Final = {
    RecordKind.PATIENT: "Người bệnh",
    RecordKind.ENCOUNTER: "Lượt khám",
    RecordKind.PRESCRIPTION: "Đơn thuốc",
    RecordKind.REFERRAL: "Phiếu chuyển",
    RecordKind.APPOINTMENT: "Phiếu hẹn",
    RecordKind.PRACTITIONER: "Nhân viên",
    RecordKind.FACILITY: "Thông tin trạm",
}
_FACTS: Final = (RecordKind.PATIENT, RecordKind.PRACTITIONER, RecordKind.FACILITY)  # never signed
_VERSIONS: Final = {
    RecordStatus.SIGNED: "mới ký",
    RecordStatus.AMENDED: "sửa đổi",
    RecordStatus.VOIDED: "hủy",
    RecordStatus.DRAFT: "nháp",
}
_OUTCOMES: Final = {
    "complete": ("Trọn vẹn", Severity.SUCCESS),
    "partial": ("Một phần", Severity.WARNING),
    "offline": ("Mất mạng", Severity.WARNING),
    "refused": ("Bị từ chối", Severity.DANGER),
    "elsewhere": ("Nơi khác gửi", Severity.INFO),  # another window of the program has the turn
}
_AWAY: Final = frozenset({"offline", "refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch in which the province could not be reached; ``ended`` None: it lasts."""

    started: datetime
    ended: datetime | None
    tries: int


def sentence(status: SyncStatus, now: datetime) -> str:
    """The one true sentence at the top of the page."""
    parts = [_("Mọi thứ đã lưu trên máy này.")]
    if status.waiting:
        waits = _("{count} mục chờ gửi").format(count=status.waiting)
        if status.oldest_waiting_at is not None:
            waits += _(", lâu nhất {age}").format(age=show_ago(status.oldest_waiting_at, now))
        parts.append(f"{waits}.")
    elif status.link is not LinkState.UNCONFIGURED:
        parts.append(_("Không còn gì chờ gửi."))
    if status.quarantined:
        parts.append(_("{count} mục máy chủ chưa nhận.").format(count=status.quarantined))
    if status.last_complete_at is not None:
        when = show_when(status.last_complete_at, now)
        parts.append(_("Lần đồng bộ trọn vẹn gần nhất: {when}.").format(when=when))
    else:
        parts.append(_("Chưa có lần đồng bộ trọn vẹn nào."))
    return " ".join(parts)


def link_sentence(status: SyncStatus, now: datetime) -> tuple[Severity, str]:
    """How the line stands and what happens next."""
    if status.link is LinkState.UNCONFIGURED:
        return Severity.INFO, _(
            "Máy này chưa nối với máy chủ của tỉnh. Giám đốc hoặc người quản trị nhập địa chỉ "
            "trong mục Quản trị, phần Máy chủ của tỉnh; mọi mục đang chờ sẽ tự gửi sau đó."
        )
    if status.running:
        return Severity.INFO, _("Đang gửi…")
    if status.link is LinkState.OFFLINE:
        since = show_when(status.offline_since, now) if status.offline_since else ""
        text = _("Không tới được máy chủ từ {time}.").format(time=since) if since else ""
        text = text or _("Không tới được máy chủ.")
        return Severity.WARNING, f"{text} {_next_try(status)}"
    if status.link is LinkState.REFUSED:
        text = _("Máy chủ không cho máy này gửi. Hãy xem lại địa chỉ và mã truy cập.")
        return Severity.DANGER, f"{text} {status.detail}".strip()
    if status.link is LinkState.ONLINE:
        return Severity.SUCCESS, _("Đang nối với máy chủ của tỉnh.")
    if status.detail:  # tried, yet not over the line: another window of the program is sending
        return Severity.INFO, status.detail
    return Severity.NEUTRAL, _("Chưa thử nối từ lúc mở chương trình. {next}").format(
        next=_next_try(status)
    )


def _next_try(status: SyncStatus) -> str:
    if status.next_try_at is None:
        return _("Sẽ tự gửi khi có mạng.")
    return _("Sẽ tự thử lại lúc {time:%H:%M}.").format(time=status.next_try_at)


def what(item: OutboxItem) -> str:
    """Kind and version of a waiting change, never whose it is."""
    kind = _(KINDS[item.kind])
    if item.kind in _FACTS:
        return kind if item.version <= 1 else _("{kind}, cập nhật").format(kind=kind)
    return _("{kind}, {what}").format(kind=kind, what=_(_VERSIONS[item.status]))


def outcome_chip(run: SyncRun) -> ChipSpec:
    text, severity = _OUTCOMES.get(run.outcome, (run.outcome, Severity.NEUTRAL))
    return ChipSpec(_(text), severity)


def size_text(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.1f} kB".replace(".", ",")
    return f"{count / 1024 / 1024:.1f} MB".replace(".", ",")


def seconds_text(run: SyncRun) -> str:
    seconds = (run.ended_at - run.started_at).total_seconds()
    return f"{seconds:.1f}".replace(".", ",")


def outages(runs: Sequence[SyncRun]) -> tuple[Outage, ...]:
    """Unbroken rows of runs that did not reach the province, newest first (NĐ 188/2025 art. 38)."""
    found: list[Outage] = []
    started: datetime | None = None
    tries = 0
    for run in sorted(runs, key=lambda run: run.started_at):
        if run.outcome == "elsewhere":
            continue  # says nothing of the line
        if run.outcome in _AWAY:
            started, tries = started or run.started_at, tries + 1
        elif started is not None:
            found.append(Outage(started=started, ended=run.started_at, tries=tries))
            started, tries = None, 0
    if started is not None:
        found.append(Outage(started=started, ended=None, tries=tries))
    return tuple(reversed(found))


def outage_length(outage: Outage, now: datetime) -> str:
    return show_ago(outage.started, outage.ended or now)
