"""The sentences about copies: what happened, what is safe, what to do."""

from __future__ import annotations

from typing import Final

from .backup_ports import Trouble
from .i18n import _

_SENTENCES: Final = {
    Trouble.NO_PLACE: "Chưa chọn nơi sao lưu hằng ngày. Nếu ổ đĩa của máy này hỏng thì mất hồ sơ "
    "chưa gửi lên tỉnh. Hãy bấm Thêm nơi sao lưu và chọn USB, ổ đĩa khác hoặc thư mục mạng.",
    Trouble.NEVER: "Chưa có bản sao nào. Hồ sơ chỉ nằm trên máy này. Hãy bấm Sao lưu ngay.",
    Trouble.LATE: "Đã hơn 2 ngày chưa có bản sao mới. Hồ sơ trên máy còn nguyên. Hãy bấm Sao lưu "
    "ngay, hoặc xem từng nơi sao lưu bên dưới.",
    Trouble.ABSENT: "Không thấy ổ sao lưu đã chọn. Các bản sao cũ trên ổ đó vẫn còn. Hãy cắm đúng "
    "USB hoặc nối lại thư mục mạng; chương trình tự sao lưu.",
    Trouble.SAME_DISK: "Nơi sao lưu ở cùng ổ đĩa với hồ sơ, ổ hỏng thì mất cả hai. Bản sao vẫn "
    "được tạo. Hãy thêm một nơi ở USB hoặc ổ đĩa khác.",
    Trouble.NO_ROOM: "Ổ sao lưu không đủ chỗ nên chưa có bản sao mới. Bản cũ còn nguyên. Hãy xóa "
    "bớt tệp khác trên ổ đó hoặc dùng ổ lớn hơn.",
    Trouble.NOT_WRITABLE: "Không ghi được vào nơi sao lưu. Hồ sơ trên máy còn nguyên. Hãy kiểm tra "
    "khóa chống ghi và quyền ghi của ổ đó.",
    Trouble.DAMAGED: "Cơ sở dữ liệu trên máy này có chỗ hỏng nên không sao lưu được. Các bản sao cũ "
    "không bị đụng tới. Hãy ngừng nhập, gọi người phụ trách kỹ thuật và khôi phục từ bản sao tốt "
    "gần nhất.",
    Trouble.FAILED: "Lần sao lưu gần nhất không thành. Hồ sơ trên máy còn nguyên. Hãy bấm Sao lưu "
    "ngay để xem lý do.",
    Trouble.NO_DRILL: "Chưa diễn tập khôi phục trong 90 ngày. Hãy bấm Diễn tập khôi phục; việc này "
    "không đổi gì trong hồ sơ.",
    Trouble.DRILL_FAILED: "Lần diễn tập gần nhất không mở lại được bản sao. Hồ sơ trên máy còn "
    "nguyên. Hãy bấm Sao lưu ngay ra một ổ khác rồi diễn tập lại.",
}
_BRIEF: Final = {
    Trouble.NO_PLACE: "Chưa chọn nơi sao lưu",
    Trouble.NEVER: "Chưa sao lưu lần nào",
    Trouble.ABSENT: "Không thấy ổ sao lưu",
    Trouble.SAME_DISK: "Sao lưu cùng ổ đĩa",
    Trouble.NO_ROOM: "Ổ sao lưu đầy",
    Trouble.NOT_WRITABLE: "Ổ sao lưu không ghi được",
    Trouble.DAMAGED: "Cơ sở dữ liệu có chỗ hỏng",
    Trouble.FAILED: "Sao lưu không thành",
    Trouble.NO_DRILL: "Chưa diễn tập khôi phục",
    Trouble.DRILL_FAILED: "Diễn tập khôi phục không đạt",
}
GRAVE: Final = frozenset({Trouble.DAMAGED, Trouble.DRILL_FAILED})


def sentence(trouble: Trouble) -> str:
    """For the page of copies and the command line."""
    return _(_SENTENCES[trouble])


def brief(trouble: Trouble) -> str:
    """For the status line; empty where the time of the last copy says it already."""
    return _(_BRIEF[trouble]) if trouble in _BRIEF else ""
