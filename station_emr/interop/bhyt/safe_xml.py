"""Reads XML of unknown origin: no entities, no document type, no network, and limits on everything.

What cannot be read is a :class:`Refused` with a sentence for the person.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

LARGEST: Final = 32 * 1024 * 1024
MOST_ELEMENTS: Final = 400_000
DEEPEST: Final = 16
_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_DECLARED: Final = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_HOSTILE: Final = (b"<!DOCTYPE", b"<!ENTITY")
_KNOWN: Final = {
    b"PK\x03\x04": "tệp nén ZIP (hoặc Excel, Word)",
    b"Rar!": "tệp nén RAR",
    b"7z\xbc\xaf": "tệp nén 7z",
    b"\x1f\x8b": "tệp nén GZIP",
    b"%PDF": "tệp PDF",
}


class Refused(Exception):
    """The document cannot be read. ``rule`` names why; the text is a sentence for the person."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def parse(data: bytes, *, largest: int = LARGEST) -> tuple[Any, tuple[str, ...]]:
    """The root element and what was odd about the bytes, in sentences. Raises Refused."""
    odd: list[str] = []
    if not data.strip():
        raise Refused("empty", "Tệp trống, không có nội dung nào.")
    if len(data) > largest:
        raise Refused(
            "too-large",
            f"Tệp lớn {len(data) // 1048576} MB, chỉ đọc tệp đến {largest // 1048576} MB. "
            "Hãy xuất lại từng đợt nhỏ hơn.",
        )
    for magic, kind in _KNOWN.items():
        if data.startswith(magic):
            raise Refused(
                "not-xml", f"Đây là {kind}, không phải tệp XML. Hãy giải nén hoặc xuất lại."
            )
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
        odd.append("Đầu tệp có dấu BOM; tệp gửi cổng không nên có.")
    if data.startswith(_WIDE):
        data = _narrow(data)
        odd.append("Tệp dùng bảng mã UTF-16, không phải UTF-8 như quy định.")
    data = _as_utf8(data)
    if any(word in data for word in _HOSTILE):
        raise Refused(
            "hostile",
            "Tệp chứa khai báo DOCTYPE hoặc thực thể, điều không bao giờ có trong hồ sơ BHYT thật "
            "và có thể gây hại. Không đọc tệp này.",
        )
    if data.count(b"<") > 2 * MOST_ELEMENTS:
        raise Refused(
            "too-many", "Tệp có quá nhiều phần tử nên không đọc. Hãy xuất lại từng đợt nhỏ."
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8"
    )
    try:
        root: Any = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as wrong:
        raise Refused(
            "malformed", f"Tệp XML bị hỏng ở dòng {wrong.lineno or 1}, không đọc tiếp được."
        ) from None
    except (etree.LxmlError, ValueError):
        raise Refused("malformed", "Tệp XML bị hỏng, không đọc được.") from None
    _depth(root)
    return root, tuple(odd)


def _narrow(data: bytes) -> bytes:
    try:
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else _order(data))
    except UnicodeDecodeError:
        raise Refused("encoding", "Tệp giống UTF-16 nhưng bị hỏng giữa chừng.") from None
    return re.sub(r"^\ufeff?<\?xml[^>]*\?>", "", text).encode("utf-8", "replace")


def _order(data: bytes) -> str:
    return "utf-16-le" if data.startswith(b"<\x00") else "utf-16-be"


def _as_utf8(data: bytes) -> bytes:
    declared = _DECLARED.match(data)
    if declared is not None and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}:
        raise Refused(
            "encoding",
            f"Tệp khai bảng mã {declared[1].decode('ascii')}, chỉ nhận UTF-8. "
            "Hãy chọn UTF-8 khi xuất từ chương trình kia.",
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise Refused(
            "encoding",
            f"Tệp không phải UTF-8 (sai ở byte thứ {wrong.start + 1}); có thể là bảng mã TCVN3 "
            "hoặc VNI nên chữ Việt sẽ hỏng. Hãy chọn UTF-8 khi xuất từ chương trình kia.",
        ) from None
    return data


def _depth(root: Any) -> None:
    count = 0
    level: list[Any] = [root]
    for _step in range(DEEPEST):
        level = [child for element in level for child in element]
        count += len(level)
        if not level:
            break
    else:
        raise Refused("too-deep", f"Tệp lồng nhau quá {DEEPEST} tầng, không phải hồ sơ BHYT.")
    if count > MOST_ELEMENTS:
        raise Refused(
            "too-many", "Tệp có quá nhiều phần tử nên không đọc. Hãy xuất lại từng đợt nhỏ."
        )
