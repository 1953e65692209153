"""The state of backup, people, log and lists today, as labelled lines."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.access import IDLE_DAYS
from station_emr.domain.backup_plan import is_late, needs_drill
from station_emr.domain.sync import LinkState

from .backup_words import brief
from .catalog_names import CATALOG_NAMES
from .dossier_assessment import number, when
from .dossier_ports import Facts


@dataclass(frozen=True, slots=True)
class Line:
    """``warns`` where somebody should do something."""

    label: str
    text: str
    warns: bool = False


def state_lines(facts: Facts) -> tuple[tuple[str, tuple[Line, ...]], ...]:
    """Heading and lines, in the order of the page."""
    return (
        ("1. Sao lưu", _backup(facts)),
        ("2. Người dùng", _people(facts)),
        ("3. Nhật ký và hồ sơ", _log(facts)),
        ("4. Danh mục", _catalogs(facts)),
        ("5. Đồng bộ, ký số, quyền riêng tư", _rest(facts)),
    )


def _backup(facts: Facts) -> tuple[Line, ...]:
    backup = facts.backup
    last, done = backup.last, backup.drill
    lines = [
        Line(
            "Bản sao mới nhất",
            when(last.at if last else None),
            is_late(last.at if last else None, facts.at),
        ),
        Line(
            "Diễn tập khôi phục",
            f"{when(done.at)}, {'đạt' if done.passed else 'KHÔNG đạt'}" if done else "chưa lần nào",
            done is None or not done.passed or needs_drill(done.at, facts.at),
        ),
        Line(
            "Giữ bản sao",
            f"{backup.plan.days} ngày, {backup.plan.weeks} tuần, {backup.plan.months} tháng",
        ),
    ]
    for place in backup.places:
        trouble = brief(place.trouble) if place.trouble else "dùng được"
        lines.append(
            Line(
                "Nơi sao lưu",
                f"{place.path}: {trouble}, {when(place.last_at)}",
                bool(place.trouble),
            )
        )
    if not backup.places:
        lines.append(Line("Nơi sao lưu", "chưa chọn", warns=True))
    return tuple(lines)


def _people(facts: Facts) -> tuple[Line, ...]:
    roles = {one.role for one in facts.active}
    idle = [one for one in facts.active if one.idle_days >= IDLE_DAYS or one.closed]
    bare = [one for one in facts.active if one.second_factor_asked and not one.second_factor]
    due = sum(1 for one in facts.accounts if one.review_due)
    return (
        Line("Đang dùng", f"{len(facts.active)} tài khoản, {len(roles)} vai trò"),
        Line(
            "Lâu không dùng, tạm ngừng",
            ", ".join(one.name for one in idle) or "không có",
            bool(idle),
        ),
        Line("Thiếu lớp thứ hai", ", ".join(one.name for one in bare) or "không có", bool(bare)),
        Line("Chưa rà quyền trong năm", f"{due} người", bool(due)),
        Line(
            "Mở khẩn cấp",
            f"{facts.emergencies_open} lần chờ xem lại, {facts.emergencies_late} lần quá hạn",
            bool(facts.emergencies_late),
        ),
    )


def _log(facts: Facts) -> tuple[Line, ...]:
    check, records = facts.audit_check, facts.record_check
    figures = facts.figures
    return (
        Line("Nhật ký", f"{number(facts.audit_lines)} dòng từ {when(facts.audit_oldest)}"),
        Line(
            "Kiểm tra chuỗi",
            f"{when(check.at)}, {'còn nguyên' if check.ok else 'KHÔNG còn nguyên'}"
            if check
            else "chưa lần nào",
            check is None or not check.ok,
        ),
        Line("Mốc gửi tỉnh", when(facts.audit_anchored)),
        Line("Mốc in giấy", when(facts.audit_printed)),
        Line(
            "Kiểm tra phiên bản hồ sơ",
            f"{when(records.at)}, {'khớp' if records.ok else 'CÓ bản không khớp'}"
            if records
            else "chưa lần nào",
            records is None or not records.ok,
        ),
        Line("Thử mã khôi phục", when(facts.code_tested), facts.code_tested is None),
        Line(
            "Lượt khám",
            f"{number(figures.signed_visits)} đã ký, {number(figures.open_visits)} chưa ký, trong đó "
            f"{number(figures.late_visits)} quá {facts.settings.complete_hours} giờ",
            bool(figures.late_visits),
        ),
    )


def _catalogs(facts: Facts) -> tuple[Line, ...]:
    starter = [one for one in facts.catalogs if one.version <= 1]
    own = [one for one in facts.catalogs if one.version > 1]
    lines = [
        Line(
            "Bản kèm chương trình",
            f"{len(starter)} trong {len(facts.catalogs)} danh mục",
            bool(starter),
        )
    ]
    lines += [
        Line(CATALOG_NAMES[one.kind], f"{number(one.count)} dòng, nạp {when(one.loaded_at)}")
        for one in own[:4]
    ]
    return tuple(lines)


def _rest(facts: Facts) -> tuple[Line, ...]:
    sync = facts.sync
    link = {
        LinkState.UNCONFIGURED: "chưa nối máy chủ tỉnh",
        LinkState.ONLINE: "có mạng",
        LinkState.OFFLINE: "mất mạng",
        LinkState.REFUSED: "máy chủ từ chối",
        LinkState.UNKNOWN: "chưa thử từ khi mở máy",
    }[sync.link]
    return (
        Line(
            "Đồng bộ",
            f"{link}; {number(facts.counts.outbox)} bản chờ gửi, {number(facts.counts.quarantined)} bản bị "
            f"giữ lại; trọn vẹn lúc {when(sync.last_complete_at)}",
            bool(facts.counts.quarantined),
        ),
        Line(
            "Ký số",
            f"{'đã chọn khóa' if facts.key_source else 'chưa chọn khóa'}, "
            f"{number(facts.sign_waiting)} giấy chờ ký",
            bool(facts.sign_waiting),
        ),
        Line(
            "Yêu cầu của người bệnh",
            f"{facts.requests_open} đang giải quyết, {facts.requests_late} quá hạn",
            bool(facts.requests_late),
        ),
        Line(
            "Sự cố dữ liệu",
            f"{facts.breaches} đã ghi, {facts.breaches_late} quá 72 giờ chưa báo",
            bool(facts.breaches_late),
        ),
        Line(
            "Giờ của máy",
            (
                f"lệch máy chủ {facts.clock_skew.total_seconds():.0f} giây"
                if facts.clock_skew is not None
                else "chưa đối chiếu với máy chủ"
            ),
            not facts.clock_trusted,
        ),
        Line(
            "Phiên bản", f"{facts.file.version}, lược đồ {facts.file.schema}, {facts.file.system}"
        ),
    )
