"""What the system refused, in words for the operator."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from sqlalchemy.engine import make_url

_SENTENCES = {
    errno.ENOENT: "Không có tệp hoặc thư mục này",
    errno.EACCES: "Tài khoản đang chạy lệnh không có quyền đọc hoặc ghi",
    errno.EPERM: "Tài khoản đang chạy lệnh không có quyền đọc hoặc ghi",
    errno.EROFS: "Ổ đĩa chỉ cho đọc",
    errno.ENOSPC: "Ổ đĩa đầy",
    errno.EDQUOT: "Tài khoản đang chạy lệnh đã dùng hết phần ổ đĩa của mình",
    errno.EISDIR: "Đây là thư mục, không phải tệp",
    errno.ENOTDIR: "Đường dẫn đi qua một tệp, không phải thư mục",
    errno.EEXIST: "Đã có tệp này",
    errno.EIO: "Ổ đĩa đọc hoặc ghi bị lỗi",
    errno.ENAMETOOLONG: "Tên tệp quá dài",
    errno.EMFILE: "Chương trình mở quá nhiều tệp",
    errno.ENFILE: "Máy mở quá nhiều tệp",
}


def explain(problem: OSError) -> str:
    """One sentence with the file that it is about; the system's own words where we know none."""
    said = _SENTENCES.get(problem.errno or 0)
    if said is None:
        return f"Không chạy được: {problem}"
    place = f": {problem.filename}" if problem.filename else ""
    return f"Không chạy được. {said}{place}."


def explain_listening(host: str, port: int, problem: OSError) -> str:
    """Why nobody can be heard at this address."""
    if problem.errno == errno.EADDRINUSE:
        return (
            f"Cổng {port} của {host} đang có chương trình khác dùng; có thể máy chủ này đang chạy rồi. "
            "Hãy dừng chương trình đó, hoặc chọn cổng khác (khóa “port”)."
        )
    if problem.errno == errno.EADDRNOTAVAIL or isinstance(problem, socket.gaierror):
        return f"Địa chỉ {host} không phải của máy này. Hãy sửa khóa “host”."
    if problem.errno == errno.EACCES:
        return (
            f"Tài khoản đang chạy lệnh không được mở cổng {port}. Hãy chọn cổng từ 1024 trở lên "
            "(khóa “port”)."
        )
    return explain(problem)


def missing_database(url: str) -> str | None:
    """What to say where SQLite would begin an empty file: a name that was mistyped, or another folder
    to stand in, must not look like a province without records."""
    address = make_url(url)
    name = address.database
    if address.get_backend_name() != "sqlite" or not name or name.startswith((":", "file:")):
        return None
    path = Path(name)
    if path.exists() or not path.parent.is_dir():
        return None
    return (
        f"Không có tệp cơ sở dữ liệu {path.absolute()}. Chưa có gì thay đổi. Nếu đây là lần đầu, hãy "
        "chạy `provincial-server init`; nếu không, hãy xem lại khóa “database” và thư mục đang đứng."
    )
