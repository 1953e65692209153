"""What TCVN 14423:2026 asks of a system of level 2 (NĐ 331/2026), and how the station stands.

Rows marked ``beyond`` are asked of level 3 only. Numbers of the rows are our own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from station_emr.domain.access import ADMIN_PASSWORD_DAYS, IDLE_DAYS, REMEMBERED_PASSWORDS
from station_emr.domain.dossier import Row, Section, Standing
from station_emr.domain.permissions import Role, idle_minutes

from .dossier_assessment import (
    Answer,
    Demand,
    administrators,
    drill,
    encrypted,
    log,
    min_of,
    own,
    regulation,
    rows,
    second_place,
    when,
)
from .dossier_ports import Facts
from .keys import TEST_EVERY

_MOST_TRIES: Final = 5
_SESSION_MINUTES: Final = 15
_OFFICE_MINUTES: Final = 5
_REUSE: Final = 10


def _refused(refused: bool) -> str:
    return "bị từ chối" if refused else "ĐƯỢC NHẬN"


def second_factor(facts: Facts) -> Answer:
    count, bare = administrators(facts)
    asked = ", ".join(role.label.lower() for role in facts.second_factor_roles)
    said = f"Bắt buộc với: {asked}. {count} quản trị, {bare} người chưa ghép điện thoại."
    return (Standing.PARTLY if bare else Standing.MET), said


def passwords(facts: Facts) -> Answer:
    door = facts.door
    said = (
        f"Thử ngay trên máy: mật khẩu 13 ký tự hoặc thiếu một loại {_refused(door.refuses_weak)}; 7 ký tự khi "
        f"có lớp thứ hai {_refused(door.refuses_short)}; 14 ký tự bốn loại "
        f"{'được nhận' if door.takes_good else 'BỊ TỪ CHỐI'}."
    )
    fine = door.refuses_weak and door.refuses_short and door.takes_good
    return (Standing.MET if fine else Standing.NOT_MET), said


def renewal(facts: Facts) -> Answer:
    old = [
        one
        for one in facts.active
        if one.role is Role.ADMINISTRATOR and (one.password_days or 0) > ADMIN_PASSWORD_DAYS
    ]
    first = sum(1 for one in facts.active if one.must_change)
    said = (
        f"{len(old)} quản trị có mật khẩu quá {ADMIN_PASSWORD_DAYS} ngày (bị hỏi đổi khi vào); "
        f"{first} người phải đổi ở lần vào tới."
    )
    return (Standing.PARTLY if old else Standing.MET), said


def tries(facts: Facts) -> Answer:
    said = f"Khóa sau {facts.door.tries} lần sai đến khi người có quyền mở tại chỗ."
    return (Standing.MET if facts.door.tries <= _MOST_TRIES else Standing.NOT_MET), said


def idle_session(_facts: Facts) -> Answer:
    longest = max(idle_minutes(role) for role in Role)
    office = idle_minutes(Role.ADMINISTRATOR)
    said = f"Khóa màn hình sau {longest} phút, quản trị {office} phút."
    fine = longest <= _SESSION_MINUTES and office <= _OFFICE_MINUTES
    return (Standing.MET if fine else Standing.NOT_MET), said


def accounts(facts: Facts) -> Answer:
    idle = [one for one in facts.active if one.idle_days >= IDLE_DAYS and not one.closed]
    said = (
        f"{len(facts.active)} tài khoản đang mở, {len(facts.idle)} tài khoản đang tạm ngừng, "
        f"{len(idle)} tài khoản {IDLE_DAYS} ngày không dùng chưa bị ngừng."
    )
    return (Standing.PARTLY if idle else Standing.MET), said


def review(facts: Facts) -> Answer:
    due = [one for one in facts.accounts if one.review_due]
    said = f"{len(due)} trong {len(facts.active)} người chưa được rà quyền trong 12 tháng."
    return (Standing.PARTLY if due else Standing.MET), said


def line_fields(facts: Facts) -> Answer:
    skew = f"{facts.clock_skew.total_seconds():.0f} giây" if facts.clock_skew is not None else ""
    clock = f"lệch giờ máy chủ {skew}" if skew else "chưa đối chiếu giờ với máy chủ"
    said = f"Mỗi dòng ghi máy, nguồn, tài khoản, vai trò, lúc, việc, kết quả; {clock}."
    fine = facts.clock_trusted and facts.clock_skew is not None
    return (Standing.MET if fine else Standing.PARTLY), said


def kept_log(facts: Facts) -> Answer:
    gone = facts.audit_numbers - facts.audit_lines
    said = f"Dòng cũ nhất {when(facts.audit_oldest)}; {gone} dòng thiếu trong dãy số."
    return (Standing.NOT_MET if gone else Standing.MET), said


def remembered(_facts: Facts) -> Answer:
    said = f"Từ chối mật khẩu trùng {REMEMBERED_PASSWORDS} lần gần nhất."
    return (Standing.MET if REMEMBERED_PASSWORDS >= _REUSE else Standing.NOT_MET), said


def removable(facts: Facts) -> Answer:
    return encrypted(facts)[0], "Bản sao lưu và tệp mang tay ra USB đều được mã hóa như hồ sơ."


def backup_apart(facts: Facts) -> Answer:
    standing, said = second_place(facts)
    practice, told = drill(facts)
    return min_of(standing, practice), f"{said} {told}"


def incidents(facts: Facts) -> Answer:
    said = f"{facts.breaches} sự cố dữ liệu đã ghi, {facts.breaches_late} quá 72 giờ chưa báo."
    return (Standing.PARTLY if facts.breaches_late else Standing.OWN), (
        f"{said} Phân công người báo là việc của trạm."
    )


def issued(facts: Facts) -> Answer:
    """The regulation has to be issued before the level is approved (NĐ 331/2026 art. 30)."""
    standing, said = regulation(facts)
    level, made = facts.settings.level_decision_on, facts.settings.decision_on
    if level is None:
        return Standing.NOT_MET, f"{said} Chưa ghi quyết định phê duyệt cấp độ."
    said = f"{said} Phê duyệt cấp độ: {facts.settings.level_decision_no} ngày {level:%d/%m/%Y}."
    if made is not None and level < made:
        return Standing.PARTLY, f"{said} Cấp độ được duyệt TRƯỚC khi ban hành quy chế."
    return standing, said


def emergency(facts: Facts) -> Answer:
    said = (
        f"Mở khẩn cấp dài nhất 4 giờ, có lý do; {facts.emergencies_open} lần chờ xem lại, "
        f"{facts.emergencies_late} lần quá 3 ngày."
    )
    return (Standing.PARTLY if facts.emergencies_late else Standing.MET), said


def three_copies(facts: Facts) -> Answer:
    good = [one for one in facts.backup.places if one.trouble is None]
    said = f"{1 + len(good)} bản kể cả bản đang dùng; bản sao được mã hóa."
    return (Standing.MET if len(good) >= 2 else Standing.PARTLY), said


def keys(facts: Facts) -> Answer:
    tested = facts.code_tested
    said = (
        f"Thử mã khôi phục: {when(tested)}; đổi khóa dữ liệu: {when(facts.key_changed)}. "
        "Khóa đổi khi có người nghỉ việc."
    )
    fresh = tested is not None and facts.at - tested <= TEST_EVERY
    return (Standing.MET if fresh else Standing.PARTLY), said


def checked_records(facts: Facts) -> Answer:
    check = facts.record_check
    if check is None:
        return Standing.PARTLY, "Có mã toàn vẹn trên từng phiên bản; chưa kiểm tra lần nào."
    said = (
        f"Kiểm tra các phiên bản {when(check.at)}: {'khớp' if check.ok else 'có bản không khớp'}."
    )
    return (Standing.MET if check.ok else Standing.NOT_MET), said


_LEVEL_2: Final = (
    Demand("s1", "S1", "Xác thực nhiều lớp cho quản trị và truy cập từ xa", second_factor),
    Demand("s2", "S2", "Mật khẩu từ 14 ký tự bốn loại, hoặc từ 8 khi có lớp thứ hai", passwords),
    Demand("s3", "S3", "Đổi mật khẩu: quản trị 2 tháng, lần đầu và mặc định", renewal),
    Demand(
        "s4",
        "S4",
        "Khóa đăng nhập sau 5 lần sai",
        tries,
    ),
    Demand("s5", "S5", "Hết phiên 15 phút, quản trị 5 phút", idle_session),
    Demand("s6", "S6", "Mỗi người một tài khoản; ngừng sau 45 ngày không dùng", accounts),
    Demand("s7", "S7", "Rà soát quyền hằng năm", review),
    Demand("s8", "S8", "Mã hóa thông tin xác thực và dữ liệu khi lưu", encrypted),
    Demand("s9", "S9", "Nhật ký đủ nguồn, tài khoản, thời điểm, hành vi; giờ chuẩn", line_fields),
    Demand("s10", "S10", "Lưu nhật ký", kept_log),
    Demand("s10b", "S10", "Nhật ký không bị sửa, xóa mà không ai biết", log),
    Demand("s11", "S11", "Sao lưu tách khỏi nơi vận hành; thử khôi phục định kỳ", backup_apart),
    Demand("s12", "S12", "Mã hóa thiết bị lưu trữ di động", removable),
    Demand(
        "s13",
        "S13",
        "Cập nhật bản vá, kiểm thử",
        own("Mỗi bản phát hành qua bộ kiểm thử tự động; việc cập nhật máy do trạm thực hiện."),
    ),
    Demand("s14", "S14", "Ứng cứu và báo sự cố đúng hạn", incidents),
    Demand("s15", "S15", "Truy cập khẩn cấp có lý do, có hạn, hậu kiểm trong 3 ngày", emergency),
    Demand("s16", "NĐ 331", "Ban hành quy chế trước, rồi phê duyệt cấp độ 2", issued),
)

_LEVEL_3: Final = (
    Demand(
        "s2+",
        "S2",
        "Không dùng lại 10 mật khẩu gần nhất",
        remembered,
    ),
    Demand(
        "s6+",
        "S6, S7",
        "Rà soát tài khoản và quyền 6 tháng một lần",
        own("Chương trình nhắc hằng năm; 6 tháng do trạm tự đặt lịch."),
    ),
    Demand("s8k+", "S8", "Quản lý vòng đời khóa", keys),
    Demand("s8+", "S8", "Mã toàn vẹn và chữ ký số trên dữ liệu", checked_records),
    Demand(
        "s9+",
        "S9",
        "Gửi nhật ký về hệ thống giám sát tập trung",
        lambda facts: (
            Standing.PARTLY,
            f"Chỉ mốc của nhật ký được gửi lên tỉnh, lần gần nhất {when(facts.audit_anchored)}.",
        ),
    ),
    Demand("s11+", "S11", "Sao lưu 3-2-1 và mã hóa bản sao", three_copies),
    Demand(
        "s13+",
        "S13",
        "Kiểm thử xâm nhập, giám sát máy trạm",
        own("Do đơn vị chủ quản thuê hoặc thực hiện."),
    ),
)


def level_rows(facts: Facts) -> tuple[Row, ...]:
    """Level 2, then what only level 3 asks for."""
    beyond = (replace(one, beyond=True) for one in rows(Section.LEVEL, _LEVEL_3, facts))
    return (*rows(Section.LEVEL, _LEVEL_2, facts), *beyond)


def description(facts: Facts) -> tuple[tuple[str, str], ...]:
    """What the system is, in the order of a level dossier: label and text."""
    station, count = facts.station, facts.counts
    server = facts.sync.server or "chưa nối"
    return (
        ("Tên hệ thống", f"Hồ sơ bệnh án điện tử Station EMR {facts.file.version}"),
        ("Đơn vị vận hành", f"{station.name}, mã cơ sở {station.code}"),
        ("Đơn vị chủ quản", station.parent_authority),
        ("Người phụ trách an toàn", facts.settings.officer or "chưa ghi"),
        ("Phạm vi", "Nội bộ trạm; không mở dịch vụ trực tuyến cho người dân trên máy trạm"),
        (
            "Cấp độ đề xuất",
            "Cấp độ 2: hệ thống nội bộ có xử lý dữ liệu cá nhân (NĐ 331/2026 Điều 12)",
        ),
        ("Máy đang lập hồ sơ này", f"{station.device_name}, {station.site}, {facts.file.system}"),
        ("Cơ sở dữ liệu", f"SQLCipher, lược đồ {facts.file.schema}, {facts.file.size // 1024} kB"),
        ("Máy chủ tỉnh", server),
        (
            "Dữ liệu cá nhân nhạy cảm",
            (
                f"{count.patients} người bệnh, {count.encounters} lượt khám, "
                f"{count.prescriptions} đơn thuốc, {count.referrals} phiếu chuyển, "
                f"{count.appointments} phiếu hẹn"
            ),
        ),
        (
            "Tài khoản",
            ", ".join(
                f"{role.label.lower()} {sum(1 for one in facts.active if one.role is role)}"
                for role in Role
                if any(one.role is role for one in facts.active)
            ),
        ),
        (
            "Thành phần",
            (
                "Máy trạm: chương trình, cơ sở dữ liệu mã hóa, tệp khóa, bản sao lưu. Đường truyền: "
                "HTTPS đến máy chủ tỉnh, hoặc tệp mang tay đã mã hóa và ký. Máy trạm không mở cổng "
                "mạng nào, trừ khi trạm bật điểm gặp cho các máy cùng mạng nội bộ."
            ),
        ),
    )


OLD_DOSSIER: Final[tuple[tuple[str, str], ...]] = (
    ("Tài liệu mô tả, thuyết minh tổng quan", "Phần 1 và bảng mô tả của bản này"),
    ("Tài liệu thiết kế", "Thành phần và luồng dữ liệu ở phần 1; docs/architecture.md"),
    ("Thuyết minh đề xuất cấp độ", "Dòng Cấp độ đề xuất ở phần 1"),
    ("Thuyết minh phương án bảo đảm an toàn", "Phần 2, các dòng S1 đến S15"),
    ("Quy chế bảo đảm an toàn", "Phiếu 2 của bộ này (quy chế)"),
)
"""Headings of a file under NĐ 85/2016 in the time of transition, and where they stand here."""
