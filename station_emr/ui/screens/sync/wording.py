"""What the sync page says, worked out from the status and the runs. No widgets."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from station_emr.domain.outages import Outage, OutageKind, is_believable
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, LinkTrouble, OutboxItem, SyncRun, SyncStatus
from station_emr.services.i18n import _
from station_emr.ui.kit import ChipSpec, Severity
from station_emr.ui.models.moments import show_ago, show_when
from station_emr.ui.models.sizes import size_text

KINDS: Final = {
    RecordKind.PATIENT: "Người bệnh",
    RecordKind.ENCOUNTER: "Lượt khám",
    RecordKind.PRESCRIPTION: "Đơn thuốc",
    RecordKind.REFERRAL: "Phiếu chuyển",
    RecordKind.APPOINTMENT: "Phiếu hẹn",
    RecordKind.LINK: "Gộp hai hồ sơ",
    RecordKind.FEEDBACK: "Phản hồi chuyển tuyến",
    RecordKind.SIGNATURE: "Chữ ký",
    RecordKind.CONSENT: "Sự đồng ý",
    RecordKind.CERTIFICATE: "Giấy nghỉ BHXH",
    RecordKind.NOTIFICATION: "Báo bệnh truyền nhiễm",
    RecordKind.BILL: "Bảng kê chi phí",
    RecordKind.RIGHTS: "Bảng quyền của trạm",
    RecordKind.STANDING: "Tình trạng tài khoản",
    RecordKind.REQUEST: "Yêu cầu về hồ sơ",
    RecordKind.BREACH: "Sự cố dữ liệu",
    RecordKind.PRACTITIONER: "Nhân viên",
    RecordKind.FACILITY: "Thông tin trạm",
}
_FACTS: Final = (
    RecordKind.PATIENT,
    RecordKind.REQUEST,
    RecordKind.BREACH,
    RecordKind.PRACTITIONER,
    RecordKind.FACILITY,
    RecordKind.RIGHTS,
    RecordKind.STANDING,
)  # never signed
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
    "waiting": ("Tạm nghỉ", Severity.INFO),  # the day's bytes are spent, or the link is a paid one
    "refused": ("Bị từ chối", Severity.DANGER),
    "elsewhere": ("Nơi khác gửi", Severity.INFO),  # another window of the program has the turn
}
_WEEKDAYS: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_SKEW_TOLD: Final = 120  # seconds; less is the drift of any machine and of a slow line
_ANSWERED: Final = (
    LinkTrouble.PORTAL,
    LinkTrouble.UNTRUSTED,
    LinkTrouble.STRANGE,
    LinkTrouble.BUSY,
)  # somebody or something answered: the line itself is not away
_OUTAGES: Final = {
    OutageKind.AWAY: ("Mất mạng", Severity.WARNING),
    OutageKind.REFUSED: ("Máy chủ từ chối", Severity.DANGER),
}


def sentence(status: SyncStatus, now: datetime) -> str:
    """The one true sentence at the top of the page."""
    parts = [_("Mọi thứ đã lưu trên máy này.")]
    if status.waiting:
        waits = _("{count} mục chờ gửi").format(count=status.waiting)
        if status.oldest_waiting_at is not None:
            waits += _(", lâu nhất {age}").format(age=show_ago(status.oldest_waiting_at, now))
            if status.undated:
                waits += _(" (chưa kể mục ghi lúc đồng hồ máy sai)")
        elif status.undated:
            waits += _(", ghi lúc đồng hồ máy sai nên không rõ đã chờ bao lâu")
        parts.append(f"{waits}.")
    elif status.link is not LinkState.UNCONFIGURED:
        quiet = _("Không còn hồ sơ nào chờ gửi.") if status.forms else _("Không còn gì chờ gửi.")
        parts.append(quiet)
    if status.quarantined:
        parts.append(_("{count} mục máy chủ chưa nhận.").format(count=status.quarantined))
    if status.conflicts:
        parts.append(_("{count} hồ sơ cần người quyết định.").format(count=status.conflicts))
    parts.append(_last_words(status, now))
    return " ".join(parts)


def _last_words(status: SyncStatus, now: datetime) -> str:
    """The last whole sync, and whether both ends were compared; never more than is known."""
    complete, verified = status.last_complete_at, status.verified_at
    if complete is None:
        return _("Chưa có lần đồng bộ trọn vẹn nào.")
    when = (
        weekday_when(complete, now)
        if is_believable(complete)
        else _("không rõ giờ vì đồng hồ máy khi đó sai")
    )
    told = _("Lần đồng bộ trọn vẹn gần nhất: {when}").format(when=when)
    if status.last_verified or (verified is not None and verified >= complete):
        return _("{told}, đã đối chiếu.").format(told=told)
    if verified is None:
        return _("{told}, chưa đối chiếu.").format(told=told)
    before = weekday_when(verified, now)
    return _("{told}; đối chiếu gần nhất: {before}.").format(told=told, before=before)


def weekday_when(moment: datetime, now: datetime) -> str:
    """``09:12`` today, ``hôm qua 09:12``, ``thứ Ba 09:12`` within a week, then the date."""
    moment = moment.astimezone(now.tzinfo)
    days = (now.date() - moment.date()).days
    if 1 < days < len(_WEEKDAYS):
        return f"{_(_WEEKDAYS[moment.weekday()])} {moment:%H:%M}"
    return show_when(moment, now)


def link_sentence(status: SyncStatus, now: datetime) -> tuple[Severity, str]:
    """How the line stands and what happens next."""
    if status.link is LinkState.UNCONFIGURED:
        return Severity.INFO, _(
            "Máy này chưa nối với máy chủ của tỉnh. Giám đốc hoặc người quản trị ghi danh máy "
            "trong mục Quản trị, phần Máy chủ của tỉnh; mọi mục đang chờ sẽ tự gửi sau đó."
        )
    if status.revoked:
        return Severity.DANGER, _(
            "Tỉnh đã thu hồi quyền gửi của máy này nên không gửi gì nữa. Hồ sơ vẫn an toàn trên "
            "máy, vẫn khám bình thường. Hãy hỏi quản trị của tỉnh, rồi ghi danh lại máy."
        )
    if status.running:
        return Severity.INFO, _("Đang gửi…")
    if status.link is LinkState.REFUSED:
        return Severity.DANGER, _refusal(status)
    resting = _resting(status)
    if resting:
        return Severity.WARNING, resting
    if status.link is LinkState.OFFLINE:
        grave = status.trouble is LinkTrouble.UNTRUSTED
        text = f"{_away(status, now)} {_next_try(status, now)}"
        return (Severity.DANGER if grave else Severity.WARNING), text
    if status.link is LinkState.ONLINE:
        return Severity.SUCCESS, _("Đang nối với máy chủ của tỉnh.")
    if status.detail:  # tried, yet not over the line: another window of the program is sending
        return Severity.INFO, status.detail
    return Severity.NEUTRAL, _("Chưa thử nối từ lúc mở chương trình. {next}").format(
        next=_next_try(status, now)
    )


def _refusal(status: SyncStatus) -> str:
    if status.trouble in (LinkTrouble.STRANGE, LinkTrouble.KEY_LOST) and status.detail:
        return status.detail
    text = _("Máy chủ không cho máy này gửi. Hãy xem lại địa chỉ và việc ghi danh.")
    return f"{text} {status.detail}".strip()


def _away(status: SyncStatus, now: datetime) -> str:
    if status.trouble in _ANSWERED and status.detail:
        return status.detail
    if status.offline_since is None:
        return _("Không tới được máy chủ.")
    since = show_when(status.offline_since, now)
    return _("Không tới được máy chủ từ {time}.").format(time=since)


def asked_sentence(status: SyncStatus, at: datetime | None, now: datetime) -> str:
    """What follows a wish to send, for a person who sees nothing move. ``at``: when the next try is,
    where that is not at once.
    """
    if status.link is LinkState.UNCONFIGURED:
        return _("Chưa gửi được: máy này chưa nối với máy chủ của tỉnh.")
    if at is not None:
        moment = at.astimezone(now.tzinfo)
        return _("Máy chủ xin tạm nghỉ nên chưa hỏi lại ngay. Sẽ thử lúc {time:%H:%M:%S}.").format(
            time=moment
        )
    if status.running and status.waiting:
        return _("Đang gửi. Trang này tự cập nhật.")
    resting = _resting(status)
    if resting:
        return resting
    if not status.waiting and not status.forms:
        return _("Không có gì chờ gửi. Máy đang hỏi tỉnh xem có gì mới.")
    return _("Đang thử gửi. Trang này tự cập nhật.")


def over_budget(status: SyncStatus) -> bool:
    return bool(status.budget) and status.bytes_today >= status.budget


def _resting(status: SyncStatus) -> str:
    """Why nothing is sent although the line may be up; empty when that is not so."""
    if over_budget(status):
        return _(
            "Đã dùng hết dung lượng của hôm nay: {used} trên {budget}. "
            "Mục đang chờ tự gửi tiếp từ 0 giờ ngày mai; phiếu chuyển vẫn được gửi ngay."
        ).format(used=size_text(status.bytes_today), budget=size_text(status.budget))
    if status.metered:
        return _(
            "Máy đang ở mạng tính tiền theo dung lượng nên chưa gửi, như đã đặt trong Quản trị. "
            "Mục đang chờ tự gửi khi có mạng khác; phiếu chuyển vẫn được gửi ngay."
        )
    return ""


def _next_try(status: SyncStatus, now: datetime) -> str:
    if status.next_try_at is None:
        return _("Sẽ tự gửi khi có mạng.")
    moment = status.next_try_at.astimezone(now.tzinfo)
    if moment.date() != now.date():
        return _("Sẽ tự thử lại lúc {time:%H:%M ngày %d/%m}.").format(time=moment)
    return _("Sẽ tự thử lại lúc {time:%H:%M}.").format(time=moment)


def conflict_sentence(status: SyncStatus) -> str:
    """Empty when nobody has to decide anything."""
    if not status.conflicts:
        return ""
    return _(
        "{count} hồ sơ hai máy ghi khác nhau. Cả hai bản đều được giữ, cần người chọn điều đúng."
    ).format(count=status.conflicts)


def double_sentence(status: SyncStatus) -> str:
    """Empty when nobody seems to be registered twice."""
    if not status.doubles:
        return ""
    return _(
        "{count} người có thể đã đăng ký hai lần. Chưa có gì bị gộp; cần người xem từng cặp."
    ).format(count=status.doubles)


def arrived_sentence(status: SyncStatus) -> str:
    """What came from elsewhere and cannot be shown yet; empty when everything can."""
    parts = []
    if status.parked:
        parts.append(
            _("{count} mục đã về máy nhưng còn chờ hồ sơ mà chúng dựa vào.").format(
                count=status.parked
            )
        )
    if status.unreadable:
        parts.append(
            _(
                "{count} mục do chương trình mới hơn ghi nên máy này chưa đọc được; chúng được giữ "
                "nguyên, hãy cập nhật chương trình."
            ).format(count=status.unreadable)
        )
    return " ".join(parts)


def forms_sentence(status: SyncStatus) -> str:
    """Printed letters that follow their records; empty when there are none."""
    if not status.forms or status.link is LinkState.UNCONFIGURED:
        return ""
    if status.forms_stay:
        return _(
            "Máy chủ này không nhận bản PDF: {count} bản phiếu chuyển giữ lại ở trạm. "
            "Nội dung phiếu vẫn được gửi đầy đủ."
        ).format(count=status.forms)
    told = _("Bản PDF phiếu chuyển chờ gửi sau cùng: {count}").format(count=status.forms)
    if status.form_bytes:
        told += _(", còn {size}").format(size=size_text(status.form_bytes))
    return f"{told}."


def stay_sentence(status: SyncStatus) -> str:
    """Kinds of records that do not travel to this server; empty when all do."""
    if not status.kinds_stay or status.link is LinkState.UNCONFIGURED:
        return ""
    return _(
        "Máy chủ này không nhận: {kinds}. Những mục đó vẫn an toàn trên máy này nhưng không gửi đi "
        "và không sang được máy khác của trạm. Hãy báo người quản trị máy chủ."
    ).format(kinds="; ".join(_(KINDS[kind]) for kind in status.kinds_stay))


def clock_sentence(status: SyncStatus) -> str:
    """Empty while this machine's clock is near enough to the server's, or nobody knows."""
    skew = status.skew_seconds
    if skew is None or abs(skew) < _SKEW_TOLD:
        return ""
    slow = _("chậm") if skew > 0 else _("nhanh")
    return _(
        "Đồng hồ máy này {slow} {much} so với máy chủ của tỉnh. Thứ tự hồ sơ không bị ảnh hưởng; "
        "hãy chỉnh lại ngày giờ của máy."
    ).format(slow=slow, much=_length(abs(skew)))


def _length(seconds: float) -> str:
    """``3 phút``, ``5 giờ``, ``2 ngày``, ``3 năm``."""
    for word, size in ((_("năm"), 365 * 86400), (_("ngày"), 86400), (_("giờ"), 3600)):
        if seconds >= size:
            return f"{int(seconds // size)} {word}"
    return _("{count} phút").format(count=max(1, int(seconds // 60)))


def usage_sentence(status: SyncStatus) -> str:
    """Bytes of today, against the budget where there is one; empty for a machine without a server."""
    if status.link is LinkState.UNCONFIGURED:
        return ""
    used = size_text(status.bytes_today)
    if status.budget:
        return _("Hôm nay đã dùng {used} trên {budget}").format(
            used=used, budget=size_text(status.budget)
        )
    return _("Hôm nay đã dùng {used}, không đặt giới hạn").format(used=used)


def waiting_since(item: OutboxItem, now: datetime) -> str:
    return show_when(item.created_at, now) if is_believable(item.created_at) else _("giờ máy sai")


def waited(item: OutboxItem, now: datetime) -> str:
    return show_ago(item.created_at, now) if is_believable(item.created_at) else _("không rõ")


def plain_reason(item: OutboxItem) -> str:
    """The server's reason without the technical code in brackets at its end."""
    text, bracket, _code = item.reason.rpartition(" [")
    return text if bracket and item.reason.endswith("]") else item.reason


def what(item: OutboxItem) -> str:
    """Kind and version of a waiting change, never whose it is."""
    kind = _(KINDS[item.kind])
    if item.kind is RecordKind.LINK:
        return _("Tách hai hồ sơ") if item.status is RecordStatus.VOIDED else kind
    if item.kind in _FACTS:
        return kind if item.version <= 1 else _("{kind}, cập nhật").format(kind=kind)
    return _("{kind}, {what}").format(kind=kind, what=_(_VERSIONS[item.status]))


def outcome_chip(run: SyncRun) -> ChipSpec:
    text, severity = _OUTCOMES.get(run.outcome, (run.outcome, Severity.NEUTRAL))
    return ChipSpec(_(text), severity)


def run_note(run: SyncRun) -> str:
    """What else is worth saying of a run."""
    compared = _("Đã đối chiếu với máy chủ.") if run.verified else ""
    return " ".join(text for text in (compared, run.detail) if text)


def seconds_text(run: SyncRun) -> str:
    seconds = (run.ended_at - run.started_at).total_seconds()
    return f"{seconds:.1f}".replace(".", ",")


def outage_chip(outage: Outage) -> ChipSpec:
    text, severity = _OUTAGES[outage.kind]
    return ChipSpec(_(text), severity)


def outage_length(outage: Outage, now: datetime) -> str:
    length = show_ago(outage.started, outage.ended or now)
    return _("ít nhất {length}").format(length=length) if outage.at_least else length
