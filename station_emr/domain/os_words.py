"""What the operating system says of a file that could not be read or written, in words of the people
who read the message. Its own words are English.
"""

from __future__ import annotations

import errno
from typing import Final

_IN_USE: Final = frozenset({32, 33})  # Windows: another program holds the file
_WORDS: Final = {
    errno.ENOENT: "không có tệp hoặc thư mục này",
    errno.ENOTDIR: "một phần của đường dẫn không phải là thư mục",
    errno.EISDIR: "đó là thư mục, không phải tệp",
    errno.EEXIST: "đã có tệp cùng tên",
    errno.EACCES: "không có quyền, hoặc chương trình khác đang mở tệp",
    errno.EPERM: "không có quyền",
    errno.EROFS: "ổ đĩa chỉ cho đọc",
    errno.ENOSPC: "ổ đĩa hết chỗ",
    errno.EDQUOT: "hết phần ổ đĩa dành cho người dùng này",
    errno.EFBIG: "tệp lớn quá mức ổ đĩa cho phép",
    errno.ENAMETOOLONG: "tên tệp hoặc đường dẫn quá dài",
    errno.EINVAL: "tên tệp hoặc đường dẫn không hợp lệ",
    errno.EIO: "ổ đĩa hoặc USB bị lỗi",
    errno.ENODEV: "không thấy ổ đĩa hoặc USB",
    errno.ENXIO: "không thấy ổ đĩa hoặc USB",
    errno.EBUSY: "chương trình khác đang dùng tệp",
    errno.EMFILE: "máy đang mở quá nhiều tệp",
    errno.ENFILE: "máy đang mở quá nhiều tệp",
    errno.ENOMEM: "máy hết bộ nhớ",
    errno.ELOOP: "đường dẫn vòng về chính nó",
    errno.ETIMEDOUT: "ổ đĩa mạng không trả lời",
}


def os_words(failure: OSError) -> str:
    """The cause as the end of a sentence, without a full stop."""
    if getattr(failure, "winerror", None) in _IN_USE:
        return "chương trình khác đang mở tệp"
    if failure.errno is None:
        return "hệ điều hành không nói vì sao"
    return _WORDS.get(failure.errno, f"hệ điều hành báo lỗi {failure.errno}")
