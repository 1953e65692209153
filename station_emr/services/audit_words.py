"""The words for what the log holds, for screens, files and prints: who did what, how, and why."""

from __future__ import annotations

from typing import Final

from station_emr.domain.audit import Purpose, Result, Source
from station_emr.domain.permissions import Role

from .i18n import _
from .views import AuditRow

_OBJECTS: Final = {
    "patient": "người bệnh",
    "encounter": "lượt khám",
    "prescription": "đơn thuốc",
    "referral": "phiếu chuyển",
    "appointment": "phiếu hẹn",
    "certificate": "giấy nghỉ việc hưởng BHXH",
    "notification": "phiếu báo bệnh truyền nhiễm",
    "bill": "bảng kê chi phí",
    "request": "yêu cầu về hồ sơ",
    "breach": "sự cố dữ liệu cá nhân",
    "account": "tài khoản",
    "user": "người dùng",
    "station": "trạm",
    "setting": "cài đặt",
    "catalog": "danh mục",
    "backup": "bản sao lưu",
}
_VERBS: Final = {
    "view": "Xem",
    "sign": "Ký",
    "sign_digitally": "Ký số",
    "amend": "Sửa đổi",
    "void": "Hủy",
    "history": "Xem lịch sử phiên bản của",
    "restore": "Khôi phục phiên bản cũ của",
    "print": "In",
    "register": "Đăng ký",
    "update": "Sửa",
    "add": "Thêm",
    "discard": "Bỏ nháp",
    "vitals": "Ghi sinh hiệu của",
    "check_in": "Tiếp đón",
    "start": "Bắt đầu",
    "create": "Tạo",
    "import": "Nhập",
    "make": "Tạo",
    "change": "Đổi",
    "unlock": "Mở khóa",
}
_WHOLE: Final = {
    "access.refused": "Từ chối vì thiếu quyền",
    "account.failed_log_in": "Đăng nhập không thành",
    "appointment.draft": "Soạn phiếu hẹn",
    "backup.add_place": "Thêm nơi sao lưu",
    "backup.drill": "Diễn tập khôi phục",
    "dossier.block": "Sửa một điều của quy chế",
    "dossier.judge": "Tự đánh giá một mục của hồ sơ EMR",
    "dossier.print": "Lập hồ sơ EMR của trạm",
    "dossier.settings": "Đổi thông tin của hồ sơ EMR",
    "backup.plan": "Đổi thời gian giữ bản sao",
    "backup.remove_place": "Bỏ nơi sao lưu",
    "backup.restore": "Khôi phục từ bản sao lưu",
    "backup.thin": "Xóa bản sao cũ theo lịch",
    "audit.accept": "Xác nhận vì sao nhật ký khác mốc cũ",
    "audit.access_report": "In danh sách ai đã xem hồ sơ của người bệnh",
    "audit.anchor": "Gửi mốc nhật ký lên tỉnh",
    "audit.export": "Xuất nhật ký ra tệp",
    "audit.head_sheet": "In mốc nhật ký",
    "audit.mismatch": "Nhật ký không khớp với mốc đã ghi",
    "audit.verify": "Kiểm tra chuỗi nhật ký",
    "audit.view": "Xem nhật ký",
    "encounter.draft": "Ghi nháp lượt khám",
    "encounter.list": "Xem danh sách lượt khám trong ngày",
    "feedback.view": "Xem phản hồi chuyển tuyến",
    "patient.list": "Xem danh sách có tên người bệnh",
    "patient.search": "Tìm người bệnh",
    "prescription.draft": "Soạn đơn thuốc",
    "referral.draft": "Soạn phiếu chuyển",
    "referral.list": "Xem danh sách phiếu chuyển",
    "clock.accept": "Chấp nhận giờ của máy",
    "catalog.pack": "Áp dụng danh mục của tỉnh",
    "retention.report": "Xem thời hạn lưu trữ",
    "record.verify": "Kiểm tra các phiên bản hồ sơ",
    "record.fault": "Hồ sơ không khớp với bản đã ghi",
    "patient.view": "Xem hồ sơ người bệnh",
    "patient.update": "Sửa hồ sơ người bệnh",
    "patient.look_elsewhere": "Xem hồ sơ ở trạm khác",
    "patient.withdraw_consent": "Rút lại đồng ý xem hồ sơ ở trạm khác",
    "patient.join": "Gộp hai hồ sơ của một người",
    "patient.separate": "Tách lại hai hồ sơ đã gộp",
    "patient.tell_apart": "Xác nhận hai hồ sơ là hai người khác nhau",
    "sync.merge": "Tự gộp hai bản sửa của một hồ sơ",
    "sync.conflict": "Hai bản sửa khác nhau, chờ người quyết định",
    "sync.received": "Nhận hồ sơ từ máy khác",
    "feedback.read": "Đọc phản hồi chuyển tuyến",
    "draft.drop_displaced": "Bỏ bản nháp bị bản của máy khác thay",
    "encounter.stage": "Chuyển chỗ trong hàng chờ",
    "account.log_in": "Đăng nhập",
    "account.log_out": "Đăng xuất",
    "account.change_password": "Đổi mật khẩu",
    "account.reset_password": "Đặt lại mật khẩu",
    "account.begin_second_factor": "Bắt đầu bật xác thực hai lớp",
    "account.close_idle": "Ngừng tài khoản lâu không dùng",
    "account.join_second_factor": "Bật xác thực hai lớp",
    "account.leave": "Cho người đã nghỉ việc ra khỏi trạm",
    "account.limit": "Đặt thời hạn dùng tài khoản",
    "account.new_second_factor_codes": "Cấp mã dự phòng mới",
    "account.policy": "Đổi quy tắc xác thực hai lớp",
    "account.reopen": "Mở lại tài khoản",
    "account.reset_second_factor": "Gỡ điện thoại xác thực của một người",
    "account.suspend": "Tạm ngừng tài khoản",
    "emergency.close": "Đóng hồ sơ đã mở khẩn cấp",
    "emergency.open": "Mở hồ sơ khẩn cấp",
    "emergency.review": "Duyệt lần mở hồ sơ khẩn cấp",
    "emergency.search": "Tìm người bệnh để mở khẩn cấp",
    "user.change_rights": "Đổi quyền của một vai trò",
    "user.end_right": "Thu lại quyền có thời hạn",
    "user.give_right": "Cấp quyền có thời hạn",
    "user.review_rights": "Rà soát quyền của một người",
    "account.recovery": "Mở lại bằng mã khôi phục",
    "user.appoint_director": "Cử thêm giám đốc trạm",
    "user.hand_over": "Bàn giao chức giám đốc trạm",
    "account.appoint_director": "Lập giám đốc mới bằng mã khôi phục",
    "keys.rotate": "Bắt đầu đổi khóa dữ liệu",
    "keys.rotated": "Đổi xong khóa dữ liệu",
    "keys.rolled_back": "Dùng lại tệp khóa cũ hơn, mở bằng mã khôi phục",
    "keys.test_recovery": "Thử mã khôi phục",
    "keys.tie": "Gắn hồ sơ với máy này",
    "keys.untie": "Bỏ gắn hồ sơ với máy",
    "account.new_recovery_code": "Cấp mã khôi phục mới",
    "device.enrol": "Ghi danh máy này với máy chủ của tỉnh",
    "device.add_key": "Cấp khóa riêng cho máy này",
    "station.new_life": "Đổi ký hiệu số phiếu sau khi dữ liệu được khôi phục hoặc chép sang máy khác",
    "courier.export": "Chép mục chờ gửi ra tệp mang lên tỉnh",
    "courier.import": "Nhận tệp trả lời của tỉnh",
    "snapshot.begin": "Bắt đầu chép toàn bộ hồ sơ cho máy có khóa",
    "snapshot.export": "Chép toàn bộ hồ sơ ra tệp cho máy khác của trạm",
    "rebuild.from_file": "Dựng lại hồ sơ từ tệp",
    "rebuild.from_province": "Dựng lại hồ sơ từ máy chủ của tỉnh",
    "signature.record": "Ghi nhận chữ ký tay hoặc sinh trắc học",
    "signature.standing": "Nơi cấp trả lời về chứng thư đã ký",
    "signing.authorities": "Chọn nơi cấp chứng thư được tin cậy",
    "signing.collect": "Đưa giấy đã ký tay vào danh sách chờ ký số",
    "signing.confirm": "Nhập lại mật khẩu để ký",
    "signing.policy": "Đổi cách ký các loại giấy",
    "signing.source": "Chọn khóa ký của máy này",
    "signing.test": "Ký thử",
    "signing.xml": "Ký số tệp XML",
    "certificate.draft": "Soạn giấy nghỉ việc hưởng BHXH",
    "certificate.reissue": "Cấp lại giấy nghỉ việc hưởng BHXH",
    "notification.draft": "Soạn phiếu báo bệnh truyền nhiễm",
    "notification.list": "Xem danh sách báo bệnh truyền nhiễm",
    "notification.submit": "Lập phiếu báo bệnh truyền nhiễm",
    "notification.report": "Ghi đã báo bệnh truyền nhiễm",
    "bill.draft": "Lập bảng kê chi phí",
    "bill.sign": "Chốt bảng kê chi phí",
    "bill.list": "Xem danh sách viện phí",
    "setting.base_salary": "Đổi lương cơ sở",
    "claim.view": "Xem hồ sơ BHYT của lượt khám",
    "claim.export": "Xuất hồ sơ BHYT ra tệp",
    "claim.check": "Kiểm tra tệp hồ sơ BHYT",
    "claim.read": "Đọc tệp hồ sơ BHYT của chương trình khác",
    "foreign_visit.take": "Nhận lượt khám ở cơ sở khác từ tệp BHYT",
    "consent.give": "Ghi sự đồng ý của người bệnh",
    "consent.withdraw": "Ghi việc rút lại sự đồng ý",
    "consent.answer": "Trả lời việc rút lại sự đồng ý",
    "consent.print": "In phiếu đồng ý",
    "consent.view": "Xem sự đồng ý của người bệnh",
    "consent.list": "Xem danh sách sự đồng ý",
    "privacy_request.receive": "Nhận yêu cầu về hồ sơ",
    "privacy_request.answered": "Phản hồi yêu cầu về hồ sơ",
    "privacy_request.done": "Hoàn thành yêu cầu về hồ sơ",
    "privacy_request.refused": "Không thực hiện yêu cầu về hồ sơ",
    "privacy_request.print": "In đơn yêu cầu về hồ sơ",
    "privacy_request.summary": "In bản tóm tắt hồ sơ bệnh án",
    "privacy_request.list": "Xem sổ yêu cầu về hồ sơ",
    "privacy.ranges": "Đổi mã bệnh có nội dung hạn chế",
    "data_breach.record": "Ghi sự cố dữ liệu cá nhân",
    "data_breach.report": "Ghi đã báo sự cố dữ liệu cá nhân",
    "data_breach.print": "In thông báo sự cố dữ liệu cá nhân",
    "data_breach.list": "Xem sổ sự cố dữ liệu cá nhân",
    "card.look_up": "Tra thẻ BHYT trên cổng",
    "card.view": "Xem kết quả tra thẻ BHYT",
    "claim.list": "Xem danh sách hồ sơ BHYT",
    "claim.queue": "Ký số và xếp hàng gửi hồ sơ BHYT",
    "gateway.arrived": "Xác nhận cổng đã nhận",
    "gateway.evidence": "In bằng chứng mất kết nối cổng",
    "gateway.give_up": "Thôi không gửi lên cổng",
    "gateway.list": "Xem danh sách đã gửi lên cổng",
    "gateway.resend": "Cho gửi lại lên cổng",
    "gateway.secret": "Đổi mật khẩu của cổng",
    "gateway.sent": "Gửi lên cổng",
    "gateway.test": "Thử kết nối cổng",
    "gateway.view": "Xem nội dung đã gửi lên cổng",
    "sync.requeue_all": "Xếp lại toàn bộ hồ sơ để gửi",
    "register.close": "Khóa sổ tháng",
    "record.export": "Xuất ra tệp",
    "station.export": "Xuất toàn bộ dữ liệu của trạm",
    "rights.arrived": "Nhận quyết định về quyền từ máy khác của trạm",
    "rights.held": "Giữ lại, chưa cho có hiệu lực: quyết định về quyền từ máy khác",
    "register.define": "Sửa quy tắc của một sổ",
    "register.export": "Xuất sổ ra tệp",
    "register.list": "Xem sổ khám bệnh",
    "register.reopen": "Mở lại sổ tháng đã khóa",
    "report.export": "Xuất báo cáo ra tệp",
    "report.list": "Xem báo cáo",
    "report.template": "Nhập hoặc bỏ mẫu báo cáo",
}


def action_text(action: str) -> str:
    """``referral.print`` reads ``In phiếu chuyển``; an unknown one stays as it is."""
    if action in _WHOLE:
        return _(_WHOLE[action])
    kind, _dot, verb = action.partition(".")
    if kind in _OBJECTS and verb in _VERBS:
        return f"{_(_VERBS[verb])} {_(_OBJECTS[kind])}"
    return action


def person_text(row: AuditRow) -> str:
    """Who it was: the name, the account where only that is known, or the machine itself."""
    if row.user_name:
        return row.user_name
    if row.account:
        return _("Tài khoản {name}").format(name=row.account)
    return _("Tên không có ở trạm") if row.source == Source.BEFORE_OPENING else _("Chương trình")


def patient_action_text(row: AuditRow) -> str:
    """The same for the person whose record it is: no words of the trade, and what was refused says
    so.
    """
    words = action_text(row.action)
    if row.action == "access.refused":
        return _("Định mở hồ sơ nhưng chương trình không cho")
    if row.result != Result.DONE:
        words = f"{words} ({result_text(row).lower()})"
    return words


def source_text(row: AuditRow) -> str:
    """By which door and on which machine."""
    door = _(Source(row.source).label) if row.source in set(Source) else ""
    return ", ".join(part for part in (row.device, door) if part)


def purpose_text(row: AuditRow) -> str:
    return _(Purpose(row.purpose).label) if row.purpose in set(Purpose) else row.purpose


def result_text(row: AuditRow) -> str:
    return _(Result(row.result).label) if row.result in set(Result) else row.result


def role_text(role: str) -> str:
    return _(Role(role).label) if role in set(Role) else role
