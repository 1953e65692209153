"""The station judged against TT 13/2025 and CV 365, row by row, by what is seen of it today.

What the program cannot see is left to the head of the station, with what it does know beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from station_emr.domain.backup_plan import is_late, needs_drill
from station_emr.domain.dossier import Row, Section, Standing
from station_emr.domain.permissions import Role
from station_emr.domain.signature import SIGNED_KINDS, SignMethod
from station_emr.domain.sync import LinkState

from .backup_ports import Trouble
from .catalog_names import CATALOG_NAMES
from .dossier_ports import Facts

DEADLINE: Final = date(2026, 12, 31)
CHECK_AFTER: Final = timedelta(days=31)
"""How old a check of the log or of the records may be to count."""
_STARTER: Final = 1

Answer = tuple[Standing, str]


@dataclass(frozen=True, slots=True)
class Demand:
    """One requirement: its article, what it asks in our own words, and who answers it."""

    key: str
    article: str
    demand: str
    answer: Callable[[Facts], Answer]


def rows(section: Section, demands: tuple[Demand, ...], facts: Facts) -> tuple[Row, ...]:
    found = []
    for one in demands:
        standing, said = one.answer(facts)
        found.append(
            Row(
                key=one.key,
                section=section,
                article=one.article,
                demand=one.demand,
                standing=standing,
                facts=said,
            )
        )
    return tuple(found)


def number(count: int) -> str:
    return f"{count:,}".replace(",", ".")


def when(at: datetime | None) -> str:
    return f"{at:%H:%M ngày %d/%m/%Y}" if at is not None else "chưa lần nào"


def electronic(facts: Facts) -> Answer:
    figures = facts.figures
    said = (
        f"{number(figures.signed_visits)} lượt khám đã ký, {number(facts.counts.prescriptions)} đơn thuốc, "
        f"{number(facts.counts.referrals)} phiếu chuyển nằm trong một hệ thống; "
        f"{number(figures.late_visits)} lượt khám chưa ký quá {facts.settings.complete_hours} giờ."
    )
    if not figures.signed_visits:
        return Standing.NOT_MET, said
    return (Standing.PARTLY if figures.late_visits else Standing.MET), said


def identity(facts: Facts) -> Answer:
    figures, people = facts.figures, facts.counts.patients
    said = (
        f"{number(people)} người bệnh; {number(figures.without_identity)} người chưa có số định danh cá nhân; "
        f"{number(figures.shared_identity)} số đứng ở hơn một hồ sơ."
    )
    if not people:
        return Standing.NOT_MET, said
    if figures.shared_identity or figures.without_identity:
        return Standing.PARTLY, said
    return Standing.MET, said


def second_place(facts: Facts) -> Answer:
    places = facts.backup.places
    apart = [one for one in places if one.trouble is None]
    fresh = [one for one in apart if not is_late(one.last_at, facts.at)]
    last = facts.backup.last
    said = (
        f"{len(places)} nơi sao lưu, {len(apart)} nơi ở ổ khác và dùng được, {len(fresh)} nơi có bản trong "
        f"2 ngày. Bản mới nhất: {when(last.at if last else None)}."
    )
    if fresh:
        return Standing.MET, said
    return (Standing.PARTLY if last is not None else Standing.NOT_MET), said


def drill(facts: Facts) -> Answer:
    done = facts.backup.drill
    if done is None:
        return Standing.NOT_MET, "Chưa diễn tập khôi phục lần nào."
    said = (
        f"Diễn tập {when(done.at)}: {'mở lại và khớp' if done.passed else 'không đạt'}, "
        f"{done.seconds:.0f} giây."
    )
    if not done.passed:
        return Standing.NOT_MET, said
    return (Standing.PARTLY if needs_drill(done.at, facts.at) else Standing.MET), said


def signing(facts: Facts) -> Answer:
    digital = [
        kind for kind in SIGNED_KINDS if facts.signing.method(kind) is SignMethod.DIGITAL_CERT
    ]
    said = (
        f"Cách ký theo loại giấy đã đặt; {len(digital)} loại cần chữ ký số; "
        f"{'đã' if facts.key_source else 'chưa'} chọn khóa ký số; "
        f"{number(facts.figures.signed_files)} tệp đã ký số; {number(facts.sign_waiting)} giấy chờ ký số."
    )
    signers = [one for one in facts.active if one.licence]
    if not signers:
        return Standing.NOT_MET, f"Chưa ai có số giấy phép hành nghề nên chưa ai ký được. {said}"
    missing = bool(digital) and facts.key_source is None
    return (Standing.PARTLY if missing or facts.sign_waiting else Standing.MET), said


def deadline(facts: Facts) -> Answer:
    left = (DEADLINE - facts.at.date()).days
    said = f"Còn {left} ngày đến 31/12/2026." if left >= 0 else "Đã quá ngày 31/12/2026."
    return Standing.OWN, (
        f"{said} Công bố tại benhandientu.moh.gov.vn do người đứng đầu quyết định."
    )


def regulation(facts: Facts) -> Answer:
    settings = facts.settings
    if not settings.decision_no or settings.decision_on is None:
        return Standing.NOT_MET, "Chưa ghi số và ngày quyết định ban hành quy chế."
    return Standing.MET, (
        f"Quyết định số {settings.decision_no} ngày {settings.decision_on:%d/%m/%Y}. "
        f"Hoàn thành hồ sơ trong {settings.complete_hours} giờ."
    )


def own(said: str) -> Callable[[Facts], Answer]:
    return lambda _facts: (Standing.OWN, said)


def papers(facts: Facts) -> Answer:
    return Standing.OWN, (
        f"Có mẫu in PDF của đơn thuốc, phiếu chuyển, phiếu hẹn; {number(facts.figures.signed_visits)} lượt khám "
        "đã ký xem lại được. Đối chiếu từng mẫu với bản giấy đang dùng."
    )


def created(facts: Facts) -> Answer:
    link = {
        LinkState.UNCONFIGURED: "chưa nối máy chủ tỉnh",
        LinkState.REFUSED: "máy chủ tỉnh từ chối máy này",
    }.get(facts.sync.link, "đã đặt máy chủ tỉnh")
    last = when(facts.sync.last_complete_at)
    said = f"Hồ sơ được lập trực tiếp tại máy; {link}; lần đồng bộ trọn vẹn gần nhất: {last}."
    if not facts.figures.signed_visits:
        return Standing.NOT_MET, f"Chưa có lượt khám nào được ký. {said}"
    return Standing.MET, said


def catalogs(facts: Facts) -> Answer:
    starter = [one for one in facts.catalogs if one.version <= _STARTER]
    empty = [CATALOG_NAMES[one.kind] for one in facts.catalogs if not one.count]
    newest = max((one.loaded_at for one in facts.catalogs if one.loaded_at), default=None)
    said = (
        f"{len(facts.catalogs)} danh mục, {len(starter)} còn là bản kèm chương trình; "
        f"nạp gần nhất {when(newest)}."
    )
    if not facts.catalogs or len(empty) == len(facts.catalogs):
        return Standing.NOT_MET, said
    if empty:
        return Standing.PARTLY, f"{said} Còn trống: {', '.join(empty)}."
    return (Standing.PARTLY if starter else Standing.MET), said


def rights(facts: Facts) -> Answer:
    due = sum(1 for one in facts.accounts if one.review_due)
    bare = [one for one in facts.active if one.second_factor_asked and not one.second_factor]
    said = (
        f"{len(facts.active)} tài khoản đang dùng, {len({one.role for one in facts.active})} vai trò, "
        f"{facts.grants} quyền có thời hạn, {facts.role_changes} thay đổi bảng quyền, {due} người chưa rà "
        f"quyền trong năm, {len(bare)} người còn thiếu lớp xác thực thứ hai."
    )
    if facts.emergencies_late:
        said = f"{said} {facts.emergencies_late} lần mở khẩn cấp quá 3 ngày chưa xem lại."
    return (Standing.PARTLY if due or bare or facts.emergencies_late else Standing.MET), said


def log(facts: Facts) -> Answer:
    check = facts.audit_check
    said = (
        f"{number(facts.audit_lines)} dòng từ {when(facts.audit_oldest)}; mốc gửi tỉnh: "
        f"{when(facts.audit_anchored)}; mốc in giấy: {when(facts.audit_printed)}."
    )
    if check is None:
        return Standing.PARTLY, f"Chưa kiểm tra chuỗi lần nào. {said}"
    said = f"Kiểm tra {when(check.at)}: {'còn nguyên' if check.ok else 'không còn nguyên'}. {said}"
    if not check.ok:
        return Standing.NOT_MET, said
    return (Standing.PARTLY if facts.at - check.at > CHECK_AFTER else Standing.MET), said


def export(_facts: Facts) -> Answer:
    return Standing.PARTLY, (
        "Xuất được XML và JSON gốc HoSoBenhAn, đủ 11 nhóm; tên các mục trong nhóm là tệp cấu hình, "
        "chờ đối chiếu với bản gốc của công văn."
    )


def encrypted(facts: Facts) -> Answer:
    https = facts.sync.server.startswith("https://")
    line = (
        "chưa nối máy chủ nên chưa truyền gì"
        if not facts.sync.server
        else "đường truyền có mã hóa (https)"
        if https
        else "đường truyền KHÔNG mã hóa"
    )
    said = (
        f"Tệp cơ sở dữ liệu {'ĐỌC ĐƯỢC không cần khóa' if facts.file.readable else 'không đọc được khi không có khóa'}, "
        f"{number(facts.file.size // 1024)} kB; {line}."
    )
    if facts.file.readable:
        return Standing.NOT_MET, said
    return (Standing.PARTLY if facts.sync.server and not https else Standing.MET), said


def copies(facts: Facts) -> Answer:
    standing, said = second_place(facts)
    same = any(one.trouble is Trouble.SAME_DISK for one in facts.backup.places)
    if same:
        said = f"{said} Có nơi cùng ổ đĩa với hồ sơ."
    if facts.settings.level_decision_on is None:
        return min_of(standing, Standing.PARTLY), f"{said} Chưa ghi quyết định phê duyệt cấp độ 2."
    return standing, (
        f"{said} Cấp độ 2 theo quyết định {facts.settings.level_decision_no} "
        f"ngày {facts.settings.level_decision_on:%d/%m/%Y}."
    )


def min_of(one: Standing, other: Standing) -> Standing:
    """The worse of two that the program sees."""
    order = (Standing.NOT_MET, Standing.PARTLY, Standing.MET)
    return min(one, other, key=order.index)


def guidance_done(facts: Facts) -> Answer:
    found = rows(Section.GUIDANCE, GUIDANCE, facts)
    met = sum(1 for one in found if one.standing is Standing.MET)
    left = [one.article for one in found if one.standing in {Standing.NOT_MET, Standing.PARTLY}]
    said = f"{met} trong {len(found)} mục đạt theo dữ kiện của máy; xem bảng Công văn 365."
    return (Standing.PARTLY if left else Standing.OWN), said


def administrators(facts: Facts) -> tuple[int, int]:
    """How many administrators, and how many of them without a second factor."""
    found = [one for one in facts.active if one.role is Role.ADMINISTRATOR]
    return len(found), sum(1 for one in found if not one.second_factor)


CIRCULAR: Final = (
    Demand(
        "tt13.1.1",
        "Điều 1 khoản 1",
        "Lập, cập nhật, hiển thị, ký, lưu trữ, sử dụng hồ sơ bằng phương tiện điện tử",
        electronic,
    ),
    Demand(
        "tt13.1.2",
        "Điều 1 khoản 2",
        "Đủ thông tin theo Chương X Thông tư 32/2023/TT-BYT",
        papers,
    ),
    Demand("tt13.1.3", "Điều 1 khoản 3", "Gắn hồ sơ với số định danh cá nhân", identity),
    Demand(
        "tt13.1.4",
        "Điều 1 khoản 4",
        "Tuân thủ pháp luật liên quan về khám chữa bệnh, dữ liệu, giao dịch điện tử, an ninh mạng, lưu trữ",
        own("Bảng đối chiếu từng luật nằm trong tài liệu của chương trình (docs/compliance.md)."),
    ),
    Demand(
        "tt13.2.1",
        "Điều 2 khoản 1",
        "Hạ tầng tối thiểu, kể cả lưu trữ dự phòng và bảo mật",
        second_place,
    ),
    Demand(
        "tt13.2.2",
        "Điều 2 khoản 2, 3",
        "Phần mềm ứng dụng theo tiêu chuẩn công nghệ thông tin nhà nước",
        own("Chương trình dùng Unicode, in PDF, trao đổi JSON và XML."),
    ),
    Demand("tt13.2.4", "Điều 2 khoản 4", "Sẵn sàng khôi phục và truy xuất", drill),
    Demand(
        "tt13.3",
        "Điều 3",
        "Nhân viên và người bệnh ký hoặc xác nhận theo một trong các cách",
        signing,
    ),
    Demand("tt13.4.2", "Điều 4 khoản 2", "Hoàn thành đúng hạn và công bố", deadline),
    Demand(
        "tt13.5",
        "Điều 5",
        "Xử lý hồ sơ giấy đang dở và số hóa hồ sơ cũ theo quyết định người đứng đầu",
        own("Việc chuyển tiếp hồ sơ giấy do trạm quyết định; chương trình giữ hồ sơ mới."),
    ),
    Demand("tt13.6.3a", "Điều 6 khoản 3 a", "Theo hướng dẫn kỹ thuật (CV 365)", guidance_done),
    Demand("tt13.6.3b", "Điều 6 khoản 3 b", "Ban hành quy chế hồ sơ bệnh án điện tử", regulation),
)

GUIDANCE: Final = (
    Demand("cv365.1", "Mục 1", "Đủ nội dung như mẫu giấy, xem được dạng PDF, in đúng mẫu", papers),
    Demand("cv365.2", "Mục 2", "Một mã duy nhất cho mỗi người bệnh theo số định danh", identity),
    Demand("cv365.3", "Mục 3", "Lập trực tiếp hoặc đồng bộ từ hệ thống khác", created),
    Demand("cv365.4", "Mục 4", "Quản lý và dùng danh mục dùng chung của Bộ Y tế", catalogs),
    Demand(
        "cv365.5",
        "Mục 5",
        "Phân quyền xem, thêm, sửa, hủy, khôi phục theo vai trò và có giới hạn thời gian",
        rights,
    ),
    Demand("cv365.6", "Mục 6", "Ghi nhật ký mọi giao dịch của người dùng", log),
    Demand("cv365.7", "Mục 7", "Xuất XML hoặc JSON gốc HoSoBenhAn", export),
    Demand(
        "cv365.8",
        "Mục 8",
        "Lưu độc lập, chống xâm nhập, mã hóa khi lưu và khi truyền",
        encrypted,
    ),
    Demand(
        "cv365.9",
        "Mục 9",
        "Sao lưu tại cơ sở và nơi khác, an toàn thông tin từ cấp độ 2",
        copies,
    ),
    Demand(
        "cv365.10",
        "Mục 10",
        "Dữ liệu thuộc cơ sở; bàn giao kèm đặc tả và xóa an toàn khi đổi nhà cung cấp",
        own(
            "Xuất được toàn bộ dữ liệu ra tệp mở kèm mô tả; bản sao lưu mở được bằng mã khôi phục. "
            "Điều khoản bàn giao nằm trong hợp đồng của trạm."
        ),
    ),
)
