"""SQLite's failures as sentences for the person: what happened, what is safe, what to do."""

from __future__ import annotations

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy.exc import DBAPIError

from station_emr.domain.errors import (
    DatabaseDamaged,
    DatabaseMissing,
    DatabaseTooNew,
    DiskFull,
    EnvironmentFailure,
)

FULL = (
    "Ổ đĩa đã hết chỗ hoặc không ghi được nên lần lưu này chưa được ghi. "
    "Những gì đã lưu trước đó vẫn nguyên vẹn. Hãy xóa bớt tệp không cần, rồi lưu lại."
)
DAMAGED = (
    "Không đọc được cơ sở dữ liệu: tệp bị hỏng hoặc khóa không đúng. "
    "Chương trình không thay đổi gì trong tệp. Hãy khôi phục từ bản sao lưu gần nhất "
    "hoặc gọi người phụ trách kỹ thuật."
)
DAMAGED_LOG = (
    "Tệp ghi những lần lưu gần nhất (station.db-wal) bị hỏng. Nếu mở tiếp, các lần lưu đó sẽ mất mà "
    "không ai biết, nên chương trình dừng lại và không thay đổi gì. "
    "Hãy khôi phục từ bản sao lưu gần nhất hoặc gọi người phụ trách kỹ thuật."
)
LOCKED = (
    "Một chương trình khác đang ghi vào cơ sở dữ liệu. Chưa có gì được ghi. "
    "Hãy đóng chương trình đó rồi thử lại."
)
IN_USE = (
    "Cơ sở dữ liệu cần được nâng cấp nhưng một cửa sổ khác của chương trình đang mở nó. "
    "Chưa có gì thay đổi. Hãy đóng mọi cửa sổ khác của chương trình rồi mở lại."
)
BUSY_WITH_KEY = (
    "Chưa đổi xong khóa dữ liệu vì một cửa sổ khác của chương trình đang mở hồ sơ. Hồ sơ còn nguyên và "
    "vẫn dùng được. Hãy đóng cửa sổ khác; chương trình tự làm tiếp ở lần đăng nhập sau."
)
NO_KEY_FITS = (
    "Không mở được cơ sở dữ liệu bằng tệp khóa nằm cạnh nó: hai tệp không phải của cùng một trạm, tệp "
    "khóa cũ hơn lần đổi khóa gần nhất, hoặc tệp bị hỏng. Chương trình không thay đổi gì. Hãy đưa lại "
    "keyslots.json và station.db từ cùng một bản sao lưu, hoặc gọi người phụ trách kỹ thuật."
)
READ_ONLY = (
    "Tệp cơ sở dữ liệu đang ở chế độ chỉ đọc nên chưa có gì được ghi. "
    "Hãy cấp quyền ghi cho thư mục dữ liệu rồi thử lại."
)
DENIED = (
    "Có tệp cơ sở dữ liệu của trạm nhưng máy không cho mở. Không có gì bị thay đổi. "
    "Hãy đóng chương trình đang giữ tệp (ví dụ phần mềm diệt vi-rút), hoặc cấp quyền cho tài khoản này."
)
MISSING = (
    "Không tìm thấy cơ sở dữ liệu của trạm trong thư mục dữ liệu. "
    "Hãy chọn đúng thư mục, hoặc khôi phục từ bản sao lưu."
)
NO_BACKUP = (
    "Chưa tạo được bản sao lưu vì không ghi được vào thư mục đã chọn. Cơ sở dữ liệu vẫn nguyên vẹn. "
    "Hãy kiểm tra ổ USB hoặc chọn thư mục khác rồi thử lại."
)
EXISTS = (
    "Thư mục này đã có cơ sở dữ liệu của một trạm. Không có gì bị ghi đè. Hãy chọn thư mục khác."
)
TOO_NEW = (
    "Cơ sở dữ liệu do một bản chương trình mới hơn tạo ra. Dữ liệu vẫn nguyên vẹn. "
    "Hãy cập nhật chương trình rồi mở lại."
)

_BY_TEXT: tuple[tuple[str, type[EnvironmentFailure], str], ...] = (
    ("database or disk is full", DiskFull, FULL),
    ("disk i/o error", DiskFull, FULL),
    ("file is not a database", DatabaseDamaged, DAMAGED),
    ("malformed", DatabaseDamaged, DAMAGED),
    ("hmac check failed", DatabaseDamaged, DAMAGED),
    ("vtable constructor failed", DatabaseDamaged, DAMAGED),  # the index of names cannot be read
    ("database is locked", EnvironmentFailure, LOCKED),
    ("database table is locked", EnvironmentFailure, LOCKED),
    ("readonly database", EnvironmentFailure, READ_ONLY),
    ("unable to open database", DatabaseMissing, MISSING),
)


def explain(error: BaseException) -> EnvironmentFailure | None:
    """The failure a person can act on, or None when the error is a bug of the program."""
    if isinstance(error, DBAPIError):
        error = error.orig or error
    if not isinstance(error, sqlcipher.Error):
        return None
    text = str(error).lower()
    for words, kind, sentence in _BY_TEXT:
        if words in text:
            return kind(sentence)
    return None


def told(error: Exception) -> Exception:
    """What to raise for an error met while a whole file was handled: trouble with files is a lack of
    room, a bug stays as it is.
    """
    return no_room() if isinstance(error, OSError) else explain(error) or error


def in_use() -> EnvironmentFailure:
    return EnvironmentFailure(IN_USE)


def busy_with_key() -> EnvironmentFailure:
    return EnvironmentFailure(BUSY_WITH_KEY)


def no_key_fits() -> DatabaseDamaged:
    return DatabaseDamaged(NO_KEY_FITS)


def denied() -> EnvironmentFailure:
    return EnvironmentFailure(DENIED)


def missing() -> DatabaseMissing:
    return DatabaseMissing(MISSING)


def damaged() -> DatabaseDamaged:
    return DatabaseDamaged(DAMAGED)


def damaged_log() -> DatabaseDamaged:
    return DatabaseDamaged(DAMAGED_LOG)


def too_new() -> DatabaseTooNew:
    return DatabaseTooNew(TOO_NEW)


def exists() -> EnvironmentFailure:
    return EnvironmentFailure(EXISTS)


def no_backup() -> EnvironmentFailure:
    return EnvironmentFailure(NO_BACKUP)


def no_room() -> DiskFull:
    return DiskFull(FULL)
