"""The signed code of a referral letter: written by the station, checked anywhere with no network.

The text is ``SEMR1:`` + base45 + ``.``; at most 900 characters, all of the QR code's alphanumeric
mode. The closing full stop keeps a trailing space of base45 from being trimmed by a scanner.
Inside: version (1 byte), the station's Ed25519 public key (32), the packed content, the signature
(64) over everything before it. The key travels with the letter, so that integrity is checked even
for a station nobody has heard of; who the station is, only the list of trusted keys can say.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from station_emr.domain.errors import UserError
from station_emr.domain.letter import LetterContent, content_of
from station_emr.domain.referral import Referral
from station_emr.domain.scan import LETTER_PREFIX
from station_emr.security import base45
from station_emr.security.letter_code import DoesNotFit, Unreadable, pack_to_fit, unpack

MAX_CHARACTERS: Final = 900
_TRUSTED_FORMAT: Final = "station-emr-trusted-keys"
_VERSION: Final = 1
_END: Final = "."
_KEY, _SIGNATURE = 32, 64
_CONTEXT: Final = b"station-emr referral letter\x00"  # keeps the key's signatures apart by use


def _payload_limit() -> int:
    room = MAX_CHARACTERS - len(LETTER_PREFIX) - len(_END)
    size = room // 3 * 2
    return size - 1 - _KEY - _SIGNATURE


class LetterCheck(StrEnum):
    """What is known about a letter's code."""

    VALID = "valid"
    UNKNOWN_STATION = "unknown_station"
    WRONG_STATION = "wrong_station"
    TAMPERED = "tampered"
    NOT_A_LETTER = "not_a_letter"
    TOO_NEW = "too_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedStation:
    """A station whose key the reader has from a source it trusts."""

    facility_code: str
    name: str
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedLetter:
    """The verdict with its Vietnamese sentence.

    ``content`` is present only where the signature fits it; ``key_id`` names the station key.
    """

    check: LetterCheck
    message: str
    content: LetterContent | None = None
    key_id: str = ""

    @property
    def trusted(self) -> bool:
        return self.check is LetterCheck.VALID


def signing_key_from_bytes(seed: bytes) -> Ed25519PrivateKey:
    """The station's key from its 32 stored bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key_of(private_key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes that others need to check this station's letters."""
    return private_key.public_key().public_bytes_raw()


def key_id(public_key: bytes) -> str:
    """The short name of a key: the first 8 bytes of its SHA-256, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def encode_letter(content: LetterContent, private_key: Ed25519PrivateKey) -> str:
    """The text of the letter's QR code, at most 900 characters.

    Long texts are cut by rule. Raises UserError when the names and numbers alone do not fit.
    """
    try:
        packed = pack_to_fit(content, _payload_limit())
    except DoesNotFit:
        raise UserError(
            "Tên và số ghi trên phiếu quá dài để đưa vào mã QR. Phiếu chưa được ký. "
            "Hãy rút gọn tên nơi chuyển hoặc nơi nhận rồi ký lại."
        ) from None
    body = bytes([_VERSION]) + public_key_of(private_key) + packed
    signed = body + private_key.sign(_CONTEXT + body)
    return LETTER_PREFIX + base45.encode(signed) + _END


class StationLetterSigner:
    """The station's signing key behind the port that the services know."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._key = private_key

    def sign(self, referral: Referral) -> str:
        """The text of the letter's QR code."""
        return encode_letter(content_of(referral), self._key)


def trusted_keys_from_json(text: str) -> dict[str, TrustedStation]:
    """Read a list of trusted stations, by key id.

    The form is ``{"format": "station-emr-trusted-keys", "stations": [{"facility_code": …,
    "name": …, "public_key": base64}]}``. Raises UserError for anything else.
    """
    try:
        document = json.loads(text)
        known = document["format"] == _TRUSTED_FORMAT
        stations = [
            TrustedStation(
                facility_code=str(row["facility_code"]),
                name=str(row["name"]),
                public_key=base64.b64decode(row["public_key"], validate=True),
            )
            for row in document["stations"]
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unreadable_list() from None
    if not known or any(len(station.public_key) != _KEY for station in stations):
        raise _unreadable_list()
    return {key_id(station.public_key): station for station in stations}


def _unreadable_list() -> UserError:
    return UserError("Không đọc được danh sách khóa của các trạm. Hãy lấy lại tệp này từ Sở Y tế.")


def trusted_keys_to_json(stations: Mapping[str, TrustedStation]) -> str:
    """The file form of a list of trusted stations."""
    rows = [
        {
            "facility_code": station.facility_code,
            "name": station.name,
            "public_key": base64.b64encode(station.public_key).decode("ascii"),
        }
        for station in stations.values()
    ]
    document = {"format": _TRUSTED_FORMAT, "stations": rows}
    return json.dumps(document, ensure_ascii=False, indent=2)


_NOT_A_LETTER: Final = VerifiedLetter(
    check=LetterCheck.NOT_A_LETTER,
    message="Đây không phải mã của phiếu chuyển, hoặc mã quét thiếu. Hãy quét lại mã in trên phiếu.",
)
_TAMPERED: Final = VerifiedLetter(
    check=LetterCheck.TAMPERED,
    message="Chữ ký không khớp: mã đã bị sửa hoặc quét hỏng. Không dùng nội dung này. "
    "Hãy quét lại; nếu vẫn như vậy, gọi cho trạm ghi trên phiếu để hỏi.",
)
_TOO_NEW: Final = VerifiedLetter(
    check=LetterCheck.TOO_NEW,
    message="Mã phiếu này do một phiên bản phần mềm mới hơn tạo ra. "
    "Hãy đọc tờ giấy và cập nhật phần mềm này.",
)


def verify_letter(text: str, trusted: Mapping[str, TrustedStation]) -> VerifiedLetter:
    """Check a scanned letter against the stations trusted here. Never raises."""
    signed = _envelope(text)
    if signed is None or len(signed) < 1 + _KEY + _SIGNATURE + 1:
        return _NOT_A_LETTER
    if signed[0] != _VERSION:
        return _TOO_NEW if signed[0] > _VERSION else _NOT_A_LETTER
    body, signature = signed[:-_SIGNATURE], signed[-_SIGNATURE:]
    public_key = body[1 : 1 + _KEY]
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _CONTEXT + body)
        content = unpack(body[1 + _KEY :])
    except (InvalidSignature, Unreadable, ValueError):
        return _TAMPERED
    return _judge(content, public_key, trusted)


def _envelope(text: str) -> bytes | None:
    text = text.strip()
    if text[: len(LETTER_PREFIX)].upper() != LETTER_PREFIX or not text.endswith(_END):
        return None
    try:
        return base45.decode(text[len(LETTER_PREFIX) : -len(_END)])
    except ValueError:
        return None


def _judge(
    content: LetterContent, public_key: bytes, trusted: Mapping[str, TrustedStation]
) -> VerifiedLetter:
    """The signature fits; what remains is whose key it is."""
    name = key_id(public_key)
    station = trusted.get(name)
    if station is None or station.public_key != public_key:
        message = (
            "Chữ ký khớp, nội dung còn nguyên, nhưng chưa biết trạm: khóa này không có trong danh "
            f"sách tin cậy. Hãy gọi {content.from_name or 'trạm'} để xác nhận trước khi tin."
        )
        if any(known.facility_code == content.from_code for known in trusted.values()):
            message += (
                " Chú ý: danh sách đã có khóa khác của cơ sở mang mã này, phiếu có thể là giả."
            )
        check = LetterCheck.UNKNOWN_STATION
    elif station.facility_code != content.from_code:
        message = (
            f"Chữ ký là của {station.name} nhưng phiếu ghi cơ sở khác ({content.from_name}). "
            "Không dùng nội dung này; hãy gọi cho hai nơi để hỏi."
        )
        check = LetterCheck.WRONG_STATION
    else:
        message = f"Phiếu hợp lệ: chữ ký đúng của {station.name}, nội dung còn nguyên."
        check = LetterCheck.VALID
    if content.shortened:
        message += " Mã chỉ mang phần chính, hãy đọc thêm trên tờ giấy."
    return VerifiedLetter(check=check, message=message, content=content, key_id=name)
