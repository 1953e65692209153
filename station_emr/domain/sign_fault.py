"""Why a digital signature could not be made, each with what is safe and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .errors import UserError


class SignFault(StrEnum):
    """Why nothing was signed. ``stops`` says whether the documents after this one fail as well."""

    NO_KEY = "no_key"
    LIBRARY = "library"
    TOKEN_ABSENT = "token_absent"  # noqa: S105  no secret
    TOKEN_REMOVED = "token_removed"  # noqa: S105  no secret
    WRONG_PIN = "wrong_pin"
    PIN_LOCKED = "pin_locked"
    FILE = "file"
    NO_CERTIFICATE = "no_certificate"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    KEY_USAGE = "key_usage"
    REVOKED = "revoked"
    DEVICE = "device"
    DOCUMENT = "document"
    CHANGED = "changed"

    @property
    def stops(self) -> bool:
        return self not in (SignFault.DOCUMENT, SignFault.CHANGED)


_SENTENCES: Final[Mapping[SignFault, str]] = MappingProxyType(
    {
        SignFault.NO_KEY: (
            "Máy này chưa chọn thiết bị ký số. Giấy đã ký xác nhận vẫn còn nguyên. "
            "Hãy vào Cài đặt, mục Ký số để chọn USB token hoặc tệp chứng thư."
        ),
        SignFault.LIBRARY: (
            "Không mở được thư viện của USB token. Chưa ký gì. Hãy cài phần mềm của nhà cung cấp "
            "chữ ký số, rồi chọn lại tệp thư viện trong Cài đặt, mục Ký số."
        ),
        SignFault.TOKEN_ABSENT: (
            "Không thấy USB token. Giấy vẫn nằm trong mục Chờ ký số, không mất. "
            "Hãy cắm token vào máy rồi ký lại."
        ),
        SignFault.TOKEN_REMOVED: (
            "USB token bị rút ra trong lúc ký. Giấy đang ký dở chưa được ký và vẫn nằm trong mục "
            "Chờ ký số. Hãy cắm lại token rồi ký tiếp."
        ),
        SignFault.WRONG_PIN: (
            "Mã PIN không đúng. Chưa ký gì. Hãy nhập lại thật cẩn thận: "
            "sai nhiều lần liền nhau token sẽ tự khóa."
        ),
        SignFault.PIN_LOCKED: (
            "USB token đã tự khóa vì nhập sai mã PIN nhiều lần. Giấy vẫn nằm trong mục Chờ ký số. "
            "Hãy liên hệ nhà cung cấp chữ ký số để mở khóa token."
        ),
        SignFault.FILE: (
            "Không mở được tệp chứng thư: tệp không đọc được, hoặc mật khẩu của tệp không đúng. "
            "Chưa ký gì. Hãy kiểm tra lại tệp và mật khẩu."
        ),
        SignFault.NO_CERTIFICATE: (
            "Không thấy chứng thư ký đã chọn trong thiết bị này. Chưa ký gì. "
            "Hãy cắm đúng token, hoặc chọn lại chứng thư trong Cài đặt, mục Ký số."
        ),
        SignFault.EXPIRED: (
            "Chứng thư số đã hết hạn nên không ký được nữa. Giấy vẫn nằm trong mục Chờ ký số. "
            "Hãy gia hạn với nhà cung cấp chữ ký số rồi ký lại."
        ),
        SignFault.NOT_YET_VALID: (
            "Chứng thư số chưa đến ngày có hiệu lực theo giờ của máy này. Chưa ký gì. "
            "Hãy kiểm tra giờ của máy."
        ),
        SignFault.KEY_USAGE: (
            "Chứng thư này không được cấp để ký tài liệu. Chưa ký gì. "
            "Hãy chọn chứng thư khác trong Cài đặt, mục Ký số."
        ),
        SignFault.REVOKED: (
            "Nơi cấp cho biết chứng thư số này đã bị thu hồi nên không ký được. "
            "Giấy vẫn nằm trong mục Chờ ký số. Hãy liên hệ nhà cung cấp chữ ký số."
        ),
        SignFault.DEVICE: (
            "Thiết bị ký báo lỗi. Giấy này chưa được ký và vẫn nằm trong mục Chờ ký số. "
            "Hãy rút token ra, cắm lại rồi ký lại."
        ),
        SignFault.DOCUMENT: (
            "Không ký được tài liệu này vì nội dung tệp không đúng dạng. Tài liệu vẫn như cũ. "
            "Hãy báo người hỗ trợ."
        ),
        SignFault.CHANGED: (
            "Giấy này vừa được sửa đổi hoặc hủy nên bản đang ký không còn giá trị. Chưa ký gì. "
            "Hãy ký bản mới trong mục Chờ ký số."
        ),
    }
)


class SigningFailure(UserError):
    """A digital signature could not be made. Nothing was written."""

    def __init__(self, fault: SignFault, more: str = "") -> None:
        super().__init__(f"{_SENTENCES[fault]} {more}".strip())
        self.fault = fault


class ConfirmationNeeded(UserError):
    """The station's rules want the password once more before a signature; nothing was signed."""

    def __init__(self) -> None:
        super().__init__("Hãy nhập lại mật khẩu của bạn để xác nhận chữ ký. Chưa ký gì.")
